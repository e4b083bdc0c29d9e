#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What happens to pods, Jobs and ConfigMaps of a sweep on a real Kubernetes: each time nothing is lost,
# nothing is there twice, and the status ends right. The simulator is a script on the claim; cases
# wait for files there, so that a fault comes at a known moment.
# shellcheck disable=SC2016  # scripts for the simulator's shell

setup_file() {
    load common
    file_namespace
}
teardown_file() {
    load common
    kubectl delete namespace "$NS-quota" "$NS-leave" --wait=false >/dev/null 2>&1 || true
    drop_namespace
}
setup() {
    load common
    enter_work
}
teardown() {
    tell_failure
    if [ -z "${BATS_TEST_COMPLETED:-}" ]; then # what it left would keep the others from their CPUs
        kn delete sweeps --all --wait=false >/dev/null 2>&1 || true
        start_part containerd kubelet
    fi
    leave_work
}

# A case is a RATE. The script writes each start into SWEEP.starts, does what it is told, then simulates.
fault_sweep() { # name rates script [more of spec]; $IMAGE, $WALL, $RESOURCES
    cat >"$VOLUME/$1.sim" <<S
while read -r word rate rest; do [ "\$word" = RATE ] && break; done <"\$1"
echo "\$rate" >>/store/$1.starts
$3
. /opt/sim/run
S
    kn apply -f - <<Y
apiVersion: v1
kind: ConfigMap
metadata: {name: $1-deck}
data:
  SHELL.DATA: |
    RUNSPEC
    SUMMARY
    SCHEDULE
    RATE <RATE> /
    TSTEP
     3*10 /
    END
---
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: SHELL.DATA
  deckFrom: {configMap: $1-deck}
  parameters: {RATE: {values: [$2]}}
  design: {method: grid}
  simulator:
    command: [${COMMAND:-/bin/sh, /store/$1.sim}, "{deck}"]
    judge: files
    image: ${IMAGE:-localhost/shellsim:test}
    wallTime: ${WALL:-10m}
  results: {store: "pvc://results"}
  collect: {formats: [csv]}
  resources: {memory: 32MiB, pilot: ${PILOT:-0}}
${4:-"  cluster: {workerCores: 1}"}
Y
}

case_keys() { find "$VOLUME/$1/cases" -name '*.tar.zst' -printf '%f\n' 2>/dev/null; }   # sweep
failed_keys() { find "$VOLUME/$1/failed" -name '*.tar.zst' -printf '%f\n' 2>/dev/null; } # sweep
has_cases() { [ "$(case_keys "$1" | wc -l)" -ge "$2" ]; }                                # sweep number
has_starts() { [ "$(wc -l <"$VOLUME/$1.starts")" -ge "$2" ]; }                           # sweep number
running() { kn get pods -l "decksweep.io/sweep=$1,decksweep.io/kind=${2:-round}" --field-selector status.phase=Running -o name; }
runs() { [ -n "$(running "$@")" ]; } # sweep [kind]
nothing_active() { # sweep: neither pods nor Jobs
    [ -z "$(kn get pods -l "decksweep.io/sweep=$1" --field-selector status.phase!=Succeeded,status.phase!=Failed -o name)" ] &&
        [ -z "$(kn get jobs -l "decksweep.io/sweep=$1" -o 'jsonpath={range .items[?(@.status.active>0)]}{.metadata.name} {end}')" ]
}
# The end of a sweep: its phase; every case that is done has one archive; the dataset has them all; no pod left.
ended() { # sweep phase done failed seconds
    wait_for_phase "$1" "$2" "$5"
    [ "$(field "sweep/$1" '{.status.totals.done}')" = "$3" ]
    local n
    n=$(field "sweep/$1" '{.status.totals.failed}')
    [ "${n:-0}" = "$4" ]
    [ "$(case_keys "$1" | wc -l)" -eq "$3" ]
    [ "$(case_keys "$1" | cut -d. -f1 | sort -u | wc -l)" -eq "$3" ]
    [ "$(grep -c '^2015-01-31' "$VOLUME/$1/dataset/summary.csv")" -eq "$3" ]
    wait_for 60 nothing_active "$1"
}
starts_of() { grep -cx "$2" "$VOLUME/$1.starts"; } # sweep rate

