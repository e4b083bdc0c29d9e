#!/usr/bin/env bats
# shellcheck disable=SC2046,SC2016
# A worker as a pod of an Indexed Job starts it: index and limits from the environment, a
# report as termination message, PID 1 of its namespace. The do-nothing simulator obeys.

setup() {
    load ../support/common
    enter_work
    NULLSIM_ARGS='"--days=10;steps=3", '
    : >message
    export JOB_COMPLETION_INDEX=0
}
teardown() { leave_work; }

next_round() { read -r PLAN ROUND < <(mkround sweep.yaml store); }
work() { (job "$@"); }
job() { # to be put in the background: $! is the worker itself
    exec decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --first-index 0 --message message --scratch "$WORK/tmp" "$@" >>events.jsonl 2>>errors.txt
}
ended() { status=0; wait "$1" || status=$?; }
message() { python3 -c 'import json,sys; print(eval("json.load(open(\"message\"))" + sys.argv[1]))' "$1"; }
markers() { find store/null-sweep/started -type f 2>/dev/null | wc -l; }
has_marker() { [ "$(markers)" -ge 1 ]; }
failed() { find store/null-sweep/failed -name "*.$1.tar.zst" 2>/dev/null | wc -l; }

@test "the report is the termination message, and equal to what the store has" {
    null_sweep 4
    next_round
    DECKSWEEP_NODE=node-seven run work
    [ "$status" -eq 0 ]
    cmp message "store/null-sweep/rounds/$ROUND.0.json"
    [ "$(message '["attempts"]["ok"]')" = 4 ]
    [ "$(message '["node"]')" = node-seven ]
    [ "$(message '["exit_status"]')" = 0 ]
}

@test "a worker that cannot begin says why in its message" {
    null_sweep 2
    next_round
    mv store/null-sweep/rounds/1.json store/null-sweep/rounds/2.json
    run work
    [ "$status" -eq 76 ]
    [ "$(message '["exit_status"]')" = 76 ]
    [[ "$(message '["text"]')" == *rounds/1.json* ]]
    [ ! -e "store/null-sweep/rounds/1.0.json" ]
}

@test "without an index in the environment it refuses and names the variable" {
    null_sweep 2
    next_round
    unset JOB_COMPLETION_INDEX
    run work
    [ "$status" -eq 2 ]
    grep -q JOB_COMPLETION_INDEX errors.txt
    JOB_COMPLETION_INDEX=x run work
    [ "$status" -eq 2 ]
    JOB_COMPLETION_INDEX=0 run work --index 0
    [ "$status" -eq 2 ]
}

@test "an index outside the round is refused, with the number of chunks" {
    null_sweep 2
    next_round
    JOB_COMPLETION_INDEX=7 run work
    [ "$status" -eq 2 ]
    grep -q "no index 7" errors.txt
}

@test "after a pod of its index died, cases run one at a time, each marked before it starts" {
    null_sweep 3 '"--sleep_ms=30000"'
    next_round
    DECKSWEEP_INDEX_FAILURES=1 job &
    local pid=$!
    wait_for 20 has_marker
    sleep 0.5
    [ "$(markers)" -eq 1 ]
    kill -9 "$pid"
    ended "$pid"
    # The marker without an outcome is one lost attempt: the case goes on with its second.
    DECKSWEEP_INDEX_FAILURES=2 job &
    pid=$!
    wait_for 20 eval '[ "$(markers)" -ge 2 ]'
    find store/null-sweep/started -name '*.2' | grep -q .
    kill -9 "$pid"
    ended "$pid"
}

