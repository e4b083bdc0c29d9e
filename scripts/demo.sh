#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The demo: run and collect the SPE1 sweep, then show where the dataset is and what it holds.
#   demo.sh <build folder>
set -euo pipefail
cd "$(dirname "$0")/.."
decksweep=$1/decksweep
sweep=jobs/spe1-lhs/sweep.yaml

"$decksweep" plan "$sweep"
echo
"$decksweep" run "$sweep"

store=build/demo/spe1-lhs
echo
echo "The dataset:   $store/dataset/summary.nc, statistics.nc, summary.csv, parameters.csv"
echo "Look further:  $decksweep ls $store          (also: status, show 3, logs 3, fetch 3)"
echo "               xarray.open_dataset(\"$store/dataset/summary.nc\")     (apt install python3-xarray python3-netcdf4)"
