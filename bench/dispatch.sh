#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# dispatch: TASKS (5,000) cases of a do-nothing simulator that writes a small summary, through the
# whole pipeline (plan, stage, run, judge, archive, durable commit, census) by `decksweep run`,
# against GNU parallel starting `true` as often with a job log and saved results. PAIRS (3) rounds
# in turn, medians. CPU is user + system of all processes. Asked for: at most 0.4 of both.
# Our simulator starts with a libc, as `true` does; SIMULATOR=quicksim has none and shows our own part.
set -euo pipefail
cd "$(dirname "$0")/.."
tasks=${TASKS:-5000}
pairs=${PAIRS:-3}
simulator=${SIMULATOR:-nullsim}
work=$PWD/$(mktemp -d -p build bench-dispatch.XXXXXX)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work PATH=$DS_BUILD:$DS_BUILD/support:$PATH
cd "$work"

printf 'RUNSPEC\nDIMENS\n 10 10 3 /\nOIL\nWATER\nGRID\nPORO\n 300*<A> /\nSUMMARY\nSCHEDULE\nTSTEP\n 3*10 /\nEND\n' >DECK.DATA
cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: dispatch}
spec:
  deck: DECK.DATA
  parameters:
    A: {linspace: {from: 0, to: $((tasks - 1)), count: $tasks}}
  design: {method: grid}
  simulator: {command: [$simulator, "{deck}"], judge: flow, version: "1"}
  results: {store: store}
Y
seq "$tasks" >list

# "wall cpu" of a command and all its descendants, in seconds
measure() {
    local TIMEFORMAT='%R %U %S'
    { time "$@" >log 2>&1; } 2>times.txt || { tail -n 5 log >&2; return 1; }
    awk '{print $1, $2 + $3}' times.txt
}
ours() { decksweep run sweep.yaml --no-collect --cores 2 --store "store-$1"; }
theirs() { parallel --will-cite -j2 --joblog "joblog-$1" --results "results-$1" true <list; }
median() { sort -n -k "$1" "$2" | awk -v c="$1" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'; }

for i in $(seq "$pairs"); do
    measure ours "$i" >>ours.txt
    [ "$(find "store-$i" -path '*/cases/*' -name '*.tar.zst' | wc -l)" -eq "$tasks" ]
    measure theirs "$i" >>theirs.txt
done
awk -v w="$(median 1 ours.txt)" -v c="$(median 2 ours.txt)" -v W="$(median 1 theirs.txt)" -v C="$(median 2 theirs.txt)" -v n="$tasks" -v s="$simulator" \
    'BEGIN {printf "dispatch: %d cases of %s: wall ratio %.2f (%.2f ms / %.2f ms a case), CPU ratio %.2f (%.2f ms / %.2f ms)\n",
        n, s, w / W, 1000 * w / n, 1000 * W / n, c / C, 1000 * c / n, 1000 * C / n}'
