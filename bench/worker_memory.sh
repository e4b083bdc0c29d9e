#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# worker_memory: the worker's own PSS (its simulators not counted) at 100 and at 100,000 cases with
# two slots, the largest of many looks while it runs RUN (3,000) cases. Asked for: below 48 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
run=${RUN:-3000}
work=$PWD/$(mktemp -d -p build bench-worker-memory.XXXXXX)
worker=
trap '[ -z "$worker" ] || kill -9 "$worker" 2>/dev/null; rm -rf "$work"' EXIT
export TMPDIR=$work PATH=$DS_BUILD:$DS_BUILD/support:$PATH
cd "$work"

printf 'RUNSPEC\nDIMENS\n 10 10 3 /\nOIL\nWATER\nGRID\nPORO\n 300*<A> /\nPERMX\n 300*<B> /\nPERMY\n 300*<C> /\nSUMMARY\nSCHEDULE\nTSTEP\n 3*10 /\nEND\n' >DECK.DATA
sweep_file() { # cases
    cat <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: memory}
spec:
  deck: DECK.DATA
  parameters:
    A: {uniform: {min: 0, max: 1}}
    B: {uniform: {min: 0, max: 1}}
    C: {uniform: {min: 0, max: 1}}
  design: {method: monte-carlo, samples: $1}
  simulator: {command: [quicksim, "{deck}"], judge: flow, version: "1"}
  results: {store: store-$1}
Y
}
peak_kb() { # cases: the largest PSS seen, in KB
    local plan round pss peak=0
    sweep_file "$1" >"$1.yaml"
    read -r plan round < <(mkround "$1.yaml" "store-$1")
    decksweep-agent work --store "store-$1" --sweep memory --plan "$plan" --round "$round" \
        --index 0 --cores 2 >"events-$1" 2>"errors-$1" &
    worker=$!
    while pss=$(awk '/^Pss:/ {print $2}' "/proc/$worker/smaps_rollup" 2>/dev/null) && [ -n "$pss" ]; do
        [ "$pss" -le "$peak" ] || peak=$pss
        [ "$(grep -c '"event":"committed"' "events-$1")" -lt "$run" ] || kill "$worker" 2>/dev/null || true
        sleep 0.05
    done
    wait "$worker" || [ $? -eq 75 ]
    worker=
    [ "$(grep -c '"event":"committed"' "events-$1")" -ge 100 ]
    echo "$peak"
}
small=$(peak_kb 100)
large=$(peak_kb 100000)
awk -v s="$small" -v l="$large" \
    'BEGIN {printf "worker_memory: PSS %.1f MB at 100 cases, %.1f MB at 100,000 (ratio %.2f of 48 MB)\n",
        s * 1024 / 1e6, l * 1024 / 1e6, l * 1024 / 48e6}'
