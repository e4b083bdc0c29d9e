#!/usr/bin/env bats
# The life of a sweep through `decksweep run`, with the do-nothing simulator.

setup() {
    load ../support/common
    enter_work
}
teardown() { leave_work; }

table_sweep() { # behaviour...; more spec lines in $EXTRA
    SIMULATOR="wallTime: 20s" SPEC=${EXTRA:-} behave_sweep "$@"
}

ids_of() { decksweep ls "$1" --json | python3 -c 'import json,sys
for line in sys.stdin:
    r = json.loads(line); print(r["case"], r["id"])'; }

@test "a sweep runs, is collected, and a second run finds nothing to do" {
    null_sweep 10
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 10 ]
    [ -f store/null-sweep/dataset/summary.nc ]
    before=$(find store/null-sweep/cases -printf '%p %T@\n' | sort)
    run decksweep run sweep.yaml
    [ "$status" -eq 0 ]
    [[ "$output" == *"10 done"* ]]
    [ "$(find store/null-sweep/cases -printf '%p %T@\n' | sort)" = "$before" ]
}

@test "a failing case gives status 1, says why in one line everywhere, and the others finish" {
    table_sweep steps=2 say=deck steps=3 exit=9
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(committed)" -eq 2 ]
    [[ "$output" == *"deck-error"* ]]
    run decksweep ls store/null-sweep --failed
    [[ "$output" == *"deck-error"* ]]
    run decksweep show store/null-sweep 1
    [[ "$output" == *"deck-error"* ]]
    # a deck error is never tried again, a crash once
    [ "$(find store -name '*.deck-error.tar.zst' | wc -l)" -eq 1 ]
    [ "$(find store -name '*.crashed.tar.zst' | wc -l)" -eq 2 ]
    run decksweep run sweep.yaml
    [ "$status" -eq 1 ]
    [ "$(find store -path '*failed*' -name '*.tar.zst' | wc -l)" -eq 3 ]
}

@test "--retry-failed gives a failed case its attempts again" {
    table_sweep steps=2 say=deck
    run decksweep run sweep.yaml
    [ "$status" -eq 1 ]
    run decksweep run sweep.yaml --retry-failed
    [ "$status" -eq 1 ]
    [ "$(find store -name '*.granted' | wc -l)" -eq 1 ]
    [ "$(find store -name '*.2.deck-error.tar.zst' | wc -l)" -eq 1 ]
}

@test "--retry-failed with --only gives no other failed case its attempts again" {
    table_sweep steps=2 say=deck "say=deck;steps=9"
    run decksweep run sweep.yaml
    [ "$status" -eq 1 ]
    [ "$(find store -name '*.deck-error.tar.zst' | wc -l)" -eq 2 ]
    run decksweep run sweep.yaml --retry-failed --only 1
    [ "$status" -eq 1 ]
    [ "$(find store -name '*.granted' | wc -l)" -eq 1 ]
    [ "$(find store -name '*.2.deck-error.tar.zst' | wc -l)" -eq 1 ]
    run decksweep run sweep.yaml
    [ "$(find store -name '*.deck-error.tar.zst' | wc -l)" -eq 3 ]
}

@test "--only with a number that the design does not have is wrong input, and nothing runs" {
    null_sweep 4
    run decksweep run sweep.yaml --only 2,7
    [ "$status" -eq 2 ]
    [[ "$output" == *"no case 7; its numbers are 0 to 3"* ]]
    [ ! -e store ]
    run decksweep run sweep.yaml --only 2-7 --no-collect
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
}

@test "a sweep that grows runs only its new cases, and numbers follow the present design" {
    null_sweep 4
    decksweep run sweep.yaml --no-collect
    before=$(find store/null-sweep/cases -name '*.zst' -printf '%f %T@\n' | sort)
    sed -i 's/from: 0, to: 3, count: 4/from: 0, to: 7, count: 8/' sweep.yaml
    run decksweep run sweep.yaml --no-collect
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"4 new"* ]]
    [ "$(committed)" -eq 8 ]
    # the old archives were not touched
    while read -r line; do
        find store/null-sweep/cases -name '*.zst' -printf '%f %T@\n' | grep -qF "$line"
    done <<<"$before"
}

