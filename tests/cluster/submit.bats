#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# decksweep submit and the store pod against a real Kubernetes, with an engineer's rights.

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
    export KUBECONFIG=$D/engineer.kubeconfig
}
teardown() {
    export KUBECONFIG=$D/admin.kubeconfig
    tell_failure
    leave_work
}

cluster_sweep() { # name cases
    spe1_sweep "$2"
    sed -i -e "s/{name: spe1}/{name: $1}/" -e 's|store: store|store: "pvc://results/submitted"|' sweep.yaml
}
# A deck that is too large for a ConfigMap, also when packed.
large_deck() {
    head -c 1500000 /dev/urandom | base64 -w 100 | sed 's/^/-- /' >large.inc
    sed -i "s|^GRID\$|GRID\nINCLUDE\n 'large.inc' /|" SPE1.DATA
}
no_store_pods() { [ -z "$(kn get pods -l "decksweep.io/kind=store,decksweep.io/sweep=$1" -o name)" ]; } # sweep

@test "what is wrong is told before anything is sent" {
    spe1_sweep 2
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 2 ]
    [[ $output == *"sweep.yaml:"*"spec.results.store"*"pvc://"* ]]

    cluster_sweep wrong 2
    run env -u DECKSWEEP_SIMULATOR_IMAGE decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 2 ]
    [[ $output == *spec.simulator.image* ]]

    sed -i 's|pvc://results|pvc://nothing|' sweep.yaml
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 3 ]
    [[ $output == *nothing*"$NS"* ]]

    cluster_sweep wrong 2
    run decksweep submit sweep.yaml -n default
    [ "$status" -eq 3 ]
    [[ $output == *persistentvolumeclaims*decksweep-user* ]]
    run decksweep submit sweep.yaml -n "$NS" --context none
    [ "$status" -eq 2 ]
    [[ $output == *none* ]]

    sed -i 's/<PORO>/<PORRO>/' SPE1.DATA
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 2 ]
    [[ $output == *PORRO* ]]
    [ -z "$(kn get sweeps -o name)" ]
    [ -z "$(kn get configmaps -l decksweep.io/kind=bundle -o name)" ]
}

@test "from the file to the results, by the same plan as on this machine; no simulator is needed here" {
    cluster_sweep small 3
    run env PATH="$DS_BUILD:/usr/bin/nowhere" "$DS_BUILD/decksweep" submit sweep.yaml -n "$NS"
    [ "$status" -eq 0 ]
    [[ $output == *"sweep.decksweep.io/small created"* ]]
    [[ $output == *"configmap/small-"*" created"* ]]
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 0 ]
    [[ $output == *"sweep.decksweep.io/small unchanged"* ]]
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
    [[ $output == *"3 cases"* ]]
    [ "$(decksweep plan sweep.yaml --store "$WORK/none" --json | grep -oE '"plan":"[0-9a-f]{16}"' | cut -d'"' -f4)" \
        = "$(field sweep/small '{.status.plan}')" ]
    run decksweep ls small -n "$NS" --json
    [ "$(grep -c '"verdict":"ok"' <<<"$output")" -eq 3 ]
    decksweep fetch small -n "$NS" --dataset -o out
    [ -s out/dataset/summary.nc ]
    decksweep verify small -n "$NS"
    wait_for 30 no_store_pods small
}

@test "growing runs only what is new; the deck's ConfigMap is gone once the store has it" {
    cluster_sweep small 5
    sed -i 's/to: 0.35, count: 5/to: 0.50, count: 5/' sweep.yaml
    before=$(find "$VOLUME/submitted/small/cases" -name '*.tar.zst' | wc -l)
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
    [[ $output == *"sweep.decksweep.io/small configured"* ]]
    [ "$(find "$VOLUME/submitted/small/cases" -name '*.tar.zst' | wc -l)" -gt "$before" ]
    wait_for 30 no_bundles
}
no_bundles() { [ -z "$(kn get configmaps -l decksweep.io/kind=bundle,decksweep.io/sweep=small -o name)" ]; }

