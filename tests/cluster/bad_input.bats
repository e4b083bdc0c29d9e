#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What is wrong is said, with what to do, and does no harm. The whole list, and where each item is shown:
#   unknown context, or kubeconfig file   cli.bats "what is wrong with cluster, rights or names ..."
#   API server that is not there          here
#   expired token                         here (and a token of nobody: cli.bats)
#   forbidden verb                        here, each command; rights of authors: admission.bats
#   CRD missing                           here
#   version skew                          here
#   claim that does not exist             submit.bats "what is wrong is told ..."; faults_store.bats
#   name taken by another deck            submit.bats "a name of another deck is refused, unless told"
#   bundles whose paths leave them, decks that read outside theirs, another digest
#                                         faults_store.bats "bundles that are not what they say ..."
#   values, types, fields of the file     admission.bats, submit.bats

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
    unset DECKSWEEP_SIMULATOR_IMAGE
}
teardown() {
    tell_failure
    if [ -e "$WORK/bare" ]; then DS_CLUSTER_DIR=$(cat "$WORK/bare") "$CLUSTER/down"; fi
    if [ -e "$WORK/skewed" ]; then KUBECONFIG=$D/admin.kubeconfig "$CLUSTER/install" "$DS_BUILD"; fi
    leave_work
}

shell_sweep() { # name rates
    printf 'RUNSPEC\nSUMMARY\nSCHEDULE\nRATE <RATE> /\nTSTEP\n 3*10 /\nEND\n' >SHELL.DATA
    cat >"$1.yaml" <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: $1}
spec:
  deck: SHELL.DATA
  parameters: {RATE: {values: [$2]}}
  design: {method: grid}
  simulator: {command: [/opt/sim/run, "{deck}"], judge: files, version: "1", image: "localhost/shellsim:test"}
  results: {store: "pvc://results/bad"}
Y
}
says() { # words...: each of them in what the last `run` wrote
    local word
    for word; do
        [[ $output == *"$word"* ]] || { echo "'$word' is not in: $output"; return 1; }
    done
}
refused() { # status words... -- command...: ends so, says so
    local want=$1 words=()
    shift
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    run "$@"
    [ "$status" -eq "$want" ] || { echo "$* -> $status: $output"; return 1; }
    says "${words[@]}"
}

# The cluster's own key signs a token that was good until an hour ago.
expired_token() { # service account
    python3 - "$(kn create token "$1")" "$D/pki/sa.key" <<'P'
import base64, json, subprocess, sys, time
head, body, _ = sys.argv[1].split(".")
claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
claims.update(iat=int(time.time()) - 7200, nbf=int(time.time()) - 7200, exp=int(time.time()) - 3600)
pack = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
text = head + "." + pack(json.dumps(claims).encode())
print(text + "." + pack(subprocess.run(["openssl", "dgst", "-sha256", "-sign", sys.argv[2]], input=text.encode(), capture_output=True, check=True).stdout))
P
}

@test "a token that has expired is said as such, by every command, and soon" {
    shell_sweep late 100
    kn create serviceaccount late
    kn create rolebinding late --clusterrole=decksweep-user --serviceaccount="$NS:late"
    kubeconfig_with good.json "$(kn create token late)"
    run decksweep status -n "$NS" --kubeconfig good.json
    [ "$status" -eq 0 ]
    kubeconfig_with late.json "$(expired_token late)"
    export KUBECONFIG=$WORK/late.json
    refused 3 Unauthorized expired -- timeout 20 decksweep status -n "$NS"
    refused 3 Unauthorized expired -- timeout 20 decksweep submit late.yaml -n "$NS" --wait
    refused 3 Unauthorized expired -- timeout 20 decksweep fetch late -n "$NS" --dataset -o out
    KUBECONFIG=$D/admin.kubeconfig
    [ -z "$(kn get sweep late --ignore-not-found -o name)" ]
}

@test "an API server that is not there is said with its address, and soon" {
    shell_sweep away 100
    sed 's|127.0.0.1:[0-9]*|127.0.0.1:9|' "$D/admin.kubeconfig" >away.json
    refused 3 127.0.0.1:9 -- timeout 60 decksweep status away -n "$NS" --kubeconfig away.json
    refused 3 127.0.0.1:9 -- timeout 60 decksweep submit away.yaml -n "$NS" --kubeconfig away.json
}

