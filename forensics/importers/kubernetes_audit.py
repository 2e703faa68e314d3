"""Audit log of the Kubernetes API server as JSON lines, plain or as Azure wraps it.

Written by kube-apiserver with `--audit-log-path`; the fields are those of `Event` in kubernetes.io/docs/reference/config-api/apiserver-audit.v1.
Azure's diagnostic logs hold such an event as text in `properties.log`. Every request is written once a stage: only ResponseComplete and
Panic say how it ended. `sourceIPs` begins with X-Forwarded-For, which the client may set. The pod is the one whose bound service account
token asked (`authentication.kubernetes.io/pod-name`), then the namespace is that of the account; else it is that of the object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

NAME = "kubernetes-audit"
TABLES = ("auth_events",)
OBSERVER = "kubernetes.audit"
_GROUP = "audit.k8s.io/"
_STRUCTURE: dict[str, Any] = {
    "kind": "VARCHAR",
    "apiVersion": "VARCHAR",
    "level": "VARCHAR",
    "auditID": "VARCHAR",
    "stage": "VARCHAR",
    "requestURI": "VARCHAR",
    "verb": "VARCHAR",
    "user": {"username": "VARCHAR", "uid": "VARCHAR", "groups": "JSON", "extra": "JSON"},
    "impersonatedUser": "JSON",
    "sourceIPs": "JSON",
    "userAgent": "VARCHAR",
    "objectRef": {"resource": "VARCHAR", "namespace": "VARCHAR", "name": "VARCHAR", "subresource": "VARCHAR"},
    "responseStatus": {"code": "VARCHAR", "reason": "VARCHAR", "message": "VARCHAR"},
    "annotations": "JSON",
    "requestReceivedTimestamp": "VARCHAR",
    "stageTimestamp": "VARCHAR",
}
_STAMP = "coalesce(f.requestReceivedTimestamp, f.stageTimestamp)"
_KIND = "concat_ws('/', f.objectRef.resource, f.objectRef.subresource)"
_DECISION = """json_extract_string(f.annotations, '$."authorization.k8s.io/decision"')"""
_POD = """json_extract_string(f."user".extra, '$."authentication.kubernetes.io/pod-name"[0]')"""
_ACCOUNT = "starts_with(f.\"user\".username, 'system:serviceaccount:')"
_CODE = "to_integer(f.responseStatus.code)"
_ATTRIBUTES = {
    "audit_id": "f.auditID",
    "level": "f.level",
    "url_query": "query_part(f.requestURI)",
    "impersonated_user": "f.impersonatedUser",
    "user_extra": 'f."user".extra',
    "source_addresses": "case when json_type(f.sourceIPs) <> 'ARRAY' or json_array_length(f.sourceIPs) > 1 then f.sourceIPs end",
    "annotations": "f.annotations",
    "response_reason": "f.responseStatus.reason",
    "response_message": "f.responseStatus.message",
}
# Azure's record holds the event as text; the rest of the record is kept.
_INNER = "coalesce(try(json_extract_string(line, '$.properties.log')), line)"
_WRAPPER = """case when try(json_exists(line, '$.properties.log')) then json_merge_patch(line, '{"properties": {"log": null}}') end"""


def recognise(head: Head) -> int:
    """Score by the share of lines that are objects of the audit API, plain or wrapped."""
    if not head.lines:
        return 0
    return round(98 * sum(_is_event(_unwrapped(item)) for item in head.objects) / len(head.lines))


def _is_event(item: dict[str, Any]) -> bool:
    version = item.get("apiVersion")
    return isinstance(version, str) and version.startswith(_GROUP)


def _unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    """Return the event that a record of Azure holds as text, or the record itself."""
    properties = item.get("properties")
    inner = properties.get("log") if isinstance(properties, dict) else None
    try:
        event = json.loads(inner) if isinstance(inner, str) else item
    except (ValueError, RecursionError):
        return item
    return event if isinstance(event, dict) else item


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return the columns; events of other stages are skipped."""
    events = [_unwrapped(item) for item in head.objects]
    is_wrapped = any(event is not item for event, item in zip(events, head.objects, strict=True))
    inner = Head("\n".join(map(json.dumps, events)).encode(), complete=True) if is_wrapped else head
    extra = other_keys(inner, _STRUCTURE)
    fields = json_fields({**_STRUCTURE, **dict.fromkeys(extra, "JSON")})
    checks = json_key_checks(inner, known=(*_STRUCTURE, *extra))
    return LinePlan(
        fields=_within(fields) if is_wrapped else fields,
        tables={"auth_events": _columns()},
        skips=tuple(
            (f"f.stage = {literal(stage)}", f"stage {stage}") for stage in ("RequestReceived", "ResponseStarted")
        ),
        checks=(
            ("f.kind = 'EventList'", "a list of events: write one a line, for instance with jq -c '.items[]'"),
            (f"f.apiVersion is null or not starts_with(f.apiVersion, {literal(_GROUP)})", "not of the audit API"),
            ("f.stage is null or f.stage not in ('ResponseComplete', 'Panic')", "no stage of an audit event"),
            (f"iso_time({_STAMP}) is null", "requestReceivedTimestamp is missing or not a time"),
        ),
        attributes={
            **_ATTRIBUTES,
            **({"wrapper": _WRAPPER} if is_wrapped else {}),
            **{key: f"f.{name(key)}" for key in extra},
        },
        keys=_within(checks) if is_wrapped else checks,
        raw={"user_roles": 'case when f."user".groups is not null then f."user".groups::varchar end'},
        time_rule="requestReceivedTimestamp, ISO 8601 with zone",
    )


def _within(expression: str) -> str:
    """Return an expression over `line` that sees the wrapped event as the line."""
    return f"list_transform([{_INNER}], lambda line: {expression})[1]"


def _columns() -> dict[str, str]:
    return {
        "observer": literal(OBSERVER),
        "time": f"iso_time({_STAMP})",
        "time_raw": _STAMP,
        "k8s_namespace_name": f"case when {_POD} is not null and {_ACCOUNT} then split_part(f.\"user\".username, ':', 3) else f.objectRef.namespace end",
        "k8s_pod_name": _POD,
        "event_action": f"f.verb || case when f.objectRef.subresource is not null then ' ' || {_KIND} else '' end",
        "event_outcome": f"case when {_DECISION} = 'forbid' or {_CODE} >= 400 or f.stage = 'Panic' then 'failure' when {_CODE} >= 100 then 'success' else 'unknown' end",
        "event_reason": """json_extract_string(f.annotations, '$."authorization.k8s.io/reason"')""",
        "user_id": 'f."user".uid',
        "user_name": 'f."user".username',
        "user_roles": "case when json_type(f.\"user\".groups) = 'ARRAY' then json_extract_string(f.\"user\".groups, '$[*]') end",
        "client_address": "json_extract_string(f.sourceIPs, '$[0]')",
        "user_agent_original": "f.userAgent",
        "url_path": "path_part(f.requestURI)",
        "http_response_status_code": "f.responseStatus.code",
        "resource_kind": f"nullif({_KIND}, '')",
        "resource_name": "nullif(concat_ws('/', f.objectRef.namespace, f.objectRef.name), '')",
        "authorization_decision": _DECISION,
    }
