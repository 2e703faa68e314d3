/* Decisions of the access log, then those of samples, with the same columns. The log knows the status only; rates and cells never add up both sources. */
create view access_events as
select 'access log' as source, r.cohort, r.phase, r.in_phase, r.is_synthetic, r.time, r.http_request_method, r.route, r.url_path, r.user_id, r.unit_key, r.client_address,
    r.http_response_status_code, r.http_response_body_size, r.record_id,
    r.principal_kind,
    coalesce(m.role, nullif(trim(r.user_role), ''), p.role) as role,
    p.tenant,
    principal_of(r.principal_kind, coalesce(m.role, nullif(trim(r.user_role), ''), p.role)) as principal,
    case when k.is_grpc then 'unknown' else status_decision(r.http_response_status_code, coalesce(r.response_flags, '')) end as decision,
    case when r.http_response_status_code is not null then 'status' end as reason,
    coalesce(k.asks_sign_in, false) as asks_sign_in,
    coalesce(k.attack, q.attack, case when a.user_agent is not null or c.client_address is not null then 'scanner' end) as attack
from requests r
left join dims.roles m on m.value = lower(r.user_role)
left join dims.accounts p on p.account = r.user_id
left join dims.marked_paths k on k.url_path = r.url_path
left join dims.marked_queries q on q.url_query = r.url_query
left join dims.scanner_agents a on a.user_agent = r.user_agent_original
left join dims.scanning_clients c on c.client_address = r.client_address
union all
select 'samples', cohort, phase, in_phase, false, time, http_request_method, route, url_path, user_id, unit_key, client_address,
    status, http_response_body_size, record_id, principal_kind, role, tenant, principal, decision, reason, is_sign_in(url_path), attack
from access_samples;

/* What was decided, counted: by source, side, route, who asked, decision and what shows it. `callers` are those who were refused.
   A table, since most detectors of access read it and nothing else. */
create table access_cells as
select source, cohort, case when cohort in ('prior', 'after') then 'baseline' else cohort end as side, in_phase, http_request_method, route, principal, principal_kind, role, tenant, decision, reason, attack,
    count(*) as requests,
    count(*) filter (where http_response_status_code = 403) as forbidden,
    count(distinct hash(unit_key)) filter (where decision = 'deny') as callers,
    min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence
from access_events
where cohort <> 'unknown' and route is not null
group by all;

/* The decision matrix: one row a source, route and principal, with both sides. `baseline` holds what was before and after the canary too.
   `chance` is the p-value that the canary lets in more often, where the baseline refuses nearly all and lets in some. */
create table access_matrix as
select *, case when canary_allow > 0 and baseline_allow > 0 and baseline_deny >= 19 * baseline_allow
        then (fisher_exact(canary_allow, canary_deny, baseline_allow, baseline_deny)).higher end as chance
from (
    select source, http_request_method, route, principal,
        coalesce(sum(requests) filter (where side = 'canary' and decision = 'allow'), 0)::bigint as canary_allow,
        coalesce(sum(requests) filter (where side = 'canary' and decision = 'deny'), 0)::bigint as canary_deny,
        coalesce(sum(requests) filter (where side = 'canary' and decision = 'unknown'), 0)::bigint as canary_unknown,
        coalesce(sum(requests) filter (where side = 'baseline' and decision = 'allow'), 0)::bigint as baseline_allow,
        coalesce(sum(requests) filter (where side = 'baseline' and decision = 'deny'), 0)::bigint as baseline_deny,
        coalesce(sum(requests) filter (where side = 'baseline' and decision = 'unknown'), 0)::bigint as baseline_unknown,
        coalesce(sum(forbidden) filter (where side = 'baseline' and decision = 'deny'), 0)::bigint as baseline_forbidden,
        coalesce(sum(forbidden) filter (where side = 'canary' and decision = 'deny'), 0)::bigint as canary_forbidden,
        coalesce(sum(callers) filter (where side = 'baseline' and decision = 'deny'), 0)::bigint as baseline_refused_callers,
        coalesce(sum(callers) filter (where side = 'canary' and decision = 'deny'), 0)::bigint as canary_refused_callers,
        coalesce(sum(requests) filter (where cohort = 'baseline'), 0)::bigint as baseline_total,
        coalesce(sum(requests) filter (where cohort = 'baseline' and decision = 'allow'), 0)::bigint as baseline_n,
        coalesce(sum(requests) filter (where cohort in ('prior', 'after') and decision = 'allow'), 0)::bigint as prior_n
    from access_cells
    group by all
);

