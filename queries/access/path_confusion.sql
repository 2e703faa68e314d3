/*
title = "Canary answers an odd spelling of a path whose plain spelling is refused"
severity = "critical"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "The check and the application read the path differently: whoever writes it with //, %2f, ;x, %00 or in another case walks around the check."
recommendation = "Normalise paths once, before the check, refuse what stays ambiguous, and treat what the route returned as disclosed."
false_positives = ["a path whose odd spelling is another, public resource"]
references = ["CWE-22", "CWE-41", "CWE-647", "CWE-178", "OWASP A01:2021", "ATT&CK T1190"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "spelling"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* The plain spelling is the loosest reading of the path (docs/paths.md); it counts as refused where 19 of 20 decisions of the baseline on its route, for the same
   kind of caller, are refusals. */
with odd as (
    select s.source, s.http_request_method, p.plain_route as route, p.spelling, s.cohort, s.decision, s.time, s.record_id, u.baseline_deny
    from access_events s
    join dims.spellings p on p.url_path = s.url_path
    join usual_refusals u on u.http_request_method is not distinct from s.http_request_method and u.route = p.plain_route and u.principal = s.principal
    where s.route is distinct from p.plain_route or s.url_path <> p.plain_path
)
select http_request_method, route, spelling, max(baseline_deny) as plain_refused,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from odd
group by http_request_method, route, spelling, source
having canary_n > 0
qualify row_number() over (partition by http_request_method, route, spelling order by canary_n desc, source) = 1
order by http_request_method, route, spelling
