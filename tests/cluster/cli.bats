#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Commands on Sweeps by name, against the real API server. The controller rests meanwhile: statuses
# are written here, so that every state can be looked at.

setup_file() {
    load common
    REPLICAS=$(kubectl -n decksweep-system get deployment decksweep-scheduler -o 'jsonpath={.spec.replicas}' 2>/dev/null || true)
    export REPLICAS
    if [ -n "$REPLICAS" ]; then
        kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas=0
        kubectl -n decksweep-system wait pod -l app.kubernetes.io/name=decksweep-scheduler --for=delete --timeout=60s
    fi
    file_namespace
    make_sweep busy
    put_status busy <<J
{"phase":"Running","observedGeneration":1,"plan":"00112233445566ff","controllerVersion":"0.1.0",
 "agentImage":"${AGENT_IMAGE:-localhost/decksweep:test}","message":"0/3 nodes are available: 3 Insufficient memory.",
 "totals":{"cases":200,"done":120,"failed":4,"outstanding":75,"noFit":1,"keys":125,"storedBytes":805306368,
           "verdicts":{"timeout":3,"deck-error":1}},
 "running":2,"liveOk":24,"liveFailed":1,"coreSeconds":45000,"started":"2026-11-21T11:00:00Z",
 "rounds":[{"number":1,"cases":199,"workers":4,"shapes":1,"outcome":"Complete","started":"2026-11-21T11:00:00Z","ended":"2026-11-21T11:58:20Z"},
           {"number":2,"cases":75,"workers":4,"shapes":1,"started":"2026-11-21T12:00:00Z"}],
 "step":{"kind":"Round","number":2,"started":"2026-11-21T12:00:00Z",
         "jobs":[{"name":"busy-00112233-r2-0","outcome":"Active","shape":{"chunks":4,"cases":75,"cpus":8,"slots":8}}]},
 "conditions":[{"type":"Schedulable","status":"False","reason":"Unschedulable","lastTransitionTime":"2026-11-21T12:00:00Z",
                "message":"0/3 nodes are available: 3 Insufficient memory."}]}
J
}

