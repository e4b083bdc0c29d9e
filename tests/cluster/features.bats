#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What a sweep in a cluster has in common with one on a laptop, and what only a cluster has: placement,
# claims of one node or one pod, several ranks, exclusive CPUs.

setup_file() {
    load common
    file_namespace
    load_nullsim
}
teardown_file() {
    load common
    drop_namespace
    for other in rwo rwop; do
        kubectl delete namespace "$NS-$other" --wait=false >/dev/null 2>&1 || true
    done
    kubectl delete priorityclass features-low --ignore-not-found >/dev/null
}
setup() {
    load common
    enter_work
    export DECKSWEEP_SIMULATOR_IMAGE=localhost/nullsim:test
}
teardown() {
    [ -z "${watcher:-}" ] || kill "$watcher" 2>/dev/null || true
    tell_failure
    leave_work
}

# Nothing here takes minutes; a sweep that never ends must not hold up the others.
submit() { timeout 240 decksweep submit "$@"; }
named() { sed -i "s/{name: null-sweep}/{name: $1}/" sweep.yaml; }
on_claim() { sed 's|{store: store|{store: "pvc://results"|' sweep.yaml >cluster.yaml; } # the same sweep for the cluster
keys() { find "$1" -name '*.tar.zst' -printf '%f\n' 2>/dev/null | sort; }               # folder
ids() { decksweep ls "$1" --json | jq -r 'select(.id) | "\(.number) \(.id)"' | sort -n; }    # results folder

# Values that lose something on a careless way through JSON, with keys that are not in order.
careful_sweep() {
    null_sweep 1
    cat >sweep.yaml <<'Y'
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: null-sweep}
spec:
  deck: DECK.DATA
  parameters:
    Z9: {values: ["007"]}
    TXT: {values: ["1e5", "0x1F", "yes"]}
    BIG: {linspace: {from: 50e3, to: 150e3, count: 3}, decimals: 0}
    A: {uniform: {min: 0.20, max: 0.35}}
    LOG: {logspace: {from: 1.0e-3, to: 1e+3, count: 7}}
    NRM: {normal: {q10: 1, q90: 12345678.125}}
    DRV: {expression: "A * 1e1 + 0.1 * LOG"}
  design: {method: latin-hypercube, samples: 12, seed: 42, where: "A > 0.21"}
  simulator:
    command: [nullsim, "{deck}"]
    args: ["--x=<TXT><Z9>", "--y=<BIG>", "--z=<LOG>", "--w=<NRM>", "--v=<DRV>"]
    judge: flow
    version: "1"
  results: {store: store}
Y
}

