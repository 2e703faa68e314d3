/*
title = "A cookie of the canary lost what protects it"
severity = "medium"
confidence = "high"
compare = "changed"
unit = "request"
why = "Without Secure, HttpOnly, SameSite, a narrow domain or a short life a cookie is easier to steal or to send from other sites; on the baseline it had them always."
recommendation = "Restore the attributes of the cookie, and end sessions that were given out without them."
false_positives = ["a cookie that other sites are meant to receive now"]
references = ["CWE-614", "CWE-1004", "CWE-1275", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["cookie"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with given as (
    select subject, count(*) as times
    from verdicts
    where header = 'set-cookie' and cohort in ('baseline', 'prior', 'after')
    group by subject
), always as (
    select w.subject, w.word
    from verdict_words w join given g on g.subject is not distinct from w.subject
    where w.header = 'set-cookie' and w.cohort in ('baseline', 'prior', 'after')
    group by w.subject, w.word
    having count(*) = min(g.times)
), lost as (
    select v.subject, a.word, v.verdict, v.time, v.record_id
    from verdicts v join always a on a.subject is not distinct from v.subject
    where v.header = 'set-cookie' and v.cohort = 'canary'
        and not contains(' ' || coalesce(v.verdict_detail, '') || ' ', ' ' || a.word || ' ')
)
select
    l.subject as cookie,
    string_agg(distinct l.word, ' ' order by l.word) as lost,
    min(l.verdict) as verdict,
    count(distinct l.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when regexp_matches(min(l.subject), '(?i)sess|sid$|login|auth|token|^jwt|remember') and bool_or(l.word in ('secure', 'httponly', 'host-only'))
        then [{'name': 'session_cookie', 'change': 1, 'reason': 'by its name the cookie keeps a session'}]
    end as modifiers,
    min(l.time) as first_seen, max(l.time) as last_seen, min(distinct l.record_id, 20) as evidence
from lost l cross join verdict_totals t
group by l.subject
having count(distinct l.record_id) >= $min_responses
order by cookie
