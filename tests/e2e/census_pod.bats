#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031
# `decksweep census` as a pod runs it, with a folder as the claim and a file as termination message;
# workers are started by hand, as the Indexed Jobs of a round would.

setup() {
    load ../support/common
    enter_work
    mkdir mount scratch
    export DECKSWEEP_MESSAGE=$WORK/message
    export DECKSWEEP_NODE_CLASSES='[{"cpus":2,"memoryBytes":8589934592,"nodes":4}]'
    export DECKSWEEP_LIMITS='{"workerCores":2,"maxChunks":2000,"chunkSeconds":600}'
    OBJECT=$ROOT/tests/support/api_object.py
}
teardown() { leave_work; }

object() { /usr/bin/python3 "$OBJECT" sweep.yaml "$@" >sweep.json; }

# What submit does: the deck's archive in a ConfigMap, and the object that names it.
bring() { # PATH=JSON...
    read -r PLAN HEX < <(packdeck sweep.yaml mount/bundle.tar.zst)
    [ -n "$HEX" ] || return 1
    object "spec.deckFrom={\"configMap\":\"sweep-$HEX\"}" 'spec.results.store="pvc://results/a"' "$@"
}
census() { # deck folder or none
    rm -f message
    timeout 120 decksweep census --sweep-file sweep.json --store store --deck "$1" --scratch scratch
}
told() { # expression on the report r; zeros are left out of it
    python3 -c 'import collections, json, sys
r = json.load(open("message"))
r["totals"] = collections.defaultdict(int, r["totals"])
print(eval(sys.argv[1]))' "$1"
}
# Every index of the round that the last report names.
work_round() {
    local i
    for ((i = 0; i < $(told 'sum(s["chunks"] for s in r["shapes"])'); i++)); do
        decksweep-agent work --store store --sweep "$(basename store/*/)" --plan "$(told 'r["plan"]')" \
            --round "$(told 'r["round"]')" --index "$i" --scratch scratch >>events.jsonl || return
    done
}
failed() { find store/*/failed -name "*.$1.tar.zst" 2>/dev/null | wc -l; }
id_of() { # case number
    decksweep ls store/*/ --json |
        python3 -c 'import json, sys
print([r["id"] for r in map(json.loads, sys.stdin) if r["case"] == int(sys.argv[1])][0])' "$1"
}

@test "a sweep goes from census to round to census to the dataset, with the laptop's digest" {
    null_sweep 40
    bring
    run census mount
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"]')" = round ]
    [ "$(told 'r["plan"]')" = "$PLAN" ]
    [ "$(told 'r["bundleStored"]')" = True ]
    # the pilot ran here, one at a time; the rest is a round of its own
    [ "$(committed)" -eq 4 ]
    [ "$(told 'r["totals"]["done"]')" = 4 ]
    [ "$(told 'r["totals"]["outstanding"]')" = 36 ]
    [ "$(told 'sum(s["cases"] for s in r["shapes"])')" = 36 ]
    [ "$(told 'r["shapes"][0]["cpus"], r["shapes"][0]["slots"]')" = "(2, 2)" ]
    [ -z "$(find scratch -name 'decksweep-deck*')" ]
    work_round
    run census none
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"], r["collected"], r["totals"]["done"]')" = "('finished', True, 40)" ]
    [ -f store/null-sweep/dataset/summary.nc ]
    # the laptop finds nothing to do in that folder
    run decksweep run sweep.yaml
    [ "$status" -eq 0 ]
    [[ "$output" == *"40 done"* ]]
}

@test "a folder of a laptop's run goes on under a census, without the deck being brought again" {
    null_sweep 6
    run decksweep run sweep.yaml --only 0-2
    [ "$(committed)" -eq 3 ]
    object 'spec.results.store="pvc://results"'
    run census none
    echo "$output"
    [ "$(told 'r["outcome"], r["totals"]["done"], r["totals"]["outstanding"]')" = "('round', 3, 3)" ]
    # what the laptop measured counts: no pilot
    [ "$(committed)" -eq 3 ]
    work_round
    run census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 6)" ]
}

