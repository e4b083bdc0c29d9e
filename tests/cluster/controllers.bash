# SPDX-License-Identifier: GPL-3.0-or-later
# For tests of the controller's faults: controllers of the test's own, outside pods, where they can be
# killed, frozen and cut off at any moment; what the API server's audit log says of them; slow sweeps.
# They have the rights of the installed one, which rests meanwhile, and look at $NS alone.
# shellcheck shell=bash

# Every token has its controller's name as id, and the audit log tells it. The API server takes one for
# another 60 s after its end, and looks at a known one every 10 s only.
sign_token() { # name seconds
    local now uid head body
    now=$(date +%s)
    uid=$(kubectl -n decksweep-system get serviceaccount decksweep-scheduler -o 'jsonpath={.metadata.uid}')
    text() { openssl base64 -A | tr '+/' '-_' | tr -d '=\n'; }
    head=$(printf '{"alg":"RS256","typ":"JWT"}' | text)
    body=$(printf '{"iss":"https://kubernetes.default.svc","aud":["https://kubernetes.default.svc"],"iat":%d,"nbf":%d,"exp":%d,"jti":"%s",
        "sub":"system:serviceaccount:decksweep-system:decksweep-scheduler","kubernetes.io":{"namespace":"decksweep-system",
        "serviceaccount":{"name":"decksweep-scheduler","uid":"%s"}}}' "$((now - 300))" "$((now - 300))" "$((now + $2))" "$1" "$uid" | text)
    echo "$head.$body.$(printf %s "$head.$body" | openssl dgst -sha256 -sign "$D/pki/sa.key" | text)"
}
write_kubeconfig() { # name [server]
    cat >"$1.kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${2:-https://127.0.0.1:$((P + 3))}", tls-server-name: localhost, certificate-authority: $D/pki/ca.crt}}]
