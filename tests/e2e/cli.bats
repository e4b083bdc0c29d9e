#!/usr/bin/env bats
# Every subcommand on a store that a support program made: what it prints, its exit status, its
# JSON, and what it says when it is used wrongly.

setup() {
    load ../support/common
    enter_work
}
teardown() { leave_work; }

COMMANDS="init plan render run cancel suspend resume status ls show logs fetch collect verify prune topology version"

make_store() { # makestore's options
    makestore store swp 10 --vectors 8 --steps 12 "$@"
}

is_json() { # stdin, which must not be empty: that is what a program that failed left
    local text
    text=$(cat)
    [ -n "$text" ] && python3 -m json.tool --json-lines <<<"$text" >/dev/null
}

flip() { # file offset: every bit of that byte
    python3 - "$@" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    b = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([b ^ 255]))
P
}

# run, with stdout in $output and stderr in $errors
split() {
    status=0
    output=$("$@" 2>"$WORK/errors") || status=$?
    errors=$(cat "$WORK/errors")
}

@test "the help lists every command, on stdout, with status 0" {
    split decksweep --help
    [ "$status" -eq 0 ]
    [ -z "$errors" ]
    for c in $COMMANDS; do grep -q "^  $c " <<<"$output"; done
    [ "$(decksweep help)" = "$output" ]
}

@test "every command has help with usage, options and exit status, within 80 columns" {
    for c in $COMMANDS; do
        split decksweep "$c" --help
        [ "$status" -eq 0 ]
        [ -z "$errors" ]
        grep -q "^Usage: decksweep $c \[OPTION...\]" <<<"$output"
        grep -q -- "-h, --help" <<<"$output"
        grep -q "^Exit status:" <<<"$output"
        [ "$(decksweep help "$c")" = "$output" ]
        [ "$(decksweep "$c" --no-such-option --help)" = "$output" ]
        if grep -v '^ *decksweep' <<<"$output" | grep -qE '^.{81}'; then echo "$c is too wide"; false; fi
    done
}

@test "wrong usage is status 2 with the nearest name, nothing on stdout" {
    while IFS='|' read -r words says; do
        # shellcheck disable=SC2086
        split decksweep $words
        echo "$words -> $status $errors"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        grep -qF -- "$says" <<<"$errors"
    done <<'X'
verfy x|did you mean 'verify'?
blurb|`decksweep --help` lists them
--watch status|options stand behind it
ls|TARGET is missing
ls a b|one argument too many: 'b'
ls a --fialed|did you mean --failed?
status a --watch=1|--watch takes no value
show store/swp|CASE is missing
logs store/swp|CASE is missing
logs store/swp 3 --census|--census takes no CASE
status store/swp -A|it takes no TARGET
cancel|TARGET is missing
suspend a b|one argument too many: 'b'
topology --slots many|--slots:
topology x|takes no arguments
run --cores|--cores needs a value
run s.yaml --cores 0|--cores is a number from 1
run s.yaml --cores 4294967297|--cores is a number from 1
run s.yaml --memory 0|--memory is more than 0
run s.yaml --accept --refill|exclude each other
plan s.yaml --cores 0|--cores is a number from 1
plan s.yaml --cores 4294967297|--cores is a number from 1
plan s.yaml --memory 0GiB|--memory is more than 0
help nonsense|unknown command 'nonsense'
X
    split decksweep
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    grep -q '^Usage' <<<"$errors"
}

