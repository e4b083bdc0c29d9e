#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# collect: CASES (2,000) summaries of SPE9's size (191 vectors, 90 report steps) into NetCDF and
# CSV, against what people write today: resfo with numpy and netCDF4 (one variable a vector; over all
# cases) and res2df with xarray or to_csv (over PY_CASES (100) of them, scaled up; it is linear). Ours
# reads compressed archives and always computes statistics; theirs reads plain files. PAIRS (3) in turn,
# medians of wall time. Then memory and how cost grows. Asked for: 5, 20, 20; 100 MB; 64 KB a vector.
set -euo pipefail
cd "$(dirname "$0")/.."
decksweep=$DS_BUILD/decksweep
makestore=$DS_BUILD/support/makestore
cases=${CASES:-2000}
py_cases=${PY_CASES:-100}
pairs=${PAIRS:-3}
many=${MANY_CASES:-20000}
mkdir -p build
work=$PWD/$(mktemp -d -p build bench-collect.XXXXXX)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work OMP_NUM_THREADS=1

venv=build/venv-collect
if ! "$venv/bin/python" -c 'import resfo, res2df, xarray, netCDF4' 2>/dev/null; then
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install -q resfo res2df xarray netCDF4 numpy pandas
fi
baseline() { # how cases out: seconds, imports left out
    "$venv/bin/python" bench/collect_baseline.py "$1" "$work/folders" SPE9 "$2" "$3" 2>>"$work/log"
}
ours() { # store format: wall seconds, KiB, CPU seconds
    /usr/bin/time -o "$work/time" -f '%e %M %U %S' "$decksweep" collect --fresh "$1" --formats "$2" --json \
        >>"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; return 1; }
    awk '{print $1, $2, $3 + $4}' "$work/time"
}
median() { # of a column of a file
    sort -n -k "$2" "$1" | awk -v c="$2" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'
}
compare() { # label ratio-asked ours theirs note
    awk -v l="$1" -v asked="$2" -v o="$3" -v t="$4" -v n="$5" \
        'BEGIN {printf "collect: %s: ratio %.1f (asked %s): %.2f s against %.2f s%s\n", l, t / o, asked, o, t, n}'
}

"$makestore" "$work/store" spe9 "$cases" --from tests/data/summary/spe9/SPE9 --folders "$work/folders"
for _ in $(seq "$pairs"); do
    ours "$work/store/spe9" netcdf >>"$work/netcdf"
    baseline resfo "$cases" "$work/theirs.nc" >>"$work/resfo"
    baseline res2df-nc "$py_cases" "$work/theirs.nc" >>"$work/res2df"
    ours "$work/store/spe9" csv >>"$work/csv"
    baseline res2df-csv "$py_cases" "$work/theirs.csv" >>"$work/res2df_csv"
done
scaled() { awk -v s="$(median "$1" 1)" -v n="$cases" -v p="$py_cases" 'BEGIN {print s * n / p}'; }
compare "NetCDF, $cases cases, against resfo, numpy and netCDF4" 5 "$(median "$work/netcdf" 1)" "$(median "$work/resfo" 1)" \
    ", with statistics, $(median "$work/netcdf" 3) s CPU"
if [ -d /dev/shm ] && [ -w /dev/shm ]; then # ours is durable on disk, theirs is not: once where neither pays for that
    shm=$(mktemp -d /dev/shm/bench-collect.XXXXXX)
    trap 'rm -rf "$work" "$shm"' EXIT
    cp -r "$work/store/spe9" "$shm/spe9"
    for _ in $(seq "$pairs"); do
        ours "$shm/spe9" netcdf >>"$work/netcdf_shm"
        baseline resfo "$cases" "$shm/theirs.nc" >>"$work/resfo_shm"
    done
    rm -rf "$shm"
    compare "the same on a memory file system" 5 "$(median "$work/netcdf_shm" 1)" "$(median "$work/resfo_shm" 1)" ""
fi
compare "NetCDF against res2df and xarray" 20 "$(median "$work/netcdf" 1)" "$(scaled "$work/res2df")" " (from $py_cases cases)"
compare "CSV against res2df" 20 "$(median "$work/csv" 1)" "$(scaled "$work/res2df_csv")" " (from $py_cases cases)"
rm -rf "$work/folders" "$work"/theirs.*

"$makestore" "$work/store" many "$many" --from tests/data/summary/spe9/SPE9
read -r seconds kib _ < <(ours "$work/store/many" netcdf)
awk -v a="$(median "$work/netcdf" 2)" -v b="$kib" -v n="$cases" -v m="$many" -v s="$seconds" \
    'BEGIN {printf "collect: memory with statistics: %.0f MB at %d cases, %.0f MB at %d (ratio %.2f of 100 MB); %d cases took %.1f s\n",
        a * 1.024e-3, n, b * 1.024e-3, m, b * 1.024e-5, m, s}'
rm -rf "$work/store/many"

"$makestore" "$work/store" few 200 --vectors 200
"$makestore" "$work/store" norne 200 --vectors 2500
read -r s1 k1 _ < <(ours "$work/store/few" netcdf)
read -r s2 k2 _ < <(ours "$work/store/norne" netcdf)
awk -v a="$k1" -v b="$k2" -v s="$s1" -v t="$s2" \
    'BEGIN {k = (b - a) * 1.024 / 2300; printf "collect: 200 cases with 200 vectors %.1f s, %.0f MB; with 2,500 %.1f s, %.0f MB: %.1f KB a further vector (ratio %.2f of 64 KB)\n",
        s, a * 1.024e-3, t, b * 1.024e-3, k, k / 64}'
line="collect: growth with cases at 191 vectors:"
for n in 500 1000 2000 4000; do
    "$makestore" "$work/store" "n$n" "$n" --from tests/data/summary/spe9/SPE9
    read -r s _ _ < <(ours "$work/store/n$n" netcdf)
    line+=$(awk -v n="$n" -v s="$s" 'BEGIN {printf " %d: %.2f s (%.2f ms a case)", n, s, 1000 * s / n}')
    rm -rf "$work/store/n$n"
done
echo "$line"