@test "identity: level, store, wall time, keep and image leave ids alone; value, version and file content do not" {
    null_sweep 3
    decksweep run sweep.yaml --no-collect
    ids=$(ids_of store/null-sweep)
    same() { sed "$1" sweep.yaml >s2.yaml; decksweep run s2.yaml --no-collect --store "$2" ${3:-}; [ "$(ids_of "$2/null-sweep")" = "$ids" ]; }
    other() { sed "$1" sweep.yaml >s2.yaml; decksweep run s2.yaml --no-collect --store "$2"; [ "$(ids_of "$2/null-sweep")" != "$ids" ]; }
    same 's/store: store/store: store, compression: 9/' st1
    same 's/store: store/store: store, keep: [summary]/' st2
    same 's/version: "1"/version: "1"\n    wallTime: 1h/' st3
    same 's/version: "1"/version: "1"\n    image: registry.example\/x/' st4
    other 's/version: "1"/version: "2"/' st5
    other 's/to: 2, count/to: 4, count/' st6
    sed -i 's/3\*10/4*10/' DECK.DATA
    other 's/x/x/' st7
}

@test "Ctrl-C keeps what is done, uses up no retry, leaves no process, and the same command goes on" {
    null_sweep 12 '"--sleep_ms=300"'
    decksweep run sweep.yaml --no-collect 2>log &
    runner=$!
    wait_for 20 some_committed 3
    kill -INT "$runner"
    status=0
    wait "$runner" || status=$?
    cat log
    [ "$status" -eq 130 ]
    nothing_left 5
    n=$(committed)
    [ "$n" -ge 3 ]
    [ "$n" -lt 12 ]
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 12 ]
}

@test "kill -9 of any process of the sweep at random moments: nothing lost, nothing twice, nobody left" {
    null_sweep 40 '"--sleep_ms=60"'
    for round in 1 2 3 4 5 6 7 8; do
        decksweep run sweep.yaml --no-collect 2>>log &
        runner=$!
        sleep "0.$((RANDOM % 8 + 1))"
        case $((round % 3)) in
            0) victim=$runner ;;
            1) victim=$(pgrep -P "$runner" | head -1 || true) ;;
            2) victim=$(pids_in_work | head -1) ;;
        esac
        kill -9 "$victim" 2>/dev/null || true
        sleep 0.2
        kill -INT "$runner" 2>/dev/null || true
        wait "$runner" || true
        nothing_left 5
    done
    run decksweep run sweep.yaml --no-collect
    tail -n 30 log
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 40 ]
    decksweep verify store/null-sweep
    # names of temporaries start with a dot
    [ "$(find store -name '.*' -type f | wc -l)" -eq 0 ]
}

@test "a narrower keep stops run, --accept takes it, --refill runs again and removes the narrower" {
    null_sweep 3 "" "  #end"
    sed -i 's/store: store/store: store, keep: [summary]/' sweep.yaml
    decksweep run sweep.yaml --no-collect
    sed -i 's/keep: \[summary\]/keep: [summary, log]/' sweep.yaml
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 2 ]
    [[ "$output" == *"--refill"* ]]
    run decksweep run sweep.yaml --no-collect --accept
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 3 ]
    run decksweep run sweep.yaml --no-collect --refill
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(find store -name '*.sl.tar.zst' | wc -l)" -eq 3 ]
    [ "$(find store -name '*.s.tar.zst' | wc -l)" -eq 0 ]
}

@test "--refill leaves alone what is not narrower but other" {
    null_sweep 2
    sed -i 's/store: store/store: store, keep: [summary, "*.PRT"]/' sweep.yaml
    decksweep run sweep.yaml --no-collect
    [ "$(find store -path '*cases*' -name '*.sx*.tar.zst' | wc -l)" -eq 2 ]
    sed -i 's/keep: .*/keep: [summary, log]}/' sweep.yaml
    run decksweep run sweep.yaml --no-collect --refill
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(find store -name '*.sl.tar.zst' | wc -l)" -eq 2 ]
    [ "$(find store -path '*cases*' -name '*.sx*.tar.zst' | wc -l)" -eq 2 ]
}

