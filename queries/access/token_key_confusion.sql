/*
title = "Canary accepts a token that chooses its own key"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A token that brings its key, says where to fetch it, names a file or a query in `kid`, or turns a public key into a shared secret (RS256 to HS256) is signed by whoever wrote it."
recommendation = "Take keys from the configured issuer only, tie each key to one algorithm, and revoke what these tokens opened."
false_positives = ["an issuer that changed its algorithm or key address with this release"]
references = ["CWE-347", "CWE-22", "OWASP API2:2023", "ATT&CK T1606"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "sign"]
[needs]
shown = ["tokens"]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* Key addresses and the kind of algorithm of an issuer are compared with those of tokens that the baseline lets in. */
with accepted as (
    select t.issuer, t.algorithm, t.key_host
    from proven_samples s
    join dims.tokens t on t.token_hash = s.token_hash
    where s.cohort in ('baseline', 'prior') and s.decision = 'allow' and t.state = 'decoded'
), hosts as (
    select distinct key_host from accepted where key_host <> ''
), signed as (
    select issuer
    from accepted
    where issuer is not null
    group by issuer
    having bool_and(not starts_with(algorithm, 'hs')) and count(algorithm) > 0
), judged as (
    select s.http_request_method, s.route, s.cohort, s.decision, s.time, s.record_id,
        unnest([
            case when t.odd_key_id is not null then 'kid is a ' || t.odd_key_id end,
            case when t.names_key_host and h.key_host is null then 'key from elsewhere' end,
            case when t.has_key then 'key in the token' end,
            case when starts_with(t.algorithm, 'hs') and a.issuer is not null then 'shared secret' end
        ]) as sign
    from proven_samples s
    join dims.tokens t on t.token_hash = s.token_hash
    left join hosts h on h.key_host = t.key_host
    left join signed a on a.issuer = t.issuer
)
select http_request_method, route, sign,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from judged
where sign is not null
group by http_request_method, route, sign
having canary_n > 0
order by http_request_method, route, sign
