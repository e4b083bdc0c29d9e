#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# controller: one round of CASES (100,000) cases in CHUNKS (2,000) pods over NODES (500) fake nodes that end
# with computed messages, decided by a real decksweep-scheduler against a control plane of its own (no
# kubelet). Asked for: the controller's memory (peak) below 64 MB; reconcile p95 below 300 us with 2,000 pods
# known; in a quiet minute (QUIET seconds) no write but the Lease's.
set -euo pipefail
cd "$(dirname "$0")/.."
cases=${CASES:-100000}
chunks=${CHUNKS:-2000}
nodes=${NODES:-500}
quiet=${QUIET:-60}
reason=$(tests/cluster/can_run) || { echo "controller: skipped: $reason"; exit 0; }
tests/cluster/build >/dev/null
DS_CLUSTER_DIR=$(mktemp -d /var/lib/decksweep-test.XXXXXX)
export DS_CLUSTER_DIR DS_CLUSTER_OWNER=$$
# Fake nodes stay Ready also where a busy machine renews their leases late.
export DS_CONTROLLER_MANAGER_ARGS="--kube-api-qps=60 --kube-api-burst=100 --node-monitor-grace-period=900s"
kube=${DS_CLUSTER_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/decksweep-cluster}/kube
work=$DS_CLUSTER_DIR/bench
pids=()
finish() {
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
    [ ${#pids[@]} = 0 ] || wait "${pids[@]}" 2>/dev/null || true
    tests/cluster/down >/dev/null 2>&1
}
trap finish EXIT
tests/cluster/up etcd apiserver controller-manager scheduler >/dev/null
export KUBECONFIG=$DS_CLUSTER_DIR/admin.kubeconfig
k() { "$kube" kubectl "$@"; }
mkdir -p "$work/messages"

plan=0123456789abcdef
totals() { # done
    printf '{"cases":%d,"done":%d,"outstanding":%d,"keys":%d,"verdicts":{"ok":%d}}' \
        "$cases" "$1" $((cases - $1)) "$1" "$1"
}
printf '{"bundleStored":true,"collected":false,"decksweep":"%s","outcome":"round","plan":"%s","round":1,"shapes":[{"cases":%d,"chunks":%d,"cpus":8,"deadlineSeconds":3600,"memoryBytes":8589934592,"scratchBytes":1073741824,"slots":8}],"text":"","totals":%s}' \
    "$(cat VERSION)" $plan "$cases" "$chunks" "$(totals 0)" >"$work/messages/census-1"
printf '{"bundleStored":true,"collected":true,"decksweep":"%s","outcome":"finished","plan":"%s","round":0,"shapes":[],"text":"","totals":%s}' \
    "$(cat VERSION)" $plan "$(totals "$cases")" >"$work/messages/census"
printf '{"attempts":{"ok":%d},"cpu_ms":1000,"exit_status":0,"index":@INDEX@,"node":"n","round":@STEP@,"wall_ms":1000}' \
    $((cases / chunks)) >"$work/messages/round"

k apply --server-side -f k8s/base/crd.yaml >/dev/null
k wait --for=condition=Established crd/sweeps.decksweep.io --timeout=30s >/dev/null
k create namespace bench >/dev/null
"$kube" fakenodes --kubeconfig "$KUBECONFIG" --nodes "$nodes" --runtime 20s --messages "$work/messages" >"$work/nodes.log" 2>&1 &
pids+=($!)
k apply -f - >/dev/null <<Y
{apiVersion: v1, kind: PersistentVolume, metadata: {name: results}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany],
  storageClassName: "", claimRef: {namespace: bench, name: results}, hostPath: {path: /none}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: results, namespace: bench}, spec: {accessModes: [ReadWriteMany],
  storageClassName: "", volumeName: results, resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: deck, namespace: bench}, data: {A.DATA: x}}
Y
k -n bench wait --for=jsonpath='{.status.phase}'=Bound pvc/results --timeout=120s >/dev/null
until [ "$(k get nodes --no-headers 2>/dev/null | wc -l)" -ge "$nodes" ]; do sleep 1; done

"$DS_BUILD/decksweep-scheduler" run --agent-image localhost/none --lease-namespace bench --listen 127.0.0.1:0 \
    >"$work/controller.log" 2>&1 &
controller=$!
pids+=("$controller")
port=
for _ in $(seq 100); do
    port=$(sed -n 's/.*endpoints at .*:\([0-9]*\)$/\1/p' "$work/controller.log")
    [ -z "$port" ] || break
    sleep 0.1
done
metric() { curl -s "http://127.0.0.1:$port/metrics" | awk -v m="$1" '$1 == m {print $2}'; }
memory_kib() { awk '$1 == "VmHWM:" {print $2}' "/proc/$controller/status"; }
phase() { k -n bench get sweep big -o 'jsonpath={.status.phase}'; }

start=$(date +%s)
k apply -f - >/dev/null <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: big, namespace: bench}
spec:
  deck: A.DATA
  parameters: {A: {uniform: {min: 0, max: 1}}}
  design: {method: monte-carlo, samples: $cases}
  simulator: {preset: flow, image: localhost/none}
  results: {store: pvc://results/sweeps}
  deckFrom: {configMap: deck}
  cluster: {nodeSelector: {decksweep.io/fake: "true"}, tolerations: [{key: decksweep.io/fake, operator: Exists}]}
Y
# The decisions that count are those with all pods known: the histogram before, and at the end.
buckets() { curl -s "http://127.0.0.1:$port/metrics" | sed -n 's/^decksweep_reconcile_seconds_bucket{le="\([^"]*\)"} \(.*\)/\1 \2/p'; }
known=
while [ "$(phase)" != Succeeded ]; do
    pods=$(metric 'decksweep_objects{kind="pods"}')
    if [ -z "$known" ] && [ "${pods:-0}" -ge "$chunks" ]; then
        buckets >"$work/before"
        known=1
    fi
    kill -0 $controller || { tail "$work/controller.log" >&2; exit 1; }
    [ $(($(date +%s) - start)) -lt 1800 ] || { echo "controller: no end after 30 minutes" >&2; exit 1; }
    sleep 1
done
wall=$(($(date +%s) - start))
[ -n "$known" ] || buckets | sed 's/ .*/ 0/' >"$work/before"
buckets >"$work/after"
p95=$(paste "$work/before" "$work/after" | awk '{le[NR] = $1; n[NR] = $4 - $2} END {for (i = 1; i <= NR; i++) if (n[i] >= 0.95 * n[NR]) {
    if (le[i] == "+Inf") print "more"; else printf "%.0f", le[i] * 1e6; exit}}')
count=$(paste "$work/before" "$work/after" | awk 'END {print $4 - $2}')

sleep 15
from=$(wc -l <"$DS_CLUSTER_DIR/log/audit.jsonl")
sleep "$quiet"
writes=$(tail -n +$((from + 1)) "$DS_CLUSTER_DIR/log/audit.jsonl" | grep '"userAgent":"decksweep-scheduler' |
    grep -E '"verb":"(create|update|patch|delete)"' | grep -vc '"resource":"leases"' || true)
cpu=$(metric process_cpu_seconds_total)
printf 'controller: %d cases in %d pods on %d nodes: memory %.1f MB (at most 64), reconcile p95 at most %s us of %d decisions with all pods known (300), %d writes but the Lease in %d quiet s (0); round took %d s, controller CPU %s s\n' \
    "$cases" "$chunks" "$nodes" "$(awk -v k="$(memory_kib)" 'BEGIN {print k / 1000 * 1.024}')" "$p95" "$count" "$writes" "$quiet" "$wall" "$cpu"
