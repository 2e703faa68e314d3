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
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
baseline_rows = 5
[params]
min_objects = 10
min_shared = 0.01
min_own = 5
*/
/* An owner is learned in three ways: who alone asks for an object again and again, the account that the answer names, the path parameter that [[route]] owner_param
   names. Roles that read objects of others on the baseline, or too few objects to tell, are left out. */
with touched as (
    select source, cohort = 'canary' as is_canary, route, role, object, caller, count(*) as accesses
    from object_access
    where decision = 'allow' and caller is not null and cohort <> 'unknown'
    group by all
), of_role as (
    select source, route, role, object, count(*) as callers, sum(accesses)::bigint as accesses, min(caller) as owner
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
), strangers as (
    select t.source, t.route, t.role, t.object, t.caller
    from touched t
    join exclusive x on x.source = t.source and x.route = t.route and x.role = t.role
    join owners o on o.source = t.source and o.route = t.route and o.object = t.object
    where t.is_canary and o.owner <> t.caller
), asked as (
    select source, http_request_method, route, role, cohort, decision, time, record_id, owner <> caller as is_foreign, owner is not null as is_judged, 'path' as told_by
    from object_access
    where owner is not null and caller is not null
    union all
    select 'samples', http_request_method, route, coalesce(role, ''), cohort, decision, time, record_id, body_owner <> account, true, 'body'
    from access_samples
    where body_owner is not null and account is not null and route is not null
    union all
    select a.source, a.http_request_method, a.route, a.role, a.cohort, a.decision, a.time, a.record_id, s.object is not null, true, 'use'
    from object_access a
    join exclusive x on x.source = a.source and x.route = a.route and x.role = a.role
    left join strangers s on s.source = a.source and s.route = a.route and s.role = a.role and s.object = a.object and s.caller = a.caller and a.cohort = 'canary'
), cells as (
    select source, told_by, http_request_method, route, case when role = '' then 'user' else role end as principal,
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
)
select http_request_method, route, principal, told_by, canary_n, canary_total, baseline_n, baseline_total, prior_n, baseline_own, first_seen, last_seen, evidence
from cells
where canary_n > 0 and baseline_n + prior_n = 0 and baseline_own >= $min_own
qualify row_number() over (partition by http_request_method, route, principal order by canary_n desc, source, told_by) = 1
order by http_request_method, route, principal
