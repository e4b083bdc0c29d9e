#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What the API server takes and refuses by k8s/base alone: schema, policies, roles. No controller is needed.
load common

# A Sweep that is right, changed by a sed expression.
sweep() { # [sed expression...]
    local args=()
    for e in "$@"; do args+=(-e "$e"); done
    sed -E "${args[@]}" -e '' <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: right}
spec:
  deck: SPE1.DATA
  parameters:
    PORO: {uniform: {min: 0.2, max: 0.35}}
    KX: {values: [100, 250.5, 1e5, 0.1, 1e-7, 123456789012, "1e5", "x y"]}
    KZ: {expression: "0.1 * KX"}
    D: {discrete: {values: [1, b], weights: [0.4, 0.6]}}
  design: {method: sobol, samples: 200, seed: 9007199254740991}
  simulator: {preset: flow, image: "localhost/flow:test", wallTime: 2h}
  resources: {memory: auto, ranks: 1}
  failure: {retries: {lost: 3}, maxFailed: 10%}
  results: {store: "pvc://results/team"}
  collect: {vectors: ["F*"], times: {every: 30d}}
  run: Suspended
  cluster: {maxWorkers: 5}
Y
}
apply() { sweep "$@" | kn apply -f - 2>&1; }
try() { sweep 's/name: right\}/name: tried}/' "$@" | kn create --dry-run=server -f - 2>&1; }
can() { # identity options... -- verb resource[/subresource]
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    case $3 in */*) options+=("--subresource=${3#*/}") ;; esac
    kn auth can-i "${options[@]}" "$2" "${3%%/*}" 2>/dev/null || true
}
engineer() { KUBECONFIG=$D/engineer.kubeconfig kn "$@" 2>&1; }
nobody() { KUBECONFIG=$D/nobody.kubeconfig kn "$@" 2>&1; }

# refuses WORDS SED...: the answer holds all words of the first argument, in order
refuses() {
    local words=$1
    shift
    run try "$@"
    [ "$status" -ne 0 ] || { echo "taken: $*"; return 1; }
    [[ $output == *"$words"* ]] || { echo "wanted: $words"; echo "got: $output"; return 1; }
}

setup_file() {
    local base=$BATS_TEST_DIRNAME/../../k8s/base
    # The test overlay's namespace lets the controller onto the node's network: it stays as it is.
    kubectl get namespace decksweep-system >/dev/null 2>&1 || kubectl apply -f "$base/namespace.yaml" >/dev/null
    kubectl apply --server-side --force-conflicts -f "$base/crd.yaml" \
        -f "$base/user-roles.yaml" -f "$base/controller-rbac.yaml" -f "$base/admission.yaml" >/dev/null
    kubectl wait --for=condition=Established --timeout=30s crd/sweeps.decksweep.io >/dev/null
    file_namespace
    # A policy is obeyed a moment after it was written.
    for _ in $(seq 60); do
        sweep 's/KX:/2KX:/' | kn create --dry-run=server -f - >/dev/null 2>&1 || break
        sleep 0.5
    done
}
teardown_file() {
    resume_controller
    drop_namespace
}
teardown() { tell_failure; }

@test "a right sweep file is taken as it is, and its numbers come back with their values" {
    apply
    run kn get sweep right -o jsonpath='{.spec.parameters.KX.values}'
    [ "$output" = '[100,250.5,100000,0.1,1e-7,123456789012,"1e5","x y"]' ]
    [ "$(field sweep/right '{.spec.design.seed}')" = 9007199254740991 ]
    run kn get sweep right -o jsonpath='{.spec.resources}{.spec.collect}{.spec.failure}'
    [ "$output" = '{"memory":"auto","ranks":1}{"times":{"every":"30d"},"vectors":["F*"]}{"maxFailed":"10%","retries":{"lost":3}}' ]
}