@test "one sweep file gives the same plan, numbers and ids on this machine and through the API server" {
    careful_sweep
    named same
    on_claim
    decksweep run sweep.yaml --cores 2 >run.log 2>&1
    submit cluster.yaml -n "$NS" --wait
    [ "$(ids store/same | wc -l)" -gt 8 ]
    diff <(ids store/same) <(ids "$VOLUME/same")
    diff <(cd store/same && cat design.*.csv) <(cd "$VOLUME/same" && cat design.*.csv)
    diff <(cd store/same && ls plan.*.json bundle.*) <(cd "$VOLUME/same" && ls plan.*.json bundle.*)
    diff <(keys store/same/cases) <(keys "$VOLUME/same/cases")
    [ "$(field sweep/same '{.status.plan}')" = "$(decksweep plan sweep.yaml --json | grep -oE '"plan":"[0-9a-f]{16}"' | cut -d'"' -f4)" ]
}

@test "a results folder goes on in the cluster where this machine left it, and the other way round" {
    null_sweep 4
    named moves
    decksweep run sweep.yaml --cores 2 >run.log 2>&1
    [ "$(keys store/moves/cases | wc -l)" -eq 4 ]
    cp -r store/moves "$VOLUME/moves"
    chown -R 1000:1000 "$VOLUME/moves"
    # Two more there.
    sed -i 's/from: 0, to: 3, count: 4/from: 0, to: 5, count: 6/' sweep.yaml
    on_claim
    touch before
    submit cluster.yaml -n "$NS" --wait
    [ "$(keys "$VOLUME/moves/cases" | wc -l)" -eq 6 ]
    [ "$(find "$VOLUME/moves/cases" -name '*.tar.zst' -newer before | wc -l)" -eq 2 ]
    # Three more here.
    rm -rf store/moves
    cp -r "$VOLUME/moves" store/moves
    sed -i 's/from: 0, to: 5, count: 6/from: 0, to: 8, count: 9/' sweep.yaml
    touch before
    decksweep run sweep.yaml --cores 2 >run.log 2>&1
    [ "$(keys store/moves/cases | wc -l)" -eq 9 ]
    [ "$(find store/moves/cases -name '*.tar.zst' -newer before | wc -l)" -eq 3 ]
    decksweep verify store/moves
    [ "$(ids store/moves | wc -l)" -eq 9 ]
}

@test "growing and editing a submitted sweep runs only the new cases" {
    null_sweep 3
    named grows
    on_claim
    submit cluster.yaml -n "$NS" --wait
    touch before
    # Another range: two of the three values stay. And a plan that is another.
    sed -i 's/linspace: {from: 0, to: 2, count: 3}/values: [1, 2, 7, 8]/' cluster.yaml
    submit cluster.yaml -n "$NS" --wait
    [ "$(keys "$VOLUME/grows/cases" | wc -l)" -eq 5 ]
    [ "$(find "$VOLUME/grows/cases" -name '*.tar.zst' -newer before | wc -l)" -eq 2 ]
    [ "$(field sweep/grows '{.status.totals.cases}')" -eq 4 ]
    # Another deck under the same file: all are new.
    touch before
    sed -i 's/^ 10 10 3 / 10 10 5 /' DECK.DATA
    submit cluster.yaml -n "$NS" --wait
    [ "$(find "$VOLUME/grows/cases" -name '*.tar.zst' -newer before | wc -l)" -eq 4 ]
    # An edit that the plan leaves out runs nothing again.
    touch before
    sed -i '$a\  collect: {vectors: ["FOPT"], formats: [netcdf, csv]}' cluster.yaml
    submit cluster.yaml -n "$NS" --wait
    [ -z "$(find "$VOLUME/grows/cases" -name '*.tar.zst' -newer before)" ]
    head -n 1 "$VOLUME/grows/dataset/summary.csv" | grep -q FOPT
    [ "$(head -n 1 "$VOLUME/grows/dataset/summary.csv" | grep -c FOPR)" -eq 0 ]
}

@test "--retry-failed gives failed cases their attempts again, once" {
    behave_sweep "steps=2" "exit=3"
    named again
    on_claim
    run submit cluster.yaml -n "$NS" --wait
    [ "$status" -eq 1 ]
    had=$(keys "$VOLUME/again/failed" | wc -l)
    [ "$had" -ge 1 ]
    # Without the word nothing runs again.
    run submit cluster.yaml -n "$NS" --wait
    [ "$status" -eq 1 ]
    [ "$(keys "$VOLUME/again/failed" | wc -l)" -eq "$had" ]
    run submit cluster.yaml -n "$NS" --retry-failed --wait
    [ "$status" -eq 1 ]
    [ "$(keys "$VOLUME/again/failed" | wc -l)" -eq $((2 * had)) ]
    [ "$(field sweep/again '{.status.onceDone}')" = "$(field sweep/again '{.spec.once.token}')" ]
    # Obeyed once: another census (an edit) does not grant a third time.
    sed -i '$a\  collect: {formats: [csv]}' cluster.yaml
    run submit cluster.yaml -n "$NS" --wait
    [ "$status" -eq 1 ]
    [ "$(keys "$VOLUME/again/failed" | wc -l)" -eq $((2 * had)) ]
    [ "$(keys "$VOLUME/again/cases" | wc -l)" -eq 1 ]
}

@test "when results hold less than is asked for now, people decide: --accept keeps them, --refill runs again" {
    for name in takes fills; do
        null_sweep 3
        named $name
        on_claim
        submit cluster.yaml -n "$NS" --wait
        sed -i 's|{store: "pvc://results"|&, keep: [summary, log, "*.DATA"]|' cluster.yaml
        submit cluster.yaml -n "$NS"
        wait_for_condition "sweep/$name" DecisionNeeded True 60
        message=$(field "sweep/$name" '{.status.message}')
        [[ $message == *"3 cases"*refill*accept* ]]
        [ "$(keys "$VOLUME/$name/cases" | wc -l)" -eq 3 ]
        cp cluster.yaml "$name.yaml"
        keys "$VOLUME/$name/cases" >"$name.before"
    done
    submit takes.yaml -n "$NS" --accept --wait
    diff takes.before <(keys "$VOLUME/takes/cases")
    submit fills.yaml -n "$NS" --refill --wait
    [ "$(keys "$VOLUME/fills/cases" | wc -l)" -eq 3 ]
    [ -z "$(comm -12 fills.before <(keys "$VOLUME/fills/cases"))" ]
}

@test "a name that another deck has: refused with the way out, and --replace goes on to the end" {
    null_sweep 2
    named taken
    on_claim
    submit cluster.yaml -n "$NS" --wait
    mv DECK.DATA NEW.DATA
    sed -i 's/deck: DECK.DATA/deck: NEW.DATA/' cluster.yaml
    run submit cluster.yaml -n "$NS" --wait
    [ "$status" -eq 2 ]
    [[ $output == *DECK.DATA*NEW.DATA*--replace* ]]
    submit cluster.yaml -n "$NS" --replace --wait
    # What was there stays; the new deck's cases are beside it.
    [ "$(keys "$VOLUME/taken/cases" | wc -l)" -eq 4 ]
    # The Sweep is gone, its folder is not: another deck under that name needs a decision there too.
    kn delete sweep taken --timeout=60s
    mv NEW.DATA THIRD.DATA
    sed -i 's/deck: NEW.DATA/deck: THIRD.DATA/' cluster.yaml
    submit cluster.yaml -n "$NS"
    wait_for_condition sweep/taken DecisionNeeded True 60
    [[ $(field sweep/taken '{.status.message}') == *replace* ]]
    [ "$(keys "$VOLUME/taken/cases" | wc -l)" -eq 4 ]
    submit cluster.yaml -n "$NS" --replace --wait
    [ "$(keys "$VOLUME/taken/cases" | wc -l)" -eq 6 ]
}

@test "placement and accounting: what spec.cluster says stands in real Jobs and pods, and core-hours add up" {
    kubectl create priorityclass features-low --value=7 --dry-run=client -o yaml | kubectl apply -f - >&2
    kn create secret docker-registry registry-key --docker-server=r.example --docker-username=u --docker-password=p
    null_sweep 4 '"--sleep_ms=3000"' '  resources: {pilot: 0}
  cluster:
    priorityClass: features-low
    nodeSelector: {kubernetes.io/os: linux}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    labels: {account: reservoir-7}
    annotations: {example.org/cost-centre: "0815"}
    imagePullSecrets: [registry-key]
    workerCores: 1
    maxWorkers: 2
    securityContext: {runAsUser: 2000, runAsGroup: 3000, fsGroup: 3000, supplementalGroups: [4000]}'
    named placed
    on_claim
    submit cluster.yaml -n "$NS" --wait
    kn get jobs,pods -l decksweep.io/sweep=placed -o json >all.json
    [ "$(jq '[.items[] | select(.kind == "Job")] | length' all.json)" -ge 3 ]
    [ "$(jq '[.items[] | select(.kind == "Pod" and .metadata.labels["decksweep.io/kind"] == "round")] | length' all.json)" -ge 2 ]
    jq -e '[.items[] | .metadata.labels.account == "reservoir-7" and .metadata.annotations["example.org/cost-centre"] == "0815"] | all' all.json
    jq -e '[.items[] | select(.kind == "Pod")
        | .metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
        and .metadata.annotations["karpenter.sh/do-not-disrupt"] == "true"
        and .spec.priorityClassName == "features-low" and .spec.priority == 7
        and .spec.nodeSelector == {"kubernetes.io/os": "linux"}
        and (.spec.tolerations | any(.key == "gpu" and .operator == "Exists" and .effect == "NoSchedule"))
        and (.spec.tolerations | any(.key == "node.kubernetes.io/unreachable" and .tolerationSeconds == 60))
        and .spec.imagePullSecrets == [{"name": "registry-key"}]
        and (.spec.automountServiceAccountToken | not)
        and .spec.securityContext.runAsUser == 2000 and .spec.securityContext.runAsGroup == 3000
        and .spec.securityContext.fsGroup == 3000 and .spec.securityContext.supplementalGroups == [4000]
        and (.spec.containers[0].resources | .requests == .limits)] | all' all.json
    [ "$(find "$VOLUME/placed/cases" -name '*.tar.zst' -user 2000 | wc -l)" -eq 4 ]
    # Requested CPUs times the time of every pod: what the API server's own times of them say.
    asked=$(jq '[.items[] | select(.kind == "Pod") | (.spec.containers[0].resources.requests.cpu | tonumber)
        * ((.status.containerStatuses[0].state.terminated.finishedAt | fromdate) - (.status.startTime | fromdate))] | add' all.json)
    said=$(field sweep/placed '{.status.coreSeconds}')
    echo "asked $asked core seconds, status says $said"
    [ "$said" -ge 12 ]
    [ "$said" -ge $((asked * 8 / 10 - 5)) ]
    [ "$said" -le $((asked * 12 / 10 + 10)) ]
    decksweep status placed -n "$NS" | grep -iE 'core.(hour|second)'
}

