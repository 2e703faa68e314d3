"""Cilium Hubble: connections seen from the pod, DNS and HTTP from the response, names, what is skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics.importers import hubble
from forensics.importers.contract import Head
from tests.ingest.helpers import Loaded, at, attributes, lines, load

POD = {
    "ID": 12, "identity": 9, "namespace": "shop", "pod_name": "checkout-5f-x", "labels": ["k8s:app=checkout", "k8s:app.kubernetes.io/version=2.4.0"],
    "workloads": [{"name": "checkout", "kind": "Deployment"}],
}  # fmt: skip
WORLD = {"identity": 2, "labels": ["reserved:world"]}
FLOW: dict[str, Any] = {
    "time": "2026-03-03T09:00:00.123456789Z", "verdict": "FORWARDED", "IP": {"source": "10.42.9.1", "destination": "203.0.113.7", "ipVersion": "IPv4"},
    "l4": {"TCP": {"source_port": 45000, "destination_port": 443, "flags": {"SYN": True}}}, "source": POD, "destination": WORLD, "Type": "L3_L4",
    "node_name": "node-1", "destination_names": ["Collect.Example."], "is_reply": False, "traffic_direction": "EGRESS", "Summary": "TCP Flags: SYN",
}  # fmt: skip
DNS: dict[str, Any] = {
    "time": "2026-03-03T09:00:00Z", "verdict": "FORWARDED", "IP": {"source": "10.43.0.10", "destination": "10.42.9.1"},
    "l4": {"UDP": {"source_port": 53, "destination_port": 40000}}, "source": {"namespace": "kube-system", "pod_name": "coredns-1"}, "destination": POD,
    "Type": "L7", "node_name": "node-1", "is_reply": True, "traffic_direction": "INGRESS",
    "l7": {"type": "RESPONSE", "latency_ns": "1500000", "dns": {"query": "Collect.example.", "ips": ["203.0.113.7"], "cnames": ["edge.example."], "ttl": 30, "qtypes": ["A"]}},
}  # fmt: skip


def loaded(tmp_path: Path, *flows: dict[str, Any], wrapped: bool = True) -> Loaded:
    found = load(
        tmp_path,
        lines(
            *({"flow": flow, "node_name": "node-1", "time": flow.get("time")} if wrapped else flow for flow in flows)
        ),
    )
    assert found.entry.format == "hubble"
    return found


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_connection(tmp_path: Path, wrapped: bool) -> None:
    row = loaded(tmp_path, FLOW, wrapped=wrapped).row("connections")
    expected = {
        "observer": "hubble", "time": at("2026-03-03T09:00:00.123456"), "service_name": "checkout", "service_version": "2.4.0",
        "k8s_namespace_name": "shop", "k8s_pod_name": "checkout-5f-x", "source_address": "10.42.9.1", "source_port": 45000,
        "destination_address": "203.0.113.7", "destination_port": 443, "destination_domain": "collect.example", "network_transport": "tcp",
        "network_direction": "outbound", "is_established": None, "is_aggregated": False, "connection_state": "FORWARDED",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    kept = attributes(row)
    assert kept["destination"] == WORLD
    assert kept["source"]["labels"] == POD["labels"]
    assert kept["Summary"] == "TCP Flags: SYN"


def test_the_receiving_side_is_inbound_and_another_pod(tmp_path: Path) -> None:
    other = {**POD, "pod_name": "db-0", "labels": [], "workloads": []}
    row = loaded(tmp_path, {**FLOW, "traffic_direction": "INGRESS", "destination": other}).row("connections")
    assert (row["network_direction"], row["k8s_pod_name"], row["service_version"]) == ("inbound", "db-0", None)


@pytest.mark.parametrize(
    ("flags", "aggregated"),
    [({"SYN": True}, False), ({"SYN": True, "ACK": True}, True), ({"ACK": True, "PSH": True}, True)],
)
def test_only_a_syn_tells_when_it_began(tmp_path: Path, flags: dict[str, bool], aggregated: bool) -> None:
    l4 = {"TCP": {"source_port": 1, "destination_port": 2, "flags": flags}}
    assert loaded(tmp_path, {**FLOW, "l4": l4}).row("connections")["is_aggregated"] is aggregated


@pytest.mark.parametrize(
    "reply", [{"is_reply": True}, {"is_reply": {"value": True}}, {"is_reply": None, "reply": True}]
)
def test_answers_are_counted_not_kept(tmp_path: Path, reply: dict[str, Any]) -> None:
    found = loaded(tmp_path, FLOW, {**FLOW, **reply})
    assert (found.entry.accepted, found.entry.skipped) == (1, {"an answer within a connection": 1})


def test_dropped_udp_and_icmp(tmp_path: Path) -> None:
    udp = {
        **FLOW,
        "verdict": "DROPPED",
        "l4": {"UDP": {"source_port": 5, "destination_port": 53}},
        "destination_names": [],
    }
    icmp = {**FLOW, "l4": {"ICMPv4": {"type": 8}}}
    rows = loaded(tmp_path, udp, icmp).rows("connections")
    assert [(row["network_transport"], row["is_established"], row["destination_port"]) for row in rows] == [
        ("udp", False, 53),
        ("icmp", None, None),
    ]


def test_a_service_names_what_has_no_dns_name(tmp_path: Path) -> None:
    flow = {**FLOW, "destination_names": [], "destination_service": {"name": "inventory", "namespace": "shop"}}
    assert loaded(tmp_path, flow).row("connections")["destination_domain"] == "inventory.shop.svc"


def test_dns_is_the_response(tmp_path: Path) -> None:
    question = {**DNS, "l7": {"type": "REQUEST", "dns": {"query": "collect.example.", "qtypes": ["A"]}}}
    found = loaded(tmp_path, FLOW, DNS, question)
    assert found.entry.skipped == {"a question whose answer is a record of its own": 1}
    assert len(found.rows("connections")) == 1
    row = found.row("dns_queries")
    expected = {
        "observer": "hubble.dns", "dns_question_name": "collect.example", "dns_question_type": "A", "dns_response_code": "NOERROR",
        "client_address": "10.42.9.1", "client_port": 40000, "server_address": "10.43.0.10", "server_port": 53, "k8s_pod_name": "checkout-5f-x",
        "service_version": "2.4.0", "duration_ms": 1.5,
        "dns_answers": [{"type": None, "data": "edge.example.", "ttl": 30.0}, {"type": None, "data": "203.0.113.7", "ttl": 30.0}],
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected


def test_nxdomain_and_a_question_that_policy_dropped(tmp_path: Path) -> None:
    unknown = {**DNS, "l7": {"type": "RESPONSE", "dns": {"query": "no.example.", "rcode": 3}}}
    refused = {**FLOW, "verdict": "DROPPED", "l7": {"type": "REQUEST", "dns": {"query": "bad.example."}}}
    rows = loaded(tmp_path, unknown, refused).rows("dns_queries")
    assert [(row["dns_question_name"], row["dns_response_code"], row["client_address"]) for row in rows] == [
        ("no.example", "NXDOMAIN", "10.42.9.1"),
        ("bad.example", None, "10.42.9.1"),
    ]


def test_http_is_the_response_of_the_pod(tmp_path: Path) -> None:
    http = {"code": 200, "method": "GET", "url": "http://shop:8080/a?b=1", "protocol": "HTTP/1.1"}
    flow = {
        **FLOW,
        "source": POD,
        "IP": {"source": "10.42.9.1", "destination": "10.42.1.1"},
        "l7": {"type": "RESPONSE", "http": http},
    }
    row = loaded(tmp_path, flow).row("http_requests")
    expected = {
        "observer": "hubble.http", "http_request_method": "GET", "url_path": "/a", "url_query": "b=1", "server_address": "shop", "server_port": 8080,
        "http_response_status_code": 200, "client_address": "10.42.1.1", "upstream_address": "10.42.9.1", "k8s_pod_name": "checkout-5f-x",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected


def test_what_is_refused(tmp_path: Path) -> None:
    found = loaded(tmp_path, FLOW, FLOW, FLOW, {**FLOW, "time": "soon"}, {**FLOW, "verdict": None})
    assert found.reasons() == [(4, "time is missing or not a time"), (5, "no verdict")]


@pytest.mark.parametrize("value", [None, 5, "x", [], [1], {"a": {}}])
def test_odd_shapes_lose_no_record(tmp_path: Path, value: Any) -> None:
    odd = {**FLOW, "source": value, "destination": value, "l4": value, "IP": value, "destination_names": value}
    assert loaded(tmp_path, FLOW, odd).entry.accepted == 2


def test_a_verdict_that_is_an_object_is_no_verdict() -> None:
    line = b'{"flow":{"verdict":{"a":1},"IP":{}},"node_name":"n"}\n'
    assert hubble.recognise(Head(line, complete=True)) == 0
