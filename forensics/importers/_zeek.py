"""What Zeek's logs mean in our columns, shared by the TSV and the JSON importer.

Field reference: docs.zeek.org/en/master/logs/{conn,dns,http,ssl,weird}.html. `{x}` stands for the text of field x, NULL where unset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from forensics.schema import TABLES
from forensics.store import literal

OBSERVER = "zeek"

# Zeek's connection states in which both sides spoke; OTH is mid-stream, so nobody can say. Not `in`: from six texts on the engine makes
# that a join, which loses the order of the rows as soon as two threads run.
_SPOKE = ("SF", "S1", "S2", "S3", "RSTO", "RSTR")
_SILENT = ("S0", "REJ", "SH", "SHR", "RSTOS0", "RSTRH")
_ESTABLISHED = (
    "case {conn_state} "
    + " ".join(f"when '{state}' then {str(state in _SPOKE).lower()}" for state in (*_SPOKE, *_SILENT))
    + " end"
)
_DIRECTION = (
    "case lower(left({local_orig}, 1)) || lower(left({local_resp}, 1)) "
    "when 'tf' then 'outbound' when 'ft' then 'inbound' when 'tt' then 'internal' when 'ff' then 'external' end"
)
_COMMON = {
    "time": "any_time({ts})",
    "time_raw": "{ts}",
    "connection_uid": "{uid}",
}
_ENDS = {
    "source_address": "{id.orig_h}",
    "source_port": "{id.orig_p}",
    "destination_address": "{id.resp_h}",
    "destination_port": "{id.resp_p}",
}
_CLIENT = {
    "client_address": "{id.orig_h}",
    "client_port": "{id.orig_p}",
    "server_address": "{id.resp_h}",
    "server_port": "{id.resp_p}",
}

# path -> (table, columns)
LOGS: dict[str, tuple[str, dict[str, str]]] = {
    "conn": (
        "connections",
        _COMMON
        | _ENDS
        | {
            # a duration beyond a century is no duration, and would overflow
            "end_time": "case when abs(to_double({duration})) < 3e9 "
            "then any_time({ts}) + to_microseconds(round(to_double({duration}) * 1000000)::bigint) end",
            "duration_ms": "to_double({duration}) * 1000",
            "network_transport": "{proto}",
            "network_protocol_name": "{service}",
            "network_direction": _DIRECTION,
            "source_bytes": "{orig_bytes}",
            "destination_bytes": "{resp_bytes}",
            "source_packets": "{orig_pkts}",
            "destination_packets": "{resp_pkts}",
            "source_ip_bytes": "{orig_ip_bytes}",
            "connection_state": "{conn_state}",
            "is_established": _ESTABLISHED,
        },
    ),
    "ssl": (
        "connections",
        _COMMON
        | _ENDS
        | {
            "network_transport": "'tcp'",
            "network_protocol_name": "'tls'",
            "tls_protocol_version": "{version}",
            "tls_client_server_name": "fold_name({server_name})",
            "destination_domain": "fold_name({server_name})",
            "tls_client_ja3": "{ja3}",
            "tls_server_subject": "{subject}",
            "tls_server_issuer": "coalesce({issuer}, {issuer_subject})",
            # T and F in TSV, true and false in JSON; whether the handshake was completed
            "is_established": "case lower(left({established}, 1)) when 't' then true when 'f' then false end",
        },
    ),
    "dns": (
        "dns_queries",
        _COMMON
        | _CLIENT
        | {
            "dns_question_name": "fold_name({query})",
            "dns_question_type": "{qtype_name}",
            "dns_question_class": "case {qclass_name} when 'C_INTERNET' then 'IN' else {qclass_name} end",
            "dns_response_code": "{rcode_name}",
            "dns_answers": "answers({[]answers}, {[]TTLs})",
            "dns_id": "{trans_id}",
            "network_transport": "{proto}",
            "duration_ms": "to_double({rtt}) * 1000",
        },
    ),
    "http": (
        "http_requests",
        _COMMON
        | {
            "http_request_method": "{method}",
            "url_scheme": "'http'",
            "url_path": "path_part({uri})",
            "url_query": "query_part({uri})",
            "server_address": "host_part({host})",
            "server_port": "coalesce(port_part({host}), {id.resp_p})",
            "upstream_address": "{id.resp_h}",
            "upstream_port": "{id.resp_p}",
            "http_response_status_code": "{status_code}",
            "http_request_body_size": "{request_body_len}",
            "http_response_body_size": "{response_body_len}",
            "network_protocol_name": "'http'",
            "network_protocol_version": "{version}",
            "client_address": "{id.orig_h}",
            "client_port": "{id.orig_p}",
            "network_peer_address": "{id.orig_h}",
            "network_peer_port": "{id.orig_p}",
            "user_agent_original": "{user_agent}",
            "http_request_header_referer": "{referrer}",
            "user_id": "{username}",
        },
    ),
    "weird": (
        "runtime_alerts",
        {
            "time": "any_time({ts})",
            "time_raw": "{ts}",
            "rule_name": "{name}",
            "priority": "'info'",
            "message": "{addl}",
        },
    ),
}

# Columns that are computed from a field: the text to keep where the field holds no number.
_COMPUTED = {"duration_ms": re.compile(r"to_double\((\{\w+\})\) \* 1000")}
_NUMBERS = ("INTEGER", "BIGINT", "DOUBLE")
_REFERENCE = re.compile(r"\{(\[\])?([\w.]+)\}")


def used_fields(path: str) -> set[str]:
    """Return the fields of a log that have a column."""
    return {match[2] for expression in LOGS[path][1].values() for match in _REFERENCE.finditer(expression)}


def kinds(path: str) -> dict[str, str]:
    """Return the SQL type of each used field that serves as number only; a field that is also used as text is left out."""
    table, expressions = LOGS[path]
    found: dict[str, set[str]] = {}
    for column, expression in expressions.items():
        kind = TABLES[table].types[column]
        for match in _REFERENCE.finditer(expression):
            direct = kind if expression == match[0] and kind in _NUMBERS else "VARCHAR"
            cast = f"to_double({match[0]})" in expression
            found.setdefault(match[2], set()).add("DOUBLE" if cast else direct)
    return {field: kinds.pop() for field, kinds in found.items() if len(kinds) == 1 and not kinds & {"VARCHAR"}}


def columns(path: str, scalar: Callable[[str], str], many: Callable[[str], str]) -> Mapping[str, str]:
    """Return the columns of a log; `scalar` and `many` give the SQL of a field's text and of a set's list of texts."""

    def fill(match: re.Match[str]) -> str:
        return many(match[2]) if match[1] else scalar(match[2])

    filled = {column: _REFERENCE.sub(fill, expression) for column, expression in LOGS[path][1].items()}
    return {"observer": literal(f"{OBSERVER}.{path}")} | filled


def texts(path: str, scalar: Callable[[str], str]) -> dict[str, str]:
    """Return the text of computed columns, to be kept where it is no number."""
    expressions = LOGS[path][1]
    found = {column: pattern.fullmatch(expressions.get(column, "")) for column, pattern in _COMPUTED.items()}
    return {
        column: _REFERENCE.sub(lambda field: scalar(field[2]), match[1]) for column, match in found.items() if match
    }
