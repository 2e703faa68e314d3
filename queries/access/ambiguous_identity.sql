/*
title = "Canary lets in requests that name their host or caller in two ways"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "A host in upper case, or an identity header that is there twice with different values, is read one way by the check and another way by the application."
recommendation = "Refuse repeated identity headers, and compare hosts without case."
false_positives = ["a gateway that adds its own identity header beside the client's and is believed on purpose"]
references = ["CWE-178", "CWE-444", "OWASP API2:2023"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "ambiguity"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
with marked as (
    select s.http_request_method, s.route, coalesce('repeated ' || s.repeated_header, 'host in upper case') as ambiguity, s.cohort, s.decision, s.time, s.record_id
    from access_samples s
    join usual_refusals u on u.http_request_method is not distinct from s.http_request_method and u.route = s.route and u.principal = s.principal
    where s.repeated_header is not null or s.has_odd_host
)
select http_request_method, route, ambiguity,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from marked
group by http_request_method, route, ambiguity
having canary_n > 0
order by http_request_method, route, ambiguity