@test "files, table, absolute names and paths above the deck: the pod's plan is the laptop's" {
    mkdir -p project/model project/geo/real-1 project/geo/real-10 project/geo/real-2 far
    null_sweep 1
    for i in 1 2 10; do printf 'PORO\n 300*0.%s /\n' "$i" >project/geo/real-$i/poro.inc; done
    printf 'EQUIL\n/\n' >far/x.inc
    echo "-- shared" >project/shared.inc
    cat >project/model/null.data <<D
RUNSPEC
DIMENS
 10 10 3 /
OIL
WATER
GRID
INCLUDE
 '<GEO>/poro.inc' /
INCLUDE
 '../shared.inc' /
PERMX
 300*<KX> /
SOLUTION
INCLUDE
 '$WORK/far/x.inc' /
SUMMARY
SCHEDULE
TSTEP
 3*10 /
END
D
    printf 'REAL,KX,N\n3,1e3,7\n5,0.10,x y\n9,250,8\n' >project/table.csv
    cat >project/sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: null-sweep, labels: {team: north}}
spec:
  deck: model/null.data
  parameters:
    GEO: {files: "geo/real-*"}
  design: {method: table, file: table.csv}
  simulator:
    command: [nullsim, "{deck}"]
    args: ["--days=10;steps=1", "--n=<N>"]
    judge: files
    version: "1"
  failure: {maxFailed: 50%, retries: {lost: 2}}
  results: {store: store}
Y
    printf 'REAL,GEO,KX,N\n3,../geo/real-10,1e3,7\n5,../geo/real-1,0.10,x y\n9,../geo/real-2,250,8\n' \
        >project/table.csv
    cp project/sweep.yaml sweep.yaml
    read -r PLAN HEX < <(packdeck project/sweep.yaml mount/bundle.tar.zst)
    echo "$PLAN $HEX"
    archtool cat mount/bundle.tar.zst decksweep-bundle.json
    object "spec.deckFrom={\"configMap\":\"x-$HEX\"}"
    run census mount
    echo "$output"
    [ "$(told 'r["plan"]')" = "$PLAN" ]
    # and from the store alone
    run census none
    [ "$(told 'r["plan"]')" = "$PLAN" ]
}

@test "globs in the order of names, with and derived values: the pod's plan is the laptop's" {
    mkdir geo flt
    null_sweep 1
    for i in 1 2 10; do
        echo "PORO 300*0.$i /" | tr ' ' '\n' >geo/real-$i.inc
        echo "-- $i" >flt/real-$i.inc
    done
    sed -i "s|^PORO.*|INCLUDE\n '<GEO>' /\nINCLUDE\n '<FLT>' /\nPERMX|; s|300\*<A>|300*<KX>|" DECK.DATA
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: null-sweep}
spec:
  deck: ./DECK.DATA
  parameters:
    ZZ: {values: [100, 2.50, 1e5, "0.10", "yes"]}
    KX: {expression: "2 * BASE"}
    BASE: {linspace: {from: 50e3, to: 150e3, count: 3}, decimals: 1}
    GEO: {files: "geo/*.inc"}
    FLT: {files: "flt/real-*.inc", with: GEO}
    ODD: {loguniform: {min: 1e-7, max: 1e+4}}
  design: {method: sobol, samples: 32, seed: 9007199254740991, where: "ODD > 0.001"}
  simulator:
    command: [nullsim, "{deck}"]
    args: ["--zz=<ZZ>", "--odd=<ODD>"]
    version: "1"
    wallTime: 90s
  results: {store: store, keep: [summary, "*.PRT"]}
  collect: {times: {dates: [2020-01-01, 2021-06-01]}}
Y
    bring
    run census mount
    echo "$output"
    [ "$(told 'r["plan"]')" = "$PLAN" ]
    decksweep run sweep.yaml --store other --only "$(decksweep ls store/null-sweep --json |
        head -1 | python3 -c 'import json,sys; print(json.loads(sys.stdin.readline())["case"])')"
    cmp store/null-sweep/plan.json other/null-sweep/plan.json
    cmp store/null-sweep/design.*.csv other/null-sweep/design.*.csv
    # a laptop's folder of that sweep goes on without the deck, globs and all
    cp -r other/null-sweep keep
    rm -rf store && mkdir store && mv keep store/null-sweep
    object
    run census none
    echo "$output"
    [ "$(told 'r["plan"]')" = "$PLAN" ]
    # the same, named
    object "spec.deckFrom={\"store\":\"$(basename store/null-sweep/bundle.*)\"}"
    census none
    [ "$(told 'r["plan"]')" = "$PLAN" ]
}

