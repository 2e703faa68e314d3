/*
title = "Canary sets a new cookie without what should protect it"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "A cookie that the baseline does not set, or a known one under another name, is sent without Secure or HttpOnly: it can be read on the way or by a script."
recommendation = "Give the cookie Secure, HttpOnly and SameSite, and end sessions that were given out without them."
false_positives = ["a cookie that a script of the page must read and that opens nothing"]
references = ["CWE-614", "CWE-1004", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["cookie", "verdict"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select
    v.subject as cookie, v.verdict,
    count(distinct v.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when not contains(v.verdict, 'session')
        then [{'name': 'no_session', 'change': -1, 'reason': 'by its name the cookie keeps no session'}]
    end as modifiers,
    min(v.time) as first_seen, max(v.time) as last_seen, min(distinct v.record_id, 20) as evidence
from verdicts v cross join verdict_totals t
where v.header = 'set-cookie' and v.cohort = 'canary' and v.verdict_rank <= -4
    and not exists (
        select 1 from verdicts b
        where b.header = 'set-cookie' and b.cohort in ('baseline', 'prior', 'after') and b.subject is not distinct from v.subject
    )
group by v.subject, v.verdict
having count(distinct v.record_id) >= $min_responses
order by cookie, v.verdict
