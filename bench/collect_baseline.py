# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write today, over folders case-N/ROOT.SMSPEC and .UNSMRY; prints seconds, imports left out.

    collect_baseline.py resfo FOLDERS ROOT N OUT.nc        resfo, numpy, netCDF4: one variable a vector
    collect_baseline.py res2df-nc FOLDERS ROOT N OUT.nc    res2df, pandas, xarray
    collect_baseline.py res2df-csv FOLDERS ROOT N OUT.csv  res2df, pandas
"""
import sys
import time

how, folders, root, n, out = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]


def paths():
    return [f"{folders}/case-{i}/{root}" for i in range(n)]


def use_resfo():
    import netCDF4
    import numpy as np
    import resfo

    def names_of(path):
        spec = {k.strip(): v for k, v in resfo.read(path + ".SMSPEC")}
        text = [[b.decode().strip() for b in spec[k]] for k in ("KEYWORDS", "WGNAMES")]
        return [f"{k}:{w}:{i}" for k, w, i in zip(*text, spec["NUMS"])]

    def reports_of(path):
        rows, last = [], None
        for key, value in resfo.read(path + ".UNSMRY"):
            if key.startswith("SEQHDR"):
                if last is not None:
                    rows.append(last)
            elif key.startswith("PARAMS"):
                last = value
        rows.append(last)
        return np.vstack(rows)

    start = time.perf_counter()
    names = names_of(paths()[0])
    all_cases = None
    for i, path in enumerate(paths()):
        rows = reports_of(path)
        if all_cases is None:
            all_cases = np.empty((n, *rows.shape), np.float32)
        all_cases[i] = rows
    with netCDF4.Dataset(out, "w") as ds:
        ds.createDimension("case", n)
        ds.createDimension("time", all_cases.shape[1])
        for v, name in enumerate(names):
            var = ds.createVariable(name.replace("/", "_"), "f4", ("case", "time"), zlib=True, complevel=1,
                                    chunksizes=(min(n, 250), all_cases.shape[1]))
            var[:] = all_cases[:, :, v]
    return time.perf_counter() - start


def frames():
    import res2df.summary
    from resdata.summary import Summary
    for i, path in enumerate(paths()):
        df = res2df.summary.df(Summary(path, include_restart=False))
        df["REAL"] = i
        yield df


def use_res2df_nc():
    import netCDF4  # noqa: F401
    import pandas as pd
    import res2df.summary  # noqa: F401
    import resdata.summary  # noqa: F401
    import xarray as xr  # noqa: F401
    start = time.perf_counter()
    table = pd.concat(df.reset_index() for df in frames()).set_index(["REAL", "DATE"])
    ds = table.to_xarray()
    ds.to_netcdf(out, encoding={v: {"zlib": True, "complevel": 1, "dtype": "float32"} for v in ds.data_vars})
    return time.perf_counter() - start


def use_res2df_csv():
    import pandas as pd
    import res2df.summary  # noqa: F401
    import resdata.summary  # noqa: F401
    start = time.perf_counter()
    pd.concat(df.reset_index() for df in frames()).to_csv(out, index=False)
    return time.perf_counter() - start


print("%.3f" % {"resfo": use_resfo, "res2df-nc": use_res2df_nc, "res2df-csv": use_res2df_csv}[how]())