@test "--refill of a case that now fails for good ends with status 1, and keeps what was there" {
    table_sweep steps=2 "marker=$WORK/here;say=deck"
    touch here # it goes well as long as the file is there
    sed -i 's/store: store/store: store, keep: [summary]/' sweep.yaml
    decksweep run sweep.yaml --no-collect
    rm here
    sed -i 's/keep: \[summary\]/keep: [summary, log]/' sweep.yaml
    run decksweep run sweep.yaml --no-collect --refill
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" != *Stalled* ]]
    [ "$(find store -name '*.sl.tar.zst' | wc -l)" -eq 1 ]
    [ "$(find store -name '*.s.tar.zst' | wc -l)" -eq 1 ]
}

@test "cases that take nearly all memory run, and the margin for siblings makes them no larger than the machine" {
    null_sweep 3 '"--mem_mib=92"'
    run decksweep run sweep.yaml --no-collect --memory 100MiB --only 0-1
    echo "$output"
    [ "$status" -eq 0 ]
    run decksweep run sweep.yaml --no-collect --memory 100MiB
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 3 ]
}

@test "a big case of an earlier run and ordinary ones run side by side in one worker" {
    EXTRA='  resources: {memory: 40MiB}'
    table_sweep "mem_mib=60;sleep_ms=1500"
    run decksweep run sweep.yaml --no-collect --memory 45MiB
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(committed)" -eq 0 ]
    for n in 1 2 3 4; do echo "$n,sleep_ms=10$n" >>cases.csv; done
    run decksweep run sweep.yaml --no-collect --memory 400MiB
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 5 ]
    # one worker for all: the big case starts first, the small ones end beside it
    python3 - "$(grep -l '"number":4' store/null-sweep/runs/*.jsonl)" <<'P'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
workers = [e for e in events if e["event"] == "worker"]
assert len(workers) == 1, events
assert [e["number"] for e in events if e["event"] == "started"][0] == 0, events
ended = [e["number"] for e in events if e["event"] == "finished"]
assert workers[0]["n_slots"] == 1 or ended[-1] == 0, ended
P
}

@test "--only runs the named cases and nothing else" {
    null_sweep 6
    run decksweep run sweep.yaml --no-collect --only 1,4-5
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 3 ]
}

@test "a store that holds another deck's sweep is refused, --replace goes on and removes nothing" {
    null_sweep 2
    decksweep run sweep.yaml --no-collect
    mv DECK.DATA OTHER.DATA
    sed -i 's/DECK.DATA/OTHER.DATA/' sweep.yaml
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 2 ]
    [[ "$output" == *"--replace"* ]]
    run decksweep run sweep.yaml --no-collect --replace
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -ge 2 ]
}

@test "a second run names the holder of the lock; --join helps it" {
    null_sweep 30 '"--sleep_ms=200"'
    decksweep run sweep.yaml --no-collect --cores 1 2>log1 &
    first=$!
    wait_for 20 sh -c 'find store -name "*.tar.zst" -path "*cases*" | grep -q .'
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 3 ]
    [[ "$output" == *"pid "* ]]
    [[ "$output" == *"--join"* ]]
    [[ "$output" == *"decksweep status sweep.yaml --watch"* ]]
    # a store that the sweep file does not name is in the command to give
    run decksweep run sweep.yaml --no-collect --store store
    [ "$status" -eq 3 ]
    [[ "$output" == *"decksweep status store/null-sweep --watch"* ]]
    run decksweep run sweep.yaml --no-collect --join
    [ "$status" -eq 2 ]
    run decksweep run sweep.yaml --no-collect --join --cores 1 --memory 512MiB
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"30 cases: 30 ok in"* ]]
    wait "$first"
    cat log1
    [ "$(committed)" -eq 30 ]
    grep -q "30 cases: 30 ok in" log1
}

@test "maxFailed stops the sweep early and keeps what is done" {
    EXTRA='  failure: {maxFailed: 2, retries: {crashed: 0}}'
    table_sweep steps=1 say=deck say=deck say=deck steps=2 steps=3 steps=4 "sleep_ms=900" "sleep_ms=901" "sleep_ms=902" "sleep_ms=903" "sleep_ms=904"
    run decksweep run sweep.yaml --no-collect --cores 1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"maxFailed"* ]]
    [ "$(committed)" -lt 9 ]
}

