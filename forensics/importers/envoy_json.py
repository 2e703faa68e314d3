r"""Envoy or Istio access log as JSON lines.

Written by Envoy's file access logger with `json_format`, and by Istio with `accessLogEncoding: JSON`.
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage ; the keys are those of Istio's default
format (istio.io/latest/docs/tasks/observability/logs/access-log). Keys are chosen by the user: known names are mapped, the rest stays in
`attributes`. `upstream_service_time` is text; addresses are `host:port` or `[v6]:port`; `-` means absent.
"""

from __future__ import annotations

from pathlib import Path

from forensics.importers.contract import Head, LinePlan, json_plan

NAME = "envoy-json"
TABLES = ("http_requests",)
OBSERVER = "envoy"

_KEYS = [
    "start_time",
    "method",
    "path",
    "protocol",
    "response_code",
    "response_flags",
    "response_code_details",
    "connection_termination_details",
    "bytes_received",
    "bytes_sent",
    "duration",
    "upstream_service_time",
    "x_forwarded_for",
    "user_agent",
    "request_id",
    "authority",
    "upstream_host",
    "upstream_cluster",
    "downstream_remote_address",
    "downstream_local_address",
    "requested_server_name",
    "route_name",
    "downstream_tls_version",
    "referer",
]
# Names teams commonly give to fields of their own; the first that a file has is taken.
_USER = {
    "user_id": ("user_id", "x_user_id", "user", "sub"),
    "user_role": ("role", "user_role", "x_user_role"),
    "session_id": ("session_id", "x_session_id", "session"),
    "authentication_kind": ("authn", "auth_kind", "authentication"),
    "trace_id": ("trace_id", "x_b3_traceid"),
    "k8s_pod_name": ("pod", "pod_name", "k8s_pod_name"),
    "k8s_namespace_name": ("namespace", "k8s_namespace_name"),
    "service_version": ("version", "service_version"),
    "service_name": ("service", "service_name"),
}


# Names of Envoy's own command operators (%RESPONSE_FLAGS%, %UPSTREAM_HOST%): teams choose which they log.
_MARKS = (
    "response_flags", "response_code_details", "upstream_host", "upstream_cluster", "downstream_remote_address",
    "downstream_local_address", "upstream_service_time",
)  # fmt: skip


def recognise(head: Head) -> int:
    """Score by the keys that each record has, and one of Envoy's own: no other JSON log has them together."""
    own = any(head.share({"start_time", mark}) for mark in _MARKS)
    return round(95 * head.share({"start_time", "response_code"})) if own else 0


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return the columns as expressions over Envoy's names."""
    seen = {key for item in head.objects for key in item}
    user = {column: next((name for name in names if name in seen), "") for column, names in _USER.items()}
    mapped = dict.fromkeys([*_KEYS, *filter(None, user.values())], "VARCHAR")
    columns = {
        "time": "iso_time(f.start_time)",
        "time_raw": "f.start_time",
        "http_request_id": "dash(f.request_id)",
        "http_request_method": "dash(f.method)",
        "url_path": "path_part(dash(f.path))",
        "url_query": "query_part(f.path)",
        "server_address": "host_part(dash(f.authority))",
        "server_port": "port_part(f.authority)",
        "http_response_status_code": "nullif(f.response_code, '0')",
        "http_request_body_size": "f.bytes_received",
        "http_response_body_size": "f.bytes_sent",
        "duration_ms": "dash(f.duration)",
        "network_protocol_name": "lower(nullif(split_part(dash(f.protocol), '/', 1), ''))",
        "network_protocol_version": "nullif(split_part(dash(f.protocol), '/', 2), '')",
        "client_address": "coalesce(first_address(dash(f.x_forwarded_for)), host_part(dash(f.downstream_remote_address)))",
        "network_peer_address": "host_part(dash(f.downstream_remote_address))",
        "network_peer_port": "port_part(f.downstream_remote_address)",
        "upstream_address": "host_part(dash(f.upstream_host))",
        "upstream_port": "port_part(f.upstream_host)",
        "upstream_cluster": "dash(f.upstream_cluster)",
        "user_agent_original": "dash(f.user_agent)",
        "http_request_header_referer": "dash(f.referer)",
        "response_flags": "dash(f.response_flags)",
        "error_type": "dash(f.response_code_details)",
        "tls_protocol_version": "dash(f.downstream_tls_version)",
        "tls_client_server_name": "dash(f.requested_server_name)",
    } | {column: f'dash(f."{key}")' for column, key in user.items() if key}
    return json_plan(
        mapped,
        head,
        "http_requests",
        columns,
        observer=OBSERVER,
        checks=(
            ("f.start_time is null", "no start_time"),
            ("iso_time(f.start_time) is null", "start_time is not a time"),
        ),
        time_rule="start_time, ISO 8601 with zone; without zone read as UTC",
    )
