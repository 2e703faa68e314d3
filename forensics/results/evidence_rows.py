"""The records behind each finding, masked: people are numbered, paths are templates, contents stay in the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics.findings import Finding, moment
from forensics.results.context import Context

_USER = "(select label from dims.ordinals o where o.kind = 'user' and o.value = t.user_id)"
_CLIENT = "(select label from dims.ordinals o where o.kind = 'client' and o.value = t.client_address)"
_WHO = {"time": "t.time", "cohort": "t.cohort", "pod": "t.k8s_pod_name"}
_HTTP = {
    **_WHO, "method": "t.http_request_method", "route": "r.route",
    "status": "t.http_response_status_code", "bytes": "t.http_response_body_size", "user": _USER, "client": _CLIENT,
}  # fmt: skip
_COLUMNS: dict[str, dict[str, str]] = {
    "http_requests": _HTTP,
    "http_exchanges": _HTTP,
    "connections": {
        **_WHO, "destination": "t.destination_address", "port": "t.destination_port",
        "sni": "coalesce(t.tls_client_server_name, n.name)", "bytes up": "t.source_bytes", "bytes down": "t.destination_bytes", "state": "t.connection_state",
    },
    "components": {
        "cohort": "t.cohort", "name": "t.component_name", "version": "t.component_version", "purl": "t.purl", "direct": "t.is_direct", "supplier": "t.supplier",
    },
    "dns_queries": {**_WHO, "name": "t.dns_question_name", "type": "t.dns_question_type", "answer": "t.dns_response_code"},
    "auth_events": {**_WHO, "action": "t.event_action", "outcome": "t.event_outcome", "user": _USER, "client": _CLIENT},
    "app_logs": {
        **_WHO, "level": "t.log_level", "logger": "t.logger_name", "exception": "t.exception_type", "function": "stack_frame(t.exception_stacktrace)",
    },
    "runtime_alerts": {**_WHO, "rule": "t.rule_name", "action": "t.event_action", "client": _CLIENT},
    "configuration": {"cohort": "t.cohort", "key": "t.configuration_key", "document": "t.source_document"},
    "identities": {"cohort": "t.cohort", "pod": "t.k8s_pod_name", "image": "t.image", "digest": "t.image_digest", "since": "t.valid_from"},
    "rollout_events": {"time": "t.time", "rollout": "t.rollout_name", "event": "t.event_kind", "weight": "t.canary_weight", "reason": "t.reason"},
}  # fmt: skip
_JOINS = {
    "http_requests": "left join dims.routes r on r.url_path = t.url_path",
    "http_exchanges": "left join dims.routes r on r.url_path = t.url_path",
    "connections": "left join dims.connection_names n on n.connection_uid = t.connection_uid",
}


_WANTED = "(select unnest($numbers) as record_no, unnest($records) as record_id)"

Rows = dict[str, list[Any]]  # what is shown of each record


def build(context: Context) -> dict[str, Any]:
    """Return, for each finding id, columns, rows (at most 20) and the number of records the detector counted."""
    tables = {detector.id: detector.front.needs.tables for detector in context.detectors}
    found = {table: _looked_up(context, table, records) for table, records in _wanted(context, tables).items()}
    return {finding.id: _rows(finding, tables[finding.detector], found) for finding in context.result.findings}


def _wanted(context: Context, tables: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the records to look up in each table, once each: one query a table, since 40,000 findings had taken one query each."""
    wanted: dict[str, dict[str, None]] = {}
    for finding in context.result.findings:
        for table in tables[finding.detector]:
            wanted.setdefault(table, {}).update(dict.fromkeys(finding.evidence))
    return {table: list(records) for table, records in wanted.items()}


def _rows(finding: Finding, tables: Sequence[str], found: Mapping[str, Rows]) -> dict[str, Any]:
    """Take the records from the first table the detector needs that has any; what is in none of them is told by its record alone."""
    for table in tables:
        shown = [found[table][record] for record in finding.evidence if record in found[table]]
        if shown:
            return {"columns": ["record", *_COLUMNS[table]], "rows": shown, "total": finding.canary.n}
    return {"columns": ["record"], "rows": [[record] for record in finding.evidence], "total": finding.canary.n}


def _looked_up(context: Context, table: str, records: Sequence[str]) -> Rows:
    """Return rows by record; the numbers let the engine skip row groups outside their range."""
    columns = _COLUMNS.get(table, {})
    if not columns or not records:
        return {}
    select = ", ".join(f"{expression} as c{index}" for index, expression in enumerate(columns.values()))
    sql = (
        f"select t.record_id, {select} from {_WANTED} w "
        f"join observed.{table} t on t.record_no = w.record_no and t.record_id = w.record_id {_JOINS.get(table, '')}"
    )
    numbered = [(record, number) for record in records if (number := _number(record)) is not None]
    bound = {"records": [record for record, _ in numbered], "numbers": [number for _, number in numbered]}
    rows = context.sandbox.rows(sql, bound)
    return {row[0]: [moment(value) if hasattr(value, "isoformat") else value for value in row] for row in rows}


def _number(record: str) -> int | None:
    """Return the record number of `EVIDENCE:NUMBER`; a detector of somebody else may call anything a record."""
    digits = record.rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None
