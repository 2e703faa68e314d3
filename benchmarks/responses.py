"""Time and memory of `replay diff` over many sampled responses, beside the structure of the same bodies alone (json_structure).

    python benchmarks/responses.py [--responses 200000]

Responses of 2 kB on 40 routes, one in ten by the canary, which returns one property more on one route. They are made by the engine and lie in memory;
opening a case is not part of the figure.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import detect
from forensics import views
from forensics.config import parse
from forensics.replay.responses import compare
from forensics.replay.responses.facets import FACETS
from forensics.store import QUERY_MEMORY, Sandbox, open_memory

_ROWS = """
insert into facts.http_exchanges by name
select 'made' as evidence_id, n as record_no, 'made:' || n as record_id, 'o' as observer, timestamp '2026-03-03 09:00:00' + to_milliseconds(n % 3600000) as time,
    case when n % 10 = 0 then '2.4.0' else '2.3.9' end as service_version, 'pod-' || (n % 10 = 0) || n % 7 as k8s_pod_name, 'GET' as http_request_method,
    '/r' || n % 39 as url_path, '/r' || n % 39 as http_route, 'u' || n % 20011 as user_id, 200 as http_response_status_code, 'application/json' as http_response_mime_type,
    [{'name': 'content-type', 'value': 'application/json'}, {'name': 'cache-control', 'value': 'no-store'}] as http_response_headers, 'decoded' as http_response_body_state,
    '{"id":' || n || ',"total":' || n * 3 % 1000 || case when n % 10 = 0 and n % 39 = 0 then ',"secretNote":"y"' else '' end || ',"items":['
        || list_aggregate(list_transform(range(12), lambda i: '{"sku":"s' || (n + i) % 5000 || '","name":"thing of the shop","price":' || i || '.5,"tags":["new","red"],"note":"'
        || repeat('text ', 12) || '"}'), 'string_agg', ',') || ']}' as http_response_body
from range({count}) t(n)
"""


def made(count: int) -> Sandbox:
    """Return the tables of so many responses."""
    store = open_memory()
    store.execute(f"set memory_limit = '{QUERY_MEMORY}'")  # as for a case on disk
    views.load_rows(store, {})
    store.execute(_ROWS.replace("{count}", str(count)))
    views.derive(store, parse(detect.CONFIG).config, [], query=FACETS)
    return store


def main() -> None:
    """Print seconds, ratio and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=200_000)
    count = parser.parse_args().responses
    store = made(count)
    begin = time.monotonic()
    forms = store.value("select count(distinct json_structure(http_response_body)::varchar) from facts.http_exchanges")
    alone = time.monotonic() - begin
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    begin = time.monotonic()
    told = compare(store)
    taken = time.monotonic() - begin
    assert [(row["change"], row["path"]) for row in told["changes"]] == [("new", "$.secretNote")]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{count:,} responses, {forms} structures: diff {taken:.1f} s, json_structure alone {alone:.1f} s, ratio {taken / alone:.1f}"
    )
    print(f"resident {before:.1f} GB with the rows, {after:.1f} GB at most")


if __name__ == "__main__":
    main()
