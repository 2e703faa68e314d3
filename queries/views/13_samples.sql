/* The names in a structure, and whether it holds more than an error does. */
create table dims.structure_contents as
select structure, keys,
    len(list_filter(keys, lambda key: not list_contains(['error', 'errors', 'message', 'messages', 'code', 'status', 'statuscode',
        'detail', 'details', 'title', 'type', 'instance', 'reason', 'timestamp', 'path', 'request_id', 'requestid', 'trace_id', 'traceid', 'error_description', 'error_code',
        'success', 'ok', 'extensions', 'locations', 'domain', 'login_url'], lower(key)))) > 0 as has_content
from (
    select structure, list_distinct(list_transform(regexp_extract_all(structure, '"([^"]+)":', 1), lambda key: lower(key))) as keys
    from (select distinct structure from dims.bodies where structure is not null)
)
order by structure;

/* The path in each value of a header that rewrites it, in its loosest reading: the stages of `path_lower`, each computed once. In the statement below the
   whole of it took the engine 48 ms to plan, with or without samples. */
create table dims.rewritten_paths as
select value, path_trimmed(path_without_dots(loose)) as rewritten_path
from (
    select value, path_without_parameters(path_loosely_decoded(split_part(regexp_replace(value, '^[a-zA-Z]+://[^/]*', ''), '?', 1))) as loose
    from (select distinct rewrite.value as value from dims.sample_headers where rewrite.value is not null)
)
order by value;

/* One row a sample: who asked with what, what was decided, and which part of the answer says so. `principal_kind` is anonymous, cookie, bearer,
   basic, mtls, apikey, another scheme, or user where only the account is known; NULL where headers were not captured. */
create table dims.sample_facts as
select
    e.evidence_id, e.record_no, e.record_id, e.observer, e.cohort, e.phase, e.in_phase, e.time, e.http_request_method, e.url_path, e.route, e.user_id,
    e.http_response_status_code as status, e.http_response_mime_type, e.http_response_body_size, e.client_address,
    coalesce(e.user_id, e.session_id, e.client_address) as unit_key,
    case
        when lower(e.authentication_kind) in ('anon', 'anonymous', 'none') then 'anonymous'
        when e.authentication_kind is not null then lower(e.authentication_kind)
        when regexp_matches(lower(h.authorization), '^\s*(?:bearer|dpop|token|jwt)\s') then 'bearer'
        when h.authorization is not null then coalesce(nullif(lower(regexp_extract(h.authorization, '^\s*([A-Za-z][A-Za-z0-9-]{0,19})\s', 1)), ''), 'authorization')
        when h.api_key is not null or regexp_matches(lower(e.url_query), '(?:^|&)(?:api_?key|apikey|subscription-key)=') then 'apikey'
        when t.token is not null then 'bearer'
        when h.has_certificate then 'mtls'
        when e.session_id is not null or not only_harmless_cookies(h.cookies) then 'cookie'
        when e.user_id is not null then 'user'
        when h.evidence_id is not null then 'anonymous'
    end as principal_kind,
    case
        when h.authorization is not null or h.api_key is not null then null
        when regexp_matches(lower(e.url_query), '(?:^|&)(?:api_?key|apikey|subscription-key|access_token|token)=') then 'in the query'
    end as credential_place,
    k.token_hash, k.state as token_state, k.assurance,
    md5(coalesce(case when not is_masked(e.session_id) then e.session_id end, case when not is_masked(session_cookie(h.cookies).value) then nullif(session_cookie(h.cookies).value, '') end)) as session_hash,
    md5(a.new_session) as new_session_hash,
    coalesce(rm.role, nullif(trim(e.user_role), ''), k.role) as role,
    coalesce(h.tenant, k.tenant) as tenant,
    coalesce(e.user_id, k.subject) as account,
    h.rewrite.name as rewrite_header,
    rp.rewritten_path,
    coalesce(nullif(h.method_override, ''), nullif(upper(regexp_extract(e.url_query, '(?i)(?:^|&)_method=([A-Za-z]{1,20})', 1)), '')) as method_override,
    h.inner_address_header, h.repeated_header,
    coalesce(h.host, e.server_address) <> lower(coalesce(h.host, e.server_address)) as has_odd_host,
    coalesce(h.has_csrf_header, false) or coalesce(regexp_matches(lower(e.http_request_body), 'csrf|authenticity_token|__requestverificationtoken'), false) as has_csrf_token,
    coalesce(h.has_origin, false) as has_origin,
    coalesce(h.is_fail_open, false) or coalesce(a.is_fail_open, false) as is_fail_open,
    a.challenge, a.location, a.grpc_status,
    b.structure, b.characters, coalesce(c.has_content, false) as has_content, c.keys,
    e.http_response_body as body, case when starts_with(e.http_response_mime_type, 'text/html') then hidden(e.http_response_body) end as page, e.response_flags,
    coalesce(mp.attack, mq.attack, case when sa.user_agent is not null or sc.client_address is not null then 'scanner' end) as attack
