/*
title = "Canary returns much more than the baseline"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "Lists or bodies of this route are several times larger: a limit, a filter or paging was lost, and callers are given what they did not ask for."
recommendation = "Restore limit and filter, and count what was handed out."
false_positives = ["a larger page size that was agreed on"]
references = ["CWE-200", "CWE-770", "OWASP API3:2023", "OWASP API4:2023"]
personal_data = true
gdpr = ["5(1)(c)", "32", "33"]
fingerprint = ["http_request_method", "route", "dimension"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
factor = 3
min_responses = 20
*/
/* The 95th percentile: its lower bound on the canary against its upper bound on the baseline (order
   statistics, 95 %: no assumption about the form of the tail). */
with measured as (
    select http_request_method, route, cohort, time, record_id, 'items' as dimension, items as amount from response_bodies
    where items is not null and http_response_status_code between 200 and 299 and cohort in ('canary', 'baseline')
    union all by name
    select http_request_method, route, cohort, time, record_id, 'characters' as dimension, characters as amount from response_bodies
    where http_response_status_code between 200 and 299 and cohort in ('canary', 'baseline')
), ranked as (
    select *,
        row_number() over (partition by http_request_method, route, dimension, cohort order by amount, record_id) as place,
        count(*) over (partition by http_request_method, route, dimension, cohort) as total
    from measured
), bounds as (
    select http_request_method, route, dimension,
        min(amount) filter (where cohort = 'canary' and place = greatest(1, floor(total * 0.95 - 1.96 * sqrt(total * 0.95 * 0.05)))) as canary_amount,
        min(amount) filter (where cohort = 'baseline' and place = least(total, ceil(total * 0.95 + 1.96 * sqrt(total * 0.95 * 0.05)) + 1)) as baseline_amount,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from ranked
    group by all
    having canary_total >= $min_responses and baseline_total >= $min_responses
)
select b.http_request_method, b.route, b.dimension, b.canary_amount, b.baseline_amount,
    count(*) filter (where m.cohort = 'canary') as canary_n, b.canary_total,
    count(*) filter (where m.cohort = 'baseline') as baseline_n, b.baseline_total, 0::bigint as prior_n,
    min(m.time) filter (where m.cohort = 'canary') as first_seen, max(m.time) filter (where m.cohort = 'canary') as last_seen,
    min(distinct m.record_id, 20) filter (where m.cohort = 'canary') as evidence
from bounds b
join measured m on m.dimension = b.dimension and m.http_request_method is not distinct from b.http_request_method
    and m.route is not distinct from b.route and m.amount > b.baseline_amount
where b.canary_amount >= $factor * greatest(b.baseline_amount, 1) and b.canary_amount >= case b.dimension when 'items' then 10 else 2000 end
group by all
order by b.http_request_method, b.route, b.dimension
