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
echo "The dataset: $store/dataset/summary.nc (and summary.csv, statistics.nc, parameters.csv)"
echo
# Final values of the first five cases: parameters.csv joined with the last line of each case.
awk -F, '
    FNR == 1 { for (i = 1; i <= NF; i++) column[FILENAME, $i] = i; next }
    FILENAME ~ /parameters.csv/ { poro[$1] = $column[FILENAME, "PORO"]; rate[$1] = $column[FILENAME, "GRATE"]; next }
    { real = $column[FILENAME, "REAL"]; date[real] = $column[FILENAME, "DATE"]
      oil[real] = $column[FILENAME, "FOPT"]; pressure[real] = $column[FILENAME, "FPR"] }
    END {
        printf "%-6s %-12s %-9s %-11s %-14s %s\n", "case", "PORO", "GRATE", "date", "FOPT [STB]", "FPR [PSIA]"
        for (r = 0; r < 5; r++)
            if (r in date)
                printf "%-6s %-12s %-9s %-11s %-14s %s\n", r, poro[r], rate[r], substr(date[r], 1, 10), oil[r], pressure[r]
    }' "$store/dataset/parameters.csv" "$store/dataset/summary.csv"
echo
echo "Look further:  $decksweep ls $store          (also: status, show 3, logs 3, fetch 3)"
echo "               python3 -c 'import xarray; print(xarray.open_dataset(\"$store/dataset/summary.nc\"))'"
