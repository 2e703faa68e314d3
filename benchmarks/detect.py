"""Detection over 10 million requests and 10 million connections.

    python benchmarks/detect.py FOLDER [--rows 10000000] [--distinct 500000] [--views-only]

Makes a case whose tables the engine writes directly (what ingest writes, without the text in between), then measures building the
views and running all detectors. The baseline named beside it is one full scan of both tables that counts rows by pod.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import duckdb

from benchmarks.generate import MACROS
from forensics import views
from forensics.case import Case, LedgerEntry, create
from forensics.config import parse
from forensics.review import Options, detect
from forensics.schema import TABLES

_REQUESTS = {
    "observer": "'envoy'", "time": "stamp(i)", "http_request_method": "'GET'", "url_path": "path(i)", "http_response_status_code": "status(i)",
    "http_response_body_size": "r(i, 12, 16384)", "duration_ms": "r(i, 13, 256)::double", "client_address": "client(i)",
    "upstream_address": "pod_address(i)", "user_id": "case when r(i, 17, 3) = 0 then null else 'u-' || r(i, 18, 200000) end",
    "authentication_kind": "case when r(i, 17, 3) = 0 then 'anon' else 'bearer' end", "user_agent_original": "agent(i)",
}  # fmt: skip
CONNECTIONS = {
    "observer": "'zeek.conn'", "time": "stamp(i)", "connection_uid": "'C' || hash(i)", "source_address": "pod_address(i)", "source_port": "30000 + r(i, 15, 20000)",
    "destination_address": "'198.51.' || r(i, 21, 20) || '.' || r(i, 22, 250)", "destination_port": "443", "network_transport": "'tcp'",
    "source_bytes": "r(i, 11, 20000)", "destination_bytes": "r(i, 12, 90000)", "connection_state": "'SF'", "is_established": "true",
}  # fmt: skip
# Many distinct values: what dimension tables cost. Paths of four shapes, one of them spelled like a bypass; destinations over /8 networks.
_MANY = {
    "url_path": "case r(i, 5, 4) when 0 then '/products/p-' || r(i, 6, {quarter}) when 1 then '/users/name' || chr((97 + r(i, 6, {quarter}) % 26)::int) || r(i, 6, {quarter}) "
    "when 2 then '/files/' || md5(r(i, 6, {quarter})::varchar) else '/shop/%61rea/../' || r(i, 6, {quarter}) || '/items/7' end",
    "destination_address": "(20 + r(i, 21, {distinct}) % 97) || '.' || r(i, 21, {distinct}) // 65536 || '.' || r(i, 21, {distinct}) // 256 % 256 || '.' || r(i, 21, {distinct}) % 256",
    "destination_domain": "case when r(i, 23, 2) = 0 then 'h' || r(i, 24, {distinct}) || '.svc' || r(i, 24, 5000) || '.example.co.uk' end",
}  # fmt: skip
IDENTITIES = "select '10.42.1.' || (k + 1) as address, 'checkout-7c9d5b8f6d-' || k as pod, '2.3.9' as version from range(20) t(k) union all select '10.42.9.' || (k + 1), 'checkout-5f6b7d9c84-' || k, '2.4.0' from range(2) t(k)"
CONFIG = """
[[phase]]
name = "weight-8"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T17:00:00Z
weight = 8
[[cohort]]
cohort = "canary"
column = "service_version"
equals = "2.4.0"
[[cohort]]
cohort = "baseline"
column = "service_version"
equals = "2.3.9"
"""


def write(
    connection: duckdb.DuckDBPyConnection, case: Case, table: str, columns: dict[str, str], rows: int
) -> LedgerEntry:
    """Write one table of `rows` rows and return its ledger entry."""
    identity = {"http_requests": "1" * 16, "connections": "2" * 16, "identities": "3" * 16}[table]
    path = case.tables / table / f"{identity}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {"record_no": "i + 1", **columns}
    select = ", ".join(
        f"({given.get(column, 'null')})::{kind} as {column}"
        for column, kind in TABLES[table].types.items()
        if column != "evidence_id"
    )
    connection.execute(f"copy (select {select} from range({rows}) t(i)) to '{path}' (format parquet, compression zstd)")
    return LedgerEntry(
        identity, f"{table}.bench", str(path), "ingested", 0, "", "", 0, records=rows, accepted=rows, rows={table: rows}
    )


def main() -> None:
    """Make the case, build the views, run the detectors, print seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument(
        "--distinct", type=int, default=0, help="distinct paths and destinations; 0 = as few as a shop has"
    )
    parser.add_argument("--views-only", action="store_true")
    arguments = parser.parse_args()
    case = make(arguments.folder / "detect.case", arguments.rows, arguments.distinct)
    baseline = scan(case)
    start = time.perf_counter()
    views.ensure(case)
    built = time.perf_counter()
    if arguments.views_only:
        print(f"views             {built - start:.1f} s after one scan of {baseline:.1f} s")
        print(f"peak memory       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB")
        return
    result = detect(case, Options())
    done = time.perf_counter()
    print(f"rows a table      {arguments.rows:,}")
    print(f"one scan, by pod  {baseline:.1f} s")
    print(f"views             {built - start:.1f} s")
    print(f"detectors         {done - built:.1f} s for {len(result.detectors)} detectors and all results")
    print(f"both              {done - start:.1f} s, {(done - start) / baseline:.1f} times the scan")
    print(f"peak memory       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB")


def make(folder: Path, rows: int, distinct: int = 0, connections: int | None = None) -> Case:
    """Write the case's tables; without `connections` there are as many of these as requests."""
    shutil.rmtree(folder, ignore_errors=True)
    case = create(folder)
    case.write_config(parse(CONFIG))
    connection = duckdb.connect()
    connection.execute(MACROS)
    connection.execute(f"create table ids as select row_number() over () - 1 as i, * from ({IDENTITIES})")
    pick = {
        "address": "(select address from ids where ids.i = t.i)",
        "k8s_pod_name": "(select pod from ids where ids.i = t.i)",
        "service_version": "(select version from ids where ids.i = t.i)",
    }
    many = (
        {key: text.format(distinct=distinct, quarter=distinct // 4) for key, text in _MANY.items()} if distinct else {}
    )
    requests = _REQUESTS | {key: many[key] for key in many if key == "url_path"}
    entries = [
        write(connection, case, "http_requests", requests, rows),
        write(
            connection,
            case,
            "connections",
            CONNECTIONS | {key: many[key] for key in many if key != "url_path"},
            rows if connections is None else connections,
        ),
        write(connection, case, "identities", pick, 22),
    ]
    case.finish_ingest(entries)
    return case


_SCANNED = (("http_requests", "upstream_address"), ("connections", "source_address"))


def scan(case: Case, tables: Sequence[tuple[str, str]] = _SCANNED) -> float:
    """Return the seconds of one aggregate over each table."""
    connection = duckdb.connect()
    start = time.perf_counter()
    for table, column in tables:
        connection.execute(
            f"select {column}, count(*), min(time), max(time) from '{case.tables}/{table}/*.parquet' group by all"
        ).fetchall()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
