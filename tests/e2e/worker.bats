#!/usr/bin/env bats
# shellcheck disable=SC2046,SC2119,SC2120,SC2016
# One worker on one chunk, with the do-nothing simulator that fails on request.

setup() {
    load ../support/common
    enter_work
    NULLSIM_ARGS='"--days=10;steps=3", '
}
teardown() {
    if mountpoint -q "$WORK/store"; then umount "$WORK/store"; fi
    if mountpoint -q "$WORK/small"; then umount "$WORK/small"; fi
    chmod -R u+w "$WORK" 2>/dev/null || true
    leave_work
}

# Plan, commit the next round, work on its chunk; events in events.jsonl.
next_round() { read -r PLAN ROUND < <(mkround sweep.yaml store); }
work() { (job "$@"); }
job() { # to be put in the background: $! is the worker itself
    exec decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --index 0 --scratch "$WORK/tmp" "$@" >>events.jsonl 2>>errors.txt
}
my_sim() { # pid of a simulator of this test, and of no other
    local pid
    for pid in $(pids_in_work); do
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = nullsim ]; then echo "$pid" && return; fi
    done
    return 1
}
ended() { status=0; wait "$1" || status=$?; }
run_work() {
    next_round
    run work "$@"
    cat events.jsonl errors.txt
}
failed() { find store/null-sweep/failed -name "*.$1.tar.zst" 2>/dev/null | wc -l; }
reason() { # verdict as in the key: reason of the first such archive
    tar --zstd -xOf "$(find store/null-sweep/failed -name "*.$1.tar.zst" | sort | head -1)" case.json |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["reason"])'
}
whole_archives() {
    local f
    find store -name '*.tar.zst' -path '*/cases/*' -o -name '*.tar.zst' -path '*/failed/*' >archives
    while read -r f; do
        tar --zstd -tf "$f" >/dev/null || { echo "not whole: $f"; return 1; }
    done <archives
}
no_temporaries() { [ -z "$(find store -name '.*' -type f)" ]; }
scratch_is_empty() {
    [ -z "$(find "$WORK/tmp/decksweep-$(id -u)" -mindepth 1 -not -path '*/kept-*' 2>/dev/null)" ]
}
events_of() { grep -c "\"event\":\"$1\"" events.jsonl || true; }

@test "every kind of failure gets its verdict, and the others are done" {
    SIMULATOR='wallTime: 60s'
    behave_sweep steps=3 'exit=9' 'signal=11' 'signal=9;at_step=1' 'say=deck' 'say=converge;at_step=1' \
        'say=badalloc' 'say=unused' 'say=nofile;end_step=0' 'nosim=1' 'end_step=1' 'half_step=1' 'cut=20' \
        'action_exit=7;at_step=2' 'errors=2' 'no_banner=1' 'no_summary=1' 'no_prt=1' 'exit=137'
    run_work
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 3 ] # steps=3, action_exit, no_prt
    [ "$(failed 1.crashed)" -eq 4 ]
    [ "$(failed 2.crashed)" -eq 4 ]
    [ "$(failed 1.deck-error)" -eq 4 ]
    [ "$(failed 2.deck-error)" -eq 0 ]
    [ "$(failed 1.not-converged)" -eq 1 ]
    [ "$(find store -name '*.1.out-of-memory-*' | wc -l)" -eq 1 ]
    [ "$(failed 1.out-of-disk)" -eq 1 ]
    [ "$(failed 1.incomplete)" -eq 5 ]
    [[ "$(reason 1.deck-error)" == *[Dd]"eck"* || "$(reason 1.deck-error)" == *"simulat"* ]]
    whole_archives
    no_temporaries
    scratch_is_empty
    # nothing is left for another round but what memory postponed
    [ "$(events_of finished)" -ge 19 ]
}

@test "the reason names the deck file and the line, and what to do" {
    behave_sweep say=deck
    run_work
    [[ "$(reason 1.deck-error)" == *"Malformed floating point number '<PORO>'"*"DECK.DATA line 91"* ]]
}