other_namespace() { # suffix mode: becomes $NS
    NS=$NS-$1
    VOLUME=$D/volumes/$NS
    "$CLUSTER/namespace" "$NS" "$2" >/dev/null 2>&1
}
# Four cases in workers of one core each, which are so many as can be had.
narrow_sweep() { # name
    null_sweep 4 '"--sleep_ms=3000"' '  resources: {pilot: 0}
  cluster: {workerCores: 1}'
    named "$1"
    on_claim
}
# Pods of every kind of sweep $1, as they were once, in pods.json: one that is gone stays known.
watch_pods() {
    "$B/kube" kubectl -n "$NS" get pods -l "decksweep.io/sweep=$1" --watch -o json >pods.json 2>watch.log 3>&- &
    watcher=$! # the program itself, not a shell around it
}
sticks_to_its_claim() { # kind...: pods of each kind were there, with label and required affinity
    local kind
    kill "$watcher"
    watcher=
    for kind in "$@"; do
        jq -s -e --arg kind "$kind" '[.[] | select(.metadata.labels["decksweep.io/kind"] == $kind)
            | .metadata.labels["decksweep.io/claim"] as $claim
            | .spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution
            | $claim != null and any(.topologyKey == "kubernetes.io/hostname"
                and .labelSelector.matchLabels["decksweep.io/claim"] == $claim)] | length > 0 and all' pods.json ||
            { echo "kind $kind"; return 1; }
    done
}

