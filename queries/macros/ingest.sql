/* What importers share when they turn text into columns. Every macro gives NULL for text it cannot read. */
create or replace macro in_range(t) as
    case when t between timestamp '1990-01-01' and timestamp '2100-01-01' then t end;
/* numbers of text; the engine alone rounds 200.5 to 201 and takes `nan`, `inf` and 1e999 for numbers, which every sum is lost in */
create or replace macro has_fraction(x) as (contains(x, '.') or contains(x, '-')) and coalesce(try_cast(x as double) % 1 <> 0, false);
create or replace macro to_integer(x) as case when not has_fraction(x) then try_cast(x as integer) end;
create or replace macro to_bigint(x) as case when not has_fraction(x) then try_cast(x as bigint) end;
create or replace macro finite(x) as case when isfinite(x) then x end;
create or replace macro to_double(x) as finite(try_cast(x as double));
create or replace macro dash(x) as nullif(nullif(x, '-'), '');
/* An offset beyond 18 hours is none (ISO 8601 has no limit, java.time and POSIX do; the widest in use is +14:00), and would move a record by days. */
create or replace macro no_offset(x) as regexp_matches(x, '[+-](?:19|[2-9][0-9]):?[0-9]{2}$');
/* ISO 8601; an offset is applied, without one the stamp is UTC. A cast to TIMESTAMP ignores the offset (DuckDB 2.0) but is twice as fast. */
create or replace macro iso_time(x) as
    in_range(case when ends_with(x, 'Z') then try_cast(x as timestamp) when not no_offset(x) then try_cast(x as timestamptz)::timestamp end);
/* seconds since 1970 as decimal text; the fraction is kept to the microsecond (a double holds 16 digits); 1990 to 2100 */
create or replace macro epoch_time(x) as
    case when try_cast(x as double) between 631152000 and 4102444799
        then make_timestamp(round(try_cast(x as double) * 1000000)::bigint) end;
/* the same of a number that was read before */
create or replace macro seconds_time(x) as
    case when x between 631152000 and 4102444799 then make_timestamp(round(x * 1000000)::bigint) end;
/* a stamp with a colon is ISO 8601, else seconds: a cast that fails costs more than the test */
create or replace macro any_time(x) as case when contains(x, ':') or contains(x, 'T') then iso_time(x) else epoch_time(x) end;
/* 03/Mar/2026:09:00:00 +0100 as in the Common Log Format */
create or replace macro clf_time(x) as in_range(case when not no_offset(x) then try_strptime(x, '%d/%b/%Y:%H:%M:%S %z')::timestamp end);
create or replace macro path_part(x) as nullif(split_part(x, '?', 1), '');
create or replace macro query_part(x) as
    case when contains(x, '?') then substr(x, instr(x, '?') + 1) end;
/* host of host, host:port, [v6]:port or a bare v6 address */
create or replace macro host_part(x) as
    case
        when starts_with(x, '[') then substr(split_part(x, ']', 1), 2)
        when contains(x, ':') and instr(substr(x, instr(x, ':') + 1), ':') = 0 then split_part(x, ':', 1)
        else x
    end;
create or replace macro port_part(x) as
    case
        when starts_with(x, '[') then nullif(ltrim(split_part(x, ']', 2), ':'), '')
        when contains(x, ':') and instr(substr(x, instr(x, ':') + 1), ':') = 0 then nullif(split_part(x, ':', 2), '')
    end;
create or replace macro first_address(x) as host_part(trim(split_part(x, ',', 1)));
create or replace macro fold_name(x) as nullif(rtrim(lower(x), '.'), '');
/* "GET /path HTTP/1.1" -> /path; a target may hold spaces. Three words are cut, the rest needs the expression. */
create or replace macro request_target(x) as
    case
        when strlen(x) - strlen(replace(x, ' ', '')) = 2 and contains(x, ' HTTP/') then split_part(x, ' ', 2)
        else nullif(regexp_extract(x, '^\S+ (.*?)(?: HTTP/[0-9.]+)?$', 1), '')
    end;
create or replace macro protocol_version(x) as
    case when contains(x, ' HTTP/') then nullif(split_part(x, ' HTTP/', -1), '') end;
create or replace macro answers(data, ttls) as
    list_transform(list_zip(data, ttls), lambda x: {'type': null::varchar, 'data': x[1], 'ttl': to_double(x[2])});
