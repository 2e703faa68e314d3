"""Cilium Hubble flows as JSON lines, as `hubble observe -o jsonpb`, `hubble export` and older `-o json` write them.

Fields: github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto. A record is a packet that the sensor saw, seen from one pod: EGRESS is the
pod that sends, INGRESS the one that receives. Answers (`is_reply`) are skipped, since direction and names are those of the other side; so a
connection is the record of its SYN. Other records of the opener (monitor aggregation, a connection from before) are kept as `is_aggregated`: their
time is not when the connection began. DNS and HTTP (layer 7) are taken from the response, which repeats the question.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forensics.importers._nested import rest, text
from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

NAME = "hubble"
TABLES = ("connections", "dns_queries", "http_requests")
OBSERVER = "hubble"

_OBJECTS = (
    "IP", "l4", "l7", "source", "destination", "destination_names", "source_names", "destination_service", "is_reply", "trace_context",
)  # fmt: skip
_TEXTS = ("time", "verdict", "traffic_direction", "reply", "node_name", "Type")
_KEYS = (*_TEXTS, *_OBJECTS)
# A tuple: a damaged verdict may be an object, which no set takes.
_VERDICTS = ("FORWARDED", "DROPPED", "ERROR", "AUDIT", "REDIRECTED", "TRACED", "TRANSLATED", "VERDICT_UNKNOWN")
_ENDS = ("pod_name", "namespace")


def recognise(head: Head) -> int:
    """Score by the share of lines that are flows: wrapped in `flow`, or bare with a verdict and a node."""
    if not head.lines:
        return 0
    return round(97 * sum(_is_flow(item) for item in head.objects) / len(head.lines))


def _is_flow(item: dict[str, Any]) -> bool:
    flow = item.get("flow", item)
    return isinstance(flow, dict) and flow.get("verdict") in _VERDICTS and "node_name" in {*flow, *item}


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Unwrap the flow, then map it; what stands beside it (node, time of the export) says nothing more."""
    flows = [item["flow"] if isinstance(item.get("flow"), dict) else item for item in head.objects]
    inner = Head("\n".join(map(json.dumps, flows)).encode(), complete=True)
    extra = other_keys(inner, _KEYS)
    structure = {**dict.fromkeys(_TEXTS, "VARCHAR"), **dict.fromkeys((*_OBJECTS, *extra), "JSON")}
    return LinePlan(
        fields=_within(json_fields(structure)),
        tables={"connections": _connections(), "dns_queries": _dns(), "http_requests": _http()},
        conditions={
            "connections": "f.l7 is null",
            "dns_queries": f"{text('l7.dns')} is not null",
            "http_requests": f"{text('l7.http')} is not null",
        },
        skips=(
            (f"f.l7 is null and {_REPLY}", "an answer within a connection"),
            (f"{text('l7.type')} = 'REQUEST' and coalesce(f.verdict, '') <> 'DROPPED'", "a question whose answer is a record of its own"),
            (f"f.l7 is not null and {text('l7.dns')} is null and {text('l7.http')} is null", "layer 7 of another protocol"),
        ),
        checks=(("any_time(f.time) is null", "time is missing or not a time"), ("f.verdict is null", "no verdict")),
        attributes={
            "verdict": "f.verdict", "node_name": "f.node_name", "type": "f.Type",
            "source": rest("source", _ENDS), "destination": rest("destination", _ENDS), "destination_names": "f.destination_names", "source_names": "f.source_names", "destination_service": "f.destination_service",
            "l4": "f.l4", "l7": "f.l7", **{key: f"f.{name(key)}" for key in extra},
        },
        keys=_within(json_key_checks(inner, known=(*_KEYS, *extra))),
        time_rule="time of the flow, ISO 8601 with zone",
    )  # fmt: skip


def _within(expression: str) -> str:
    """Return an expression over `line` that sees the flow as the line."""
    inner = "coalesce(case when contains(left(line, 64), '\"flow\"') then try(json_extract(line, '$.flow'))::varchar end, line)"
    return f"list_transform([{inner}], lambda line: {expression})[1]"


# `is_reply` is a wrapped boolean (`true` or `{"value": true}`) and NULL where the sensor cannot say; `reply` is its older, plain form.
_REPLY = "coalesce(json_extract_string(f.is_reply, '$.value'), json_extract_string(f.is_reply, '$'), f.reply, 'false') = 'true'"


def _port(end: str) -> str:
    return "coalesce(" + ", ".join(text(f"l4.{kind}.{end}_port") for kind in ("TCP", "UDP", "SCTP")) + ")"


