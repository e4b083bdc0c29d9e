#!/usr/bin/env bats
# Real decks through the whole way on real Flow: several files, parameters that are files and
# folders, absolute paths, restart decks with their base, MPI, threads.

setup() {
    load ../support/common
    enter_work
}
teardown() { leave_work; }

show_json() { decksweep show store/"$1" "$2" --json; }
json_of() { # python expression over d
    python3 -c 'import json,sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# SPE1 with its porosity and permeability in files of a folder, its schedule in an include.
split_deck() {
    spe1_sweep 2
    mkdir -p model/include
    python3 - SPE1.DATA >model/Spe1.data <<'P'
import re, sys
text = open(sys.argv[1]).read()
text = re.sub(r"(?ms)^PORO\n.*?/$", "INCLUDE\n '<GEO>/poro.inc' /\n\nINCLUDE\n '<FLT>' /", text, count=1)
text = re.sub(r"(?ms)^TSTEP\n.*?/$", "INCLUDE\n  'include/times.inc' /", text)
sys.stdout.write(text)
P
    printf 'tstep\r\n 12*31 /\r\n' >model/include/times.inc
    local n
    for n in 1 2 3; do
        mkdir -p "geo/real-$n"
        printf -- '-- porosity of realization %s\nPORO\n 300*%s /\n' $n "0.2$n" >"geo/real-$n/poro.inc"
        printf 'MULTX\n 300*%s /\n' "<M>" >"flt-$n.inc"
    done
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: split}
spec:
  deck: model/Spe1.data
  parameters:
    GEO: {files: "geo/real-*"}
    FLT: {files: "flt-*.inc", with: GEO}
    M:   {values: [0.5, 1]}
  design: {method: grid}
  results: {store: store}
  collect: {vectors: ["F*"], formats: [netcdf, csv]}
Y
}

@test "files and folders that move together, lower case, CRLF, nested folders: six cases on Flow" {
    split_deck
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 6 ]
    # GEO and FLT moved together: 3 pairs x 2 values
    run cut -d, -f5-7 store/split/dataset/parameters.csv
    echo "$output"
    [ "$(sort -u <<<"$output" | wc -l)" -eq 7 ]
    grep -qE 'flt-1.inc.*geo/real-1|geo/real-1.*flt-1.inc' store/split/dataset/parameters.csv
    [ "$(grep -cE 'flt-1.inc.*geo/real-[23]|geo/real-[23].*flt-1.inc' store/split/dataset/parameters.csv)" -eq 0 ]
    # the porosity of the folder reached the simulator: oil in place differs
    run python3 -c 'import csv,collections
last = {}
for r in csv.DictReader(open("store/split/dataset/summary.csv")): last[r["REAL"]] = r["FOPR"] + " " + r["FGOR"]
print(len(set(last.values())))'
    echo "$output"
    [ "$output" -ge 3 ]
    # a changed byte in one file of one folder makes exactly its cases new
    sed -i 's/0.22/0.23/' geo/real-2/poro.inc
    run decksweep plan sweep.yaml
    [[ "$output" == *"2 new"* ]]
    [[ "$output" == *"4 done"* ]]
}

@test "absolute and .. paths: the bundle has them, plan says what is rewritten" {
    split_deck
    mkdir elsewhere
    mv model/include/times.inc elsewhere/
    cp -r geo/real-1 outside
    sed -i -e "s#include/times.inc#$WORK/elsewhere/times.inc#" -e 's#<GEO>/poro.inc#../outside/poro.inc#' model/Spe1.data
    sed -i -e '/GEO:/d' -e 's/, with: GEO//' sweep.yaml
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"rewritten"*"elsewhere/times.inc"* ]]
    run decksweep run sweep.yaml --no-collect
    echo "$output"
    [ "$status" -eq 0 ]
    run decksweep render sweep.yaml 0 -o out
    [ "$status" -eq 0 ]
    find out -name times.inc | grep -q abs/
}

@test "a restart deck brings its base, and the collected history starts at the base" {
    mkdir base
    cp "$ROOT"/tests/data/decks/spe1/SPE1CASE2_ACTNUM*.DATA base/
    (cd base && flow SPE1CASE2_ACTNUM.DATA --output-dir=. --threads-per-process=1 >flow.log 2>&1)
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: restart}
spec:
  deck: base/SPE1CASE2_ACTNUM_RESTART.DATA
  parameters: {DT: {values: [10, 30]}}
  design: {method: grid}
  simulator: {args: ["--solver-max-time-step-in-days=<DT>"]}
  results: {store: store}
  collect: {vectors: ["*"], formats: [csv]}
