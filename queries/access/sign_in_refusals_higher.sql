/*
title = "Canary refuses or locks out more callers at sign-in than the baseline"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "Sign-ins that fail more often on the canary mean that valid callers are locked out, or that somebody guesses there; counted by distinct callers."
recommendation = "Compare what sign-ins fail for on both versions, and look for one client that tries many accounts."
false_positives = ["a campaign of guesses that met the canary more often", "an outage of the provider"]
references = ["CWE-307", "CWE-287", "ATT&CK T1110"]
personal_data = false
gdpr = ["32"]
fingerprint = ["outcome"]
[needs]
tables = ["auth_events"]
canary_rows = 20
baseline_rows = 20
[params]
min_callers = 5
provider_error = "(?i)(server.?error|temporarily|unavailable|time.?d?.?out|unreachable|refused|connection|invalid.?client|unauthori[sz]ed.?client|jwks|signing.?key|discovery|issuer|certificate|tls|bad gateway|circuit|throttl)"
[evidence]
max_q = 0.01
min_difference = 0.1
*/
/* Errors of the provider are no refusals: config.auth_provider_errors counts them. */
with tries as (
    select phase, cohort, unit_key, time, record_id, unnest(['refused', 'locked out']) as outcome,
        unnest([coalesce(event_outcome = 'failure', false) and not coalesce(regexp_matches(event_reason, $provider_error), false), coalesce(regexp_matches(lower(concat_ws(' ', event_action, event_reason)), 'lock(?:ed)?.?out|account.?locked|too.?many'), false)]) as is_hit
    from account_events
    where (is_sign_in or regexp_matches(lower(event_action), 'lock')) and unit_key is not null and in_phase and cohort in ('canary', 'baseline')
), callers as (
    select outcome, phase, cohort, unit_key, bool_or(is_hit) as is_hit
    from tries
    group by all
), strata as (
    select outcome, phase,
        count(*) filter (where cohort = 'canary' and is_hit) as canary_n, count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and is_hit) as baseline_n, count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), samples as (
    select outcome, min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence
    from tries
    where cohort = 'canary' and is_hit
    group by outcome
)
select s.outcome,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total, 0::bigint as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence
from strata s
left join samples m on m.outcome = s.outcome
group by s.outcome
having sum(s.canary_total) >= $min_callers and sum(s.baseline_total) >= $min_callers and sum(s.canary_n) + sum(s.baseline_n) > 0
order by outcome