/* Who is refused on which route: 19 of 20 decisions of the baseline, by either source. */
create table usual_refusals as
select http_request_method, route, principal, sum(baseline_deny)::bigint as baseline_deny, sum(baseline_forbidden)::bigint as baseline_forbidden
from access_matrix
where baseline_deny > 0 and baseline_deny >= 19 * baseline_allow
group by all;

/* Routes that answer anybody on the baseline: who is let in there proves nothing. */
create table open_routes as
select distinct http_request_method, route
from access_matrix
where principal = 'anonymous' and baseline_allow > 0;

/* What anybody needs a proof for, by sample: answers on routes that are not open. */
create view proven_samples as
select s.cohort, s.in_phase, s.time, s.http_request_method, s.route, s.principal, s.decision, s.record_id, s.token_hash, s.attack
from access_samples s
left join open_routes o on o.http_request_method is not distinct from s.http_request_method and o.route = s.route
where s.route is not null and o.route is null;

/* Accesses to objects, on routes whose path names an object. Callers, objects and owners are compared, never shown: hashes. */
create view object_access as
select e.source, e.cohort, e.http_request_method, e.route, coalesce(e.role, '') as role, e.decision, e.time, e.record_id, hidden(e.user_id) as caller, hidden(e.unit_key) as unit,
    hidden(split_part(e.url_path, '/', p.object_place)) as object,
    split_part(e.url_path, '/', p.object_place) as object_text,
    p.owner_place, hidden(split_part(e.url_path, '/', p.owner_place)) as owner
from access_events e
join dims.route_places p on p.route = e.route;

/* Who was given which object how often. A table, since two detectors ask it, and the log is read once. */
create table object_touches as
select source, cohort = 'canary' as is_canary, http_request_method, route, role, object, caller, unit, count(*) as accesses
from object_access
where decision = 'allow' and cohort <> 'unknown' and unit is not null
group by all;

/* Requests with a session, by the log and by samples; session and account as hashes. */
create view session_requests as
select 'access log' as source, r.cohort, r.in_phase, r.http_request_method, r.route, r.url_path, r.time, r.record_id, hidden(r.session_id) as session, hidden(r.user_id) as account,
    null::varchar as tenant,
    status_decision(r.http_response_status_code, '') as decision, r.http_response_status_code as status,
    coalesce(k.asks_sign_in, false) as asks_sign_in, coalesce(k.ends_session, false) as ends_session
from requests r
left join dims.marked_paths k on k.url_path = r.url_path
where r.session_id is not null and not is_masked(r.session_id)
union all
select 'samples', cohort, in_phase, http_request_method, route, url_path, time, record_id, hidden(session_hash), user_key, tenant, decision, status,
    is_sign_in(url_path), is_session_end(url_path)
from access_samples
where session_hash is not null;

/* One row a session and cohort: whose it was, from when to when it was let in, when it was ended. */
create table sessions as
select source, cohort, session,
    coalesce(min(account) <> max(account), false) or coalesce(min(tenant) <> max(tenant), false) as is_shared,
    count(account) + count(tenant) > 0 as is_somebodys,
    min(time) as first_seen, max(time) as last_seen,
    min(time) filter (where account is not null) as known_from,
    min(time) filter (where decision <> 'deny') as let_in_from, max(time) filter (where decision = 'allow') as let_in_to,
    max(time) filter (where status = 401) as refused_at,
    max(time) filter (where ends_session and status < 400 and (http_request_method <> 'GET' or not contains(lower(url_path), 'password'))) as ended_at,
    max(time) filter (where asks_sign_in and not ends_session) as signed_in_at
from session_requests
where cohort <> 'unknown'
group by all;