@test "a case that fails once is tried again in the same worker under the next number" {
    behave_sweep "marker=$WORK/a;exit=3" "marker=$WORK/b;end_step=1" "marker=$WORK/c;say=deck"
    run_work
    [ "$status" -eq 0 ]
    [ "$(failed 1.crashed)" -eq 1 ]
    [ "$(failed 2.crashed)" -eq 0 ]
    [ "$(failed 1.incomplete)" -eq 1 ]
    [ "$(failed 1.deck-error)" -eq 1 ]
    [ "$(committed)" -eq 2 ]
}

@test "not-converged is tried once more with notConvergedArgs, and says so for ever" {
    SPEC='  failure: {notConvergedArgs: ["--say=nothing"]}'
    behave_sweep 'say=converge'
    run_work
    [ "$status" -eq 0 ]
    [ "$(failed 1.not-converged)" -eq 1 ]
    f=$(find store -path '*/cases/*.zst' -o -path '*failed*.2.*' | head -1)
    tar --zstd -xOf "$f" case.json | grep -q '"altered_args":true'
    tar --zstd -xOf "$f" case.json | grep -q 'say=nothing'
}

@test "a case that outgrows its memory is ended, comes back with twice as much, and the others run on" {
    SPEC='  resources: {memory: 40MiB}'
    behave_sweep 'mem_mib=60;sleep_ms=900' 'sleep_ms=400' 'sleep_ms=401' 'sleep_ms=402'
    run_work --memory 400MiB
    [ "$status" -eq 0 ]
    [ "$(failed 1.out-of-memory-40)" -eq 1 ]
    [ "$(committed)" -eq 4 ]
    [[ "$(reason 1.out-of-memory-40)" == *"40.0 MiB"* ]]
}

@test "a case that no memory of this worker suffices for waits for the next round" {
    SPEC='  resources: {memory: 40MiB}'
    behave_sweep 'mem_mib=90;sleep_ms=900'
    run_work --memory 45MiB
    [ "$status" -eq 0 ]
    [ "$(failed 1.out-of-memory-40)" -eq 1 ]
    [ "$(committed)" -eq 0 ]
    grep -q '"event":"failed"' events.jsonl
    [ "$(grep -c '"final":true' events.jsonl)" -eq 0 ]
    grep -q '1 too large for this worker' events.jsonl
    # the next round starts it with twice the memory
    run_work --memory 400MiB
    [ "$(failed 2.out-of-memory-80)" -eq 1 ]
    [ "$(committed)" -eq 1 ]
}

@test "cases wait when memory does not suffice for all slots" {
    SPEC='  resources: {memory: 60MiB}'
    behave_sweep 'sleep_ms=300' 'sleep_ms=301' 'sleep_ms=302'
    run_work --memory 100MiB
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 3 ]
    grep -q '"event":"worker".*"n_slots":1' events.jsonl
    grep -q 'memory allows 1 at once' events.jsonl
}

@test "wall time ends a case, also one that ignores SIGTERM, and the key tells the limit" {
    SIMULATOR='wallTime: 1s'
    behave_sweep 'sleep_ms=60000' 'sleep_ms=60000;ignore_term=1' 'sleep_ms=0'
    run_work
    [ "$status" -eq 0 ]
    [ "$(failed 1.timeout-1)" -eq 2 ]
    [ "$(committed)" -eq 1 ]
    [[ "$(reason 1.timeout-1)" == *"wall time of 1"*"wallTime"* ]]
}

@test "a process that a case leaves behind is ended with it" {
    behave_sweep 'orphan_ms=60000'
    run_work
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 1 ]
    nothing_left 5
}