@test "plain files of a ConfigMap, as the kubelet mounts them" {
    null_sweep 3
    mkdir -p mount/..2026_11_21
    cp DECK.DATA mount/..2026_11_21/
    ln -s ..2026_11_21 mount/..data
    ln -s ..data/DECK.DATA mount/DECK.DATA
    object 'spec.deckFrom={"configMap":"by-hand"}'
    run census mount
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 3)" ]
    [ "$(told 'r["bundleStored"]')" = False ]
    [ "$(told 'r["plan"]')" = "$(packdeck sweep.yaml archive | cut -d' ' -f1)" ]
    ln -s /etc/hostname mount/OTHER.INC
    run census mount
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *"OTHER.INC is a link that leaves"* ]]
}

@test "a deck that would read files outside its bundle is refused with the file's name" {
    echo secret >"$WORK/secret.inc"
    mkdir -p store/other && echo secret >store/other/x.inc
    local name
    for name in /etc/passwd "$WORK/secret.inc" ../secret.inc x/../../secret.inc "$WORK/store/other/x.inc" /proc/self/environ; do
        null_sweep 2
        sed -i "s|^SUMMARY|INCLUDE\n '$name' /\nSUMMARY|" DECK.DATA
        rm -rf mount && mkdir mount && cp DECK.DATA mount
        object 'spec.deckFrom={"configMap":"by-hand"}'
        run census mount
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(told 'r["outcome"]')" = refused ]
        [[ "$(told 'r["text"]')" == *"lies outside of the deck's bundle"* ]]
        [ ! -e store/null-sweep ]
    done
}

@test "a sweep whose paths leave the bundle is refused" {
    local what
    null_sweep 2
    cp DECK.DATA mount
    for what in 'spec.deck="../DECK.DATA"' "spec.deck=\"$WORK/DECK.DATA\"" 'spec.deck="x/../../DECK.DATA"' \
        'spec.parameters.A={"files":"../*.DATA"}' 'spec.parameters.A={"files":"/etc/*"}'; do
        object 'spec.deckFrom={"configMap":"by-hand"}' "$what"
        run census mount
        echo "$output"
        [ "$(told 'r["outcome"]')" = refused ]
        [[ "$(told 'r["text"]')" == *"leaves the deck's bundle"* ]]
    done
    object 'spec.deckFrom={"configMap":"by-hand"}' spec.parameters= \
        'spec.design={"method":"table","file":"../cases.csv"}'
    run census mount
    [[ "$(told 'r["text"]')" == *"spec.design.file: '../cases.csv' leaves the deck's bundle"* ]]
    echo '{"version":1,"deck":"../DECK.DATA"}' >mount/decksweep-bundle.json
    object 'spec.deckFrom={"configMap":"by-hand"}'
    run census mount
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *"decksweep-bundle.json: deck: '../DECK.DATA' leaves the bundle"* ]]
}

@test "an archive with a wrong digest, cut or no archive at all is refused" {
    null_sweep 2
    bring
    printf x | dd of=mount/bundle.tar.zst bs=1 seek=30 conv=notrunc status=none
    run census mount
    echo "$output"
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *"its name says $HEX"* ]]
    echo nonsense >mount/bundle.tar.zst
    object 'spec.deckFrom={"configMap":"by-hand"}'
    run census mount
    [ "$(told 'r["outcome"]')" = refused ]
    [ ! -e store/null-sweep ]
}

@test "an archive whose members leave it is refused" {
    null_sweep 2
    /usr/bin/python3 - <<'P'
import io, subprocess, tarfile
b = io.BytesIO()
with tarfile.open(fileobj=b, mode="w") as t:
    i = tarfile.TarInfo("../../evil.txt"); i.size = 4; t.addfile(i, io.BytesIO(b"evil"))
open("evil.tar", "wb").write(b.getvalue())
P
    zstd -q evil.tar -o mount/bundle.tar.zst
    object 'spec.deckFrom={"configMap":"by-hand"}'
    run census mount
    [ "$(told 'r["outcome"]')" = refused ]
    [ -z "$(find . -name evil.txt)" ]
}

