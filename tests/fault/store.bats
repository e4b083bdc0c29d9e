#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The directory store when the system refuses: a clear message, no half object, nothing left
# behind, and the second try succeeds. Faults come from strace, from tiny file systems, from kill.

setup() {
    build=${DS_BUILD:-$BATS_TEST_DIRNAME/../../build/gcc}
    tool=$build/support/storetool
    work=$(mktemp -d)
    store=$work/store
    mounted=
    # LeakSanitizer cannot work under strace; a preloaded library comes before ASan.
    export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:verify_asan_link_order=0
    "$tool" put "$store" cases/first x 2>/dev/null >/dev/null
}

teardown() {
    if [ -n "$mounted" ]; then umount -l "$mounted"; fi
    rm -rf "$work"
}

need_strace() {
    command -v strace >/dev/null || skip "strace is not installed"
    strace -o /dev/null true || skip "ptrace is not allowed here"
}

# inject SYSCALL PATTERN ERROR TOOL-ARGUMENTS...: makes fail the first call of that kind whose
# arguments match the pattern. Which one that is shows a dry run over a copy of the store.
inject() {
    local call=$1 pattern=$2 error=$3 at
    shift 3
    rm -rf "$work/dry" && cp -r "$store" "$work/dry"
    strace -f -y -e "trace=$call" -o "$work/trace" "$tool" "$1" "$work/dry" "${@:3}" >/dev/null 2>&1
    at=$(grep "$call(" "$work/trace" | grep -n -m1 -E -- "$pattern" | cut -d: -f1)
    [ -n "$at" ] || { echo "no $call with $pattern in:"; cat "$work/trace"; return 99; }
    strace -f -o /dev/null -e "trace=$call" -e "inject=$call:error=$error:when=$at" "$tool" "$@"
}

nothing_left() {
    [ -z "$(find "$store" -name '.*' -type f)" ]
}

# refused WORDS SYSCALL PATTERN ERROR: a put fails with these words, leaves nothing, and
# succeeds when it is tried again.
refused() {
    local words=$1
    shift
    run inject "$@" put "$store" cases/k "some content"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"$words"* ]]
    [[ $output == *"storetool: store $store: "* ]]
    nothing_left
    [ ! -e "$store/cases/k" ] || [ "$(cat "$store/cases/k")" = "some content" ]
    run "$tool" put "$store" cases/k "some content"
    [ "$status" -eq 0 ]
    [ "$(cat "$store/cases/k")" = "some content" ]
    nothing_left
    rm "$store/cases/k"
}

@test "a full disk at write, at fsync and at close says so, and to free space" {
    need_strace
    for call in write fsync close; do
        refused "No space left on device; the disk of the store is full: free some space" \
            "$call" 'cases/\.tmp' ENOSPC
    done
}

@test "a used-up quota says so, wherever it shows first" {
    need_strace
    for call in write fsync close; do
        refused "Disk quota exceeded; your quota on the store is used up" \
            "$call" 'cases/\.tmp' EDQUOT
    done
    refused "your quota on the store is used up" openat 'cases.*\.tmp.*O_CREAT' EDQUOT
    refused "your quota on the store is used up" linkat 'cases.*\.tmp' EDQUOT
}

@test "a failing disk at write, fsync, close and link commits nothing" {
    need_strace
    for call in write fsync close linkat; do
        refused "Input/output error; the disk or file server of the store fails" \
            "$call" 'cases.*\.tmp' EIO
    done
}

@test "a directory that cannot be synced is an error only when it is a real one" {
    need_strace
    refused "fsync of its folder: Input/output error" fsync '(store|dry)/cases>' EIO
    refused "fsync of its folder: No space left on device" fsync '(store|dry)/cases>' ENOSPC
    for error in EINVAL EOPNOTSUPP ENOSYS; do
        run inject fsync '(store|dry)/cases>' $error put "$store" "cases/$error" x
        [ "$status" -eq 0 ]
        [[ $output == *committed* ]]
    done
}

@test "a lost race at link is a success that says existed" {
    need_strace
    run inject linkat 'cases.*\.tmp' EEXIST put "$store" cases/k "some content"
    [ "$status" -eq 0 ] # nobody was there: the link was tried again
    [[ $output == *committed* ]]
    run "$tool" put "$store" cases/k other
    [[ $output == *existed* ]]
    [ "$(cat "$store/cases/k")" = "some content" ]
    nothing_left
}