from exchanges e
left join dims.sample_headers h on h.evidence_id = e.evidence_id and h.record_no = e.record_no
left join dims.answer_headers a on a.evidence_id = e.evidence_id and a.record_no = e.record_no
left join dims.sample_tokens t on t.evidence_id = e.evidence_id and t.record_no = e.record_no
left join dims.tokens k on k.token_hash = sha256(t.token)
left join dims.roles rm on rm.value = lower(e.user_role)
left join dims.bodies b on b.evidence_id = e.evidence_id and b.record_no = e.record_no
left join dims.structure_contents c on c.structure = b.structure
left join dims.marked_paths mp on mp.url_path = e.url_path
left join dims.marked_queries mq on mq.url_query = e.url_query
left join dims.scanner_agents sa on sa.user_agent = e.user_agent_original
left join dims.scanning_clients sc on sc.client_address = e.client_address
left join dims.rewritten_paths rp on rp.value = h.rewrite.value;

/* What a route gives those who may have it: structures with content. */
create table dims.granted_structures as
select distinct http_request_method, route, structure
from dims.sample_facts
where status between 200 and 299 and has_content and route is not null and principal_kind <> 'anonymous'
order by all;

/* On the baseline alone: the names in those structures, how long the shortest page is, and the longest that a redirection carries. */
create table dims.granted_names as
select http_request_method, route, list_distinct(flatten(list(keys) filter (where is_granted and has_content))) as names,
    min(characters) filter (where is_granted and page is not null) as shortest_page,
    max(characters) filter (where status between 300 and 399 and page is not null) as longest_redirection
from (select *, status between 200 and 299 and principal_kind <> 'anonymous' as is_granted from dims.sample_facts)
where route is not null and cohort in ('baseline', 'prior', 'after')
group by all
order by all;

/* The page that the baseline answers anybody with, whatever the path: a single-page application, or a fallback. It lets nobody in. */
create table dims.pages_for_any_path as
select page
from dims.sample_facts
where status between 200 and 299 and page is not null and principal_kind = 'anonymous' and cohort in ('baseline', 'prior', 'after')
group by page
having count(distinct route) >= 3
order by page;

/* Refusals by their structure: one that refuses on the baseline is no privileged body, whatever it holds. */
create table dims.refusal_structures as
select distinct structure
from dims.sample_facts
where status in (401, 403, 407) and cohort = 'baseline' and structure is not null
order by structure;

