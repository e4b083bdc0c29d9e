#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong with decks on their way in, with claims and with scratch, on a real Kubernetes:
# it is said in words, nothing is lost, nothing is done twice, and the sweep goes on once it can.

setup_file() {
    load common
    file_namespace
    load_nullsim
}
teardown_file() {
    load common
    drop_namespace
    for other in full readonly later; do
        kubectl delete namespace "$NS-$other" --wait=false >/dev/null 2>&1 || true
    done
}
setup() {
    load common
    enter_work
}
teardown() {
    tell_failure
    leave_work
}

# A deck of the do-nothing simulator; more lines for it on stdin.
null_deck() {
    printf '%s\n' RUNSPEC OIL WATER GRID PORO '300*<A> /'
    cat
    printf '%s\n' SUMMARY SCHEDULE TSTEP '3*10 /' END
}
deck_map() { kn create configmap "$@" >/dev/null; } # name --from-file=...

# A Sweep by hand. Words NAME=VALUE replace what stands here: deck, from, parameters, design, simulator,
# results, more.
null_object() { # name [WORD=VALUE...]
    local name=$1 deck=DECK.DATA from="configMap: $1-deck" parameters="A: {linspace: {from: 1, to: 3, count: 3}}"
    local design="method: grid" args="" simulator="" results="" store="pvc://results" more=""
    shift
    [ $# -eq 0 ] || local "$@"
    cat <<Y
---
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $name}
spec:
  deck: $deck
  deckFrom: {$from}
  parameters: {$parameters}
  design: {$design}
  simulator: {command: [nullsim, "{deck}"], args: [$args], judge: flow, version: "1", image: "localhost/nullsim:test"$simulator}
  results: {store: "$store"$results}
$more
Y
}
message_of() { field "sweep/$1" '{.status.message}'; }
says() { [[ $(message_of "$1") == *$2* ]] || { echo "$1 says: $(message_of "$1")"; return 1; }; } # sweep words
# Every case under cases/ once, none failed, nothing that still runs.
all_once() { # folder cases sweep
    [ "$(find "$1/cases" -name '*.tar.zst' | wc -l)" -eq "$2" ]
    [ "$(find "$1/cases" -name '*.tar.zst' -printf '%f\n' | cut -d. -f1 | sort -u | wc -l)" -eq "$2" ]
    [ "$(find "$1/failed" -name '*.tar.zst' 2>/dev/null | wc -l)" -eq 0 ]
    wait_for 60 idle "$3"
}
idle() { # sweep
    [ -z "$(kn get jobs -l "decksweep.io/sweep=$1" -o 'jsonpath={.items[?(@.status.active)].metadata.name}')" ] &&
        [ -z "$(kn get pods -l "decksweep.io/sweep=$1" --field-selector status.phase=Running -o name)" ]
}

# A bundle as a ConfigMap whose name carries its digest: bundle_map NAME MEMBER..., prints its name.
bundle_map() {
    local sum name=$1
    shift
    "$ROOT/tests/support/forge_bundle.py" bundle.tar.zst "$@"
    sum=$(sha256sum bundle.tar.zst | cut -c1-16)
    deck_map "$name-$sum" --from-file=bundle.tar.zst
    echo "$name-$sum"
}

