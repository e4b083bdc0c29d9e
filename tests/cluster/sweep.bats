#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Sweeps from submission to the dataset on a claim, on a real Kubernetes with the real simulator.

setup_file() {
    load common
    file_namespace
}
teardown_file() {
    load common
    drop_namespace
}
setup() {
    load common
    enter_work
}
teardown() {
    tell_failure
    leave_work
}

# deck.yaml: a sweep by hand, whose deck is the ConfigMap of the same name.
spe1_object() { # name cases
    spe1_sweep "$2"
    kn create configmap "$1-deck" --from-file=SPE1.DATA --dry-run=client -o yaml | kn apply -f - >&2
    cat <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: SPE1.DATA
  deckFrom: {configMap: $1-deck}
  parameters:
    PORO: {linspace: {from: 0.2, to: 0.35, count: $2}}
  design: {method: grid}
  simulator: {preset: flow, image: "localhost/flow:test", wallTime: 5m}
  results: {store: "pvc://results/hand"}
  collect: {formats: [netcdf, csv]}
Y
}
committed_on_claim() { find "$VOLUME/$1/cases" -name '*.tar.zst' 2>/dev/null | wc -l; }

@test "kubectl apply alone, deck in a ConfigMap: SPE1 to the dataset on the claim" {
    spe1_object by-hand 4 >by-hand.yaml
    kn apply -f by-hand.yaml
    wait_for_phase by-hand Succeeded 120
    [ "$(committed_on_claim hand/by-hand)" -eq 4 ]
    [ -s "$VOLUME/hand/by-hand/dataset/summary.nc" ]
    [ "$(ncdump -h "$VOLUME/hand/by-hand/dataset/summary.nc" | grep -c 'case = 4 ;')" -eq 1 ]
    # The same folder is a result store on this machine too.
    run decksweep ls "$VOLUME/hand/by-hand" --json
    [ "$status" -eq 0 ]
    [ "$(grep -c '"verdict":"ok"' <<<"$output")" -eq 4 ]
    decksweep verify "$VOLUME/hand/by-hand"

    run kn get sweeps
    [[ ${lines[1]} =~ ^by-hand\ +Succeeded\ +4/4\ +0 ]]
    run kn describe sweep by-hand
    [[ $output == *Succeeded* ]]
    [ -n "$(kn get events --field-selector involvedObject.name=by-hand,involvedObject.kind=Sweep -o name)" ]
    # Every case id is the one that a laptop gives.
    decksweep plan sweep.yaml --json >plan.json
    diff <(ls "$VOLUME/hand/by-hand/cases" | cut -d. -f1 | sort) \
        <(sed -e 's/name: spe1/name: by-hand/' sweep.yaml >laptop.yaml && decksweep run laptop.yaml --no-collect --cores 2 >/dev/null 2>&1 && ls store/by-hand/cases | cut -d. -f1 | sort)
}

@test "a sweep that grows runs only the new cases" {
    spe1_object by-hand 4 | sed 's/linspace: {from: 0.2, to: 0.35, count: 4}/values: [0.2, 0.25, 0.3, 0.35, 0.33]/' >grown.yaml
    ls "$VOLUME/hand/by-hand/cases" >before
    kn apply -f grown.yaml
    wait_for_field sweep/by-hand '{.status.totals.cases}' 5 60
    wait_for_phase by-hand Succeeded 120
    [ "$(committed_on_claim hand/by-hand)" -eq 5 ]
    find "$VOLUME/hand/by-hand/cases" -name '*.tar.zst' -newer before | wc -l | grep -qx 1
}

@test "deleting a sweep removes its Jobs, pods and ConfigMaps, and leaves the results" {
    kn delete sweep by-hand --timeout=60s
    for _ in $(seq 60); do
        left=$(kn get jobs,pods,configmaps -l decksweep.io/sweep=by-hand -o name)
        [ -n "$left" ] || break
        sleep 0.5
    done
    [ -z "$left" ]
    [ "$(committed_on_claim hand/by-hand)" -eq 5 ]
}

@test "an image of another libc with a shell script as simulator runs like any other" {
    cat >SHELL.DATA <<'D'
RUNSPEC
SUMMARY
SCHEDULE
RATE <RATE> /
TSTEP
 3*10 /
END
D
    kn create configmap shell-deck --from-file=SHELL.DATA
    kn apply -f - <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: shell}
spec:
  deck: SHELL.DATA
  deckFrom: {configMap: shell-deck}
  parameters:
    RATE: {linspace: {from: 100, to: 900, count: 9}}
  design: {method: grid}
  simulator: {command: [/opt/sim/run, "{deck}"], judge: files, image: "localhost/shellsim:test"}
  results: {store: "pvc://results"}
  collect: {formats: [csv]}
Y
    wait_for_phase shell Succeeded 120
    [ "$(committed_on_claim shell)" -eq 9 ]
    # DATE,REAL,TIME,FOPR,FOPT: the rate that the deck asked for, times 30 days.
    run tail -n 1 "$VOLUME/shell/dataset/summary.csv"
    [[ $output == 2015-01-31*,8,30,900,27000 ]] || { echo "$output"; false; }
}

@test "decksweep submit --wait: SPE1 by the command line, and its exit status" {
    spe1_sweep 3
    sed -i 's|store: store|store: pvc://results/line|' sweep.yaml
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(committed_on_claim line/spe1)" -eq 3 ]
    decksweep fetch spe1 -n "$NS" --dataset -o fetched
    cmp fetched/dataset/summary.nc "$VOLUME/line/spe1/dataset/summary.nc"
    # Again: nothing is left to do.
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
}
