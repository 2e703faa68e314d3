"""`pivot`: everything a case knows about one address, account, session, host, trace, request, pod, destination or component.

Columns are found by their meaning in the schema, so a new table is asked as soon as it has one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics import views
from forensics.case import Case
from forensics.errors import UsageError
from forensics.findings import moment
from forensics.investigate.timeline import TEXTS
from forensics.networks import key_of
from forensics.schema import TABLES
from forensics.store import Sandbox

_ADDRESSES = (
    "client_address", "network_peer_address", "upstream_address", "source_address", "destination_address", "server_address", "address",
)  # fmt: skip
# Kind -> columns that may hold the value, in any table that has them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "ip": _ADDRESSES,
    "user": ("user_id", "user_name"),
    "session": ("session_id",),
    "host": ("server_address", "destination_domain", "tls_client_server_name", "dns_question_name"),
    "trace": ("trace_id",),
    "request": ("http_request_id",),
    "pod": ("k8s_pod_name",),
    "destination": ("destination_address", "destination_domain", "tls_client_server_name", "dns_question_name"),
    "component": ("component_name", "purl"),
}
_ANSWERS = ("ip", "destination")  # also looked for in the answers of DNS
_NO_COHORT = {"content_matches", "header_verdicts", "rejects"}
_LABELS = ("user", "client")


@dataclass(frozen=True, slots=True)
class Pivot:
    """Counts by table (table, canary, baseline, other, first, last) and the first rows (time, phase, cohort, what, text, record)."""

    values: list[str]
    counts: list[list[Any]]
    rows: list[list[Any]]
    total: int


def pivot(case: Case, kind: str, value: str, limit: int) -> Pivot:
    """Return what the case knows about a value; numbers such as user-0001 stand for the account or address they were given to.

    Raises:
        UsageError: the value is empty.

    """
    if not value.strip():
        raise UsageError(f"There is no {kind} to look for.", hint="Give a value, such as --ip 203.0.113.7.")
    with views.opened(case) as sandbox:
        values = _spellings(sandbox, kind, value.strip())
        tables = {
            table: condition
            for table in TABLES
            if table not in _NO_COHORT and (condition := _condition(table, kind, len(values)))
        }
        counts = [
            [table, *row] for table, condition in tables.items() if (row := _counted(sandbox, table, condition, values))
        ]
        rows = _rows(sandbox, {table: tables[table] for table, *_ in counts}, values, limit)
    return Pivot(values, counts, rows, sum(sum(row[1:4]) for row in counts))


def _spellings(sandbox: Sandbox, kind: str, value: str) -> list[str]:
    """Return the value as the evidence writes it: other spellings of an address, or what an ordinal stands for."""
    label = value.rpartition("-")[0]
    if label in _LABELS and value.rpartition("-")[2].isdigit():
        found = [
            row[0]
            for row in sandbox.rows(
                "select value from dims.ordinals where label = $value order by value", {"value": value}
            )
        ]
        return found or [value]
    if kind in ("ip", "destination"):
        key = key_of(value)
        same = sandbox.rows("select address from dims.addresses where address_key = $key", {"key": key}) if key else []
        return sorted({value, *(row[0] for row in same)})
    return [value.lower().rstrip(".")] if kind == "host" else [value]


def _condition(table: str, kind: str, spellings: int) -> str:
    """Return the SQL condition over a table's columns, empty where the table has none of them.

    The engine compares with single values; `= any(list)` takes six times as long over 10 million rows.
    """
    types = TABLES[table].types
    values = ", ".join(f"$v{number}" for number in range(spellings))
    parts = [f"{column} in ({values})" for column in COLUMNS[kind] if types.get(column) == "VARCHAR"]
    if kind in _ANSWERS and "dns_answers" in types:
        parts.append(f"list_has_any(list_transform(dns_answers, lambda answer: answer.data), [{values}])")
    if (
        kind == "destination" and table == "connections"
    ):  # named by the TLS record or DNS answer beside it, as findings name it
        parts.append(f"record_id in (select record_id from outbound_named where destination_name in ({values}))")
    if kind == "component" and "purl" in types:
        parts.append("starts_with(purl, $v0 || '@')")
    return " or ".join(parts)


def _parameters(values: list[str]) -> dict[str, str]:
    return {f"v{number}": value for number, value in enumerate(values)}


def _counted(sandbox: Sandbox, table: str, condition: str, values: list[str]) -> list[Any]:
    """Return counts by cohort with first and last time; empty where there is no such row."""
    sql = (
        "select count(*) filter (where cohort = 'canary'), count(*) filter (where cohort = 'baseline'), "
        "count(*) filter (where cohort not in ('canary', 'baseline')), min(time), max(time) "
        f"from observed.{table} where {condition}"
    )
    *counts, first, last = sandbox.rows(sql, _parameters(values))[0]
    return [*counts, moment(first), moment(last)] if any(counts) else []


def _rows(sandbox: Sandbox, tables: dict[str, str], values: list[str], limit: int) -> list[list[Any]]:
    parts = [
        f"select time, phase, cohort, '{table}' as what, {TEXTS.get(table) or _plain(table)} as text, record_id from observed.{table} where {condition}"
        for table, condition in tables.items()
    ]
    if not parts:
        return []
    sql = f"select * from ({' union all '.join(parts)}) order by time nulls last, what, record_id limit {int(limit)}"
    return [[moment(row[0]), *row[1:]] for row in sandbox.rows(sql, _parameters(values))]


def _plain(table: str) -> str:
    """Return a line of text for a table that the timeline has none for: its first columns that name nobody."""
    columns = [
        column.name for column in TABLES[table].own_columns if column.personal == "none" and column.type == "VARCHAR"
    ]
    return f"concat_ws(' ', {', '.join(columns[:5])})" if columns else "''"