@test "ReadWriteOnce: all pods of a claim, store pods too, go to the node that has it, and status says so" {
    other_namespace rwo ReadWriteOnce
    narrow_sweep one-node
    watch_pods one-node
    submit cluster.yaml -n "$NS"
    wait_for 120 said_one one-node
    [[ $(field sweep/one-node '{.status.conditions[?(@.type=="Schedulable")].message}') == *"claim results"*"one node only"*"at most 2 workers"* ]]
    wait_for_phase one-node Succeeded 120
    decksweep verify one-node -n "$NS"
    sticks_to_its_claim census round store
    [ "$(kn get jobs -l decksweep.io/sweep=one-node,decksweep.io/kind=round -o 'jsonpath={.items[0].spec.parallelism}')" -eq 2 ]
    [ "$(keys "$VOLUME/one-node/cases" | wc -l)" -eq 4 ]
}
said_one() { [ "$(field "sweep/$1" '{.status.conditions[?(@.type=="Schedulable")].reason}')" = OneNode ]; }

@test "ReadWriteOncePod: one pod at a time, and the sweep ends all the same" {
    other_namespace rwop ReadWriteOncePod
    narrow_sweep one-pod
    watch_pods one-pod
    submit cluster.yaml -n "$NS"
    wait_for 120 said_one one-pod
    [[ $(field sweep/one-pod '{.status.conditions[?(@.type=="Schedulable")].message}') == *"one pod only"*"at most 1 worker"* ]]
    wait_for_phase one-pod Succeeded 180
    decksweep verify one-pod -n "$NS"
    sticks_to_its_claim census round store
    [ "$(kn get jobs -l decksweep.io/sweep=one-pod,decksweep.io/kind=round -o 'jsonpath={.items[0].spec.parallelism}')" -eq 1 ]
    [ "$(kn get jobs -l decksweep.io/sweep=one-pod,decksweep.io/kind=round -o 'jsonpath={.items[0].spec.completions}')" -ge 2 ]
    [ "$(keys "$VOLUME/one-pod/cases" | wc -l)" -eq 4 ]
    # No two of its pods ran at the same time, by the kubelet's clock (in seconds).
    jq -s -e '[group_by(.metadata.name)[] | last | select(.metadata.labels["decksweep.io/kind"] == "round")
        | .status.containerStatuses[0].state.terminated | select(.) | [(.startedAt | fromdate), (.finishedAt | fromdate)]]
        | sort as $t | length >= 2 and ([range(1; length) | $t[.][0] >= $t[. - 1][1]] | all)' pods.json
}