@test "a TARGET that is none is told apart: status 2 for wrong words, 3 for what is not there" {
    make_store
    split decksweep status nowhere/swp
    [ "$status" -eq 3 ]
    grep -q "no sweep at nowhere/swp" <<<"$errors"
    split decksweep status store/other
    [ "$status" -eq 3 ]
    grep -q "there is store/swp" <<<"$errors"
    split decksweep status store
    [ "$status" -eq 2 ]
    grep -q "did you mean ./store/swp" <<<"$errors"
    split decksweep ls pvc://claim/swp
    [ "$status" -eq 2 ]
    grep -q -- "--store" <<<"$errors"
    split decksweep ls swp -n team
    [ "$status" -eq 2 ]
    grep -q "kubeconfig" <<<"$errors"
    split decksweep ls store/swp -n team
    [ "$status" -eq 2 ]
    grep -q "store/swp is a path, but -n" <<<"$errors"
    split decksweep status
    [ "$status" -eq 2 ]
    grep -q "TARGET is missing" <<<"$errors"
    for c in cancel suspend resume; do
        split decksweep $c store/swp
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        grep -q "is for Sweeps in a cluster" <<<"$errors"
    done
    split decksweep logs store/swp --census
    [ "$status" -eq 2 ]
    grep -q -- "--census" <<<"$errors"
    touch X.DATA
    split decksweep ls X.DATA
    [ "$status" -eq 2 ]
    grep -q "no sweep file" <<<"$errors"
    split decksweep ls s3://bucket/swp
    [ "$status" -ne 0 ]
    [ -n "$errors" ]
    mkdir store/empty
    split decksweep ls store/empty
    [ "$status" -eq 3 ]
    grep -q "no plan yet" <<<"$errors"
}

@test "a sweep file, a path with a slash at its end and the folder itself are the same TARGET" {
    make_store
    decksweep ls store/swp >a
    decksweep ls store/swp/ >b
    decksweep ls "$PWD/store/swp" >c
    (cd store/swp && decksweep ls . >../../d)
    cat >sweep.yaml <<'Y'
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: swp}
spec:
  deck: RUN.DATA
  design: {method: grid}
  results: {store: store}
Y
    decksweep ls sweep.yaml >e
    for f in b c d e; do cmp a $f; done
    sed -i 's/store: store/store: pvc:\/\/claim\/x/' sweep.yaml
    split decksweep ls sweep.yaml
    [ "$status" -eq 2 ]
    grep -q -- "--store" <<<"$errors"
}

@test "status counts by state and verdict, and is 1 once the sweep ended with failures" {
    make_store --failed 2 --missing 3
    split decksweep status store/swp
    [ "$status" -eq 0 ]
    grep -qE '^ +ok +5$' <<<"$output"
    grep -qE '^ +not-converged +2$' <<<"$output"
    grep -qE '^ +not yet run +3$' <<<"$output"
    decksweep status store/swp --json | is_json
    decksweep status store/swp --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["cases"] == 10 and s["states"]["done"] == 5 and s["states"]["new"] == 3, s
assert s["failed_by"] == {"not-converged": 2} and s["alive"] is False and s["running"] == [], s'
    rm -r store && make_store --failed 2
    run decksweep status store/swp
    [ "$status" -eq 1 ]
    rm -r store && make_store
    run decksweep status store/swp
    [ "$status" -eq 0 ]
}

@test "ls tells each case in a table or as JSON lines, failed ones with their reason" {
    make_store --failed 2 --missing 3
    split decksweep ls store/swp
    [ "$status" -eq 0 ]
    [ "$(wc -l <<<"$output")" -eq 11 ]
    grep -q '^CASE  ID  *VERDICT  *ATTEMPTS  GEO  *KX  *PORO' <<<"$output"
    [ "$(grep -c 'not converged: time step cut' <<<"$output")" -eq 2 ]
    split decksweep ls store/swp --failed
    [ "$(wc -l <<<"$output")" -eq 3 ]
    decksweep ls store/swp --long | grep -q 'node-b'
    decksweep ls store/swp --json | is_json
    decksweep ls store/swp --json --long | python3 -c '
import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert len(rows) == 10
for r in rows:
    assert set(r) >= {"case", "id", "verdict", "attempts", "parameters", "state"}, r
    assert isinstance(r["parameters"]["PORO"], float) and r["parameters"]["GEO"].startswith("geo/"), r
assert [r["verdict"] for r in rows].count("ok") == 5
assert rows[0]["wall_s"] > 0 and rows[0]["peak_mem_bytes"] > 0 and "node" in rows[0]
assert rows[9]["reason"].startswith("not converged") and rows[5]["verdict"] == "none"'
    rm -r store && make_store
    split decksweep ls store/swp --failed
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    grep -q "no case has failed" <<<"$errors"
}

