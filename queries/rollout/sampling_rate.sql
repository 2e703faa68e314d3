/*
title = "Canary was sampled at another rate than the baseline"
severity = "info"
confidence = "high"
compare = "changed"
unit = "request"
why = "What is found in one sample of two is new only if both samples were large enough to show it; counts of samples taken at different rates cannot be compared."
recommendation = "Read findings from samples by rate, not by count, and sample both versions alike next time."
false_positives = ["a canary that is sampled whole on purpose"]
references = ["CWE-778"]
personal_data = false
gdpr = ["32"]
fingerprint = ["source_table", "phase"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
baseline_rows = 1
[params]
min_rows = 20
min_ratio = 1.5
*/
/* The rate of a cohort is that of the population: rows over the sum of what each stands for (Horvitz and Thompson, JASA 47:663, 1952), kind by
   kind of what both sampled and weighted by what both stand for: a sampler may treat kinds differently, and cohorts differ in their mix. */
with sampled as (
    select 'http_exchanges' as source_table, phase, cohort, concat_ws(' ', http_request_method, route, http_response_status_code // 100) as kind,
        sample_rate, time, record_id
    from exchanges
    where in_phase
    union all
    select 'connections', phase, cohort, concat_ws(' ', network_transport, destination_port), sample_rate, time, record_id
    from connections
    where phase not in ('before', 'after', 'between')
), kinds as (
    select source_table, phase, kind,
        count(*) filter (where cohort = 'canary') as canary_n, sum(1 / sample_rate) filter (where cohort = 'canary') as canary_whole,
        count(*) filter (where cohort = 'baseline') as baseline_n, sum(1 / sample_rate) filter (where cohort = 'baseline') as baseline_whole,
        min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from sampled
    where sample_rate > 0 and sample_rate <= 1 and cohort in ('canary', 'baseline')
    group by all
), rates as (
    select source_table, phase, sum(canary_n)::bigint as canary_n, sum(baseline_n)::bigint as baseline_n,
        sum(canary_n / canary_whole * (canary_whole + baseline_whole)) / sum(canary_whole + baseline_whole) as canary_rate,
        sum(baseline_n / baseline_whole * (canary_whole + baseline_whole)) / sum(canary_whole + baseline_whole) as baseline_rate,
        min(first_seen) as first_seen, max(last_seen) as last_seen, min(evidence) as evidence
    from kinds
    where canary_n > 0 and baseline_n > 0
    group by all
)
select
    source_table, phase, round(canary_rate, 6) as canary_rate, round(baseline_rate, 6) as baseline_rate,
    canary_n, 0::bigint as canary_total, baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    first_seen, last_seen, evidence
from rates
where canary_n >= $min_rows and baseline_n >= $min_rows
    and greatest(canary_rate / baseline_rate, baseline_rate / canary_rate) >= $min_ratio
order by source_table, phase
