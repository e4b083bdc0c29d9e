#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Rendering all manifests of a sweep, with reading its object; the bound is 50 ms. No cluster is needed.
set -euo pipefail
exec "${DS_BUILD:-$(dirname "$0")/../build/gcc}/bench/manifests"
