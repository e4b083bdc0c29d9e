# SPDX-License-Identifier: GPL-3.0-or-later
# For the bats files of the cluster tier: a namespace a file, waiting with deadlines, and what there is
# to know about a failure. setup_suite.bash brings the cluster.
# shellcheck shell=bash

CLUSTER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/common.bash
. "$CLUSTER/../support/common.bash"
# shellcheck source=tests/cluster/names.sh
. "$CLUSTER/names.sh"
if [ -s "$D/port" ]; then name_after_port "$(cat "$D/port")"; fi
export KUBECONFIG=$D/admin.kubeconfig
export DECKSWEEP_SIMULATOR_IMAGE=localhost/flow:test

kubectl() { "$B/kube" kubectl "$@"; }
kn() { "$B/kube" kubectl -n "$NS" "$@"; }
as_engineer() { KUBECONFIG=$D/engineer.kubeconfig "$@"; }

# In setup_file: a namespace of this file's own, with claim `results`, as $NS. The volume is folder $VOLUME.
file_namespace() { # [access mode [size]]
    NS=$(basename "${BATS_TEST_FILENAME%.bats}" | tr _ -)-$((RANDOM % 9000 + 1000))
    VOLUME=$D/volumes/$NS
    export NS VOLUME
    "$CLUSTER/namespace" "$NS" "$@" >/dev/null 2>&1
}
# In teardown_file. The pods go on ending while the next file runs.
drop_namespace() {
    kubectl delete namespace "$NS" --wait=false >/dev/null 2>&1 || true
}

# Image localhost/nullsim:test: the do-nothing simulator (tests/support/nullsim.c) as /bin/nullsim and /nullsim, nothing else.
load_nullsim() {
    local root
    root=$(mktemp -d "$BATS_FILE_TMPDIR/nullsim.XXXXXX")
    mkdir -m 1777 "$root/tmp"
    mkdir "$root/bin"
    install -m 755 "$DS_BUILD/support/nullsim" "$root/bin/nullsim"
    install -m 755 "$DS_BUILD/support/nullsim" "$root/nullsim"
    mkdir -p "$DS_BUILD/cluster"
    "$CLUSTER/mkimage" "$root" localhost/nullsim:test "$DS_BUILD/cluster/nullsim.tar.$$" >/dev/null
    mv "$DS_BUILD/cluster/nullsim.tar.$$" "$DS_BUILD/cluster/nullsim.tar"
    "$CLUSTER/load" "$DS_BUILD/cluster/nullsim.tar"
}

# In teardown: what can be known about a test that failed, whole in the logs, in short here.
tell_failure() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] && return
    local to
    to=$DS_BUILD/logs/cluster-$(basename "${BATS_TEST_FILENAME%.bats}")-$BATS_TEST_NUMBER.txt
    mkdir -p "$DS_BUILD/logs"
    {
        kn get sweeps,jobs,pods -o wide
        echo "--- events"
        kn get events --sort-by=.lastTimestamp
        echo "--- controller"
        kubectl -n decksweep-system get pods
        kubectl -n decksweep-system logs deployment/decksweep-scheduler --all-containers --tail=200
        echo "--- sweeps"
        kn get sweeps -o yaml
        echo "--- logs of pods"
        local pod
        for pod in $(kn get pods -o name | head -n 20); do
            echo "--- $pod"
            kn logs "$pod" --all-containers --tail=60
        done
        echo "--- pods"
        kn get pods -o yaml
    } >"$to" 2>&1
    echo "# more in $to"
    head -n 60 "$to"
    sed -n '/^--- controller/,/^--- sweeps/p' "$to" | tail -n 25
}

# A kubeconfig like the present one, with another token: kubeconfig_with FILE TOKEN
kubeconfig_with() {
    kubectl config view --raw -o json | python3 -c '
import json, sys
c = json.load(sys.stdin)
c["users"] = [{"name": u["name"], "user": {"token": sys.argv[2]}} for u in c["users"]]
json.dump(c, open(sys.argv[1], "w"))' "$@"
}

# Until an object's field has a value: wait_for_field KIND/NAME '{.status.phase}' VALUE SECONDS
wait_for_field() {
    kn wait "$1" "--for=jsonpath=$2=$3" "--timeout=${4}s" >/dev/null || {
        echo "$1: $2 is '$(kn get "$1" -o "jsonpath=$2")' after $4 s, not '$3'" >&2
        return 1
    }
}
wait_for_condition() { # kind/name condition status seconds
    kn wait "$1" "--for=condition=$2=$3" "--timeout=${4}s" >/dev/null || {
        echo "$1 has no condition $2=$3 after $4 s; it has:" >&2
        kn get "$1" -o 'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason} {.message}{"\n"}{end}' >&2
        return 1
    }
}
wait_for_phase() { wait_for_field "sweep/$1" '{.status.phase}' "$2" "$3"; } # sweep phase seconds
field() { kn get "$1" -o "jsonpath=$2"; }                                  # kind/name path

stop_part() { "$CLUSTER/down" "$@"; }  # [-9] part...
start_part() { "$CLUSTER/up" "$@"; }   # part...
controller_pod() { # the one that runs: an older one may be there still, ended or being deleted
    kubectl -n decksweep-system get pods -l app.kubernetes.io/name=decksweep-scheduler -o \
        'jsonpath={range .items[?(@.status.phase=="Running")]}{.metadata.deletionTimestamp}{"|pod/"}{.metadata.name}{"\n"}{end}' |
        sed -n 's/^|//p' | head -n 1
}

# For tests that write a status themselves; does nothing where no controller is installed.
pause_controller() {
    kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas=0 >/dev/null 2>&1 || return 0
    kubectl -n decksweep-system wait pod -l app.kubernetes.io/name=decksweep-scheduler --for=delete --timeout=60s >/dev/null
}
resume_controller() {
    kubectl -n decksweep-system scale deployment/decksweep-scheduler --replicas=1 >/dev/null 2>&1 || return 0
    kubectl -n decksweep-system rollout status deployment/decksweep-scheduler --timeout=60s >/dev/null
}