@test "ls of a one-at-a-time design tells what each case moves" {
    makestore store o 5 --one-at-a-time
    [[ "$(decksweep ls store/o | head -n 1)" == *ATTEMPTS*SENSNAME*SENSCASE* ]]
    decksweep ls store/o --json | head -n 1 | grep -q '"sensname":"KX","senscase":"low","parameters"'
    decksweep ls store/o --long | sed -n 3p | grep -qE ' (low|high) '
    make_store
    if decksweep ls store/swp | grep -q SENSNAME; then false; fi
}

@test "ls needs the listing and the design only: torn archives cost it nothing" {
    make_store --failed 1
    for f in store/swp/failed/*; do truncate -s 5 "$f"; done
    for f in store/swp/cases/*; do truncate -s 0 "$f"; done
    split decksweep ls store/swp
    [ "$status" -eq 0 ]
    [ "$(grep -c ' ok ' <<<"$output")" -eq 9 ]
    run decksweep ls store/swp --long
    [ "$status" -eq 0 ]
}

@test "show tells why first, by number, id and the start of an id" {
    make_store --failed 2 --missing 3
    split decksweep show store/swp 9
    [ "$status" -eq 0 ]
    head -n 1 <<<"$output" | grep -q 'not-converged'
    sed -n 2p <<<"$output" | grep -q 'why  *not converged: time step cut'
    grep -q 'RUN.UNSMRY' <<<"$output"
    grep -q 'decksweep fetch store/swp 9' <<<"$output"
    id=$(decksweep ls store/swp --json | python3 -c 'import json,sys; print([json.loads(l)["id"] for l in sys.stdin][9])')
    [ "$(decksweep show store/swp "$id")" = "$output" ]
    [ "$(decksweep show store/swp "${id:0:12}")" = "$output" ]
    decksweep show store/swp 9 --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["case"] == 9 and s["record"]["verdict"] == "not-converged" and s["archive"]["size_bytes"] > 0, s'
    decksweep show store/swp 5 --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["state"] == "new" and s["record"] is None and s["archive"] is None, s'
    split decksweep show store/swp 10
    [ "$status" -eq 2 ]
    grep -q 'number from 0 to 9' <<<"$errors"
}

@test "logs prints the PRT file or the one asked for" {
    make_store --failed 1 --missing 1
    [ "$(decksweep logs store/swp 0)" = "a log" ]
    [ "$(decksweep logs store/swp 9)" = "a log" ]
    decksweep logs store/swp 0 --file case.json | is_json
    split decksweep logs store/swp 0 --file nothing
    [ "$status" -eq 3 ]
    grep -q 'it holds case.json' <<<"$errors"
    split decksweep logs store/swp 8
    [ "$status" -eq 3 ]
    grep -q 'has not run yet' <<<"$errors"
}

@test "fetch writes whole folders, goes on where it stopped, and takes single members" {
    make_store --failed 1 --missing 1
    decksweep fetch store/swp -o out
    [ "$(find out -name 'case-*' | wc -l)" -eq 9 ]
    [ -s out/case-000009/case.json ]
    for f in store/swp/cases/*; do
        id=$(basename "$f" | cut -d. -f1)
        n=$(decksweep show store/swp "$id" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["case"])')
        mkdir -p tarred && tar --zstd -xf "$f" -C tarred
        diff -r tarred "out/case-$(printf %06d "$n")"
        rm -r tarred
    done
    rm out/case-000003/RUN.PRT
    echo changed >>out/case-000004/RUN.UNSMRY
    : >out/case-000005/RUN.PRT.decksweep-part
    decksweep fetch store/swp -o out --json | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["files_written"] == 2 and r["cases_missing"] == 1 and r["files_there"] == 34, r'
    decksweep fetch store/swp 1 2 --member '*.UNSMRY' -m log -o some
    [ "$(find some -type f | sort | tr '\n' ' ')" = "some/case-000001/RUN.PRT some/case-000001/RUN.UNSMRY some/case-000002/RUN.PRT some/case-000002/RUN.UNSMRY " ]
    split decksweep fetch store/swp 1 -m sumary -m grid -m log -o mistyped
    [ "$status" -eq 0 ]
    grep -q -- '--member sumary: no case has' <<<"$errors"
    grep -q -- '--member grid: no case has' <<<"$errors"
    if grep -q -- '--member log' <<<"$errors"; then false; fi
    run decksweep fetch store/swp 8 -o none
    [ "$status" -eq 1 ]
    split decksweep fetch store/swp --dataset -o none
    [ "$status" -eq 3 ]
    grep -q 'decksweep collect' <<<"$errors"
}

@test "fetch writes nothing outside its folder and no bad file" {
    make_store
    mkdir -p out outside
    ln -s "$PWD/outside" out/case-000000
    split decksweep fetch store/swp 0 -o out
    [ "$status" -eq 3 ]
    [ -z "$(ls outside)" ]
    f=$(ls store/swp/cases/* | head -n 1)
    id=$(basename "$f" | cut -d. -f1)
    other=$(ls store/swp/cases/* | tail -n 1)
    cp "$other" "$f"
    split decksweep verify store/swp
    [ "$status" -eq 1 ]
    grep -q "$id" <<<"$output"
    split decksweep fetch store/swp "$id" -o wrong
    [ "$status" -eq 3 ]
    grep -q "another case" <<<"$errors"
    flip "$other" 600
    split decksweep fetch store/swp -o wrong
    [ "$status" -eq 3 ]
}

@test "collect makes the dataset, status and fetch find it" {
    make_store --failed 1
    split decksweep collect store/swp
    [ "$status" -eq 1 ]
    grep -q 'summary.nc' <<<"$output"
    [ -s store/swp/dataset/summary.nc ]
    decksweep status store/swp | grep -q '^dataset: store/swp/dataset'
    decksweep fetch store/swp --dataset -o got
    cmp store/swp/dataset/summary.nc got/dataset/summary.nc
    [ "$(ls got)" = dataset ]
    # --member narrows the cases, not what --dataset asks for
    decksweep fetch store/swp --dataset --member log -o both
    cmp store/swp/dataset/summary.nc both/dataset/summary.nc
    [ "$(find both/case-* -type f -name RUN.PRT | wc -l)" -eq 10 ]
    [ "$(find both/case-* -type f | wc -l)" -eq 10 ]
    decksweep fetch store/swp 3 --dataset -m log -o three
    [ "$(find three -type f ! -path '*dataset*')" = three/case-000003/RUN.PRT ]
    [ -s three/dataset/summary.nc ]
    decksweep collect store/swp --fresh --vectors 'FOPR,WOPR:*' --times yearly --formats csv --json | is_json
    [ -s store/swp/dataset/summary.csv ]
    head -n 1 store/swp/dataset/summary.csv | grep -q '^DATE,REAL,FOPR'
    split decksweep collect store/swp --vectors 'NIX*,FOPR'
    grep -q 'matches NIX\*; is it' <<<"$errors"
    # patterns that match nothing at all leave the dataset as it is
    before=$(sha256sum store/swp/dataset/summary.nc)
    split decksweep collect store/swp --vectors 'NIX*'
    [ "$status" -eq 2 ]
    grep -q 'no case has a vector' <<<"$errors"
    [ "$(sha256sum store/swp/dataset/summary.nc)" = "$before" ]
    split decksweep collect store/swp --formats cvs
    [ "$status" -eq 2 ]
    grep -q -- '--formats' <<<"$errors"
    split decksweep collect store/swp --times never
    [ "$status" -eq 2 ]
    grep -q -- '--times' <<<"$errors"
    split decksweep collect store/swp --vectors 'FOPR,,FOPT'
    [ "$status" -eq 2 ]
    grep -q 'empty pattern' <<<"$errors"
    split decksweep collect store/swp --vectors 'FOPR,W[OP'
    [ "$status" -eq 2 ]
    grep -qF -- "--vectors: vector pattern 'W[OP': [ without ]" <<<"$errors"
}

@test "verify names every bad archive and is 1 then" {
    make_store --failed 2
    split decksweep verify store/swp
    [ "$status" -eq 0 ]
    grep -q ': 0 bad' <<<"$output"
    decksweep verify store/swp --json | is_json
    mapfile -t cases < <(ls store/swp/cases/*)
    size=$(stat -c %s "${cases[0]}")
    truncate -s $((size - 9)) "${cases[0]}"
    flip "${cases[1]}" 600
    : >"${cases[2]}"
    split decksweep verify store/swp
    [ "$status" -eq 1 ]
    [ "$(grep -c '^bad: cases/' <<<"$output")" -eq 3 ]
    for i in 0 1 2; do grep -q "$(basename "${cases[$i]}")" <<<"$output"; done
    rm -r store
    make_store
    sed -i 's/geo/gea/' store/swp/design.*.csv
    split decksweep verify store/swp
    [ "$status" -eq 1 ]
    grep -q '^bad: design' <<<"$output"
}

@test "prune asks, takes only what no plan needs, and refuses while a run holds the sweep" {
    make_store --failed 1
    cp "$(ls store/swp/cases/* | head -n 1)" store/swp/cases/ffffffffffffffff.sl.tar.zst
    one=$(ls store/swp/cases/*.sl.tar.zst | head -n 1)
    cp "$one" "${one/.sl./.s.}"
    cp store/swp/plan.json store/swp/plan.0123456789abcdef.json
    echo mine >store/swp/notes.txt
    echo mine >store/swp/cases/readme
    find store -type f ! -name '.*' | sort >before
    split decksweep prune store/swp --dry-run
    [ "$status" -eq 0 ]
    [ "$(grep -c '^  ' <<<"$output")" -eq 3 ]
    split decksweep prune store/swp </dev/null
    [ "$status" -eq 2 ]
    grep -q -- '--yes' <<<"$errors"
    find store -type f ! -name '.*' ! -name lock | sort >after
    cmp before after
    python3 - <<'P' 3>&- &
import fcntl, time
f = open("store/swp/lock", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
f.write("pid 1 on elsewhere")
f.flush()
open("locked", "w").close()
time.sleep(4)
P
    wait_for 5 test -e locked
    split decksweep prune store/swp --yes
    [ "$status" -ne 0 ]
    grep -q 'in use' <<<"$errors"
    wait
    decksweep prune store/swp --yes --json | is_json
    find store -type f ! -name '.*' ! -name lock | sort >after
    [ "$(comm -23 before after | wc -l)" -eq 3 ]
    [ -s store/swp/notes.txt ]
    [ -s store/swp/cases/readme ]
    run decksweep verify store/swp
    [ "$status" -eq 0 ]
}

@test "topology shows this machine and others, and refuses impossible slots" {
    decksweep topology | grep -q 'slot 0'
    decksweep topology --json | is_json
    decksweep topology --synthetic 'pack:2 l3:4 core:8 pu:2' --slots 8 | grep -q 'slot 7'
    split decksweep topology --slots 0
    [ "$status" -eq 2 ]
    split decksweep topology --cores 0
    [ "$status" -eq 2 ]
    split decksweep topology --synthetic 'nonsense:'
    [ "$status" -eq 2 ]
    split decksweep topology --xml /nonexistent.xml
    [ "$status" -eq 3 ]
}

@test "version names program, libraries and simulator" {
    decksweep version | grep -q "^decksweep *$(cat "$ROOT/VERSION")"
    [ "$(decksweep --version)" = "$(decksweep version)" ]
    decksweep version --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert len(v["libraries"]) >= 8 and all(v["libraries"].values()), v'
}

@test "init gives a file that plans as it is, names the deck's own line, and reads placeholders" {
    cp -r "$ROOT/tests/data/decks/spe1" .
    decksweep init spe1/SPE1CASE1.DATA >sweep.yaml
    grep -q 'deck: "spe1/SPE1CASE1.DATA"' sweep.yaml
    grep -q '300\*<PORO>' sweep.yaml
    grep -q '"FOPR"' sweep.yaml
    decksweep plan sweep.yaml --json | is_json
    # the example in the comments, followed by hand
    line=$(sed -n 's/.*write a placeholder into line \([0-9]*\) of.*/\1/p' sweep.yaml)
    sed -i "${line}s/300\*0\.3/300*<PORO>/" spe1/SPE1CASE1.DATA
    sed -i -e '/^  design: {method: grid}/d' -e 's/^  # \(parameters:\)$/  \1/' \
        -e 's/^  #   \(PORO:.*\)$/    \1/' -e 's/^  # \(design: {method: lat.*\)$/  \1/' sweep.yaml
    decksweep plan sweep.yaml --json | is_json
    split decksweep init spe1/SPE1CASE1.DATA
    [ "$status" -eq 0 ]
    grep -q '    PORO: {uniform' <<<"$output"
    grep -q placeholder <<<"$errors"
    split decksweep init nowhere.DATA
    [ "$status" -ne 0 ]
    [ -z "$output" ]
    grep -q 'nowhere.DATA' <<<"$errors"
    echo 'INCLUDE' >BAD.DATA && echo " 'missing.inc' /" >>BAD.DATA
    split decksweep init BAD.DATA
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    grep -q 'BAD.DATA:2' <<<"$errors"
}

