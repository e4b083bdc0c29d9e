# SPDX-License-Identifier: GPL-3.0-or-later
# For bats files: paths, a temporary folder, sweeps of SPE1 and of the do-nothing simulator.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DS_BUILD=${DS_BUILD:-$ROOT/build/gcc}
export PATH="$DS_BUILD:$DS_BUILD/support:$PATH"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# The same terminal and shell everywhere: a CI job has none, a person's may be set up in any way.
export TERM=xterm SHELL=/bin/sh
unset NO_COLOR COLUMNS LINES
# No cluster but the one that a test asks for: a word would be a Sweep's name there.
unset KUBECONFIG KUBERNETES_SERVICE_HOST

# A folder of this test under build/ (never /tmp: it may be small), made the working folder.
enter_work() {
    mkdir -p "$ROOT/build/tmp"
    WORK=$(mktemp -d "$ROOT/build/tmp/bats.XXXXXX")
    export WORK TMPDIR=$WORK/tmp
    mkdir "$TMPDIR"
    cd "$WORK" || return 1
}

# Ends what the test started (by the folder it works in), then removes the folder.
leave_work() {
    cd "$ROOT" || return 1
    local pid
    for _ in 1 2 3; do
        for pid in $(pids_in_work); do kill -9 "$pid" 2>/dev/null || true; done
    done
    rm -rf "$WORK"
}

# Processes whose working folder or command line lies in this test's folder; zombies do not count.
pids_in_work() {
    {
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$WORK/*" -printf '%h\n' 2>/dev/null
        pgrep -f "(decksweep|flow|mpirun|nullsim).*$WORK"
    } | sed 's|^/proc/||' | sort -u | grep -vxE "$$|$BASHPID"
    true
}

# Waits up to N seconds until nothing of this test runs any more.
nothing_left() { # seconds
    local end=$((SECONDS + $1))
    while [ -n "$(pids_in_work)" ]; do
        [ "$SECONDS" -lt "$end" ] || { ps -o pid,ppid,stat,args -p "$(pids_in_work | paste -sd,)" >&2; return 1; }
        sleep 0.1
    done
}

wait_for() { # seconds command...: until the command succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "timed out: $*" >&2; return 1; }
        sleep 0.05
    done
}

# A sweep of the do-nothing simulator: sweep.yaml with parameter A = 0 .. N-1.
null_sweep() { # cases [simulator args as YAML list items, default none] [more spec lines]
    cat >DECK.DATA <<D
RUNSPEC
DIMENS
 10 10 3 /
OIL
WATER
GRID
-- <A> in a comment is none
PORO
 300*<A> /
SUMMARY
SCHEDULE
TSTEP
 3*10 /
END
D
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: null-sweep}
spec:
  deck: DECK.DATA
  parameters:
    A: {linspace: {from: 0, to: $(($1 - 1)), count: $1}}
  design: {method: grid}
  simulator:
    command: [nullsim, "{deck}"${2:+, $2}]
    judge: flow
    version: "1"
  results: {store: store}
${3:-}
Y
}

# A sweep with one case for each word: its behaviour ("exit=3;at_step=1"), a column of a table
# that nullsim gets as an option.
behave_sweep() { # behaviour...; options before it in $NULLSIM_ARGS; more lines in $SIMULATOR, $RESULTS, $SPEC
    local n=0 b
    null_sweep 1
    sed -i 's/300\*<A>/300*0.3/' DECK.DATA
    echo "REAL,BEHAVE" >cases.csv
    for b in "$@"; do
        echo "$n,$b" >>cases.csv
        n=$((n + 1))
    done
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: null-sweep}
spec:
  deck: DECK.DATA
  design: {method: table, file: cases.csv}
  simulator:
    command: [nullsim, "{deck}"]
    args: [${NULLSIM_ARGS:-}"--<BEHAVE>"]
    judge: flow
    version: "1"
    ${SIMULATOR:-}
  results: {store: store${RESULTS:-}}
${SPEC:-}
Y
}

# A sweep of real Flow on a short SPE1 (24 report steps): N cases over porosity.
spe1_sweep() { # cases [more spec lines]
    sed -e 's/300\*0\.3/300*<PORO>/' -e '/^TSTEP/,/\/$/d' -e 's/^END$/TSTEP\n24*31 \/\n\nEND/' \
        "$ROOT/tests/data/decks/spe1/SPE1CASE1.DATA" >SPE1.DATA
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: spe1}
spec:
  deck: SPE1.DATA
  parameters:
    PORO: {linspace: {from: 0.2, to: 0.35, count: $1}}
  design: {method: grid}
  results: {store: store}
${2:-}
Y
}

committed() { find store/*/cases -name '*.tar.zst' 2>/dev/null | wc -l; }
some_committed() { [ "$(committed)" -ge "$1" ]; }
