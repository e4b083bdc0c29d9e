#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The manifests of tests/golden/kube (which tests/unit/test_job_manifest.c holds to the renderer) as an API server
# sees them, in a namespace that enforces "restricted" and has quotas. No controller is needed.
load common

GOLDEN=$BATS_TEST_DIRNAME/../golden/kube

# A golden manifest in this namespace, owned by Sweep `owner`.
golden() { # name
    local uid
    uid=$(field sweep/owner '{.metadata.uid}')
    sed -e "s/\"namespace\": \"reservoir\"/\"namespace\": \"$NS\"/" -e "s/397ea3e3-618c-43ca-9aed-7f6208e258bf/$uid/" \
        -e '/ownerReferences/,/\]/s/"name": "spe1"/"name": "owner"/' -e '/priorityClassName/d' \
        -e 's/"serviceAccountName": "sweeper"/"serviceAccountName": "default"/' "$GOLDEN/$1.json"
}

setup_file() {
    local base=$BATS_TEST_DIRNAME/../../k8s/base
    kubectl apply --server-side --force-conflicts -f "$base/crd.yaml" >/dev/null
    kubectl wait --for=condition=Established --timeout=30s crd/sweeps.decksweep.io >/dev/null
    file_namespace
    kn create -f - >/dev/null <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: owner}
spec:
  deck: X.DATA
  design: {method: grid}
  simulator: {image: x}
  results: {store: "pvc://results"}
  run: Suspended
Y
    kn create quota all --hard=requests.cpu=1k,limits.cpu=1k,requests.memory=1Ti,limits.memory=1Ti,requests.ephemeral-storage=9Ti,limits.ephemeral-storage=9Ti,pods=1k >/dev/null
}
teardown_file() { drop_namespace; }
teardown() { tell_failure; }

@test "every manifest passes strict validation without a warning" {
    local n=0
    for file in "$GOLDEN"/*.json; do
        golden "$(basename "$file" .json)" | kn create --dry-run=server --validate=strict --warnings-as-errors -f -
        n=$((n + 1))
    done
    [ "$n" -ge 7 ]
}

@test "what the API server made of a manifest is what was meant" {
    # Nothing is dropped, nothing but defaults is added: each leaf that we wrote comes back.
    for name in census-full round-plain round-full; do
        golden "$name" >"$BATS_TEST_TMPDIR/sent.json"
        kn create --dry-run=server -o json -f "$BATS_TEST_TMPDIR/sent.json" >"$BATS_TEST_TMPDIR/back.json"
        python3 - "$BATS_TEST_TMPDIR/sent.json" "$BATS_TEST_TMPDIR/back.json" <<'P'
import json, sys
def walk(sent, back, path):
    if isinstance(sent, dict):
        for k, v in sent.items():
            assert k in back, f"{path}.{k} was dropped"
            walk(v, back[k], f"{path}.{k}")
    elif isinstance(sent, list):
        assert len(sent) == len(back), f"{path} has another length"
        for i, v in enumerate(sent):
            walk(v, back[i], f"{path}[{i}]")
    else:
        if path.rsplit(".")[-1] in ("memory", "ephemeral-storage", "sizeLimit"):
            sent, back = int(sent), int(back[:-2]) * 1024 ** (1 + "KMGT".index(back[-2])) if back[-1] == "i" else int(back)
        assert sent == back, f"{path}: {sent} became {back}"
walk(*(json.load(open(f)) for f in sys.argv[1:]), "")
P
    done
}

@test "pods of a census and of a round are let in by restricted Pod Security and by quotas" {
    for name in census-full round-plain round-one-node round-hostile; do
        golden "$name" | kn create -f -
        job=$(golden "$name" | sed -n '0,/"name":/s/.*"name": "\(.*\)",/\1/p')
        want=$(field "job/$job" '{.spec.parallelism}')
        for _ in $(seq 100); do
            [ "$(field "job/$job" '{.status.active}')" = "$want" ] && break
            sleep 0.2
        done
        [ "$(field "job/$job" '{.status.active}')" = "$want" ] || { kn describe "job/$job"; false; }
        [ "$(kn get pods -l "job-name=$job" -o 'jsonpath={.items[0].status.qosClass}')" = Guaranteed ]
        kn delete "job/$job" --wait=true --cascade=foreground --timeout=60s
    done
}

@test "the ConfigMap of the spec is immutable, and all goes with the Sweep" {
    golden spec | kn create -f -
    golden round-plain | kn create -f -
    map=$(kn get configmap -l decksweep.io/kind=spec -o name)
    run kn patch "$map" --type=merge -p '{"data":{"sweep.json":"{}"}}'
    [ "$status" -ne 0 ]
    [[ $output == *immutable* ]]
    kn delete sweep owner --cascade=foreground --timeout=60s
    [ -z "$(kn get jobs,configmaps -l app.kubernetes.io/managed-by=decksweep -o name)" ]
}