@test "bundles that are not what they say, and decks that read beyond them, are refused by name; nothing runs" {
    null_deck </dev/null >DECK.DATA
    echo "A,REAL" >cases.csv
    : >sweeps.yaml
    # The archive: of another digest, with members that leave it, with a link, cut.
    good=$(bundle_map good DECK.DATA=DECK.DATA)
    other=other-0123456789abcdef
    deck_map "$other" --from-file=bundle.tar.zst
    null_object good "from=configMap: $good" >>sweeps.yaml
    null_object other "from=configMap: $other" >>sweeps.yaml
    null_object dots "from=configMap: $(bundle_map dots DECK.DATA=DECK.DATA ../scratch/evil=DECK.DATA)" >>sweeps.yaml
    null_object root "from=configMap: $(bundle_map root DECK.DATA=DECK.DATA /tmp/evil=DECK.DATA)" >>sweeps.yaml
    null_object link "from=configMap: $(bundle_map link DECK.DATA=DECK.DATA inc@/etc/passwd)" >>sweeps.yaml
    head -c 200 bundle.tar.zst >cut.tar.zst
    cut=cut-$(sha256sum cut.tar.zst | cut -c1-16)
    deck_map "$cut" --from-file=bundle.tar.zst=cut.tar.zst
    null_object cut "from=configMap: $cut" >>sweeps.yaml
    # What decksweep-bundle.json says.
    echo '{"version":1,"deck":"../sweep/sweep.json","files":{}}' >paths.json
    null_object paths "from=configMap: $(bundle_map paths DECK.DATA=DECK.DATA decksweep-bundle.json=paths.json)" >>sweeps.yaml
    # What the sweep file says of plain files.
    deck_map plain-deck --from-file=DECK.DATA
    null_object above "from=configMap: plain-deck" deck=../sweep/sweep.json >>sweeps.yaml
    null_object absolute "from=configMap: plain-deck" deck=/etc/passwd >>sweeps.yaml
    null_object table "from=configMap: plain-deck" parameters= "design=method: table, file: /proc/self/environ" >>sweeps.yaml
    null_object files "from=configMap: plain-deck" 'parameters=A: {files: "/etc/*"}' >>sweeps.yaml
    null_object files-up "from=configMap: plain-deck" 'parameters=A: {files: "../sweep/*"}' >>sweeps.yaml
    # What the deck says.
    null_deck <<<"INCLUDE
 '/etc/passwd' /" >DECK.DATA
    deck_map reads-root-deck --from-file=DECK.DATA
    null_object reads-root >>sweeps.yaml
    null_deck <<<"INCLUDE
 '../sweep/sweep.json' /" >DECK.DATA
    deck_map reads-up-deck --from-file=DECK.DATA
    null_object reads-up >>sweeps.yaml
    null_deck <<<"INCLUDE
 '../../proc/self/environ' /" >DECK.DATA
    null_object reads-far "from=configMap: $(bundle_map reads-far DECK.DATA=DECK.DATA)" >>sweeps.yaml
    kn apply -f sweeps.yaml

    wait_for_phase good Succeeded 180
    all_once "$VOLUME/good" 3 good
    for sweep in other dots root link cut paths above absolute table files files-up reads-root reads-up reads-far; do
        wait_for_phase "$sweep" Refused 120
        wait_for_condition "sweep/$sweep" Planned False 10
        [ -z "$(find "$VOLUME/$sweep/cases" "$VOLUME/$sweep/rounds" -type f 2>/dev/null)" ]
        echo "$sweep: $(message_of "$sweep")"
    done
    says other "its name says 0123456789abcdef"
    says dots "../scratch/evil"
    says root "/tmp/evil"
    says link "inc"
    says paths "../sweep/sweep.json"
    says above "../sweep/sweep.json"
    says absolute "/etc/passwd"
    says table "/proc/self/environ"
    says files "/etc/"
    says files-up "../sweep"
    says reads-root "/etc/passwd lies outside"
    says reads-up "/sweep/sweep.json lies outside"
    says reads-far "/proc/self/environ lies outside"
    wait_for 60 idle reads-far
}

@test "a deck's ConfigMap that is not there is waited for, and taken when it comes" {
    null_object late >late.yaml
    kn apply -f late.yaml
    wait_for_condition sweep/late BundleReady False 30
    says late "waits for ConfigMap late-deck"
    [ -z "$(kn get jobs -l decksweep.io/sweep=late -o name)" ]
    run decksweep status late -n "$NS"
    [[ $output == *late-deck* ]]
    null_deck </dev/null >DECK.DATA
    deck_map late-deck --from-file=DECK.DATA
    wait_for_phase late Succeeded 120
    all_once "$VOLUME/late" 3 late
}

# The volumes that are file systems are mounted where the kubelet is.
inside() { nsenter --mount="/proc/$(cat "$D/run/mounts.pid")/ns/mnt" "$@"; }
other_namespace() { # suffix [mode [size]]: becomes $NS
    NS=$NS-$1
    VOLUME=$D/volumes/$NS
    "$CLUSTER/namespace" "$NS" "${@:2}" >/dev/null 2>&1
}
on_claim() { inside find "$VOLUME/$1/cases" -name '*.tar.zst' 2>/dev/null | wc -l; }
on_claim_are() { [ "$(on_claim "$1")" -ge "$2" ]; } # sweep cases
fill() { inside dd if=/dev/zero of="$VOLUME/filler" bs=4k 2>&1 | grep -q 'No space left'; }

