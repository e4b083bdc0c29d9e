#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sweep: 40 SPE1 cases by `decksweep run` (everything included: planning, packing, commit,
# census) against `xargs -P2 flow` over prepared folders of the same rendered decks with the same
# options, trim off; xargs with and without OMPI_MCA_ess_singleton_isolated=1. PAIRS (3) rounds in
# turn, medians. Asked for: 0.95 and 1.02. Then what trim wins on SPE1, SPE9_CP and a deck that writes much.
set -euo pipefail
cd "$(dirname "$0")/.."
decksweep=$DS_BUILD/decksweep
pairs=${PAIRS:-3}
cases=${CASES:-40}
work=$PWD/$(mktemp -d -p build bench-sweep.XXXXXX)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 TMPDIR=$work

sweep_file() { # name deck samples trim
    cat <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: $2
  parameters:
    PORO:  {uniform: {min: 0.20, max: 0.35}}
    KX1:   {loguniform: {min: 200, max: 1000}}
    KX2:   {uniform: {min: 30, max: 80}}
    KX3:   {uniform: {min: 100, max: 300}}
    GRATE: {uniform: {min: 60e3, max: 140e3}, decimals: 0}
  design: {method: latin-hypercube, samples: $3}
  results: {store: store-$1, trim: $4}
Y
}
seconds() { # command...: wall seconds of it
    local from to
    from=$(date +%s.%N)
    "$@" >>"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }
    to=$(date +%s.%N)
    echo "$to $from" | awk '{printf "%.3f\n", $1 - $2}'
}
median() { sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

cp jobs/spe1-lhs/SPE1.DATA "$work/"
sweep_file spe1 SPE1.DATA "$cases" off >"$work/spe1.yaml"
for i in $(seq 0 $((cases - 1))); do
    "$decksweep" render "$work/spe1.yaml" "$i" -o "$work/folders/$i" >/dev/null 2>&1
done
run_xargs() { # VAR=value... before it
    seq 0 $((cases - 1)) | env OMP_NUM_THREADS=1 "$@" xargs -P2 -I{} sh -c \
        "cd $work/folders/{} && flow SPE1.DATA --output-dir=. --threads-per-process=1 >stdout 2>stderr"
}
run_decksweep() {
    rm -rf "$work"/store-spe1
    "$decksweep" run "$work/spe1.yaml" --no-collect --cores 2
}
for f in ours plain isolated; do : >"$work/$f"; done
for _ in $(seq "$pairs"); do
    seconds run_decksweep >>"$work/ours"
    seconds run_xargs DECKSWEEP_BENCH=1 >>"$work/plain"
    seconds run_xargs OMPI_MCA_ess_singleton_isolated=1 >>"$work/isolated"
done
awk -v n="$cases" -v o="$(median "$work/ours")" -v p="$(median "$work/plain")" -v i="$(median "$work/isolated")" \
    'BEGIN {printf "sweep: %d SPE1 cases: decksweep %.2f s, xargs -P2 %.2f s (ratio %.3f, asked 0.95), xargs with the isolated MPI singleton %.2f s (ratio %.3f, asked 1.02)\n",
        n, o, p, o / p, i, o / i}'

# What trim wins: the same few cases with trim off and auto.
trim_line() { # name deck-folder deck
    local mode
    mkdir -p "$work/$1"
    cp -r "$2"/. "$work/$1/"
    for mode in off auto; do
        cat >"$work/$1/$mode.yaml" <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1-$mode}
spec:
  deck: $3
  parameters: {DT: {values: [365, 364]}}
  design: {method: grid}
  simulator: {args: ["--solver-max-time-step-in-days=<DT>"]}
  results: {store: store, trim: $mode}
Y
        seconds "$decksweep" run "$work/$1/$mode.yaml" --no-collect --cores 2 >"$work/trim-$mode"
    done
    awk -v d="$1" -v o="$(cat "$work/trim-off")" -v a="$(cat "$work/trim-auto")" \
        'BEGIN {printf "sweep trim: %s: trim %.2f s, no trim %.2f s (ratio %.3f)\n", d, a, o, a / o}'
}
trim_line spe1 tests/data/decks/spe1 SPE1CASE1.DATA
trim_line spe9-cp tests/data/decks/spe9 SPE9_CP.DATA
# A deck that writes much: SPE1 with a restart record and every array at each of 600 steps.
mkdir -p "$work/heavy-deck"
sed -e "s/'BASIC=1' \//'BASIC=2' 'FLOWS' 'ALLPROPS' \//" -e '/^TSTEP/,/\/$/d' -e 's/^END$/TSTEP\n600*5 \/\n\nEND/' \
    tests/data/decks/spe1/SPE1CASE1.DATA >"$work/heavy-deck/HEAVY.DATA"
trim_line heavy "$work/heavy-deck" HEAVY.DATA