def _of(end: str) -> dict[str, str]:
    """Return the columns of time, and of the pod at one end: `source`, `destination`, or SQL that says which."""
    value = f"(case when {end} then f.destination else f.source end)"
    labels = f"json_extract_string({value}, '$.labels[*]')"

    def label(*keys: str) -> str:
        found = (f"list_filter({labels}, lambda x: starts_with(x, {literal(f'k8s:{key}=')}))[1]" for key in keys)
        return f"nullif(regexp_replace(coalesce({', '.join(found)}), '^[^=]*=', ''), '')"

    return {
        "time": "any_time(f.time)",
        "time_raw": "f.time",
        "service_name": f"coalesce(json_extract_string({value}, '$.workloads[0].name'), {label('app.kubernetes.io/name', 'app', 'k8s-app')})",
        "service_version": label("app.kubernetes.io/version", "version"),
        "k8s_namespace_name": f"json_extract_string({value}, '$.namespace')",
        "k8s_pod_name": f"json_extract_string({value}, '$.pod_name')",
        "trace_id": text("trace_context.parent.trace_id"),
    }


def _connections() -> dict[str, str]:
    syn, ack = text("l4.TCP.flags.SYN"), text("l4.TCP.flags.ACK")
    service = f"{text('destination_service.name')} || '.' || {text('destination_service.namespace')} || '.svc'"
    kinds = {"TCP": "tcp", "UDP": "udp", "ICMPv4": "icmp", "ICMPv6": "icmp6", "SCTP": "sctp"}
    transport = " ".join(f"when {text(f'l4.{kind}')} is not null then '{title}'" for kind, title in kinds.items())
    return {
        **_of("f.traffic_direction = 'INGRESS'"),
        "observer": literal(OBSERVER),
        "source_address": text("IP.source"),
        "source_port": _port("source"),
        "destination_address": text("IP.destination"),
        "destination_port": _port("destination"),
        "destination_domain": f"fold_name(coalesce({text('destination_names.0')}, {service}))",
        "network_transport": f"case {transport} end",
        "network_direction": "case f.traffic_direction when 'EGRESS' then 'outbound' when 'INGRESS' then 'inbound' end",
        "connection_state": "f.verdict",
        "is_established": "case when f.verdict = 'DROPPED' or f.verdict = 'ERROR' then false end",
        "is_aggregated": f"case when {text('l4.TCP.flags')} is not null then not coalesce({syn} = 'true' and coalesce({ack}, 'false') <> 'true', false) end",
    }


# A response goes from the one who was asked to the one who asked.
_ANSWERED = f"{text('l7.type')} = 'RESPONSE'"


def _either(response: str, request: str) -> str:
    return f"case when {_ANSWERED} then {response} else {request} end"


def _dns() -> dict[str, str]:
    listed = [f"coalesce(json_extract_string(f.l7, '$.dns.{kind}[*]'), [])" for kind in ("cnames", "ips")]
    ttl = f"to_double({text('l7.dns.ttl')})"
    return {
        **_of(_ANSWERED),
        "observer": literal(f"{OBSERVER}.dns"),
        "dns_question_name": f"fold_name({text('l7.dns.query')})",
        "dns_question_type": text("l7.dns.qtypes.0"),
        "dns_question_class": "'IN'",
        "dns_response_code": f"case when {_ANSWERED} then dns_code(coalesce({text('l7.dns.rcode')}, '0')) end",
        "dns_answers": f"list_transform(list_concat({', '.join(listed)}), lambda x: {{'type': null::varchar, 'data': x, 'ttl': {ttl}}})",
        "client_address": _either(text("IP.destination"), text("IP.source")),
        "client_port": _either(_port("destination"), _port("source")),
        "server_address": _either(text("IP.source"), text("IP.destination")),
        "server_port": _either(_port("source"), _port("destination")),
        "network_transport": f"case when {text('l4.TCP')} is not null then 'tcp' else 'udp' end",
        "duration_ms": f"to_double({text('l7.latency_ns')}) / 1000000",
    }


def _http() -> dict[str, str]:
    """Return the columns of a request; the pod is the one that answers."""
    url = text("l7.http.url")
    return {
        **_of(f"not {_ANSWERED}"),
        "observer": literal(f"{OBSERVER}.http"),
        "http_request_method": text("l7.http.method"),
        "url_scheme": f"url_scheme_part({url})",
        "url_path": f"path_part(url_target_part({url}))",
        "url_query": f"query_part({url})",
        "server_address": f"host_part(url_authority_part({url}))",
        "server_port": f"port_part(url_authority_part({url}))",
        "http_response_status_code": f"nullif({text('l7.http.code')}, '0')",
        "network_protocol_name": "'http'",
        "network_protocol_version": f"nullif(split_part({text('l7.http.protocol')}, '/', 2), '')",
        "duration_ms": f"to_double({text('l7.latency_ns')}) / 1000000",
        "client_address": _either(text("IP.destination"), text("IP.source")),
        "upstream_address": _either(text("IP.source"), text("IP.destination")),
    }
