# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a dataset with Debian's numpy and xarray; any warning is an error.

    check_dataset.py expected SUMMARY_NC CASE CSV... report values equal the CSVs', bit for bit; of
                                                     CSV:N only the first N report steps
    check_dataset.py statistics DATASET_DIR          statistics.nc is what numpy computes
    check_dataset.py csv DATASET_DIR FILE            the CSV holds the values of summary.nc
    check_dataset.py eval SUMMARY_NC EXPRESSION      EXPRESSION over ds, np, xr, pd is true
"""
import csv
import sys
import warnings

import netCDF4  # noqa: F401  its own import warns on Debian 12
import numpy as np
import pandas as pd
import xarray as xr

warnings.simplefilter("error")


def open_nc(path):
    ds = xr.open_dataset(path)
    assert ds.time.size == 0 or ds.time.dtype == np.dtype("datetime64[ns]"), ds.time.dtype
    return ds


def vectors(ds):
    return [n for n in ds.data_vars if ds[n].dims[-1:] == ("time",)]


def read_expected(path):
    """Report rows of an expected CSV: the last ministep of each report step."""
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    names, data = rows[0], rows[2:]
    last = {}
    for row in data:
        last[row[0]] = row
    values = np.array([[np.float32(x) for x in r[2:]] for r in last.values()], np.float32)
    return names[2:], rows[1][2:], values


def escaped(name):
    return name.replace("%", "%25").replace("/", "%2F")


def expected(nc, case, *paths):
    ds = open_nc(nc)
    parts = []
    for path in paths:
        path, _, n = path.partition(":")
        names, units, values = read_expected(path)
        parts.append(values[:int(n)] if n else values)
    want = np.concatenate(parts)
    got_names = vectors(ds)
    assert [escaped(n) for n in names] == got_names, (names, got_names)
    one = ds.sel(case=int(case))
    assert one.time.size == want.shape[0], (one.time.size, want.shape)
    for i, name in enumerate(got_names):
        got = one[name].values
        assert got.dtype == np.float32
        same = got.view(np.uint32) == np.ascontiguousarray(want[:, i]).view(np.uint32)
        assert same.all(), (name, np.where(~same)[0][:3], got[~same][:3], want[~same, i][:3])
        assert ds[name].attrs["units"] == units[i], (name, units[i])


def statistics(folder):
    ds, st = open_nc(folder + "/summary.nc"), open_nc(folder + "/statistics.nc")
    assert list(st.stat.values) == ["q10", "q50", "q90", "mean", "std", "min", "max", "count"]
    ok = ds.verdict.values == "ok"
    assert vectors(st) == vectors(ds)
    for name in vectors(ds):
        x = ds[name].values[ok].astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = np.concatenate([np.nanquantile(x, [0.1, 0.5, 0.9], axis=0),
                                   [np.nanmean(x, axis=0), np.nanstd(x, axis=0),
                                    np.nanmin(x, axis=0), np.nanmax(x, axis=0)],
                                   [np.count_nonzero(~np.isnan(x), axis=0)]])
        got = st[name].values
        exact = [0, 1, 2, 5, 6, 7]
        np.testing.assert_array_equal(got[exact], want[exact], err_msg=name)
        scale = np.nanmax(np.abs(x)) if np.isfinite(x).any() else 0.0
        np.testing.assert_allclose(got[3:5], want[3:5], rtol=1e-12, atol=1e-12 * scale, err_msg=name)


def check_csv(folder, name):
    ds = open_nc(folder + "/summary.nc")
    df = pd.read_csv(folder + "/" + name, parse_dates=["DATE"], dtype={
        c: np.float32 for c in pd.read_csv(folder + "/" + name, nrows=0).columns[2:]})
    names = vectors(ds)
    assert list(df.columns[:2]) == ["DATE", "REAL"]
    assert [escaped(c) for c in df.columns[2:]] == names
    rows = 0
    for case in ds.case.values:
        part = df[df.REAL == case]
        one = ds.sel(case=case)
        table = np.stack([one[n].values for n in names], axis=1)
        there = ~np.isnan(table).all(axis=1)
        rows += there.sum()
        np.testing.assert_array_equal(part.DATE.values, one.time.values[there])
        np.testing.assert_array_equal(part[df.columns[2:]].to_numpy(), table[there])
    assert rows == len(df) > 0


def evaluate(nc, expression):
    ds = open_nc(nc)
    value = eval(expression, {"ds": ds, "np": np, "xr": xr, "pd": pd, "vectors": vectors(ds)})
    assert bool(value), (expression, value)


{"expected": expected, "statistics": statistics, "csv": check_csv, "eval": evaluate}[sys.argv[1]](*sys.argv[2:])
