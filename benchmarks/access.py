"""Time and memory of the detectors of access over a large access log.

    python benchmarks/access.py [--requests 10000000] [--threads 2]

The log is made by the engine (120 routes, 200,000 callers, 2 % refused, orders and carts with owners, sessions, a scanner), with 20,000 samples; then
the views are built, and each detector runs as `review` runs it. Prints seconds by step, the slowest detectors, and the most memory the process had.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from forensics.config import parse
from forensics.detectors import Context, load, run
from forensics.detectors.testing import DEFAULT_CONFIG
from forensics.store import Sandbox, literal, open_cache, open_memory, open_sandbox
from forensics.views import build

CONFIG = parse(DEFAULT_CONFIG).config
SAMPLES = 20_000
OBSERVERS = {"http_requests": "envoy", "http_exchanges": "exchange"}
_ROWS = """
select n + 1 as record_no, n * 300 as record_offset, '{observer}' as observer,
    timestamp '2026-03-03 08:30:00' + to_microseconds(n * 5400000000 // {rows}) as time,
    case when hash(caller) % 20 = 0 and n * 5400 // {rows} > 1800 then '2.4.0' else '2.3.9' end as service_version,
    case when route % 5 = 0 then 'POST' else 'GET' end as http_request_method,
    case when scans then '/scan-' || n % 5000 || '.php' when route < 40 then '/orders/' || caller || '/' || n % 3 when route < 60 then '/carts/' || caller else '/area-' || route end as url_path,
    'shop.example' as server_address,
    case when scans then 404 when h % 50 = 0 then (case when h % 100 = 0 then 401 else 403 end) when h % 97 = 0 then 503 else 200 end as http_response_status_code,
    h % 9000 as http_response_body_size, 12.5::double as duration_ms,
    '198.51.' || caller % 200 || '.' || caller % 250 as client_address, 'Mozilla/5.0 (X11; Linux x86_64) ' || caller % 30 as user_agent_original,
    case when caller % 4 > 0 then 'acct-' || caller end as user_id, case when caller % 4 > 0 then 'role-' || caller % 5 end as user_role,
    case when caller % 4 > 0 then 's-' || caller || '-' || n * 9 // {rows} end as session_id,
    case when caller % 4 > 0 then 'cookie' else 'anon' end as authentication_kind
from (select range as n, hash(range) as h, hash(range * 7) % 200000 as caller, hash(range * 13) % 120 as route, hash(range * 17) % 500 = 0 as scans from range({rows}))
"""


def made(folder: Path, requests: int) -> None:
    """Write the tables as a case has them."""
    with closing(open_memory(2)) as store:
        for table, observer in OBSERVERS.items():
            rows = requests if table == "http_requests" else SAMPLES
            path = folder / f"{observer}{'0' * 8}.parquet"
            more = (
                ", [{'name': 'accept', 'value': '*/*'}] as http_request_headers, '{\"id\": 1}' as http_response_body"
                if table == "http_exchanges"
                else ""
            )
            inner = _ROWS.format(observer=observer, rows=rows)
            store.execute(
                f"copy (select *{more} from ({inner}) order by record_no) to {literal(str(path))} (format parquet, compression zstd)"
            )


def peak() -> float:
    """Return the most memory the process had, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Make, build, run, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maker = get_context("spawn").Process(target=made, args=(folder, given.requests))  # its memory is not ours
        maker.start()
        maker.join()
        files = {table: [folder / f"{observer}{'0' * 8}.parquet"] for table, observer in OBSERVERS.items()}
        begin = time.monotonic()
        with closing(open_cache(folder / "case.duckdb", folder, given.threads)) as store:
            build(store, CONFIG, [], files)
            _told("views of all families", begin)
        with closing(
            open_sandbox(
                folder / "case.duckdb", [path for paths in files.values() for path in paths], folder, given.threads
            )
        ) as sandbox:
            _detect(sandbox)


def _detect(sandbox: Sandbox) -> None:
    begin, each = time.monotonic(), []
    for detector in (item for item in load() if item.family == "access"):
        start = time.monotonic()
        outcome = run(sandbox, detector, Context(CONFIG, date(2026, 3, 3)))
        each.append((time.monotonic() - start, detector.id, outcome.state.state, outcome.state.reason))
    _told("detectors of access", begin)
    for seconds, title, state, reason in sorted(each, reverse=True)[:12]:
        print(f"  {seconds:6.2f} s  {title}  {state}: {reason[:90]}")


def _told(step: str, begin: float) -> None:
    print(f"{step}: {time.monotonic() - begin:.1f} s, at most {peak():.2f} GB so far", flush=True)


if __name__ == "__main__":
    main()
