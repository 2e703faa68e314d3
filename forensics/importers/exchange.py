"""Request/response samples as JSON lines (this project's exchange format).

Defined in docs/formats.md: `{"time","id","request":{...},"response":{...},"client_address","server_address","pod","version","user",
"role","session","sample_rate"}`; headers are lists of [name, value]; bodies are text, or base64 with `body_encoding`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

NAME = "exchange"
TABLES = ("http_exchanges",)
OBSERVER = "exchange"

_MESSAGE = {
    "headers": [["VARCHAR"]],
    "body": "VARCHAR",
    "body_encoding": "VARCHAR",
    "body_state": "VARCHAR",
    "body_size": "VARCHAR",
}
_AUTHORITY = "coalesce(url_authority_part(f.request.url), header_value(header_pairs(f.request.headers), 'host'))"
_STRUCTURE: dict[str, Any] = {
    "time": "VARCHAR",
    "id": "VARCHAR",
    "request": {"method": "VARCHAR", "url": "VARCHAR", **_MESSAGE},
    "response": {"status": "VARCHAR", **_MESSAGE},
    "duration_ms": "VARCHAR",
    "trace_id": "VARCHAR",
    "client_address": "VARCHAR",
    "server_address": "VARCHAR",
    "pod": "VARCHAR",
    "namespace": "VARCHAR",
    "service": "VARCHAR",
    "version": "VARCHAR",
    "user": "VARCHAR",
    "role": "VARCHAR",
    "session": "VARCHAR",
    "sample_rate": "VARCHAR",
}


def recognise(head: Head) -> int:
    """Certain where most lines have a time, a request and a response object."""
    if not head.lines:
        return 0
    fit = sum(
        "time" in item and isinstance(item.get("request"), dict) and isinstance(item.get("response"), dict)
        for item in head.objects
    )
    return round(97 * fit / len(head.lines))


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return the columns; base64 bodies go through the decoder, text bodies stay as they are."""
    extra = other_keys(head, _STRUCTURE)
    columns = {
        "observer": literal(OBSERVER),
        "time": "any_time(f.time)",
        "time_raw": "f.time",
        "service_name": "f.service",
        "service_version": "f.version",
        "k8s_namespace_name": "f.namespace",
        "k8s_pod_name": "f.pod",
        "trace_id": "f.trace_id",
        "http_request_id": "f.id",
        "http_request_method": "f.request.method",
        "url_scheme": "url_scheme_part(f.request.url)",
        "url_path": "coalesce(path_part(url_target_part(f.request.url)), case when url_scheme_part(f.request.url) is not null then '/' end)",
        "url_query": "query_part(f.request.url)",
        "server_address": f"host_part({_AUTHORITY})",
        "server_port": f"port_part({_AUTHORITY})",
        "upstream_address": "host_part(f.server_address)",
        "upstream_port": "port_part(f.server_address)",
        "http_response_status_code": "f.response.status",
        "http_request_body_size": "f.request.body_size",
        "http_response_body_size": "coalesce(f.response.body_size, (strlen(f.response.body))::varchar)",
        "duration_ms": "f.duration_ms",
        "client_address": "host_part(f.client_address)",
        "user_agent_original": "header_value(header_pairs(f.request.headers), 'user-agent')",
        "http_request_header_referer": "header_value(header_pairs(f.request.headers), 'referer')",
        "user_id": "f.user",
        "user_role": "f.role",
        "session_id": "f.session",
        "sample_rate": "f.sample_rate",
        "http_response_mime_type": "mime_part(header_value(header_pairs(f.response.headers), 'content-type'))",
    } | {key: value for side in ("request", "response") for key, value in _message(side).items()}
    return LinePlan(
        fields=json_fields({**_STRUCTURE, **dict.fromkeys(extra, "JSON")}),
        tables={"http_exchanges": columns},
        checks=(
            ("any_time(f.time) is null", "time is missing or not a time"),
            (f"{_absent('request')} or {_absent('response')}", "request or response is missing"),
        ),
        attributes={key: f"f.{name(key)}" for key in extra},
        keys=json_key_checks(head, ("request", "response"), (*_STRUCTURE, *extra)),
        raw={f"http_{side}_headers": _unread_headers(side) for side in ("request", "response")},
        time_rule="time, ISO 8601 with zone or seconds since 1970; without zone read as UTC",
    )


def _unread_headers(side: str) -> str:
    """Return the text of headers that are there but are no list of pairs; only lines without pairs are looked at again."""
    text = f"nullif(json_extract(line, '$.{side}.headers')::varchar, 'null')"
    return f"case when f.{side}.headers is null then {text} end"


def _absent(side: str) -> str:
    """Return the SQL that says whether there is no such object: the engine makes an empty one of a text, a number or a list."""
    parts = " and ".join(f"f.{side}.{key} is null" for key in _STRUCTURE[side])
    return f"(f.{side} is null or ({parts} and try(json_type(line, '$.{side}')) is distinct from 'OBJECT'))"


def _message(side: str) -> dict[str, str]:
    part = f"f.{side}"
    encoding = f"header_value(header_pairs({part}.headers), 'content-encoding')"
    kind = f"header_value(header_pairs({part}.headers), 'content-type')"
    decoded = f"decode_body({part}.body, {encoding}, {kind})"
    is_base64 = f"lower({part}.body_encoding) = 'base64'"
    stated = f"case when {part}.body is null then 'omitted' else coalesce({part}.body_state, 'full') end"
    return {
        f"http_{side}_headers": f"header_pairs({part}.headers)",
        f"http_{side}_body": f"case when {is_base64} then {decoded}.body else {part}.body end",
        f"http_{side}_body_state": f"case when {is_base64} and {decoded}.state <> 'full' then {decoded}.state else {stated} end",
    }
