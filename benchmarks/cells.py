"""Minute cells of 20 million requests, beside one bare aggregate of the same file.

    python benchmarks/cells.py FOLDER [--rows 20000000]

`bare` counts requests by pod address, minute and status, straight from the Parquet file. `cells` is the statement that views run: pods by
address and time, routes, cohorts, phases, callers, latency histogram.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import duckdb

from benchmarks.detect import make
from forensics import views
from forensics.resources import tree
from forensics.store import closing, open_cache


def main() -> None:
    """Make the case and its views, then make the cells again and time that alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000_000)
    arguments = parser.parse_args()
    case = make(arguments.folder / "cells.case", arguments.rows, connections=1000)
    views.ensure(case)
    start = time.perf_counter()
    duckdb.connect().execute(
        "select upstream_address, epoch_us(time) // 60000000 as minute, http_response_status_code, count(*) "
        f"from '{case.tables}/http_requests/*.parquet' group by all"
    ).fetchall()
    bare = time.perf_counter() - start
    with closing(open_cache(case.database, case.temporary)) as store:
        store.execute("drop view minute_latencies; drop table minute_cells")
        start = time.perf_counter()
        store.execute((tree("queries") / "views" / "15_minute_cells.sql").read_text(encoding="utf-8"))
        seconds = time.perf_counter() - start
        cells, requests = store.rows("select count(*), sum(requests)::bigint from minute_cells")[0]
    print(f"requests     {requests:,}")
    print(f"cells        {cells:,}")
    print(f"bare         {bare:.1f} s")
    print(f"minute cells {seconds:.1f} s, {seconds / bare:.1f} times the bare aggregate")
    print(f"peak memory  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB")


if __name__ == "__main__":
    main()
