#!/usr/bin/env bats
# The dataset: what `decksweep collect` makes of stores, read with Debian's numpy and xarray.

setup() {
    load ../support/common
    enter_work
    data=$ROOT/tests/data/summary
}
teardown() { leave_work; }

check() { /usr/bin/python3 "$ROOT/tests/support/check_dataset.py" "$@"; }
holds() { check eval "store/$1/dataset/summary.nc" "$2"; }

@test "values equal independent readers' bit for bit, for every form of summary files" {
    for name in spe9/SPE9 spe1case1/SPE1CASE1 restart-chain/SPE1CASE2; do
        makestore store a 3 --file "$data/$name.SMSPEC" --file "$data/$name.UNSMRY"
        decksweep collect store/a
        check expected store/a/dataset/summary.nc 2 "$data/expected/${name#*/}.csv"
        rm -rf store
    done
    makestore store b 2 --file "$data/formatted/FORMATTED.FSMSPEC" --file "$data/formatted/FORMATTED.FUNSMRY"
    decksweep collect store/b
    check expected store/b/dataset/summary.nc 1 "$data/expected/FORMATTED.csv"
    parts=()
    for file in "$data"/multiple/*; do parts+=(--file "$file"); done
    makestore store c 2 "${parts[@]}"
    decksweep collect store/c
    check expected store/c/dataset/summary.nc 1 "$data/expected/MULTIPLE.csv"
}

@test "a continued case has its base's history, and says when that is missing" {
    r=$data/restart-chain
    own=(--file "$r/SPE1CASE2_RESTART.SMSPEC" --file "$r/SPE1CASE2_RESTART.UNSMRY")
    makestore store whole 2 "${own[@]}" --bundle "$r/SPE1CASE2.SMSPEC" --bundle "$r/SPE1CASE2.UNSMRY"
    run decksweep collect store/whole
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" != *"history before the restart"* ]]
    check expected store/whole/dataset/summary.nc 1 "$data/expected/SPE1CASE2.csv:60" "$data/expected/SPE1CASE2_RESTART.csv"
    makestore store inside 2 "${own[@]}" --file "$r/SPE1CASE2.SMSPEC" --file "$r/SPE1CASE2.UNSMRY"
    decksweep collect store/inside
    check expected store/inside/dataset/summary.nc 1 "$data/expected/SPE1CASE2.csv:60" "$data/expected/SPE1CASE2_RESTART.csv"
    makestore store alone 2 "${own[@]}"
    run decksweep collect store/alone
    [ "$status" -eq 0 ]
    [[ "$output" == *"SPE1CASE2 lacks 60 report steps"* ]]
    check expected store/alone/dataset/summary.nc 1 "$data/expected/SPE1CASE2_RESTART.csv"
}

@test "statistics are numpy's, CSV holds the same values, names are res2df's" {
    makestore store s 150 --from "$data/spe9/SPE9" --failed 3 --missing 5
    run decksweep collect store/s --formats netcdf,csv,csv.gz,csv.zst
    echo "$output"
    [ "$status" -eq 1 ]
    check statistics store/s/dataset
    check csv store/s/dataset summary.csv
    check csv store/s/dataset summary.csv.gz
    zstd -dqc store/s/dataset/summary.csv.zst | cmp - store/s/dataset/summary.csv
    [[ "$(head -c 40 store/s/dataset/summary.csv)" == 'DATE,REAL,TIME,YEARS,"BGSAT:1,13,1","BPR'* ]]
    [ "$(head -1 store/s/dataset/parameters.csv)" = "REAL,case_id,verdict,attempts,GEO,KX,PORO" ]
    [ "$(wc -l <store/s/dataset/parameters.csv)" -eq 151 ]
}

@test "failed cases keep their values up to the failure, with verdict and reason" {
    makestore store f 10 --steps 20 --failed 2 --missing 1
    run decksweep collect store/f
    [ "$status" -eq 1 ]
    holds f 'list(ds.verdict.values) == ["ok"] * 7 + ["none"] + ["not-converged"] * 2'
    holds f '"cut 10 times" in str(ds.reason.values[9]) and ds.reason.values[0] == ""'
    # half of UNSMRY is left: its last block is at one of the ok cases' times, so it counts
    holds f 'ds.FOPR.sel(case=9).count() == 10'
    holds f 'ds.FOPR.sel(case=9).isnull().values[10:].all() and ds.FOPR.sel(case=7).isnull().all()'
    holds f 'ds.FOPR.attrs["cases_with"] == 9'
    holds f 'ds.wall_s.values[1] == 1.301 and np.isnan(ds.wall_s.values[7])'
    holds f 'ds.altered_args.dtype == bool and ds.node.values[1] == "node-b"'
    holds f 'ds.param_PORO.dtype == np.float64 and ds.param_GEO.values[4] == "geo/real-1"'
    holds f 'set(ds.coords) == {"case", "time", "case_id", "verdict", "param_GEO", "param_KX", "param_PORO"}'
}

@test "cases with other times and vectors than the first are merged, whatever their order" {
    makestore store u 5 --uneven --steps 12 --vectors 7
    decksweep collect store/u
    holds u 'ds.time.size == 13 and len(vectors) == 8'
    holds u 'ds[vectors[7]].attrs["cases_with"] == 2 and ds.FOPR.attrs["cases_with"] == 5'
    holds u 'ds.FOPR.isel(time=12).notnull().values.tolist() == [False, True, False, True, False]'
    check statistics store/u/dataset
}

@test "what a merge warned of that has to be made again is counted once" {
    makestore store w 64 --uneven --steps 3
    for id in $(awk -F, 'NR > 2 && NR <= 62 {print $2}' store/w/design.*.csv); do
        truncate -s 1000 store/w/cases/"$id".* # 60 cases before the first with another vector
    done
    run decksweep collect store/w
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"4 ok, 60 missing"* ]]
    [[ "$output" == *"warning: and 10 more"* ]]
}

@test "cases that start on different days share one axis" {
    makestore store d 4 --shift --steps 3
    decksweep collect store/d
    holds d 'ds.time.size == 12 and str(ds.time.values[1])[:10] == "2015-02-01"'
    holds d 'ds.FOPR.sel(case=1, time="2015-02-01").notnull() and ds.FOPR.sel(case=0, time="2015-02-01").isnull()'
}

@test "grids interpolate totals, take the next report for rates, and extrapolate nothing" {
    makestore store g 3 --steps 6
    decksweep collect store/g --times report
    cp store/g/dataset/summary.nc report.nc
    decksweep collect store/g --times monthly
    holds g '[str(t)[:10] for t in ds.time.values] == ["2015-02-01", "2015-03-01", "2015-04-01", "2015-05-01", "2015-06-01"]'
    # 2015-03-01 lies 29 of 30 days after the first report (January 31)
    holds g 'np.array_equal(ds.FOPR.values[:, 1], xr.open_dataset("report.nc").FOPR.values[:, 1])'
    holds g 'np.allclose(ds.FOPT.values[:, 1], xr.open_dataset("report.nc").FOPT.values[:, :2] @ [1 / 30, 29 / 30], rtol=1e-6)'
    decksweep collect store/g --times 10d
    holds g 'ds.time.size == 18 and ds.FOPT.values[:, :2].size == 6 and np.isnan(ds.FOPT.values[:, :2]).all()'
    holds g 'np.isfinite(ds.FOPR.values).all() and np.isfinite(ds.FOPT.values[:, 2:]).all()'
    decksweep collect store/g --times 2014-01-01,2015-03-02,2020-01-01
    holds g 'ds.FOPT.notnull().values.tolist() == [[False, True, False]] * 3'
}

@test "a grid that ends before the last report says so, once, with its date" {
    makestore store g 3 --steps 6
    run decksweep collect store/g --times monthly
    echo "$output"
    [ "$(grep -c 'ends on 2015-06-01.*last report (2015-06-30' <<<"$output")" -eq 1 ]
    [ "$(grep -c 'last report' <<<"$output")" -eq 1 ]
    decksweep collect store/g --times monthly --json 2>/dev/null |
        /usr/bin/python3 -c 'import json,sys; w = json.load(sys.stdin)["warnings"]; assert any("(2015-06-30" in x for x in w), w'
    run decksweep collect store/g --times yearly
    [[ "$output" == *"last report (2015-06-30"*"lies before the first time of the grid"* ]]
    [[ "$output" != *"no case has a report step"* ]]
    for times in report 10d 2015-03-02; do # 180 days are 18 times 10
        run decksweep collect store/g --times $times
        [ "$status" -eq 0 ]
        [[ "$output" != *"last report"* ]]
    done
}

@test "odd names: slash, percent, doubles with a warning, local grids" {
    makestore store n 2 --odd --vectors 10 --steps 2
    run decksweep collect store/n --formats netcdf,csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"WBHP:SAME occurs twice"* ]]
    holds n 'vectors[4:] == ["WBHP:A%2F1 H", "WBHP:100%25", "WBHP:SAME", "WBHP:SAME#2", "LBPR:LGR1:2,3,4", "WBHP:%D8RN"]'
    holds n 'ds["WBHP:%D8RN"].attrs["wgname"] == "?RN" and ds["WBHP:%D8RN"].attrs["units"] == "d??"'
    holds n 'ds["WBHP:SAME"].values[0, 0] != ds["WBHP:SAME#2"].values[0, 0]'
    holds n 'ds["LBPR:LGR1:2,3,4"].attrs["lgr"] == "LGR1" and ds["WBHP:A%2F1 H"].attrs["wgname"] == "A/1 H"'
    [[ "$(head -1 store/n/dataset/summary.csv)" == *',WBHP:A/1 H,WBHP:100%,WBHP:SAME,WBHP:SAME#2,"LBPR:LGR1:2,3,4",WBHP:%D8RN' ]]
}

@test "cases of different unit systems are an error that names two" {
    makestore store m 3 --mixed-units
    run decksweep collect store/m
    [ "$status" -eq 2 ]
    [[ "$output" == *"case 0 is in FIELD units, case 1 in METRIC"* ]]
    [ ! -e store/m/dataset ]
    [ -z "$(ls "$TMPDIR")" ]
}

@test "one-at-a-time designs have no statistics, but SENSNAME and SENSCASE" {
    makestore store o 5 --one-at-a-time
    decksweep collect store/o
    [ ! -e store/o/dataset/statistics.nc ]
    holds o 'list(ds.sensname.values[:2]) == ["KX", "PORO"] and ds.senscase.values[2] == "high"'
    [[ "$(head -1 store/o/dataset/parameters.csv)" == REAL,case_id,verdict,attempts,SENSNAME,SENSCASE,* ]]
}

@test "rows with one id have one simulation's values; equal values of different cases are a warning" {
    makestore store t 6 --twins
    run decksweep collect store/t
    echo "$output"
    [ "$status" -eq 0 ]
    holds t 'np.array_equal(ds.FOPR.values[1], ds.FOPR.values[2]) and ds.case_id.values[1] == ds.case_id.values[2]'
    [[ "$output" == *"cases 0 and 3 have different parameters and the same summary"* ]]
}

@test "a parameter that moves nothing is a warning, one that does is none" {
    makestore store i 100 --idle
    run decksweep collect store/i
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"parameter KX seems to move nothing"* ]]
    [[ "$output" != *"parameter PORO"* ]]
    makestore store j 6 --twins --one-at-a-time
    run decksweep collect store/j
    [ "$status" -eq 0 ]
    [[ "$output" != *"moves nothing"* ]]
}

@test "a damaged archive costs its own row only" {
    makestore store x 4
    victim=$(find store/x/cases -name '*.zst' | sort | head -1)
    head -c 1000 "$victim" >cut && mv cut "$victim"
    run decksweep collect store/x
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"(3 ok, 1 missing)"* ]]
    [[ "$output" == *"warning: case"*"${victim#store/x/}"* ]]
    holds x 'ds.FOPR.notnull().all("time").sum() == 3'
    holds x '"its archive cannot be read" in ds.reason.values'
}

@test "vectors are chosen by patterns; nothing to collect writes nothing" {
    makestore store p 2 --vectors 20
    decksweep collect store/p --vectors 'FOPT,WOPR:W2,WOPT:*'
    holds p 'vectors == ["FOPT", "WOPR:W2"] + ["WOPT:W%d" % w for w in range(2, 10)]'
    makestore store q 2 --missing 2
    run decksweep collect store/q
    [ "$status" -eq 1 ]
    [[ "$output" == *"nothing to collect"* ]]
    [ ! -e store/q/dataset ]
}

@test "a later collect reads only archives it has not seen, and the result is the same" {
    makestore store l 300 --from "$data/spe9/SPE9" --missing 120
    run decksweep collect store/l
    [ "$status" -eq 1 ]
    makestore store l 300 --from "$data/spe9/SPE9" --first 180
    run decksweep collect store/l --json
    [ "$(jq_get "$output" archives_read)" -eq 120 ]
    [ "$(jq_get "$output" taken_over)" -eq 180 ]
    cp store/l/dataset/summary.nc later.nc
    check statistics store/l/dataset
    run decksweep collect store/l --json --fresh
    [ "$(jq_get "$output" archives_read)" -eq 300 ]
    check eval later.nc 'ds.drop_vars([]).identical(xr.open_dataset("store/l/dataset/summary.nc").assign_attrs(ds.attrs))'
    run decksweep collect store/l --json --vectors 'F*'
    [ "$(jq_get "$output" archives_read)" -eq 300 ]
}

@test "an archive that was torn or replaced since is read again" {
    makestore store e 6
    decksweep collect store/e
    mapfile -t archive < <(find store/e/cases -name '*.tar.zst' | sort)
    run decksweep collect store/e --json
    [ "$(jq_get "$output" taken_over)" -eq 6 ]
    holds e 'int(ds.source_bytes.sum()) == '"$(cat "${archive[@]}" | wc -c)"
    holds e 'sorted(ds.source_mtime_ms.values // 1000) == sorted(['"$(stat -c %Y, "${archive[@]}" | tr -d '\n')"'])'
    # torn: its row is lost, and only this archive was opened again
    head -c 1000 "${archive[0]}" >torn && cp torn "${archive[0]}"
    run decksweep collect store/e
    echo "$output"
    [[ "$output" == *"warning: case"*"${archive[0]#store/e/}"* ]]
    holds e 'ds.FOPR.notnull().all("time").sum() == 5 and (ds.source_bytes == -1).sum() == 1'
    # the same size and another time: replaced by another case's
    cp "${archive[1]}" whole && cat whole >"${archive[1]}" && touch -d 2020-01-01Z "${archive[1]}"
    output=$(decksweep collect store/e --json 2>warnings) || true
    grep -F "${archive[0]#store/e/}" warnings
    [ "$(jq_get "$output" archives_read)" -eq 1 ]
    [ "$(jq_get "$output" taken_over)" -eq 4 ]
    holds e '(ds.source_mtime_ms == 1577836800000).sum() == 1'
}

@test "an old dataset whose columns are longer than its cases is not believed" {
    makestore store l 6
    decksweep collect store/l
    ncdump store/l/dataset/summary.nc >good.cdl
    ncgen -4 -o store/l/dataset/summary.nc good.cdl
    run decksweep collect store/l --json
    [ "$(jq_get "$output" taken_over)" -eq 6 ]
    for column in source_key source_bytes source_mtime_ms attempt wall_s reason; do
        sed "s/ $column(case) ;/ $column(time) ;/" good.cdl >long.cdl
        [ "$(grep -c '(time) ;' long.cdl)" -eq 2 ]
        ncgen -4 -o store/l/dataset/summary.nc long.cdl
        run decksweep collect store/l --json
        echo "$column: $output"
        [ "$status" -eq 0 ]
        [ "$(jq_get "$output" taken_over)" -eq 0 ]
    done
    sed 's/ time(time) ;/ time(case, time) ;/' good.cdl >wide.cdl # more times than the dimension says
    grep -F 'int64 time(case, time) ;' wide.cdl
    ncgen -4 -o store/l/dataset/summary.nc wide.cdl
    run decksweep collect store/l --json
    echo "time: $output"
    [ "$status" -eq 0 ]
    [ "$(jq_get "$output" taken_over)" -eq 0 ]
}

@test "an old dataset with a torn chunk is replaced, from all archives" {
    makestore store t 6
    decksweep collect store/t
    /usr/bin/python3 - store/t/dataset/summary.nc <<'P'
import sys, zlib
whole = bytearray(open(sys.argv[1], "rb").read())
def holds_chunk(at):
    try:
        stream = zlib.decompressobj()
        return len(stream.decompress(bytes(whole[at:]))) >= 6 * 90 * 4 and stream.eof
    except zlib.error:
        return False
at = next(i for i in range(len(whole)) if whole[i:i + 2] == b"\x78\x01" and holds_chunk(i))
whole[at + 40:at + 80] = bytes(x ^ 0x5a for x in whole[at + 40:at + 80])
open(sys.argv[1], "wb").write(whole)
P
    output=$(decksweep collect store/t --json 2>warnings)
    grep 'does not read back' warnings
    [ "$(jq_get "$output" archives_read)" -eq 6 ]
    [ "$(jq_get "$output" taken_over)" -eq 0 ]
    holds t 'ds.FOPR.notnull().all("time").sum() == 6'
    output=$(decksweep collect store/t --json)
    [ "$(jq_get "$output" taken_over)" -eq 6 ]
}

@test "a full scratch disk is said, and the old dataset stays" {
    makestore store d 400 --from "$data/spe9/SPE9"
    decksweep collect store/d --formats netcdf,csv
    before=$(sha256sum store/d/dataset/*)
    makestore store c 2000 --steps 1
    decksweep collect store/c --formats csv
    mkdir small
    mount -t tmpfs -o size=2m tmpfs small || skip "no right to mount a small disk"
    TMPDIR=$PWD/small run decksweep collect store/d --fresh --formats netcdf
    run_csv=$(TMPDIR=$PWD/small decksweep collect store/d --fresh --formats csv 2>&1) || csv_status=$?
    mount -o "remount,size=$(($(stat -c %s store/c/dataset/summary.csv) + 16384))" small
    run_last=$(TMPDIR=$PWD/small decksweep collect store/c --formats csv 2>&1) || last_status=$?
    left=$(ls small)
    umount small
    echo "$output"
    echo "$run_csv"
    echo "$run_last"
    [ "$status" -eq 3 ]
    [[ "$output" == *"No space left"* ]]
    [ "$csv_status" -eq 3 ]
    [[ "$run_csv" == *"/summary.csv: "*"No space left"* ]]
    [ "$last_status" -eq 3 ]
    [[ "$run_last" == *"/parameters.csv: "*"No space left"* ]]
    [ -z "$left" ]
    [ "$(sha256sum store/d/dataset/*)" = "$before" ]
}

@test "without a scratch folder it says which, and what names another" {
    makestore store s 1
    TMPDIR=$PWD/gone run decksweep collect store/s
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"$PWD/gone"*"TMPDIR"*"No such file"* ]]
    [ ! -e store/s/dataset ]
}

@test "interrupted, nothing changes and nothing stays behind" {
    makestore store k 3000 --from "$data/spe9/SPE9"
    for _ in 1 2 3; do # it may be quicker than we are, but hardly each time
        rm -rf store/k/dataset
        decksweep collect store/k --fresh &
        pid=$!
        wait_for 10 bash -c 'ls "$TMPDIR"/*/summary.nc'
        kill -INT $pid
        status=0
        wait $pid || status=$?
        [ -z "$(ls "$TMPDIR")" ]
        [ "$status" -eq 0 ] || break
    done
    [ "$status" -eq 130 ]
    [ ! -e store/k/dataset ]
}

jq_get() { /usr/bin/python3 -c 'import json,sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$1" "$2"; }
