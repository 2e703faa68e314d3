/*
title = "Canary lost or weakened a security header"
severity = "medium"
confidence = "high"
compare = "changed"
unit = "request"
why = "The header protected users on the same routes of the baseline; without it browsers fall back to weaker behaviour."
recommendation = "Restore the header in the proxy or framework configuration of the canary."
false_positives = ["the header is now added by another layer that the samples do not see"]
references = ["CWE-693", "CWE-319", "CWE-1021", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["header", "verdict"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 2
*/
with usual as (
    select header, http_request_method, route, min(verdict_rank) as lowest, min({'rank': verdict_rank, 'verdict': verdict}).verdict as usual_verdict
    from verdicts
    where cohort in ('baseline', 'prior', 'after')
    group by all
), weaker as (
    select v.header, v.verdict, v.route, v.time, v.record_id, u.usual_verdict
    from verdicts v
    join usual u on u.header = v.header and u.http_request_method is not distinct from v.http_request_method and u.route is not distinct from v.route
    where v.cohort = 'canary' and v.verdict_rank < u.lowest
)
select
    w.header, w.verdict,
    min(w.usual_verdict) as usual_verdict,
    count(distinct w.route) as routes,
    count(*) as canary_n,
    (select count(distinct record_id) from verdicts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(distinct record_id) from verdicts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    min(w.time) as first_seen, max(w.time) as last_seen, min(distinct w.record_id, 20) as evidence
from weaker w
group by w.header, w.verdict
having count(*) >= $min_responses
order by w.header, w.verdict
