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

create view verdicts as
select v.header, v.subject, v.verdict, v.verdict_rank, v.verdict_detail, e.*
from facts.header_verdicts v
join exchange_facts e on e.evidence_id = v.evidence_id and e.record_no = v.record_no;
