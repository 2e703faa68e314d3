/*
title = "Canary lost or weakened a security header"
severity = "medium"
confidence = "high"
compare = "changed"
unit = "request"
why = "The header protected users on the same routes of the baseline; without it browsers fall back to weaker behaviour."
recommendation = "Restore the header in the proxy or framework configuration of the canary."
false_positives = ["the header is now added by another layer that the samples do not see"]
references = ["CWE-693", "CWE-319", "CWE-1021", "CWE-353", "OWASP A05:2021"]
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
select
    v.header, v.verdict,
    min(v.lowest_verdict) as usual_verdict,
    case when ends_with(v.verdict, 'not-implemented') or ends_with(v.verdict, 'header-invalid') then 'lost' else 'weakened' end as change,
    count(distinct v.route) as routes,
    count(*) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(v.time) as first_seen, max(v.time) as last_seen, min(distinct v.record_id, 20) as evidence
from compared_verdicts v cross join verdict_totals t
where v.verdict_rank < v.lowest
    and v.header in ('strict-transport-security', 'content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy', 'permissions-policy',
    'cross-origin-opener-policy', 'cross-origin-embedder-policy', 'cross-origin-resource-policy', 'subresource-integrity')
group by v.header, v.verdict
having count(*) >= $min_responses
order by v.header, v.verdict
