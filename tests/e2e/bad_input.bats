#!/usr/bin/env bats
# Bad input: file, line, column, key and what to do; exit status 2; nothing runs.

setup() {
    load ../support/common
    enter_work
    null_sweep 3
}
teardown() { leave_work; }

# Runs plan and run; both must refuse with status 2, say every given text, and leave no store.
refused() { # texts...
    local text command
    for command in plan run; do
        run decksweep "$command" sweep.yaml
        echo "$command: status $status: $output"
        [ "$status" -eq 2 ]
        for text in "$@"; do [[ "$output" == *"$text"* ]]; done
    done
    [ ! -e store ]
}

@test "an unknown key is answered with the nearest one, its line and column" {
    sed -i 's/  design:/  desing:/' sweep.yaml
    refused "sweep.yaml:8:3:" "desing" "design"
}

@test "a duplicate key" {
    sed -i 's/^  results: .*/  results: {store: store}\n  results: {store: other}/' sweep.yaml
    refused "sweep.yaml:14:3:" "results"
}

@test "a wrong type, a bad unit and an empty range are told together" {
    sed -i -e 's/{linspace: {from: 0, to: 2, count: 3}}/{uniform: {min: 3, max: 1}}/' \
        -e 's/version: "1"/version: "1"\n    wallTime: 5 parsecs/' \
        -e 's/results: {store: store}/results: {store: store, compression: high}\n  resources: {memory: 4 GigaFoo, ranks: none}/' sweep.yaml
    refused "parameters.A" "wallTime" "compression" "memory" "ranks"
    [ "$(grep -c 'sweep.yaml:' <<<"$output")" -ge 5 ]
}

@test "weights that do not sum to one" {
    sed -i 's/{linspace: .*/{discrete: {values: [1, 2], weights: [0.5, 0.6]}}/' sweep.yaml
    sed -i 's/method: grid/method: monte-carlo, samples: 5/' sweep.yaml
    refused "sweep.yaml:7:45:" "weights"
}

@test "anchors and aliases are refused where they stand" {
    sed -i 's/  design: {method: grid}/  design: \&a {method: grid}/' sweep.yaml
    refused "sweep.yaml:8:11:" "anchor"
}

@test "an alias bomb ends at once" {
    { echo 'a: &a [x,x,x,x,x,x,x,x,x]'; for i in b c d e f g h i j k; do echo "$i: &$i [*a,*a,*a,*a,*a,*a,*a,*a]"; done; } >sweep.yaml
    refused "sweep.yaml:1:"
}

@test "deep nesting ends at once" {
    python3 -c 'print("spec: " + "[" * 20000 + "]" * 20000)' >sweep.yaml
    refused "sweep.yaml:1:"
}

@test "a syntax error stands alone with its line" {
    echo '  results: [unclosed' >>sweep.yaml
    sed -i 's/  design:/  desing:/' sweep.yaml
    refused "sweep.yaml:"
    [[ "$output" != *"desing"* ]]
}

@test "a sweep file of 100 MB is refused at once" {
    truncate -s 100M sweep.yaml
    refused "sweep.yaml"
}

@test "a binary sweep file" {
    head -c 3000 /bin/sh >sweep.yaml
    refused "sweep.yaml"
}

@test "an unused parameter is told at its line, a comment does not count" {
    sed -i 's/^    A: .*/    A: {linspace: {from: 0, to: 2, count: 3}}\n    B: {values: [1]}/' sweep.yaml
    sed -i 's/-- <A> in a comment is none/-- <B> in a comment is none/' DECK.DATA
    refused "sweep.yaml:8:" "<B>"
}

@test "all undeclared placeholders are told with file, line and column" {
    sed -i -e 's/ 10 10 3/ 10 10 <NZ>/' -e 's/3\*10/3*<DT>/' DECK.DATA
    refused "DECK.DATA:3:8:" "<NZ>" "<DT>" "DECK.DATA:13:4:"
}

@test "a value that the deck would read differently" {
    sed -i 's#{linspace: .*#{values: ["0.2 0.3", "1/2"]}#' sweep.yaml
    refused "sweep.yaml:7:" "DECK.DATA:9:"
}

