"""What can be asked of a case with SQL."""

from __future__ import annotations

from typing import Any

from forensics.errors import UsageError
from forensics.schema import COMMON, PROVENANCE, TABLES
from forensics.store import Sandbox
from forensics.views import DIMENSIONS

VIEWS = {
    "requests": "http_requests with route, principal_kind, decision, unit_key",
    "access_events": "decisions of the access log and of samples: route, principal, role, tenant, decision with its reason, label of an attack",
    "access_samples": "samples with credential, decision and its reason, and what their headers claim; tokens and sessions as hashes",
    "access_matrix": "decisions by source, route and principal, canary beside baseline",
    "sessions": "sessions by source and cohort, as hashes: when known, let in, refused, ended",
    "account_events": "events of accounts of the source that was chosen, without the audit log of the cluster",
    "cluster_deeds": "what accounts did in the cluster, by its audit log",
    "exchanges": "http_exchanges with route and principal_kind",
    "outbound": "connections that were opened by a workload and answered, with destination name, registered domain, zone, class, country and operator",
    "outbound_cells": "outbound counted by cohort, phase, pod and destination",
    "matches": "patterns found in responses, with cohort and route",
    "verdicts": "security header verdicts, with cohort and route",
    "minute_cells": "requests by cohort, phase, pod, minute, method, route and outcome, with callers, bytes and a latency histogram",
    "tls_handshakes": "TLS handshakes by the log that saw them",
    "log_faults": "log records with an exception, or of level error and above, without what differs from record to record",
    "component_sides": "components with the versions, licences and suppliers of both sides",
    "evidence": "the ledger",
}


def describe(sandbox: Sandbox, table: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the tables and views with their meaning, or the columns of one.

    Raises:
        UsageError: there is no such table.

    """
    if table is None:
        rows = [(name, sandbox.value(f"select count(*) from main.{name}"), meaning) for name, meaning in VIEWS.items()]
        rows += [
            (
                item.name,
                sandbox.value(f"select count(*) from {_view(item.name)}"),
                item.meaning + _others(sandbox, item.name),
            )
            for item in [*TABLES.values(), *DIMENSIONS.values()]
        ]
        return ["table", "rows", "meaning"], sorted(rows)
    if table not in VIEWS and table not in TABLES and table not in DIMENSIONS:
        raise UsageError(f"There is no table {table}.", hint="canary-forensics sql CASE --tables lists all.")
    known = [DIMENSIONS[table]] if table in DIMENSIONS else TABLES.values()
    meanings = {column.name: column.meaning for item in known for column in item.own_columns}
    meanings |= {column.name: column.meaning for column in (*PROVENANCE, *COMMON)}
    described = sandbox.rows(f"select column_name, column_type from (describe select * from {_view(table)})")
    return ["column", "type", "meaning"], [(name, kind, meanings.get(name, "")) for name, kind in described]


def _others(sandbox: Sandbox, table: str) -> str:
    """Say where the rows of other observers are: rates never pool them."""
    if table not in TABLES or not TABLES[table].has_common:
        return ""
    left = sandbox.value(f"select (select count(*) from observed.{table}) - (select count(*) from main.{table})")
    return f"; {left:,} rows of other observers: observed.{table}" if left else ""


def _view(table: str) -> str:
    return table if table in DIMENSIONS else f"main.{table}"
