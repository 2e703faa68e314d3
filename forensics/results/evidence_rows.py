"""The records behind each finding, masked: people are numbered, paths are templates, contents stay in the case."""

from __future__ import annotations

from typing import Any

from forensics.findings import Finding, moment
from forensics.results.context import Context

_USER = "(select label from dims.ordinals o where o.kind = 'user' and o.value = t.user_id)"
_CLIENT = "(select label from dims.ordinals o where o.kind = 'client' and o.value = t.client_address)"
_HTTP = {
    "time": "t.time", "cohort": "t.cohort", "pod": "t.k8s_pod_name", "method": "t.http_request_method", "route": "r.route",
    "status": "t.http_response_status_code", "bytes": "t.http_response_body_size", "user": _USER, "client": _CLIENT,
}  # fmt: skip
_COLUMNS: dict[str, dict[str, str]] = {
    "http_requests": _HTTP,
    "http_exchanges": _HTTP,
    "connections": {
        "time": "t.time", "cohort": "t.cohort", "pod": "t.k8s_pod_name", "destination": "t.destination_address", "port": "t.destination_port",
        "sni": "coalesce(t.tls_client_server_name, n.name)", "bytes up": "t.source_bytes", "bytes down": "t.destination_bytes", "state": "t.connection_state",
    },
    "components": {
        "cohort": "t.cohort", "name": "t.component_name", "version": "t.component_version", "purl": "t.purl", "direct": "t.is_direct", "supplier": "t.supplier",
    },
}  # fmt: skip
_JOINS = {
    "http_requests": "left join dims.routes r on r.url_path = t.url_path",
    "http_exchanges": "left join dims.routes r on r.url_path = t.url_path",
    "connections": "left join dims.connection_names n on n.connection_uid = t.connection_uid",
}


def build(context: Context) -> dict[str, Any]:
    """Return, for each finding id, columns, rows (at most 20) and the number of records the detector counted."""
    first_table = {detector.id: detector.front.needs.tables[0] for detector in context.detectors}
    return {finding.id: _rows(context, finding, first_table[finding.detector]) for finding in context.result.findings}


def _rows(context: Context, finding: Finding, table: str) -> dict[str, Any]:
    columns = _COLUMNS.get(table)
    if columns is None or not finding.evidence:
        return {"columns": ["record"], "rows": [[record] for record in finding.evidence], "total": finding.canary.n}
    select = ", ".join(f"{expression} as c{index}" for index, expression in enumerate(columns.values()))
    sql = f"select t.record_id, {select} from observed.{table} t {_JOINS.get(table, '')} where t.record_id = any($records)"
    found = {
        row[0]: [moment(value) if hasattr(value, "isoformat") else value for value in row]
        for row in context.sandbox.rows(sql, {"records": finding.evidence})
    }
    return {
        "columns": ["record", *columns],
        "rows": [found[record] for record in finding.evidence if record in found],
        "total": finding.canary.n,
    }