@test "a missing include is told with its line" {
    sed -i "s/^GRID/GRID\nINCLUDE\n 'nowhere.inc' \//" DECK.DATA
    refused "DECK.DATA:8:2:" "nowhere.inc"
}

@test "an include cycle is told with its chain" {
    sed -i "s/^GRID/GRID\nINCLUDE\n 'a.inc' \//" DECK.DATA
    printf "INCLUDE\n 'b.inc' /\n" >a.inc
    printf "INCLUDE\n 'a.inc' /\n" >b.inc
    refused "b.inc:2:2:" "a.inc -> b.inc -> a.inc"
}

table() { # the table's text
    printf '%b' "$1" >cases.csv
    sed -i -e '/^  parameters:/,/^    A:/d' -e 's/method: grid/method: table, file: cases.csv/' sweep.yaml
}

@test "a case table with a missing column" {
    table 'REAL,B\n0,1\n'
    refused "DECK.DATA" "<A>"
}

@test "a case table that begins with empty lines is none" {
    table '\n\r\nREAL,A\n0,0.2\n'
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "a case table with NaN" {
    table 'REAL,A\n0,0.2\n1,NaN\n'
    refused "cases.csv:3:"
}

@test "a case table with a duplicated REAL" {
    table 'REAL,A\n0,0.2\n3,0.3\n3,0.4\n'
    refused "cases.csv:4:" "REAL"
}

@test "a deck that is not there" {
    rm DECK.DATA
    refused "sweep.yaml:5:" "DECK.DATA"
}

@test "grid refuses a continuous distribution" {
    sed -i 's/{linspace: .*/{uniform: {min: 0, max: 1}}/' sweep.yaml
    refused "sweep.yaml:7:5:" "grid"
}

@test "an expression with an unknown name, and a cycle of expressions" {
    sed -i 's/^    A: .*/    A: {expression: "C + 1"}\n    C: {expression: "A * BB"}/' sweep.yaml
    refused "sweep.yaml:8:26:" "BB" "sweep.yaml:7:5: spec.parameters.A.expression: it depends on itself"
}

@test "a case larger than the machine is refused with the numbers" {
    sed -i 's/results: {store: store}/results: {store: store}\n  resources: {ranks: 4000}/; s/"{deck}"/"{deck}", "{ranks}"/' sweep.yaml
    local command
    for command in plan run; do
        run decksweep "$command" sweep.yaml
        echo "$command: status $status: $output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"error: a case needs 4000 cores (ranks x threads), "*" may be used here"*"lower resources.ranks"* ]]
    done
    [ "$(find store -type f)" = store/null-sweep/lock ] # that run held; nothing was put there
}

@test "more ranks than any machine has are told with the bound" {
    sed -i 's/results: {store: store}/results: {store: store}\n  resources: {ranks: 5000}/; s/"{deck}"/"{deck}", "{ranks}"/' sweep.yaml
    refused "sweep.yaml:14:22: spec.resources.ranks: 5000; write a whole number from 1 to 4096"
}

@test "ranks that the command does not hear of are told at the command" {
    sed -i 's/results: {store: store}/results: {store: store}\n  resources: {ranks: 2}/' sweep.yaml
    refused "sweep.yaml:10:5: spec.simulator.command: holds no {ranks}"
}

@test "bundles and archives whose paths leave them are refused" {
    decksweep run sweep.yaml --no-collect
    archive=$(find store -name '*.sl.tar.zst' | head -1)
    mkdir evil && touch evil/x
    tar --zstd -cf "$archive" --transform 's#^evil/x#../../outside#' -P evil/x
    run decksweep verify store/null-sweep
    [ "$status" -eq 1 ]
    [[ "$output" == *"$(basename "$archive")"* ]]
    run decksweep fetch store/null-sweep 0 1 2 -o out
    [ "$status" -ne 0 ]
    [ ! -e outside ]
    [ ! -e ../outside ]
    rm -rf store
}
