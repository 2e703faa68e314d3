/*
title = "Canary accepts a token with text behind its end"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "What reads a token and stops where it seems to end may read another token than what verified it."
recommendation = "Refuse credentials that are not a token from end to end."
false_positives = ["clients that send padding (=) behind the parts"]
references = ["CWE-20", "CWE-347", "OWASP API2:2023"]
personal_data = false
gdpr = ["32"]
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
where t.has_rest and t.state = 'decoded'
group by s.http_request_method, s.route
having canary_n > 0
order by http_request_method, route
