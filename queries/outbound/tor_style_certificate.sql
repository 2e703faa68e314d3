/*
title = "Canary meets a certificate of the style that Tor's relays make"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Relays of Tor, and tools that copy them, use certificates whose subject and issuer are two different random names, www.<letters>.com and www.<letters>.net."
recommendation = "Isolate the pod and find the process; the address is the relay."
false_positives = ["a private authority that names its certificates alike"]
references = ["ATT&CK T1090.003"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 0
known = ["certificates"]
[params]
*/
select
    destination, destination_port,
    min(tls_server_subject) filter (where cohort = 'canary') as certificate_subject, min(tls_server_issuer) filter (where cohort = 'canary') as certificate_issuer,
    count(*) filter (where cohort = 'canary') as canary_n,
    (select count(*) from tls_seen where cohort = 'canary' and tls_server_subject is not null) as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_n,
    (select count(*) from tls_seen where cohort = 'baseline' and tls_server_subject is not null) as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as prior_n,
    min(destination_address) as destination_address, min(k8s_pod_name) filter (where cohort = 'canary') as pod,
    min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence
from tls_seen
where regexp_full_match(tls_server_subject, 'CN=www\.[a-z2-7]{8,20}\.(com|net)') and regexp_full_match(tls_server_issuer, 'CN=www\.[a-z2-7]{8,20}\.(com|net)')
    and tls_server_subject <> tls_server_issuer
group by destination, destination_port
having count(*) filter (where cohort = 'canary') > 0
order by destination, destination_port
