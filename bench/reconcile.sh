#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One decision of the controller about 2,000 pods; p95 must stay below 300 us.
set -euo pipefail
exec "${DS_BUILD:-$(dirname "$0")/../build/gcc}/bench/reconcile"