@test "a simulator that writes to an input spoils its own copy only" {
    behave_sweep 'touch_input=extra.inc' chops=1 chops=2 chops=3
    sed -i 's/^SCHEDULE/INCLUDE\n '"'extra.inc'"' \/\nSCHEDULE/' DECK.DATA
    { echo "-- an include file"; head -c 200000 /dev/zero | tr '\0' '-'; echo; } >extra.inc
    printf '#!/bin/sh\nwc -c <extra.inc >>"%s/sizes"\nexec nullsim "$@"\n' "$WORK" >sized
    chmod +x sized
    sed -i "s|command: \[nullsim|command: [$WORK/sized|" sweep.yaml
    run_work --cores 1
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 4 ]
    [ "$(wc -l <sizes)" -eq 4 ]
    [ "$(sort -u sizes)" = "$(wc -c <extra.inc)" ] # each saw it whole
    next_round
    [ "$ROUND" -eq 0 ]
}

@test "a second wish to stop does not wait for cases, also when signals come two at a time" {
    behave_sweep 'sleep_ms=60000;ignore_term=1'
    next_round
    job & pid=$!
    wait_for 5 my_sim
    wish() { kill -STOP "$pid"; kill -TERM "$pid"; kill -INT "$pid"; kill -CONT "$pid"; }
    wish
    sleep 1
    my_sim >/dev/null # asked politely: it is deaf
    local began=$SECONDS
    wish
    ended "$pid"
    [ "$status" -eq 75 ]
    [ $((SECONDS - began)) -lt 6 ] # else it is waited for: nine seconds
    nothing_left 5
}