@test "equal rows run once and stand in the dataset each" {
    table_sweep steps=2 steps=2 steps=3
    run decksweep run sweep.yaml
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
    [ "$(wc -l <store/null-sweep/dataset/parameters.csv)" -eq 4 ]
}

@test "pvc:// on one machine is exit status 2 and names --store" {
    null_sweep 2
    sed -i 's#store: store#store: "pvc://results/x"#' sweep.yaml
    run decksweep run sweep.yaml
    [ "$status" -eq 2 ]
    [[ "$output" == *"--store"* ]]
}

@test "a simulator that is not there is exit status 3 with its name" {
    null_sweep 2
    sed -i 's/\[nullsim/[no-such-simulator/' sweep.yaml
    run decksweep run sweep.yaml
    [ "$status" -eq 3 ]
    [[ "$output" == *"no-such-simulator"* ]]
}

@test "a dry run that is interrupted leaves no folder and no process behind" {
    spe1_sweep 2
    mkdir bin
    printf '#!/bin/sh\n[ "$1" = --version ] && { echo "flow 2022.10"; exit; }\nexec sleep 61\n' >bin/flow
    chmod +x bin/flow
    PATH=$WORK/bin:$PATH decksweep plan sweep.yaml --measure >out 2>&1 & pid=$!
    wait_for 10 pgrep -P "$pid" sleep
    kill -TERM "$pid"
    status=0; wait "$pid" || status=$?
    cat out
    [ "$status" -eq 130 ]
    [ -z "$(find tmp -mindepth 1)" ]
    nothing_left 5
}

@test "plan tells how many samples where leaves out, and when nothing is left to run" {
    null_sweep 4
    sed -i -e 's/{linspace.*/{uniform: {min: 0, max: 1}}/' \
        -e 's/^  design:.*/  design: {method: sobol, samples: 4, where: "A > 0.5"}/' sweep.yaml
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"3 cases by sobol, seed 1; \`where\` leaves out 1 of 4"* ]]
    decksweep run sweep.yaml --no-collect
    run decksweep plan sweep.yaml
    [[ "$output" == *"estimate    nothing is left to run"* ]]
}

@test "a finished sweep is collected, with status 0, on a machine that is too small for one of its cases" {
    null_sweep 2
    sed -i 's/^  results:/  resources: {memory: 60MiB, threads: 2}\n  results:/' sweep.yaml
    decksweep run sweep.yaml --no-collect
    [ "$(committed)" -eq 2 ]
    run decksweep run sweep.yaml --memory 50MiB --cores 1
    echo "$output"
    [ "$status" -eq 0 ]
    [ -f store/null-sweep/dataset/summary.nc ]
    run decksweep plan sweep.yaml --memory 50MiB --explain
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"nothing is left to run"* ]]
    [[ "$output" == *"a case needs 60.0 MiB of memory, 50.0 MiB may be used here"* ]]
    # one case more, and it is said as before
    sed -i 's/to: 1, count: 2/to: 2, count: 3/' sweep.yaml
    run decksweep run sweep.yaml --memory 50MiB
    [ "$status" -eq 2 ]
    [[ "$output" == *"a case needs 60.0 MiB"* ]]
}

@test "a finished sweep with failed cases ends with status 1 on such a machine, too" {
    EXTRA='  resources: {memory: 60MiB}'
    table_sweep steps=2 say=deck
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 1 ]
    run decksweep run sweep.yaml --memory 50MiB
    echo "$output"
    [ "$status" -eq 1 ]
    [ -f store/null-sweep/dataset/summary.nc ]
}

@test "--retry-failed grants nothing in a store that run then refuses" {
    table_sweep steps=2 say=deck
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 1 ]
    # as if the store's sweep were of another deck, with the same ids
    sed -i 's/"deck_name":"DECK.DATA"/"deck_name":"ELSE.DATA"/' store/null-sweep/plan.json
    run decksweep run sweep.yaml --no-collect --retry-failed
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"--replace"* ]]
    [ "$(find store -name '*.granted' | wc -l)" -eq 0 ]
    # nor where cases lack what keep asks for
    sed -i 's/"deck_name":"ELSE.DATA"/"deck_name":"DECK.DATA"/' store/null-sweep/plan.json
    sed -i 's/{store: store}/{store: store, keep: [summary, log, rft]}/' sweep.yaml
    run decksweep run sweep.yaml --no-collect --retry-failed
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"--refill"* ]]
    [ "$(find store -name '*.granted' | wc -l)" -eq 0 ]
    run decksweep run sweep.yaml --no-collect --retry-failed --accept
    [ "$(find store -name '*.granted' | wc -l)" -eq 1 ]
}

