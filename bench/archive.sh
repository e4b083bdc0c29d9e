#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Packing and reading back an archive against the zstd tool over the same files, at the same level
# and number of threads, in pairs; ours also computes SHA-256 of each file while packing.
# Then CPU and size of small archives (archive.c).
#   bench/archive.sh [pairs]
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${DS_BUILD:-$top/build/gcc}
tool=$build/support/archtool
pairs=${1:-7}
# In memory where there is room: the question is the programs, not the disk.
base=${TMPDIR:-/var/tmp}
[ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 500000 ] 2>/dev/null && base=/dev/shm
work=$(mktemp -d "$base/bench-archive.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A real case: every output of SPE9_CP. Without flow: files of the same kind and size.
mkdir "$work/in" "$work/z" "$work/out"
deck=$top/tests/data/decks/spe9
if command -v flow >/dev/null && [ -f "$deck/SPE9_CP.DATA" ]; then
    cp -r "$deck" "$work/deck"
    (cd "$work/deck" && OMP_NUM_THREADS=1 flow SPE9_CP.DATA --output-dir="$work/in" \
        >"$work/stdout" 2>&1)
    mv "$work/stdout" "$work/in/stdout"
else
    "$build/bench/archive" --data "$work/in"
fi
cd "$work/in"
files=(*)
raw=$(cat -- * | wc -c)

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# zstd reads and writes in threads of their own; the same threads means without them.
same_threads=()
zstd --help 2>&1 | grep -q asyncio && same_threads=(--no-asyncio)

timed() { # output file, command...
    local log=$1 began ended
    shift
    began=$(date +%s%N)
    "$@"
    ended=$(date +%s%N)
    echo $((ended - began)) >>"$log"
}

zstd_reads() { zstd -q -d -f "${same_threads[@]}" --output-dir-flat "$work/out" "$work"/z/*.zst; }

report() { # what, ours ns, theirs ns
    awk -v what="$1" -v ours="$2" -v theirs="$3" -v raw="$raw" 'BEGIN {
        printf "bench/archive: %s: %.2f of the zstd tool'"'"'s throughput (%.0f MB/s against %.0f MB/s)\n",
            what, theirs / ours, raw / ours * 1e3, raw / theirs * 1e3 }'
}

for threads in 1 2; do
    : >"$work/ours" && : >"$work/theirs"
    for ((i = 0; i < pairs; i++)); do
        timed "$work/ours" "$tool" pack 3 "$threads" "$work/a.tar.zst" "${files[@]}"
        timed "$work/theirs" zstd -q -f -3 -T"$threads" "${same_threads[@]}" --output-dir-flat "$work/z" -- "${files[@]}"
    done
    report "packing $((raw / 1000000)) MB, level 3, $threads threads, with SHA-256" \
        "$(median <"$work/ours")" "$(median <"$work/theirs")"
done

: >"$work/ours" && : >"$work/theirs"
for ((i = 0; i < pairs; i++)); do
    rm -rf "$work/out" && mkdir "$work/out"
    timed "$work/ours" "$tool" unpack "$work/a.tar.zst" "$work/out"
    rm -rf "$work/out" && mkdir "$work/out"
    timed "$work/theirs" zstd_reads
done
report "reading back into files, one thread" "$(median <"$work/ours")" "$(median <"$work/theirs")"

ours=$(stat -c %s "$work/a.tar.zst")
theirs=$(cat "$work"/z/*.zst | wc -c)
awk -v o="$ours" -v t="$theirs" 'BEGIN {
    printf "bench/archive: size: %.4f of the files each compressed by zstd (%d against %d bytes)\n", o / t, o, t }'
"$build/bench/archive"