@test "what is forbidden names verb, resource and the ClusterRole that gives it, whatever the command" {
    shell_sweep seen 100
    KUBECONFIG=$D/engineer.kubeconfig decksweep submit seen.yaml -n "$NS" --wait
    KUBECONFIG=$D/nobody.kubeconfig
    refused 3 "list sweeps" decksweep-view "--user=nobody -n $NS" -- decksweep status -n "$NS"
    refused 3 "get sweeps/seen" decksweep-view -- decksweep fetch seen -n "$NS" -o out
    refused 3 "get persistentvolumeclaims/results" decksweep-user -- decksweep submit seen.yaml -n "$NS"

    KUBECONFIG=$D/admin.kubeconfig
    kn create serviceaccount viewer
    kn create rolebinding viewer --clusterrole=decksweep-view --serviceaccount="$NS:viewer"
    kn create role claims --verb=get --resource=persistentvolumeclaims
    kn create rolebinding claims --role=claims --serviceaccount="$NS:viewer"
    kubeconfig_with viewer.json "$(kn create token viewer)"
    KUBECONFIG=$WORK/viewer.json
    shell_sweep unseen 100
    run decksweep status seen -n "$NS"
    [ "$status" -eq 0 ]
    refused 3 "create sweeps" decksweep-user -- decksweep submit unseen.yaml -n "$NS"
    shell_sweep seen '100, 200'
    refused 3 "patch sweeps/seen" decksweep-user -- decksweep submit seen.yaml -n "$NS"
    for wish in suspend resume cancel; do
        run decksweep "$wish" seen -n "$NS"
        # An ended sweep has nothing to suspend: said without asking for a right.
        [ "$status" -ne 0 ] || says "nothing to $wish"
    done
    for look in ls verify 'fetch --dataset -o out'; do
        # shellcheck disable=SC2086  # command and options
        refused 3 "create pods" decksweep-user -- decksweep $look seen -n "$NS"
    done
    [ ! -e out ]
    KUBECONFIG=$D/admin.kubeconfig
    [ "$(field sweep/seen '{.spec.parameters.RATE.values}')" = '[100]' ]
    [ -z "$(kn get sweep unseen --ignore-not-found -o name)" ]
}

@test "a cluster without decksweep: every command says what an administrator has to apply" {
    local words=("decksweep is not installed there" "kubectl apply -k")
    mktemp -d /var/lib/decksweep-test.XXXXXX >"$WORK/bare"
    export KUBECONFIG
    DS_CLUSTER_DIR=$(cat bare) DS_CLUSTER_OWNER=$BATS_ROOT_PID "$CLUSTER/up" etcd apiserver 3>&-
    KUBECONFIG=$(cat bare)/admin.kubeconfig
    kubectl create namespace early
    kubectl -n early create -f - <<Y
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: results}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
Y
    shell_sweep early 100
    refused 3 "${words[@]}" -- decksweep submit early.yaml -n early --wait
    refused 3 "${words[@]}" -- decksweep status -n early
    refused 3 "${words[@]}" -- decksweep status early -n early
    refused 3 "${words[@]}" -- decksweep suspend early -n early
    refused 3 "${words[@]}" -- decksweep fetch early -n early -o out
    [ -z "$(kubectl -n early get configmaps -l app.kubernetes.io/managed-by=decksweep -o name)" ]
}