@test "--retry-failed grants nothing on a machine that is too small for a case" {
    EXTRA='  resources: {memory: 60MiB}'
    table_sweep steps=2 say=deck
    run decksweep run sweep.yaml --no-collect
    [ "$status" -eq 1 ]
    run decksweep run sweep.yaml --no-collect --retry-failed --memory 50MiB
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"a case needs 60.0 MiB of memory, 50.0 MiB may be used here"* ]]
    [ "$(find store -name '*.granted' | wc -l)" -eq 0 ]
}

@test "what siblings needed is learnt among thousands of stored cases of another deck" {
    null_sweep 1 '"--mem_mib=5"'
    decksweep run sweep.yaml --no-collect
    foreign=$(find store/null-sweep/cases -type f)
    for n in $(seq 1000 4000); do ln "$foreign" "${foreign%/*}/00000000fade$n.sl.tar.zst"; done
    sed -i -e 's/3\*10/4*10/' DECK.DATA
    sed -i -e 's/mem_mib=5/mem_mib=30/' -e 's/to: 0, count: 1/to: 1, count: 2/' sweep.yaml
    decksweep run sweep.yaml --no-collect
    sed -i 's/to: 1, count: 2/to: 2, count: 3/' sweep.yaml
    run decksweep plan sweep.yaml --json
    echo "$output"
    # another plan than that of the two: no report of a worker counts, only their case.json
    mib=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["mem_bytes"] >> 20)' <<<"$output")
    [ "$mib" -ge 30 ]
    [ "$mib" -lt 60 ]
}

@test "status --watch that comes before the run waits for its plan, follows it, and ends with it" {
    null_sweep 6 '"--sleep_ms=300"'
    # neither sweep nor store, a store without it, a folder without a plan: all may still come
    for target in sweep.yaml store/null-sweep; do
        run timeout 1 decksweep status "$target" --watch
        echo "$output"
        [ "$status" -eq 124 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ "$output" == *"store/null-sweep has no plan yet: waiting for"* ]]
        mkdir -p store/null-sweep
    done
    # what cannot come is said at once, and so is everything without --watch
    run timeout 20 decksweep status nowhere/store/null-sweep --watch
    [ "$status" -eq 3 ]
    run timeout 20 decksweep status sweep.yaml
    [ "$status" -eq 3 ]
    rm -r store
    timeout 60 decksweep status sweep.yaml --watch >out 2>err 3>&- &
    watcher=$!
    wait_for 10 grep -q waiting err
    decksweep run sweep.yaml
    status=0
    wait "$watcher" || status=$?
    cat out err
    [ "$status" -eq 0 ]
    grep -q '6 cases' out
    grep -Eq 'ok +6' out
    [ "$(grep -c 'waiting' err)" -eq 1 ]
    # it did not only see the end: lines of the view while cases ran
    [ "$(wc -l <err)" -ge 2 ]
}

@test "Ctrl-C while run collects leaves nothing in scratch, and the same command goes on" {
    local runner status=0
    null_sweep 500
    decksweep run sweep.yaml --no-collect >/dev/null 2>&1
    # Slow enough to be met in the middle: each read of an archive takes 5 ms longer.
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq -o /dev/null -e trace=pread64 \
        -e inject=pread64:delay_enter=5ms decksweep run sweep.yaml >out 2>err 3>&- &
    wait_for 20 bash -c 'ls -d "$TMPDIR"/decksweep-collect-*'
    runner=$(pgrep -x decksweep -P $!)
    kill -INT "$runner"
    wait $! || status=$?
    cat err
    [ "$status" -eq 130 ]
    [ ! -e store/null-sweep/dataset ]
    [ -z "$(find "$TMPDIR" -name 'decksweep-collect-*')" ]
    decksweep run sweep.yaml
    [ -e store/null-sweep/dataset/summary.nc ]
}
