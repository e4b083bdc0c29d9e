#!/usr/bin/env bats
# shellcheck disable=SC2016
# Verdicts with real Flow: what it can be made to do to itself, and what is done to it.

setup() {
    load ../support/common
    enter_work
}
teardown() {
    if mountpoint -q "$WORK/small"; then umount "$WORK/small"; fi
    leave_work
}

# A short SPE1 (12 report steps of 31 days) whose placeholders can break it: PORO <P>, its last
# cell <Q>, and an option <OPT>. One case for each argument.
flow_sweep() { # "P,Q,OPT" per case; more spec in $SPEC
    local n=0 row
    sed -e 's/300\*0\.3/299*<P> <Q>/' -e '/^TSTEP/,/\/$/d' \
        -e 's/^END$/TSTEP\n12*31 \/\n\nEND/' \
        "$ROOT/tests/data/decks/spe1/SPE1CASE1.DATA" >SPE1.DATA
    echo "REAL,P,Q,OPT" >cases.csv
    for row in "$@"; do
        echo "$n,$row" >>cases.csv
        n=$((n + 1))
    done
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: flow}
spec:
  deck: SPE1.DATA
  design: {method: table, file: cases.csv}
  simulator:
    preset: flow
    args: ["--<OPT>"]
    ${SIMULATOR:-}
  results: {store: store}
${SPEC:-}
Y
}
GOOD=0.3,0.3,enable-tuning=false

run_sweep() {
    run decksweep run sweep.yaml --no-collect "$@"
    echo "$output"
}
verdict() { # case: its verdict and reason
    decksweep ls store/flow --json | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    if r["case"] == int(sys.argv[1]): print(r["verdict"])' "$1"
}
reason() { # case
    decksweep show store/flow "$1" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["record"]["reason"])'
}
failed() { find store/flow/failed -name "*.$1.tar.zst" 2>/dev/null | wc -l; }

@test "bad values and options get their verdicts from real Flow, and a good case is ok" {
    SPEC='  failure: {retries: {crashed: 0}}'
    flow_sweep "$GOOD" 0.3,0.3x,enable-tuning=false 0,0,enable-tuning=false \
        -0.3,-0.3,enable-tuning=false 0.3,0.3,no-such-option=1 0.3,0.3,newton-max-iterations=1 \
        0.3,0.3,enable-dry-run=true
    run_sweep
    [ "$status" -eq 1 ]
    [ "$(verdict 0)" = ok ]
    [ "$(verdict 1)" = deck-error ]
    [[ "$(reason 1)" == *"Malformed floating point number '0.3x'"*"SPE1.DATA line "* ]]
    [ "$(verdict 2)" = deck-error ]
    [ "$(verdict 3)" = crashed ]
    [ "$(verdict 4)" = deck-error ]
    [[ "$(reason 4)" == *"NoSuchOption"*"simulator.args"* ]]
    [ "$(verdict 5)" = not-converged ]
    [[ "$(reason 5)" == *"Solver failed to converge"*"notConvergedArgs"* ]]
    [ "$(verdict 6)" = deck-error ]
    [[ "$(reason 6)" == *"NOSIM"* ]]
    # results up to the failure are kept, whole
    f=$(find store/flow/failed -name '*.not-converged.tar.zst')
    tar --zstd -tf "$f" | grep -q SPE1.PRT
}

@test "an END that only one case's include has makes that case incomplete, with its summary kept whole" {
    flow_sweep "$GOOD"
    sed -i -e 's/299\*<P> <Q>/300*0.3/' -e "s/^12\*31 \/$/6*31 \/\n\nINCLUDE\n '<MID>' \/\n\nTSTEP\n6*31 \//" SPE1.DATA
    mkdir mid
    echo '-- nothing' >mid/a.inc
    printf 'END\n' >mid/b.inc
    sed -i -e '/args:/d' -e 's/design:.*/design: {method: grid}/' -e 's/^  deck:/  parameters: {MID: {files: "mid\/*.inc"}}\n  deck:/' sweep.yaml
    run_sweep
    [ "$status" -eq 1 ]
    [ "$(verdict 0)" = ok ]
    [ "$(verdict 1)" = incomplete ]
    [[ "$(reason 1)" == *"stopped at day 186 of 372"* ]]
    f=$(find store/flow/failed -name '*.1.incomplete.tar.zst')
    tar --zstd -tf "$f" | grep -q SPE1.UNSMRY
    [ "$(failed 2.incomplete)" -eq 1 ] # tried once more
}

@test "a keyword that Flow does not know is a deck error that names it" {
    flow_sweep "$GOOD"
    sed -i 's/^INIT$/INIT\nFOOBARXX/' SPE1.DATA
    run_sweep
    if [ "$status" -ne 2 ]; then # planning may refuse it first
        [ "$(verdict 0)" = deck-error ]
        [[ "$(reason 0)" == *"FOOBARXX"* ]]
    fi
}

@test "EXIT in ACTIONX ends a run well, with its own status" {
    flow_sweep "$GOOD"
    sed -i 's/^12\*31 \/$/2*31 \/\n\nACTIONX\nSTOP 1 \/\nFOPR > 0 \/\n\/\nEXIT\n 7 \/\nENDACTIO\n\nTSTEP\n10*31 \//' SPE1.DATA
    run_sweep
    [ "$status" -eq 0 ]
    f=$(find store/flow/cases -name '*.tar.zst')
    tar --zstd -xOf "$f" case.json | grep -q '"ended":"action"'
    tar --zstd -xOf "$f" case.json | grep -q '"exit_code":7'
}

