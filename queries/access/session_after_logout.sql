/*
title = "A session is still let in on the canary after it was ended"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Signing out or changing the password must end a session; one that is answered afterwards can be used by whoever took it."
recommendation = "End sessions on the server, and end those that were used after their end."
false_positives = ["requests that were under way when the caller signed out", "a sign-in in the same session that the evidence does not show"]
references = ["CWE-613", "OWASP API2:2023", "ATT&CK T1550.004"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
shown = ["sessions"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 1
[params]
grace_seconds = 5
*/
/* Routes that answer anybody on the baseline are left out, and so are sessions with a sign-in after the end. */
with ended as (
    select source, cohort, session, ended_at
    from sessions
    where last_seen > ended_at + to_seconds($grace_seconds) and coalesce(signed_in_at <= ended_at, true)
), later as (
    select r.source, r.http_request_method, r.route, r.cohort, r.decision, r.time, r.record_id
    from session_requests r
    join ended e on e.source = r.source and e.cohort = r.cohort and e.session = r.session
    left join open_routes o on o.http_request_method is not distinct from r.http_request_method and o.route = r.route
    where r.time > e.ended_at + to_seconds($grace_seconds) and o.route is null and r.route is not null and not r.ends_session
)
select http_request_method, route,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from later
group by http_request_method, route, source
having canary_n > 0
qualify row_number() over (partition by http_request_method, route order by canary_n desc, source) = 1
order by http_request_method, route