@test "an answer EEXIST to our own link, as NFS gives, is a success" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$work/shim.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
int linkat(int a, const char *b, int c, const char *d, int e)
{
    int (*real)(int, const char *, int, const char *, int) = dlsym(RTLD_NEXT, "linkat");
    int rc = real(a, b, c, d, e);
    if (rc == 0 && d[0] != '.') { errno = EEXIST; return -1; }
    return rc;
}
C
    gcc -shared -fPIC -o "$work/shim.so" "$work/shim.c" -ldl
    run env LD_PRELOAD="$work/shim.so" "$tool" put "$store" cases/k "some content"
    [ "$status" -eq 0 ]
    [[ $output == *committed* ]]
    [ "$(cat "$store/cases/k")" = "some content" ]
    run env LD_PRELOAD="$work/shim.so" "$tool" put "$store" cases/k other
    [[ $output == *existed* ]]
    nothing_left
}

@test "without link(2) results are renamed into place, and that is said once" {
    need_strace
    for error in EPERM EOPNOTSUPP ENOSYS; do
        rm -f "$store/cases/k"
        run strace -f -o /dev/null -e trace=linkat -e inject=linkat:error=$error \
            "$tool" put "$store" cases/k "some content"
        [ "$status" -eq 0 ]
        [[ $output == *"no link(2) in $store"* ]]
        [[ $output == *committed* ]]
        run strace -f -o /dev/null -e trace=linkat -e inject=linkat:error=$error \
            "$tool" put "$store" cases/k other
        [[ $output == *existed* ]]
        [ "$(cat "$store/cases/k")" = "some content" ]
        nothing_left
    done
    # neither link nor rename without replacing: look, then rename
    rm "$store/cases/k"
    for word in committed existed; do
        run strace -f -o /dev/null -e trace=linkat,renameat2 -e inject=linkat:error=EPERM \
            -e inject=renameat2:error=EINVAL "$tool" put "$store" cases/k "some content"
        [ "$status" -eq 0 ]
        [[ $output == *$word* ]]
    done
    nothing_left
    # link fails only now, in this folder
    rm "$store/cases/k"
    run inject linkat 'cases.*\.tmp' EPERM put "$store" cases/k "some content"
    [ "$status" -eq 0 ]
    [[ $output == *committed* ]]
    nothing_left
}

@test "a body from a file is copied by other means when the kernel cannot" {
    need_strace
    seq 1 200000 >"$work/src"
    for error in EXDEV EINVAL ENOSYS EOPNOTSUPP; do
        run strace -f -o /dev/null -e trace=copy_file_range -e inject=copy_file_range:error=$error \
            "$tool" file "$store" "cases/$error" "$work/src"
        [ "$status" -eq 0 ]
        cmp "$store/cases/$error" "$work/src"
    done
    run strace -f -o /dev/null -e trace=copy_file_range -e inject=copy_file_range:error=ENOSPC \
        "$tool" file "$store" cases/full "$work/src"
    [ "$status" -eq 1 ]
    [[ $output == *"the disk of the store is full"* ]]
    [ ! -e "$store/cases/full" ]
    nothing_left
}

@test "replacing fails whole: the old object stays" {
    need_strace
    "$tool" set "$store" plan.json old
    # 0 and 1 are the probe's own temporaries, 2 is the object's
    for row in 'write dry/\.tmp.*content' 'fsync dry/\.tmp.*\.2>' 'close dry/\.tmp.*\.2>' \
        'renameat \.tmp.*plan\.json'; do
        run inject "${row%% *}" "${row#* }" ENOSPC set "$store" plan.json "new content"
        echo "$row: $output"
        [ "$status" -eq 1 ] # 0: nothing was hit; 99: there is no such call
        [[ $output == *"open ok"*"plan.json: "*"No space left on device"* ]]
        [ "$(cat "$store/plan.json")" = old ]
        nothing_left
    done
    "$tool" set "$store" plan.json "new content"
    [ "$(cat "$store/plan.json")" = "new content" ]
}

@test "the probe at open finds a store that cannot be written before anything runs" {
    need_strace
    for row in 'write ENOSPC full' 'fsync EIO fails' 'fsync EDQUOT quota' 'close ENOSPC full' \
        'openat EROFS read-only' 'openat EACCES owner' 'linkat EIO fails'; do
        read -r call error word <<<"$row"
        run inject "$call" '\.tmp\.' "$error" put "$store" cases/k x
        echo "$row: $output"
        [ "$status" -eq 1 ]
        [[ $output != *"open ok"* ]]
        [[ $output == *"store $store: "*"$word"* ]]
        [ ! -e "$store/cases/k" ]
        nothing_left
    done
}

