/*
title = "Canary accepts a token that is not valid at this time or for this service"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A token that has expired, is not yet valid, or was issued by or for somebody else is let in: a claim is no longer checked."
recommendation = "Restore the check of exp, nbf, iss and aud, and revoke tokens that were used past their end."
false_positives = ["clocks that differ by more than the tolerance", "an issuer or audience that the release adds on purpose"]
references = ["CWE-613", "CWE-345", "OWASP API2:2023", "ATT&CK T1550.001"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "claim"]
[needs]
shown = ["tokens"]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
[params]
tolerance_seconds = 300
min_known = 5
*/
/* Issuers and audiences are those of tokens that the baseline lets in; fewer than min_known of them say nothing. RFC 7519 section 4.1 defines the claims. */
with accepted as (
    select t.issuer, t.audiences
    from proven_samples s
    join dims.tokens t on t.token_hash = s.token_hash
    where s.cohort in ('baseline', 'prior') and s.decision = 'allow' and t.state = 'decoded'
), known as (
    select count(issuer) >= $min_known as knows_issuers, count(audiences) >= $min_known as knows_audiences,
        list(distinct issuer) as issuers, flatten(list(audiences)) as audiences
    from accepted
), judged as (
    select s.http_request_method, s.route, s.cohort, s.decision, s.time, s.record_id,
        unnest([
            case when s.time > t.expires + to_seconds($tolerance_seconds) then 'exp' end,
            case when s.time < t.not_before - to_seconds($tolerance_seconds) then 'nbf' end,
            case when k.knows_issuers and t.issuer is not null and not list_contains(k.issuers, t.issuer) then 'iss' end,
            case when k.knows_audiences and t.audiences is not null and not list_has_any(k.audiences, t.audiences) then 'aud' end
        ]) as claim
    from proven_samples s
    join dims.tokens t on t.token_hash = s.token_hash
    cross join known k
    where t.state = 'decoded'
)
select http_request_method, route, claim,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from judged
where claim is not null
group by http_request_method, route, claim
having canary_n > 0
order by http_request_method, route, claim
