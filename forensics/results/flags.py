"""Which feature flags the callers behind each finding had, and whether a finding shows with one variant only.

The state of a flag for a record is the evaluation in the same trace, else the last one for the same account at or before the record. The
records are those a finding names (20 at most). *Only with* asks for three callers or more, all with one variant, in a canary where another
variant was served too; `chance` is the probability of that if the variant had no part in it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from forensics.results.context import Context
from forensics.text import plural

MIN_CALLERS = 3
MAX_CHANCE = 0.05
_SOURCES = ("http_requests", "http_exchanges", "auth_events", "app_logs")
_USERS = {"app_logs": "null::varchar"}  # application logs name no account of their own
_SERVED = """
select feature_flag_key, coalesce(feature_flag_variant, '') as variant, cohort, count(distinct coalesce(user_id, trace_id, record_id)) as callers
from flag_events
where feature_flag_key is not null and cohort in ('canary', 'baseline')
group by all
order by all
"""
_STATES = """
with wanted as (
    select unnest($findings::varchar[]) as finding, unnest($records::varchar[]) as record_id
), subjects as (
    select w.finding, t.* from wanted w join ({sources}) t on t.record_id = w.record_id
), evaluated as (
    select s.finding, s.record_id, coalesce(s.user_id, f.user_id, s.trace_id) as caller, f.feature_flag_key as flag, f.feature_flag_variant as variant,
        2 as rank, f.time, f.record_id as source
    from subjects s
    join flag_events f on f.trace_id = s.trace_id
    union all
    select s.finding, s.record_id, coalesce(s.user_id, s.trace_id), f.feature_flag_key, f.feature_flag_variant, 1, f.time, f.record_id
    from subjects s
    join flag_events f on f.user_id = s.user_id and f.time <= s.time
), states as (
    select finding, record_id, caller, flag, coalesce(variant, '') as variant
    from evaluated
    where flag is not null
    qualify row_number() over (partition by finding, record_id, flag order by rank desc, time desc nulls last, source desc) = 1
)
select finding, flag, variant, count(*) as records, count(distinct caller) as callers
from states
group by all
order by all
"""


def build(context: Context) -> dict[str, Any]:
    """Return the flags as served to both cohorts, and by finding id the variants behind it; empty where the case knows no flags."""
    served: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: {"canary": {}, "baseline": {}})
    for flag, variant, cohort, callers in context.sandbox.rows(_SERVED):
        served[flag][cohort][variant] = callers
    if not served:
        return {"flags": [], "findings": {}, "note": _without(context)}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (finding, flag), variants in _states(context).items():
        found[finding].append(_joined(flag, variants, served[flag]["canary"]))
    return {"flags": [{"flag": flag, **sides} for flag, sides in served.items()], "findings": dict(found), "note": ""}


def _without(context: Context) -> str:
    """Say why no finding could be tied to a flag."""
    count = context.sandbox.value("select count(*) from facts.flag_events")
    if not count:
        return "The evidence holds no evaluations of feature flags, so no finding could be tied to one."
    return f"None of {plural(count, 'evaluation')} of feature flags could be given to a cohort: canary.toml has no rule that reaches them."


def _states(context: Context) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    """Return, for each finding and flag, records and callers by variant."""
    pairs = [(item.id, record) for item in context.result.findings for record in item.evidence]
    sources = " union all ".join(
        f"select record_id, trace_id, {_USERS.get(table, 'user_id')} as user_id, time from observed.{table}"
        for table in _SOURCES
    )
    bound = {"findings": [finding for finding, _ in pairs], "records": [record for _, record in pairs]}
    states: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for finding, flag, variant, records, callers in context.sandbox.rows(_STATES.format(sources=sources), bound):
        states[finding, flag][variant] = (records, callers)
    return states


def _joined(flag: str, variants: dict[str, tuple[int, int]], served: dict[str, int]) -> dict[str, Any]:
    """Tell one finding's variants of a flag, and whether it shows with one of them only."""
    variant, (records, callers) = max(variants.items(), key=lambda item: (item[1], item[0]))
    total = sum(served.values())
    share = served.get(variant, 0) / total if total else None
    chance = share**callers if share is not None and len(variants) == 1 else None
    only = callers >= MIN_CALLERS and share is not None and 0 < share < 1
    return {
        "flag": flag, "variants": {name: known for name, (known, _) in variants.items()}, "callers": sum(n for _, n in variants.values()),
        "variant": variant, "records": records, "canary_share": share, "chance": chance,
        "only_with": bool(only and chance is not None and chance <= MAX_CHANCE),
    }  # fmt: skip
