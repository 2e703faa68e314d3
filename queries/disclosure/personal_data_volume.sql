/*
title = "Canary returns more people at once than the baseline"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "One response holds the addresses or numbers of several times as many people: a filter or a limit was lost."
recommendation = "Restore the filter, and count whose data went to whom."
false_positives = ["a larger page size that was agreed on"]
references = ["CWE-359", "CWE-200", "OWASP API3:2023", "ATT&CK T1213"]
personal_data = true
gdpr = ["5(1)(c)", "32", "33"]
fingerprint = ["http_request_method", "route", "pattern"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
factor = 3
min_values = 5
min_responses = 20
*/
/* Distinct values a response, at the 95th percentile of the responses that hold any: its lower bound on the canary against its upper bound on the baseline (order
   statistics, 95 %: no assumption about the form of the tail). */
with held as (
    select m.http_request_method, m.route, m.pattern, m.cohort, m.record_id, min(m.time) as time, count(distinct m.value_ordinal) as amount
    from matches m
    where m.pattern_class in ('pii', 'payment_card', 'bank_account', 'national_id') and m.part = 'response_body' and m.cohort in ('canary', 'baseline')
    group by all
), ranked as (
    select *,
        row_number() over (partition by http_request_method, route, pattern, cohort order by amount, record_id) as place,
        count(*) over (partition by http_request_method, route, pattern, cohort) as total
    from held
), bounds as (
    select http_request_method, route, pattern,
        min(amount) filter (where cohort = 'canary' and place = greatest(1, floor(total * 0.95 - 1.96 * sqrt(total * 0.95 * 0.05)))) as canary_amount,
        min(amount) filter (where cohort = 'baseline' and place = least(total, ceil(total * 0.95 + 1.96 * sqrt(total * 0.95 * 0.05)) + 1)) as baseline_amount
    from ranked
    group by all
    having count(*) filter (where cohort = 'canary') >= $min_responses and count(*) filter (where cohort = 'baseline') >= $min_responses
)
select b.http_request_method, b.route, b.pattern, b.canary_amount, b.baseline_amount,
    count(*) filter (where h.cohort = 'canary') as canary_n, min(t.canary_total) as canary_total,
    count(*) filter (where h.cohort = 'baseline') as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(h.time) filter (where h.cohort = 'canary') as first_seen, max(h.time) filter (where h.cohort = 'canary') as last_seen,
    min(distinct h.record_id, 20) filter (where h.cohort = 'canary') as evidence
from bounds b
join held h on h.pattern = b.pattern and h.http_request_method is not distinct from b.http_request_method
    and h.route is not distinct from b.route and h.amount > b.baseline_amount
join exchange_totals t on t.http_request_method is not distinct from b.http_request_method and t.route is not distinct from b.route
where b.canary_amount >= $factor * b.baseline_amount and b.canary_amount >= $min_values
group by all
order by b.http_request_method, b.route, b.pattern
