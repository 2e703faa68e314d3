"""People and records by class, each number with its bound, its method and the query that made it.

A person is a distinct authenticated user id; where a record names none, a session, and where it names none either, a client address.
Samples of answers give a lower bound. The upper bound is everyone whom the access log shows asking for the same, which holds as long as an
answer is about its caller; where the samples contradict that, or a log is missing, the number is unknown and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from forensics.findings import rounded
from forensics.gdpr import scopes
from forensics.gdpr.model import Category
from forensics.gdpr.scopes import Query, Subject
from forensics.store import Sandbox
from forensics.text import listing

Bound = Literal["exact", "lower", "upper"]
TOTAL = "total"
_KEYS = (
    "count(distinct user_id) as user_ids, "
    "count(distinct session_id) filter (where user_id is null) as sessions, "
    "count(distinct client_address) filter (where user_id is null and session_id is null) as client_addresses, "
    "count(*) filter (where user_id is null and session_id is null and client_address is null) as nameless_requests"
)
_MOST = f"select user_ids + sessions + client_addresses as value, * from (select {_KEYS} from ({{scope}}))"
_LEAST = (
    "select case when user_ids > 0 then user_ids when sessions > 0 then sessions else client_addresses end as value, * "
    f"from (select {_KEYS} from ({{scope}}))"
)
_RECORDS = "select count(distinct record_id) as value from ({scope})"
# Ordinals number the values of one evidence file: those of two files may be the same.
_VALUES = (
    "select coalesce(max(n), 0) as value, (select count(distinct record_id) from ({scope}) where pattern = $class) as answers "
    "from (select count(distinct value_ordinal) as n from ({scope}) where pattern = $class group by evidence_id)"
)
_CLASSES = "select distinct pattern from ({scope}) order by pattern"
_CROWDED = "select count(*) from (select 1 from ({scope}) group by record_id, pattern having count(distinct value_ordinal) > 1)"
_METHODS = {"user_ids": "distinct authenticated user ids", "sessions": "distinct sessions", "client_addresses": "distinct client addresses"}  # fmt: skip
_SIDES: tuple[Bound, Bound] = ("lower", "upper")
_NOT_LOGGED = "the access log shows no such request"
_SHARED = "several people may share an address"
_NOTHING_SHOWN = (
    "no sampled answer shows a known class of personal data, and logs do not tell whose data an answer held"
)
_EACH = "if each value is of another person"
_SENT = (
    "if what was sent came from requests that the sending pods had answered; what they can read elsewhere no log bounds"
)


@dataclass(frozen=True, slots=True)
class Number:
    """One number: what it counts (`measure`) about a finding or in total, what it is worth (`bound`), how it was counted, and its query.

    `by` holds the other columns of the query's one row. `condition` says when the bound holds. Without a `value` it is unknown, and `reason`
    says why.
    """

    about: str
    measure: str
    bound: Bound
    value: int | float | None = None
    method: str = ""
    by: Mapping[str, int] = field(default_factory=dict)
    data_class: str = ""
    condition: str = ""
    reason: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Counting:
    """The open case with what people said about categories, titles of content patterns, what the access log lacks, findings left out."""

    sandbox: Sandbox
    categories: Sequence[Category]
    titles: Mapping[str, str]
    gaps: str
    left_out: Sequence[str] = ()

    def row(self, query: Query) -> dict[str, Any]:
        """Return the one row of a query."""
        row: dict[str, Any] = rounded(self.sandbox.dicts(query.sql, query.parameters)[0])
        return row


def count(counting: Counting, subjects: Sequence[Subject]) -> list[Number]:
    """Return the totals, then the numbers of every finding."""
    found = {subject.id: _of(counting, subject) for subject in subjects}
    return _totals(counting, subjects, found) + [number for numbers in found.values() for number in numbers]


def _of(counting: Counting, subject: Subject) -> list[Number]:
    if subject.kind == "other":
        why = "no query counts people or records for a finding of this kind"
        return [_unknown(subject.id, measure, bound, why) for measure in ("people", "records") for bound in _SIDES]
    return {"content": _content, "access": _access, "outbound": _outbound}[subject.kind](counting, subject)


def _content(counting: Counting, subject: Subject) -> list[Number]:
    """Count answers that carried personal data: samples from below, the access log from above."""
    shown, asked = scopes.sampled(subject), scopes.requested(subject)
    values = _values(counting, subject.id, scopes.matches(subject))
    least = _least(counting, subject.id, shown, values)
    most = _at_most(counting, subject, asked, least, values)
    logged = _from_log(counting, _records(counting, subject.id, asked, "upper", "answers in the access log"))
    return [
        *_met(least, most),
        *_by_category(counting, least, shown),
        *_by_category(counting, most, asked),
        *_met(_sampled_records(counting, subject.id, shown), logged),
        *values,
        _share(counting, subject),
    ]


def _met(least: Number, most: Number) -> list[Number]:
    """Return both bounds, or the one number where they meet in a log without gaps."""
    if least.value is None or least.value != most.value or most.condition:
        return [least, most]
    return [replace(most, bound="exact", method=f"{least.method}, and as many {most.method}")]


def _access(counting: Counting, subject: Subject) -> list[Number]:
    """Count answers that should have been refused, and who got them; whose data they held only samples can show."""
    asked, found = scopes.requested(subject), scopes.matches(subject)
    values = _values(counting, subject.id, found)
    bound: Bound = "lower" if counting.gaps else "exact"
    answered = _from_log(counting, _records(counting, subject.id, asked, bound, "answers in the access log"))
    return [
        _shown(subject.id, values),
        _unknown(subject.id, "people", "upper", "an answer that should have been refused may be about anybody"),
        *_met(_sampled_records(counting, subject.id, found), replace(answered, bound="upper")),
        replace(answered, measure="answers that should have been refused"),
        _callers(counting, subject, asked, bound),
        *values,
        _share(counting, subject),
    ]


def _callers(counting: Counting, subject: Subject, scope: Query, bound: Bound) -> Number:
    got = replace(_most(counting, subject.id, scope), measure="callers who got these answers", bound=bound)
    return _or_unknown(got, _NOT_LOGGED)


def _sampled_records(counting: Counting, about: str, scope: Query) -> Number:
    shown = _records(counting, about, scope, "lower", "sampled answers that show it")
    return _or_unknown(shown, _NOTHING_SHOWN)


def _shown(about: str, values: Sequence[Number]) -> Number:
    """Return how many people answers to strangers were about at least: as many as they show different values of one class."""
    if not values:
        return _unknown(about, "people", "lower", _NOTHING_SHOWN)
    best = max(values, key=lambda number: number.value or 0)
    return replace(best, measure="people", data_class="", condition=_EACH)


def _outbound(counting: Counting, subject: Subject) -> list[Number]:
    """Count what was sent; whose data it was no log tells, so the bound is who had been served by then."""
    scope = scopes.handled(subject)
    most = _most(counting, subject.id, scope)
    most = replace(most, condition=_joined(_SENT, most.condition))
    most = _or_unknown(most, "the access log shows no request that the sending pods answered")
    why = "the contents of the connections were not recorded"
    unknown = [_unknown(subject.id, "records", bound, why) for bound in _SIDES]
    return [
        _unknown(subject.id, "people", "lower", why),
        most,
        *_by_category(counting, most, scope),
        *unknown,
        _bytes(counting, subject),
    ]


def _bytes(counting: Counting, subject: Subject) -> Number:
    query = scopes.sent(subject)
    row = counting.row(query)
    if row["value"] is None:
        return _unknown(subject.id, "bytes sent", "exact", "the network sensor counts no bytes")
    by = {"connections": row["connections"]}
    method = "payload bytes by the network sensor"
    return Number(subject.id, "bytes sent", "exact", row["value"], method, by, query=query.text())


def _totals(counting: Counting, subjects: Sequence[Subject], found: Mapping[str, Sequence[Number]]) -> list[Number]:
    scope = scopes.served()
    served = replace(_most(counting, TOTAL, scope), measure="people served by the canary")
    served = _or_unknown(served, "there is no access log of the canary")
    return [
        *_least_of_all(counting, subjects, found),
        *_most_of_all(counting, subjects, found),
        *_records_of_all(counting, subjects, found),
        *_classes_of_all(counting, subjects),
        served,
        *_by_category(counting, served, scope),
    ]


def _known(found: Mapping[str, Sequence[Number]], measure: str, *bounds: Bound) -> list[Number]:
    return [
        number
        for numbers in found.values()
        for number in numbers
        if number.measure == measure and number.bound in bounds and number.value is not None
    ]


def _least_of_all(
    counting: Counting, subjects: Sequence[Subject], found: Mapping[str, Sequence[Number]]
) -> list[Number]:
    """Count people once over all findings; a finding that shows more values than that alone gives more."""
    single = _known(found, "people", "lower", "exact")
    if not single:
        return [_unknown(TOTAL, "people", "lower", "no sampled answer tells whose data it holds")]
    best = replace(max(single, key=lambda number: number.value or 0), about=TOTAL)
    shown = [scopes.sampled(subject) for subject in subjects if subject.kind == "content"]
    if not shown:
        return [best]
    scope = scopes.together(shown)
    union = _least(counting, TOTAL, scope, [])
    if (union.value or 0) < (best.value or 0):
        return [best]
    return [union, *_by_category(counting, union, scope)]


def _most_of_all(
    counting: Counting, subjects: Sequence[Subject], found: Mapping[str, Sequence[Number]]
) -> list[Number]:
    """Count everyone once over all findings; where one of them has no upper bound there is none."""
    known = _known(found, "people", "upper", "exact")
    bounded = {number.about for number in known}
    missing = [*(subject.id for subject in subjects if subject.id not in bounded), *counting.left_out]
    if missing:
        return [_unknown(TOTAL, "people", "upper", f"it is unknown for {listing(missing)}")]
    parts = [scopes.handled(item) if item.kind == "outbound" else scopes.requested(item) for item in subjects]
    scope = scopes.together(parts)
    most = _most(counting, TOTAL, scope)
    most = replace(most, condition=_joined(*(number.condition for number in known), most.condition))
    return [most, *_by_category(counting, most, scope)]


def _records_of_all(
    counting: Counting, subjects: Sequence[Subject], found: Mapping[str, Sequence[Number]]
) -> list[Number]:
    bounded = {number.about for number in _known(found, "records", "upper", "exact")}
    missing = [*(subject.id for subject in subjects if subject.id not in bounded), *counting.left_out]
    if missing:
        most = _unknown(TOTAL, "records", "upper", f"it is unknown for {listing(missing)}")
    else:
        scope = scopes.together([scopes.requested(subject) for subject in subjects])
        most = _from_log(counting, _records(counting, TOTAL, scope, "upper", "answers in the access log"))
    return _met(_fewest_records(counting, subjects), most)


def _fewest_records(counting: Counting, subjects: Sequence[Subject]) -> Number:
    """Count sampled answers once, whatever number of findings they show."""
    parts = [scopes.matches(subject) for subject in subjects if subject.kind in ("content", "access")]
    if not parts:
        return _unknown(TOTAL, "records", "lower", "no answer that carried personal data was recorded")
    return _sampled_records(counting, TOTAL, scopes.together(parts))


def _classes_of_all(counting: Counting, subjects: Sequence[Subject]) -> list[Number]:
    shown = [scopes.matches(subject) for subject in subjects if subject.kind in ("content", "access")]
    return _values(counting, TOTAL, scopes.together(shown)) if shown else []


def _values(counting: Counting, about: str, scope: Query) -> list[Number]:
    """Count distinct values by class of content."""
    classes = [row[0] for row in counting.sandbox.rows(scope.over(_CLASSES).sql, scope.parameters)]
    numbers = []
    for name in classes:
        query = Query(scope.over(_VALUES).sql, {**scope.parameters, "class": name})
        row = counting.row(query)
        title = counting.titles.get(name, name)
        numbers.append(
            Number(about, "distinct values", "lower", row["value"], "distinct values in sampled answers",
                   {"answers": row["answers"]}, title, query=query.text())
        )  # fmt: skip
    return numbers


def _least(counting: Counting, about: str, scope: Query, values: Sequence[Number]) -> Number:
    """Count people in samples by the best key there is; where answers show more values than callers, the values are more people."""
    query = scope.over(_LEAST)
    row = counting.row(query)
    value, by = row.pop("value"), row
    best = max(values, key=lambda number: number.value or 0, default=None)
    if best and (best.value or 0) > value:
        return replace(best, measure="people", data_class="", condition=_EACH)
    if not value:
        return _unknown(about, "people", "lower", "no sampled answer names its caller")
    kind = next(kind for kind in _METHODS if by[kind])
    return Number(about, "people", "lower", value, f"{_METHODS[kind]} in sampled answers", by, query=query.text())


def _most(counting: Counting, about: str, scope: Query) -> Number:
    """Count everyone in the access log by all keys; one person under two keys counts twice, which keeps it an upper bound."""
    query = scope.over(_MOST)
    row = counting.row(query)
    value, by = row.pop("value"), row
    used = [name for kind, name in _METHODS.items() if by[kind]]
    shared = _SHARED if by["client_addresses"] else ""
    nameless = "requests that name nobody are not counted" if by["nameless_requests"] else ""
    return Number(
        about, "people", "upper", value, f"{', then '.join(used) or 'nobody is named'} in the access log", by,
        condition=_joined(shared, nameless, counting.gaps), query=query.text(),
    )  # fmt: skip


def _at_most(counting: Counting, subject: Subject, scope: Query, least: Number, values: Sequence[Number]) -> Number:
    """Count the callers of the access log, unless the samples show that answers are not about their callers."""
    crowded, most = scopes.matches(subject).over(_CROWDED), _most(counting, subject.id, scope)
    doubts = {
        "an answer shows several values: it is not about its caller alone": bool(
            counting.sandbox.value(crowded.sql, crowded.parameters)
        ),
        "the answers show more values than callers: they are about others too": any(
            least.query == number.query for number in values
        ),
        _NOT_LOGGED: not most.value,
        "the access log names fewer callers than the samples": (most.value or 0) < (least.value or 0),
    }
    why = next((doubt for doubt, there in doubts.items() if there), "")
    if why:
        return _unknown(subject.id, "people", "upper", why)
    return replace(most, condition=_joined("if each answer is about its caller, as in the samples", most.condition))


def _records(counting: Counting, about: str, scope: Query, bound: Bound, method: str) -> Number:
    query = scope.over(_RECORDS)
    return Number(about, "records", bound, counting.row(query)["value"], method, query=query.text())


def _from_log(counting: Counting, number: Number) -> Number:
    """Return a count of the access log with what the log lacks; one that finds nothing tells nothing."""
    return _or_unknown(replace(number, condition=counting.gaps), _NOT_LOGGED)


def _share(counting: Counting, subject: Subject) -> Number:
    query = scopes.sampling(subject)
    row = counting.row(query)
    value = row.pop("value")
    if value is None or value > 1:
        return _unknown(
            subject.id, "sampled share", "exact", "the access log shows fewer such requests than were sampled"
        )
    return Number(subject.id, "sampled share", "exact", value, "sampled answers among those of the access log", row, query=query.text())  # fmt: skip


def _by_category(counting: Counting, number: Number, scope: Query) -> list[Number]:
    """Tell the user ids of a number by the categories of gdpr.toml; the first that fits counts, session and address have none."""
    if not counting.categories or not number.value or not number.by.get("user_ids"):
        return []
    cases, values = _cases(counting.categories)
    columns = ", ".join(
        f"count(distinct user_id) filter (where category = {index}) as category_{index}"
        for index in range(len(counting.categories))
    )
    sql = (
        f"select count(distinct user_id) as value, {columns}, count(distinct user_id) filter (where category is null) as without "
        f"from (select user_id, {cases} as category from ({scope.sql}) where user_id is not null)"
    )
    query = Query(sql, {**scope.parameters, **values})
    row = counting.row(query)
    names = [*(category.name for category in counting.categories), "no category"]
    told = dict(zip(names, list(row.values())[1:], strict=True))
    return [Number(number.about, f"{number.measure} by category", number.bound, row["value"], "distinct authenticated user ids, first category that fits", told, query=query.text())]  # fmt: skip


def _cases(categories: Sequence[Category]) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    cases = []
    for index, category in enumerate(categories):
        tests = []
        if category.roles:
            values[f"roles_of_{index}"] = list(category.roles)
            tests.append(f"list_contains($roles_of_{index}, user_role)")
        if category.user:
            values[f"user_of_{index}"] = category.user
            tests.append(f"user_id glob $user_of_{index}")
        cases.append(f"when {' or '.join(tests) or 'false'} then {index}")
    return f"case {' '.join(cases)} end", values


def _unknown(about: str, measure: str, bound: Bound, reason: str) -> Number:
    """Unknown is never 0: no value, no query, and the reason."""
    return Number(about, measure, bound, reason=reason)


def _or_unknown(number: Number, reason: str) -> Number:
    return number if number.value else _unknown(number.about, number.measure, number.bound, reason)


def _joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(part for whole in parts for part in whole.split("; ") if part))
