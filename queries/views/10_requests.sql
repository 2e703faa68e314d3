/* One row per request of the chosen observer: route, who asked, what was decided, whether the team itself asked. A route of canary.toml wins over the one the record names. */
create view requests as
select
    h.*,
    case when r.route_source = 'configured' then r.route else coalesce(h.http_route, r.route) end as route,
    case
        when lower(h.authentication_kind) in ('anon', 'anonymous', 'none') then 'anonymous'
        when h.authentication_kind is not null then lower(h.authentication_kind)
        when h.user_id is not null then 'user'
    end as principal_kind,
    coalesce(h.user_id, h.session_id, h.client_address) as unit_key,
    case when h.user_id is not null then 'user' when h.session_id is not null then 'session' when h.client_address is not null then 'client' end
        as unit_kind,
    case
        when h.http_response_status_code between 200 and 299 then 'allow'
        when h.http_response_status_code in (401, 403) then 'deny'
        else 'other'
    end as decision,
    h.phase not in ('before', 'after', 'between') as in_phase,
    y.source is not null as is_synthetic
from main.http_requests h
left join dims.routes r on r.url_path = h.url_path
left join dims.synthetic y on y.user_agent = coalesce(h.user_agent_original, '') and y.client = coalesce(h.client_address, '');

/* One row per verbose sample of the chosen observer. Without captured headers nobody knows whether a caller was anonymous. */
create view exchanges as
select
    h.*,
    case when r.route_source = 'configured' then r.route else coalesce(h.http_route, r.route) end as route,
    case
        when h.user_id is not null then 'user'
        when len(h.http_request_headers) = 0 or h.http_request_headers is null then null
        when len(list_filter(h.http_request_headers, lambda x: lower(x.name) = 'authorization')) > 0 then 'bearer'
        when len(list_filter(h.http_request_headers, lambda x: lower(x.name) = 'cookie')) > 0 then 'cookie'
        else 'anonymous'
    end as principal_kind,
    h.phase not in ('before', 'after', 'between') as in_phase
from main.http_exchanges h
left join dims.routes r on r.url_path = h.url_path;

/* Narrow form for joins: bodies and headers stay where they are. A table, since all that was found in responses is joined to it. */
create table exchange_facts as
select evidence_id, record_no, record_id, observer, time, cohort, phase, in_phase, http_request_method, route, server_address,
    http_response_status_code, http_response_mime_type, http_response_body_state, principal_kind, user_role, k8s_pod_name
from exchanges;
