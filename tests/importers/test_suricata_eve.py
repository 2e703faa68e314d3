"""Suricata EVE: flows, TLS, DNS of three versions, HTTP, alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import Loaded, at, attributes, lines, load

COMMON: dict[str, Any] = {
    "timestamp": "2026-03-03T10:00:05.500000+0100", "flow_id": 1234567890123456, "in_iface": "eth0", "src_ip": "10.42.9.1", "src_port": 45000,
    "dest_ip": "203.0.113.7", "dest_port": 443, "proto": "TCP", "community_id": "1:x",
}  # fmt: skip
FLOW: dict[str, Any] = {
    **COMMON, "event_type": "flow", "app_proto": "tls", "tcp": {"tcp_flags": "1b", "state": "closed"},
    "flow": {
        "pkts_toserver": 10, "pkts_toclient": 12, "bytes_toserver": 4200, "bytes_toclient": 9000, "start": "2026-03-03T10:00:00.000000+0100",
        "end": "2026-03-03T10:00:04.250000+0100", "age": 4, "state": "closed", "reason": "timeout",
    },
}  # fmt: skip
TLS = {
    **COMMON, "event_type": "tls",
    "tls": {"sni": "Collect.Example", "version": "TLS 1.2", "subject": "CN=a", "issuerdn": "CN=b", "ja3": {"hash": "abc", "string": "771"}, "fingerprint": "f"},
}  # fmt: skip
DNS = {**COMMON, "event_type": "dns", "dest_ip": "10.43.0.10", "dest_port": 53, "proto": "UDP"}
ANSWER = {
    "version": 2, "type": "answer", "id": 7, "rrname": "collect.example.", "rrtype": "A", "rcode": "NOERROR",
    "answers": [{"rrname": "collect.example", "rrtype": "A", "ttl": 30, "rdata": "203.0.113.7"}],
}  # fmt: skip


def loaded(tmp_path: Path, *records: dict[str, Any]) -> Loaded:
    found = load(tmp_path, lines(*records))
    assert found.entry.format == "suricata-eve"
    return found


def test_a_flow(tmp_path: Path) -> None:
    row = loaded(tmp_path, FLOW).row("connections")
    expected = {
        "observer": "suricata.flow", "time": at("2026-03-03T09:00:00"), "end_time": at("2026-03-03T09:00:04.25"), "duration_ms": 4250.0,
        "connection_uid": "1234567890123456", "source_address": "10.42.9.1", "source_port": 45000, "destination_address": "203.0.113.7",
        "destination_port": 443, "network_transport": "tcp", "network_protocol_name": "tls", "source_bytes": 4200, "destination_bytes": 9000,
        "source_packets": 10, "destination_packets": 12, "source_ip_bytes": 4200, "connection_state": "closed", "is_established": True,
        "network_direction": None,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert attributes(row) == {
        "flow": {"age": 4, "state": "closed", "reason": "timeout"}, "tcp": {"tcp_flags": "1b", "state": "closed"}, "in_iface": "eth0", "community_id": "1:x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("proto", "tcp", "answers", "established"),
    [
        ("TCP", {"state": "syn_sent"}, 0, False), ("TCP", {"state": "syn_sent"}, 1, False), ("TCP", {"state": "established"}, 3, True),
        ("UDP", None, 1, True), ("UDP", None, 0, False), ("TCP", None, 2, True), ("IPv6-ICMP", None, 0, False), ("UDP", None, None, None),
    ],
)  # fmt: skip
def test_established(tmp_path: Path, proto: str, tcp: Any, answers: int | None, established: bool | None) -> None:
    flow = {**FLOW, "proto": proto, "tcp": tcp, "flow": {**FLOW["flow"], "pkts_toclient": answers}}
    assert loaded(tmp_path, flow).row("connections")["is_established"] is established


def test_tls_names_the_connection_of_the_flow(tmp_path: Path) -> None:
    tls, flow = loaded(tmp_path, TLS, FLOW).rows("connections")
    expected = {
        "observer": "suricata.tls", "tls_client_server_name": "collect.example", "tls_protocol_version": "TLS 1.2", "tls_client_ja3": "abc",
        "tls_server_subject": "CN=a", "tls_server_issuer": "CN=b", "is_established": True, "time": at("2026-03-03T09:00:05.5"), "duration_ms": None,
    }  # fmt: skip
    assert {key: tls[key] for key in expected} == expected
    assert tls["connection_uid"] == flow["connection_uid"]
    assert attributes(tls)["tls"] == {"ja3": {"string": "771"}, "fingerprint": "f"}


def test_dns_answers_of_version_2(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, {**DNS, "dns": ANSWER}, {**DNS, "dns": {"type": "query", "rrname": "collect.example", "rrtype": "A"}}
    )
    assert found.entry.skipped == {"a question whose answer is a record of its own": 1}
    row = found.row("dns_queries")
    expected = {
        "dns_question_name": "collect.example", "dns_question_type": "A", "dns_response_code": "NOERROR", "dns_id": "7",
        "dns_answers": [{"type": "A", "data": "203.0.113.7", "ttl": 30.0}], "client_address": "10.42.9.1", "server_address": "10.43.0.10", "server_port": 53,
        "network_transport": "udp",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected


def test_dns_of_versions_1_and_3_and_answers_told_from_the_server(tmp_path: Path) -> None:
    first = {
        "type": "answer",
        "rrname": "a.example",
        "rrtype": "A",
        "ttl": 5,
        "rdata": "203.0.113.8",
        "rcode": "NOERROR",
    }
    third = {
        "version": 3,
        "type": "response",
        "rcode": "NXDOMAIN",
        "queries": [{"rrname": "b.example", "rrtype": "TXT"}],
    }
    turned = {**DNS, "src_ip": "10.43.0.10", "src_port": 53, "dest_ip": "10.42.9.1", "dest_port": 45000}
    one, three = loaded(tmp_path, {**turned, "dns": first}, {**DNS, "dns": third}).rows("dns_queries")
    assert one["dns_answers"] == [{"type": "A", "data": "203.0.113.8", "ttl": 5.0}]
    assert (one["client_address"], one["client_port"], one["server_address"]) == ("10.42.9.1", 45000, "10.43.0.10")
    assert (three["dns_question_name"], three["dns_question_type"], three["dns_response_code"]) == (
        "b.example",
        "TXT",
        "NXDOMAIN",
    )


def test_questions_alone_are_kept(tmp_path: Path) -> None:
    row = loaded(tmp_path, {**DNS, "dns": {"type": "query", "rrname": "Collect.example", "rrtype": "A"}}).row(
        "dns_queries"
    )
    assert (row["dns_question_name"], row["dns_response_code"]) == ("collect.example", None)


def test_http_without_a_status(tmp_path: Path) -> None:
    http = {
        "hostname": "c2.example",
        "url": "/gate?x=1",
        "http_method": "POST",
        "protocol": "HTTP/1.1",
        "http_user_agent": "x",
        "length": 5,
    }
    row = loaded(tmp_path, {**COMMON, "event_type": "http", "http": http}).row("http_requests")
    expected = {
        "observer": "suricata.http", "http_request_method": "POST", "url_path": "/gate", "url_query": "x=1", "server_address": "c2.example",
        "http_response_status_code": None, "http_response_body_size": 5, "user_agent_original": "x", "upstream_address": "203.0.113.7",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected


def test_alerts_and_records_of_other_kinds(tmp_path: Path) -> None:
    alert = {
        **COMMON,
        "event_type": "alert",
        "alert": {"signature": "ET POLICY x", "severity": 2, "action": "allowed", "category": "c"},
    }
    found = loaded(tmp_path, alert, {**COMMON, "event_type": "fileinfo"}, {**COMMON, "event_type": "stats"})
    row = found.row("runtime_alerts")
    assert (row["rule_name"], row["priority"], row["event_action"]) == ("ET POLICY x", "2", "detected")
    assert attributes(row)["alert"] == {"category": "c"}
    assert found.entry.skipped == {"a record of another kind": 2}


def test_what_is_refused(tmp_path: Path) -> None:
    found = loaded(tmp_path, FLOW, FLOW, FLOW, {**FLOW, "timestamp": "soon"})
    assert found.reasons() == [(4, "timestamp is missing or not a time")]


@pytest.mark.parametrize("value", [None, 5, "x", [], {"start": {}}])
def test_odd_shapes_lose_no_record(tmp_path: Path, value: Any) -> None:
    assert loaded(tmp_path, FLOW, {**FLOW, "flow": value, "tcp": value}).entry.accepted == 2
