#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The archive as other programs see it: tar, zstd, bsdtar; and ours over what they see.

setup() {
    load ../support/common
    enter_work
    mkdir -p in/model "in/$(printf 'long%.0s' {1..30})/$(printf 'name%.0s' {1..30})"
    printf 'RUNSPEC\n' >in/SPE1.DATA
    printf 'x' >"in/$(printf 'long%.0s' {1..30})/$(printf 'name%.0s' {1..30})/end.inc"
    printf 'zürich' >'in/zürich €.inc'
    : >in/stderr
    printf '#!/bin/sh\n' >in/run.sh
    chmod 755 in/run.sh
    head -c 9000000 /dev/urandom >in/model/SPE1.UNRST
    seq 1 400000 >in/stdout
    cd in || return 1
    mapfile -t files < <(find . -type f -printf '%P\n' | LC_ALL=C sort)
}

teardown() { leave_work; }

@test "zstd -t and tar --zstd read an archive of any kind of member" {
    archtool pack 3 2 ../a.tar.zst "${files[@]}"
    zstd -q -t ../a.tar.zst
    mkdir ../out
    tar --zstd -xf ../a.tar.zst -C ../out
    diff -r . ../out
    [ -x ../out/run.sh ]
    [ ! -x ../out/stdout ]
}

@test "tar lists names, sizes, owner 0 and the epoch" {
    archtool pack 3 0 ../a.tar.zst SPE1.DATA run.sh
    run tar --zstd --numeric-owner --utc -tvf ../a.tar.zst
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "-rw-r--r-- 0/0 "*" 8 1970-01-01 00:00 SPE1.DATA" ]]
    [[ ${lines[1]} == "-rwxr-xr-x 0/0 "*"run.sh" ]]
}

@test "tar finds no warning to give about blocks, padding or the end" {
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    run tar --zstd -tf ../a.tar.zst --quoting-style=literal
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq "${#files[@]}" ]
    for i in "${!files[@]}"; do [ "${lines[i]}" = "${files[i]}" ]; done
}

@test "bsdtar reads it too" {
    command -v bsdtar >/dev/null || skip "bsdtar is not installed"
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    mkdir ../out
    LC_ALL=C.UTF-8 bsdtar -xf ../a.tar.zst -C ../out
    diff -r . ../out
}

@test "python's tarfile reads the tar inside" {
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    zstd -q -d ../a.tar.zst -o ../a.tar
    mkdir ../out
    python3 -m tarfile -e ../a.tar ../out
    diff -r . ../out
}

@test "the tar inside is the same for every level and number of threads" {
    for how in "1 0" "3 0" "3 2" "9 1"; do
        # shellcheck disable=SC2086
        archtool pack $how ../a.tar.zst "${files[@]}"
        zstd -q -d -f ../a.tar.zst -o ../a.tar
        [ -e ../first.tar ] || cp ../a.tar ../first.tar
        cmp ../first.tar ../a.tar
    done
    [ -s ../first.tar ]
}

@test "unpack, cat, list and verify agree with what was packed" {
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    archtool verify ../a.tar.zst
    mkdir ../out
    archtool unpack ../a.tar.zst ../out
    diff -r . ../out
    [ -x ../out/run.sh ]
    archtool cat ../a.tar.zst model/SPE1.UNRST | cmp - model/SPE1.UNRST
    archtool list ../a.tar.zst | grep -qx 'model/SPE1.UNRST 9000000 5'
}

@test "one member is fetched without reading the others" {
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    command -v strace >/dev/null || skip "strace is not installed"
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -P "$WORK/a.tar.zst" -e trace=pread64 -o ../trace archtool cat "$WORK/a.tar.zst" SPE1.DATA
    bytes=$(awk '/^pread64/ {s += $NF} END {print s}' ../trace)
    [ "$(stat -c %s ../a.tar.zst)" -gt 9000000 ]
    [ "$bytes" -lt 70000 ]
}

@test "an archive cut or with a changed byte is refused with a reason" {
    archtool pack 3 0 ../a.tar.zst "${files[@]}"
    size=$(stat -c %s ../a.tar.zst)
    for cut in 0 10 1000 $((size / 2)) $((size - 1)); do
        head -c "$cut" ../a.tar.zst >../b.tar.zst
        run archtool verify ../b.tar.zst
        [ "$status" -eq 1 ]
        [[ $output == "archtool: archive: cut short"* ]]
    done
    for at in 20 5000000 $((size - 30)) $((size - 100)); do
        cp ../a.tar.zst ../b.tar.zst
        old=$(od -An -tu1 -j "$at" -N 1 ../b.tar.zst)
        # shellcheck disable=SC2059
        printf "\\x$(printf %02x $((old ^ 85)))" |
            dd of=../b.tar.zst bs=1 seek="$at" conv=notrunc status=none
        run archtool verify ../b.tar.zst
        [ "$status" -eq 1 ]
        [[ $output == "archtool: archive: "* ]]
    done
}

@test "what tar made is refused as no archive of ours" {
    tar --zstd -cf ../c.tar.zst SPE1.DATA
    run archtool verify ../c.tar.zst
    [ "$status" -eq 1 ]
    [[ $output == *"no index at its end"* ]]
}
