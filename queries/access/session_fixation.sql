/*
title = "Canary keeps the session when a caller signs in"
severity = "high"
confidence = "medium"
compare = "changed"
unit = "session"
why = "The baseline gives a new session at sign-in; the canary goes on with the one that was there before, which somebody else may have chosen."
recommendation = "Issue a new session whenever the rights of a caller change."
false_positives = ["a log that names the account of a session only from some request on, on the canary only"]
references = ["CWE-384", "ATT&CK T1539"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["source"]
[needs]
shown = ["sessions"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 3
[params]
min_sessions = 5
*/
/* A kept session has requests without account before its first one with account. That the baseline has min_sessions sessions with an account and no kept one is asked for. */
with told as (
    select source,
        count(*) filter (where cohort = 'canary' and let_in_from < known_from) as canary_n, count(*) filter (where cohort = 'canary' and known_from is not null) as canary_total,
        count(*) filter (where cohort = 'baseline' and let_in_from < known_from) as baseline_n, count(*) filter (where cohort = 'baseline' and known_from is not null) as baseline_total,
        count(*) filter (where cohort in ('prior', 'after') and let_in_from < known_from) as prior_n,
        min(first_seen) filter (where cohort = 'canary' and let_in_from < known_from) as first_seen,
        max(last_seen) filter (where cohort = 'canary' and let_in_from < known_from) as last_seen
    from sessions
    group by source
), kept as (
    select t.source, s.session
    from told t
    join sessions s on s.source = t.source
    where s.cohort = 'canary' and s.let_in_from < s.known_from and t.baseline_n + t.prior_n = 0
), behind as (
    select r.source, min(r.record_id, 20) as evidence
    from session_requests r
    join kept k on k.source = r.source and k.session = r.session
    where r.cohort = 'canary'
    group by r.source
)
select t.source, t.canary_n, t.canary_total, t.baseline_n, t.baseline_total, t.prior_n, t.first_seen, t.last_seen, b.evidence
from told t
join behind b on b.source = t.source
where t.canary_n > 0 and t.baseline_n + t.prior_n = 0 and t.baseline_total >= $min_sessions
order by source