users: [{name: u, user: {tokenFile: $PWD/$1.token}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
K
}
# NAME.log is this life's, NAME.port where its metrics are; $INSIDE goes before the command.
start_controller() { # name [option...]
    local name=$1 port
    shift
    [ -s "$name.token" ] || sign_token "$name" 3600 >"$name.token"
    [ -s "$name.kubeconfig" ] || write_kubeconfig "$name"
    [ -s "$name.port" ] || { find . -name '*.port' | wc -l | awk -v p="$P" '{print p + 9 + $1}' >"$name.port"; }
    port=$(cat "$name.port")
    # shellcheck disable=SC2086  # words
    ${INSIDE:-} "$DS_BUILD/decksweep-scheduler" run --kubeconfig "$name.kubeconfig" --agent-image localhost/decksweep:test \
        --namespaces "$NS" --lease-namespace decksweep-system --listen "127.0.0.1:$port" "$@" >"$name.log" 2>&1 3>&- &
    echo $! >"$name.pid"
}
is_running() { kill -0 "$(cat "$1.pid")" 2>/dev/null; }
signal_controller() { kill "-$2" "$(cat "$1.pid")"; }                  # name signal
kill_controller() { ended_with "$1" 137 KILL; } # name
ended_with() { # name status [signal]: waits until it is gone; the shell's own words about that go nowhere
    local rc=0 pid
    pid=$(cat "$1.pid")
    {
        [ -z "${3:-}" ] || kill "-$3" "$pid"
        wait "$pid" || rc=$?
    } 2>/dev/null
    rm -f "$1.pid"
    [ "$rc" -eq "$2" ] || { echo "controller $1 ended with $rc, not $2"; tail -n 5 "$1.log"; return 1; }
}
kill_controllers() {
    local file
    for file in "$WORK"/*.pid; do
        [ ! -e "$file" ] || kill -9 "$(cat "$file")" 2>/dev/null || true
    done
}
says() { grep -qF -- "$2" "$1.log"; } # name words
metric() { # name metric-with-labels: 0 where there is none
    {
        exec 4<>"/dev/tcp/127.0.0.1/$(cat "$1.port")"
        printf 'GET /metrics HTTP/1.0\r\n\r\n' >&4
        cat <&4
        exec 4>&-
    } 2>/dev/null | awk -v m="$2" '$1 == m {v = $2} END {print v + 0}'
}
# The installed controller, off and on.
rest_installed() {
    kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas=0 >/dev/null
    kubectl -n decksweep-system wait --for=delete pod -l app.kubernetes.io/name=decksweep-scheduler --timeout=60s >/dev/null
}
wake_installed() {
    kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas=1 >/dev/null
    kubectl -n decksweep-system rollout status deployment/decksweep-scheduler --timeout=90s >/dev/null
}

nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; } # milliseconds
utc() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }
audit() { python3 "$ROOT/tests/support/audit.py" "$D/log" "$@"; } # [since [until]]
writes() { awk -F'\t' '$3 !~ /^(get|list|watch)$/'; }
by() { awk -F'\t' -v w="$1" '$2 == w'; } # whose

# A sweep of N cases that sleep; the first four run in the census pod, the rest in a round.
slow_sweep() { # name cases seconds
    kn get configmap slow-deck >/dev/null 2>&1 ||
        kn create configmap slow-deck --from-literal=SHELL.DATA=$'RUNSPEC\nSUMMARY\nSCHEDULE\nRATE <RATE> /\nTSTEP\n 3*10 /\nEND\n' >/dev/null
    kn apply -f - >/dev/null <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: SHELL.DATA
  deckFrom: {configMap: slow-deck}
  parameters:
    RATE: {linspace: {from: 100, to: $((100 * $2)), count: $2}}
  design: {method: grid}
  simulator: {command: [/bin/sh, -c, 'sleep $3; exec /opt/sim/run "\$1"', sim, "{deck}"], judge: files, image: "localhost/shellsim:test"}
  results: {store: "pvc://results"}
  collect: {formats: [csv]}
Y
}
phase() { kn get sweep "$1" -o 'jsonpath={.status.phase}'; }
wait_for_job() { # sweep step (c1, r2, c2) seconds: made
    wait_for "$3" job_is_made "$1" "$2" || { echo "$1 has no Job of step $2 after $3 s"; return 1; }
}
job_is_made() { kn get jobs -l "decksweep.io/sweep=$1" -o name | grep -qE -- "-$2(-[0-9]+)?\$"; }

# Succeeded; every case committed once and run once; three Jobs (census, round, census) and as many pods,
# each made once; nothing left that could run.
came_out_right() { # sweep cases since
    local folder=$VOLUME/$1 made
    [ "$(kn get sweep "$1" -o 'jsonpath={.status.phase} {.status.totals.done}/{.status.totals.cases} {.status.totals.failed} {.status.progress}')" = "Succeeded $2/$2 0 $2/$2" ] ||
        { echo "$1:" && kn get sweep "$1" -o 'jsonpath={.status}'; return 1; }
    [ "$(find "$folder/cases" -name '*.tar.zst' | wc -l)" -eq "$2" ] || { echo "$1: cases:" && ls "$folder/cases"; return 1; }
    [ -z "$(ls "$folder/failed" 2>/dev/null)" ] || { echo "$1: failed:" && ls "$folder/failed"; return 1; }
    [ "$(cat "$folder"/rounds/*.*.json | grep -o '"ok":[0-9]*' | awk -F: '{n += $2} END {print n + 0}')" -eq "$2" ] || { echo "$1: not every case once:" && cat "$folder"/rounds/*.*.json; return 1; }
    [ "$(wc -l <"$folder/dataset/parameters.csv")" -eq $(($2 + 1)) ] || { echo "$1: dataset" && cat "$folder/dataset/parameters.csv"; return 1; }
    audit "$3" | awk -F'\t' -v s="$NS/$1-" '$3 == "create" && $6 == 201 && index($5, s) == 1 && ($4 == "jobs" || $4 == "pods/binding") {print $4, $5}' >"made-$1"
    made=$(awk '$1 != "jobs" {sub(/-[a-z0-9]*$/, "", $2)} {print $1, $2}' "made-$1" | sort)
    [ "$(wc -l <<<"$made") $(uniq <<<"$made" | wc -l) $(grep -c ^jobs <<<"$made")" = "6 6 3" ] || { echo "$1: made:" && cat "made-$1"; return 1; }
    wait_for 60 nothing_active "$1" || { echo "$1: still active:" && kn get jobs,pods -l "decksweep.io/sweep=$1"; return 1; }
}
nothing_active() {
    [ -z "$(kn get jobs -l "decksweep.io/sweep=$1" -o 'jsonpath={.items[*].status.active}')" ] &&
        [ -z "$(kn get pods -l "decksweep.io/sweep=$1" --field-selector=status.phase!=Succeeded -o name)" ]
}
