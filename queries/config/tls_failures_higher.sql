/*
title = "Canary fails TLS handshakes more often than the baseline"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "connection"
why = "Handshakes that fail on the canary only mean a certificate, a trust store or a cipher list that was changed with it; what is retried without TLS, or without verification, is open."
recommendation = "Compare certificates, trust stores and TLS settings of both versions, and look whether the canary falls back to plain text."
false_positives = ["a destination that was down while the canary asked it", "scanners that met the canary more often"]
references = ["CWE-295", "CWE-326"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 20
baseline_rows = 20
[params]
min_handshakes = 5
[evidence]
max_q = 0.05
min_difference = 0.05
*/
/* Counted by connection: one pod opens many, so a q near the limit says less than it seems. */
with strata as (
    select destination, destination_port, phase,
        count(*) filter (where cohort = 'canary' and not is_established) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and not is_established) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from tls_handshakes
    where in_phase and cohort in ('canary', 'baseline') and destination is not null
    group by all
), samples as (
    select destination, destination_port,
        count(*) filter (where cohort in ('prior', 'after') and not is_established) as prior_n,
        min(time) filter (where cohort = 'canary' and not is_established) as first_seen,
        max(time) filter (where cohort = 'canary' and not is_established) as last_seen,
        min(record_id, 20) filter (where cohort = 'canary' and not is_established) as evidence
    from tls_handshakes
    group by all
)
select
    s.destination, s.destination_port,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total,
    min(m.prior_n) as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence
from strata s
join samples m on m.destination = s.destination and m.destination_port is not distinct from s.destination_port
group by s.destination, s.destination_port
having sum(s.canary_total) >= $min_handshakes and sum(s.baseline_total) >= $min_handshakes and sum(s.canary_n) + sum(s.baseline_n) > 0
order by s.destination, s.destination_port