# Processes as this machine numbers them: the simulator of a case, and its worker, which is process 1 of its pod.
simulator_of() { # sweep rate
    local pid
    for pid in $(pgrep -f "^/bin/sh /store/$1.sim "); do
        if grep -qF "$CG/" "/proc/$pid/cgroup" && grep -qx "RATE $2 /" "/proc/$pid/cwd/SHELL.DATA"; then
            echo "$pid"
            return
        fi
    done
    return 1
}
worker_of() { # sweep rate
    local pid
    pid=$(simulator_of "$1" "$2") || return 1
    until grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; do
        pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
    done
    echo "$pid"
}

@test "workers deleted and evicted at random again and again: every case is there, once" {
    fault_sweep gone 1,2,3,4,5,6,7,8 'sleep 2'
    for i in 1 2 3 4 5 6; do
        wait_for 90 runs gone
        pod=$(running gone | shuf -n 1)
        if [ $((i % 2)) -eq 0 ]; then
            kn delete "$pod" --wait=false
        else
            pod=${pod#pod/}
            echo '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"'"$pod"'"}}' |
                kubectl create --raw "/api/v1/namespaces/$NS/pods/$pod/eviction" -f - || true
        fi
        sleep 1
    done
    ended gone Succeeded 8 0 180
    has_starts gone 9
    [ -z "$(failed_keys gone)" ]
}

@test "a worker evicted by the kubelet for its disk is replaced" {
    # /tmp is not the worker's scratch: the worker cannot know, the kubelet does.
    fault_sweep disk 1,2 'if [ "$rate" = 2 ] && mkdir /store/disk.once 2>/dev/null; then
    cd /tmp
    cat /bin/* >x
    for i in 1 2 3 4 5 6; do cat x x >y; mv y x; done
    while [ ! -e /store/disk.enough ]; do cat x >>y; sleep 0.1; done
    sleep 1000
fi'
    wait_for 120 has_event disk-.*-r1-0-1-.* Evicted
    touch "$VOLUME/disk.enough"
    ended disk Succeeded 2 0 120
    [ "$(starts_of disk 2)" -eq 2 ]
    [ "$(starts_of disk 1)" -eq 1 ]
    [ -z "$(failed_keys disk)" ]
}
has_event() { kn get events -o 'jsonpath={range .items[*]}{.reason} {.involvedObject.name}{"\n"}{end}' | grep -qE "^$2 $1"; } # name reason

@test "a case that eats memory comes back in a bigger shape, or fails as out of memory; its worker's end is no loss" {
    fault_sweep eat 1,2,3,4 'eat() { x=0123456789abcdef; while [ ${#x} -lt $1 ]; do x=$x$x; done; echo eaten; }
case $rate in
2) eat 16777216 ;;
3) [ -e /store/eat.3 ] || { echo >/store/eat.3; until [ -e /store/eat.go ]; do sleep 0.1; done; }
   eat 1073741824 ;;
4) if mkdir /store/eat.4 2>/dev/null; then
       echo 0 >/proc/self/oom_score_adj
       until [ -e /store/eat.go4 ]; do sleep 0.1; done
       eat 1073741824
   fi ;;
esac' '  cluster: {workerCores: 1}
  failure: {retries: {out-of-memory: 1}}'
    # Case 3: its worker is asleep, so that the kernel is there first. Case 4: the kernel shall take the worker.
    wait_for 90 test -e "$VOLUME/eat.3"
    pid=$(worker_of eat 3)
    kill -STOP "$pid"
    touch "$VOLUME/eat.go"
    wait_for 60 is_killed eat 3
    kill -CONT "$pid"
    wait_for 90 test -e "$VOLUME/eat.4"
    pid=$(worker_of eat 4)
    echo 1000 >"/proc/$pid/oom_score_adj"
    kill -STOP "$pid"
    touch "$VOLUME/eat.go4"
    wait_for 60 has_oom_killed eat
    ended eat Failed 3 1 240
    [ "$(failed_keys eat | cut -d. -f1 | sort -u | wc -l)" -eq 2 ] # of cases 2 and 3
    [ "$(failed_keys eat | cut -d. -f2,3 | sort | paste -sd' ')" = "1.out-of-memory-32 1.out-of-memory-32 2.out-of-memory-64" ]
    [ "$(starts_of eat 1) $(starts_of eat 2) $(starts_of eat 3) $(starts_of eat 4)" = "1 2 2 2" ]
    run decksweep ls "$VOLUME/eat" --failed
    [[ $output == *out-of-memory* ]] || { echo "$output"; false; }
}
is_killed() { ! simulator_of "$1" "$2"; }
has_oom_killed() { [[ $(kn get pods -l "decksweep.io/sweep=$1" -o 'jsonpath={.items[*].status.containerStatuses[*].state.terminated.reason}') == *OOMKilled* ]]; }

@test "a case that kills its pod is found, and its neighbours finish" {
    PILOT=1 fault_sweep deadly 1,2,3,4,5 'if [ $rate = 3 ]; then echo >/store/kill; sleep 1000; fi
sleep 0.5' '  failure: {retries: {lost: 1}}'
    end=$((SECONDS + 240)) kills=0
    until [ "$(field sweep/deadly '{.status.phase}')" = Failed ]; do
        [ "$SECONDS" -lt "$end" ]
        if [ -e "$VOLUME/kill" ]; then
            rm "$VOLUME/kill"
            kill -KILL "$(worker_of deadly 3)"
            kills=$((kills + 1))
        fi
        sleep 0.3
    done
    ended deadly Failed 4 1 60
    echo "$kills pods were killed"
    # The first death has no marker; then two attempts are lost, in markers.
    [ "$kills" -eq 3 ]
    [ "$(field sweep/deadly '{.status.totals.verdicts.lost}')" = 1 ]
    [ "$(find "$VOLUME/deadly/started" -type f | wc -l)" -ge 2 ]
    run decksweep ls "$VOLUME/deadly" --failed
    [[ $output == *lost* ]] || { echo "$output"; false; }
}

@test "a simulator that is missing in the image is said within a minute, with what to do" {
    COMMAND=/opt/none/run fault_sweep missing 1,2,3 ''
    wait_for_field sweep/missing '{.status.phase}' Refused 60
    run field sweep/missing '{.status.message}'
    [[ $output == */opt/none/run*image* ]] || { echo "$output"; false; }
}


