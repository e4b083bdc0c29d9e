#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the Debian 12 packages that building, running and testing decksweep needs, if any is
# missing. `deps.sh run` is enough for `make demo`; `deps.sh` takes everything for `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-all}

BUILD="gcc make pkg-config libc6-dev libhwloc-dev libyaml-dev libcjson-dev libssl-dev libzstd-dev
       libarchive-dev libgsl-dev libmuparser-dev libnetcdf-dev libhdf5-dev zlib1g-dev libmicrohttpd-dev libcurl4-openssl-dev"
RUN="libopm-simulators-bin openmpi-bin"
TEST="libcriterion-dev bats strace parallel zstd hwloc tmux time netcdf-bin procps libarchive-tools
      bash-completion man-db python3 python3-venv python3-yaml python3-numpy python3-xarray python3-netcdf4
      python3-pandas"
# The test cluster: a kubelet's surroundings, what its images are made of, other libc included.
CLUSTER="containerd runc containernetworking-plugins iproute2 util-linux busybox-static klibc-utils
         patchelf openssl ca-certificates jq curl"
LINT="clang clang-tidy clang-format shellcheck libclang-rt-14-dev"

want="$BUILD $RUN"
[ "$kind" = run ] || want="$want $TEST $CLUSTER $LINT"

missing=""
for package in $want; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

# A Go that can build Kubernetes is not in Debian 12. Without one the tests say what they skip.
take_go() {
    if [ "$kind" != run ] && ! tests/cluster/go_tool --check >/dev/null; then
        tests/cluster/go_tool >/dev/null || echo "deps: no Go >= 1.25 can be had: no test cluster" >&2
    fi
}
if [ -z "$missing" ]; then
    take_go
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "deps: these packages are missing; install them as root and run make again:" >&2
        echo "  apt-get install --no-install-recommends$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q >&2
# shellcheck disable=SC2086  # a list of words
$as_root apt-get install -y -q --no-install-recommends $missing >&2
take_go
