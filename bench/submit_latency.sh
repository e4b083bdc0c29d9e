#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# submit_latency: from the start of `decksweep submit` to the first case running in a worker's pod (the
# census's pod stands before it), against two plain pods in a row with an init container, to the first
# line that the second prints. Images are present. ROUNDS (5) rounds in turn, medians; times of lines
# are the container runtime's, so nothing waits for who looks. Pilot cases start in the census itself:
# the time to the first of those is told too. Asked for: at most 1.5.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-5}
reason=$(tests/cluster/can_run) || { echo "submit_latency: cannot be measured here: $reason"; exit 0; }
work=$PWD/$(mktemp -d -p build bench-latency.XXXXXX)
if [ -z "${DS_CLUSTER_DIR:-}" ]; then
    DS_CLUSTER_DIR=$(mktemp -d /var/lib/decksweep-test.XXXXXX)
    export DS_CLUSTER_DIR DS_CLUSTER_OWNER=$$
    mine=yes
fi
ns=latency-$$
cleanup() {
    if [ -n "${mine:-}" ]; then "$HERE/down"; else k delete namespace "$ns" --wait=false >/dev/null 2>&1; fi
    rm -rf "$work"
}
# shellcheck source=tests/cluster/names.sh
. tests/cluster/names.sh
trap cleanup EXIT
tests/cluster/start "$DS_BUILD" >/dev/null 2>"$work/start.log" || { cat "$work/start.log" >&2; exit 1; }
export KUBECONFIG=$D/admin.kubeconfig PATH=$DS_BUILD:$PATH
tests/cluster/namespace "$ns" >/dev/null 2>&1
cd "$work"
printf 'RUNSPEC\nSUMMARY\nSCHEDULE\nRATE <RATE> /\nTSTEP\n 3*10 /\nEND\n' >DECK.DATA

sweep() { # name pilot
    cat >"$1.yaml" <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: DECK.DATA
  parameters: {RATE: {values: [100, 200]}}
  design: {method: grid}
  simulator: {command: [/opt/sim/run, "{deck}"], judge: files, version: "1", image: "localhost/shellsim:test"}
  resources: {pilot: $2, memory: 64MiB}
  results: {store: "pvc://results"}
Y
}
pod() { # name
    cat >"$1.json" <<J
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1"}, "spec": {
  "restartPolicy": "Never", "automountServiceAccountToken": false,
  "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
  "initContainers": [{"name": "first", "image": "localhost/shellsim:test", "command": ["/bin/true"],
    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
  "containers": [{"name": "simulator", "image": "localhost/shellsim:test", "command": ["/bin/sh", "-c", "echo here"],
    "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}},
    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}}
J
}
# Over a connection that is open already: the plain pods do not pay for a client's start.
cat >pods.py <<'P'
import http.client, json, ssl, sys, time, urllib.parse
import yaml
config = yaml.safe_load(open(sys.argv[1]))
namespace, names = sys.argv[2], sys.argv[3:]
cluster = config["clusters"][0]["cluster"]
headers = {"Authorization": "Bearer " + config["users"][0]["user"]["token"], "Content-Type": "application/json"}
address = urllib.parse.urlsplit(cluster["server"]).netloc
context = ssl.create_default_context(cafile=cluster["certificate-authority"])
ask, watch = (http.client.HTTPSConnection(address, context=context) for _ in "12")
path = "/api/v1/namespaces/%s/pods" % namespace
watch.request("GET", path + "?watch=true", headers=headers)
events = watch.getresponse()
print(time.time(), flush=True)
for name in names:
    ask.request("POST", path, open(name + ".json").read(), headers)
    answer = ask.getresponse()
    body = answer.read()
    if answer.status != 201:
        sys.exit(body.decode())
    while True:
        pod = json.loads(events.readline())["object"]
        if pod["metadata"]["name"] == name and pod["status"].get("phase") in ("Succeeded", "Failed"):
            break
P
# Seconds since $1 at which a line with the text $2 came first in the log of pod $3.
came_after() { # from text pod
    k -n "$ns" logs "$3" -c simulator --timestamps >log
    grep -m 1 -F "$2" log | cut -d' ' -f1 | date -f - +%s.%N | awk -v from="$1" '{printf "%.3f\n", $1 - from}'
}
theirs() { # round
    local from
    pod "one-$1"
    pod "two-$1"
    from=$(python3 pods.py "$KUBECONFIG" "$ns" "one-$1" "two-$1")
    came_after "$from" here "two-$1" >>theirs.txt
}
ours() { # round pilot text kind file
    local from name=s$1-$2 pod
    sweep "$name" "$2"
    from=$(date +%s.%N)
    decksweep submit "$name.yaml" -n "$ns" --wait >"$name.log" 2>&1 || { cat "$name.log" >&2; return 1; }
    pod=$(k -n "$ns" get pods -l "decksweep.io/sweep=$name,decksweep.io/kind=$4" \
        --sort-by=.metadata.creationTimestamp -o name | sed -n 1p)
    came_after "$from" "$3" "$pod" >>"$5"
    [ "$(find "$D/volumes/$ns/$name/cases" -name '*.tar.zst' | wc -l)" -eq 2 ]
}
median() { sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

for i in $(seq "$rounds"); do
    theirs "$i"
    ours "$i" 0 '"started"' round ours.txt
    ours "$i" 1 ' started' census pilot.txt
done
awk -v o="$(median ours.txt)" -v p="$(median pilot.txt)" -v t="$(median theirs.txt)" -v n="$rounds" 'BEGIN {
    printf "submit_latency: first case in a worker %.2f s after submit, two plain pods in a row %.2f s: ratio %.2f (asked for at most 1.5); first pilot case after %.2f s; %d rounds\n", o, t, o / t, p, n}'