@test "a simulator that goes missing in mid-round ends the round at once, and is said" {
    printf '#!/bin/sh\n. /store/own.sim\n' >"$VOLUME/simulator"
    chmod 755 "$VOLUME/simulator"
    COMMAND=/store/simulator fault_sweep own 1,2,3 '[ $rate = 1 ] || [ -e /store/own.go ] || sleep 1000'
    wait_for 90 has_cases own 1
    wait_for 60 has_starts own 3
    mv "$VOLUME/simulator" "$VOLUME/away"
    kn delete pod -l decksweep.io/sweep=own,decksweep.io/kind=round --field-selector status.phase=Running --wait=false
    wait_for 60 has_round_text own 'simulator is missing in the image'
    wait_for 60 has_message own '/store/simulator: there is no such program'
    # There again: an edit, as a suspend and resume, goes on where it was.
    mv "$VOLUME/away" "$VOLUME/simulator"
    touch "$VOLUME/own.go"
    kn patch sweep own --type=merge -p '{"spec":{"run":"Suspended"}}'
    wait_for_phase own Suspended 30
    kn patch sweep own --type=merge -p '{"spec":{"run":"Active"}}'
    ended own Succeeded 3 0 120
    [ "$(starts_of own 1)" -eq 1 ]
}
has_message() { [[ $(field "sweep/$1" '{.status.message}') == *"$2"* ]]; }             # sweep words
has_round_text() { [[ $(field "sweep/$1" '{.status.rounds[*].text}') == *"$2"* ]]; }   # sweep words

@test "no node, no image, no quota: said within a minute in Kubernetes' words, and the sweeps go on once mended" {
    local name=$NS-quota
    "$CLUSTER/namespace" "$name" >/dev/null 2>&1
    kubectl -n "$name" create quota none --hard=pods=0
    (NS=$name VOLUME=$D/volumes/$name fault_sweep quota 1,2 '')
    fault_sweep noroom 1,2 '' '  cluster: {workerCores: 1, nodeSelector: {pool: far-away}}'
    IMAGE=localhost/nowhere:test fault_sweep noimage 1,2 ''
    wait_for 60 says_not noroom Unschedulable "didn't match Pod's node affinity/selector"
    wait_for 60 says_not noimage 'Err*Pull|ImagePullBackOff' localhost/nowhere:test
    NS=$name wait_for 60 says_not quota FailedCreate 'exceeded quota: none'
    kubectl label node "$NODE" pool=far-away
    kn patch sweep noimage --type=merge -p '{"spec":{"simulator":{"image":"localhost/shellsim:test"}}}'
    kubectl -n "$name" delete quota none
    ended noroom Succeeded 2 0 120
    ended noimage Succeeded 2 0 120
    kubectl label node "$NODE" pool-
    NS=$name VOLUME=$D/volumes/$name ended quota Succeeded 2 0 240
}
says_not() { # sweep reason words: Schedulable is False and says that
    [[ $(field "sweep/$1" '{range .status.conditions[?(@.type=="Schedulable")]}{.status} {.reason} {.message}{end}') =~ ^False\ ($2)\ .*"$3" ]]
}

