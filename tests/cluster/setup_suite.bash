# SPDX-License-Identifier: GPL-3.0-or-later
# One cluster for all files of a run: the one of DS_CLUSTER_DIR, if it is up, else one of its own.
# shellcheck shell=bash

setup_suite() {
    local here reason
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    export DS_BUILD=${DS_BUILD:-$here/../../build/gcc}
    if [ -z "${DS_CLUSTER_DIR:-}" ] || [ ! -s "$DS_CLUSTER_DIR/port" ]; then
        reason=$("$here/can_run") || { echo "$reason" >&2; return 1; }
        DS_CLUSTER_DIR=${DS_CLUSTER_DIR:-$(mktemp -d /var/lib/decksweep-test.XXXXXX)}
        export DS_CLUSTER_DIR DS_CLUSTER_OURS=1 DS_CLUSTER_OWNER=$PPID
        DS_NAMESPACE=first "$here/start" "$DS_BUILD" >/dev/null 3>&- || {
            "$here/down"
            return 1
        }
    fi
}

teardown_suite() {
    [ -z "${DS_CLUSTER_OURS:-}" ] || "$(dirname "${BASH_SOURCE[0]}")/down"
}
