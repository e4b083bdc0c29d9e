#!/usr/bin/env bats
# The live view on a real terminal (tmux), fed by the file that a run appends its events to:
# redrawn in place, no debris after a resize, cursor back at the end, plain lines on a pipe.

setup() {
    load ../support/common
    enter_work
    makestore store swp 10 --vectors 8 --steps 12 --missing 6
    # A process that is called decksweep-... and stands for the run.
    cp "$(command -v sleep)" decksweep-fake
    ./decksweep-fake 120 3>&- &
    RUN=$!
    mkdir -p store/swp/runs
    LOG=store/swp/runs/2026-11-21T09-10-11Z-$(uname -n)-$RUN.jsonl
    T0=$(($(date +%s) * 1000 - 20000))
    event worker '"n_slots":2'
    event started '"number":4,"slot":0,"attempt":1'
    event started '"number":5,"slot":1,"attempt":1'
    event progress '"number":4,"slot":0,"step":30,"n_steps":120,"time_days":900'
}
teardown() {
    kill "$RUN" 2>/dev/null || true
    tmux -L "$(basename "$WORK")" kill-server 2>/dev/null || true
    leave_work
}

event() { # kind fields
    T0=$((T0 + 100))
    echo "{\"event\":\"$1\",\"at_ms\":$T0,${2:-\"slot\":-1}}" >>"$LOG"
}

mux() { tmux -L "$(basename "$WORK")" -f /dev/null "$@"; }

screen_has() { mux capture-pane -p | grep -q -- "$1"; }

# A shell in a pane of this size, which shows lines that must survive, then runs the words.
start_pane() { # columns lines command
    cat >shell.sh <<S
export PATH=$PATH TERM=screen PS1='prompt> '
echo line before one
echo line before two
$3
echo "status \$?"
exec sleep 100
S
    mux new-session -d -x "$1" -y "$2" "bash --norc shell.sh"
    mux set-option -g window-size manual
    wait_for 10 screen_has 'slot 0'
}

@test "the view is redrawn in place: one head line, nothing scrolls away" {
    start_pane 100 20 "decksweep status store/swp --watch"
    for step in 31 40 60 90; do
        event progress "\"number\":4,\"slot\":0,\"step\":$step,\"n_steps\":120,\"time_days\":900"
        wait_for 5 screen_has " $step/120"
    done
    event failed '"number":5,"slot":1,"attempt":1,"verdict":"crashed","final":true,"text":"signal 11 \u001b[2J in the dark"'
    wait_for 5 screen_has 'case 5: crashed: signal 11'
    mux capture-pane -p -S - >screen
    cat screen
    [ "$(grep -c '/10  ' screen)" -eq 1 ]
    [ "$(grep -c 'slot 0' screen)" -eq 1 ]
    [ "$(grep -c 'line before' screen)" -eq 2 ]
    [ "$(mux display-message -p '#{cursor_flag}')" -eq 0 ]
}

@test "it survives narrow windows, resizing and tiny heights without debris" {
    start_pane 100 20 "decksweep status store/swp --watch"
    local size
    for size in "40 20" "120 20" "20 12" "80 6" "100 20"; do
        # shellcheck disable=SC2086
        set -- $size
        mux resize-window -x "$1" -y "$2"
        event progress "\"number\":4,\"slot\":0,\"step\":$1,\"n_steps\":120,\"time_days\":900"
        wait_for 5 screen_has " $1/120"
        sleep 0.4
        mux capture-pane -p >screen
        echo "== $size"
        cat screen
        [ "$(grep -c '/10 ' screen)" -eq 1 ]
        [ "$(grep -c '/120' screen)" -eq 1 ]
    done
    [ "$(mux capture-pane -p -S - | grep -c 'line before')" -ge 1 ]
}

@test "at the end the view goes, the cursor comes back and the totals stay" {
    start_pane 80 20 "decksweep status store/swp --watch"
    kill "$RUN"
    wait_for 15 screen_has 'status 0'
    mux capture-pane -p >screen
    cat screen
    [ "$(mux display-message -p '#{cursor_flag}')" -eq 1 ]
    [ "$(grep -c 'slot 0' screen)" -eq 0 ]
    grep -q 'store/swp: 10 cases' screen
    grep -q 'line before two' screen
}

@test "Ctrl-C leaves the terminal as it was" {
    start_pane 80 20 "trap : INT; decksweep status store/swp --watch"
    mux send-keys C-c
    wait_for 10 screen_has 'status 130'
    [ "$(mux display-message -p '#{cursor_flag}')" -eq 1 ]
}

@test "on a pipe there are plain lines: no escapes, each failure once" {
    decksweep status store/swp --watch >out 2>err 3>&- &
    local watcher=$!
    event failed '"number":5,"slot":1,"attempt":1,"verdict":"timeout","final":true,"text":"ran longer than 2h"'
    wait_for 5 grep -q 'ran longer' err
    event failed '"number":6,"slot":1,"attempt":1,"verdict":"deck-error","final":true,"text":"bad \u001b[31mvalue"'
    wait_for 5 grep -q 'case 6: deck-error' err
    kill "$RUN"
    wait "$watcher"
    cat err
    [ "$(grep -c 'case 6' err)" -eq 1 ]
    [ "$(grep -c $'\033' err)" -eq 0 ]
    [ "$(grep -c 'nothing runs' out)" -eq 1 ]
}

