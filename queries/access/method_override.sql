/*
title = "Another method opens a route that is refused on the canary otherwise"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "A check that knows GET and POST and not HEAD, TRACE, a made-up verb or X-HTTP-Method-Override lets callers through who are refused otherwise."
recommendation = "Refuse methods that the route does not know, ignore overriding headers, and check after the method is settled."
false_positives = ["HEAD answered by a cache before the check"]
references = ["CWE-650", "CWE-749", "OWASP API5:2023", "OWASP API8:2023"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "override"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* Two ways: a header or parameter that names another method, and a method itself that is not one of the usual. */
with overridden as (
    select 'samples' as source, s.http_request_method, s.route, s.method_override as override, s.cohort, s.decision, s.time, s.record_id
    from access_samples s
    join (select distinct http_request_method, route, principal from usual_refusals) u
        on u.route = s.route and u.principal = s.principal and (u.http_request_method = s.http_request_method or u.http_request_method = s.method_override)
    where s.method_override is not null and s.method_override is distinct from s.http_request_method
), tampered as (
    select s.source, s.http_request_method, s.route, 'itself' as override, s.cohort, s.decision, s.time, s.record_id
    from access_events s
    join (select distinct route, principal from usual_refusals where http_request_method in ('GET', 'POST')) u on u.route = s.route and u.principal = s.principal
    where s.http_request_method not in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT')
), marked as (
    select source, http_request_method, route, override, cohort, decision, time, record_id from overridden
    union
    select source, http_request_method, route, override, cohort, decision, time, record_id from tampered
)
select http_request_method, route, override,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from marked
group by http_request_method, route, override, source
having canary_n > 0
qualify row_number() over (partition by http_request_method, route, override order by canary_n desc, source) = 1
order by http_request_method, route, override
