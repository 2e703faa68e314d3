"""What responses are made of: headers, JSON paths, elements of pages, patterns, each with how many responses of a cohort have it.

A question is method, route, caller (kind and role), media type of the request, and the names in its query. A shape is a question with the
class of the status. Facets of kind `status` are counted by question, all others by shape. Values are classes (queries/macros/values.sql); a text is
shown only where the baseline gives it to three callers at least, as one of at most twelve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.store import Sandbox

# Larger bodies are counted as not compared. Places of JSON come from its structure; what stands there is looked up place by place in bodies of 64 kB at
# most, in the first three elements of lists. (json_tree does it in one pass, but keeps 200 kB for each response until it ends.)
_MAX_BODY, _MAX_SEARCHED, _ELEMENTS = 1 << 18, 1 << 16, 3
MAX_FACETS = 200_000
ARMS = {
    "canary": "r.cohort = 'canary'", "baseline": "r.cohort = 'baseline'", "other": "r.cohort in ('prior', 'after')",
    "left": "r.half = 0", "right": "r.half = 1",
}  # fmt: skip
# What must have been captured for a facet to be missed.
PARTS_OF = {"status": "any", "media type": "any", "size": "any", "header": "headers", "cookie": "headers"}
_ENUM_VALUES, _ENUM_CALLERS, _ENUM_LENGTH = 12, 3, 60

RESPONSES = f"""
with chosen as (
    select e.record_id, e.cohort, e.k8s_pod_name as pod, e.http_request_id, e.trace_id, e.url_path, e.url_query,
        hash(coalesce(e.user_id, e.session_id, e.client_address, e.record_id)) as unit, ascii(right(md5(coalesce(e.user_id, e.session_id, e.client_address, e.record_id)), 1)) % 2 as side,
        y.source as probe,
        {{'method': coalesce(e.http_request_method, ''), 'route': coalesce(e.route, ''), 'principal': coalesce(a.principal, ''),
            'request_type': coalesce(lower(split_part(list_filter(e.http_request_headers, lambda x: lower(x.name) = 'content-type')[1].value, ';', 1)), ''),
            'query_names': coalesce(array_to_string(list_sort(list_distinct(list_transform(
                list_filter(string_split(e.url_query, '&'), lambda part: part <> ''),
                lambda part: case when regexp_full_match(split_part(part, '=', 1), '[A-Za-z_.\\[\\]-]{{1,40}}') then split_part(part, '=', 1) else '*' end))), '&'), '')
        }} as question,
        e.http_response_status_code as status, (e.http_response_status_code // 100)::varchar || 'xx' as status_class,
        coalesce(e.http_response_mime_type, '') as media_type, e.http_response_body_size as size, e.http_response_headers as headers, b.message,
        case when length(e.http_response_body) <= {_MAX_BODY} then e.http_response_body end as body,
        case when body is not null then b.structure end as structure,
        e.http_response_body <> '' and length(e.http_response_body) > {_MAX_BODY} as is_too_large
    from exchanges e
    left join access_samples a on a.evidence_id = e.evidence_id and a.record_no = e.record_no
    left join dims.bodies b on b.evidence_id = e.evidence_id and b.record_no = e.record_no
    left join dims.synthetic y on y.user_agent = coalesce(e.user_agent_original, '') and y.client = coalesce(e.client_address, '')
    where e.cohort in ('canary', 'baseline', 'prior', 'after') and coalesce(e.route, '') glob $route and e.http_response_status_code is not null
), questions as (
    select question, row_number() over (order by question) as asked from (select distinct question from chosen)
), pods as (
    select pod, row_number() over (order by pod) % 2 as half, count(*) over () as pods
    from (select distinct pod from chosen where cohort = 'baseline' and pod is not null)
), responses as materialized (
    select c.*, q.asked, row_number() over () as id,
        case when c.cohort = 'baseline' then coalesce(case when p.pods >= 2 then p.half end, c.side) end as half
    from chosen c
    join questions q on q.question = c.question
    left join pods p on p.pod = c.pod
)"""

# What dims.structures calls a scalar -> what is said of it.
_NUMBERS = "'UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'"
_TEXTS = "'VARCHAR', 'BOOLEAN', 'LIST', 'JSON'"


def parts_sql(*, with_numbers: bool) -> str:
    """Return the SELECT of all facets of each response in `subject`, as `parts`: `raw` is the text of which `value` may only be a class; numbers are read where asked for."""
    looked_up, raw = (f"{_TEXTS}, {_NUMBERS}", "text") if with_numbers else (_TEXTS, f"left(text, {_ENUM_LENGTH + 1})")
    return _PARTS.replace("{looked_up}", looked_up).replace("{raw}", raw)


_PARTS = f""", headers as (
    select id, lower(h.name) as name, h.value from (select id, unnest(headers) as h from subject) where regexp_full_match(h.name, '[A-Za-z0-9_-]{{1,60}}')
), pages as (
    select id, body from subject where media_type like '%html%'
), found as (
    select m.record_id, m.pattern, m.pattern_class from matches m
), places as (
    select structure, json_path as place, kind,
        '$' || regexp_replace(json_path[2:], '\\.([^.\\[\\]]+)', '."\\1"', 'g') || case when kind = 'LIST' then '[]' else '' end as pointer
    from dims.structures
), looked_up as (
    select s.id, p.place || case when p.kind = 'LIST' then '[]' else '' end as place, p.kind, s.body, replace(p.pointer, '[]', '[' || e.element || ']') as pointer
    from subject s
    join places p on p.structure = s.structure
    join range({_ELEMENTS}) e(element) on e.element = 0 or contains(p.pointer, '[]')
    where p.kind in ({{looked_up}}) and not contains(p.place, '*') and length(s.body) <= {_MAX_SEARCHED}
), texts as (
    select id, place, kind, json_extract_string(body, pointer) as text
    from looked_up
    where kind not in ('LIST', 'JSON') or json_type(body, pointer) = 'VARCHAR'
), parts as materialized (
    select id, 'status' as kind, status_class as path, status::varchar as value, null as raw, false as is_text from subject
    union all select id, 'media type', '', media_type, media_type, false from subject where media_type <> ''
    union all select id, 'size', '', case
            when size = 0 then 'empty' when size < 256 then 'below 256 B' when size < 1024 then '256 B to 1 kB' when size < 4096 then '1 to 4 kB'
            when size < 16384 then '4 to 16 kB' when size < 65536 then '16 to 64 kB' when size < 262144 then '64 to 256 kB' else '256 kB and more' end, null, false
        from subject where size is not null
    union all select id, 'header', name, case when name in ('set-cookie', 'content-type', 'content-length', 'date') then '' else value_class(value) end, value,
            name not in ('set-cookie', 'content-type', 'content-length', 'date')
        from headers
    union all select id, 'cookie', regexp_replace(trim(split_part(value, '=', 1)), '[^A-Za-z_.-]+', '*', 'g'),
            array_to_string(list_sort(list_distinct(list_transform(string_split(value, ';')[2:], lambda part:
                regexp_replace(lower(trim(part)), '^(expires|max-age|domain|path)=.*', '\\1')))), '; '), null, false
        from headers where name = 'set-cookie'
    union all select s.id, 'json', p.place, case
            when p.kind in ('OBJECT', 'LIST', 'NULL') then lower(p.kind) when p.kind = 'DOUBLE' then 'number' when p.kind in ({_NUMBERS}) then 'integer' when p.kind = 'JSON' then 'mixed'
            else '' end, null, false
        from subject s join places p on p.structure = s.structure
    union all select id, 'json', place, case when kind = 'BOOLEAN' then text when kind in ({_NUMBERS}) then '' else value_class(text) end, {{raw}}, kind not in ('BOOLEAN', {_NUMBERS})
        from texts where text is not null
    union all select id, 'page', 'title', value_class(title), title, true
        from (select id, trim(regexp_extract(body, '(?is)<title[^>]*>([^<]{{0,500}})', 1)) as title from pages)
        where title <> ''
    union all select id, 'page', element, '', null, false
        from (select id, unnest(list_distinct(list_transform(
                regexp_extract_all(body, '(?is)<(?:form|input|script|iframe|object|embed|link|meta|base|applet)\\b[^>]{{0,500}}'),
                lambda tag: page_element(tag)))) as element from pages)
    union all select id, 'message', log_template(message), '', null, false from subject where message <> ''
    union all select s.id, 'pattern', f.pattern, '', null, false from found f join subject s on s.record_id = f.record_id
    union all select id, 'stack', stack_frame(body), '', null, false
        from subject s where stack_frame(body) is not null and exists (select 1 from found f where f.record_id = s.record_id and f.pattern_class = 'stack_trace')
)"""

# Which texts of a path are shown: what the baseline gives to three callers at least, as one of twelve at most.
_HELD = f"""{RESPONSES}, subject as (
    select * from responses where probe is null
){parts_sql(with_numbers=False)}, enumerations as materialized (
    select asked, status_class, kind, path, raw
    from (
        select r.asked, r.status_class, p.kind, p.path, left(p.raw, {_ENUM_LENGTH + 1}) as raw, count(distinct r.unit) as callers,
            bool_and(p.value in ('word', 'text', 'empty text', 'path', 'digits')) as is_plain
        from parts p join responses r on r.id = p.id
        where p.is_text and r.cohort = 'baseline'
        group by all
    )
    window path as (partition by asked, status_class, kind, path)
    qualify count(*) over path <= {_ENUM_VALUES} and min(callers) over path >= {_ENUM_CALLERS} and max(length(raw)) over path <= {_ENUM_LENGTH}
        and bool_and(is_plain) over path
), enumerated as (
    select distinct asked, status_class, kind, path from enumerations
), valued as (
    select distinct p.id, p.kind, p.path, case
            when d.path is null then p.value when e.raw is null then 'another ' || p.value when e.raw = '' then p.value else p.value || ': ' || e.raw end as value
    from parts p
    join responses r on r.id = p.id
    left join enumerated d on p.is_text and d.asked = r.asked and d.status_class = r.status_class and d.kind = p.kind and d.path = p.path
    left join enumerations e on e.asked = d.asked and e.status_class = d.status_class and e.kind = d.kind and e.path = d.path and e.raw = p.raw
), held as (
    select id, kind, path, value from valued where value <> ''
    union all select distinct id, kind, path, '' from valued where kind not in ('media type', 'size')
)
"""

_COUNTED = ", ".join(
    f"count(*) filter (where {condition}) as {arm}_n, count(distinct r.unit) filter (where {condition}) as {arm}_units"
    for arm, condition in ARMS.items()
)
FACETS = f"""{_HELD}
select any_value(r.question) as question, case when h.kind = 'status' then '' else r.status_class end as status_class, h.kind, h.path, h.value, {_COUNTED},
    min(distinct r.record_id, 3) filter (where r.cohort = 'canary') as canary_records,
    min(distinct r.record_id, 3) filter (where r.cohort = 'baseline') as baseline_records
from held h
join responses r on r.id = h.id
group by r.asked, 2, h.kind, h.path, h.value
order by r.asked, 2, h.kind, h.path, h.value
limit {MAX_FACETS + 1}
"""
_TOTALS = f"""{RESPONSES}
select r.question, coalesce(r.status_class, '') as status_class, r.part, {_COUNTED},
    count(distinct r.unit) filter (where r.cohort = 'canary') + count(distinct r.unit) filter (where r.cohort = 'baseline')
        - count(distinct r.unit) filter (where r.cohort in ('canary', 'baseline')) as mixed_units,
    count(*) filter (where r.is_too_large) as too_large
from (
    select *, unnest(['any', case when len(headers) > 0 then 'headers' end, case when body is not null then 'body' end]) as part from responses
) r
where r.part is not null and r.probe is null
group by grouping sets ((r.question, r.status_class, r.part), (r.question, r.part))
order by all
"""


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """What was asked, by its form."""

    method: str
    route: str
    principal: str
    request_type: str
    query_names: str


@dataclass(frozen=True, slots=True)
class Count:
    """Responses, and callers (user, session or client) among them."""

    n: int
    units: int


Arms = dict[str, Count]


@dataclass(frozen=True, slots=True)
class Totals:
    """Responses of one shape (of a question where `status_class` is empty) in which a facet of `part` could have been seen."""

    arms: Arms
    mixed_units: int
    too_large: int


@dataclass(frozen=True, slots=True)
class Facet:
    """What some responses of one shape have; `value` is empty where the path itself is meant."""

    question: Question
    status_class: str
    kind: str
    path: str
    value: str
    arms: Arms
    canary_records: list[str]
    baseline_records: list[str]

    @property
    def totals_key(self) -> tuple[Question, str, str]:
        """Key of the totals that it is a share of."""
        return self.question, self.status_class, PARTS_OF.get(self.kind, "body")


def totals(sandbox: Sandbox, route: str) -> dict[tuple[Question, str, str], Totals]:
    """Return how many responses there are, by question, class of the status and what of them was captured."""
    return {
        (Question(**row["question"]), row["status_class"], row["part"]): Totals(
            _arms(row), row["mixed_units"], row["too_large"]
        )
        for row in sandbox.dicts(_TOTALS, {"route": route})
    }


def facets(sandbox: Sandbox, route: str) -> list[Facet]:
    """Return the facets of all responses, `MAX_FACETS` and one more at most."""
    return list(_facets(sandbox.dicts(FACETS, {"route": route})))


def _facets(rows: list[dict[str, Any]]) -> Iterator[Facet]:
    for row in rows:
        yield Facet(
            Question(**row["question"]), row["status_class"], row["kind"], row["path"], row["value"], _arms(row),
            row["canary_records"] or [], row["baseline_records"] or [],
        )  # fmt: skip


def _arms(row: dict[str, Any]) -> Arms:
    return {arm: Count(row[f"{arm}_n"], row[f"{arm}_units"]) for arm in ARMS}