/* scheme, authority and the rest of an absolute or relative URL (RFC 3986, appendix B) */
create or replace macro url_scheme_part(x) as nullif(lower(regexp_extract(x, '^([a-zA-Z][a-zA-Z0-9+.-]*)://', 1)), '');
create or replace macro url_authority_part(x) as nullif(regexp_extract(x, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]*)', 1), '');
create or replace macro url_target_part(x) as regexp_replace(x, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*', '');
create or replace macro header_pairs(x) as list_transform(x, lambda h: {'name': h[1], 'value': h[2]});
create or replace macro header_value(headers, wanted) as
    list_filter(headers, lambda h: lower(h.name) = wanted)[1].value;
create or replace macro mime_part(x) as nullif(lower(trim(split_part(x, ';', 1))), '');
/* numbers since 1970 in the unit that their size shows: seconds, milli-, micro- or nanoseconds; 1990 to 2100 in each */
create or replace macro unit_time(x) as
    case
        when try_cast(x as double) < 4102444800 then epoch_time(x)
        when try_cast(x as double) between 631152000e3 and 4102444799e3 then make_timestamp(round(try_cast(x as double) * 1000)::bigint)
        when try_cast(x as double) between 631152000e6 and 4102444799e6 then make_timestamp(round(try_cast(x as double))::bigint)
        when try_cast(x as double) between 631152000e9 and 4102444799e9 then make_timestamp(try_cast(x as bigint) // 1000)
    end;
/* the stamp of a logger: ISO 8601, the fraction behind a dot or a comma, a zone behind a blank too, without zone UTC; or a number */
create or replace macro log_time(x) as
    case when contains(x, ':') then iso_time(replace(replace(replace(x, ',', '.'), ' +', '+'), ' -', '-')) else unit_time(x) end;
/* pino and bunyan number their levels */
create or replace macro level_word(x) as
    case x
        when '10' then 'trace' when '20' then 'debug' when '30' then 'info'
        when '40' then 'warn' when '50' then 'error' when '60' then 'fatal'
        else nullif(x, '')
    end;
/* type and message of the exception that a stack trace begins with (Java, .NET, Node, PHP, Go, Ruby) or ends with (Python); looked for in
   16,384 characters at that end. Alternatives: a name before "at" lines, the name of an error, Go, Ruby, Rails. */
create or replace macro first_exception(x) as
    list_transform(
        [regexp_extract(
            left(x, 16384),
            '(?:^|\n)(?:Exception in thread "[^"\n]*" |Caused by: |Unhandled [Ee]xception[.:] |(?:PHP Fatal error:  )?Uncaught )?(?:'
            || '([A-Za-z_$][\w$]*(?:(?:\.|::|/|\\)[A-Za-z_$][\w$]*)+)(?:: ([^\n]*))?\n[ \t]+at |'
            || '([A-Za-z_$][\w$.:\\/]*(?:Exception|Error|Throwable|Failure))(?:: ([^\n]*)| \[[^\n]*|)(?:\n|$)|'
            || '(panic|fatal error): ([^\n]*)|'
            || '([^\n]*?) \(([A-Z][\w:]*)\)\n[^\n]*:\d+:in |'
            || '([A-Z]\w*(?:::\w+)+|[A-Z]\w*Error) \(([^\n]*)\):?(?:\n|$))',
            ['t1', 'm1', 't2', 'm2', 't3', 'm3', 'm4', 't4', 't5', 'm5']
        )],
        lambda e: {
            'type': coalesce(nullif(e.t1, ''), nullif(e.t2, ''), nullif(e.t3, ''), nullif(e.t4, ''), nullif(e.t5, '')),
            'message': coalesce(nullif(e.m1, ''), nullif(e.m2, ''), nullif(e.m3, ''), nullif(e.m4, ''), nullif(e.m5, ''))
        }
    )[1];
create or replace macro last_exception(x) as
    list_transform(
        [regexp_extract(right(x, 16384), '(?s)^.*\n[ \t]+[^\n]*\n([A-Za-z_][\w.]*)(?:: (.*?))?\s*$', ['type', 'message'])],
        lambda e: {'type': nullif(e.type, ''), 'message': nullif(e.message, '')}
    )[1];
create or replace macro stack_exception(x) as
    case when contains(x, 'Traceback (most recent call last)') then last_exception(x) when x is not null then first_exception(x) end;
/* a value of logfmt: quoted as Go quotes, whose escapes are mostly JSON's; other escapes keep their backslash */
create or replace macro logfmt_text(x) as
    case
        when not starts_with(x, '"') then nullif(x, '')
        when not contains(x, '\') then nullif(x[2:-2], '')
        else coalesce(try(json_extract_string(x, '$')), replace(replace(x[2:-2], '\"', '"'), '\\', '\'))
    end;
/* whether a one-way flow is the answers: SYN and ACK (2 and 16, RFC 9293) where flags tell, else by ports: below 1024, or below the ephemeral range
   that begins at 32768, is the service */
create or replace macro is_flow_answer(flags, source_port, destination_port) as
    case
        when flags & 18 = 18 then true
        when flags & 18 = 2 then false
        else coalesce(source_port < destination_port and (source_port < 1024 or (source_port < 32768 and destination_port >= 32768)), false)
    end;
/* the name of a DNS response code (IANA DNS parameters); others stay numbers */
create or replace macro dns_code(x) as
    case x
        when '0' then 'NOERROR' when '1' then 'FORMERR' when '2' then 'SERVFAIL' when '3' then 'NXDOMAIN' when '4' then 'NOTIMP' when '5' then 'REFUSED'
        else x
    end;