Y
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq 2 ]
    # 15 report steps a case: 6 of the base, 9 of its own
    cut -d, -f1,2 store/restart/dataset/summary.csv >dates
    [ "$(grep -c ',0$' dates)" -eq 15 ]
    [ "$(grep -c ',1$' dates)" -eq 15 ]
    rm base/SPE1CASE2_ACTNUM.UNRST
    run decksweep plan sweep.yaml
    [ "$status" -eq 2 ]
    [[ "$output" == *"SPE1CASE2_ACTNUM_RESTART.DATA:"* ]]
}

@test "two ranks run under mpirun, and their number is in the id" {
    spe1_sweep 2 '  resources: {ranks: 2}'
    run decksweep run sweep.yaml --no-collect
    echo "$output"
    [ "$status" -eq 0 ]
    run bash -c 'decksweep show store/spe1 0 --json'
    echo "$output"
    [[ "$output" == *'"ranks":2'* ]] || [[ "$output" == *'"ranks": 2'* ]]
    [[ "$output" == *mpirun* ]]
    two=$(decksweep ls store/spe1 --json | head -1)
    sed -i '/ranks: 2/d' sweep.yaml
    decksweep run sweep.yaml --no-collect --store store1
    one=$(decksweep ls store1/spe1 --json | head -1)
    one=$(json_of 'd["id"]' <<<"$one")
    two=$(json_of 'd["id"]' <<<"$two")
    [ "$one" != "$two" ]
}

@test "threads: two threads a case leave ids and results as they are" {
    spe1_sweep 2
    decksweep run sweep.yaml
    echo '  resources: {threads: 2}' >>sweep.yaml
    run decksweep plan sweep.yaml
    echo "$output"
    [[ "$output" == *"2 done"* ]]
    decksweep run sweep.yaml --store store2
    cmp store/spe1/dataset/parameters.csv store2/spe1/dataset/parameters.csv
}

@test "init gives a file that runs as it is" {
    cp "$ROOT"/tests/data/decks/spe1/SPE1CASE2_NOWELLS.DATA .
    decksweep init SPE1CASE2_NOWELLS.DATA >start.yaml
    run decksweep run start.yaml
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "a failing deck says why in one line: the simulator's words with the deck's file and line" {
    spe1_sweep 3
    sed -i 's/0.2, to: 0.35/-0.1, to: 0.3/' sweep.yaml
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 1 ]
    sed -i 's/{linspace: .*/{values: [0.25]}/; s/name: spe1/name: bad/' sweep.yaml
    sed -i 's/^WCONPROD/WCONPRODX/' SPE1.DATA
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"SPE1.DATA:"*"WCONPRODX: only the first 8 characters count"* ]]
    sed -i 's/^WCONPRODX/WCONPROD/; s/'"'PROD' 'OPEN' 'ORAT'"'/'"'NOWELL' 'OPEN' 'ORAT'"'/' SPE1.DATA
    run decksweep run sweep.yaml
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"deck-error"* ]]
    [[ "$output" == *"SPE1.DATA"* ]]
    run decksweep ls store/bad --failed
    [[ "$output" == *"SPE1.DATA"* ]]
}

# The do-nothing deck, these files included.
deck_with() { # names...
    null_sweep 1
    {
        sed -n '1,/^GRID/p' DECK.DATA
        printf "INCLUDE\n '%s' /\n" "$@"
        sed -n '/^GRID/,$p' DECK.DATA | sed -e 1d -e 's/<A>/0.3/'
    } >with && mv with DECK.DATA
}

# A grid over `files` parameters, run by a shell that looks at the case's folder.
files_sweep() { # name, parameters (YAML), shell command, kept files (YAML)
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: DECK.DATA
  parameters: {$2}
  design: {method: grid}
  simulator:
    command: [sh, -c, '$3']
    judge: files
    version: "1"
  results: {store: store, keep: [log, $4]}
Y
}

all_ok() { # cases
    run decksweep run sweep.yaml --no-collect
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(committed)" -eq "$1" ]
}

