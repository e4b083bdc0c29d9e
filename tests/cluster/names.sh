# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts of the test cluster: where it lives and what is called after it, so that
# several can run side by side on one machine.
#   DS_CLUSTER_DIR   state, logs, pid files, kubeconfigs (default /var/lib/decksweep-cluster)
#   DS_CLUSTER_PORT  first of 16 ports on 127.0.0.1, the API server's is +3; chosen when not given
#   DS_CLUSTER_BIN   programs and images, kept for the next time (default ~/.cache/decksweep-cluster)
# shellcheck shell=bash disable=SC2034  # used by those who source it

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
B=${DS_CLUSTER_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/decksweep-cluster}
D=$(realpath -m "${DS_CLUSTER_DIR:-/var/lib/decksweep-cluster}")
NODE=localhost # under this name the API server finds the kubelet
PARTS=(etcd apiserver controller-manager scheduler containerd kubelet)

# Called after the port. Pods live in the range for benchmarks (RFC 2544), 254 addresses a cluster,
# not masqueraded: they reach what listens on GATEWAY and nothing else.
name_after_port() { # port
    P=$1
    CG=/decksweep-test-$P
    BRIDGE=dsc$P
    local n=$((P / 16))
    SUBNET=198.$((18 + n / 256 % 2)).$((n % 256))
    GATEWAY=$SUBNET.1
}

alive() { # part: whether it runs, and is what we started (process ids come back)
    local pid
    pid=$(cat "$D/run/$1.pid" 2>/dev/null) || return 1
    [ "$(started_at "$pid")" = "$(cat "$D/run/$1.start" 2>/dev/null)" ]
}
started_at() { # pid: ticks since boot; "dead" where there is none, also for a zombie
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || { echo dead; return; }
    stat=${stat##*) }
    # shellcheck disable=SC2086  # fields 3 and 22 of /proc/PID/stat
    set -- $stat
    [ "$1" = Z ] && echo dead || echo "${20}"
}
# Clusters of test runs that did not live to take them down.
sweep_stale() {
    local dir pid start
    for dir in /var/lib/decksweep-test.*; do
        [ -s "$dir/owner" ] || continue
        read -r pid start <"$dir/owner"
        [ "$(started_at "$pid")" = "$start" ] || DS_CLUSTER_DIR=$dir "$HERE/down"
    done
}
say() { echo "cluster: $*" >&2; }
k() { KUBECONFIG=$D/admin.kubeconfig "$B/kube" kubectl "$@"; }
