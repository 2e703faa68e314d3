/*
title = "Canary accepts a token without a signature"
severity = "critical"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A token with the algorithm `none`, or whose signature was cut off, proves nothing: anybody can write one for any account."
recommendation = "Take the canary out of traffic, accept only the algorithms that are in use, and treat every account as open to whoever asked."
false_positives = ["a gateway in front that has verified the token and passes on its claims"]
references = ["CWE-347", "OWASP API2:2023", "ATT&CK T1606"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
shown = ["tokens"]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
select s.http_request_method, s.route,
    count(*) filter (where s.cohort = 'canary' and s.decision = 'allow') as canary_n,
    count(*) filter (where s.cohort = 'canary') as canary_total,
    count(*) filter (where s.cohort = 'baseline' and s.decision = 'allow') as baseline_n,
    count(*) filter (where s.cohort = 'baseline') as baseline_total,
    count(*) filter (where s.cohort in ('prior', 'after') and s.decision = 'allow') as prior_n,
    min(s.time) filter (where s.cohort = 'canary' and s.decision = 'allow') as first_seen,
    max(s.time) filter (where s.cohort = 'canary' and s.decision = 'allow') as last_seen,
    min(s.record_id, 20) filter (where s.cohort = 'canary' and s.decision = 'allow') as evidence
from proven_samples s
join dims.tokens t on t.token_hash = s.token_hash
where t.algorithm in ('none', '') or t.has_no_signature and t.state in ('decoded', 'malformed')
group by s.http_request_method, s.route
having canary_n > 0
order by http_request_method, route
