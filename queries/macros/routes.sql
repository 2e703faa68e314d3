/* Route template of a path by shape. Runs on distinct paths only (12.1 s against 3.6 s on 10 M rows).
   {id} is: a number, an ISO 8601 date, a UUID, 12 or more hexadecimal digits, a ULID, an e-mail address, and one of these after a short
   word (ord_88, ABC-123, u10042, cus_NffrFeUfNV2Hib). A file name keeps its extension (7.json is {id}.json). Versions such as /v1 stay.
   Two passes, since neighbours share a slash. */
create or replace macro id_segments(path) as
    regexp_replace(path,
        '/(?:[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.%A-Za-z+-]+)?|[A-Za-z]{1,8}[-_][0-9]+|[A-Za-z]{1,8}[0-9]{3,}|[0-9a-fA-F]{12,}'
        || '|(?:[A-Za-z]{1,8}[-_])?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'
        || '|(?:[A-Za-z]{1,8}[-_])?[0-7](?:[0-9A-HJKMNP-TV-Z]{25}|[0-9a-hjkmnp-tv-z]{25})'
        || '|[^/]*(?:@|%40)[^/]*)(\.[A-Za-z][A-Za-z0-9]{0,4})?(/|$)',
        '/{id}\1\2', 'g');

/* Telephone numbers after + or 00. Tokens: 8 or more upper-case letters and digits, or hexadecimal digits, with two of each; 10 or more letters of both
   cases with digits in two places; 16 or more letters and digits after a prefix with _, 20 or more with digits and both cases, 20 or more lower-case letters and at
   least four digits, or a JSON Web Token (RFC 7519). */
create or replace macro token_segment(s) as
    case
        when regexp_full_match(s, '(?:\+|%2[bB]|00)[0-9][0-9().%-]{6,}') then '{id}'
        when length(s) < 8 or regexp_matches(s, '[^A-Za-z0-9_.=%:-]') then s
        when regexp_full_match(s, '[A-Z0-9]{8,}') and regexp_matches(s, '[0-9].*[0-9]') and regexp_matches(s, '[A-Z]') then '{id}'
        when regexp_full_match(s, '[0-9a-f]{8,}') and regexp_matches(s, '[0-9].*[0-9]') and regexp_matches(s, '[a-f].*[a-f]') then '{id}'
        when regexp_full_match(s, '[A-Za-z0-9]{10,}') and regexp_matches(s, '[0-9][A-Za-z]+[0-9]') and regexp_matches(s, '[a-z]')
            and regexp_matches(s, '[A-Z]') then '{id}'
        when length(s) < 18 then s
        when regexp_full_match(s, 'eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*') then '{id}'
        when regexp_full_match(s, '(?:[a-z]{2,8}_){1,2}[A-Za-z0-9]{14,}') and regexp_matches(s, '[0-9]') then '{id}'
        when regexp_full_match(s, '[A-Za-z0-9_-]{20,}(?:=|%3[dD]){0,2}') and regexp_matches(s, '[0-9]')
            and regexp_matches(s, '[a-z]') and regexp_matches(s, '[A-Z]') then '{id}'
        when regexp_full_match(s, '[a-z0-9]{20,}') and regexp_matches(s, '[0-9].*[0-9].*[0-9].*[0-9]') then '{id}'
        else s
    end;
create or replace macro token_segments(path) as
    case when regexp_matches(path, '[^/]{8}') then array_to_string(list_transform(string_split(path, '/'), lambda s: token_segment(s)), '/')
        else path end;
/* Values of path parameters (;jsessionid=4711, ;v=2), whole ones that are long: sessions travel there. */
create or replace macro without_parameters(path) as
    case when regexp_matches(path, ';|%3[bB]')
        then regexp_replace(regexp_replace(path, '(;|%3[bB])([A-Za-z_.-]{1,40})(=|%3[dD])[^/;%]+', '\1\2\3{value}', 'g'), '(;|%3[bB])[A-Za-z0-9_.~+-]{9,}(/|;|$)', '\1{value}\2', 'g')
        else path end;
create or replace macro route_of(path) as token_segments(id_segments(id_segments(without_parameters(path))));