@test "plan shows a deck's lines without their control characters" {
    spe1_sweep 2
    sed -i "s|'BASIC=1' /|'BASIC=1' / -- \x1b[2Jred\x07|" SPE1.DATA
    split decksweep plan sweep.yaml
    [ "$status" -eq 0 ]
    grep -qF "BASIC=1' / -- ?[2Jred?" <<<"$output"
    if grep -q '[[:cntrl:]]' <<<"$output$errors"; then false; fi
}

@test "render writes one case with a script that starts it, and nothing else" {
    spe1_sweep 3
    split decksweep render sweep.yaml 1 -o try
    [ "$status" -eq 0 ]
    [ "$output" = "try/run.sh" ]
    grep -q '300\*0.275' try/SPE1.DATA
    python3 -c 'import json; assert json.load(open("try/parameters.json"))["PORO"]["value"] == 0.275'
    [ -x try/run.sh ]
    sh -n try/run.sh
    grep -q '^exec flow SPE1.DATA' try/run.sh
    [ ! -e store ]
    [ "$(find try -name '*.UNSMRY' | wc -l)" -eq 0 ]
    split decksweep render sweep.yaml 1 -o try
    [ "$status" -eq 2 ]
    grep -q 'not empty' <<<"$errors"
    split decksweep render sweep.yaml 3 -o other
    [ "$status" -eq 2 ]
    [ ! -e other ]
    try/run.sh >/dev/null
    [ -s try/SPE1.UNSMRY ]
}

