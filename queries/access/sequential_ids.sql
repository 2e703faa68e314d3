/*
title = "A caller of the canary walks through the numbers of objects and is answered"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "Numbers in a row, asked for by one caller and answered, are how all objects of a route are copied; on the baseline nobody does it."
recommendation = "Check the owner of each object, make ids unguessable, and find out what this caller was given."
false_positives = ["a caller who lists own objects that were numbered one after the other", "a crawler of pages that are public but not open on the baseline"]
references = ["CWE-639", "CWE-330", "OWASP API1:2023", "ATT&CK T1087"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
shown = ["objects"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 1
[params]
min_ids = 12
min_dense = 0.6
*/
/* A walk: at least min_ids different numbers, of which min_dense follow their predecessor, in whichever order they were asked for. */
with many as (
    select source, is_canary, http_request_method, route, unit
    from object_touches
    group by all
    having count(*) >= $min_ids
), numbered as (
    select a.source, a.cohort, a.http_request_method, a.route, a.unit, a.time, a.record_id,
        try_cast(regexp_extract(a.object_text, '[0-9]{1,18}$') as bigint) as object_number
    from object_access a
    join many m on m.source = a.source and m.is_canary = (a.cohort = 'canary') and m.http_request_method is not distinct from a.http_request_method and m.route = a.route and m.unit = a.unit
    where a.decision = 'allow' and a.cohort <> 'unknown'
), asked as (
    select source, cohort, http_request_method, route, unit, time, record_id, object_number
    from numbered
    where object_number is not null
), numbers as (
    select source, cohort, http_request_method, route, unit, object_number,
        object_number - lag(object_number) over (partition by source, cohort, http_request_method, route, unit order by object_number) as step
    from (select distinct source, cohort, http_request_method, route, unit, object_number from asked)
), walks as (
    select source, cohort, http_request_method, route, unit
    from numbers
    group by all
    having count(*) >= $min_ids and count(*) filter (where step = 1) >= $min_dense * (count(*) - 1)
), told as (
    select a.source, a.http_request_method, a.route,
        count(distinct a.unit) filter (where a.cohort = 'canary') as callers,
    count(*) filter (where a.cohort = 'canary') as canary_n,
    count(*) filter (where a.cohort = 'canary') as canary_total,
    count(*) filter (where a.cohort = 'baseline') as baseline_n,
    count(*) filter (where a.cohort = 'baseline') as baseline_total,
    count(*) filter (where a.cohort in ('prior', 'after')) as prior_n,
    min(a.time) filter (where a.cohort = 'canary') as first_seen,
    max(a.time) filter (where a.cohort = 'canary') as last_seen,
    min(a.record_id, 20) filter (where a.cohort = 'canary') as evidence
    from asked a
    join walks w on w.source = a.source and w.cohort = a.cohort and w.http_request_method is not distinct from a.http_request_method and w.route = a.route and w.unit = a.unit
    group by a.source, a.http_request_method, a.route
)
select t.http_request_method, t.route, t.callers, t.canary_n, t.canary_total, t.baseline_n, t.baseline_total, t.prior_n, t.first_seen, t.last_seen, t.evidence
from told t
left join open_routes o on o.http_request_method is not distinct from t.http_request_method and o.route = t.route
where t.canary_n > 0 and o.route is null
qualify row_number() over (partition by t.http_request_method, t.route order by t.canary_n desc, t.source) = 1
order by http_request_method, route