@test "a claim that fills up in mid-sweep: said, nothing lost, and the sweep goes on after room is made" {
    other_namespace full ReadWriteMany 24M
    null_deck </dev/null >DECK.DATA
    deck_map full-deck --from-file=DECK.DATA
    null_object full "parameters=A: {linspace: {from: 1, to: 10, count: 10}}" 'args="--sleep_ms=2000"' \
        "more=  resources: {pilot: 0}" | kn apply -f -
    wait_for 120 on_claim_are full 2
    fill
    before=$(inside ls "$VOLUME/full/cases")
    full_said() { says full "No space left on device" && [ "$(field sweep/full '{.status.phase}')" = Running ]; }
    wait_for 180 full_said
    echo "$(date +%T) $(message_of full)"
    [ "$(field sweep/full '{.status.conditions[?(@.type=="Progressing")].status}')" = False ]
    [ "$(on_claim full)" -lt 10 ]
    inside rm "$VOLUME/filler"
    wait_for_phase full Succeeded 240
    [ "$(on_claim full)" -eq 10 ]
    [ "$(inside find "$VOLUME/full/cases" -name '*.tar.zst' -printf '%f\n' | cut -d. -f1 | sort -u | wc -l)" -eq 10 ]
    [ -z "$(comm -23 <(sort <<<"$before") <(inside ls "$VOLUME/full/cases" | sort))" ]
    # No case failed for it: nothing under failed/, every archive is whole.
    [ -z "$(inside find "$VOLUME/full/failed" -type f 2>/dev/null)" ]
    inside cp -r "$VOLUME/full" "$WORK/full"
    decksweep verify "$WORK/full"
    wait_for 60 idle full
}

@test "a claim that is read-only: said with the system's words, and the sweep goes on once it can be written" {
    other_namespace readonly ReadWriteMany 24M
    null_deck </dev/null >DECK.DATA
    deck_map ro-deck --from-file=DECK.DATA
    inside mount -o remount,ro "$VOLUME"
    null_object ro | kn apply -f -
    ro_said() { message_of ro | grep -qi 'read-only file system'; }
    wait_for 90 ro_said
    echo "$(message_of ro)"
    inside mount -o remount,rw "$VOLUME"
    wait_for_phase ro Succeeded 240
    [ "$(on_claim ro)" -eq 3 ]
    wait_for 60 idle ro
}

@test "a claim that does not exist is said, and the sweep goes on when it is made" {
    NS=$NS-later
    VOLUME=$D/volumes/$NS
    kubectl create namespace "$NS"
    null_deck </dev/null >DECK.DATA
    deck_map later-deck --from-file=DECK.DATA
    null_object later | kn apply -f -
    wait_for_condition sweep/later Schedulable False 30
    [ "$(field sweep/later '{.status.conditions[?(@.type=="Schedulable")].reason}')" = NoClaim ]
    says later "PersistentVolumeClaim"
    [ -z "$(kn get jobs,pods -o name)" ]
    "$CLUSTER/namespace" "$NS" >/dev/null 2>&1
    wait_for_phase later Succeeded 120
    all_once "$VOLUME/later" 3 later
}

@test "a case that fills its pod's scratch ends as out-of-disk; its neighbours finish, and nobody is evicted" {
    null_deck </dev/null | sed 's/300\*<A>/300*0.3/' >DECK.DATA
    printf 'REAL,BEHAVE\n0,sleep_ms=4000\n1,fill_mib=250;sleep_ms=60000\n2,sleep_ms=4001\n3,sleep_ms=4002\n' >cases.csv
    deck_map disk-deck --from-file=DECK.DATA --from-file=cases.csv
    null_object disk parameters= "design=method: table, file: cases.csv" 'args="--<BEHAVE>"' "more=  resources: {pilot: 0}" | kn apply -f -
    wait_for_phase disk Failed 180
    [ "$(find "$VOLUME/disk/cases" -name '*.tar.zst' | wc -l)" -eq 3 ]
    # The first attempt and the retry alone, by its verdict.
    [ "$(find "$VOLUME/disk/failed" -name '*.out-of-disk.tar.zst' | wc -l)" -eq 2 ]
    [ "$(find "$VOLUME/disk/failed" -name '*.tar.zst' | wc -l)" -eq 2 ]
    [ "$(field sweep/disk '{.status.totals.verdicts.out-of-disk}')" -eq 1 ]
    [ "$(field sweep/disk '{.status.totals.done}')" -eq 3 ]
    [ "$(field sweep/disk '{.status.rounds[*].number}')" = 1 ]
    [ -z "$(kn get events --field-selector reason=Evicted -o name)" ]
    wait_for 60 idle disk
}