@test "SIGTERM starts nothing more, keeps what is finished, uses up no attempt, and the next worker goes on" {
    behave_sweep $(for i in $(seq 100 130); do echo "sleep_ms=$i"; done)
    next_round
    for after in 0.05 0.3 0.6; do
        job & pid=$!
        wait_for 5 grep -q '"event":"worker"' events.jsonl
        sleep "$after"
        kill -TERM "$pid"
        ended "$pid"
        [ "$status" -eq 75 ]
        cat events.jsonl >>all.jsonl
        : >events.jsonl
        nothing_left 5
        scratch_is_empty
    done
    [ "$(committed)" -lt 31 ]
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    work
    cat all.jsonl >>events.jsonl
    [ "$(committed)" -eq 31 ]
    # nothing committed was run again: every case finished ok exactly once
    [ "$(grep '"event":"committed"' events.jsonl | grep -o '"id":"[^"]*"' | sort | uniq -d | wc -l)" -eq 0 ]
}

@test "kill -9 at random moments, again and again: all done once, no half object, nothing left" {
    behave_sweep $(for i in $(seq 60); do echo "sleep_ms=$((100 + i))"; done)
    next_round
    for _ in $(seq 12); do
        job & pid=$!
        sleep "0.$((RANDOM % 40 + 10))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        nothing_left 5
        whole_archives
    done
    work
    [ "$(committed)" -eq 60 ]
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    whole_archives
    scratch_is_empty
}

@test "kill -9 of a running case is a crash that is tried again" {
    behave_sweep 'sleep_ms=1500'
    next_round
    job & pid=$!
    wait_for 5 my_sim
    kill -9 "$(my_sim)"
    wait "$pid"
    [ "$(failed 1.crashed)" -eq 1 ]
    [ "$(committed)" -eq 1 ]
}

@test "a worker whose parent is gone ends like one that was told to" {
    behave_sweep 'sleep_ms=20000'
    next_round
    # the reader of its events goes away: the next event finds a closed pipe
    bash -c 'decksweep-agent work --store store --sweep null-sweep --plan "$0" --round "$1" --index 0 --scratch "$2" 2>/dev/null | head -1 >/dev/null' \
        "$PLAN" "$ROUND" "$WORK/tmp" &
    wait_for 5 my_sim
    nothing_left 15
}

need_mount() {
    mkdir -p "$WORK/small"
    mount -t tmpfs -o "size=$1" none "$WORK/small" 2>/dev/null || skip "needs the right to mount a tmpfs"
}

@test "a full scratch disk is out-of-disk although the simulator says all is well, and says so" {
    need_mount 40m
    behave_sweep 'fill_mib=100' steps=3
    next_round
    run decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --index 0 --scratch "$WORK/small" --cores 1
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(failed 1.out-of-disk)" -eq 1 ]
    [ "$(failed 2.out-of-disk)" -eq 1 ]
    [ "$(committed)" -eq 1 ]
}

@test "too little scratch space is said before anything starts" {
    need_mount 4m
    behave_sweep steps=3
    next_round
    run decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --index 0 --scratch "$WORK/small"
    echo "$output"
    [ "$status" -eq 76 ]
    [[ "$output" == *"make room or use another --scratch"* ]]
}

fill_store() { # but for so much
    head -c 9000000 /dev/zero >store/filler 2>/dev/null || true
    truncate -s "-$1" store/filler
}

@test "a store that fills up loses nothing: finished archives stay in scratch and the next worker commits them" {
    need_mount 3m
    behave_sweep $(for i in $(seq 12); do echo "chops=$i"; done)
    mkdir store
    mount --bind "$WORK/small" store
    next_round
    fill_store 8K
    run work
    cat events.jsonl errors.txt
    [ "$status" -eq 76 ]
    grep -q '"event":"note".*takes no results' events.jsonl
    spooled=$(find tmp -name '*.archive' | wc -l)
    [ "$spooled" -ge 1 ]
    before=$(committed)
    rm store/filler
    : >events.jsonl
    run work
    cat events.jsonl errors.txt
    grep -q "committed $spooled results that an earlier worker" events.jsonl
    [ "$(committed)" -eq 12 ]
    [ "$before" -lt 12 ]
}

@test "what an interrupted worker left is found also when the sweep was edited" {
    behave_sweep 'sleep_ms=60000'
    next_round
    job & pid=$!
    wait_for 10 grep -q started events.jsonl
    kill -9 "$pid"
    ended "$pid"
    nothing_left 5
    [ -n "$(find tmp/decksweep-* -name DECK.DATA)" ]
    behave_sweep steps=2
    sed -i 's/wallTime.*//; s/^    version: "1"$/    version: "1"\n    wallTime: 1h/' sweep.yaml
    run_work
    [ "$status" -eq 0 ]
    scratch_is_empty
}

@test "a case whose folder cannot be kept fails, and the others are done" {
    behave_sweep steps=2 steps=3 steps=4
    cat >deep <<'S'
#!/bin/sh
nullsim "$@" || exit
case $* in *steps=3) mkdir -p "$(printf 'a/%.0s' $(seq 60))" ;; esac
S
    chmod +x deep
    sed -i "s|command: \[nullsim|command: [$WORK/deep|; s/\"--days=10;steps=3\", //" sweep.yaml
    run_work
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
    [ "$(failed 2.incomplete)" -eq 1 ]
    [[ "$(reason 1.incomplete)" == *"nested too deep"* ]]
    next_round
    [ "$ROUND" -eq 0 ]
}

@test "a case with more files to keep than can be listed fails, and the others are done" {
    RESULTS=', keep: [summary, log, "*.many"]'
    behave_sweep steps=2 steps=3
    cat >many <<'S'
#!/bin/sh
nullsim "$@" || exit
case $* in *steps=3) seq -f "$(printf 'x%.0s' $(seq 190))%g.many" 45000 | xargs touch ;; *) echo >a.many ;; esac
S
    chmod +x many
    sed -i "s|command: \[nullsim|command: [$WORK/many|; s/\"--days=10;steps=3\", //" sweep.yaml
    run_work
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 1 ]
    [ "$(failed 2.incomplete)" -eq 1 ]
    [[ "$(reason 1.incomplete)" == *"can be listed"* ]]
}

