"""`revocations`: accounts, sessions, tokens and keys that touched the canary between onset and containment, for whoever has to revoke them.

The window is that of results/times.json: from the first record of a finding about behaviour to the last sighting of the canary; where one
of them is not known, from the first phase and to the end of the evidence. Values are written to `restricted/` only where they are asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics import views
from forensics.case import Case, write_bytes
from forensics.findings import moment
from forensics.investigate.timeline import parse_time
from forensics.results import material

FILE = "restricted/revocations.ndjson"  # exact values; a spreadsheet would run those that begin with =
COLUMNS = ("kind", "value", "records", "first", "last", "record")
# Kind -> SELECT of (value, time, record_id) over rows of the canary. Header values are taken whole, scheme and all, as they would be searched for.
_HEADERS = "(select unnest(http_request_headers) as header, time, record_id, cohort from observed.http_exchanges)"
_SOURCES = {
    "account": [
        "select user_id, time, record_id, cohort from observed.http_requests",
        "select user_id, time, record_id, cohort from observed.http_exchanges",
        "select coalesce(user_id, user_name), time, record_id, cohort from observed.auth_events",
    ],
    "session": [
        "select session_id, time, record_id, cohort from observed.http_requests",
        "select session_id, time, record_id, cohort from observed.http_exchanges",
        "select session_id, time, record_id, cohort from observed.auth_events",
    ],
    "token": [f"select header.value, time, record_id, cohort from {_HEADERS} where lower(header.name) in ('authorization', 'proxy-authorization')"],
    "cookie": [f"select header.value, time, record_id, cohort from {_HEADERS} where lower(header.name) = 'cookie'"],
    "key": [
        f"select header.value, time, record_id, cohort from {_HEADERS} where regexp_matches(lower(header.name), '(api|access|auth)[-_]?(key|token)$')"
    ],
}  # fmt: skip
_MASKED = "(?i)redacted|masked|\\*{3}|<removed>"


@dataclass(frozen=True, slots=True)
class Revocations:
    """Window, rows of `COLUMNS`, how many values the evidence holds masked by kind, and what the window was read from."""

    start: datetime
    end: datetime
    rows: list[list[Any]]
    masked: dict[str, int]
    basis: str


def revocations(case: Case) -> Revocations:
    """Return what touched the canary in the window, by kind and value; raises `UsageError` before detection has run."""
    times = material(case)[1].get("times", {})
    rows: list[list[Any]] = []
    masked: dict[str, int] = {}
    with views.opened(case) as sandbox:
        start, end, basis = _window(sandbox, times)
        for kind, sources in _SOURCES.items():
            sql = (
                f"select value, count(*), min(time), max(time), min(record_id), regexp_matches(value, $masked) from ({' union all '.join(sources)}) "
                "as found(value, time, record_id, cohort) where cohort = 'canary' and value <> '' and time >= $start and time <= $end "
                "group by value order by min(time), value"
            )
            found = sandbox.rows(sql, {"start": start, "end": end, "masked": _MASKED})
            rows += [
                [kind, value, count, moment(first), moment(last), record]
                for value, count, first, last, record, hidden in found
                if not hidden
            ]
            masked |= {kind: hidden_rows} if (hidden_rows := sum(row[1] for row in found if row[5])) else {}
    return Revocations(start, end, rows, masked, basis)


def _window(sandbox: Any, times: dict[str, Any]) -> tuple[datetime, datetime, str]:
    first, last = sandbox.rows("select min(start_time), max(end_time) from dims.phases")[0]
    seen = sandbox.rows("select min(time), max(time) from observed.http_requests where cohort = 'canary'")[0]
    onset, contained = (parse_time(times[name]) if times.get(name) else None for name in ("onset", "contained"))
    start, end = onset or first or seen[0], contained or seen[1] or last
    basis = f"from {'the onset' if onset else 'the first phase'} to {'containment' if contained else 'the last sighting of the canary'}"
    return start or datetime(1970, 1, 1), end or datetime(1970, 1, 1), basis  # noqa: DTZ001 - tables hold UTC without zone


def reveal(case: Case, found: Revocations) -> str:
    """Write the values to `restricted/`, readable by the owner only, and note it in the access log; return the path in the case."""
    lines = (json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in found.rows)
    path = case.folder / FILE
    case.log_access("revocations", values=len(found.rows), file=FILE)
    write_bytes(path, "".join(lines).encode())
    path.chmod(0o600)
    return FILE