@test "a wall time that is too short is a timeout" {
    SIMULATOR='wallTime: 1s'
    flow_sweep "$GOOD"
    sed -i 's/^12\*31/1000*2/' SPE1.DATA
    run_sweep
    [ "$status" -eq 1 ]
    [ "$(verdict 0)" = timeout ]
    [ "$(failed 1.timeout-1)" -eq 1 ]
    nothing_left 5
}

@test "too little memory is out-of-memory, and more of it makes the same case end well" {
    SPEC='  resources: {memory: 40MiB}'
    flow_sweep "$GOOD"
    # Flow needs 65 MiB: killed at 40, well at 80
    run_sweep
    [ "$status" -eq 0 ]
    [ "$(failed 1.out-of-memory-40)" -eq 1 ]
    [ "$(verdict 0)" = ok ]
}

@test "memory that Flow is refused and swallows is out-of-memory although it ends with status 0" {
    SPEC='  failure: {retries: {out-of-memory: 0}}'
    flow_sweep "$GOOD"
    read -r plan round < <(mkround sweep.yaml store)
    mkdir bin
    # under a small ulimit -v real Flow said this, once, and ended with status 0 all the same
    printf '#!/bin/bash\n[ "$1" = --version ] && exec /usr/bin/flow "$@"\n/usr/bin/flow "$@"; echo "ERROR: Uncaught std::exception when running tasklet: std::bad_alloc. Trying to continue." >&2\n' >bin/flow
    chmod +x bin/flow
    export PATH=$WORK/bin:$PATH
    run decksweep-agent work --store store --sweep flow --plan "$plan" \
        --round "$round" --index 0
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(find store/flow/failed -name '*.1.out-of-memory-*' | wc -l)" -eq 1 ]
}

@test "SIGKILL from outside is a crash that is tried again" {
    flow_sweep "$GOOD"
    sed -i 's/^12\*31/400*5/' SPE1.DATA
    decksweep run sweep.yaml --no-collect >log 2>&1 &
    runner=$!
    wait_for 20 find_flow
    kill -9 "$(find_flow)"
    status=0
    wait "$runner" || status=$?
    cat log
    [ "$status" -eq 0 ]
    [ "$(failed 1.crashed)" -eq 1 ]
    [ "$(verdict 0)" = ok ]
}
find_flow() { # its case has begun to write
    find "$WORK"/tmp/decksweep-*/*/cases -name SPE1.UNSMRY -size +1k 2>/dev/null | grep -q . || return 1
    pgrep -f "flow SPE1.DATA --output-dir=" | while read -r pid; do
        case "$(readlink "/proc/$pid/cwd")" in "$WORK"/*) echo "$pid" ;; esac
    done | head -1 | grep .
}

@test "a disk that fills up under Flow is out-of-disk though Flow says all is well; with room again it ends well" {
    mkdir small
    mount -t tmpfs -o size=40m none small 2>/dev/null || skip "needs the right to mount a tmpfs"
    flow_sweep "$GOOD"
    sed -i 's/^12\*31/400*5/' SPE1.DATA
    decksweep run sweep.yaml --no-collect --scratch "$WORK/small" >log 2>&1 &
    runner=$!
    wait_for 20 sh -c 'find small -name SPE1.UNSMRY | grep -q .'
    head -c 100000000 /dev/zero >small/filler 2>/dev/null || true
    wait_for 30 sh -c 'ls store/flow/failed/*.1.out-of-disk.tar.zst'
    rm small/filler
    status=0
    wait "$runner" || status=$?
    cat log
    [ "$status" -eq 0 ]
    [ "$(verdict 0)" = ok ]
    tar --zstd -xOf "$(ls store/flow/failed/*.1.out-of-disk.tar.zst)" case.json | grep -q '"exit_code":0'
}

@test "an MPI case with a bad deck says what Flow said, not what mpirun said" {
    SPEC='  resources: {ranks: 2}'
    flow_sweep 0.3,0.3x,enable-tuning=false
    run_sweep
    [ "$status" -eq 1 ]
    [ "$(verdict 0)" = deck-error ]
    [[ "$(reason 0)" == *"Malformed floating point number '0.3x'"* ]]
}

@test "judge files: status and kept files decide" {
    flow_sweep "$GOOD" 0.3,0.3x,enable-tuning=false
    sed -i -e 's/preset: flow/command: [flow, "{deck}", "--output-dir={output}", "--threads-per-process=1"]\n    judge: files\n    version: any/' \
        -e 's/store: store/store: store, keep: [summary, "*.EGRID"]/' sweep.yaml
    run_sweep
    [ "$status" -eq 1 ]
    [ "$(verdict 0)" = ok ]
    [ "$(verdict 1)" = crashed ]
    f=$(find store/flow/cases -name '*.tar.zst')
    tar --zstd -tf "$f" | grep -q SPE1.EGRID
    sed -i 's/\*.EGRID/*.VTU/' sweep.yaml
    rm -r store
    run_sweep
    [ "$(verdict 0)" = incomplete ]
    [[ "$(reason 0)" == *"*.VTU"* ]]
}
