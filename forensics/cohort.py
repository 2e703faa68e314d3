"""Whose event is it: cohort rules, phases, zones and identities of canary.toml as SQL over the facts.

First rule that matches wins; rows no rule reaches are `unknown`, counted and shown, never guessed. `baseline` is the baseline cohort
inside the span of the phases; what lies before is `prior`, what lies behind is `after`: counted apart, never in baseline_n.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from forensics.config.model import CohortRule, Config, ZoneRule
from forensics.networks import METADATA, Networks, key_of, most_specific_first
from forensics.schema import TABLES
from forensics.store import literal, name

# Built-in zones, asked after those of canary.toml. Private space is not among the internal ones: an attacker may sit there. Sources: RFC 6890
# (special purpose), RFC 3927; metadata and credential endpoints as the cloud providers document them.
DEFAULT_ZONES = (
    ZoneRule("metadata", list(METADATA), "metadata"),
    ZoneRule("loopback", ["127.0.0.0/8", "::1/128"], "internal"),
    ZoneRule("link-local", ["169.254.0.0/16", "fe80::/10"], "internal"),
    ZoneRule("multicast", ["224.0.0.0/4", "ff00::/8", "255.255.255.255/32"], "internal"),
)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the rollout with one weight; times are UTC without zone."""

    name: str
    start: datetime
    end: datetime
    weight: float


