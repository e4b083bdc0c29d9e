#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# plan: 100,000 cases of 5 parameters; asked for: 1 s and 200 MB; and a re-plan of the finished
# sweep (census of 100,000 keys): 2 s. Medians of 5 runs.
set -euo pipefail
cd "$(dirname "$0")/.."
decksweep=$DS_BUILD/decksweep
work=$(mktemp -d -p build bench-plan.XXXXXX)
trap 'rm -rf "$work"' EXIT
cp jobs/spe1-lhs/SPE1.DATA "$work/"
cat >"$work/sweep.yaml" <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: hundred-thousand}
spec:
  deck: SPE1.DATA
  parameters:
    PORO:  {uniform: {min: 0.20, max: 0.35}}
    KX1:   {loguniform: {min: 200, max: 1000}}
    KX2:   {truncated-normal: {mean: 50, sd: 15, min: 10, max: 100}}
    KX3:   {triangular: {min: 100, mode: 200, max: 300}}
    GRATE: {uniform: {min: 60e3, max: 140e3}, decimals: 0}
  design: {method: latin-hypercube, samples: 100000}
  results: {store: store}
Y
median() { # of "seconds kib" lines, by column
    sort -n -k "$1" "$2" | awk -v c="$1" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'
}
measure() { # name
    : >"$work/$1"
    for _ in 1 2 3 4 5; do
        /usr/bin/time -a -o "$work/$1" -f '%e %M' "$decksweep" plan "$work/sweep.yaml" >"$work/out"
    done
}
measure fresh
"$DS_BUILD/bench/plan_keys" "$work/sweep.yaml" "$work/store"
measure again
grep -q '100000 done' "$work/out"
awk -v s="$(median 1 "$work/fresh")" -v k="$(median 2 "$work/fresh")" -v r="$(median 1 "$work/again")" -v m="$(median 2 "$work/again")" \
    'BEGIN {printf "plan: 100,000 cases of 5 parameters in %.2f s (ratio %.2f of 1 s), %.0f MB (ratio %.2f of 200 MB); with 100,000 done %.2f s (ratio %.2f of 2 s), %.0f MB\n",
        s, s / 1, k / 1024 * 1.048576, k * 1024 / 200e6, r, r / 2, m / 1024 * 1.048576}'