@test "a file that is a value and that the deck includes by its name as well is in every case's folder" {
    mkdir -p flt geo/one geo/two
    for n in a b; do printf -- '-- %s\nMULTX\n 300*%s /\n' "$n" '<M>' >"flt/$n.inc"; done
    for n in one two; do echo "-- $n" >"geo/$n/poro.inc"; done
    deck_with flt/a.inc geo/two/poro.inc '<FLT>' '<GEO>/poro.inc'
    files_sweep both 'FLT: {files: "flt/*.inc"}, GEO: {files: "geo/*"}, M: {values: [0.5]}' \
        'find . -name "*.inc" | sort | tee found.txt; cat flt/a.inc "<FLT>" "<GEO>/poro.inc" geo/two/poro.inc >all.txt' \
        'all.txt, found.txt'
    all_ok 4
    # what only the value brings is in that value's cases only
    for f in store/both/cases/*; do tar --zstd -xOf "$f" found.txt; done | sort | uniq -c | sed 's/^ *//' >found
    cat found
    [ "$(cat found)" = "4 ./flt/a.inc
2 ./flt/b.inc
2 ./geo/one/poro.inc
4 ./geo/two/poro.inc" ]
    grep -q '"common_files":\["flt/a.inc","geo/two/poro.inc"\]' store/both/plan.json
}

@test "a file below one value that the deck reaches from another one is in both their cases' folders" {
    mkdir -p geo/one geo/two
    for n in one two; do echo "-- $n" >"geo/$n/poro.inc"; done
    echo "-- for both" >geo/two/both.inc
    deck_with '<GEO>/poro.inc' '<GEO>/../two/both.inc'
    files_sweep reach 'GEO: {files: "geo/*"}' 'cat "<GEO>/poro.inc" geo/two/both.inc >all.txt' all.txt
    all_ok 2
    grep -q '"common_files":\["geo/two/both.inc"\]' store/reach/plan.json
    # and in the identity of both
    echo "-- changed" >geo/two/both.inc
    run decksweep plan sweep.yaml
    echo "$output"
    [[ "$output" == *"2 new"* ]]
}

@test "a file beside the values that names with a value reach makes its cases new when it changes" {
    mkdir geo
    for n in a b; do echo "-- $n" >"geo/$n.inc"; echo "-- more $n" >"geo/$n.inc.more"; done
    echo "-- shared" >shared.inc
    deck_with '<FLT>' '<FLT>.more' '<FLT>/../../shared.inc'
    files_sweep beside 'FLT: {files: "geo/?.inc"}' 'cat "<FLT>" "<FLT>.more" shared.inc >all.txt' all.txt
    all_ok 2
    echo "-- changed" >geo/a.inc.more
    run decksweep plan sweep.yaml
    echo "$output"
    [[ "$output" == *"1 new"*"1 done"* ]]
    echo "-- changed" >shared.inc
    run decksweep plan sweep.yaml
    echo "$output"
    [[ "$output" == *"2 new"*"0 done"* ]]
}

@test "a value that is a link, left with .. for another file than its name says, is refused with its file" {
    mkdir -p geo/one far/two
    ln -s ../far/two geo/two
    echo "-- here" >geo/both.inc
    echo "-- there" >far/both.inc
    deck_with '<GEO>/../both.inc'
    files_sweep links 'GEO: {files: "geo/one"}' true log
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    files_sweep links 'GEO: {files: "geo/*o*"}' true log
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"DECK.DATA:8:2: INCLUDE: this name goes through a symbolic link and back"* ]]
}

@test "a file that is a value and lies in a folder that is another value is in the cases of both" {
    mkdir -p geo/one geo/two
    for n in one two; do for f in poro flt; do echo "-- $f $n" >"geo/$n/$f.inc"; done; done
    deck_with '<GEO>/poro.inc' '<GEO>/flt.inc' '<FLT>'
    files_sweep nested 'GEO: {files: "geo/*"}, FLT: {files: "geo/*/flt.inc"}' \
        'cat "<GEO>/poro.inc" "<GEO>/flt.inc" "<FLT>" >all.txt; find geo -name "*.inc" | wc -l >>all.txt' all.txt
    all_ok 4
    # GEO's two files, and FLT's where it is not one of them
    for f in store/nested/cases/*; do tar --zstd -xOf "$f" all.txt | tail -1; done | sort | tr -d '\n ' >counts
    [ "$(cat counts)" = 2233 ]
}

@test "a folder whose name looks like a pattern is searched for files" {
    mkdir -p 'run[1]*/geo'
    cd 'run[1]*'
    null_sweep 1
    echo '-- one' >geo/one.inc
    echo '-- two' >geo/two.inc
    sed -i -e "s/^PORO/INCLUDE\n '<GEO>' \/\nPORO/" -e 's/<A>/0.3/' DECK.DATA
    sed -i 's#^    A: .*#    GEO: {files: "geo/*.inc"}#' sweep.yaml
    cd ..
    run decksweep plan 'run[1]*/sweep.yaml'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *": 2 cases by grid"* ]]
}
