/*
title = "Route answers anonymous callers on the canary, refuses them on the baseline"
severity = "critical"
confidence = "high"
compare = "changed"
unit = "request"
why = "The baseline turns anonymous callers away; one answered request on the canary proves that the check is gone."
recommendation = "Take the canary out of traffic, restore the check, and treat everything the route returned to anonymous callers as disclosed."
false_positives = ["the route was made public on purpose in this release"]
references = ["CWE-306", "CWE-862", "OWASP API5:2023", "ATT&CK T1190"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_denied = 5
min_denied_share = 0.95
*/
select
    http_request_method,
    route,
    'anonymous' as principal,
    source,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'deny') as baseline_denied,
    count(distinct unit_key) filter (where cohort = 'canary' and decision = 'allow') as clients,
    sum(http_response_body_size) filter (where cohort = 'canary' and decision = 'allow')::bigint as bytes_answered,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence,
    case
        when count(*) filter (where cohort = 'canary' and decision = 'allow' and attack is null) = 0 and count(*) filter (where cohort = 'baseline' and decision = 'deny' and attack is not null) > 0
            then [{'name': 'known_probe', 'change': 1, 'reason': 'the baseline refuses the same probing'}]
    end as modifiers
from access_events
where principal = 'anonymous' and route is not null
group by http_request_method, route, source
having canary_n > 0
    and count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'deny') >= $min_denied
    and count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'deny')
        >= $min_denied_share * count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision in ('allow', 'deny'))
qualify row_number() over (partition by http_request_method, route order by canary_n desc, source) = 1
order by http_request_method, route