def utc(moment: datetime) -> datetime:
    """Return the time in UTC without zone, as tables hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def stamp(moment: datetime) -> str:
    """Return a SQL literal."""
    return f"timestamp '{utc(moment) if moment.tzinfo else moment}'"


def configured_phases(config: Config) -> list[Phase]:
    """Return the phases of canary.toml in time order."""
    phases = [Phase(item.name, utc(item.start), utc(item.end), item.weight) for item in config.phase]
    return sorted(phases, key=lambda phase: (phase.start, phase.name))


def observed_phases(events: Iterable[tuple[datetime, str, float | None]]) -> list[Phase]:
    """Return phases from rollout events (time, kind, weight): one a weight, until the next weight or the end of the rollout."""
    phases: list[Phase] = []
    begun: tuple[datetime, float] | None = None
    for time, kind, weight in sorted(events, key=lambda event: (event[0], event[1])):
        ends = kind in ("aborted", "rolled_back", "completed")
        if weight is None and not ends:
            continue
        if begun is not None and time > begun[0] and (ends or weight != begun[1]):
            phases.append(Phase(f"weight-{begun[1]:g}", begun[0], time, begun[1]))
            begun = None
        if ends or not weight:
            begun = None
        elif begun is None:
            begun = (time, weight)
    return phases


def phase_sql(phases: Sequence[Phase], window: tuple[datetime | None, datetime | None]) -> str:
    """Return an expression that names the phase of `time`; without phases everything inside the window is `all`."""
    if not phases:
        start, end = window
        before = f"when time < {stamp(start)} then 'before' " if start else ""
        after = f"when time >= {stamp(end)} then 'after' " if end else ""
        return f"case {before}{after}else 'all' end" if before or after else "'all'"
    whens = [
        f"when time >= {stamp(phase.start)} and time < {stamp(phase.end)} then {literal(phase.name)}"
        for phase in phases
    ]
    first, last = phases[0].start, max(phase.end for phase in phases)
    return f"case {' '.join(whens)} when time < {stamp(first)} then 'before' when time >= {stamp(last)} then 'after' else 'between' end"


def cohort_sql(config: Config, table: str, evidence: dict[str, str], timed: bool) -> str:
    """Return an expression over a row with `identity_cohort` and `phase`; `evidence` maps evidence id to name."""
    rules = [
        (rule, condition)
        for index, rule in enumerate(config.cohort)
        if (condition := _condition(rule, index, table, evidence))
    ]
    whens = " ".join(f"when {condition} then {literal(rule.cohort)}" for rule, condition in rules)
    raw = (
        f"case {whens} else coalesce(identity_cohort, 'unknown') end"
        if whens
        else "coalesce(identity_cohort, 'unknown')"
    )
    if not timed:
        return raw
    return f"case when phase = 'before' and ({raw}) = 'baseline' then 'prior' when phase = 'after' and ({raw}) = 'baseline' then 'after' else {raw} end"


def conflict_sql(config: Config, table: str, evidence: dict[str, str]) -> str:
    """Return a condition that is true where rules of different cohorts match the same row."""
    found: dict[str, list[str]] = {}
    for index, rule in enumerate(config.cohort):
        if condition := _condition(rule, index, table, evidence):
            found.setdefault(rule.cohort, []).append(f"coalesce({condition}, false)")
    if len(found) < 2:
        return "false"
    return " and ".join(f"({' or '.join(conditions)})" for conditions in found.values())


def _condition(rule: CohortRule, index: int, table: str, evidence: dict[str, str]) -> str:
    """Return the SQL of one rule, or an empty string where it does not speak of this table."""
    if rule.table not in ("*", table):
        return ""
    subject = _subject(rule, index, table)
    if rule.evidence and subject is not None:
        ids = sorted(item for item, title in evidence.items() if _matches(rule.evidence, title))
        within = f"evidence_id in ({', '.join(map(literal, ids))})" if ids else "false"
        subject = f"{within} and {subject}" if subject else within
    if not subject:
        return ""
    bounds = [f"time >= {stamp(rule.start)}"] if rule.start else []
    bounds += [f"time < {stamp(rule.stop)}"] if rule.stop else []
    return " and ".join([f"({subject})", *bounds])


def _subject(rule: CohortRule, index: int, table: str) -> str | None:
    """Return the test on a column or flag, empty where there is none, None where the table lacks the column."""
    if rule.flag:
        return _flag(rule, table) or None
    if not rule.column:
        return ""
    kind = TABLES[table].types.get(rule.column)
    if kind is None:
        return None
    return _test(rule, name(rule.column) if kind == "VARCHAR" else f"{name(rule.column)}::varchar", index)


def _matches(glob: str, title: str) -> bool:
    """Match the whole name, the part inside an archive, or the last part alone."""
    inside = title.rpartition("!")[2]
    return any(fnmatchcase(text, glob) for text in (title, inside, inside.rpartition("/")[2]))


def _flag(rule: CohortRule, table: str) -> str:
    if "user_id" not in TABLES[table].types:
        return ""
    variant = _test(rule, "feature_flag_variant", 0)
    return f"user_id in (select user_id from facts.flag_events where feature_flag_key = {literal(rule.flag)} and user_id is not null and {variant})"


def _test(rule: CohortRule, subject: str, index: int) -> str:
    if rule.equals is not None:
        return f"{subject} = {literal(rule.equals)}"
    if rule.any_of is not None:
        return f"{subject} in ({', '.join(map(literal, rule.any_of))})" if rule.any_of else "false"
    if rule.glob is not None:
        return f"{subject} glob {literal(rule.glob)}"
    if rule.re2 is not None:
        return f"regexp_matches({subject}, {literal(rule.re2)})"
    return f"{subject} in (select address from dims.cidr_rules where rule = {index})"


def cidr_columns(config: Config) -> dict[int, tuple[str, str]]:
    """Return rule number -> (column, network) of the rules that test a network; they are matched on distinct addresses."""
    return {index: (rule.column, rule.cidr) for index, rule in enumerate(config.cohort) if rule.cidr is not None}


_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def zones(config: Config, workloads: Iterable[str] = ()) -> Networks:
    """Return the zones of canary.toml and the built-in ones, the most specific network first, of equals that of canary.toml; a label is (name, kind).

    Without an internal zone in canary.toml the /16 networks of private `workloads` (addresses that open connections) are internal, where no zone holds them.
    """
    given = most_specific_first(_labelled([*config.zone, *DEFAULT_ZONES]))
    if any(rule.kind == "internal" for rule in config.zone):
        return Networks(given)
    return Networks([*given, *_labelled([ZoneRule("workloads", _sixteens(workloads), "internal")])])


def _labelled(rules: Iterable[ZoneRule]) -> Iterator[tuple[str, tuple[str, str]]]:
    return ((cidr, (rule.name, rule.kind)) for rule in rules for cidr in rule.cidrs)


def _sixteens(addresses: Iterable[str]) -> list[str]:
    private = Networks([(cidr, True) for cidr in _PRIVATE])
    keys = (key for key in map(key_of, addresses) if key is not None and private.find_key(key))
    return sorted({f"{key[12]}.{key[13]}.0.0/16" for key in keys})


@dataclass(frozen=True, slots=True)
class Span:
    """Who held an address from `start` (inclusive, None = always) to `stop` (exclusive, None = still)."""

    address: str
    pod: str | None
    version: str | None
    namespace: str | None
    cohort: str | None
    start: datetime | None
    stop: datetime | None


_BEGIN, _END = datetime(1, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - table times have no zone


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """Cut spans of one address so that no two overlap: a later start takes over, so that a join never doubles a row."""
    by_address: dict[str, list[Span]] = {}
    for span in spans:
        by_address.setdefault(span.address, []).append(span)
    cut: list[Span] = []
    for address in sorted(by_address):
        ordered = sorted(
            by_address[address], key=lambda span: (span.start or _BEGIN, span.stop or _END, span.pod or "")
        )
        for index, span in enumerate(ordered):
            limit = ordered[index + 1].start or _BEGIN if index + 1 < len(ordered) else _END
            stop = min(span.stop or _END, limit)
            if stop > (span.start or _BEGIN):
                cut.append(Span(span.address, span.pod, span.version, span.namespace, span.cohort, span.start, stop))
    return cut