@test "a view that begins late shows why cases failed before" {
    event failed '"number":5,"slot":1,"attempt":1,"verdict":"timeout","final":true,"text":"late"'
    start_pane 100 20 "decksweep status store/swp --watch"
    wait_for 5 screen_has 'case 5: timeout: late'
}

@test "NO_COLOR keeps colours out of the view" {
    event failed '"number":5,"slot":1,"attempt":1,"verdict":"timeout","final":true,"text":"late"'
    script -qec "timeout --foreground 2 decksweep status store/swp --watch" colored >/dev/null || true
    NO_COLOR=1 script -qec "timeout --foreground 2 decksweep status store/swp --watch" plain >/dev/null || true
    grep -q $'\033\[31m' colored || grep -q $'\033\[1m' colored
    grep -q 'case 5: timeout: late' plain
    [ "$(grep -cE $'\033\[[1-9][0-9;]*m' plain)" -eq 0 ]
}

@test "status from a second terminal names the running cases" {
    decksweep status store/swp >out
    cat out
    grep -q '^running: runs/' out
    grep -q 'case 4  *slot 0  *report step 30 of 120' out
    decksweep status store/swp --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["alive"] is True and [r["case"] for r in s["running"]] == [4, 5], s
assert s["running"][0]["report_step"] == 30 and s["running"][0]["n_report_steps"] == 120, s'
    kill "$RUN"
    wait "$RUN" || true
    decksweep status store/swp --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["alive"] is False and s["running"] == [], s'
}

@test "torn, foreign and wild lines in a run's file are passed over" {
    printf 'garbage\n{"event":"progress","number":1e99,"slot":"x"}\n\0\0\n{"event":"nonsense"}\n{"event":"started","number":6,"slot":99999999,"at_ms":1}\n{"event":"prog' >>"$LOG"
    decksweep status store/swp >out
    grep -q 'case 4' out
    printf 'x' >"store/swp/runs/notes.jsonl"
    printf 'x' >"store/swp/runs/Z-.jsonl"
    decksweep status store/swp --json | python3 -m json.tool >/dev/null
}

@test "logs --follow prints a growing PRT file of a case on this machine until it ends" {
    mkdir case
    echo "first line" >case/RUN.PRT
    event started "\"number\":4,\"slot\":0,\"attempt\":1,\"text\":\"$PWD/case\""
    [ "$(decksweep logs store/swp 4)" = "first line" ]
    decksweep logs store/swp 4 --follow >followed 3>&- &
    local follower=$!
    wait_for 5 grep -q 'first line' followed
    printf 'second line\n' >>case/RUN.PRT
    wait_for 5 grep -q 'second line' followed
    event finished '"number":4,"slot":0,"verdict":"ok"'
    wait "$follower"
    [ "$(wc -l <followed)" -eq 2 ]
}

@test "logs --follow of a case on another machine prints what its worker reports" {
    mv "$LOG" "${LOG/$(uname -n)/elsewhere}"
    LOG=${LOG/$(uname -n)/elsewhere}
    decksweep logs store/swp 4 --follow >followed 3>&- &
    local follower=$!
    event progress '"number":4,"slot":0,"step":31,"n_steps":120,"tail":"Report step 31\nTime step 5"'
    wait_for 8 grep -q 'Time step 5' followed
    event finished '"number":4,"slot":0,"verdict":"ok"'
    wait "$follower"
}

@test "run shows its view on a terminal, ends at Ctrl-C with 130, and goes on afterwards" {
    null_sweep 30 '"--sleep_ms=400", "--steps=4"'
    cat >shell.sh <<S
export PATH=$PATH TERM=screen TMPDIR=$TMPDIR
echo line before
trap : INT
decksweep run sweep.yaml
echo "status \$?"
exec sleep 100
S
    mux new-session -d -x 90 -y 20 "bash --norc shell.sh"
    wait_for 20 screen_has 'slot 0'
    wait_for 20 screen_has ' [1-9][0-9]*/30 '
    mux capture-pane -p >screen
    cat screen
    [ "$(grep -c '/30 ' screen)" -eq 1 ]
    [ "$(grep -c 'line before' screen)" -eq 1 ]
    decksweep status store/null-sweep | grep -q '^running: runs/'
    mux send-keys C-c
    wait_for 20 screen_has 'status 130'
    mux capture-pane -p >screen
    cat screen
    [ "$(mux display-message -p '#{cursor_flag}')" -eq 1 ]
    [ "$(grep -c 'slot 0' screen)" -eq 0 ]
    decksweep status store/null-sweep | grep -q 'nothing runs'
    decksweep run sweep.yaml >/dev/null 2>&1
    [ "$(find store/null-sweep/cases -name "*.tar.zst" | wc -l)" -eq 30 ]
}

@test "a reader of its messages that goes away ends no run" {
    null_sweep 6 '"--sleep_ms=200"'
    mkfifo pipe
    head -c 10 <pipe >/dev/null &
    local reader=$!
    local rc=0
    decksweep run sweep.yaml >pipe 2>&1 || rc=$?
    wait "$reader"
    [ "$rc" -ne 141 ]
    [ "$(find store/null-sweep/cases -name '*.tar.zst' | wc -l)" -eq 6 ]
    [ -s store/null-sweep/dataset/summary.nc ]
}
