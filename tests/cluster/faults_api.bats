#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The controller and the API server under faults, on a real Kubernetes: whatever dies, hangs, lies or is cut
# off between them, sweeps end right, with nothing lost and nothing done twice (the audit log tells).
# Random moments come from one seed, which is printed: DS_SEED=N repeats them.

setup_file() {
    load common
    load controllers
    file_namespace
    rest_installed
    SEED=${DS_SEED:-$((RANDOM * 32768 + RANDOM))}
    export SEED
}
teardown_file() {
    load common
    load controllers
    drop_namespace
    wake_installed
}
setup() {
    load common
    load controllers
    enter_work
    SINCE=$(utc)
    RANDOM=$SEED
}
teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 20 "$WORK"/*.log
    tell_failure
    storm delete >/dev/null 2>&1 || true # a test that failed within it must not leave it to the others
    kill_controllers
    ip link del "dsv$P" 2>/dev/null || true
    leave_work
}

all_succeeded() { # sweep...
    local name
    for name; do [ "$(phase "$name")" = Succeeded ] || return 1; done
}

@test "killed at random moments, again and again: every sweep ends right, no Job is made twice" {
    local kills=0 end=$((SECONDS + 240)) writes
    echo "# seed $SEED" >&3
    slow_sweep kill-a 7 1
    slow_sweep kill-b 6 0
    slow_sweep kill-c 6 2
    until all_succeeded kill-a kill-b kill-c; do
        [ $SECONDS -lt $end ]
        start_controller killed --no-leader-election
        # Half of them right after the caches are full, which is when it writes.
        [ $((RANDOM % 2)) -eq 0 ] || wait_for 30 says killed "caches are filled"
        nap $((RANDOM % 900))
        kill_controller killed
        kills=$((kills + 1))
    done
    writes=$(audit "$SINCE" | by killed | writes | wc -l)
    echo "# killed $kills times between its $writes writes" >&3
    [ "$kills" -ge 8 ]
    # One that lives tidies up: every Job gets the time after which Kubernetes deletes it.
    start_controller tidy --no-leader-election
    wait_for 30 no_job_without_ttl
    came_out_right kill-a 7 "$SINCE"
    came_out_right kill-b 6 "$SINCE"
    came_out_right kill-c 6 "$SINCE"
}
no_job_without_ttl() {
    ! kn get jobs -o 'jsonpath={range .items[*]}{.spec.ttlSecondsAfterFinished}{" "}{.metadata.name}{"\n"}{end}' | grep -q '^ '
}

@test "two that act at once, without a Lease, do nothing twice" {
    start_controller twin-a --no-leader-election
    start_controller twin-b --no-leader-election
    wait_for 30 says twin-a "caches are filled"
    wait_for 30 says twin-b "caches are filled"
    slow_sweep twice-a 6 0
    slow_sweep twice-b 7 1
    wait_for_phase twice-a Succeeded 120
    wait_for_phase twice-b Succeeded 120
    came_out_right twice-a 6 "$SINCE"
    came_out_right twice-b 7 "$SINCE"
    # Both were at work.
    [ "$(audit "$SINCE" | by twin-a | writes | wc -l)" -gt 0 ]
    [ "$(audit "$SINCE" | by twin-b | writes | wc -l)" -gt 0 ]
    echo "# answered with a conflict: $(audit "$SINCE" | awk -F'\t' '$2 ~ /^twin-/ && $6 == 409' | wc -l)" >&3
}

@test "a leader frozen past its Lease is replaced, and woken again writes nothing" {
    local began woken
    echo "# seed $SEED" >&3
    start_controller first
    wait_for 60 says first "leading as"
    start_controller second
    wait_for 30 says second "caches are filled"
    slow_sweep frozen 7 1
    wait_for_job frozen c1 30
    nap $((RANDOM % 3000))
    signal_controller first STOP
    began=$SECONDS
    [ -z "$(audit "$SINCE" | by second | writes)" ] # the second only looks on
    wait_for 60 says second "leading as"
    echo "# replaced after $((SECONDS - began)) s" >&3
    wait_for_job frozen r2 60
    woken=$(utc)
    signal_controller first CONT
    wait_for 20 says first "the Lease is lost"
    wait_for_phase frozen Succeeded 120
    came_out_right frozen 7 "$SINCE"
    [ -z "$(audit "$woken" | by first | writes)" ] || { audit "$woken" | by first | writes; false; }

    # Told to end, a leader hands over at once, and what it had begun goes on.
    slow_sweep handed 6 1
    wait_for_job handed c1 30
    began=$SECONDS
    ended_with second 0 TERM
    wait_for 12 leads first
    echo "# handed over within $((SECONDS - began)) s" >&3
    wait_for_phase handed Succeeded 120
    came_out_right handed 6 "$SINCE"
}
leads() { [ "$(metric "$1" decksweep_leader)" = 1 ]; }

# What a watch from an old version is told: {"type":"ERROR", ... "code":410}, within a 200.
watch_from() { kubectl get --raw "/apis/batch/v1/namespaces/$NS/jobs?watch=1&timeoutSeconds=3&resourceVersion=$1"; }
compact_etcd() {
    local revision
    revision=$(python3 - "$P" <<'Y'
import json, sys, urllib.request
def ask(path, **body):
    return json.load(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/v3/kv/{path}", json.dumps(body).encode()))
revision = ask("range", key="Lw==")["header"]["revision"]
ask("compaction", revision=revision)
print(revision)
Y
    )
    [ "$revision" -gt 0 ]
}

@test "the API server killed in mid-sweep, and watches too old for it (410 in a 200): the sweep goes on" {
    local old relists kind
    start_controller deaf --no-leader-election
    slow_sweep deaf 8 2
    wait_for_job deaf c1 30
    stop_part -9 apiserver
    nap 1500
    start_part apiserver 3>&-
    wait_for_job deaf r2 90
    is_running deaf

    # Frozen while the round ends, the API server changes and the past is thrown away.
    old=$(kubectl get --raw "/apis/batch/v1/namespaces/$NS/jobs?limit=1" | grep -o '"resourceVersion":"[0-9]*"' | head -n 1 | tr -dc 0-9)
    signal_controller deaf STOP
    stop_part apiserver
    DS_APISERVER_ARGS=--watch-cache=false start_part apiserver 3>&-
    wait_for_field "$(kn get jobs -l decksweep.io/sweep=deaf -o name | grep -- -r2-)" '{.status.succeeded}' 1 90
    kn create configmap something-else --from-literal=a=b
    compact_etcd
    run watch_from "$old"
    [[ $output == *'"type":"ERROR"'*'"code":410'* ]] || { echo "$output"; false; }
    signal_controller deaf CONT
    wait_for_phase deaf Succeeded 120
    for kind in sweeps jobs pods configmaps; do
        relists=$(metric deaf "decksweep_watch_relists_total{kind=\"$kind\"}")
        echo "# $kind: listed $relists times" >&3
        [ "$relists" -ge 2 ]
        [ "$relists" -le 5 ]
    done
    came_out_right deaf 8 "$SINCE"
    # Just started it refuses for a moment what it will allow: nobody is troubled with that.
    [ -z "$(kn get events --field-selector reason=ApiServerRefuses -o name)" ]
    restore_apiserver
}
restore_apiserver() {
    stop_part apiserver
    start_part apiserver 3>&-
}

# A priority level without shares: it takes one request at a time, and turns away the others with 429; a
# request that never sends its body takes that one place for up to a minute.
take_place() {
    local token
    token=$(sign_token hog 600)
    {
        printf 'POST /api/v1/namespaces/%s/configmaps?dryRun=All HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n' "$NS" "$token"
        printf 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'
        exec sleep 50
    } 3>&- | openssl s_client -quiet -connect "127.0.0.1:$((P + 3))" >hog.log 2>&1 3>&- &
    echo $! >hog.pid
}
storm() { # apply or delete
    kubectl "$1" -f - <<'Y'
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: storm}
spec:
  type: Limited
  limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: storm}
spec:
  priorityLevelConfiguration: {name: storm}
  matchingPrecedence: 140
  rules:
  - subjects: [{kind: ServiceAccount, serviceAccount: {name: decksweep-scheduler, namespace: decksweep-system}}]
    resourceRules: [{apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true, verbs: ['*']}]
Y
}
turned_away() { audit "$SINCE" | awk -F'\t' -v w="$1" '$2 == w && $6 == 429' | wc -l; }
has_been_turned_away() { [ "$(turned_away "$1")" -gt 0 ]; }

@test "a storm of 429: nothing spins, and the sweep goes on when it is over" {
    local began lifted n
    start_controller stormy --no-leader-election
    slow_sweep storm 7 1
    wait_for_job storm c1 30
    began=$(utc)
    storm apply
    take_place
    start_controller newcomer --no-leader-election # one whose every list is turned away
    wait_for 60 has_been_turned_away newcomer
    wait_for 60 has_been_turned_away stormy # and one that would write
    sleep 20
    lifted=$(utc)
    for n in stormy newcomer; do
        echo "# $n: $(audit "$began" "$lifted" | by "$n" | wc -l) requests in the storm, $(turned_away "$n") turned away" >&3
        [ "$(audit "$began" "$lifted" | by "$n" | wc -l)" -le 150 ]
    done
    [ "$(phase storm)" != Succeeded ]
    run says newcomer "caches are filled"
    [ "$status" -ne 0 ]
    storm delete
    began=$SECONDS
    wait_for_phase storm Succeeded 150
    echo "# done $((SECONDS - began)) s after the storm" >&3
    wait_for 90 says newcomer "caches are filled"
    came_out_right storm 7 "$SINCE"
}

# A network of its own, on the cluster's bridge, whose cable can be pulled; a forwarder at the bridge's
# address leads to the API server.
make_island() {
    local veth=dsv$P
    ip link del "$veth" 2>/dev/null || true # of a run that was killed
    unshare --net sleep 1000 3>&- &
    ISLAND=$!
    echo "$ISLAND" >island.pid
    wait_for 5 other_network "$ISLAND"
    ip link add "$veth" type veth peer name eth0 netns "$ISLAND"
    ip link set "$veth" master "$BRIDGE" up
    nsenter -t "$ISLAND" -n ip link set lo up
    nsenter -t "$ISLAND" -n ip addr add "$SUBNET.254/24" dev eth0
    nsenter -t "$ISLAND" -n ip link set eth0 up
    python3 "$ROOT/tests/support/forward.py" "$GATEWAY" $((P + 15)) 127.0.0.1 $((P + 3)) 3>&- &
    echo $! >forward.pid
    export INSIDE="nsenter -t $ISLAND -n"
}
other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
cable() { ip link set "dsv$P" "$1"; } # down, up

# Two faults at a time, each in a namespace and with a controller of its own.
@test "the network cut for 45 s, or a token that is replaced too late: the controller goes on where it was" {
    local cut refused other=$NS-late
    "$CLUSTER/namespace" "$other" >/dev/null 2>&1
    make_island
    write_kubeconfig island "https://$GATEWAY:$((P + 15))"
    write_kubeconfig leader "https://$GATEWAY:$((P + 15))"
    sign_token late -35 >late.token # 25 s from now on
    start_controller island --no-leader-election
    start_controller leader
    INSIDE='' NS=$other start_controller late --no-leader-election
    wait_for 20 says late "caches are filled"
    wait_for 30 says island "caches are filled"
    wait_for 60 says leader "leading as"
    slow_sweep cut 8 1
    wait_for_job cut c1 30
    cut=$(utc)
    cable down
    sleep 33
    NS=$other slow_sweep token 6 0
    wait_for 60 says late "the token expired at"
    sleep 12
    says leader "the Lease is lost"
    [ -z "$(audit "$cut" | awk -F'\t' '$2 == "island" || $2 == "leader"')" ]
    [ "$(phase cut)" != Succeeded ]
    refused=$(audit "$cut" | awk -F'\t' '$6 == 401' | wc -l)
    echo "# requests refused for the old token: $refused" >&3
    [ "$refused" -gt 0 ]
    [ "$refused" -le 60 ]
    [ -z "$(NS=$other phase token)" ]

    sign_token late 3600 >new.token
    mv new.token late.token
    cable up
    cut=$SECONDS
    wait_for_phase cut Succeeded 150
    echo "# done $((SECONDS - cut)) s after the cut" >&3
    came_out_right cut 8 "$SINCE"
    is_running island
    is_running leader
    NS=$other wait_for_phase token Succeeded 120
    NS=$other VOLUME=$D/volumes/$other came_out_right token 6 "$SINCE"
    kubectl delete namespace "$other" --wait=false
}

# /proc/PID/stat: user and system time in ticks of 10 ms.
cpu_ticks() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; }
installed_pid() { pgrep -f "^/decksweep/bin/decksweep-scheduler .*--listen=127.0.0.1:$((P + 8))"; }

@test "killed in its pod it comes back; a quiet cluster sees no write but the Lease's" {
    local pid pod began ticks sweeps writes others
    wake_installed
    slow_sweep quiet 6 1
    wait_for_job quiet c1 60
    kill -9 "$(installed_pid)"
    wait_for_phase quiet Succeeded 150
    came_out_right quiet 6 "$SINCE"
    wait_for 60 no_job_without_ttl

    sleep 8 # a last status may have waited 5 s
    pod=$(controller_pod)
    pid=$(installed_pid)
    sweeps=$(kn get sweeps -o name | wc -l)
    began=$(utc)
    ticks=$(cpu_ticks "$pid")
    sleep 30
    ticks=$(($(cpu_ticks "$pid") - ticks))
    audit "$began" | by "${pod#pod/}" >seen
    writes=$(writes <seen | wc -l)
    others=$(writes <seen | awk -F'\t' '$4 != "leases"')
    echo "# 30 s, $sweeps finished sweeps: $writes writes to the Lease, $(wc -l <seen) requests, $((ticks * 10)) ms CPU, $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$pid/status") MB resident" >&3
    [ "$writes" -ge 5 ]
    [ -z "$others" ] || { echo "$others"; false; }
    [ "$ticks" -le 60 ]
    rest_installed
}
