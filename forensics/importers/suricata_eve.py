"""Suricata EVE log as JSON lines: flow, dns, http, tls and alert records.

Fields: docs.suricata.io/en/latest/output/eve/eve-json-format.html. A flow's source is who sent its first packet; `timestamp` is when the record was
written, `flow.start` when the connection began. DNS records of version 1 have an answer each, of version 2 all answers, of version 3 `queries`;
questions are kept only where the head of the file shows no answers, since an answer repeats its question. Other record kinds are counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forensics.importers._nested import rest, text
from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

NAME = "suricata-eve"
TABLES = ("connections", "dns_queries", "http_requests", "runtime_alerts")
OBSERVER = "suricata"

_TEXTS = ("timestamp", "flow_id", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "app_proto")
_OBJECTS = ("flow", "tcp", "dns", "http", "tls", "alert")
_KEYS = (*_TEXTS, *_OBJECTS)
_MARKS = {"timestamp", "event_type"}
_ENDS = ("src_ip", "flow_id", "dest_ip")
_MAPPED = {
    "flow": ("start", "end", "bytes_toserver", "bytes_toclient", "pkts_toserver", "pkts_toclient"),
    "http": ("hostname", "url", "http_method", "status", "length", "http_user_agent", "http_refer", "protocol"),
    "tls": ("sni", "version", "subject", "issuerdn", "ja3.hash"),
    "dns": ("rrname", "rrtype", "rcode", "id", "tx_id"),
    "alert": ("signature", "severity", "action"),
    "tcp": (),
}
# States in which both sides have spoken, and those in which they have not (app-layer/flow state names of Suricata).
_SPOKE = ("established", "fin_wait1", "fin_wait2", "time_wait", "last_ack", "close_wait", "closing", "closed")
_SILENT = ("none", "syn_sent", "syn_recv")


def recognise(head: Head) -> int:
    """Score by the share of lines that are events with a time and addresses."""
    if not head.lines:
        return 0
    return round(
        96 * sum(item.keys() >= _MARKS and any(key in item for key in _ENDS) for item in head.objects) / len(head.lines)
    )


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return a table for each kind of record; flow and tls are both connections, seen by two observers."""
    extra = other_keys(head, _KEYS)
    structure = {**dict.fromkeys(_TEXTS, "VARCHAR"), **dict.fromkeys((*_OBJECTS, *extra), "JSON")}
    kind = "f.event_type"
    skips = [(f"not list_contains(['flow', 'dns', 'http', 'tls', 'alert'], {kind})", "a record of another kind")]
    if any(_is_answer(item) for item in head.objects):
        skips.append(
            (
                f"{kind} = 'dns' and list_contains(['query', 'request'], {text('dns.type')})",
                "a question whose answer is a record of its own",
            )
        )
    return LinePlan(
        fields=json_fields(structure),
        tables={"connections": _connections(), "dns_queries": _dns(), "http_requests": _http(), "runtime_alerts": _alerts()},
        conditions={
            "connections": f"{kind} = 'flow' or {kind} = 'tls'", "dns_queries": f"{kind} = 'dns'", "http_requests": f"{kind} = 'http'",
            "runtime_alerts": f"{kind} = 'alert'",
        },
        skips=tuple(skips),
        checks=(("iso_time(f.timestamp) is null", "timestamp is missing or not a time"), (f"{kind} is null", "no event_type")),
        attributes={**{key: rest(key, _MAPPED[key]) for key in _OBJECTS}, **{key: f"f.{name(key)}" for key in extra}},
        keys=json_key_checks(head, known=(*_KEYS, *extra)),
        time_rule="timestamp, ISO 8601 with zone",
    )  # fmt: skip


def _is_answer(item: dict[str, Any]) -> bool:
    dns = item.get("dns")
    return isinstance(dns, dict) and dns.get("type") in ("answer", "response")


def _common(time: str = "f.timestamp") -> dict[str, str]:
    return {"time": f"iso_time({time})", "time_raw": time}


