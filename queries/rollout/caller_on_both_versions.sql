/*
title = "Callers met both versions within one phase"
severity = "low"
confidence = "high"
compare = "presence"
unit = "user"
why = "Without pinning, one person moves between versions: a session opened on one is judged by the other, the exposure reaches more people than the weight says, and callers of the two cohorts are no independent samples."
recommendation = "Pin by user or session where the rollout is meant to be sticky; else read comparisons by caller with care."
false_positives = ["a rollout that splits by request on purpose", "an account that several machines share"]
references = ["CWE-362"]
personal_data = false
gdpr = ["32"]
fingerprint = ["phase"]
[needs]
tables = ["http_requests"]
canary_rows = 1
baseline_rows = 1
[params]
min_callers = 10
min_share = 0.05
*/
with callers as (
    select phase, unit_kind, unit_key,
        bool_or(cohort = 'canary') as on_canary, bool_or(cohort = 'baseline') as on_baseline,
        min(time) as first_seen, max(time) as last_seen,
        min(record_id) filter (where cohort = 'canary') as record_id
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and unit_kind in ('user', 'session')
    group by all
)
select
    phase,
    count(*) filter (where on_canary and on_baseline) as canary_n, count(*) filter (where on_canary) as canary_total,
    0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    min(first_seen) filter (where on_canary and on_baseline) as first_seen,
    max(last_seen) filter (where on_canary and on_baseline) as last_seen,
    min(record_id, 20) filter (where on_canary and on_baseline) as evidence
from callers
group by phase
having count(*) filter (where on_canary) >= $min_callers
    and count(*) filter (where on_canary and on_baseline) >= $min_share * count(*) filter (where on_canary)
    and count(*) filter (where on_canary and on_baseline) > 0
order by phase
