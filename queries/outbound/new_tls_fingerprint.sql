/*
title = "Canary opens TLS with a client that the baseline does not have"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "The fingerprint (JA3) is that of the library and its settings: a new one is a new client program or library inside the pod."
recommendation = "Find the program or library; compare with the components that changed."
false_positives = ["an updated TLS library"]
references = ["ATT&CK T1071.001"]
personal_data = false
gdpr = ["32"]
fingerprint = ["tls_fingerprint"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
known = ["fingerprints"]
[params]
min_known = 20
*/
select
    tls_client_ja3 as tls_fingerprint,
    count(*) filter (where cohort = 'canary') as canary_n,
    (select count(*) from tls_seen where cohort = 'canary' and tls_client_ja3 is not null) as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_n,
    (select count(*) from tls_seen where cohort = 'baseline' and tls_client_ja3 is not null) as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as prior_n,
    (list(distinct destination order by destination) filter (where cohort = 'canary' and destination is not null))[1:20] as destinations,
    count(distinct destination) filter (where cohort = 'canary') as destination_count,
    min(k8s_pod_name) filter (where cohort = 'canary') as pod,
    min(time) filter (where cohort = 'canary') as first_seen,
    max(time) filter (where cohort = 'canary') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence
from tls_seen
where tls_client_ja3 is not null
group by tls_client_ja3
having count(*) filter (where cohort = 'canary') > 0 and count(*) filter (where cohort <> 'canary') = 0
    and (select count(*) from tls_seen where cohort <> 'canary' and tls_client_ja3 is not null) >= $min_known
order by tls_fingerprint
