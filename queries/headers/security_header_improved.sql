/*
title = "Canary sends a stronger security header"
severity = "info"
confidence = "high"
compare = "changed"
unit = "request"
why = "What got better belongs into the review too: a rollback takes it away again."
recommendation = "Keep the header when the release is rolled back or done again."
false_positives = ["none known"]
references = ["CWE-693"]
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
    max(v.highest_verdict) as usual_verdict,
    count(distinct v.route) as routes,
    count(*) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(v.time) as first_seen, max(v.time) as last_seen, min(distinct v.record_id, 20) as evidence
from compared_verdicts v cross join verdict_totals t
where v.verdict_rank > v.highest
    and v.header in ('strict-transport-security', 'content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy', 'permissions-policy',
    'cross-origin-opener-policy', 'cross-origin-embedder-policy', 'cross-origin-resource-policy', 'subresource-integrity')
group by v.header, v.verdict
having count(*) >= $min_responses
order by v.header, v.verdict