@test "a case that kills its pod again and again is given up, its neighbours finish" {
    # It kills its worker as a kernel short of memory would.
    cat >sim <<'END'
#!/bin/sh
case $3 in killer) kill -9 "$(cat "$WORKER_PID_FILE")"; sleep 30 ;; esac
echo done >"$2/RESULT.txt"
END
    chmod +x sim
    behave_sweep killer good better
    sed -i "s|^    command: .*|    command: ['$WORK/sim', '{deck}', '{output}', '<BEHAVE>']|; /^    args:/d" sweep.yaml
    sed -i 's|judge: flow|judge: files|; s|store: store|store: store, keep: ["RESULT.txt"]|' sweep.yaml
    export WORKER_PID_FILE=$WORK/worker.pid
    next_round
    local deaths=0 status=1
    while [ "$deaths" -lt 12 ]; do
        DECKSWEEP_INDEX_FAILURES=$deaths job --memory 64MiB &
        echo $! >worker.pid
        ended $!
        [ "$status" -ne 0 ] || break
        [ "$status" -eq 137 ]
        deaths=$((deaths + 1))
    done
    echo "deaths $deaths"
    [ "$status" -eq 0 ]
    [ "$deaths" -ge 4 ]
    [ "$deaths" -le 6 ]
    [ "$(committed)" -eq 2 ]
}

@test "SIGTERM leaves no marker: an interrupted case is no attempt" {
    null_sweep 2 '"--sleep_ms=30000"'
    next_round
    job --mark-starts &
    local pid=$!
    wait_for 20 has_marker
    kill "$pid"
    ended "$pid"
    [ "$status" -eq 75 ]
    [ "$(markers)" -eq 0 ]
    [ "$(message '["exit_status"]')" = 75 ]
}

@test "a case that outgrows the pod's scratch is ended, the others go on" {
    behave_sweep steps=3 'fill_mib=120;sleep_ms=20000' 'sleep_ms=6000' steps=2
    next_round
    DECKSWEEP_SCRATCH_BYTES=$(((256 + 100) << 20)) run work --cores 2
    cat events.jsonl errors.txt
    [ "$status" -eq 0 ]
    [ "$(failed out-of-disk)" -eq 2 ] # one more try, alone
    [ "$(committed)" -eq 3 ]
    grep -q "scratch is full" events.jsonl
}

@test "a pod whose scratch cannot hold one case says so at once" {
    null_sweep 1
    next_round
    DECKSWEEP_SCRATCH_BYTES=$((257 << 20)) run work
    [ "$status" -eq 76 ]
    [[ "$(message '["text"]')" == *"one case needs"* ]]
}

@test "as PID 1 it ends on SIGTERM and reaps what cases leave behind" {
    [ "$(id -u)" -eq 0 ] || skip "needs a PID namespace"
    null_sweep 6 '"--orphan_ms=200;sleep_ms=300"'
    next_round
    unshare --fork --pid --mount-proc --kill-child -- bash -c 'exec "$0" "$@" >events.jsonl 2>errors.txt' \
        decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --first-index 0 --message message --scratch "$WORK/tmp" || { cat errors.txt; return 1; }
    [ "$(committed)" -eq 6 ]
    rm -rf store
    null_sweep 6 '"--sleep_ms=30000"'
    next_round
    unshare --fork --pid --mount-proc --kill-child -- bash -c 'exec "$0" "$@" >events.jsonl 2>errors.txt' \
        decksweep-agent work --store store --sweep null-sweep --plan "$PLAN" --round "$ROUND" \
        --first-index 0 --message message --scratch "$WORK/tmp" &
    local outer=$!
    wait_for 20 grep -q '"event":"started"' events.jsonl
    kill "$(pgrep -P "$outer" -x decksweep-agent || pgrep -P "$outer")"
    ended "$outer"
    [ "$status" -eq 75 ]
}

@test "install copies the programs with loader and libraries, and refuses from elsewhere" {
    mkdir -p image/bin image/lib
    cp "$(command -v decksweep-agent)" image/bin/
    echo library >image/lib/libx.so.1
    run image/bin/decksweep-agent install "$WORK/target"
    [ "$status" -eq 0 ]
    cmp image/bin/decksweep-agent target/bin/decksweep-agent
    [ -x target/bin/decksweep-agent ]
    cmp image/lib/libx.so.1 target/lib/libx.so.1
    run image/bin/decksweep-agent install "$WORK/target" # again, over what is there
    [ "$status" -eq 0 ]
    run decksweep-agent install "$WORK/other"
    [ "$status" -eq 2 ]
    [[ "$output" == *"no bin/"* ]]
}