@test "with the static CPU manager a simulator has CPUs that are its worker's alone" {
    restore_kubelet() { # and wait until the node says so: the next test counts its CPUs
        stop_part kubelet
        start_part kubelet
        wait_for 60 all_cpus_left
    }
    stop_part kubelet
    DS_CPU_MANAGER=static start_part kubelet
    wait_for 60 one_cpu_left
    null_sweep 3 '"--env=1", "--sleep_ms=2000"' '  resources: {pilot: 0}'
    named alone
    on_claim
    status=0
    submit cluster.yaml -n "$NS" || status=$?
    [ "$status" -ne 0 ] || wait_for 120 has_cpuset || status=$?
    [ "$status" -ne 0 ] || wait_for_phase alone Succeeded 120 || status=$?
    restore_kubelet
    [ "$status" -eq 0 ]
    # CPU 0 is everybody's; CPU 1 was the worker's alone, and that is what its simulators saw.
    for case in "$VOLUME"/alone/cases/*.tar.zst; do
        tar --zstd -xOf "$case" stdout | grep -x 'cpus 1'
    done
}
all_cpus_left() { [ "$(kubectl get node localhost -o 'jsonpath={.status.allocatable.cpu}')" -ge 2 ]; }
one_cpu_left() { [ "$(kubectl get node "$NODE" -o 'jsonpath={.status.allocatable.cpu}')" -eq 1 ]; }
# The container of the worker, as the kernel has it.
has_cpuset() {
    local pid
    for pid in $(pgrep -f '^/decksweep/bin/decksweep-agent work .* --sweep alone '); do
        grep -qP '^Cpus_allowed_list:\t1$' "/proc/$pid/status" && return 0
    done
    return 1
}

@test "cases of two MPI ranks run in one pod, as many CPUs each, with shared memory for them" {
    spe1_sweep 2 '  resources: {ranks: 2}'
    sed -i 's/{name: spe1}/{name: ranks}/' sweep.yaml
    on_claim
    DECKSWEEP_SIMULATOR_IMAGE=localhost/flow:test submit cluster.yaml -n "$NS" --wait
    [ "$(keys "$VOLUME/ranks/cases" | wc -l)" -eq 2 ]
    [ "$(kn get jobs -l decksweep.io/sweep=ranks,decksweep.io/kind=round -o 'jsonpath={.items[0].spec.template.spec.containers[0].resources.limits.cpu}')" -eq 2 ]
    for case in "$VOLUME"/ranks/cases/*.tar.zst; do
        [ "$(tar --zstd -xOf "$case" case.json | jq .ranks)" -eq 2 ]
        tar --zstd -xOf "$case" stdout | grep -E 'Number of MPI processes: +2$'
    done
}
