/*
title = "Names that the canary asks for look like carried data"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "record"
why = "Long first labels of high entropy, or mostly questions of types that carry data back (TXT, NULL, MX, CNAME), are how tunnels over DNS speak."
recommendation = "Decode the names; block the domain, and rotate what they hold."
false_positives = ["content networks with hashes in names", "mail and domain verification by TXT"]
references = ["ATT&CK T1071.004", "ATT&CK T1048.003"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination"]
[needs]
tables = ["dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
min_names = 5
min_questions = 20
*/
select
    d.registered_domain as destination, d.canary_names, d.baseline_names, d.dense_names, d.data_questions, d.longest_label, d.mean_entropy, d.bytes_up, d.pod, d.destinations,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n, d.first_seen, d.last_seen, d.evidence
from dns_domains d
cross join dns_totals t
where (d.dense_names >= $min_names and d.baseline_dense_names = 0)
    or (d.data_questions >= $min_questions and 2 * d.data_questions >= d.canary_n and d.baseline_n + d.prior_n = 0)
order by destination
