/* What samples carry that proves or claims who asks. Credentials stand in `dims.sample_headers` as text only until the tables here and in
   13_samples.sql are made; what stays has hashes. */
create table dims.sample_headers as
with sent as (
    select evidence_id, record_no, lower(header.name) as name, header.value as value
    from (select evidence_id, record_no, unnest(http_request_headers) as header from main.http_exchanges)
), repeated as (
    select evidence_id, record_no, min(name) as repeated_header
    from (
        select evidence_id, record_no, name
        from sent
        where name in ('authorization', 'host', 'x-user', 'x-user-id', 'x-username', 'x-role', 'x-roles', 'x-user-role', 'x-forwarded-user', 'x-remote-user', 'x-auth-request-user', 'x-tenant', 'x-tenant-id')
        group by all
        having count(distinct value) > 1
    )
    group by all
)
select s.evidence_id, s.record_no,
    min(value) filter (where name = 'authorization') as authorization,
    string_agg(value, '; ' order by value) filter (where name = 'cookie') as cookies,
    min(value) filter (where name in ('x-api-key', 'api-key', 'apikey', 'x-apikey', 'ocp-apim-subscription-key', 'x-goog-api-key')) as api_key,
    min(value) filter (where name in ('x-access-token', 'x-auth-token', 'x-id-token')) as token_header,
    bool_or(name in ('x-forwarded-client-cert', 'ssl-client-cert', 'x-ssl-client-cert', 'x-client-cert', 'x-ssl-client-verify', 'x-amzn-mtls-clientcert', 'client-cert')) as has_certificate,
    min({'name': name, 'value': value}) filter (where name in ('x-original-url', 'x-rewrite-url', 'x-original-uri', 'x-envoy-original-path', 'x-forwarded-prefix', 'x-forwarded-uri', 'x-forwarded-path')) as rewrite,
    upper(min(value) filter (where name in ('x-http-method-override', 'x-http-method', 'x-method-override'))) as method_override,
    min(name) filter (where name in ('x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'x-client-ip', 'cf-connecting-ip', 'x-originating-ip', 'x-remote-ip', 'x-remote-addr', 'x-cluster-client-ip')
        and names_inner_address(value)) as inner_address_header,
    min(value) filter (where name = 'host') as host,
    min(r.repeated_header) as repeated_header,
    bool_or(name in ('x-csrf-token', 'x-xsrf-token', 'x-csrftoken', 'csrf-token', 'xsrf-token')) as has_csrf_header,
    bool_or(name = 'origin') as has_origin,
    bool_or(name = 'x-envoy-auth-failure-mode-allowed' and lower(value) = 'true') as is_fail_open,
    min(value) filter (where name = (select tenant_header from dims.access_settings)) as tenant
from sent s
left join repeated r on r.evidence_id = s.evidence_id and r.record_no = s.record_no
group by s.evidence_id, s.record_no;

create table dims.answer_headers as
select evidence_id, record_no,
    min(value) filter (where name = 'www-authenticate') as challenge,
    min(value) filter (where name = 'location') as location,
    min(value) filter (where name = 'grpc-status') as grpc_status,
    min(nullif(session_cookie(value).value, '')) filter (where name = 'set-cookie') as new_session,
    bool_or(name = 'x-envoy-auth-failure-mode-allowed' and lower(value) = 'true') as is_fail_open
from (
    select evidence_id, record_no, lower(header.name) as name, header.value as value
    from (select evidence_id, record_no, unnest(http_response_headers) as header from main.http_exchanges)
)
where name in ('www-authenticate', 'location', 'grpc-status', 'set-cookie', 'x-envoy-auth-failure-mode-allowed')
group by all;

/* The token of a sample, where there is one: bearer, header, cookie, query. */
create table dims.sample_tokens as
select e.evidence_id, e.record_no,
    nullif(coalesce(
        nullif(regexp_extract(h.authorization, '(?is)^\s*(?:bearer|dpop|token|jwt)\s+(.*)$', 1), ''),
        h.token_header,
        nullif(regexp_extract(h.cookies, '=(eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*)', 1), ''),
        nullif(regexp_extract(e.url_query, '(?i)(?:^|&)(?:access_token|id_token|jwt)=([^&]*)', 1), '')
    ), '') as token
from main.http_exchanges e
left join dims.sample_headers h on h.evidence_id = e.evidence_id and h.record_no = e.record_no;

/* Each distinct token, decoded without verification (RFC 7515, 7519): at most 16,384 characters and 64 brackets a part. What is malformed is a state.
   `clean` is what a parser finds that stops where the token ends. */
create table dims.tokens as
with texts as (
    select distinct token, sha256(token) as token_hash,
        regexp_extract(token, '^\s*([A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?)', 1) as clean
    from dims.sample_tokens
    where token is not null
), split as (
    select token_hash, token, clean, length(token) > 16384 as is_long,
        case when length(clean) <= 16384 then base64url_text(split_part(clean, '.', 1)) end as head,
        case when length(clean) <= 16384 then base64url_text(split_part(clean, '.', 2)) end as body
    from texts
), parsed as (
    select *, flat_json(head) as header, flat_json(body) as claims from split
), read as (
    select p.token_hash,
        case
            when is_long then 'too long'
            when header is null and not starts_with(token, 'eyJ') then 'opaque'
            when length(regexp_replace(head, '[^\[{]', '', 'g')) > 64 or length(regexp_replace(body, '[^\[{]', '', 'g')) > 64 then 'too deep'
            when regexp_full_match(trim(token), '[^.]*\.[^.]*\.[^.]*\.[^.]*\.[^.]*') then 'encrypted'
            when header is null or claims is null then 'malformed'
            else 'decoded'
        end as state,
        left(lower(json_extract_string(header, '$.alg')), 20) as algorithm,
        header is not null and split_part(clean, '.', 3) = '' as has_no_signature,
        clean <> '' and trim(token) <> clean as has_rest,
        json_exists(header, '$.jwk') as has_key,
        lower(regexp_extract(coalesce(json_extract_string(header, '$.jku'), json_extract_string(header, '$.x5u')), '^[a-zA-Z]*:?//([^/?#]*)', 1)) as key_host,
        json_extract_string(header, '$.jku') is not null or json_extract_string(header, '$.x5u') is not null as names_key_host,
        case
            when regexp_matches(json_extract_string(header, '$.kid'), '\.\.[/\\]|^/|%2e|/dev/') then 'path'
            when regexp_matches(json_extract_string(header, '$.kid'), '[''"`;|$(){}<>]|\s--') then 'injection'
            when regexp_matches(lower(json_extract_string(header, '$.kid')), '^[a-z]+://') then 'url'
        end as odd_key_id,
        json_extract_string(claims, '$.iss') as issuer,
        claim_texts(claims, '$.aud') as audiences,
        json_extract_string(claims, '$.sub') as subject,
        json_extract_string(claims, '$.acr') as assurance,
        claim_time(claims, '$.exp') as expires, claim_time(claims, '$.nbf') as not_before, claim_time(claims, '$.iat') as issued,
        coalesce(case when s.role_place is not null then claim_texts(claims, s.role_place) end, claim_texts(claims, '$.roles'), claim_texts(claims, '$.role'),
            claim_texts(claims, '$.realm_access.roles'), claim_texts(claims, '$."cognito:groups"'), claim_texts(claims, '$.groups')) as roles,
        coalesce(case when s.tenant_place is not null then json_extract_string(claims, s.tenant_place) end, json_extract_string(claims, '$.tenant'),
            json_extract_string(claims, '$.tenant_id'), json_extract_string(claims, '$.tid'), json_extract_string(claims, '$.org_id')) as tenant
    from parsed p
    cross join dims.access_settings s
), named as (
    select t.token_hash, string_agg(distinct left(coalesce(m.role, t.role), 60), '+' order by left(coalesce(m.role, t.role), 60)) as role
    from (select token_hash, unnest(roles) as role from read) t
    left join dims.roles m on m.value = lower(t.role)
    group by t.token_hash
)
select r.* exclude (roles), n.role
from read r
left join named n on n.token_hash = r.token_hash
order by r.token_hash;

/* Role and tenant of accounts, where all that is known of an account agrees: records, tokens, auth events. */
create table dims.accounts as
with said as (
    select t.subject as account, t.role, t.tenant from dims.tokens t where t.state = 'decoded'
    union
    select e.user_id, coalesce(m.role, e.user_role), null
    from (select distinct user_id, nullif(trim(user_role), '') as user_role from main.http_exchanges where trim(user_role) <> '') e
    left join dims.roles m on m.value = lower(e.user_role)
    union
    select a.account, string_agg(distinct coalesce(m.role, a.role), '+' order by coalesce(m.role, a.role)), null
    from (
        select user_id as account, record_id, unnest(user_roles) as role from observed.auth_events where observer is distinct from 'kubernetes.audit'
        union all
        select user_name, record_id, unnest(user_roles) from observed.auth_events where observer is distinct from 'kubernetes.audit'
    ) a
    left join dims.roles m on m.value = lower(a.role)
    group by a.account, a.record_id
)
select account,
    case when count(distinct role) = 1 then min(role) end as role,
    case when count(distinct tenant) = 1 then min(tenant) end as tenant
from said
where account is not null
group by account
order by account;
