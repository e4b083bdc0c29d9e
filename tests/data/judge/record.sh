#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the recordings of this folder with real Flow: tests/data/judge/record.sh [CONDITION...]
# Each condition leaves <condition>/{stdout,stderr,status,files} and a PRT; long logs keep their
# first and last lines. What tells the machine apart is replaced.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decks=$here/../decks
spe1=$decks/spe1/SPE1CASE1.DATA
export OMP_NUM_THREADS=1 LC_ALL=C
unset OMPI_MCA_ess_singleton_isolated

shorten() { # file, lines of head and tail
    python3 - "$1" "$2" "$work" <<'PY'
import re, sys
path, keep, work = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = open(path, encoding="latin-1").read()
s = s.replace(work, "/case")
s = re.sub(r"Machine name     =  \S+", "Machine name     =  node", s)
s = re.sub(r"Operating system =.*", "Operating system =  Linux x86_64", s)
s = re.sub(r"Build time       =.*", "Build time       =  ", s)
s = re.sub(r"\[[A-Za-z0-9.-]+:\d+\]", "[node:1]", s)
s = re.sub(r"on node \S+", "on node node", s)
lines = s.split("\n")
if len(lines) > 2 * keep + 1:
    lines = lines[:keep] + ["", "... (lines left out) ...", ""] + lines[-keep:]
open(path, "w", encoding="latin-1").write("\n".join(lines))
PY
}