@test "types, ranges, enums and required pairs are refused with words that help" {
    refuses 'spec.design.seed in body must be of type integer' 's/seed: 9007199254740991/seed: many/'
    refuses 'spec.design.samples in body should be greater than or equal to 1' 's/samples: 200/samples: 0/'
    refuses 'spec.design.method: Unsupported value: "soboll": supported values: "grid"' 's/sobol/soboll/'
    refuses 'samples is missing; latin-hypercube, sobol and monte-carlo need' 's/samples: 200, //'
    refuses 'grid and one-at-a-time count their cases themselves' 's/sobol/grid/'
    refuses 'method table needs the CSV file' 's/sobol, samples: 200/table/'
    refuses 'only method table reads a file' 's/sobol,/sobol, file: x.csv,/'
    refuses 'min < max is needed' 's/max: 0.35/max: 0.1/'
    refuses 'spec.parameters.PORO.uniform.max: Required value' 's/, max: 0.35//'
    refuses 'write all of mean, sd; or q10, q90' 's/uniform: .*/normal: {mean: 1}}/'
    refuses 'q10 < q90 is needed' 's/uniform: .*/lognormal: {q10: 5, q90: 5}}/'
    refuses 'min <= mode <= max' 's/uniform: .*/pert: {min: 1, mode: 9, max: 5}}/'
    refuses 'should be greater than 0' 's/uniform: .*/loguniform: {min: 0, max: 5}}/'
    refuses 'more than one kind of values' 's/expression: .*/expression: "1", files: "x"}/'
    refuses 'spec.parameters.KX: values and another kind of values' 's/"x y"\]/1], files: "x"/'
    refuses 'spec.parameters.KX: a value is a number or a text' 's/"x y"/true/'
    refuses 'spec.parameters.KX.values[7]' 's/"x y"/{a: 1}/'
    refuses 'spec.parameters: 2KX: no name' 's/KX:/2KX:/'
    refuses 'weights[1] in body should be less than or equal to 1' 's/0.6/1.6/'
    refuses 'both preset and command; keep one' 's/preset: flow/preset: flow, command: [a]/'
    refuses 'spec.simulator.image: Required value' 's/image: "[^"]*", //'
    refuses 'no duration; write 90s, 30m, 2h or 1d' 's/wallTime: 2h/wallTime: 2x/'
    refuses 'no size; write auto, 512MiB or 8GiB' 's/memory: auto/memory: 1GX/'
    refuses 'ranks x threads are more than 4096' 's/ranks: 1/ranks: 100, threads: 100/'
    refuses 'a whole number of cases, a percentage like 10%' 's/10%/never/'
    refuses 'in a cluster results live on a claim: write pvc://claim/path' 's|pvc://results/team|./results|'
    refuses 'no . or .. in the path' 's|pvc://results/team|pvc://results/../x|'
    refuses 'spec.collect.times: write report, monthly, yearly' 's/times: .*/times: {evry: 30d}}/'
    refuses 'spec.collect.times: write report, monthly, yearly' 's/times: .*/times: daily}/'
    refuses 'spec.run: Unsupported value: "Paused"' 's/Suspended/Paused/'
    refuses 'write exactly one of configMap, store and url' 's/run: .*/deckFrom: {configMap: a, store: b}/'
    refuses 'a new token makes a new decision' 's/run: .*/once: {do: [refill]}/'
    refuses 'a toleration without key needs operator Exists' 's/cluster: .*/cluster: {tolerations: [{value: a}]}/'
    refuses 'tolerationSeconds needs effect NoExecute' 's/cluster: .*/cluster: {tolerations: [{key: a, tolerationSeconds: 5}]}/'
    refuses 'runAsUser in body should be greater than or equal to 1' 's/cluster: .*/cluster: {securityContext: {runAsUser: 0}}/'
    refuses 'spec.cluster.labels: a key is a name' 's/cluster: .*/cluster: {labels: {"a b": c}}/'
    refuses 'spec.cluster.labels: a value of a label' 's/cluster: .*/cluster: {labels: {a: "b c"}}/'
    refuses 'set by the controller' 's/cluster: .*/cluster: {labels: {decksweep.io\/sweep: other}}/'
    refuses 'it names the folder of the results' 's/name: tried/name: a.b/'
    refuses 'it names the folder of the results' 's/name: tried/name: a234567890123456789012345678901234567890x/'
}

@test "right values at their limits are taken" {
    try 's/times: .*/times: {dates: [2030-12-31, "2031-01-01T12:30:15Z"]}}/' 's/10%/25/' 's/wallTime: 2h/wallTime: 7200/'
    try 's/times: .*/times: monthly}/' 's/memory: auto/memory: 1.5 GiB/' 's/wallTime: 2h/wallTime: 1h30m/' 's/maxFailed: 10%/maxFailed: "off"/'
    try 's/name: tried/name: a23456789012345678901234567890123456789x/' 's/cluster: .*/cluster: {tolerations: [{operator: Exists}]}/'
    try 's/sobol, samples: 200/table, file: cases.csv/' 's/KX: .*/KX: {}/' 's|pvc://results/team|pvc://results|'
}