@test "Jobs and the deck deleted by hand, by turns: the next census sees to it" {
    fault_sweep hand 1,2,3,4 '[ $rate = 1 ] || until [ -e /store/hand.go ]; do sleep 0.2; done'
    # The first census as soon as it is there, its deck with it.
    wait_for 60 job_of hand census
    kn delete "$(job_of hand census)" --wait=false
    wait_for 90 has_cases hand 1
    wait_for 60 runs hand
    kn delete "$(job_of hand round)" --wait=false
    wait_for 90 has_round hand 2
    wait_for 60 runs hand
    # A deck by hand is what the user says now: without it no census, and that is said.
    kn get configmap hand-deck -o json | sed -e '/resourceVersion/d' -e '/"uid"/d' >deck.json
    kn delete configmap hand-deck
    kn delete "$(job_of hand round)" --wait=false
    wait_for_condition sweep/hand BundleReady False 60
    wait_for 30 has_message hand 'waits for ConfigMap hand-deck'
    kn apply -f deck.json
    touch "$VOLUME/hand.go"
    ended hand Succeeded 4 0 180
    [ "$(starts_of hand 1)" -eq 1 ]
    [ -z "$(failed_keys hand)" ]
}
job_of() { kn get jobs -l "decksweep.io/sweep=$1,decksweep.io/kind=$2" -o 'jsonpath={range .items[?(@.status.active>0)]}job/{.metadata.name}{end}' | grep .; } # sweep kind
has_round() { [ "$(field "sweep/$1" '{.status.rounds[-1:].number}')" = "$2" ]; }

@test "a submitted deck deleted by hand: before the census it is waited for, and brought again; afterwards nobody needs it" {
    printf 'RUNSPEC\nSUMMARY\nSCHEDULE\nRATE <RATE> /\nTSTEP\n 3*10 /\nEND\n' >SHELL.DATA
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: late}
spec:
  run: Suspended
  deck: SHELL.DATA
  parameters: {RATE: {values: [1, 2]}}
  design: {method: grid}
  simulator: {command: [/opt/sim/run, "{deck}"], judge: files, image: "localhost/shellsim:test"}
  results: {store: "pvc://results"}
  collect: {formats: [csv]}
Y
    DECKSWEEP_SIMULATOR_IMAGE=localhost/shellsim:test decksweep submit sweep.yaml -n "$NS"
    wait_for_phase late Suspended 30
    kn delete configmap -l decksweep.io/sweep=late,decksweep.io/kind=bundle
    sed -i 's/run: Suspended/run: Active/' sweep.yaml
    kn patch sweep late --type=merge -p '{"spec":{"run":"Active"}}'
    wait_for_condition sweep/late BundleReady False 60
    wait_for 30 has_message late 'waits for ConfigMap late-'
    DECKSWEEP_SIMULATOR_IMAGE=localhost/shellsim:test decksweep submit sweep.yaml -n "$NS"
    ended late Succeeded 2 0 120
    kn delete configmap -l decksweep.io/sweep=late,decksweep.io/kind=bundle
    kn patch sweep late --type=merge -p '{"spec":{"parameters":{"RATE":{"values":[1,2,3]}}}}'
    wait_for_field sweep/late '{.status.totals.cases}' 3 90
    ended late Succeeded 3 0 120
}

