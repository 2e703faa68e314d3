/* Patterns found in responses, with whose response it was. */
create view matches as
select m.part, m.pattern, m.pattern_class, m.json_path, m.match_count, m.value_ordinal, e.*
from facts.content_matches m
join exchange_facts e on e.evidence_id = m.evidence_id and e.record_no = m.record_no;

/* How many responses of a route were sampled: the denominators of everything found in responses. */
create table exchange_totals as
select
    http_request_method, route,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as other_total
from exchange_facts
group by all;

/* The same by route and pattern: how many responses of each cohort hold it, and how many were sampled there. Made once: detectors read a class each. */
create table disclosures as
with found as (
    select http_request_method, route, pattern_class, pattern,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort = 'baseline') as baseline_n,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        count(distinct value_ordinal) filter (where cohort = 'canary') as distinct_values,
        min(http_response_status_code) filter (where cohort = 'canary') as status_code,
        min(json_path) filter (where cohort = 'canary') as json_path,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    group by all
)
select f.*, p.title as pattern_title, p.severity as pattern_severity, p.confidence as pattern_confidence,
    t.canary_total, t.baseline_total, t.other_total
from found f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
left join dims.patterns p on p.pattern = f.pattern;

/* What responses look like inside, with whose response it was. */
create view response_bodies as
select b.characters, b.items, b.structure, b.message, coalesce(m.others, 0) as other_people, e.*
from dims.bodies b
join exchange_facts e on e.evidence_id = b.evidence_id and e.record_no = b.record_no
left join dims.mentions m on m.evidence_id = b.evidence_id and m.record_no = b.record_no;

/* Properties that the canary returns and the baseline does not, compared among answers to the same role where the baseline has five at least: what an
   administrator was always given is new for a user. Of a new object only itself is told, and those of its properties whose names are like secrets. */
create view new_properties as
with asked as (
    select http_request_method, route, coalesce(user_role, '') as role, cohort, structure, time, record_id
    from response_bodies
    where structure is not null and http_response_status_code between 200 and 299
), known as (
    select http_request_method, route, role, count(*) filter (where cohort = 'baseline') as baseline_total, count(*) filter (where cohort = 'canary') as canary_total
    from asked
    group by all
    having baseline_total >= 5
), by_role as (
    select a.http_request_method, a.route, a.role, s.json_path, max(s.kind) as kind, min(k.canary_total) as canary_total, min(k.baseline_total) as baseline_total,
        count(*) filter (where a.cohort = 'canary') as canary_n,
        count(*) filter (where a.cohort in ('baseline', 'prior', 'after')) as other_n,
        min(a.time) filter (where a.cohort = 'canary') as first_seen,
        max(a.time) filter (where a.cohort = 'canary') as last_seen,
        min(distinct a.record_id, 20) filter (where a.cohort = 'canary') as evidence
    from asked a
    join known k on k.http_request_method is not distinct from a.http_request_method and k.route is not distinct from a.route and k.role = a.role
    join dims.structures s on s.structure = a.structure
    group by all
), fresh as (
    select http_request_method, route, json_path,
        regexp_replace(json_path, '(?:\[\])*\.[^.]*$', '') as parent,
        string_agg(nullif(role, ''), ', ' order by role) as roles,
        sum(canary_n)::bigint as canary_n, sum(canary_total)::bigint as canary_total, sum(baseline_total)::bigint as baseline_total,
        bool_or(kind not in ('BOOLEAN', 'NULL')) as has_value,
        min(first_seen) as first_seen, max(last_seen) as last_seen,
        min(evidence) as evidence
    from by_role
    where canary_n > 0 and other_n = 0
    group by all
), weighed as (
    select http_request_method, route, json_path, parent, roles, canary_n, canary_total, baseline_total, first_seen, last_seen, evidence,
        has_value and not is_about(json_path) and regexp_matches(lower(json_path),
            '(?:passw|pwd|secret|token|hash|salt|private|api_?key|credential|ssn|social|iban|card_?(?:no|num|pan)|pan$|cvv|pin$|otp|mfa|session)[^.]*$') as is_secret,
        has_value and not is_about(json_path) and regexp_matches(lower(json_path),
            '(?:role|admin|permission|scope|internal|debug|trace|salary|mail|phone|mobile|birth|dob|address|gender|religion|health|location|owner|user|note|tax_?id)[^.]*$') as is_sensitive
    from fresh
)
select w.http_request_method, w.route, w.json_path, w.roles, w.is_secret, w.is_sensitive, w.canary_n, w.canary_total, w.baseline_total,
    w.first_seen, w.last_seen, w.evidence
from weighed w
where w.is_secret or not exists (
    select 1 from weighed o
    where o.json_path = w.parent and o.http_request_method is not distinct from w.http_request_method and o.route is not distinct from w.route
);

/* Answers that refuse or fail, by their form: status, media type, properties and message without what differs from one to the next. */
create view error_forms as
select *, http_response_status_code || ' ' || coalesce(http_response_mime_type, '') || ' ' || coalesce(structure, '') || ' ' || coalesce(log_template(message), '') as form
from response_bodies
where http_response_status_code >= 400;

/* What each header of a response does, with whose response it was. */
create view verdicts as
select v.header, v.subject, v.verdict, v.verdict_rank, v.verdict_detail, e.http_response_status_code // 100 as status_class, e.*
from facts.header_verdicts v
join exchange_facts e on e.evidence_id = v.evidence_id and e.record_no = v.record_no;

/* How many responses have verdicts: one row. */
create view verdict_totals as
select
    count(distinct record_id) filter (where cohort = 'canary') as canary_total,
    count(distinct record_id) filter (where cohort = 'baseline') as baseline_total
from verdicts;

/* What the baseline usually sends on a route, answers of one class apart: the weakest and the strongest. */
create view usual_verdicts as
select header, subject, http_request_method, route, status_class,
    min(verdict_rank) as lowest, max(verdict_rank) as highest,
    min({'rank': verdict_rank, 'verdict': verdict}).verdict as lowest_verdict,
    max({'rank': verdict_rank, 'verdict': verdict}).verdict as highest_verdict
from verdicts
where cohort in ('baseline', 'prior', 'after')
group by all;

/* Verdicts of the canary beside what the baseline usually sends on the same route with the same class of status. */
create view compared_verdicts as
select v.*, u.lowest, u.highest, u.lowest_verdict, u.highest_verdict
from verdicts v
join usual_verdicts u on u.header = v.header and u.subject is not distinct from v.subject
    and u.http_request_method is not distinct from v.http_request_method and u.route is not distinct from v.route
    and u.status_class is not distinct from v.status_class
where v.cohort = 'canary';

/* Details of verdicts, word by word: properties of a cookie, origins, hosts. */
create view verdict_words as
select v.header, v.subject, v.record_id, v.cohort, unnest(string_split(v.verdict_detail, ' ')) as word
from verdicts v
where v.verdict_detail is not null;