def _connections() -> dict[str, str]:
    state = f"coalesce({text('tcp.state')}, {text('flow.state')})"
    known = " ".join(f"when '{word}' then {str(word in _SPOKE).lower()}" for word in (*_SPOKE, *_SILENT))
    answered = f"to_bigint({text('flow.pkts_toclient')}) > 0"
    version = f"nullif({text('tls.version')}, 'UNDETERMINED')"
    start = f"coalesce({text('flow.start')}, f.timestamp)"
    took = f"(epoch_us(iso_time({text('flow.end')})) - epoch_us(iso_time({text('flow.start')})))"
    return {
        **_common(start),
        "observer": f"case when f.event_type = 'tls' then '{OBSERVER}.tls' else '{OBSERVER}.flow' end",
        "connection_uid": "f.flow_id",
        "end_time": f"case when f.event_type = 'flow' then iso_time({text('flow.end')}) end",
        "duration_ms": f"case when f.event_type = 'flow' then {took} / 1000 end",
        "source_address": "f.src_ip",
        "source_port": "f.src_port",
        "destination_address": "f.dest_ip",
        "destination_port": "f.dest_port",
        "network_transport": "case lower(f.proto) when 'ipv6-icmp' then 'icmp6' else lower(f.proto) end",
        "network_protocol_name": "case when f.event_type = 'tls' then 'tls' else nullif(nullif(f.app_proto, 'failed'), 'unknown') end",
        "source_bytes": text("flow.bytes_toserver"),
        "source_ip_bytes": text("flow.bytes_toserver"),
        "destination_bytes": text("flow.bytes_toclient"),
        "source_packets": text("flow.pkts_toserver"),
        "destination_packets": text("flow.pkts_toclient"),
        "connection_state": state,
        "is_established": f"case when f.event_type = 'tls' then case when {version} is not null then true end "
        f"when {answered} then case {text('tcp.state')} {known} else true end when {text('flow.pkts_toclient')} is not null then false end",
        "tls_protocol_version": version,
        "tls_client_server_name": f"fold_name({text('tls.sni')})",
        "destination_domain": f"fold_name({text('tls.sni')})",
        "tls_client_ja3": text("tls.ja3.hash"),
        "tls_server_subject": text("tls.subject"),
        "tls_server_issuer": text("tls.issuerdn"),
    }


def _dns() -> dict[str, str]:
    def from_server(server: str, client: str) -> str:
        return f"case when f.src_port = '53' and coalesce(f.dest_port, '') <> '53' then {server} else {client} end"

    listed = "json_extract(f.dns, '$.answers[*]')"
    fields = [f"json_extract_string(x, '$.{key}')" for key in ("rrtype", "rdata", "ttl")]
    row = "{{'type': {}, 'data': {}, 'ttl': to_double({})}}"
    one = row.format(text("dns.rrtype"), text("dns.rdata"), text("dns.ttl"))
    return {
        **_common(),
        "observer": literal(f"{OBSERVER}.dns"),
        "connection_uid": "f.flow_id",
        "dns_question_name": f"fold_name(coalesce({text('dns.queries.0.rrname')}, {text('dns.rrname')}))",
        "dns_question_type": f"coalesce({text('dns.queries.0.rrtype')}, {text('dns.rrtype')})",
        "dns_response_code": f"dns_code({text('dns.rcode')})",
        "dns_answers": f"case when len({listed}) > 0 then list_transform({listed}, lambda x: {row.format(*fields)}) when {text('dns.rdata')} is not null then [{one}] else [] end",
        "dns_id": f"coalesce({text('dns.id')}, {text('dns.tx_id')})",
        "client_address": from_server("f.dest_ip", "f.src_ip"),
        "client_port": from_server("f.dest_port", "f.src_port"),
        "server_address": from_server("f.src_ip", "f.dest_ip"),
        "server_port": from_server("f.src_port", "f.dest_port"),
        "network_transport": "lower(f.proto)",
    }


def _http() -> dict[str, str]:
    return {
        **_common(),
        "observer": literal(f"{OBSERVER}.http"),
        "connection_uid": "f.flow_id",
        "http_request_method": text("http.http_method"),
        "url_scheme": "'http'",
        "url_path": f"path_part(url_target_part({text('http.url')}))",
        "url_query": f"query_part({text('http.url')})",
        "server_address": f"host_part({text('http.hostname')})",
        "server_port": f"coalesce({text('http.http_port')}, f.dest_port)",
        "http_response_status_code": text("http.status"),
        "http_response_body_size": text("http.length"),
        "network_protocol_name": "'http'",
        "network_protocol_version": f"nullif(split_part({text('http.protocol')}, '/', 2), '')",
        "client_address": "f.src_ip",
        "client_port": "f.src_port",
        "network_peer_address": "f.src_ip",
        "network_peer_port": "f.src_port",
        "upstream_address": "f.dest_ip",
        "upstream_port": "f.dest_port",
        "user_agent_original": text("http.http_user_agent"),
        "http_request_header_referer": text("http.http_refer"),
    }


def _alerts() -> dict[str, str]:
    return {
        **_common(),
        "observer": literal(OBSERVER),
        "rule_name": text("alert.signature"),
        "priority": text("alert.severity"),
        "event_action": f"case {text('alert.action')} when 'blocked' then 'blocked' when 'allowed' then 'detected' end",
        "client_address": "f.src_ip",
        "server_address": "f.dest_ip",
        "url_path": f"path_part(url_target_part({text('http.url')}))",
    }