finish() { # condition, status
    local out=$here/$1
    mkdir -p "$out"
    echo "$2" >"$out/status"
    (cd "$work" && find . -type f ! -name '*.sh' -printf '%P %s\n' | sort) >"$out/files"
    for f in stdout stderr; do
        cp "$work/../$f" "$out/$f"
        shorten "$out/$f" 70
    done
    for f in "$work"/*.PRT; do
        [ -e "$f" ] || continue
        cp "$f" "$out/$(basename "$f")"
        shorten "$out/$(basename "$f")" 45
    done
    echo "$1: status $2"
}

run() { # condition, command...: in $work
    local name=$1
    shift
    (cd "$work" && exec "$@") >"$work/../stdout" 2>"$work/../stderr" </dev/null
    finish "$name" $?
}

flow1() { # condition, deck, options...
    local name=$1 deck=$2
    shift 2
    run "$name" flow "$deck" --output-dir=. --threads-per-process=1 "$@"
}

edited() { # sed script -> CASE.DATA
    sed "$@" "$spe1" >"$work/CASE.DATA"
}

c_success() { cp "$spe1" "$work/CASE.DATA"; flow1 success CASE.DATA; }
c_deck_not_found() { flow1 deck_not_found NOPE.DATA; }
c_unknown_option() { cp "$spe1" "$work/CASE.DATA"; flow1 unknown_option CASE.DATA --foo-bar=1; }
c_bad_option_value() { cp "$spe1" "$work/CASE.DATA"; flow1 bad_option_value CASE.DATA --newton-max-iterations=many; }
c_output_dir_impossible() { cp "$spe1" "$work/CASE.DATA"; run output_dir_impossible flow CASE.DATA --output-dir=/proc/nope; }
c_output_dir_is_file() { cp "$spe1" "$work/CASE.DATA"; touch "$work/out"; run output_dir_is_file flow CASE.DATA --output-dir=out; }
c_missing_include() { edited "/^PORO/i INCLUDE\n  'nope.inc' /\n"; flow1 missing_include CASE.DATA; }
c_unknown_keyword() { edited "/^PORO/i FOOBARXX\n"; flow1 unknown_keyword CASE.DATA; }
c_placeholder_left() { edited "s/300\*0.3/300*<PORO>/"; flow1 placeholder_left CASE.DATA; }
c_malformed_number() { edited "s/300\*0.3/300*0,25x/"; flow1 malformed_number CASE.DATA; }
c_too_few_values() { edited "s/300\*0.3/299*0.3/"; flow1 too_few_values CASE.DATA; }
c_too_many_values() { edited "s/300\*0.3/301*0.3/"; flow1 too_many_values CASE.DATA; }
c_missing_slash() { edited "s/^\( *10 10 3\) *\//\1/"; flow1 missing_slash CASE.DATA; }
c_truncated_deck() { head -n 300 "$spe1" >"$work/CASE.DATA"; flow1 truncated_deck CASE.DATA; }
c_empty_deck() { : >"$work/CASE.DATA"; flow1 empty_deck CASE.DATA; }
c_nan_poro() { edited "s/300\*0.3/300*NaN/"; flow1 nan_poro CASE.DATA; }
c_negative_poro() { edited "s/300\*0.3/300*-0.3/"; flow1 negative_poro CASE.DATA; }
c_zero_poro() { edited "s/300\*0.3/300*0/"; flow1 zero_poro CASE.DATA; }
c_not_converged() { cp "$spe1" "$work/CASE.DATA"; flow1 not_converged CASE.DATA --solver-max-restarts=1 --newton-max-iterations=2; }
c_not_converged_minimum() { cp "$spe1" "$work/CASE.DATA"; flow1 not_converged_minimum CASE.DATA --solver-min-time-step=5 --newton-max-iterations=2; }
c_little_memory() {
    cp "$decks/spe9/"* "$work"
    # shellcheck disable=SC2016  # the inner shell expands it
    run little_memory bash -c 'ulimit -v 295000; exec flow SPE9.DATA --output-dir=. --threads-per-process=1'
}
c_little_memory_early() {
    cp "$spe1" "$work/CASE.DATA"
    # shellcheck disable=SC2016  # the inner shell expands it
    run little_memory_early bash -c 'ulimit -v 200000; exec flow CASE.DATA --output-dir=. --threads-per-process=1'
}
c_killed() { cp "$decks/spe9/"* "$work"; signalled killed KILL SPE9.DATA; }
c_terminated() { cp "$decks/spe9/"* "$work"; signalled terminated TERM SPE9.DATA; }
signalled() { # condition, signal, deck
    (cd "$work" && exec flow "$3" --output-dir=. --threads-per-process=1) >"$work/../stdout" 2>"$work/../stderr" </dev/null &
    local pid=$!
    for _ in $(seq 300); do
        grep -q "Report step  3" "$work/../stdout" && break
        sleep 0.1
    done
    kill -s "$2" $pid
    wait $pid
    local status=$?
    rm -f "$work"/SPE9*.DATA "$work"/*VALUES.DATA "$work"/*.GRDECL "$work"/LICENSE* "$work"/README "$work"/SOURCE
    finish "$1" $status
}
c_disk_full() { # a file system of 700 KiB
    mount -t tmpfs -o size=700k tmpfs "$work" || return
    cp "$spe1" "$work/CASE.DATA"
    flow1 disk_full CASE.DATA
    umount "$work"
}
c_nosim() { edited "/^DISGAS/i NOSIM\n"; flow1 nosim CASE.DATA; }
c_dry_run() { cp "$spe1" "$work/CASE.DATA"; flow1 dry_run CASE.DATA --enable-dry-run=true; }
c_end_before_tstep() { edited "/^TSTEP/i END\n"; flow1 end_before_tstep CASE.DATA; }
c_end_in_include() {
    awk '/^TSTEP/ && !n++ {print "INCLUDE\n '"'early.inc'"' /\n"} {print}' "$spe1" >"$work/CASE.DATA"
    printf 'TSTEP\n 31 28 /\nEND\n' >"$work/early.inc"
    flow1 end_in_include CASE.DATA
}
c_action_exit() {
    awk '/^TSTEP/ && !n++ {print "ACTIONX\n STOP 1 /\n FGOR > 1.5 /\n/\nEXIT\n 7 /\nENDACTIO\n"} {print}' "$spe1" >"$work/CASE.DATA"
    flow1 action_exit CASE.DATA
}
c_mpi_parse_error() {
    edited "s/300\*0.3/300*<PORO>/"
    run mpi_parse_error mpirun --allow-run-as-root --oversubscribe -np 2 flow CASE.DATA --output-dir=. --threads-per-process=1
}
c_restart_without_base() { cp "$decks/spe1/SPE1CASE2_RESTART.DATA" "$work"; flow1 restart_without_base SPE1CASE2_RESTART.DATA; }
c_restart_step_missing() {
    sed "s/'BASIC=1'/BASIC=3 FREQ=7/" "$decks/spe1/SPE1CASE2.DATA" >"$work/SPE1CASE2.DATA"
    (cd "$work" && flow SPE1CASE2.DATA --output-dir=. --threads-per-process=1) >/dev/null 2>&1
    cp "$decks/spe1/SPE1CASE2_RESTART.DATA" "$work"
    rm -f "$work"/SPE1CASE2.PRT
    flow1 restart_step_missing SPE1CASE2_RESTART.DATA
}
c_restart_no_unifin() {
    (cd "$work" && cp "$decks/spe1/SPE1CASE2.DATA" . && flow SPE1CASE2.DATA --output-dir=. --threads-per-process=1) >/dev/null 2>&1
    sed '/^UNIFIN/d' "$decks/spe1/SPE1CASE2_RESTART.DATA" >"$work/SPE1CASE2_RESTART.DATA"
    rm -f "$work"/SPE1CASE2.PRT
    flow1 restart_no_unifin SPE1CASE2_RESTART.DATA
}
c_illegal_well_name() { cp "$decks/spe9/"* "$work"; flow1 illegal_well_name SPE9_CP_SHORT.DATA; rm -f "$work"/*; }
c_bad_date() { awk '/^TSTEP/ && !n++ {print "DATES\n 1 '"'JAN'"' 2010 /\n/\n"} {print}' "$spe1" >"$work/CASE.DATA"; flow1 bad_date CASE.DATA; }
c_unknown_well() { edited "/^WCONPROD/,/\\//s/'PROD'/'NOBODY'/"; flow1 unknown_well CASE.DATA; }
c_unknown_vector() { edited "/^FOPR/i FQQQ\n"; flow1 unknown_vector CASE.DATA; }

if [ $# -eq 0 ]; then
    mapfile -t all < <(declare -F | sed -n 's/^declare -f c_//p')
    set -- "${all[@]}"
fi
for c in "$@"; do
    top=$(mktemp -d)
    work=$top/case
    mkdir "$work"
    "c_$c"
    rm -rf "$top"
done
