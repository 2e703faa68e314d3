/*
title = "Canary gives callers objects that belong to somebody else"
severity = "critical"
confidence = "high"
compare = "changed"
unit = "request"
why = "On the baseline each object of this route is asked for by one account only, its owner; the canary gives it to another one (broken object level authorization)."
recommendation = "Take the canary out of traffic, restore the check of the owner, and tell the owners whose objects were read."
false_positives = ["objects that were shared or handed over on purpose", "support staff with a role that the baseline did not see"]
references = ["CWE-639", "CWE-863", "OWASP API1:2023", "ATT&CK T1213"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "principal"]
[needs]
shown = ["accounts"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_objects = 10
min_shared = 0.01
min_own = 5
*/
/* An owner is learned in three ways: who alone asks for an object again and again, the account that the answer names, the path parameter that [[route]] owner_param
   names. Roles that read objects of others on the baseline, or too few objects to tell, are left out. */
with touched as (
    select source, is_canary, http_request_method, route, role, object, caller, sum(accesses)::bigint as accesses
    from object_touches
    where caller is not null
    group by all
), of_role as (
    select source, route, role, object, count(distinct caller) as callers, sum(accesses)::bigint as accesses, min(caller) as owner
    from touched
    where not is_canary
    group by all
), exclusive as (
    select source, route, role
    from of_role
    group by all
    having count(*) filter (where accesses > 1 and callers = 1) >= $min_objects
        and count(*) filter (where callers > 1) <= $min_shared * count(*) filter (where accesses > 1)
), owners as (
    select o.source, o.route, o.object, min(o.owner) as owner
    from of_role o
    join exclusive x on x.source = o.source and x.route = o.route and x.role = o.role
    where o.callers = 1
    group by all
    having min(o.owner) = max(o.owner)
), judged as (
    select t.source, t.is_canary, t.http_request_method, t.route, t.role, t.object, t.caller, t.accesses, coalesce(t.is_canary and o.owner <> t.caller, false) as is_foreign
    from touched t
    join exclusive x on x.source = t.source and x.route = t.route and x.role = t.role
    left join owners o on o.source = t.source and o.route = t.route and o.object = t.object
), used as (
    select source, http_request_method, route, role,
        coalesce(sum(accesses) filter (where is_foreign), 0)::bigint as canary_n, coalesce(sum(accesses) filter (where is_canary), 0)::bigint as canary_total,
        0::bigint as baseline_n, coalesce(sum(accesses) filter (where not is_canary), 0)::bigint as baseline_total, 0::bigint as prior_n,
        coalesce(sum(accesses) filter (where not is_canary), 0)::bigint as baseline_own
    from judged
    group by all
    having canary_n > 0
), behind as (
    select a.source, a.http_request_method, a.route, a.role, min(a.time) as first_seen, max(a.time) as last_seen, min(a.record_id, 20) as evidence
    from object_access a
    join (select distinct source, http_request_method, route, role, object, caller from judged where is_foreign) j on j.source = a.source
        and j.http_request_method is not distinct from a.http_request_method and j.route = a.route and j.role = a.role and j.object = a.object and j.caller = a.caller
    where a.cohort = 'canary' and a.decision = 'allow'
    group by all
), asked as (
    select source, http_request_method, route, role, cohort, decision, time, record_id, owner <> caller as is_foreign, 'path' as told_by
    from object_access
    where owner_place is not null and caller is not null
    union all
    select 'samples', http_request_method, route, coalesce(role, ''), cohort, decision, time, record_id, body_owner <> account, 'body'
    from access_samples
    where body_owner is not null and account is not null and route is not null
), told as (
    select source, told_by, http_request_method, route, role,
    count(*) filter (where cohort = 'canary' and decision = 'allow' and is_foreign) as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow' and is_foreign) as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow' and is_foreign) as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow' and is_foreign) as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow' and is_foreign) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow' and is_foreign) as evidence,
        count(*) filter (where cohort in ('baseline', 'prior', 'after') and decision = 'allow' and not is_foreign) as baseline_own
    from asked
    group by all
), cells as (
    select source, told_by, http_request_method, route, role, canary_n, canary_total, baseline_n, baseline_total, prior_n, baseline_own, first_seen, last_seen, evidence
    from told
    union all
    select u.source, 'use', u.http_request_method, u.route, u.role, u.canary_n, u.canary_total, u.baseline_n, u.baseline_total, u.prior_n, u.baseline_own, b.first_seen, b.last_seen, b.evidence
    from used u
    join behind b on b.source = u.source and b.http_request_method is not distinct from u.http_request_method and b.route = u.route and b.role = u.role
)
select http_request_method, route, case when role = '' then 'role unknown' else role end as principal, told_by, canary_n, canary_total, baseline_n, baseline_total, prior_n, baseline_own, first_seen, last_seen, evidence
from cells
where canary_n > 0 and baseline_n + prior_n = 0 and baseline_own >= $min_own
qualify row_number() over (partition by http_request_method, route, principal order by canary_n desc, source, told_by) = 1
order by http_request_method, route, principal
