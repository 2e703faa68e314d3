/* Who probes, and with what: labels by path, query, user agent and behaviour. A label is context: it raises and lowers findings and is none. */

/* Paths that spell another one in an unusual way: `plain_path` is the loosest reading, `plain_route` its route. A suffix counts where the path without it was
   asked for too: servers that match suffixes serve both. */
create table dims.spellings as
select s.url_path, s.spelling, s.plain_path, coalesce(r.route, route_of(s.plain_path)) as plain_route
from (
    select url_path, url_path_norm_lower as plain_path, path_spelling(url_path, url_path_norm_lower) as spelling
    from dims.paths
    where url_path <> url_path_norm_lower
    union all
    select p.url_path, o.url_path, 'suffix'
    from dims.paths p
    join dims.paths o on o.url_path = regexp_replace(p.url_path_norm_lower, '\.(?:json|xml|html?|css|js|png|ico|txt|do|action)$', '')
    where p.url_path = p.url_path_norm_lower and o.url_path <> p.url_path
) s
left join dims.routes r on r.url_path = s.plain_path
where s.spelling is not null
order by s.url_path;

/* What is said of few paths: signs of an attack, that the path is a gRPC method, whose HTTP status says nothing, that it asks to sign in or ends a session. */
create table dims.marked_paths as
select p.url_path,
    coalesce(attack_kind(p.url_path), case when is_scanner_path(p.url_path) then 'scanner' end,
        case when s.spelling not in ('case', 'escape', 'other', 'slash at the end', 'suffix') then 'spelling' end) as attack,
    regexp_matches(p.url_path, '^/[a-zA-Z0-9_.]+\.[A-Z][A-Za-z0-9_]*/[A-Z][A-Za-z0-9_]*$') as is_grpc,
    is_sign_in(p.url_path) as asks_sign_in, is_session_end(p.url_path) as ends_session
from dims.paths p
left join dims.spellings s on s.url_path = p.url_path
where attack is not null or is_grpc or asks_sign_in or ends_session
order by p.url_path;

create table dims.marked_queries as
select distinct url_query, attack_kind(url_query) as attack
from (select url_query from main.http_requests where url_query is not null union select url_query from main.http_exchanges where url_query is not null)
where attack is not null
order by url_query;

create table dims.scanner_agents as
select distinct user_agent_original as user_agent
from (select user_agent_original from main.http_requests union select user_agent_original from main.http_exchanges)
where is_scanner_agent(user_agent_original)
order by user_agent;

/* Clients that ask for twenty paths or more that are refused or not there, and for little else. */
create table dims.scanning_clients as
with refused as (
    select client_address, count(*) as refusals
    from main.http_requests
    where http_response_status_code in (400, 401, 403, 404, 405) and client_address is not null
    group by client_address
    having count(distinct url_path) >= 20
), asked as (
    select client_address, count(*) as requests
    from main.http_requests
    where client_address in (select client_address from refused)
    group by client_address
)
select a.client_address
from asked a
join refused r on r.client_address = a.client_address
where r.refusals >= 0.8 * a.requests
order by a.client_address;
