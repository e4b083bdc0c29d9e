# SPDX-License-Identifier: GPL-3.0-or-later
# The memory model against the measured peak of every deck: never below it, at most 1.5 times it.

setup_file() {
    command -v flow >/dev/null || skip "OPM Flow is not installed"
}

setup() {
    load ../support/common
    enter_work
}
teardown() { cd "$ROOT" && rm -rf "$WORK"; }

# Peak resident set of the command in KiB: largest of its processes.
peak_of() {
    python3 -c 'import resource, subprocess, sys
rc = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=open("flow.log", "w"), stderr=subprocess.STDOUT)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(rc)' "$@"
}

measure() { # deck: prints "deck peak model ratio", fails outside 1 .. 1.5
    local model peak
    model=$(decktool memory "$1" 1) || return 1
    peak=$(OMP_NUM_THREADS=1 OMPI_MCA_ess_singleton_isolated=1 \
        peak_of flow "$1" "--output-dir=${2:-out}" --threads-per-process=1) || { tail -3 flow.log; return 1; }
    awk -v d="$1" -v p="$peak" -v m="$model" 'BEGIN {
        r = m / (p * 1024); printf "%s peak %.1f MiB model %.1f MiB ratio %.2f\n", d, p / 1024, m / 1048576, r
        exit !(r >= 1 && r <= 1.5) }'
}

@test "SPE1 decks: the model holds" {
    cp "$ROOT"/tests/data/decks/spe1/*.DATA .
    for deck in SPE1CASE1 SPE1CASE1_INF SPE1CASE1_MID SPE1CASE2_2P SPE1CASE2_FAMII \
        SPE1CASE2_NOWELLS SPE1CASE2_OILGAS SPE1CASE2_SLGOF SPE1CASE2_THERMAL; do
        measure $deck.DATA >&3
    done
}

@test "SPE1 restart pairs: the model holds" {
    cp "$ROOT"/tests/data/decks/spe1/*.DATA .
    for deck in SPE1CASE2 SPE1CASE2_RESTART SPE1CASE2_ACTNUM SPE1CASE2_ACTNUM_RESTART; do
        measure $deck.DATA . >&3
    done
}

@test "SPE9: the model holds" {
    cp "$ROOT"/tests/data/decks/spe9/* .
    measure SPE9.DATA >&3
}

@test "SPE9_CP: the model holds" {
    cp "$ROOT"/tests/data/decks/spe9/* .
    measure SPE9_CP.DATA >&3
}

@test "the model covers two ranks" {
    command -v mpirun >/dev/null || skip "mpirun is not installed"
    cp "$ROOT"/tests/data/decks/spe9/* .
    # a few steps suffice: the peak comes with the first
    sed -i '/^SCHEDULE/,$ s/^ *TSTEP.*/TSTEP/' SPE9_CP.DATA
    model=$(decktool memory SPE9_CP.DATA 2)
    python3 - "$model" >&3 <<'P'
import glob, os, subprocess, sys, time
env = dict(os.environ, OMP_NUM_THREADS="1")
log = open("flow.log", "w")
p = subprocess.Popen(["mpirun", "-np", "2", "flow", "SPE9_CP.DATA", "--output-dir=out", "--threads-per-process=1"],
                     env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
peak, end = 0, time.time() + 8
while p.poll() is None and time.time() < end:
    total = 0
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(stat).read().rsplit(")", 1)[1].split()
            if int(fields[3]) == p.pid:
                for line in open(stat[:-4] + "smaps_rollup"):
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except (OSError, IndexError):
            pass
    peak = max(peak, total)
    time.sleep(0.1)
if p.poll() is None:
    p.terminate()
p.wait()
model = int(sys.argv[1])
print(f"SPE9_CP 2 ranks PSS peak {peak / 1024:.1f} MiB model {model / 2**20:.1f} MiB")
sys.exit(0 if peak > 50000 and model >= peak * 1024 else 1)
P
}