@test "a batch of a hundred begins all its writes before it waits, and syncs its folder once" {
    need_strace
    strace -y -e trace=sync_file_range,fsync -o "$work/trace" "$tool" many "$store" 100 4000
    [ "$(grep -c 'fsync.*cases>' "$work/trace")" -eq 1 ]
    [ "$(grep -c 'fsync.*cases/\.tmp' "$work/trace")" -eq 100 ]
    first_wait=$(grep -n -m1 'fsync.*cases/\.tmp' "$work/trace" | cut -d: -f1)
    last_start=$(grep -n 'sync_file_range.*cases/\.tmp' "$work/trace" | tail -1 | cut -d: -f1)
    [ "$last_start" -lt "$first_wait" ]
    strace -y -e trace=fsync -o "$work/trace" "$tool" single "$store" 100 4000
    [ "$(grep -c 'fsync.*cases>' "$work/trace")" -eq 100 ]
}

mount_tmpfs() { # size
    [ "$(id -u)" -eq 0 ] || skip "mounting needs root"
    mkdir "$work/mount"
    mount -t tmpfs -o "size=$1" tmpfs "$work/mount" 2>/dev/null || skip "mounting is not allowed here"
    mounted=$work/mount
    store=$work/mount/store
}

@test "a disk that really fills keeps what was committed and takes more once there is room" {
    mount_tmpfs 1m
    head -c 600000 /dev/urandom >"$work/src"
    "$tool" file "$store" cases/one "$work/src"
    run "$tool" file "$store" cases/two "$work/src"
    [ "$status" -eq 1 ]
    [[ $output == *"cases/two"*"No space left on device; the disk of the store is full"* ]]
    nothing_left
    [ ! -e "$store/cases/two" ]
    cmp "$store/cases/one" "$work/src"
    run "$tool" many "$store" 10 100000 # some fit, the others say why
    [ "$status" -eq 1 ]
    nothing_left
    [ -z "$(find "$store" -type f -size -100000c)" ]
    mount -o remount,size=8m "$work/mount"
    run "$tool" file "$store" cases/two "$work/src"
    [ "$status" -eq 0 ]
    cmp "$store/cases/two" "$work/src"
}

@test "a read-only store is refused at open, and can still be read" {
    mount_tmpfs 1m
    "$tool" put "$store" cases/k content
    mount -o remount,ro "$work/mount"
    run "$tool" put "$store" cases/l content
    [ "$status" -eq 1 ]
    [[ $output == *"Read-only file system; the store is mounted read-only: remount it, or give another --store"* ]]
    run "$tool" get "$store" cases/k
    [ "$status" -eq 0 ]
    [[ $output == *content ]]
    run "$tool" list "$store"
    [[ $output == *"cases/k 7"* ]]
    run "$tool" put "$work/mount/new" cases/l content # a folder that cannot be created
    [ "$status" -eq 1 ]
    [[ $output == *"Read-only file system"* ]]
}

@test "a store of somebody else is refused with whom to ask" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
    chmod 755 "$work" "$store"
    cp "$tool" "$work/tool" # the build may stand where others cannot look
    run setpriv --reuid=65534 --regid=65534 --clear-groups "$work/tool" put "$store" cases/l x
    [ "$status" -eq 1 ]
    [[ $output == *"Permission denied; you may not do that there: look at owner and mode"* ]]
}

@test "killed at any moment, a writer leaves whole objects, and temporaries that are swept" {
    local total=0 left=0
    for round in {1..25}; do
        "$tool" hammer "$store" 2>/dev/null &
        local pid=$!
        sleep "0.$(printf %03d $((RANDOM % 150)))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        left=$((left + $(find "$store" -name '.tmp.*' | wc -l)))
        rm -f "$store/cases/first"
        run "$tool" check "$store"
        [ "$status" -eq 0 ]
        total=$((total + ${lines[-1]}))
        "$tool" sweep "$store" 2>/dev/null
        nothing_left
        rm -rf "$store/cases"
    done
    echo "$total objects, $left temporaries swept" >&3
    [ "$total" -gt 100 ]
    [ "$left" -gt 0 ]
}

@test "writers killed side by side never disturb the one that lives" {
    "$tool" hammer "$store" 2>"$work/living" &
    local living=$!
    for round in {1..8}; do
        "$tool" hammer "$store" 2>/dev/null &
        local pid=$!
        sleep 0.05
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        "$tool" sweep "$store" 2>/dev/null # takes the dead one's, not the living one's
    done
    kill -0 "$living"
    kill -9 "$living"
    wait "$living" 2>/dev/null || true
    [ "$(cat "$work/living")" = "open ok" ]
    rm -f "$store/cases/first"
    "$tool" check "$store" 2>/dev/null
}