@test "a pod field that the schema has not is refused by kubectl, and never reaches a pod otherwise" {
    refuses 'unknown field "spec.cluster.hostNetwork"' 's/cluster: .*/cluster: {hostNetwork: true}/'
    refuses 'unknown field "spec.cluster.securityContext.privileged"' 's/cluster: .*/cluster: {securityContext: {privileged: true}}/'
    refuses 'unknown field "spec.simulator.volumeMounts"' 's/preset: flow/preset: flow, volumeMounts: []/'
    sweep 's/name: right/name: pruned/' 's/cluster: .*/cluster: {hostNetwork: true, securityContext: {privileged: true}}/' |
        kn create --validate=ignore -f -
    [ "$(field sweep/pruned '{.spec.cluster}')" = '{"securityContext":{}}' ]
}

@test "whoever may not create pods may not create sweeps either" {
    kn create role sweeps-only --verb=create,get --resource=sweeps.decksweep.io
    kn create rolebinding sweeps-only --role=sweeps-only --user=nobody
    run nobody create -f <(sweep 's/right/nobodys/')
    [ "$status" -ne 0 ]
    [[ $output == *"nobody may not create pods in namespace $NS"*'ClusterRole decksweep-user gives the right'* ]]
    engineer create -f <(sweep 's/right/engineers/')
}

@test "a Secret that the author may not read is refused, for pulling images and for the store" {
    kn create secret generic registry-key --from-literal=a=b
    for key in 'imagePullSecrets: [registry-key]' 'credentialsSecret: registry-key'; do
        run engineer create -f <(sweep 's/right/secrets/' "s/maxWorkers: 5/$key/")
        [ "$status" -ne 0 ]
        [[ $output == *'engineer may not read Secret registry-key'* ]]
    done
    kn create role reader --verb=get --resource=secrets --resource-name=registry-key
    kn create rolebinding reader --role=reader --user=engineer
    engineer create --dry-run=server -f <(sweep 's/right/secrets/' 's/maxWorkers: 5/imagePullSecrets: [registry-key]/')
    run engineer create -f <(sweep 's/right/secrets/' 's/maxWorkers: 5/imagePullSecrets: [registry-key, other-key]/')
    [ "$status" -ne 0 ]
    [[ $output == *'may not read Secret registry-key or other-key'* ]]
}

@test "a ServiceAccount that the author may not use is refused; use or impersonate gives the right" {
    kn create serviceaccount sweeper
    run engineer create -f <(sweep 's/right/accounts/' 's/maxWorkers: 5/serviceAccount: sweeper/')
    [ "$status" -ne 0 ]
    [[ $output == *'engineer may not use ServiceAccount sweeper'*'the verb use (or impersonate)'* ]]
    engineer create --dry-run=server -f <(sweep 's/right/accounts/' 's/maxWorkers: 5/serviceAccount: default/')
    for verb in use impersonate; do
        kn apply -f - <<Y
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: $verb-sweeper}
rules: [{apiGroups: [''], resources: [serviceaccounts], resourceNames: [sweeper], verbs: [$verb]}]
Y
        kn create rolebinding "$verb-sweeper" "--role=$verb-sweeper" --user=engineer
        engineer create --dry-run=server -f <(sweep 's/right/accounts/' 's/maxWorkers: 5/serviceAccount: sweeper/')
        kn delete rolebinding "$verb-sweeper"
    done
}

@test "an edit is judged by who makes it, a label is not" {
    kn create serviceaccount robot
    sweep 's/right/shared/' 's/maxWorkers: 5/serviceAccount: robot/' | kn create -f -
    run engineer patch sweep shared --type=merge -p '{"spec":{"simulator":{"image":"evil"}}}'
    [ "$status" -ne 0 ]
    [[ $output == *'may not use ServiceAccount robot'* ]]
    engineer label sweep shared seen=yes
    engineer delete sweep shared
}