@test "a store that becomes full and has room again goes on by itself" {
    need_mount 3m
    behave_sweep $(for i in $(seq 6); do echo "sleep_ms=50$i"; done)
    mkdir store
    mount --bind "$WORK/small" store
    next_round
    job & pid=$!
    wait_for 10 grep -q started events.jsonl
    fill_store 0
    wait_for 10 grep -q 'takes no results' events.jsonl
    rm store/filler
    ended "$pid"
    cat events.jsonl errors.txt
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 6 ]
}

@test "a read-only store is said at the start, with status 76" {
    need_mount 8m
    behave_sweep steps=3
    mkdir store
    mount --bind "$WORK/small" store
    next_round
    mount -o remount,ro,bind store
    run work
    cat errors.txt
    [ "$status" -eq 76 ]
    [ -s errors.txt ]
}

@test "a commit between the loop's last look and its end is told all the same" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >late.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/statvfs.h>
#include <unistd.h>
int statvfs(const char *path, struct statvfs *out) /* the loop asks for space after its notes */
{
    int (*real)(const char *, struct statvfs *) = dlsym(RTLD_NEXT, "statvfs");
    usleep(300000);
    return real(path, out);
}
C
    gcc -shared -fPIC -o late.so late.c -ldl
    behave_sweep steps=3
    next_round
    (export LD_PRELOAD=$WORK/late.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 && job)
    cat events.jsonl errors.txt
    [ "$(committed)" -eq 1 ]
    [ "$(events_of committed)" -eq 1 ]
}

@test "a simulator that is gone is status 77 and no attempt" {
    mkdir bin
    ln -s "$(command -v nullsim)" bin/goner
    export PATH=$WORK/bin:$PATH
    behave_sweep steps=3
    sed -i 's/nullsim, /goner, /' sweep.yaml
    next_round
    rm bin/goner
    run work
    cat errors.txt
    [ "$status" -eq 77 ]
    grep -q goner errors.txt
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    ln -s "$(command -v nullsim)" bin/goner
    work
    [ "$(committed)" -eq 1 ]
}

@test "a flow of another version than the plan's is status 77 and commits nothing" {
    mkdir bin
    printf '#!/bin/sh\nif [ "$1" = --version ]; then echo "flow 2022.10"; exit; fi\nexec nullsim "$@"\n' >bin/flow
    chmod +x bin/flow
    export PATH=$WORK/bin:$PATH
    behave_sweep steps=3 steps=4
    sed -i -e '/command:/s/.*/    preset: flow/' -e '/version:/d' -e '/args:/s/"--<BEHAVE>"/"--<BEHAVE>", "--sleep_ms=200"/' sweep.yaml
    next_round
    sed -i 's/2022.10/2099.04/' bin/flow
    run work
    cat errors.txt
    [ "$status" -eq 77 ]
    grep -q 2099.04 errors.txt
    [ "$(committed)" -eq 0 ]
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    sed -i 's/2099.04/2022.10/' bin/flow
    run work
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
}

@test "a worker told to stop before flow has told its version is interrupted, not without a simulator" {
    mkdir bin
    printf '#!/bin/sh\n[ "$1" != --version ] || { [ ! -e "$WORK/slow" ] || { : >"$WORK/asked"; sleep 20; }; echo "flow 2022.10"; exit; }\nexec nullsim "$@"\n' >bin/flow
    chmod +x bin/flow
    export PATH=$WORK/bin:$PATH
    behave_sweep steps=3
    sed -i -e '/command:/s/.*/    preset: flow/' -e '/version:/d' sweep.yaml
    next_round
    : >slow
    job & pid=$!
    wait_for 10 test -e asked
    kill -TERM "$pid"
    ended "$pid"
    cat events.jsonl errors.txt
    [ "$status" -eq 75 ]
    grep -q ' 1 not run; exit status 75' events.jsonl
    [ ! -s errors.txt ]
    [ "$(committed)" -eq 0 ]
    nothing_left 5
    rm slow
    work
    [ "$(committed)" -eq 1 ]
}

