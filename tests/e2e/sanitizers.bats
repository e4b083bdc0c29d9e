#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Under SAN=1 the tests prove something only if a report of any process fails them. Here the test
# runner itself is run, in a folder of its own, over tests that pass although a program erred.

setup() {
    load ../support/common
    grep -q __asan_init "$DS_BUILD/support/naughty" || skip "not built with SAN=1"
    enter_work
    mkdir -p scripts tests/e2e
    cp "$ROOT/scripts/run_tests.sh" scripts/
    unset ASAN_OPTIONS UBSAN_OPTIONS
}
teardown() { [ -z "${WORK:-}" ] || leave_work; }

# A test that passes whatever the commands do; run by the runner.
runner_over() { # file name, commands
    rm -f tests/e2e/*
    printf '@test "looks fine" {\n    { %s; } >/dev/null 2>&1 || true\n}\n' "$2" >"tests/e2e/$1.bats"
    run scripts/run_tests.sh build e2e
    echo "$output"
}

@test "a process that errs fails a test that does not look at it" {
    for fault in leak overflow undefined; do
        runner_over $fault "naughty $fault"
        [ "$status" -ne 0 ]
        [ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
        [[ "$output" == *"FAIL $fault.bats: 1 sanitizer reports"*"build/logs/reports-of-$fault.bats"* ]]
        [[ "$output" == *"naughty.c"* ]]
        [ "$(find build/logs/reports-of-$fault.bats -name 'report.*' | wc -l)" -eq 1 ]
    done
    runner_over none "naughty exit 3"
    [ "$status" -eq 0 ]
    [ "${lines[-1]}" = "1 passed, 0 failed, 0 skipped" ]
}

@test "so does one that a worker started, below its guardian, in an environment made for it" {
    mkdir sweep
    (cd sweep && null_sweep 1)
    sed -i 's|command: .*|command: [naughty, leak]|; s|judge: flow|judge: eclipse|' sweep/sweep.yaml
    runner_over deep "cd '$WORK/sweep' && decksweep run sweep.yaml"
    [ "$status" -ne 0 ]
    [[ "$output" == *"1 passed, 1 failed, 0 skipped"* ]]
    [[ "$output" == *"LeakSanitizer"*"err_in_c"* ]]
}