@test "decksweep-user is enough for the command line, and for no more" {
    local me="--as=engineer --as-group=decksweep-engineers"
    for what in 'create sweeps' 'patch sweeps' 'delete sweeps' 'create configmaps' 'create pods' 'delete pods' \
        'get pods/log' 'get pods/proxy' 'update pods/proxy' 'list jobs' 'get persistentvolumeclaims' 'list events'; do
        # shellcheck disable=SC2086 # verb and resource
        run can $me -- $what
        [ "$output" = yes ] || { echo "$what: $output"; return 1; }
    done
    for what in 'update sweeps/status' 'get secrets' 'create pods/exec' 'create jobs' 'delete jobs' 'create serviceaccounts' \
        'get nodes' 'impersonate serviceaccounts'; do
        # shellcheck disable=SC2086
        run can $me -- $what
        [ "$output" = no ] || { echo "$what: $output"; return 1; }
    done
}

@test "view and edit of a namespace hold the sweeps in it" {
    kn create rolebinding viewer --clusterrole=view --user=viewer
    kn create rolebinding editor --clusterrole=edit --user=editor
    for _ in $(seq 50); do # roles are aggregated by a controller
        [ "$(can --as=editor -- create sweeps)" = yes ] && break
        sleep 0.2
    done
    [ "$(can --as=viewer -- list sweeps)" = yes ]
    [ "$(can --as=viewer -- create sweeps)" = no ]
    [ "$(can --as=editor -- create sweeps)" = yes ]
    [ "$(can --as=editor -- update sweeps/status)" = no ]
}

@test "the controller may do what its work needs, and nothing with Secrets, pods' insides or specs" {
    local me=--as=system:serviceaccount:decksweep-system:decksweep-scheduler
    for what in 'watch sweeps' 'update sweeps/status' 'create jobs' 'patch jobs' 'delete jobs' 'watch pods' 'create configmaps' \
        'delete configmaps' 'get persistentvolumeclaims' 'create events' 'watch nodes'; do
        # shellcheck disable=SC2086
        run can $me -- $what
        [ "$output" = yes ] || { echo "$what: $output"; return 1; }
    done
    for what in 'get secrets' 'list secrets' 'create pods' 'delete pods' 'create pods/exec' 'get pods/log' 'update sweeps' \
        'create sweeps' 'update configmaps' 'get leases' 'create serviceaccounts/token' 'impersonate users' 'update nodes'; do
        # shellcheck disable=SC2086
        run can $me -- $what
        [ "$output" = no ] || { echo "$what: $output"; return 1; }
    done
    [ "$(kubectl -n decksweep-system auth can-i update leases/decksweep-scheduler $me)" = yes ]
    [ "$(kubectl -n decksweep-system auth can-i update leases/other $me || true)" = no ]
}

@test "only the status subresource changes the status, and kubectl get shows it in columns" {
    pause_controller
    apply 's/name: right/name: shown/'
    kn patch sweep shown --type=merge -p '{"status":{"phase":"Running"}}'
    [ -z "$(field sweep/shown '{.status.phase}')" ]
    kn patch sweep shown --subresource=status --type=merge -p '{"status":{"phase":"Running","message":"round 2: 90 cases",
        "progress":"110/200","totals":{"cases":200,"done":100,"failed":3},"rounds":[{"number":1},{"number":2}]}}'
    run kn get sweep shown
    [[ ${lines[0]} =~ NAME\ +PHASE\ +DONE\ +FAILED\ +ROUND\ +AGE ]]
    [[ ${lines[1]} =~ shown\ +Running\ +110/200\ +3\ +2\  ]]
    run kn get sweep shown -o wide
    [[ $output == *'round 2: 90 cases'* ]]
    run kn patch sweep shown --subresource=status --type=merge -p '{"status":{"phase":"Happy"}}'
    [ "$status" -ne 0 ]
    resume_controller
}

@test "every sweep file that the parser takes is taken, given claim and image" {
    local n=0
    for file in "$ROOT"/tests/golden/sweeps/{grid,latin,monte,reference,sobol,table,tornado}.yaml "$ROOT"/jobs/*/{sweep,cluster}.yaml; do
        # As an object, without what the server itself writes.
        python3 "$ROOT/tests/support/api_object.py" "$file" 'spec.results.store="pvc://results/x"' \
            'spec.simulator.image="sim"' metadata.uid= metadata.resourceVersion= metadata.managedFields= \
            metadata.namespace= metadata.annotations= status= spec.cluster= spec.deckFrom= spec.once= |
            kn create --dry-run=server -f - || { echo "refused: $file"; return 1; }
        n=$((n + 1))
    done
    [ "$n" -ge 9 ]
}
