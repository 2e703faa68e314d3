/*
title = "A header that names another path opens a refused route on the canary"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Headers such as X-Original-URL tell a framework another path than the one the check saw; a caller who sets one walks around the check."
recommendation = "Remove these headers from requests of clients at the edge, and turn the framework's support off."
false_positives = ["a gateway in front that sets the header itself"]
references = ["CWE-444", "CWE-639", "OWASP A01:2021", "ATT&CK T1190"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "rewrite_header"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* The route is the refused one: that of the request, or the one that the header names, with whichever method it is refused. */
with marked as (
    select distinct s.http_request_method, u.route, s.rewrite_header, s.cohort, s.decision, s.time, s.record_id
    from access_samples s
    join usual_refusals u on u.principal = s.principal
        and (u.route = s.rewritten_route or u.route = s.route and u.http_request_method is not distinct from s.http_request_method)
    where s.rewrite_header is not null and s.rewritten_route is distinct from s.route
)
select http_request_method, route, rewrite_header,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from marked
group by http_request_method, route, rewrite_header
having canary_n > 0
order by http_request_method, route, rewrite_header
