#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every tier of tests and closes with one line "N passed, N failed, N skipped".
#   run_tests.sh <build folder> [tier...]      tiers: unit fuzz fault e2e cluster
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
build=$1
shift
tiers=${*:-unit fuzz fault e2e cluster}
logs=$build/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
export DS_BUILD=$PWD/$build
# The embedded MPI and OpenMP of the simulator must not see what a shell of a cluster left.
export OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Every process of a test that a sanitizer ends writes its report into this folder, whoever started
# it and wherever its stderr goes; a report that lies there after a test file fails that file.
reports=$PWD/$logs/reports
rm -rf "$reports" && mkdir -p "$reports"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path='$reports/report':exitcode=86"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path='$reports/report':exitcode=86:print_stacktrace=1"

take_reports() { # name: true and a FAIL line when there are any; they move to logs/reports-of-<name>
    local all=("$reports"/*) of=$logs/reports-of-$1
    rm -rf "$of"
    [ -e "${all[0]}" ] || return 1
    echo "FAIL $1: ${#all[@]} sanitizer reports, now in $of"
    head -q -n 40 "${all[@]:0:3}"
    mkdir -p "$of" && mv "${all[@]}" "$of"
}

count() { # passed failed skipped
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

run_unit() {
    local binary log synthesis p f s
    for binary in "$build"/tests/test_*; do
        if [ ! -x "$binary" ] || [[ $binary == *.d ]]; then continue; fi
        log=$logs/$(basename "$binary").log
        timeout -k 10 900 "$binary" --jobs=1 --verbose=1 >"$log" 2>&1
        local rc=$?
        synthesis=$(grep -a 'Synthesis:' "$log" | tail -1)
        p=$(sed -n 's/.*Passing: [^0-9]*\([0-9]*\).*/\1/p' <<<"$synthesis" | tail -1)
        f=$(sed -nE 's/.*Failing: [^0-9]*([0-9]+).*/\1/p' <<<"$synthesis" | tail -1)
        s=$(sed -nE 's/.*Crashing: [^0-9]*([0-9]+).*/\1/p' <<<"$synthesis" | tail -1)
        if [ -z "$synthesis" ] || { [ "$rc" -ne 0 ] && [ "$((${f:-0} + ${s:-0}))" -eq 0 ]; }; then
            echo "FAIL $binary: exit status $rc"
            tail -n 20 "$log"
            take_reports "$(basename "$binary")"
            count 0 1 0
            continue
        fi
        if [ "$rc" -ne 0 ]; then
            echo "FAIL $binary"
            grep -aE '\[(FAIL|----)\]|runtime error|ERROR: |SUMMARY' "$log" | head -n 30
        fi
        # Criterion's closing line does not count what skipped itself.
        local skips
        skips=$(grep -acE '^\[SKIP\]' "$log")
        [ "$skips" -eq 0 ] || grep -aE '^\[SKIP\]' "$log"
        count "${p:-0}" "$((${f:-0} + ${s:-0}))" "$skips"
        if [[ $binary == */test_leak_check ]]; then
            rm -f "$reports"/* # it leaks to prove that this fails
        elif take_reports "$(basename "$binary")" && [ "$rc" -eq 0 ]; then
            count 0 1 0 # a process that the test started
        fi
    done
}

run_fuzz() {
    local binary name
    for binary in build/san/fuzz/fuzz_*; do
        if [ ! -x "$binary" ] || [[ $binary == *.d ]]; then continue; fi
        name=$(basename "$binary")
        if timeout 300 "$binary" "tests/fuzz/corpus/${name#fuzz_}" >"$logs/$name.log" 2>&1; then
            count 1 0 0
        else
            echo "FAIL $name over its corpus"
            tail -n 25 "$logs/$name.log"
            take_reports "$name"
            count 0 1 0
        fi
    done
}

run_bats() { # folder
    local file log
    for file in tests/"$1"/*.bats; do
        [ -f "$file" ] || continue
        log=$logs/$(basename "$file").log
        local began=$SECONDS
        timeout 1500 bats --tap "$file" >"$log" 2>&1
        local rc=$?
        local ok not skip
        skip=$(grep -cE '^ok .* # skip' "$log")
        ok=$(($(grep -cE '^ok ' "$log") - skip))
        not=$(grep -cE '^not ok ' "$log")
        if [ "$rc" -ne 0 ] && [ "$not" -eq 0 ]; then
            not=1
        fi
        if [ "$not" -gt 0 ]; then
            echo "FAIL $file"
            grep -E -A 25 '^not ok ' "$log" | head -n 80
            [ "$rc" -ne 124 ] || echo "# timed out after 1500 s"
        fi
        [ "$skip" -eq 0 ] || grep -E '# skip' "$log"
        echo "# $file: $ok passed, $not failed, $skip skipped in $((SECONDS - began)) s"
        count "$ok" "$not" "$skip"
        if take_reports "$(basename "$file")"; then
            count 0 1 0
        fi
    done
}

# The cluster's program takes minutes to build where nothing is cached: it begins while the other
# tiers run, behind them.
builder=
begin_cluster() {
    cluster_reason=$(tests/cluster/can_run) || return
    case $build in *san) cluster_reason="programs with sanitizers do not run in restricted pods" ;; esac
    if [ -z "$cluster_reason" ] && ! tests/cluster/build --check; then
        nice -n 19 tests/cluster/build >"$logs/cluster-build.log" 2>&1 &
        builder=$!
    fi
}

end_cluster() {
    [ -z "$builder" ] || kill "$builder" 2>/dev/null
    [ -z "${DS_CLUSTER_OURS:-}" ] || tests/cluster/down
}

run_cluster() {
    local began=$SECONDS rc
    if [ -n "$builder" ]; then
        wait "$builder"
        rc=$?
        builder=
        case $rc in
            0) ;;
            3) cluster_reason="the sources of Kubernetes cannot be had from here, see $logs/cluster-build.log" ;;
            *)
                echo "FAIL tests/cluster/build"
                tail -n 20 "$logs/cluster-build.log"
                count 0 1 0
                return
                ;;
        esac
    fi
    if [ -n "$cluster_reason" ]; then
        local tests
        tests=$(cat tests/cluster/*.bats | grep -c '^@test')
        echo "SKIP tier cluster, $tests tests: $cluster_reason"
        count 0 0 "$tests"
        return
    fi
    if [ -z "${DS_CLUSTER_DIR:-}" ]; then
        DS_CLUSTER_DIR=$(mktemp -d /var/lib/decksweep-test.XXXXXX)
        export DS_CLUSTER_DIR DS_CLUSTER_OURS=1 DS_CLUSTER_OWNER=$$
    fi
    if ! DS_NAMESPACE=first tests/cluster/start "$build" >"$logs/cluster-start.log" 2>&1; then
        echo "FAIL tests/cluster/start"
        tail -n 40 "$logs/cluster-start.log"
        count 0 1 0
        return
    fi
    echo "# a cluster with decksweep in it after $((SECONDS - began)) s"
    run_bats cluster
    if [ -n "${DS_CLUSTER_OURS:-}" ] && ! tests/cluster/down; then
        echo "FAIL tests/cluster/down"
        count 0 1 0
    fi
}

case " $tiers " in
    *" cluster "*)
        trap end_cluster EXIT
        begin_cluster
        ;;
esac
for tier in $tiers; do
    echo "# tier: $tier"
    case $tier in
        unit) run_unit ;;
        fuzz) run_fuzz ;;
        fault | e2e) run_bats "$tier" ;;
        cluster) run_cluster ;;
        *) echo "unknown tier $tier" >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
