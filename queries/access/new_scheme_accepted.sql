/*
title = "Canary accepts a kind of credential that the baseline does not"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "Another way to prove who one is (a password in every request, a key in the query) is another way in, with checks of its own."
recommendation = "Ask whether the scheme belongs to the release; turn it off else, and look who used it."
false_positives = ["a scheme that the release adds on purpose", "a client that the baseline did not meet"]
references = ["CWE-287", "CWE-522", "OWASP API2:2023", "ATT&CK T1078"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "scheme"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_accepted = 5
min_denied = 3
*/
/* Shown where the baseline accepts others on this route, and refuses this scheme there with 401 again and again or accepts it nowhere.
   That a route never met a scheme shows nothing, and 403 is about rights. */
with asked as (
    select http_request_method, route, principal_kind || coalesce(' ' || credential_place, '') as scheme, cohort, decision, status, time, record_id
    from access_samples
    where route is not null and principal_kind is not null and principal_kind not in ('anonymous', 'user')
), routes as (
    select http_request_method, route, count(*) filter (where cohort = 'baseline' and decision = 'allow') as accepted
    from asked
    group by http_request_method, route
), schemes as (
    select scheme, count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'allow') as accepted
    from asked
    group by scheme
), used as (
    select a.http_request_method, a.route, a.scheme,
        count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'deny' and status <> 403) as baseline_denied,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
    from asked a
    group by a.http_request_method, a.route, a.scheme
)
select u.http_request_method, u.route, u.scheme, u.baseline_denied, u.canary_n, u.canary_total, u.baseline_n, u.baseline_total, u.prior_n, u.first_seen, u.last_seen, u.evidence
from used u
join routes r on r.http_request_method is not distinct from u.http_request_method and r.route = u.route
join schemes s on s.scheme = u.scheme
left join open_routes o on o.http_request_method is not distinct from u.http_request_method and o.route = u.route
where u.canary_n > 0 and o.route is null and u.baseline_n + u.prior_n = 0
    and r.accepted >= $min_accepted and (s.accepted = 0 or u.baseline_denied >= $min_denied)
order by http_request_method, route, scheme
