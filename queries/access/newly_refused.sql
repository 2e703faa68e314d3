/*
title = "Canary refuses callers whom the baseline lets in"
severity = "info"
confidence = "medium"
compare = "changed"
unit = "request"
why = "The baseline answers this kind of caller on the route, the canary refuses every one: a right was taken away, or a check is wrong."
recommendation = "Ask whether the right was meant to go; else restore it before the release goes on."
false_positives = ["a right that was taken away on purpose", "the only callers of the canary had sessions that expired"]
references = ["CWE-863"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "principal"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_allowed = 5
min_callers = 2
*/
with flipped as (
    select source, http_request_method, route, principal,
        canary_deny as canary_n, canary_allow + canary_deny + canary_unknown as canary_total,
        0::bigint as baseline_n, baseline_total, 0::bigint as prior_n, baseline_allow as baseline_allowed
    from access_matrix
    where canary_deny > 0 and canary_allow = 0 and canary_refused_callers >= $min_callers and baseline_allow >= $min_allowed and baseline_deny = 0
    qualify row_number() over (partition by http_request_method, route, principal order by canary_deny desc, source) = 1
), requests_behind as (
    select source, http_request_method, route, principal, min(first_seen) as first_seen, max(last_seen) as last_seen, flatten(list(evidence order by evidence)) as evidence
    from access_cells
    where side = 'canary' and decision = 'deny'
    group by all
)
select f.http_request_method, f.route, f.principal, f.source, f.canary_n, f.canary_total, f.baseline_n, f.baseline_total, f.prior_n, f.baseline_allowed,
    b.first_seen, b.last_seen, b.evidence
from flipped f
join requests_behind b on b.source = f.source and b.http_request_method is not distinct from f.http_request_method and b.route = f.route and b.principal = f.principal
order by http_request_method, route, principal
