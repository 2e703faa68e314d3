/*
title = "Canary allows more sources in its content security policy"
severity = "low"
confidence = "medium"
compare = "changed"
unit = "request"
why = "Scripts, connections, forms or frames of other hosts are allowed, which no policy of the baseline names: what an attacker brings in may run or send data there."
recommendation = "Allow only the hosts that the page needs, by name."
false_positives = ["a service that was added on purpose"]
references = ["CWE-693", "CWE-1021", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["value"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select
    w.word as value,
    count(distinct w.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when regexp_matches(w.word, '^(?:script|default|object|base|form|connect)=(?:\*|https?:|data:|blob:)$')
        then [{'name': 'any_host', 'change': 1, 'reason': 'it allows every host'}]
    end as modifiers,
    min(v.time) as first_seen, max(v.time) as last_seen, min(distinct w.record_id, 20) as evidence
from verdict_words w
join verdicts v on v.record_id = w.record_id and v.header = w.header
cross join verdict_totals t
where w.header = 'content-security-policy' and w.cohort = 'canary'
    and exists (select 1 from verdict_words b where b.header = w.header and b.cohort in ('baseline', 'prior', 'after'))
    and not exists (select 1 from verdict_words b where b.header = w.header and b.cohort in ('baseline', 'prior', 'after') and b.word = w.word)
group by w.word
having count(distinct w.record_id) >= $min_responses
order by value