create table access_samples as
with judged as (
    select s.*,
        s.status not between 200 and 299 and s.has_content and r.structure is null and g.structure is not null
            or coalesce(s.status between 300 and 399 and s.page is not null and s.characters >= greatest(512, n.shortest_page / 2, 2 * coalesce(n.longest_redirection, 0)) and n.shortest_page > 0, false) as has_privileged_body,
        coalesce(s.status between 200 and 299 and s.has_content and len(n.names) > 0 and not list_has_any(n.names, s.keys), false) as has_other_body,
        coalesce(s.status = 200 and s.http_request_method <> 'HEAD' and s.http_response_body_size = 0 and (len(n.names) > 0 or n.shortest_page > 0), false) as has_no_body,
        a.page is not null and s.status between 200 and 299 as is_page_for_any_path,
        case when json_valid(left(s.body, 65536)) then s.body end as json
    from dims.sample_facts s
    left join dims.granted_structures g on g.http_request_method is not distinct from s.http_request_method and g.route = s.route and g.structure = s.structure
    left join dims.granted_names n on n.http_request_method is not distinct from s.http_request_method and n.route = s.route
    left join dims.refusal_structures r on r.structure = s.structure
    left join dims.pages_for_any_path a on a.page = s.page
), said as (
    select j.*,
        case when status between 200 and 299 then left(coalesce(error_message(left(body, 4096), json), json_message(json, '$.errors[0].extensions.code')), 1000) end as message,
        status between 200 and 299 and json_type(json, '$.errors') = 'ARRAY' as has_graphql_errors,
        len(list_filter(json_extract(json, '$.data.*'), lambda found: found::varchar not in ('null', '{}', '[]'))) > 0 as has_graphql_data
    from judged j
), decided as (
    select s.*,
        case
            when grpc_status is not null or starts_with(http_response_mime_type, 'application/grpc') then 'grpc-status'
            when has_privileged_body and status between 300 and 499 then 'privileged body'
            when has_graphql_errors then 'graphql errors'
            when status between 300 and 399 and is_sign_in(location) then 'redirection to sign-in'
            when status between 200 and 299 and not has_content and structure is not null and (says_no(message)
                or coalesce(json_extract_string(json, '$.code'), json_extract_string(json, '$.status'), json_extract_string(json, '$.statusCode'), json_extract_string(json, '$.error.code')) in ('401', '403')) then 'error body'
            when status between 200 and 299 and starts_with(http_response_mime_type, 'text/html') and not is_sign_in(url_path)
                and regexp_matches(left(body, 65536), '(?i)<input[^>]+type=["'']?password') then 'sign-in form'
            when is_page_for_any_path then 'page for any path'
            when has_no_body then 'empty body'
            when has_other_body then 'other body'
            when status is not null then 'status'
        end as reason
    from said s
)
select d.* exclude (body, page, keys, json, message, has_graphql_errors, has_graphql_data, has_other_body, has_no_body, is_page_for_any_path, account, role, tenant, observer),
    case reason
        when 'grpc-status' then coalesce(grpc_decision(grpc_status), 'unknown')
        when 'privileged body' then 'allow'
        when 'graphql errors' then
            case
                when not (says_no(message) or coalesce(lower(json_extract_string(json, '$.errors[0].extensions.code')), '') in ('unauthenticated', 'forbidden'))
                    then case when has_graphql_data then 'allow' else 'unknown' end
                when has_graphql_data then 'unknown'
                else 'deny'
            end
        when 'redirection to sign-in' then 'deny'
        when 'error body' then 'deny'
        when 'sign-in form' then 'deny'
        when 'page for any path' then 'unknown'
        when 'empty body' then 'unknown'
        when 'other body' then 'unknown'
        else status_decision(status, coalesce(response_flags, ''))
    end as decision,
    hidden(token_hash) as token_key, hidden(user_id) as user_key,
    coalesce(rr.route, route_of(d.rewritten_path)) as rewritten_route,
    d.account, coalesce(d.role, p.role) as role, coalesce(d.tenant, p.tenant) as tenant, d.tenant as said_tenant,
    principal_of(principal_kind, coalesce(d.role, p.role)) as principal,
    coalesce(json_extract_string(json, '$.owner_id'), json_extract_string(json, '$.ownerId'), json_extract_string(json, '$.user_id'), json_extract_string(json, '$.userId'),
        json_extract_string(json, '$.customer_id'), json_extract_string(json, '$.customerId'), json_extract_string(json, '$.owner.id'), json_extract_string(json, '$.user.id')) as body_owner
from decided d
left join dims.accounts p on p.account = d.account
left join dims.routes rr on rr.url_path = d.rewritten_path;

drop table dims.sample_facts;
drop table dims.sample_headers;
drop table dims.answer_headers;
drop table dims.sample_tokens;
