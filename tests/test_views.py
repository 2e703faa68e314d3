"""The cache: observers, names of destinations, routes, and that it is only a cache."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from forensics import views
from forensics.case import Case, create
from forensics.config import parse
from forensics.ingest import ingest
from forensics.schema import TABLES
from forensics.store import Sandbox, open_memory

RULES = """
[[cohort]]
cohort = "canary"
column = "k8s_pod_name"
equals = "c"
[[cohort]]
cohort = "baseline"
column = "k8s_pod_name"
equals = "b"
"""
T = "2026-03-03T09:30:00"


def built(toml: str = RULES, **tables: Any) -> Sandbox:
    store = open_memory(1)
    views.load_rows(store, tables)
    views.derive(store, parse(toml).config, [])
    return store


def requests(observer: str, canary: int, baseline: int, unknown: int = 0) -> list[dict[str, Any]]:
    pods = ["c"] * canary + ["b"] * baseline + ["x"] * unknown
    return [{"time": T, "observer": observer, "k8s_pod_name": pod} for pod in pods]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (requests("envoy", 2, 9) + requests("zeek.http", 1, 30), "envoy"),
        (requests("envoy", 0, 90) + requests("zeek.http", 1, 1), "zeek.http"),
        (requests("a", 2, 2) + requests("b", 2, 3), "b"),
        (requests("a", 2, 2) + requests("b", 2, 2), "a"),
        (requests("a", 0, 0, 3) + requests("b", 0, 0, 9), "b"),
    ],
)
def test_one_observer_is_chosen_for_both_cohorts(rows: list[dict[str, Any]], expected: str) -> None:
    store = built(http_requests=rows)
    assert store.rows("select distinct observer from main.http_requests") == [(expected,)]
    assert store.value("select count(*) from observed.http_requests") == len(rows)


def test_statements_of_all_sources_add_up() -> None:
    store = built(
        rollout_events=[
            {"time": T, "observer": "a", "event_kind": "note"},
            {"time": T, "observer": "b", "event_kind": "note"},
        ]
    )
    assert store.value("select count(*) from main.rollout_events") == 2


def test_every_view_binds_over_nothing() -> None:
    store = built("")
    for schema, view in store.rows("select table_schema, table_name from information_schema.tables"):
        assert store.rows(f'select * from "{schema}"."{view}" limit 0') == []


def connection(**more: Any) -> dict[str, Any]:
    return {
        "time": T,
        "observer": "zeek.conn",
        "k8s_pod_name": "c",
        "source_address": "10.42.0.7",
        "destination_address": "203.0.113.5",
        "destination_port": 443,
        **more,
    }


def dns(name: str, *addresses: str, time: str = "2026-03-03T09:00:00", client: str = "10.42.0.7") -> dict[str, Any]:
    return {
        "time": time,
        "observer": "zeek.dns",
        "client_address": client,
        "dns_question_name": name,
        "dns_answers": [{"type": None, "data": address, "ttl": 60.0} for address in addresses],
    }


def named(store: Sandbox) -> list[tuple[Any, ...]]:
    return store.rows("select destination, named_by from outbound order by record_no")


def test_dns_names_a_connection_of_the_client_that_asked() -> None:
    rows = [
        connection(),
        connection(source_address="10.42.0.8"),
        connection(time="2026-03-03T08:59:59"),
        connection(destination_address="203.0.113.6"),
    ]
    store = built(connections=rows, dns_queries=[dns("api.example", "203.0.113.5")])
    assert named(store) == [
        ("api.example", "dns"),
        ("203.0.113.5", "none"),
        ("203.0.113.5", "none"),
        ("203.0.113.6", "none"),
    ]


def test_the_latest_answer_holds() -> None:
    """Two names share an address: each connection has the name asked for last, and none is doubled."""
    questions = [
        dns("a.example", "203.0.113.5"),
        dns("b.example", "203.0.113.5", time="2026-03-03T09:10:00"),
        dns("a.example", "203.0.113.5", time="2026-03-03T09:20:00"),
    ]
    rows = [connection(time=f"2026-03-03T09:{minute}:00") for minute in ("05", "15", "25")]
    assert named(built(connections=rows, dns_queries=questions)) == [
        ("a.example", "dns"),
        ("b.example", "dns"),
        ("a.example", "dns"),
    ]


def test_sni_wins_over_dns_and_over_host() -> None:
    tls = {
        "time": T,
        "observer": "zeek.ssl",
        "connection_uid": "C1",
        "source_address": "10.42.0.7",
        "destination_address": "203.0.113.5",
        "tls_client_server_name": "sni.example",
    }
    http = {"time": T, "observer": "zeek.http", "connection_uid": "C2", "server_address": "host.example"}
    rows = [
        connection(connection_uid="C1"),
        connection(connection_uid="C2"),
        connection(tls_client_server_name="own.example", connection_uid="C1"),
        connection(connection_uid="C3"),
    ]
    store = built(connections=[*rows, tls], http_requests=[http], dns_queries=[dns("dns.example", "203.0.113.5")])
    assert named(store) == [
        ("sni.example", "sni"),
        ("host.example", "host"),
        ("own.example", "connection"),
        ("dns.example", "dns"),
    ]


def test_what_counts_as_outbound() -> None:
    rows = [
        connection(is_established=flag, network_direction=direction)
        for flag in (True, None, False)
        for direction in ("outbound", None, "inbound")
    ]
    assert [row[0] for row in built(connections=rows).rows("select record_no from outbound order by record_no")] == [
        1,
        2,
        4,
        5,
    ]


ALLOW = """
[window]
end = 2026-03-10T00:00:00Z
[[allow]]
destination = "*.example:443"
owner = "o"
reason = "r"
[[allow]]
destination = "203.0.113.0/24:8443"
owner = "o"
reason = "r"
[[allow]]
destination = "198.51.100.0/24"
owner = "o"
reason = "r"
[[allow]]
destination = "late.test:443"
owner = "o"
reason = "r"
expires = 2026-03-01
"""


def test_allowed_destinations() -> None:
    rows = [
        connection(tls_client_server_name="api.example"),
        connection(tls_client_server_name="api.example", destination_port=80),
        connection(destination_port=8443),
        connection(destination_port=8444),
        connection(destination_address="198.51.100.7", destination_port=1),
        connection(destination_address="192.0.2.1", tls_client_server_name="late.test"),
    ]
    store = built(RULES + ALLOW, connections=rows)
    assert set(store.rows("select destination, destination_port from allowed_destinations")) == {
        ("api.example", 443),
        ("203.0.113.5", 8443),
        ("198.51.100.7", 1),
    }


ROUTES = {
    "/": "/",
    "/orders": "/orders",
    "/orders/7": "/orders/{id}",
    "/orders/7/": "/orders/{id}/",
    "/orders/7/8/9": "/orders/{id}/{id}/{id}",
    "/orders/7/items/8": "/orders/{id}/items/{id}",
    "/v1/orders/12": "/v1/orders/{id}",
    "/v2": "/v2",
    "/api/v10/x": "/api/v10/x",
    "/users/123e4567-e89b-12d3-a456-426614174000": "/users/{id}",
    "/users/123E4567-E89B-12D3-A456-426614174000/pets": "/users/{id}/pets",
    "/files/0123456789abcdef0123": "/files/{id}",
    "/files/deadbeef": "/files/deadbeef",
    "/files/aaaaaaaaaaaa": "/files/{id}",
    "/reports/2026-03-03": "/reports/{id}",
    "/reports/2026-03": "/reports/2026-03",
    "/tickets/ABC-123": "/tickets/{id}",
    "/orders/ord_88": "/orders/{id}",
    "/users/u10042": "/users/{id}",
    "/users/user12": "/users/user12",
    "/people/jane@shop.example": "/people/{id}",
    "/people/jane%40shop.example/x": "/people/{id}/x",
    "/static/app.js": "/static/app.js",
    "/static/app.0123456789abcdef.js": "/static/app.0123456789abcdef.js",
    "//7": "//{id}",
    "/7": "/{id}",
    "/a b/9": "/a b/{id}",
    "/日本/9": "/日本/{id}",
    "/..%2f..%2fetc/passwd": "/..%2f..%2fetc/passwd",
    "7": "7",
    "*": "*",
    "/%31": "/%31",
}


def test_routes_by_shape() -> None:
    store = built("", http_requests=[{"time": T, "url_path": path} for path in ROUTES])
    assert dict(store.rows("select url_path, route from dims.routes")) == ROUTES


def test_given_routes_come_first() -> None:
    text = '[[route]]\ntemplate = "/orders/{id}/items"\n[[route]]\ntemplate = "/a.b/{x}"\n'
    paths = ["/orders/abc/items", "/orders/a/b/items", "/aXb/1", "/a.b/c", "/orders/7"]
    store = built(text, http_requests=[{"time": T, "url_path": path} for path in paths])
    found = dict(store.rows("select url_path, route from dims.routes"))
    assert [found[path] for path in paths] == [
        "/orders/{id}/items",
        "/orders/a/b/items",
        "/aXb/{id}",
        "/a.b/{x}",
        "/orders/{id}",
    ]


def made(folder: Path) -> tuple[Case, Path]:
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    record = {"start_time": "2026-03-03T09:30:00Z", "response_code": 200, "response_flags": "-"}
    lines = [json.dumps({**record, "path": f"/{number}", "pod": "bc"[number % 2]}) for number in range(100)]
    (evidence / "a.log.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    case = create(folder / "x.case")
    case.write_config(parse(RULES))
    ingest(case, [evidence])
    return case, evidence


def counts(case: Case) -> dict[str, int]:
    with views.opened(case) as sandbox:
        return {
            row["cohort"]: row["rows"]
            for row in sandbox.select(
                "select cohort, count(*) as rows from http_requests group by cohort order by cohort"
            )
        }


def test_a_changed_rule_reads_no_evidence(tmp_path: Path) -> None:
    case, evidence = made(tmp_path)
    assert counts(case) == {"baseline": 50, "canary": 50}
    tables = {path: path.read_bytes() for path in case.tables.rglob("*.parquet")}
    shutil.rmtree(evidence)
    case.write_config(parse(RULES.replace('"c"', '"z"')))
    assert counts(case) == {"baseline": 50, "unknown": 50}
    assert {path: path.read_bytes() for path in case.tables.rglob("*.parquet")} == tables


def test_the_cache_may_be_deleted_damaged_or_moved(tmp_path: Path) -> None:
    case, _ = made(tmp_path)
    expected = counts(case)
    case.database.unlink()
    assert counts(case) == expected
    shutil.rmtree(case.temporary)
    (case.folder / "case.duckdb.key").unlink()
    assert counts(case) == expected
    moved = Case(tmp_path / "elsewhere" / "y.case")
    moved.folder.parent.mkdir()
    shutil.move(case.folder, moved.folder)
    assert counts(moved) == expected


def test_an_unchanged_case_keeps_its_cache(tmp_path: Path) -> None:
    case, _ = made(tmp_path)
    counts(case)
    before = case.database.stat().st_mtime_ns
    counts(case)
    assert case.database.stat().st_mtime_ns == before


def test_facts_carry_where_they_come_from(tmp_path: Path) -> None:
    case, _ = made(tmp_path)
    entry = case.ledger()[0]
    with views.opened(case) as sandbox:
        rows = sandbox.select(
            "select record_id, evidence_id, record_no from facts.http_requests order by record_no limit 1"
        )
        assert rows == [{"record_id": f"{entry.id}:1", "evidence_id": entry.id, "record_no": 1}]
        for table in TABLES:
            assert sandbox.select(f"select count(*) as n from facts.{table}")[0]["n"] == entry.rows.get(table, 0)


def test_the_sandbox_reads_nothing_else(tmp_path: Path) -> None:
    from forensics.errors import QueryError

    case, evidence = made(tmp_path)
    with views.opened(case) as sandbox:
        for sql in (
            f"select * from read_text('{evidence / 'a.log.gz'}')",
            "select * from read_text('/etc/passwd')",
            "copy http_requests to '/tmp/x'",
            "attach '/tmp/x.db'",
            "select 1; select 2",
        ):
            with pytest.raises(QueryError):
                sandbox.select(sql)