@test "render writes the very files that a worker stages, trimmed and filled in" {
    spe1_sweep 2
    OMP_NUM_THREADS=1 decksweep run sweep.yaml --only 1 --no-collect >/dev/null 2>&1
    decksweep fetch store/spe1 1 -o got
    decksweep render sweep.yaml 1 -o made
    for f in SPE1.DATA parameters.json; do cmp "made/$f" "got/case-000001/$f"; done
    decksweep plan sweep.yaml | grep -q "^ *SPE1.DATA:[0-9]*: 'BASIC=1' /"
    grep -q "BASIC=1' /" SPE1.DATA
    if grep -q "BASIC=1' /" made/SPE1.DATA; then false; fi
    # what run.sh executes is the command that case.json records
    want=$(decksweep show store/spe1 1 | sed -n 's/^  command  *//p')
    grep -qF -- "exec $want" made/run.sh || { echo "$want"; cat made/run.sh; false; }
}

@test "output errors are noticed, a closed pipe is quiet, colour needs a terminal" {
    make_store --failed 1
    split sh -c 'decksweep ls store/swp >/dev/full'
    [ "$status" -eq 3 ]
    grep -q 'No space left' <<<"$errors"
    split sh -c 'decksweep help --man >/dev/full'
    [ "$status" -eq 3 ]
    errors=$( (decksweep ls store/swp --json; decksweep help --man) 2>&1 >/dev/null | head -c 10)
    [ -z "$errors" ]
    makestore big big 3000 --vectors 8 --steps 12
    split bash -c 'set -o pipefail; decksweep ls big/big --json | head -n 1 >/dev/null; exit 0'
    [ -z "$errors" ]
    if decksweep show store/swp 9 | grep -q $'\033'; then false; fi
    script -qec 'decksweep show store/swp 9' /dev/null | grep -q $'\033\[31m'
    if NO_COLOR=1 script -qec 'decksweep show store/swp 9' /dev/null | grep -q $'\033\['; then false; fi
    if TERM=dumb script -qec 'decksweep show store/swp 9' /dev/null | grep -q $'\033\['; then false; fi
}

