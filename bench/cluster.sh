#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# cluster: CASES (1,000) cases of a do-nothing simulator as a Sweep on the test cluster, against one plain
# Indexed Job with a pod a case (same image, 10m CPU, parallelism 100, same node). Wall from `kubectl
# apply` to the final status; API requests are those of everybody in the API server's audit log, less
# the idle cluster's. Asked for: wall at most 4 x the seconds of a Job with one pod + 10 ms a case; 0.22
# requests a case. PLAIN=0 leaves the long plain Job out.
set -euo pipefail
cd "$(dirname "$0")/.."
cases=${CASES:-1000}
plain=${PLAIN:-$cases}
reason=$(tests/cluster/can_run) || { echo "cluster: cannot be measured here: $reason"; exit 0; }
work=$PWD/$(mktemp -d -p build bench-cluster.XXXXXX)
if [ -z "${DS_CLUSTER_DIR:-}" ]; then
    DS_CLUSTER_DIR=$(mktemp -d /var/lib/decksweep-test.XXXXXX)
    export DS_CLUSTER_DIR DS_CLUSTER_OWNER=$$
    ours=yes
fi
cleanup() {
    if [ -n "${ours:-}" ]; then tests/cluster/down; else tests/cluster/namespace --delete "$ns" 2>/dev/null; fi
    rm -rf "$work"
}
trap cleanup EXIT
tests/cluster/start "$DS_BUILD" >/dev/null 2>"$work/start.log" || { cat "$work/start.log" >&2; exit 1; }
# shellcheck source=tests/cluster/names.sh
. tests/cluster/names.sh
export KUBECONFIG=$D/admin.kubeconfig
ns=bench-$$
tests/cluster/namespace "$ns" >/dev/null 2>&1
kubectl() { "$B/kube" kubectl -n "$ns" "$@"; }

mkdir -p "$work/root/bin" "$work/root/tmp"
chmod 1777 "$work/root/tmp"
cp "$DS_BUILD/support/quicksim" "$work/root/bin/"
cp /bin/busybox "$work/root/bin/busybox"
ln -s busybox "$work/root/bin/sh"
tests/cluster/mkimage "$work/root" localhost/quicksim:bench "$work/quicksim.tar" >/dev/null
tests/cluster/load "$work/quicksim.tar"

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.3f", b - a}'; }
# Requests that the API server received between two times (seconds), watches counted once.
requests() { # from to
    python3 - "$1" "$2" "$D"/log/audit*.jsonl <<'P'
import datetime, json, sys
low, high = (datetime.datetime.fromtimestamp(float(t), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for t in sys.argv[1:3])
seen = set()
for name in sys.argv[3:]:
    for line in open(name):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if low <= event["requestReceivedTimestamp"] < high:
            seen.add(event["auditID"])
print(len(seen))
P
}
job() { # name completions [command words as JSON, default the simulator]
    kubectl apply -f - >/dev/null <<Y
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec:
  completionMode: Indexed
  completions: $2
  parallelism: 100
  backoffLimitPerIndex: 1
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: simulator
        image: localhost/quicksim:bench
        command: ${3:-[/bin/quicksim, DECK.DATA]}
        workingDir: /tmp
        resources: {requests: {cpu: 10m}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
Y
}
ended() { # kind/name jsonpath pattern seconds
    local end=$((SECONDS + $4))
    until [[ $(kubectl get "$1" -o "jsonpath=$2") =~ $3 ]]; do
        [ $SECONDS -lt "$end" ] || { echo "cluster: $1 does not end" >&2; kubectl describe "$1" >&2; return 1; }
        sleep 0.05
    done
}
job_conditions='{.status.conditions[?(@.status=="True")].type}'

# One pod: the best of three, images and all being there.
for i in 1 2 3; do
    from=$(now)
    job "one-$i" 1
    ended "job/one-$i" "$job_conditions" Complete 60
    since "$from" >>"$work/one"
    echo >>"$work/one"
done
one=$(sort -n "$work/one" | sed -n 2p)

# What the cluster asks when nobody wants anything.
sleep 5
from=$(now)
sleep "${IDLE:-30}"
idle=$(awk -v n="$(requests "$from" "$(now)")" -v s="${IDLE:-30}" 'BEGIN {print n / s}')

printf 'RUNSPEC\nDIMENS\n 10 10 3 /\nOIL\nWATER\nGRID\nPORO\n 300*<A> /\nSUMMARY\nSCHEDULE\nTSTEP\n 3*10 /\nEND\n' >"$work/DECK.DATA"
kubectl create configmap deck --from-file="$work/DECK.DATA" >/dev/null
from=$(now)
kubectl apply -f - >/dev/null <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: bench}
spec:
  deck: DECK.DATA
  deckFrom: {configMap: deck}
  parameters:
    A: {linspace: {from: 0, to: $((cases - 1)), count: $cases}}
  design: {method: grid}
  simulator: {command: [/bin/quicksim, "{deck}"], judge: flow, image: "localhost/quicksim:bench"}
  results: {store: "pvc://results"}
Y
ended sweep/bench '{.status.phase}' '^(Succeeded|Failed|Refused|Stalled)$' 300
wall=$(since "$from")
to=$(now)
[ "$(kubectl get sweep bench -o 'jsonpath={.status.phase}')" = Succeeded ]
[ "$(find "$D/volumes/$ns/bench/cases" -name '*.tar.zst' | wc -l)" -eq "$cases" ]
sleep 1 # the audit log is written behind
asked=$(requests "$from" "$to")
kubectl get --raw /api/v1 >/dev/null
per_case() { awk -v n="$1" -v i="$idle" -v s="$2" -v c="$3" 'BEGIN {printf "%.3f", (n - i * s) / c}'; }
ours_api=$(per_case "$asked" "$wall" "$cases")

if [ "$plain" -gt 0 ]; then
    from=$(now)
    job plain "$plain"
    ended job/plain "$job_conditions" '(Complete|Failed)' 3600
    plain_wall=$(since "$from")
    to=$(now)
    sleep 1
    plain_api=$(per_case "$(requests "$from" "$to")" "$plain_wall" "$plain")
    against="plain Job of $plain pods: $plain_wall s, $plain_api requests a case"
else
    against="plain Job left out"
fi
awk -v n="$cases" -v w="$wall" -v o="$one" -v a="$ours_api" -v i="$idle" -v p="$against" 'BEGIN {
    bound = 4 * o + 0.010 * n
    printf "cluster: %d cases in %.1f s (asked for at most %.1f: one pod %.2f s), %.3f API requests a case (0.22), idle %.2f a second; %s\n", n, w, bound, o, a, i, p}'
