/*
title = "Canary accepts a change without the proof that the baseline asks for"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "The baseline refuses this change without an anti-forgery token, or without a fresh sign-in (RFC 9470); the canary makes it."
recommendation = "Restore the check, and look whether changes came from other sites."
false_positives = ["a route that moved to tokens in a header, which other sites cannot send"]
references = ["CWE-352", "CWE-306", "OWASP A01:2021"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "proof"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
[params]
min_refused = 2
*/
/* Anti-forgery tokens are looked for in headers and bodies; where the baseline answers the same request without one even once, it is no condition.
   How somebody signed in is the claim `acr` (OpenID Connect Core 2): callers with the same one, or none, are compared. */
with changes as (
    select http_request_method, route, cohort, status, decision, time, record_id, challenge, coalesce(assurance, '') as assurance,
        unnest([
            case when not has_csrf_token and principal_kind = 'cookie' and http_request_method in ('POST', 'PUT', 'PATCH', 'DELETE') then 'anti-forgery token' end,
            case when principal_kind <> 'anonymous' then 'fresh sign-in' end
        ]) as proof
    from access_samples
    where route is not null
), asked as (
    select http_request_method, route, cohort, decision, time, record_id, proof, case when proof = 'fresh sign-in' then assurance else '' end as assurance,
        proof = 'anti-forgery token' and status in (400, 403, 419) or proof = 'fresh sign-in' and contains(challenge, 'insufficient_user_authentication') as is_refused
    from changes
    where proof is not null
)
select http_request_method, route, proof,
    count(*) filter (where cohort in ('baseline', 'prior', 'after') and is_refused) as baseline_refused,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from asked
group by http_request_method, route, proof, asked.assurance
having canary_n > 0 and count(*) filter (where cohort in ('baseline', 'prior', 'after') and is_refused) >= $min_refused
    and count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'allow') = 0
qualify row_number() over (partition by http_request_method, route, proof order by canary_n desc, asked.assurance) = 1
order by http_request_method, route, proof