@test "man pages and completion come from the program and are well-formed" {
    for p in decksweep decksweep-agent; do
        [ -x "$DS_BUILD/$p" ] || continue
        "$p" help --man >"$p.1"
        [ -z "$(MANWIDTH=80 man --warnings=w -l "$p.1" 2>&1 >/dev/null)" ]
        "$p" help --completion >"$p.bash"
        bash -n "$p.bash"
    done
    for c in $COMMANDS; do MANWIDTH=80 man -l decksweep.1 | grep -q "decksweep $c "; done
    # shellcheck disable=SC1091
    bash -c '
        source ./decksweep.bash
        words() { COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _decksweep 2>/dev/null; echo "${COMPREPLY[*]}"; }
        [ "$(words decksweep ver)" = "verify version" ] || exit 1
        [ "$(words decksweep ls --fa)" = "--failed" ] || exit 2
        [ "$(words decksweep fetch x --mem)" = "--member=" ] || exit 3
        [ "$(words decksweep run s --keep-scratch f)" = "failed" ] || exit 4
        touch a.yaml b.txt
        [ "$(words decksweep plan a)" = "a.yaml" ] || exit 5'
}

@test "install puts programs, man pages and completion below DESTDIR" {
    make -s -C "$ROOT" install DESTDIR="$WORK/root" PREFIX=/usr BUILD="${DS_BUILD#"$ROOT"/}" >/dev/null
    root/usr/bin/decksweep version >/dev/null
    [ -s root/usr/share/man/man1/decksweep.1 ]
    [ -s root/usr/share/bash-completion/completions/decksweep ]
    make -s -C "$ROOT" uninstall DESTDIR="$WORK/root" PREFIX=/usr BUILD="${DS_BUILD#"$ROOT"/}" >/dev/null
    [ -z "$(find root -type f)" ]
}

@test "errors about a deck show its eight-bit control codes as question marks" {
    null_sweep 1
    printf "INCLUDE\n 'a\302\2332Jb\342\200\256.inc' /\n" >>DECK.DATA
    sed -i '/^END$/d' DECK.DATA
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"a?2Jb?.inc"* ]]
    [ "$(grep -c $'\302\233\|\342\200\256' <<<"$output")" -eq 0 ]
}
