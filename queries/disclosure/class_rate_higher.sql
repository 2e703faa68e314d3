/*
title = "Canary discloses more often than the baseline"
severity = "medium"
confidence = "high"
compare = "rate_up"
unit = "request"
why = "Both versions disclose it on this route, the canary in a larger share of its responses: a fault that was rare became usual."
recommendation = "Compare the change of the release with what triggers the disclosure."
false_positives = ["one caller who asked for the same thing again and again"]
references = ["CWE-200", "CWE-209"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "pattern_class"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 20
[evidence]
max_q = 0.01
min_difference = 0.05
*/
with per_phase as (
    select t.http_request_method, t.route, t.phase, c.pattern_class,
        count(distinct t.record_id) filter (where t.cohort = 'canary' and m.record_id is not null) as canary_n,
        count(distinct t.record_id) filter (where t.cohort = 'canary') as canary_total,
        count(distinct t.record_id) filter (where t.cohort = 'baseline' and m.record_id is not null) as baseline_n,
        count(distinct t.record_id) filter (where t.cohort = 'baseline') as baseline_total
    from exchange_facts t
    join (select distinct http_request_method, route, pattern_class from matches where cohort in ('canary', 'baseline')) c
        on c.http_request_method is not distinct from t.http_request_method and c.route is not distinct from t.route
    left join (select distinct record_id, pattern_class from matches) m on m.record_id = t.record_id and m.pattern_class = c.pattern_class
    where t.in_phase and t.cohort in ('canary', 'baseline')
    group by all
), sums as (
    select http_request_method, route, pattern_class,
        sum(canary_n)::bigint as canary_n, sum(canary_total)::bigint as canary_total,
        sum(baseline_n)::bigint as baseline_n, sum(baseline_total)::bigint as baseline_total,
        list({'phase': phase, 'canary_n': canary_n, 'canary_total': canary_total, 'baseline_n': baseline_n, 'baseline_total': baseline_total}) as strata
    from per_phase
    group by all
), samples as (
    select http_request_method, route, pattern_class,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    group by all
)
select s.http_request_method, s.route, s.pattern_class,
    s.canary_n, s.canary_total, s.baseline_n, s.baseline_total, m.prior_n, s.strata, m.first_seen, m.last_seen, m.evidence,
    case when s.pattern_class in ('internal_address', 'version_banner')
        then [{'name': 'little_use', 'change': -1, 'reason': 'names and versions alone open nothing'}]
    end as modifiers
from sums s
join samples m on m.http_request_method is not distinct from s.http_request_method and m.route is not distinct from s.route
    and m.pattern_class = s.pattern_class
where s.baseline_n > 0 and s.canary_total >= $min_responses and s.baseline_total >= $min_responses
order by s.http_request_method, s.route, s.pattern_class
