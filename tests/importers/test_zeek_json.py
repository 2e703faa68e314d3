"""Zeek's logs as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.ingest.helpers import at, attributes, lines, load

CONN: dict[str, Any] = {
    "ts": 1772528400.000001, "uid": "C1", "id.orig_h": "10.42.0.7", "id.orig_p": 40000, "id.resp_h": "203.0.113.5", "id.resp_p": 443, "proto": "tcp",
    "service": "ssl", "duration": 1.5, "orig_bytes": 120, "resp_bytes": 3400, "conn_state": "SF", "local_orig": True, "local_resp": False,
}  # fmt: skip
DNS: dict[str, Any] = {
    "ts": 1772528402.25, "uid": "C3", "id.orig_h": "10.42.0.7", "id.orig_p": 5353, "id.resp_h": "10.42.0.2", "id.resp_p": 53, "proto": "udp",
    "trans_id": 77, "query": "Api.Mailer.Example", "qclass_name": "C_INTERNET", "qtype_name": "A", "rcode_name": "NOERROR",
    "answers": ["203.0.113.9", "a,b"], "TTLs": [60.0, 30],
}  # fmt: skip
HTTP: dict[str, Any] = {
    "ts": 1772528403.5, "uid": "C4", "id.orig_h": "10.42.0.7", "id.orig_p": 1, "id.resp_h": "10.42.0.8", "id.resp_p": 8080, "trans_depth": 1,
    "method": "GET", "host": "shop.example", "uri": "/a?b", "version": "1.1", "status_code": 200,
}  # fmt: skip


def flat(record: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(".", "_"): value for key, value in record.items()}


def test_a_connection(tmp_path: Path) -> None:
    row = load(tmp_path, lines(CONN)).row("connections")
    expected = {
        "record_no": 1,
        "observer": "zeek.conn",
        "time": at("2026-03-03T09:00:00.000001"),
        "end_time": at("2026-03-03T09:00:01.500001"),
        "duration_ms": 1500.0,
        "source_address": "10.42.0.7",
        "source_port": 40000,
        "destination_address": "203.0.113.5",
        "destination_port": 443,
        "network_direction": "outbound",
        "source_bytes": 120,
        "is_established": True,
    }
    assert {key: row[key] for key in expected} == expected


def test_names_with_underscores(tmp_path: Path) -> None:
    """What several shippers make of id.orig_h."""
    row = load(tmp_path, lines(flat(CONN))).row("connections")
    assert (row["source_address"], row["source_port"], row["destination_address"], row["destination_port"]) == (
        "10.42.0.7",
        40000,
        "203.0.113.5",
        443,
    )
    assert attributes(row) == {}


def test_answers_of_a_question(tmp_path: Path) -> None:
    row = load(tmp_path, lines(DNS)).row("dns_queries")
    assert row["dns_answers"] == [
        {"type": None, "data": "203.0.113.9", "ttl": 60.0},
        {"type": None, "data": "a,b", "ttl": 30.0},
    ]
    assert (row["dns_question_name"], row["dns_question_class"], row["dns_id"]) == ("api.mailer.example", "IN", "77")


def test_the_port_of_the_host_or_of_the_connection(tmp_path: Path) -> None:
    rows = load(tmp_path, lines(HTTP, {**HTTP, "host": "shop.example:81"})).rows("http_requests")
    assert [(row["server_address"], row["server_port"], row["url_path"], row["url_query"]) for row in rows] == [
        ("shop.example", 8080, "/a", "b"),
        ("shop.example", 81, "/a", "b"),
    ]


def test_several_logs_in_one_stream(tmp_path: Path) -> None:
    text = lines(
        {"_path": "conn", **CONN},
        {"_path": "dns", **DNS},
        {"_path": "http", **HTTP},
        {"_path": "conn", **CONN, "uid": "C9"},
    )
    loaded = load(tmp_path, text)
    assert loaded.numbers("connections") == [1, 4]
    assert loaded.numbers("dns_queries") == [2]
    assert loaded.numbers("http_requests") == [3]
    assert loaded.entry.rejected == 0


def test_two_logs_that_feed_one_table(tmp_path: Path) -> None:
    tls = {
        "_path": "ssl",
        "ts": 1772528400.5,
        "uid": "C1",
        "id.orig_h": "10.42.0.7",
        "id.resp_h": "203.0.113.5",
        "established": True,
        "server_name": "Api.Example",
    }
    rows = load(tmp_path, lines({"_path": "conn", **CONN}, tls)).rows("connections")
    assert [(row["observer"], row["destination_domain"], row["connection_state"]) for row in rows] == [
        ("zeek.conn", None, "SF"),
        ("zeek.ssl", "api.example", None),
    ]


def test_a_log_that_is_not_mapped(tmp_path: Path) -> None:
    text = lines(
        {"_path": "conn", **CONN},
        {"_path": "files", "ts": 1772528400.0, "fuid": "F"},
        {"_path": "conn", **CONN},
        {"ts": 1772528400.0},
    )
    loaded = load(tmp_path, text)
    assert loaded.numbers("connections") == [1, 3]
    assert loaded.reasons() == [(2, "a Zeek log that is not mapped"), (4, "a Zeek log that is not mapped")]


def test_times_as_iso_8601_with_and_without_offset(tmp_path: Path) -> None:
    stamps = ["2026-03-03T09:00:00.123456Z", "2026-03-03T10:00:00.5+01:00", "2026-03-03T09:00:00"]
    rows = load(tmp_path, lines(*({**CONN, "ts": stamp} for stamp in stamps))).rows("connections")
    assert [row["time"] for row in rows] == [
        at("2026-03-03T09:00:00.123456"),
        at("2026-03-03T09:00:00.5"),
        at("2026-03-03T09:00:00"),
    ]


def test_microseconds_survive(tmp_path: Path) -> None:
    stamps = ["1772528400.123457", "1772528400.999999", "1772528400", "1.772528400123457e9"]
    rows = load(tmp_path, "".join(lines(CONN).replace("1772528400.000001", stamp) for stamp in stamps)).rows(
        "connections"
    )
    assert [row["time"].microsecond for row in rows] == [123457, 999999, 0, 123457]


def test_records_that_cannot_be_used(tmp_path: Path) -> None:
    text = lines(CONN, CONN, CONN, {**CONN, "ts": "soon"}, {**CONN, "ts": None}, "[1, 2]", "{", {**CONN, "ts": 12.5})
    loaded = load(tmp_path, text)
    assert loaded.reasons() == [
        (4, "ts is not a time"), (5, "ts is not a time"), (6, "not a JSON object"), (7, "not a JSON object"), (8, "ts is not a time"),
    ]  # fmt: skip


def test_a_key_first_seen_in_the_middle(tmp_path: Path) -> None:
    """Zeek leaves out what is unset: a field may come late; all lines of the head count."""
    short = {key: value for key, value in CONN.items() if key not in ("service", "orig_bytes")}
    rows = load(tmp_path, lines(short, short, CONN, {**CONN, "vlan": 7})).rows("connections")
    assert [row["source_bytes"] for row in rows] == [None, None, 120, 120]
    assert attributes(rows[3]) == {"vlan": 7}


def test_a_field_first_seen_behind_the_head(tmp_path: Path) -> None:
    """The head is 64 KiB; Zeek leaves out what is unset, so a column may begin anywhere."""
    short = {key: value for key, value in CONN.items() if key not in ("service", "orig_bytes")}
    rows = load(tmp_path, lines(*[short] * 600, CONN)).rows("connections")
    assert (rows[600]["source_bytes"], rows[600]["network_protocol_name"], rows[0]["source_bytes"]) == (
        120,
        "ssl",
        None,
    )


def test_a_log_first_seen_behind_the_head(tmp_path: Path) -> None:
    text = lines(*[{"_path": "conn", **CONN}] * 600, {"_path": "dns", **DNS})
    loaded = load(tmp_path, text)
    assert (loaded.numbers("dns_queries"), loaded.entry.rejected) == ([601], 0)


def test_keys_that_differ_by_case_or_are_empty(tmp_path: Path) -> None:
    row = load(tmp_path, lines({**CONN, "TS": 5, "": 6, "Vlan": 7})).row("connections")
    assert (row["time"], attributes(row)) == (
        at("2026-03-03T09:00:00.000001"),
        {"Vlan": 7, "_unmapped_keys": ["", "TS"]},
    )
