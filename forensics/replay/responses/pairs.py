"""The same request on both sides: a mirror or a retry (the same request id, or the same request within a trace), or a probe of the team.

Here responses are compared one by one, values as digests that never leave the query. What two answers of the baseline to the same
request differ in is noise; where the baseline answered no request twice, only classes of values are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.replay.responses.facets import RESPONSES, Question, parts_sql
from forensics.replay.responses.judge import exceeds
from forensics.store import Sandbox

_MOST = 1000  # responses of one key: more is no request id, but a constant

_SQL = f"""{RESPONSES}, keyed as (
    select id, cohort, via, concat_ws(' ', key, question.method, url_path || coalesce('?' || url_query, '')) as key
    from (
        select *, unnest([{{'via': 'probe', 'key': probe}}, {{'via': 'request id', 'key': http_request_id}}, {{'via': 'trace', 'key': trace_id}}], recursive := true)
        from responses where url_path is not null and cohort in ('canary', 'baseline')
    )
    where key <> ''
), shared as (
    select via, key from keyed
    group by all
    having bool_or(cohort = 'canary') and bool_or(cohort = 'baseline') and count(*) <= {_MOST}
), paired as materialized (
    select r.*, k.via, k.key
    from keyed k
    join shared s on s.via = k.via and s.key = k.key
    join responses r on r.id = k.id
    qualify row_number() over (partition by k.id order by k.via) = 1
), answered as materialized (
    select via, key, min(question) as question, count(*) filter (where cohort = 'canary') as canary_n, count(*) filter (where cohort = 'baseline') as baseline_n,
        min(record_id) filter (where cohort = 'canary') as canary_record, min(record_id) filter (where cohort = 'baseline') as baseline_record
    from paired
    group by via, key
    having canary_n > 0 and baseline_n > 0
), subject as (
    select * from paired
){parts_sql(with_numbers=True)}, held as (
    select k.via, k.key, k.cohort, k.record_id, p.kind, p.path,
        md5(string_agg(distinct coalesce(md5(p.raw), p.value), ' ' order by coalesce(md5(p.raw), p.value))) as texts,
        md5(string_agg(distinct p.value, ' ' order by p.value)) as classes
    from paired k
    join parts p on p.id = k.id
    where p.kind <> 'size'
    group by all
), sides as (
    select a.question, a.via, a.key, a.canary_record, a.baseline_record, h.kind, h.path,
        coalesce(list(distinct h.texts) filter (where h.cohort = 'canary'), []) as canary_texts,
        coalesce(list(distinct h.texts) filter (where h.cohort = 'baseline'), []) as baseline_texts,
        coalesce(list(distinct h.classes) filter (where h.cohort = 'canary'), []) as canary_classes,
        coalesce(list(distinct h.classes) filter (where h.cohort = 'baseline'), []) as baseline_classes,
        a.baseline_n > 1 as is_checked,
        count(*) filter (where h.cohort = 'baseline') < a.baseline_n or len(baseline_texts) > 1 as varies
    from held h
    join answered a on a.via = h.via and a.key = h.key
    group by a.question, a.via, a.key, a.canary_record, a.baseline_record, a.baseline_n, h.kind, h.path
), pairs as (
    select question, via, count(*) as pairs, count(*) filter (where baseline_n > 1) as checked from answered group by all
)
select s.question, s.via, s.kind, s.path, p.pairs, p.checked,
    count(*) filter (where len(baseline_texts) = 0) as only_canary,
    count(*) filter (where len(canary_texts) = 0) as only_baseline,
    count(*) filter (where len(canary_texts) > 0 and len(baseline_texts) > 0 and not list_has_any(canary_texts, baseline_texts)) as values_differ,
    count(*) filter (where len(canary_texts) > 0 and len(baseline_texts) > 0 and not list_has_any(canary_classes, baseline_classes)) as classes_differ,
    count(*) filter (where is_checked and varies and len(baseline_texts) > 0) as noisy,
    min({{'canary': canary_record, 'baseline': baseline_record}}) filter (where not list_has_any(canary_texts, baseline_texts)) as example
from sides s
join pairs p on p.question = s.question and p.via = s.via
group by all
order by all
"""


@dataclass(frozen=True, slots=True)
class PairChange:
    """What differs between the two answers to the same request: in how many of how many pairs, and which two records show it."""

    question: Question
    via: str
    kind: str
    path: str
    change: str
    pairs: int
    differing: int
    noisy: int
    checked: int
    canary_record: str
    baseline_record: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Differences told, how many pairs there are by what makes them one, and of how many only kinds of values were compared."""

    changes: list[PairChange]
    counts: dict[str, int]
    without_noise: int


def pairs(sandbox: Sandbox, route: str) -> Pairs:
    """Return the differences between answers to the same request that exceed what the baseline differs from itself."""
    rows = sandbox.dicts(_SQL, {"route": route})
    counts: dict[tuple[str, Question], int] = {}
    unchecked: dict[tuple[str, Question], int] = {}
    changes = []
    for row in rows:
        question = Question(**row["question"])
        counts[row["via"], question] = row["pairs"]
        unchecked[row["via"], question] = 0 if row["checked"] else row["pairs"]
        changed = row["values_differ" if row["checked"] else "classes_differ"]
        differing = row["only_canary"] + row["only_baseline"] + changed
        noise = row["noisy"] / row["checked"] if row["checked"] else None
        if not differing or not exceeds(differing / row["pairs"], noise):
            continue
        example = row["example"]
        changes.append(PairChange(
            question, row["via"], row["kind"], row["path"], _word(row, changed), row["pairs"], differing, row["noisy"], row["checked"],
            example["canary"], example["baseline"],
        ))  # fmt: skip
    by_via = {via: sum(n for (one, _), n in counts.items() if one == via) for via, _ in sorted(counts)}
    return Pairs(changes, by_via, sum(unchecked.values()))


def _word(row: dict[str, int], changed: int) -> str:
    most = max(row["only_canary"], row["only_baseline"], changed)
    if most == row["only_canary"]:
        return "new"
    return "dropped" if most == row["only_baseline"] else "other value" if row["checked"] else "other kind of value"