@test "a deck that is nowhere yet is trouble, one that was never brought is refused" {
    null_sweep 2
    object 'spec.deckFrom={"configMap":"x-0123456789abcdef"}'
    run census none
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *x-0123456789abcdef* ]]
    object 'spec.deckFrom={"store":"deck.0123456789abcdef.tar.zst"}'
    run census none
    [ "$(told 'r["outcome"]')" = trouble ]
    object
    run census none
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *"decksweep submit"* ]]
    object 'spec.deckFrom={"url":"s3://b/x"}'
    run census none
    [ "$(told 'r["outcome"]')" = refused ]
    object 'spec.deckFrom={"store":"../other/deck.tar.zst"}'
    run census none
    [ "$(told 'r["outcome"]')" = refused ]
}

@test "a deck in the store, put there by submit" {
    null_sweep 2
    read -r PLAN HEX < <(packdeck sweep.yaml big)
    mkdir -p store/null-sweep
    cp big "store/null-sweep/deck.$HEX.tar.zst"
    object "spec.deckFrom={\"store\":\"deck.$HEX.tar.zst\"}"
    run census none
    echo "$output"
    [ "$(told 'r["outcome"], r["plan"], r["bundleStored"]')" = "('finished', '$PLAN', True)" ]
    DECKSWEEP_SCRATCH_BYTES=50 census none
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *"scratch has 50 B free"* ]]
    cp big store/null-sweep/deck.0123456789abcdef.tar.zst
    object 'spec.deckFrom={"store":"deck.0123456789abcdef.tar.zst"}'
    run census none
    [ "$(told 'r["outcome"]')" = refused ]
}

@test "a sweep file with mistakes is refused with all of them" {
    null_sweep 2
    bring 'spec.design.method="latin-hypercub"' 'spec.resources={"ranks":0}'
    run census mount
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *spec.design.method*spec.resources.ranks* ]]
    [[ "$(told 'r["text"]')" != *sweep.json* ]]
}

@test "a simulator that is missing or of another version is refused with the words" {
    null_sweep 2
    bring 'spec.simulator.command=["no-such-simulator"]'
    run census mount
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *no-such-simulator* ]]
    spe1_sweep 2
    bring 'spec.simulator={"preset":"flow","version":"1999.01"}'
    run census mount
    echo "$output"
    [ "$(told 'r["outcome"]')" = refused ]
    [[ "$(told 'r["text"]')" == *1999.01* ]]
}

@test "a store that cannot be written is trouble" {
    null_sweep 2
    bring
    echo file >store
    run census mount
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"]')" = trouble ]
}

@test "a full claim, a read-only one and a full scratch are trouble, with the words, and leave nothing half" {
    unshare -m true 2>/dev/null || skip "no mount namespaces here"
    null_sweep 2
    bring
    mkdir small
    mkdir -p store
    run unshare -m bash -c 'mount -t tmpfs -o size=64k none store && dd if=/dev/zero of=store/fill bs=1k count=60 status=none &&
        timeout 60 decksweep census --sweep-file sweep.json --store store --deck mount --scratch scratch; find store -name ".tmp*" -o -name plan.json | wc -l'
    echo "$output"
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *"disk of the store is full"* ]]
    [[ "$output" == *$'\n'0 ]]
    unshare -m bash -c 'mount -t tmpfs -o ro none store &&
        timeout 60 decksweep census --sweep-file sweep.json --store store --deck mount --scratch scratch'
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *"mounted read-only"* ]]
    unshare -m bash -c 'mount -t tmpfs -o size=4k none small && dd if=/dev/zero of=small/fill bs=1k count=4 status=none
        timeout 60 decksweep census --sweep-file sweep.json --store store --deck mount --scratch small'
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *scratch* ]]
}

@test "without a place for the report the exit status says so" {
    null_sweep 1
    bring
    DECKSWEEP_MESSAGE=$WORK/none/message run census mount
    [ "$status" -eq 3 ]
}