# The programs of this build as another version: with_version FOLDER first|last, the digit that differs.
# Prints the version. What knows its version is compiled anew, the rest is this build's.
with_version() {
    local ours theirs source kind
    ours=$(cat "$ROOT/VERSION")
    theirs=$(python3 -c '
import sys
ours, which = sys.argv[1:]
other = lambda digit: "8" if digit == "9" else "9"
print(other(ours[0]) + ours[1:] if which == "first" else ours[:-1] + other(ours[-1]))' "$ours" "$2")
    echo "$theirs"
    [ ! -x "$1/decksweep" ] || return 0
    mkdir -p "$1"
    cp -a "$DS_BUILD"/{agent,cli,collector,scheduler,shared} "$1"
    cd "$ROOT" && grep -rl --include=*.c DECKSWEEP_VERSION agent cli collector scheduler shared | while read -r source; do
        rm -f "$1/${source%.c}.o"
    done
    kind=$(basename "$DS_BUILD")
    case $kind in
        san) kind='SAN=1' ;;
        *) kind="CC=$kind" ;;
    esac
    make -s -j2 -C "$ROOT" "$kind" BUILD="$1" VERSION="$theirs" "$1/decksweep" "$1/decksweep-agent" >&2
}
use_agent_image() { # tag
    touch "$WORK/skewed"
    kubectl -n decksweep-system patch deployment decksweep-scheduler --type=json -p \
        '[{"op":"replace","path":"/spec/template/spec/containers/0/args/0","value":"--agent-image='"$1"'"}]'
    kubectl -n decksweep-system rollout status deployment/decksweep-scheduler --timeout=90s
}

@test "a command line of another version than the controller: said; of another generation: refused, nothing sent" {
    shell_sweep ages 100
    decksweep submit ages.yaml -n "$NS" --wait
    near=$(with_version "$BATS_FILE_TMPDIR/near" last)
    far=$(with_version "$BATS_FILE_TMPDIR/far" first)
    ours=$(cat "$ROOT/VERSION")
    shell_sweep ages '100, 200'
    refused 3 "this is decksweep $far" "controller is $ours" "use the same version" -- "$BATS_FILE_TMPDIR/far/decksweep" submit ages.yaml -n "$NS"
    [ "$(field sweep/ages '{.spec.parameters.RATE.values}')" = '[100]' ]
    refused 0 "this is decksweep $near" "controller is $ours" -- "$BATS_FILE_TMPDIR/near/decksweep" submit ages.yaml -n "$NS" --wait
    [ "$(find "$VOLUME/bad/ages/cases" -name '*.tar.zst' | wc -l)" -eq 2 ]
    refused 0 "controller is decksweep $ours, this program is $far" -- "$BATS_FILE_TMPDIR/far/decksweep" status ages -n "$NS"
}

@test "an agent image of another generation than the controller: nothing runs, and what to mend is said; then it goes on by itself" {
    far=$(with_version "$BATS_FILE_TMPDIR/far" first)
    near=$(with_version "$BATS_FILE_TMPDIR/near" last)
    ours=$(cat "$ROOT/VERSION")
    "$CLUSTER/agent_image" "$BATS_FILE_TMPDIR/far" localhost/decksweep:far "$WORK/far.tar" >/dev/null
    "$CLUSTER/agent_image" "$BATS_FILE_TMPDIR/near" localhost/decksweep:near "$WORK/near.tar" >/dev/null
    "$CLUSTER/load" "$WORK/far.tar"
    "$CLUSTER/load" "$WORK/near.tar"
    use_agent_image localhost/decksweep:far
    shell_sweep skew '100, 200, 300'
    decksweep submit skew.yaml -n "$NS"
    wait_for 60 message_of_skew "has decksweep $far" "controller is $ours" --agent-image
    [ -z "$(kn get jobs -l decksweep.io/sweep=skew,decksweep.io/kind=round -o name)" ]
    [ -z "$(find "$VOLUME/bad/skew" -name '*.tar.zst' -path '*/cases/*' 2>/dev/null)" ]

    use_agent_image localhost/decksweep:near
    wait_for_phase skew Succeeded 180
    [ "$(find "$VOLUME/bad/skew/cases" -name '*.tar.zst' | wc -l)" -eq 3 ]
    [ "$(find "$VOLUME/bad/skew/failed" -name '*.tar.zst' 2>/dev/null | wc -l)" -eq 0 ]
    wait_for 20 skew_event "has decksweep $near, the controller is $ours"
}
message_of_skew() { output=$(field sweep/skew '{.status.message} {.status.conditions[*].message}') && says "$@"; }
skew_event() { [[ $(kn get events --field-selector reason=VersionSkew -o 'jsonpath={.items[*].message}') == *"$1"* ]]; }
