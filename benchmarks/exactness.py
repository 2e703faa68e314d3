"""How exact the tests are, and how long they take: against whole numbers, in Python and in SQL.

    python benchmarks/exactness.py [--write]

Prints the tables of docs/statistics.md, `--write` puts them there. The oracle is `tests/statistics/oracle.py`: chances as integers of 1,400
bits. An error is relative to the exact p-value; the largest of all sides, mid-p and the attainable p is shown. Times are of one process on
whatever else the machine does; the engine takes one thread for 100,000 rows.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from math import erfc, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.calibration import put
from forensics import statistics as st
from forensics.resources import tree
from forensics.store import Sandbox, open_memory
from tests.statistics import oracle

Tables = NDArray[np.int64]
_RANGES = (
    (2, 100, 2000),
    (100, 10_000, 1500),
    (10_000, 30_000, 500),
    (30_000, 100_000, 500),
    (100_000, 1_000_000, 100),
    (1_000_000, 20_000_000, 40),
)
# canary and baseline totals of 100,000 tables, and the rate at which both fail
_SHAPES = {
    "up to 250 canary, 3,000 baseline requests, 5 %": (250, 3_000, 0.05),
    "up to 1,000 in each cohort, 50 %": (1_000, 1_000, 0.5),
    "up to 1,000 canary, 30,000 baseline requests, 2 %": (1_000, 30_000, 0.02),
    "up to 20,000 in each cohort, 30 %": (20_000, 20_000, 0.3),
}


def drawn(rng: np.random.Generator, count: int, low: int, high: int) -> Tables:
    """Return tables whose totals lie in a range and whose rates differ by some standard errors."""
    total = np.exp(rng.uniform(np.log(low), np.log(high), count)).astype(np.int64)
    first = np.maximum(1, (total * rng.beta(1, 1.5, count)).astype(np.int64))
    second = np.maximum(total - first, 1)
    rate = rng.beta(0.4, 0.8, count)
    error = np.sqrt(rate * (1 - rate) * (1 / first + 1 / second))
    others = np.clip(rate + rng.choice([1, 2, 9], count) * error * rng.normal(size=count), 0, 1)
    a, c = rng.binomial(first, rate), rng.binomial(second, others)
    return np.column_stack([a, first - a, c, second - c])


def error(found: Mapping[str, Any], exact: list[dict[str, float]]) -> float:
    """Return the largest relative error of all fields."""
    wanted = {field: np.maximum([row[field] for row in exact], st.SMALLEST) for field in oracle.FIELDS}
    return max(float(np.max(np.abs(found[field] / wanted[field] - 1))) for field in oracle.FIELDS)


def keep(store: Sandbox, tables: Tables) -> None:
    """Make the table `given_tables` with the columns a, b, c, d."""
    store.register("rows_", pa.table({name: tables[:, index] for index, name in enumerate("abcd")}))
    store.execute("create or replace table given_tables as select * from rows_")
    store.unregister("rows_")


def errors(store: Sandbox) -> list[str]:
    """Return the table of errors by size of the table."""
    lines = ["| total of the table | tables | Python | SQL |", "|---|---|---|---|"]
    for low, high, count in _RANGES:
        tables = drawn(np.random.default_rng(low), count, low, high)
        exact = [oracle.fisher(*row) for row in tables.tolist()]
        keep(store, tables)
        sql = store.arrow("select unnest(fisher_exact(a, b, c, d)) from given_tables")
        in_sql = error({name: sql[name].to_numpy() for name in sql.column_names}, exact)
        in_python = error(asdict(st.fisher_exact(*tables.T)), exact)
        lines.append(f"| {low:,} to {high:,} | {count:,} | {in_python:.0e} | {in_sql:.0e} |")
    return lines


def timed(work: Callable[[], object]) -> str:
    """Return the better of three times, by the clock and of the processor: the machine may be shared."""
    seconds = []
    for _ in range(3):
        start, busy = time.perf_counter(), time.process_time()
        work()
        seconds.append((time.perf_counter() - start, time.process_time() - busy))
    return f"{min(clock for clock, _ in seconds):.2f} s (CPU {min(busy for _, busy in seconds):.2f} s)"


def times(store: Sandbox, count: int = 100_000) -> list[str]:
    """Return the table of times; SQL with the table's scan and one field summed."""
    lines = [f"| {count:,} Fisher tests, both cohorts fail alike | numpy | SQL |", "|---|---|---|"]
    for title, (canary, baseline, rate) in _SHAPES.items():
        rng = np.random.default_rng(canary)
        first, second = rng.integers(1, canary, count), rng.integers(1, baseline, count)
        a, c = rng.binomial(first, rate), rng.binomial(second, rate)
        tables = np.column_stack([a, first - a, c, second - c])
        keep(store, tables)
        python = timed(partial(st.fisher_exact, *tables.T))
        sql = timed(lambda: store.value("select sum(fisher_exact(a, b, c, d).two_sided) from given_tables"))
        lines.append(f"| {title} | {python} | {sql} |")
    return lines


def normal_form() -> list[str]:
    """Return how the normal form compares with the exact mid-p where its use begins: 10 % canary, 2 % failing, four phases."""
    lines = [
        "| canary and baseline requests of each of 4 phases | exact mid-p | normal form | ratio |",
        "|---|---|---|---|",
    ]
    for excess in (1.0, 1.023, 1.037, 1.057):
        strata = [
            st.Stratum(round(excess * 0.02 * first), first, round(0.02 * second), second)
            for first, second in [(100_000, 900_000)] * 4
        ]
        exact = st.stratified_test(strata)
        variance = sum(_variance(s) for s in strata)
        z = (
            sum(
                s.canary_n - (s.canary_n + s.baseline_n) * s.canary_total / (s.canary_total + s.baseline_total)
                for s in strata
            )
            / variance**0.5
        )
        normal = _two_sided(z)
        assert exact.method.startswith("exact")
        lines.append(f"| 100,000 and 900,000 | {exact.mid_p:.3g} | {normal:.3g} | {normal / exact.mid_p:.2f} |")
    return lines


def _variance(s: st.Stratum) -> float:
    total, events = s.canary_total + s.baseline_total, s.canary_n + s.baseline_n
    return s.canary_total * s.baseline_total * events * (total - events) / (total * total * (total - 1))


def _two_sided(z: float) -> float:
    return erfc(abs(z) / sqrt(2))


def main() -> None:
    """Print the tables, and write them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    arguments = parser.parse_args()
    with closing(open_memory(2)) as store:
        for title in ("statistics", "intervals"):
            store.execute((tree("queries") / "macros" / f"{title}.sql").read_text(encoding="utf-8"))
        text = "\n".join([*errors(store), "", *times(store), "", *normal_form()])
    print(text)
    if arguments.write:
        put("exactness.py", text)


if __name__ == "__main__":
    main()