@test "growing the sweep runs only what is new, and so does an edit" {
    null_sweep 8
    bring
    census mount
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 8)" ]
    sed -i 's/count: 8/count: 12/; s/to: 7/to: 11/' sweep.yaml
    bring
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"], r["totals"]["outstanding"]')" = "('round', 8, 4)" ]
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"], r["totals"]["cases"]')" = "('finished', 12, 12)" ]
    # another deck under the same name: all is new, the old results stay
    sed -i 's/3\*10/4*10/' DECK.DATA
    bring
    census mount
    [ "$(told 'r["totals"]["done"] <= 4')" = True ]
    [ "$(committed)" -ge 12 ]
}

@test "a started case without an outcome is a lost attempt: no pilot here, and an end after its budget" {
    null_sweep 3 "" "  resources: {memory: 64MiB}"
    bring
    DECKSWEEP_NODE_CLASSES='[{"cpus":2,"memoryBytes":1048576,"nodes":1}]' census mount
    [ "$(told 'r["outcome"], r["totals"]["noFit"]')" = "('finished', 3)" ]
    [[ "$(told 'r["text"]')" == *"3 cases do not fit"* ]]
    mkdir -p store/null-sweep/started
    ID=$(id_of 1)
    : >"store/null-sweep/started/$ID.1"
    run census none
    echo "$output"
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('round', 0)" ]
    [[ "$output" == *"a pod was lost with 1 started case"* ]]
    # the pilot is a round of its own, a case a worker
    [ "$(told 'r["shapes"][0]["chunks"], r["shapes"][0]["slots"]')" = "(3, 1)" ]
    for n in 2 3 4; do : >"store/null-sweep/started/$ID.$n"; done
    census none
    [ "$(told 'r["totals"]["verdicts"], r["totals"]["outstanding"]')" = "({'lost': 1}, 2)" ]
}

@test "out-of-memory cases come back in a bigger shape" {
    null_sweep 10
    bring
    census mount
    mkdir -p store/null-sweep/failed
    : >"store/null-sweep/failed/$(id_of 7).1.out-of-memory-1500.tar.zst"
    : >"store/null-sweep/failed/$(id_of 9).1.out-of-memory-9000.tar.zst"
    census none
    echo "$(told r)"
    [ "$(told 'r["outcome"], [s["cases"] for s in r["shapes"]], [s["firstIndex"] if "firstIndex" in s else 0 for s in r["shapes"]]')" = "('round', [4, 1], [0, 1])" ]
    [ "$(told 'r["shapes"][1]["memoryBytes"] >= 3000 * 1024 * 1024 > r["shapes"][0]["memoryBytes"]')" = True ]
    [ "$(told 'r["totals"]["noFit"]')" = 1 ]
    [[ "$(told 'r["text"]')" == *"1 case does not fit"* ]]
}

@test "retry-failed is obeyed once" {
    SIMULATOR="wallTime: 20s" behave_sweep steps=2 "say=deck;exit=9"
    bring
    census mount
    [ "$(told 'r["outcome"], r["totals"]["failed"]')" = "('finished', 1)" ]
    [ "$(failed deck-error)" -eq 1 ]
    DECKSWEEP_ONCE=retry-failed run census none
    echo "$output"
    [ "$(told 'r["outcome"], r["totals"]["outstanding"]')" = "('round', 1)" ]
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["failed"]')" = "('finished', 1)" ]
    [ "$(failed deck-error)" -eq 2 ]
}

