"""Envoy's JSON access log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.importers import recognise
from forensics.importers.contract import Head
from tests.ingest.helpers import at, attributes, lines, load

RECORD = {
    "start_time": "2026-03-03T09:00:00.123Z",
    "method": "POST",
    "path": "/orders/7?coupon=a%20b&x=1?2",
    "protocol": "HTTP/2",
    "response_code": 503,
    "response_flags": "UF,URX",
    "response_code_details": "upstream_reset",
    "bytes_received": 12,
    "bytes_sent": 345,
    "duration": 67,
    "upstream_service_time": "66",
    "x_forwarded_for": "203.0.113.7, 10.0.0.1",
    "user_agent": "curl/8.5",
    "request_id": "r-1",
    "authority": "shop.example:8443",
    "upstream_host": "[fd00::5]:8080",
    "upstream_cluster": "outbound|80|canary|shop",
    "downstream_remote_address": "10.0.0.9:54321",
    "requested_server_name": "shop.example",
    "downstream_tls_version": "TLSv1.3",
    "referer": "https://shop.example/",
}


def test_a_full_record(tmp_path: Path) -> None:
    row = load(tmp_path, lines(RECORD)).row("http_requests")
    expected = {
        "record_no": 1,
        "record_offset": 0,
        "observer": "envoy",
        "time": at("2026-03-03T09:00:00.123"),
        "time_raw": "2026-03-03T09:00:00.123Z",
        "http_request_id": "r-1",
        "http_request_method": "POST",
        "url_path": "/orders/7",
        "url_query": "coupon=a%20b&x=1?2",
        "server_address": "shop.example",
        "server_port": 8443,
        "http_response_status_code": 503,
        "http_request_body_size": 12,
        "http_response_body_size": 345,
        "duration_ms": 67.0,
        "network_protocol_name": "http",
        "network_protocol_version": "2",
        "client_address": "203.0.113.7",
        "network_peer_address": "10.0.0.9",
        "network_peer_port": 54321,
        "upstream_address": "fd00::5",
        "upstream_port": 8080,
        "upstream_cluster": "outbound|80|canary|shop",
        "user_agent_original": "curl/8.5",
        "http_request_header_referer": "https://shop.example/",
        "response_flags": "UF,URX",
        "error_type": "upstream_reset",
        "tls_protocol_version": "TLSv1.3",
        "tls_client_server_name": "shop.example",
    }
    assert {key: row[key] for key in expected} == expected


OWN = {key for key in RECORD if key.startswith(("upstream_", "downstream_")) or key in {"response_flags", "response_code_details"}} - {
    "downstream_tls_version"
}  # fmt: skip


@pytest.mark.parametrize(
    ("without", "is_known"),
    [
        ({"response_flags"}, True),
        (OWN - {"upstream_cluster"}, True),
        (OWN, False),
        ({"start_time"}, False),
        ({"response_code"}, False),
    ],
)
def test_which_keys_tell_it(without: set[str], is_known: bool) -> None:
    """Users choose what Envoy logs: time, status and one operator of its own are enough."""
    record = {key: value for key, value in RECORD.items() if key not in without}
    found = recognise(Head(lines(record).encode(), complete=True))
    assert (found is not None and found.name == "envoy-json") == is_known


def test_a_dash_is_nothing(tmp_path: Path) -> None:
    absent = {
        key: "-"
        for key in RECORD
        if key not in ("start_time", "response_code", "response_flags", "bytes_received", "bytes_sent")
    }
    row = load(tmp_path, lines({**RECORD, **absent, "response_code": 0, "response_flags": "DC"})).row("http_requests")
    empty = [
        "http_request_method",
        "url_path",
        "url_query",
        "server_address",
        "server_port",
        "http_response_status_code",
        "duration_ms",
        "network_protocol_name",
        "network_protocol_version",
        "client_address",
        "network_peer_address",
        "network_peer_port",
        "upstream_address",
        "upstream_port",
        "upstream_cluster",
        "user_agent_original",
        "http_request_header_referer",
        "error_type",
        "tls_client_server_name",
    ]
    assert {key: row[key] for key in empty} == dict.fromkeys(empty)
    assert row["response_flags"] == "DC"
    assert "_invalid" not in attributes(row)


def test_json_null_is_nothing(tmp_path: Path) -> None:
    """Envoy writes null for an absent value since 1.25 unless told otherwise."""
    row = load(tmp_path, lines({**RECORD, "x_forwarded_for": None, "upstream_host": None, "path": None})).row(
        "http_requests"
    )
    assert (row["client_address"], row["upstream_address"], row["url_path"], row["url_query"]) == (
        "10.0.0.9",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.1.2.3:80", "10.1.2.3", 80),
        ("[v6]:80", "v6", 80),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("2001:db8::1", "2001:db8::1", None),
        ("host", "host", None),
    ],
)
def test_addresses_with_and_without_port(tmp_path: Path, text: str, address: str, port: int | None) -> None:
    row = load(tmp_path, lines({**RECORD, "upstream_host": text})).row("http_requests")
    assert (row["upstream_address"], row["upstream_port"]) == (address, port)


def test_keys_of_the_users_own(tmp_path: Path) -> None:
    """Known names get a column, the rest stays with its JSON type; the text of upstream_service_time is no attribute."""
    record = {
        **RECORD,
        "x_user_id": "u-7",
        "pod": "shop-1",
        "version": "2.4.0",
        "retries": 2,
        'we"ird': {"a": [1]},
        "it's": True,
    }
    row = load(tmp_path, lines(record)).row("http_requests")
    assert (row["user_id"], row["k8s_pod_name"], row["service_version"]) == ("u-7", "shop-1", "2.4.0")
    assert attributes(row) == {"retries": 2, 'we"ird': {"a": [1]}, "it's": True}


def test_values_of_the_wrong_type_are_kept_aside(tmp_path: Path) -> None:
    row = load(tmp_path, lines({**RECORD, "response_code": "many", "bytes_sent": 9_223_372_036_854_775_808})).row(
        "http_requests"
    )
    assert (row["http_response_status_code"], row["http_response_body_size"]) == (None, None)
    assert attributes(row)["_invalid"] == {
        "http_response_status_code": "many",
        "http_response_body_size": "9223372036854775808",
    }


def test_records_without_a_time_are_refused(tmp_path: Path) -> None:
    late = {key: value for key, value in RECORD.items() if key != "start_time"}
    loaded = load(
        tmp_path,
        lines(
            RECORD,
            RECORD,
            late,
            {**RECORD, "start_time": "yesterday"},
            {**RECORD, "start_time": "1826-01-01T00:00:00Z"},
        ),
    )
    assert loaded.numbers("http_requests") == [1, 2]
    assert loaded.reasons() == [(3, "no start_time"), (4, "start_time is not a time"), (5, "start_time is not a time")]
    assert json.loads(loaded.rows("rejects")[0]["raw"]) == late


def test_an_offset_is_applied(tmp_path: Path) -> None:
    row = load(tmp_path, lines({**RECORD, "start_time": "2026-03-03T01:30:00.000001+05:30"})).row("http_requests")
    assert row["time"] == at("2026-03-02T20:00:00.000001")


@pytest.mark.parametrize("at_head", [True, False])
def test_keys_that_differ_from_a_mapped_one_by_case_are_named(tmp_path: Path, at_head: bool) -> None:
    odd = RECORD | {"Path": "/evil", "METHOD": "DELETE", "other": "kept"}
    records = [odd, *[RECORD] * 300] if at_head else [*[RECORD] * 300, odd]
    loaded = load(tmp_path, "".join(json.dumps(record) + "\n" for record in records))
    (row,) = (row for row in loaded.rows("http_requests") if "_unmapped_keys" in attributes(row))
    assert row["url_path"] == "/orders/7"
    assert {"METHOD", "Path"} <= set(attributes(row)["_unmapped_keys"])
    assert loaded.entry.unmapped_keys == 1


@pytest.mark.parametrize(
    "stamp", ["2026-03-03T09:00:00+99:00", "2026-03-03T09:00:00-19:00", "2026-03-03T09:00:00+2400"]
)
def test_an_offset_of_days_is_no_time(tmp_path: Path, stamp: str) -> None:
    loaded = load(tmp_path, lines(RECORD) * 3 + lines(RECORD | {"start_time": stamp}))
    assert (loaded.entry.accepted, loaded.entry.rejected) == (3, 1)