@test "marked starts: an open marker of a pod that died counts as one lost attempt" {
    behave_sweep 'sleep_ms=3000' 'sleep_ms=10'
    next_round
    job --mark-starts & pid=$!
    wait_for 5 sh -c 'ls store/null-sweep/started/*.1'
    wait_for 5 my_sim
    kill -9 "$pid"
    wait "$pid" || true
    nothing_left 5
    run work --mark-starts
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
    [ "$(find store/null-sweep/started -name '*.2' | wc -l)" -eq 1 ]
    # one at a time
    [ "$(grep -c '"n_slots":1' events.jsonl)" -eq 2 ]
}

@test "--keep-scratch failed leaves the folders of failed cases, and only those" {
    behave_sweep steps=3 say=deck
    run_work --keep-scratch failed
    [ "$status" -eq 0 ]
    [ "$(find tmp/decksweep-*/kept-* -name DECK.DATA | wc -l)" -eq 1 ]
    [ -f "$(find tmp/decksweep-*/kept-* -name parameters.txt)" ]
}

@test "two workers on one chunk: everything done, nothing twice in the store, no failure" {
    behave_sweep $(for i in $(seq 24); do echo "sleep_ms=$((30 + i))"; done)
    next_round
    job --cores 1 & one=$!
    job --cores 1 & two=$!
    wait "$one"
    wait "$two"
    [ "$(committed)" -eq 24 ]
    [ "$(find store -path '*failed*' -type f | wc -l)" -eq 0 ]
    scratch_is_empty
}

@test "progress tells report step, simulated time and the last five lines every ten seconds" {
    behave_sweep 'sleep_ms=13000'
    sed -i 's/days=10;steps=3/days=1;steps=30/' sweep.yaml
    run_work
    [ "$status" -eq 0 ]
    [ "$(events_of progress)" -eq 1 ]
    python3 - <<'P'
import json
for line in open("events.jsonl"):
    e = json.loads(line)
    if e["event"] == "progress":
        assert 15 <= e["step"] <= 29, e
        assert abs(e["time_days"] - e["step"]) < 1.5, e
        assert 9000 <= e["wall_ms"] <= 12500, e
        tail = e["tail"].split("\n")
        assert len(tail) == 5 and all(t.startswith("Report step") for t in tail), e
P
}

@test "a scratch without free inodes is said, waited for, and status 76" {
    mkdir -p "$WORK/small"
    mount -t tmpfs -o "size=100m,nr_inodes=60" none "$WORK/small" 2>/dev/null || skip "needs the right to mount a tmpfs"
    behave_sweep steps=3 steps=4
    next_round
    decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --index 0 --scratch "$WORK/small" >events.jsonl 2>errors.txt & pid=$!
    wait_for 5 grep -q worker events.jsonl
    ended "$pid"
    [ "$status" -eq 0 ] # enough for two
    rm -r store
    next_round
    mkdir small/junk
    n=0
    while touch "small/junk/$n" 2>/dev/null; do n=$((n + 1)); done
    rm small/junk/[0-9] small/junk/1[0-2]
    run decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --index 0 --scratch "$WORK/small"
    echo "$output"
    [ "$status" -eq 76 ]
    [[ "$output" == *"No space left on device"* ]]
}

@test "wrong use is status 2 and says what is wrong" {
    behave_sweep steps=3
    next_round
    run decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" --index 5
    [ "$status" -eq 2 ]
    run decksweep-agent work --store store --sweep ../x --plan "$PLAN" --round 1 --index 0
    [ "$status" -eq 2 ]
    run decksweep-agent work --store store --sweep null-sweep --plan nope --round 1 --index 0
    [ "$status" -eq 2 ]
    run decksweep-agent work --sweep null-sweep
    [ "$status" -eq 2 ]
    [[ "$output" == *"--store is missing"* ]]
    run decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round 99 --index 0
    [ "$status" -eq 76 ]
}