teardown_file() {
    load common
    [ -z "$REPLICAS" ] || kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas="$REPLICAS"
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

make_sweep() { # name [claim]
    kn apply -f - >&2 <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: DECK.DATA
  parameters: {A: {linspace: {from: 0, to: 9, count: 10}}}
  design: {method: grid}
  simulator: {command: [sim, "{deck}"], judge: flow, version: "1", image: localhost/box:test}
  results: {store: "pvc://${2:-results}/studies"}
Y
}

put_status() { # name, the status as JSON on stdin
    local file=$BATS_FILE_TMPDIR/status.json
    python3 -c 'import json,sys; json.dump({"status":json.load(sys.stdin)}, open(sys.argv[1],"w"))' "$file"
    kn patch sweep "$1" --subresource=status --type=merge --patch-file "$file" >&2
}

ended() { # name phase done failed: a status that is final
    put_status "$1" <<J
{"phase":"$2","observedGeneration":$(kn get sweep "$1" -o 'jsonpath={.metadata.generation}'),"collected":true,
 "controllerVersion":"0.1.0","agentImage":"${AGENT_IMAGE:-localhost/decksweep:test}","plan":"00112233445566ff",
 "totals":{"cases":10,"done":$3,"failed":$4},
 "conditions":[{"type":"Complete","status":"True","reason":"$2","message":"$3 of 10 cases done"}]}
J
}

# stdout in $output, stderr in $errors
split() {
    status=0
    output=$("$@" 2>"$WORK/errors") || status=$?
    errors=$(cat "$WORK/errors")
    echo "$* -> $status"
    echo "$output"
    echo "$errors"
}

json() { python3 -c 'import json,sys; o=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"; }

@test "status tells a Sweep as it stands: counts, round, what keeps it from going on" {
    split as_engineer decksweep status busy -n "$NS"
    [ "$status" -eq 0 ]
    [ -z "$errors" ]
    grep -q "^busy in namespace $NS: Running, 200 cases, plan 00112233445566ff" <<<"$output"
    grep -qE "^  ok +120$" <<<"$output"
    grep -qE "^  timeout +3$" <<<"$output"
    grep -q "12 core-hours" <<<"$output"
    grep -q "^round 1: 199 cases in 4 workers, ended after 58m20s (Complete)" <<<"$output"
    grep -q "^round 2: 75 cases in 4 workers, room for 2 at a time; those that ended report 24 ok, 1 failed" <<<"$output"
    grep -qE "^! Schedulable +False .*Unschedulable" <<<"$output"
    grep -q "decksweep ls busy -n $NS --failed" <<<"$output"
}

@test "status --json has the keys that are documented" {
    split decksweep status busy -n "$NS" --json
    [ "$status" -eq 0 ]
    [ "$(json 'o["sweep"], o["namespace"], o["phase"], o["cases"], o["states"]["done"], o["failed_by"]["timeout"]')" \
        = "('busy', '$NS', 'Running', 200, 120, 3)" ]
    [ "$(json 'o["states"]["new"], o["alive"], o["current"], o["final"], o["round"], o["live"]["ok"]')" \
        = "(None, True, True, False, 2, 24)" ]
    [ "$(json 'o["conditions"][0]["reason"], o["core_hours"], o["step"]["kind"], o["target"]')" \
        = "('Unschedulable', 12.5, 'round', 'busy -n $NS')" ]
}

@test "without a name the Sweeps are listed, as text and as JSON; an empty namespace says so" {
    make_sweep another
    split as_engineer decksweep status -n "$NS"
    [ "$status" -eq 0 ]
    head -n 1 <<<"$output" | grep -qE "^NAME +PHASE +DONE +FAILED +RUNNING +ROUND +AGE +MESSAGE$"
    grep -qE "^busy +Running +144/200 +4 +2 +2 " <<<"$output"
    grep -qE "^another +Pending" <<<"$output"
    split decksweep status -n "$NS" --json
    [ "$(jq -r .sweep <<<"$output" 2>/dev/null | paste -sd' ' || true)" = "another busy" ] ||
        [ "$(python3 -c 'import json,sys; print(*[json.loads(l)["sweep"] for l in sys.stdin])' <<<"$output")" = "another busy" ]
    split decksweep status -A
    grep -qE "^$NS +busy +Running" <<<"$output"
    split decksweep status -n kube-public
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    grep -q "no Sweeps in namespace kube-public" <<<"$errors"
    kn delete sweep another
}

@test "the exit status says how a Sweep ended" {
    make_sweep over
    while read -r phase n_done failed want; do
        ended over "$phase" "$n_done" "$failed"
        split decksweep status over -n "$NS"
        [ "$status" -eq "$want" ]
    done <<'X'
Succeeded 10 0 0
Failed 8 2 1
Cancelled 5 0 1
Refused 0 0 2
Stalled 4 0 3
X
    kn patch sweep over --type=merge -p '{"spec":{"design":{"where":"A"}}}' # an edit: not over any more
    split decksweep status over -n "$NS"
    [ "$status" -eq 0 ]
    grep -q "an edit waits for the controller" <<<"$output"
    kn delete sweep over
}

@test "status --watch follows until the Sweep ends, and ends as it does" {
    make_sweep watched
    decksweep status watched -n "$NS" --watch >out 2>err 3>&- &
    local pid=$!
    wait_for 10 grep -q "has not looked at it yet" err
    ended watched Running 3 1
    wait_for 10 grep -q "Running" err
    ended watched Failed 9 1
    local rc=0
    wait $pid || rc=$?
    [ "$rc" -eq 1 ]
    grep -q "^watched in namespace $NS: Failed, 10 cases" out
    grep -q "^10 cases: 9 ok, 1 failed" err
    kn delete sweep watched
}

@test "status --watch says that a Sweep was deleted" {
    make_sweep going
    decksweep status going -n "$NS" --watch >out 2>err 3>&- &
    local pid=$! rc=0
    wait_for 10 grep -q "has not looked at it yet" err
    kn delete sweep going
    wait $pid || rc=$?
    [ "$rc" -eq 3 ]
    grep -q "Sweep going of namespace $NS was deleted" err
}

@test "a word is a Sweep's name, a folder's, or a file's by one rule" {
    kubectl config view --raw >config
    KUBECONFIG=$WORK/config kubectl config set-context --current --namespace="$NS"
    export KUBECONFIG=$WORK/config
    split decksweep status busy --json # no folder of that name: the cluster
    [ "$status" -eq 0 ]
    [ "$(json 'o["namespace"]')" = "$NS" ]
    split decksweep status buzy
    [ "$status" -eq 3 ]
    grep -q "no folder buzy here, and in the cluster: no Sweep buzy in namespace $NS" <<<"$errors"
    grep -q "did you mean busy?" <<<"$errors"
    makestore . busy 10 --vectors 8 --steps 12
    split decksweep status busy --json # a folder now
    [ "$(json 'o["target"]')" = busy ] || [ "$(json 'o["target"]')" = ./busy ]
    split decksweep status busy --json -n "$NS"
    [ "$(json 'o["target"]')" = "busy -n $NS" ]
    null_sweep 3
    sed -i -e 's/null-sweep/busy/' -e 's|store: store|store: pvc://results/studies|' sweep.yaml
    split decksweep status sweep.yaml --json # its store is a claim
    [ "$status" -eq 0 ]
    [ "$(json 'o["target"]')" = "busy -n $NS" ]
}

@test "what is wrong with cluster, rights or names is said with what to do" {
    split decksweep status busy -n "$NS" --context huhu
    [ "$status" -eq 2 ]
    grep -q 'no context "huhu"; there are: ' <<<"$errors"
    split decksweep status busy -n "$NS" --kubeconfig nowhere
    [ "$status" -eq 2 ]
    grep -q nowhere <<<"$errors"
    split decksweep status busyy -n "$NS"
    [ "$status" -eq 3 ]
    grep -q "did you mean busy?" <<<"$errors"
    split decksweep ls qwertz -n "$NS"
    [ "$status" -eq 3 ]
    grep -q "there is busy" <<<"$errors"
    split decksweep status busy -n no-such-namespace
    [ "$status" -eq 3 ]
    grep -q "has no namespace no-such-namespace" <<<"$errors"
    kubeconfig_with expired.json not-a-token-of-this-cluster
    split decksweep status busy -n "$NS" --kubeconfig expired.json
    [ "$status" -eq 3 ]
    grep -qiE "credential|expired|Unauthorized" <<<"$errors"
    split env KUBECONFIG="$D/nobody.kubeconfig" decksweep status busy -n "$NS"
    [ "$status" -eq 3 ]
    grep -q "get sweeps" <<<"$errors"
    grep -q "decksweep-view" <<<"$errors"
    split env KUBECONFIG="$D/nobody.kubeconfig" decksweep cancel busy -n "$NS"
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    split decksweep prune busy -n "$NS"
    [ "$status" -eq 2 ]
    grep -q "mount the claim pvc://results/studies" <<<"$errors"
}

@test "who may only view sees a Sweep and cannot suspend it: verb, resource and ClusterRole are named" {
    kubectl create serviceaccount viewer -n "$NS"
    kn create rolebinding viewer --clusterrole=decksweep-view --serviceaccount="$NS:viewer"
    kubeconfig_with viewer.json "$(kn create token viewer)"
    split decksweep status busy -n "$NS" --kubeconfig viewer.json
    [ "$status" -eq 0 ]
    split decksweep suspend busy -n "$NS" --kubeconfig viewer.json
    [ "$status" -eq 3 ]
    grep -q "patch sweeps" <<<"$errors"
    grep -qE "decksweep-(user|edit)" <<<"$errors"
    [ "$(kn get sweep busy -o 'jsonpath={.spec.run}')" = "" ]
}

@test "a controller of another version is said" {
    make_sweep skewed
    put_status skewed <<<'{"phase":"Pending","observedGeneration":1,"controllerVersion":"9.8.7"}'
    split decksweep status skewed -n "$NS"
    [ "$status" -eq 0 ]
    grep -q "controller is decksweep 9.8.7, this program is $(cat "$ROOT/VERSION")" <<<"$errors"
    kn delete sweep skewed
}

@test "suspend, resume and cancel say what will happen, once" {
    make_sweep wish
    split as_engineer decksweep suspend wish -n "$NS"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    grep -q "wish -n $NS will be suspended: " <<<"$errors"
    [ "$(kn get sweep wish -o 'jsonpath={.spec.run}')" = Suspended ]
    local version
    version=$(kn get sweep wish -o 'jsonpath={.metadata.resourceVersion}')
    split decksweep suspend wish -n "$NS" --json
    [ "$status" -eq 0 ]
    grep -q "is being suspended already" <<<"$errors"
    [ "$(json 'o["run"], o["changed"], o["obeyed"]')" = "('Suspended', False, False)" ]
    [ "$(kn get sweep wish -o 'jsonpath={.metadata.resourceVersion}')" = "$version" ]
    split decksweep suspend wish -n "$NS" --wait --timeout 1s
    [ "$status" -eq 3 ]
    grep -q "has not done it within --timeout" <<<"$errors"
    decksweep suspend wish -n "$NS" --wait --json >out 2>err 3>&- &
    local pid=$!
    sleep 0.5
    ended wish Suspended 3 0
    wait $pid
    output=$(cat out)
    [ "$(json 'o["phase"], o["obeyed"]')" = "('Suspended', True)" ]
    split decksweep status wish -n "$NS"
    [ "$status" -eq 0 ]
    grep -q "to go on: decksweep resume wish -n $NS" <<<"$output"
    split decksweep resume wish -n "$NS"
    [ "$status" -eq 0 ]
    [ "$(kn get sweep wish -o 'jsonpath={.spec.run}')" = Active ]
    split decksweep resume wish -n "$NS"
    grep -q "neither suspended nor cancelled" <<<"$errors"
    split decksweep cancel wish -n "$NS"
    grep -q "will be cancelled" <<<"$errors"
    [ "$(kn get sweep wish -o 'jsonpath={.spec.run}')" = Cancelled ]
    kn patch sweep wish --type=merge -p '{"spec":{"run":"Active"}}'
    ended wish Succeeded 10 0
    split decksweep cancel wish -n "$NS" --wait
    [ "$status" -eq 0 ]
    grep -q "has ended (Succeeded): there is nothing to cancel" <<<"$errors"
    [ "$(kn get sweep wish -o 'jsonpath={.spec.run}')" = Active ]
    kn delete sweep wish
}

# A pod that says what a worker says: shell, then sleeps until it is deleted.
make_pod() { # sweep kind script
    kn apply -f - >&2 <<Y
apiVersion: v1
kind: Pod
metadata:
  name: $1-$2
  labels: {decksweep.io/sweep: $1, decksweep.io/kind: $2}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: simulator
    image: localhost/box:test
    command: [sh, -c, $(python3 -c 'import json,sys; print(json.dumps(sys.argv[1]))' "$3")]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
Y
}

@test "logs of a running case: its events and the simulator's last lines, from the worker's pod" {
    make_sweep talk
    ended talk Running 3 0
    make_pod talk round '
e() { echo "{\"event\":\"$1\",\"at_ms\":$2,\"number\":$3,\"id\":\"abcd00000000000$3\",\"slot\":$3,\"attempt\":1$4}"; }
echo "decksweep-agent: warning: not an event"
e started 1795264213000 3 ""
e started 1795264213000 4 ""
e progress 1795264223000 3 ",\"step\":10,\"n_steps\":120,\"tail\":\"Time step 10\\nNewton 3\""
e progress 1795264223000 4 ",\"step\":77,\"n_steps\":120,\"tail\":\"of another case\""
sleep 6
e progress 1795264233000 3 ",\"step\":20,\"n_steps\":120,\"tail\":\"Newton 3\\nTime step 20\""
e committed 1795264243000 3 ""
sleep 3600'
    kn wait pod/talk-round --for=condition=Ready --timeout=60s
    sleep 1
    split as_engineer decksweep logs talk 3 -n "$NS"
    [ "$status" -eq 0 ]
    grep -q "case 3 runs in pod talk-round on node localhost" <<<"$errors"
    grep -q "case 3 started, slot 3" <<<"$output"
    grep -q "report step 10 of 120" <<<"$output"
    grep -q "^Newton 3$" <<<"$output"
    if grep -q "of another case" <<<"$output"; then false; fi
    split decksweep logs talk abcd00000000000 -n "$NS" # an id's start that both have: the newest word wins
    [ "$status" -eq 0 ]
    split timeout 30 decksweep logs talk 3 --follow -n "$NS"
    [ "$status" -eq 0 ]
    [ "$(grep -c "^Newton 3$" <<<"$output")" -eq 1 ]
    grep -q "^Time step 20$" <<<"$output"
    grep -q "case 3 is stored" <<<"$output"
    grep -q "the whole log: decksweep logs talk -n $NS 3" <<<"$errors"
    kn delete pod talk-round --wait=false
    kn delete sweep talk
}

@test "logs --census: how planning goes, and why it does not begin" {
    make_sweep plans
    split decksweep logs plans --census -n "$NS"
    [ "$status" -eq 3 ]
    grep -q "no pod of a census is there" <<<"$errors"
    make_pod plans census 'echo reading DECK.DATA; sleep 2; echo planned 10 cases'
    kn wait pod/plans-census --for=jsonpath='{.status.phase}'=Running --timeout=60s
    split timeout 30 decksweep logs plans --census --follow -n "$NS"
    [ "$status" -eq 0 ]
    [ "$output" = $'reading DECK.DATA\nplanned 10 cases' ]
    kn delete sweep plans
}

@test "ls, show, logs, verify and fetch read a claim as they read a folder" {
    make_sweep swp
    ended swp Failed 8 2
    mkdir -p "$VOLUME/studies"
    makestore "$VOLUME/studies" swp 10 --vectors 8 --steps 12
    mkdir -p "$VOLUME/studies/swp/dataset"
    chmod -R a+rX "$VOLUME/studies"
    split as_engineer decksweep ls swp -n "$NS" --json
    [ "$status" -eq 0 ]
    [ "$output" = "$(decksweep ls "$VOLUME/studies/swp" --json)" ]
    split as_engineer decksweep show swp 3 -n "$NS" --json
    [ "$status" -eq 0 ]
    [ "$output" = "$(decksweep show "$VOLUME/studies/swp" 3 --json)" ]
    split as_engineer decksweep verify swp -n "$NS"
    [ "$status" -eq 0 ]
    [ "$output" = "$(decksweep verify "$VOLUME/studies/swp")" ]
    split as_engineer decksweep fetch swp 3 4 -n "$NS" -o out
    [ "$status" -eq 0 ]
    decksweep fetch "$VOLUME/studies/swp" 3 4 -o local
    diff -r local out
    split as_engineer decksweep fetch swp 3 4 -n "$NS" -o out --json # the same again: nothing is written
    [ "$(json 'o["files_written"]')" = 0 ]
    split decksweep logs swp 3 -n "$NS"
    [ "$status" -eq 0 ]
    [ "$output" = "$(decksweep logs "$VOLUME/studies/swp" 3)" ]
    truncate -s 3G "$VOLUME/studies/swp/dataset/summary.csv" # more than goes unasked through the API server
    split decksweep fetch swp --dataset -n "$NS" -o big
    [ "$status" -eq 2 ]
    grep -q "up to 3.0 GiB through the cluster's API server: give --yes" <<<"$errors"
    [ ! -e big/dataset ]
    rm "$VOLUME/studies/swp/dataset/summary.csv"
    split decksweep logs swp 99999 -n "$NS"
    [ "$status" -eq 2 ]
    grep -q "no case 99999" <<<"$errors"
    # Each is deleted with its command; one that has ended already is shown as Completed until it is gone.
    kn get pods -l decksweep.io/kind=store -o json >pods.json
    [ "$(python3 -c 'import json; print([p["metadata"]["name"] for p in json.load(open("pods.json"))["items"] if "deletionTimestamp" not in p["metadata"]])')" = "[]" ]
    kn delete sweep swp
}

@test "a claim that does not exist, and a Sweep without results yet, are told at once" {
    make_sweep lost no-such-claim
    ended lost Running 0 0
    split timeout 60 decksweep ls lost -n "$NS"
    [ "$status" -eq 3 ]
    grep -q "no-such-claim" <<<"$errors"
    kn delete sweep lost
    make_sweep new
    split timeout 60 decksweep ls new -n "$NS"
    [ "$status" -eq 3 ]
    grep -qE "has not looked at|no plan yet" <<<"$errors"
    kn delete sweep new
}
