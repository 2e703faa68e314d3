"""Blast radius: what the canary did from the onset to a moment. Every number says how it was counted: exact, estimated, or a lower bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from forensics.store import Sandbox

Rule = Literal["exact", "estimated", "lower bound"]
_CANARY = "cohort = 'canary' and time >= $since and time < $until"
_REQUESTS = f"""
select count(*) as requests, count(distinct user_id) as users, count(distinct session_id) as sessions,
    count(distinct client_address) as clients,
    count(*) filter (where http_response_status_code between 200 and 299) as answered,
    count(*) filter (where http_response_status_code in (401, 403)) as refused,
    count(*) filter (where http_response_status_code >= 500) as failed
from requests
where {_CANARY} and not is_synthetic
"""
_CALLERS = f"select count(distinct role) as roles, count(distinct tenant) as tenants from access_events where {_CANARY}"
_OUTBOUND = f"""
select coalesce(sum(o.source_bytes), 0)::bigint as bytes_out_new, count(*) as connections_new, count(distinct o.destination) as destinations_new
from outbound o
where o.{_CANARY.replace(" and time", " and o.time")} and coalesce(o.destination_zone_kind, 'external') <> 'internal'
    and not exists (select 1 from outbound_cells c where c.cohort <> 'canary' and c.destination = o.destination and c.destination_port is not distinct from o.destination_port)
"""
# What the canary's answers showed and no other answer of that route did; `secret` is a class of patterns.
_CONTENT = f"""
select count(distinct m.record_id) as records, count(distinct (m.http_request_method, m.route, m.json_path)) as fields,
    count(distinct case when m.pattern_class = 'secret' then (m.evidence_id, m.pattern, m.value_ordinal) end) as secrets
from matches m
where m.{_CANARY.replace(" and time", " and m.time")}
    and not exists (
        select 1 from matches b
        where b.cohort in ('baseline', 'prior', 'after') and b.pattern = m.pattern and b.http_request_method is not distinct from m.http_request_method
            and b.route is not distinct from m.route and b.json_path is not distinct from m.json_path)
"""
_RATE = f"""
select count(*) as n, count(*) filter (where sample_rate > 0 and sample_rate <= 1) as rated, min(sample_rate) as least,
    sum(1 / sample_rate) filter (where sample_rate > 0 and sample_rate <= 1) as estimate,
    sum((1 - sample_rate) / (sample_rate * sample_rate)) filter (where sample_rate > 0 and sample_rate <= 1) as variance
from exchanges
where {_CANARY}
"""


@dataclass(frozen=True, slots=True)
class Amount:
    """One number; `low` and `high` are its 95 % interval where it is estimated. Distinct things are never scaled up: they are lower bounds."""

    name: str
    value: float
    rule: Rule
    low: float | None = None
    high: float | None = None


def radius(sandbox: Sandbox, since: datetime, until: datetime) -> list[Amount]:
    """Return the blast radius of [since, until): from the access log exact, from samples a lower bound or, for counts, an estimate."""
    given = {"since": since, "until": until}
    exact = {**_row(sandbox, _REQUESTS, given), **_row(sandbox, _CALLERS, given), **_row(sandbox, _OUTBOUND, given)}
    amounts = [Amount(name, float(value), "exact") for name, value in exact.items()]
    shown = _row(sandbox, _CONTENT, given)
    sampled = _row(sandbox, _RATE, given)
    whole = bool(sampled["n"]) and sampled["rated"] == sampled["n"] and sampled["least"] == 1
    amounts += [Amount(name, float(value), "exact" if whole else "lower bound") for name, value in shown.items()]
    if sampled["n"] and sampled["rated"] == sampled["n"] and not whole:
        spread = 1.959963984540054 * float(sampled["variance"] or 0.0) ** 0.5
        estimate = float(sampled["estimate"])
        amounts.append(
            Amount("responses", estimate, "estimated", max(float(sampled["n"]), estimate - spread), estimate + spread)
        )
    return amounts


def saved(until_trigger: list[Amount], until_contained: list[Amount]) -> list[Amount]:
    """Return what the gate would have spared: the difference, never below zero; a difference of lower bounds is told as one."""
    before = {item.name: item for item in until_trigger}
    return [
        Amount(item.name, max(0.0, item.value - before[item.name].value), item.rule)
        for item in until_contained
        if item.name in before and item.rule != "estimated"
    ]


def _row(sandbox: Sandbox, sql: str, given: dict[str, datetime]) -> dict[str, Any]:
    return sandbox.dicts(sql, given)[0]
