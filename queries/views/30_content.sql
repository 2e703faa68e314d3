/* Patterns found in responses, with whose response it was. */
create view matches as
select m.part, m.pattern, m.pattern_class, m.json_path, m.match_count, m.value_ordinal, e.*
from facts.content_matches m
join exchange_facts e on e.evidence_id = m.evidence_id and e.record_no = m.record_no;

/* How many responses of a route were sampled: the denominators of everything found in responses. */
create view exchange_totals as
select
    http_request_method, route,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as other_total
from exchange_facts
group by all;

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
