/*
title = "Canary asks for far more names of one domain than the baseline does"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "record"
why = "A name that is never the same twice is not cached, so each one reaches the attacker's server: the names carry the data."
recommendation = "Decode the names; block the domain, and rotate what they hold."
false_positives = ["content networks and block lists that ask by many names"]
references = ["ATT&CK T1071.004", "ATT&CK T1048.003"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination"]
[needs]
tables = ["dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
min_names = 100
factor = 3
*/
select
    d.registered_domain as destination, d.canary_names, d.baseline_names, d.dense_names, d.data_questions, d.longest_label, d.mean_entropy, d.bytes_up, d.pod, d.destinations,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n, d.first_seen, d.last_seen, d.evidence
from dns_domains d
cross join dns_totals t
where d.canary_names >= $min_names and d.canary_names > $factor * d.baseline_names
order by destination
