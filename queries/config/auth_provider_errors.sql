/*
title = "Canary meets errors of the authentication provider more often"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "Sign-ins that fail because the provider cannot be reached or does not accept the service mean a wrong client, key or address in the canary; what it does then (let in, or lock out) is the next question."
recommendation = "Compare provider address, client id and keys of both versions, and check whether the canary lets callers in when the provider fails."
false_positives = ["an outage of the provider that met the canary more often", "callers who signed in with clients that are out of date"]
references = ["CWE-287", "CWE-636", "OWASP API2:2023"]
personal_data = false
gdpr = ["32"]
fingerprint = ["event_action"]
[needs]
tables = ["auth_events"]
canary_rows = 20
baseline_rows = 20
[params]
provider_error = "(?i)(server.?error|temporarily|unavailable|time.?d?.?out|unreachable|refused|connection|invalid.?client|unauthori[sz]ed.?client|jwks|signing.?key|discovery|issuer|certificate|tls|bad gateway|circuit|throttl)"
min_callers = 5
[evidence]
max_q = 0.05
min_difference = 0.05
*/
/* Errors as RFC 6749 section 5.2 and 4.1.2.1 name them, those of transport, and answers of 500 and above. Decisions that no reason is given for are none. */
with events as (
    select coalesce(event_action, '') as event_action, phase, cohort, time, record_id,
        coalesce(user_id, user_name, session_id, client_address) as caller,
        event_outcome = 'failure'
            and (coalesce(http_response_status_code >= 500, false) or coalesce(regexp_matches(event_reason, $provider_error), false)) as failed
    from auth_events
), callers as (
    select event_action, phase, cohort, caller, bool_or(coalesce(failed, false)) as failed
    from events
    where caller is not null and cohort in ('canary', 'baseline') and phase not in ('before', 'after', 'between')
    group by all
), strata as (
    select event_action, phase,
        count(*) filter (where cohort = 'canary' and failed) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and failed) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), samples as (
    select event_action,
        count(distinct caller) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from events
    where failed
    group by event_action
)
select
    s.event_action,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total,
    coalesce(min(m.prior_n), 0) as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence
from strata s
left join samples m on m.event_action = s.event_action
group by s.event_action
having sum(s.canary_total) >= $min_callers and sum(s.baseline_total) >= $min_callers and sum(s.canary_n) + sum(s.baseline_n) > 0
order by s.event_action
