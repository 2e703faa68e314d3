/*
title = "Canary takes another share of the traffic than configured"
severity = "medium"
confidence = "high"
compare = "changed"
unit = "request"
why = "Weights say how many people a fault can reach. A split that is not the configured one means that the exposure was another than approved, and that one cohort is not a fair sample of the traffic (sample ratio mismatch; Fabijan et al., KDD 2019)."
recommendation = "Compare the routing objects of mesh or ingress with the rollout's steps, and read the rates of this phase with care."
false_positives = ["routing by header or user, where the weight is not meant to be a share of requests", "a gateway whose logs are missing"]
references = ["CWE-1188"]
personal_data = false
gdpr = ["32"]
fingerprint = ["phase"]
[needs]
tables = ["http_requests"]
canary_rows = 1
baseline_rows = 1
known = ["phases"]
[params]
min_requests = 200
min_points = 0.02
min_ratio = 0.25
sigmas = 4
*/
/* Callers, not requests, are what routing draws, at worst; so the chance of a share is judged by their number. Where the whole traffic goes to
   one side every caller of the other side counts. */
with counts as (
    select phase,
        count(*) filter (where cohort = 'canary') as canary_n,
        count(*) as requests,
        greatest(count(distinct unit_key), 1) as callers,
        min(time) as first_seen, max(time) as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline')
    group by phase
), shares as (
    select c.*, p.position, p.weight / 100 as configured, c.canary_n / c.requests::double as observed
    from counts c
    join dims.phases p on p.phase = c.phase
)
select
    phase, round(configured, 6) as configured_share, round(observed, 6) as observed_share,
    canary_n, requests as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    first_seen, last_seen, evidence
from shares
where requests >= $min_requests
    and abs(observed - configured) >= $min_points
    and abs(observed - configured) >= $min_ratio * least(configured, 1 - configured)
    and abs(observed - configured) > $sigmas * sqrt(configured * (1 - configured) / callers)
order by phase
