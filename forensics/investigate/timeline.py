"""All tables of a case in one stream, phases and actions in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forensics import views
from forensics.case import Case
from forensics.cohort import utc
from forensics.errors import UsageError
from forensics.findings import moment
from forensics.investigate.show import split_id
from forensics.results import material
from forensics.scan import hide_values
from forensics.store import Sandbox

_USER = "(select label from dims.ordinals o where o.kind = 'user' and o.value = user_id)"
# Table -> one line of text a row; people are numbered, contents stay in the case.
TEXTS = {
    "http_requests": f"concat_ws(' ', http_request_method, coalesce(url_path, ''), http_response_status_code, {_USER})",
    "http_exchanges": f"concat_ws(' ', 'sample', http_request_method, coalesce(url_path, ''), http_response_status_code, {_USER})",
    "connections": "concat_ws(' ', source_address, '->', coalesce(tls_client_server_name, destination_domain, destination_address) || ':' || destination_port, connection_state, source_bytes || ' B up', destination_bytes || ' B down')",
    "dns_queries": "concat_ws(' ', 'asks', dns_question_type, dns_question_name, dns_response_code)",
    "auth_events": "concat_ws(' ', event_action, event_outcome, event_reason)",
    "app_logs": "concat_ws(' ', log_level, exception_type, left(message, 120))",
    "rollout_events": "concat_ws(' ', event_kind, reason, message)",
    "runtime_alerts": "concat_ws(' ', rule_name, message)",
}


@dataclass(frozen=True, slots=True)
class Window:
    """From (inclusive) to (exclusive), either may be open."""

    start: datetime | None
    end: datetime | None


def around(case: Case, wanted: str, minutes: float) -> Window:
    """Return the window around a finding (F-...) or a record (EVIDENCE:NUMBER).

    Raises:
        UsageError: it is neither, or has no time.

    """
    if wanted.upper().startswith("F-"):
        found = [item for item in material(case)[0]["findings"] if item["id"].lower().startswith(wanted.lower())]
        if len(found) != 1 or not found[0]["first_seen"]:
            raise UsageError(f"There is no finding {wanted} with a time.", hint="explain and review print finding ids.")
        times = [parse_time(found[0]["first_seen"]), parse_time(found[0]["last_seen"] or found[0]["first_seen"])]
    else:
        evidence, number = split_id(wanted)
        with views.opened(case) as sandbox:
            times = _record_times(sandbox, evidence, number)
        if not times:
            raise UsageError(f"There is no record {wanted} with a time.", hint="explain prints record ids.")
    margin = timedelta(minutes=minutes)
    return Window(min(times) - margin, max(times) + margin)


def _record_times(sandbox: Sandbox, evidence: str, number: int) -> list[datetime]:
    union = " union all ".join(
        f"select time from facts.{table} where starts_with(evidence_id, $evidence) and record_no = $number"
        for table in TEXTS
    )
    return [row[0] for row in sandbox.rows(union, {"evidence": evidence, "number": number}) if row[0] is not None]


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time in UTC without zone; without a zone it is read as UTC.

    Raises:
        UsageError: it is not a time.

    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text} is not a time.", hint="Write it as 2026-03-03T09:00:00Z.") from error
    return utc(value) if value.tzinfo else value


def stream(case: Case, window: Window, *, cohort: str | None, limit: int) -> tuple[list[list[Any]], int]:
    """Return (rows of time, phase, cohort, what, text, record; number of all rows). Rows are the first `limit`.

    Secrets and personal data in paths and messages are masked; `show --raw` has the record.
    """
    conditions = ["time is not null"]
    parameters: dict[str, Any] = {}
    if window.start:
        conditions.append("time >= $start")
        parameters["start"] = window.start
    if window.end:
        conditions.append("time < $end")
        parameters["end"] = window.end
    if cohort:
        conditions.append("(cohort = $cohort or kind = 'rollout_events')")
        parameters["cohort"] = cohort
    union = " union all ".join(
        f"select time, phase, cohort, '{table}' as kind, {text} as text, record_id from observed.{table}"
        for table, text in TEXTS.items()
    )
    source = f"from ({union} union all select start_time, phase, '', 'phase', 'phase ' || phase || ' begins' || coalesce(format(': {{:g}} %', weight), ''), '' from dims.phases)"
    where = " and ".join(conditions)
    with views.opened(case) as sandbox:
        total = sandbox.value(f"select count(*) {source} where {where}", parameters)
        rows = sandbox.rows(
            f"select time, phase, cohort, kind, text, record_id {source} where {where} order by time, kind, record_id limit {int(limit)}",
            parameters,
        )
    return [[moment(time), *place, hide_values(text), record] for time, *place, text, record in rows], int(total)