@test "suspend, resume and cancel in mid-round: what is done stays, workers end, what is left runs later" {
    fault_sweep pause 1,2,3 '[ $rate = 1 ] || until [ -e /store/pause.go ]; do sleep 0.2; done'
    wait_for 90 has_starts pause 3
    wait_for 60 has_cases pause 1
    decksweep suspend pause -n "$NS"
    wait_for_phase pause Suspended 30
    wait_for 90 nothing_active pause
    [ -z "$(kn get jobs -l decksweep.io/sweep=pause,decksweep.io/kind=round -o name)" ]
    [ "$(case_keys pause | wc -l)" -eq 1 ]
    decksweep resume pause -n "$NS"
    wait_for 90 has_starts pause 4
    decksweep cancel pause -n "$NS"
    wait_for_phase pause Cancelled 30
    wait_for 90 nothing_active pause
    [ "$(case_keys pause | wc -l)" -eq 1 ]
    touch "$VOLUME/pause.go"
    decksweep resume pause -n "$NS"
    ended pause Succeeded 3 0 120
    [ "$(starts_of pause 1)" -eq 1 ]
    [ -z "$(failed_keys pause)" ]
}

@test "maxFailed ends a sweep early and keeps what is done; wall time ends a case" {
    fault_sweep bad 1,2,3,4,5,6,7,8 'case $rate in 2 | 3) exit 3 ;; [4-8]) until [ -e /store/bad.go ]; do sleep 0.2; done ;; esac' \
        '  cluster: {workerCores: 1}
  failure: {maxFailed: 1, retries: {crashed: 0}}'
    wait_for_phase bad Failed 120
    [[ $(field sweep/bad '{.status.message}') == *maxFailed* ]]
    [ "$(field sweep/bad '{.status.totals.failed}')" -eq 2 ]
    [ "$(case_keys bad | wc -l)" -le 1 ]
    wait_for 90 nothing_active bad
    # The decision stands; a larger limit goes on with what is left.
    touch "$VOLUME/bad.go"
    kn patch sweep bad --type=merge -p '{"spec":{"failure":{"maxFailed":"off"}}}'
    wait_for_field sweep/bad '{.status.totals.done}' 6 120
    ended bad Failed 6 2 60
    [ "$(starts_of bad 2)$(starts_of bad 3)" = 11 ]

    WALL=3s fault_sweep slow 1,2 '[ $rate = 1 ] || sleep 1000'
    ended slow Failed 1 1 120
    [ "$(failed_keys slow | cut -d. -f2,3)" = 1.timeout-3 ]
    [ "$(field sweep/slow '{.status.totals.verdicts.timeout}')" = 1 ]
}

@test "a Sweep deleted in mid-round takes Jobs, pods and ConfigMaps with it and leaves the results, which the next one uses" {
    fault_sweep drop 1,2,3 '[ $rate = 1 ] || until [ -e /store/drop.go ]; do sleep 0.2; done'
    wait_for 90 has_starts drop 3
    wait_for 60 has_cases drop 1
    kn delete sweep drop --timeout=60s
    wait_for 120 nothing_of drop
    [ "$(case_keys drop | wc -l)" -eq 1 ]
    touch "$VOLUME/drop.go"
    fault_sweep drop 1,2,3 ''
    ended drop Succeeded 3 0 120
    [ "$(starts_of drop 1)" -eq 1 ]
}
nothing_of() { [ -z "$(kn get jobs,pods,configmaps -l "decksweep.io/sweep=$1" -o name)" ]; }

@test "a namespace is deleted under a sweep that runs: it goes" {
    local name=$NS-leave
    "$CLUSTER/namespace" "$name" >/dev/null 2>&1
    (NS=$name VOLUME=$D/volumes/$name fault_sweep leave 1,2 'sleep 1000')
    wait_for 90 test -s "$D/volumes/$name/leave.starts"
    kubectl delete namespace "$name" --timeout=200s
}

two_run() { [ "$(running "$1" | wc -l)" -eq 2 ] && has_cases "$1" 1; } # sweep
@test "kubelet and containerd gone in mid-round, for good: the round is given up and said; they come back: the sweep ends" {
    fault_sweep node 1,2,3 '[ $rate = 1 ] || until [ -e /store/node.go ]; do sleep 0.2; done'
    wait_for 90 has_starts node 3
    wait_for 60 two_run node
    stop_part -9 kubelet
    stop_part -9 containerd
    # What the node's own taint does after its minute, with a short grace.
    kn delete pod -l decksweep.io/sweep=node,decksweep.io/kind=round --field-selector status.phase=Running --grace-period=1 --wait=false
    wait_for 150 has_round_text node 'nodes are gone'
    touch "$VOLUME/node.go"
    start_part containerd kubelet
    ended node Succeeded 3 0 240
    [ "$(starts_of node 1)" -eq 1 ]
    [ -z "$(failed_keys node)" ]
}