@test "a name of another deck is refused, unless told" {
    cluster_sweep small 3
    mv SPE1.DATA OTHER.DATA
    sed -i 's/deck: SPE1.DATA/deck: OTHER.DATA/' sweep.yaml
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 2 ]
    [[ $output == *SPE1.DATA*OTHER.DATA*--replace* ]]
    [ "$(field sweep/small '{.spec.deck}')" = SPE1.DATA ]
    decksweep submit sweep.yaml -n "$NS" --replace
    [ "$(field sweep/small '{.spec.deck}')" = OTHER.DATA ]
    [ "$(field sweep/small '{.spec.once.do[0]}')" = replace ]
    decksweep cancel small -n "$NS"
}

@test "a deck too large for a ConfigMap goes through a store pod, and the sweep runs" {
    cluster_sweep large 2
    large_deck
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
    [[ $output == *"deck."*".tar.zst stored"* ]]
    [ -z "$(kn get configmaps -l decksweep.io/sweep=large,decksweep.io/kind=bundle -o name)" ]
    wait_for 30 no_store_pods large
    run decksweep submit sweep.yaml -n "$NS"
    [ "$status" -eq 0 ]
    [[ $output == *"sweep.decksweep.io/large unchanged"* ]]
}

@test "a submission that was killed on its way is finished by the next" {
    cluster_sweep torn 2
    large_deck
    decksweep submit sweep.yaml -n "$NS" 3>&- &
    submit=$!
    wait_for 20 has_store_pod
    kill -9 "$submit"
    wait "$submit" || true
    [ "$(field sweep/torn '{.spec.run}')" = Suspended ]
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
    [ "$(find "$VOLUME/submitted/torn/cases" -name '*.tar.zst' | wc -l)" -eq 2 ]
}
has_store_pod() { [ -n "$(kn get pods -l decksweep.io/kind=store,decksweep.io/sweep=torn -o name)" ]; }

@test "Ctrl-C leaves the sweep running and says how to go on; a store pod goes with its command" {
    cluster_sweep goes-on 4
    decksweep submit sweep.yaml -n "$NS" --wait >said 2>&1 3>&- &
    submit=$!
    wait_for 20 grep -q 'Planning\|Running' said
    kill -INT "$submit"
    status=0
    wait "$submit" || status=$?
    [ "$status" -eq 130 ]
    grep -q "decksweep status goes-on -n $NS" said
    grep -q "decksweep cancel goes-on -n $NS" said
    wait_for_phase goes-on Succeeded 120

    decksweep verify goes-on -n "$NS" 3>&- &
    verify=$!
    wait_for 20 has_running_pod
    kill -INT "$verify"
    wait "$verify" || true
    wait_for 30 no_store_pods goes-on
}
has_running_pod() { [ -n "$(kn get pods -l decksweep.io/kind=store,decksweep.io/sweep=goes-on -o name)" ]; }

@test "the exit status is the sweep's: refused, failed" {
    cluster_sweep refused 2
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 0 ]
    sed -i 's/{linspace.*}/{values: [0.3, -5]}/' sweep.yaml
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -eq 1 ]
    [[ $output == *Failed* ]]
    sed -i -e 's/{values: .*}/{values: [0.3]}/' -e 's/design: .*/&\n  simulator: {version: "1.0"}/' sweep.yaml
    run decksweep submit sweep.yaml -n "$NS" --wait
    [ "$status" -ge 2 ]
    [[ $output == *1.0* ]]
}

@test "--dry-run shows what kubectl can apply, and sends nothing" {
    cluster_sweep dry 2
    decksweep submit sweep.yaml -n "$NS" --dry-run >object.json
    [ -z "$(kn get sweep dry --ignore-not-found -o name)" ]
    KUBECONFIG=$D/admin.kubeconfig kn apply --dry-run=server -f object.json
    [[ $(cat object.json) == *'"deckFrom":{"configMap":"dry-'* ]]
}
