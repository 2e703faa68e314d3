/* Stand-ins for people: numbered by first record, so that outputs can tell them apart without naming them. Addresses stand as they were written, and
   IPv4 also without the prefix of IPv6, as observed tables have them. */
create table dims.ordinals as
select kind, value, kind || '-' || lpad(row_number() over (partition by kind order by first_time, value)::varchar, 4, '0') as label
from (
    select kind, value, min(time) as first_time
    from (
        select 'user' as kind, user_id as value, time from facts.http_requests
        union all select 'user', user_id, time from facts.http_exchanges
        union all select 'client', client_address, time from facts.http_requests
        union all select 'client', client_address, time from facts.http_exchanges
        union all select 'client', substr(client_address, 8), time
            from (select client_address, time from facts.http_requests union all select client_address, time from facts.http_exchanges)
            where starts_with(lower(client_address), '::ffff:') and contains(client_address, '.')
    )
    where value is not null
    group by kind, value
);