@test "cases that lack a class wait for a decision, and it holds over the rounds that follow" {
    null_sweep 6
    sed -i 's/results: {store: store}/results: {store: store, keep: [summary]}/' sweep.yaml
    bring
    census mount
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 6)" ]
    sed -i 's/keep: \[summary\]/keep: [summary, log]/; s/count: 6/count: 8/; s/to: 5/to: 7/' sweep.yaml
    bring
    census mount
    [ "$(told 'r["outcome"], r["totals"]["lacking"]')" = "('decision', 6)" ]
    [[ "$(told 'r["text"]')" == *refill*accept* ]]
    cp -r store before
    DECKSWEEP_ONCE=accept census mount
    [ "$(told 'r["outcome"], r["totals"]["done"], r["totals"]["outstanding"]')" = "('round', 6, 2)" ]
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 8)" ]
    [ "$(find store/null-sweep/decided -type f | wc -l)" -eq 1 ]
    # people may change their mind
    DECKSWEEP_ONCE=refill census none
    [ "$(told 'r["outcome"], sum(s["cases"] for s in r["shapes"])')" = "('round', 6)" ]
    [ "$(find store/null-sweep/decided -name '*.accept' | wc -l)" -eq 0 ]
    # the other way: refill
    rm -rf store && mv before store
    DECKSWEEP_ONCE=refill census mount
    [ "$(told 'r["outcome"], sum(s["cases"] for s in r["shapes"])')" = "('round', 8)" ]
    census none # its round never ran: the decision still holds
    [ "$(told 'r["outcome"], sum(s["cases"] for s in r["shapes"])')" = "('round', 8)" ]
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 8)" ]
    [ "$(committed)" -eq 8 ]
}

@test "a plan of another deck waits for replace" {
    null_sweep 2
    bring
    census mount
    mv DECK.DATA OTHER.DATA
    sed -i 's/DECK.DATA/OTHER.DATA/' sweep.yaml
    bring
    census mount
    [ "$(told 'r["outcome"]')" = decision ]
    [[ "$(told 'r["text"]')" == *replace* ]]
    DECKSWEEP_ONCE=replace census mount
    [ "$(told 'r["outcome"], r["plan"]')" = "('finished', '$PLAN')" ]
}

@test "more failures than maxFailed end the sweep with what is done" {
    SIMULATOR="wallTime: 20s" SPEC="  failure: {maxFailed: 1}" \
        behave_sweep steps=2 "say=deck;exit=9" "say=deck;exit=8" "say=deck;exit=7" steps=3 steps=4
    bring
    run census mount
    echo "$output"
    [ "$(told 'r["outcome"], r["collected"], r["maxFailed"]')" = "('stopped', True, 1)" ]
    [ "$(told 'r["totals"]["failed"], r["totals"]["outstanding"]')" = "(3, 2)" ]
    [ -f store/null-sweep/dataset/summary.nc ]
}

@test "a round that the controller ended early is not followed by another" {
    null_sweep 10
    bring
    DECKSWEEP_STOPPED=MaxFailed census mount
    [ "$(told 'r["outcome"]')" = stopped ]
    DECKSWEEP_STOPPED=Suspended census none
    [ "$(told 'r["outcome"]')" = round ]
}

@test "SIGTERM during the pilot: exit 75, nothing left running, the next census goes on" {
    SIMULATOR="wallTime: 60s" behave_sweep "steps=2;sleep_ms=5000" steps=2 steps=2
    bring
    decksweep census --sweep-file sweep.json --store store --deck mount --scratch scratch >out.txt &
    local pid=$!
    wait_for 20 grep -q started out.txt
    kill -TERM $pid
    local status=0
    wait $pid || status=$?
    [ "$status" -eq 75 ]
    [ ! -e message ]
    nothing_left 10
    run census none
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 3)" ]
}

@test "versions that differ are said; a controller of another generation gets nothing run" {
    null_sweep 1
    bring
    DECKSWEEP_VERSION=99.9 run census mount
    echo "$output"
    [ "$(told 'r["outcome"]')" = trouble ]
    [[ "$(told 'r["text"]')" == *99.9* ]]
    [ ! -e store/null-sweep/plan.json ]
    DECKSWEEP_VERSION=$(cut -d. -f1,2 "$ROOT/VERSION").77 run census mount
    echo "$output"
    [[ "$output" == *".77"* ]]
    [ "$(told 'r["outcome"]')" = finished ]
}

@test "SPE1 with Flow, from the deck in a ConfigMap to the dataset, as on the laptop" {
    spe1_sweep 6
    bring
    run census mount
    echo "$output"
    [ "$(told 'r["outcome"], r["plan"]')" = "('round', '$PLAN')" ]
    work_round
    census none
    [ "$(told 'r["outcome"], r["totals"]["done"]')" = "('finished', 6)" ]
    run decksweep run sweep.yaml
    [[ "$output" == *"6 done"* ]]
    run decksweep verify store/spe1
    [ "$status" -eq 0 ]
}
