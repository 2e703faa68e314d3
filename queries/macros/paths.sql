/* Spellings of one path. Each macro takes the raw path (no query) and never fails; NULL stays NULL. docs/paths.md shows what becomes what. */

/* Runs of slashes are one: Envoy merge_slashes. */
create or replace macro path_merged(x) as regexp_replace(x, '/{2,}', '/', 'g');

/* What stands behind one percent sign: two digits that name an unreserved character (RFC 3986, section 2.3), a slash or a backslash are that
   character; anything else stays escaped. */
create or replace macro unescaped_piece(p) as
    case when regexp_matches(p, '^(?i:2[def]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5[cf]|7e)')
        then chr(try_cast('0x' || left(p, 2) as utinyint)::integer) || substr(p, 3) else '%' || p end;

/* Percent-decoding, once, of unreserved characters, slash and backslash; a backslash is a slash (WHATWG URL): Envoy normalize_path with
   path_with_escaped_slashes_action UNESCAPE_AND_FORWARD, before dot segments. */
create or replace macro path_decoded(x) as replace(
    case when contains(x, '%')
        then split_part(x, '%', 1) || array_to_string(list_transform(string_split(x, '%')[2:], lambda p: unescaped_piece(p)), '')
        else x end, '\', '/');

/* remove_dot_segments (RFC 3986, section 5.2.4) of a path that begins with a slash; another one stays. */
create or replace macro path_without_dots(x) as
    case when starts_with(x, '/') and regexp_matches(x, '/\.\.?(?:/|$)')
        then list_reduce(
            list_concat(string_split(x, '/'), case when regexp_matches(x, '/\.\.?$') then [''] else [] end),
            lambda kept, part: case part when '.' then kept when '..' then regexp_replace(kept, '/[^/]*$', '') else kept || '/' || part end)
        else x end;

/* Decoded, without dot segments, slashes merged: Istio DECODE_AND_MERGE_SLASHES. */
create or replace macro path_dots(x) as path_merged(path_without_dots(path_decoded(x)));

/* The loosest reading, in three steps. First: lower case, a second round of decoding, overlong UTF-8 of . / and \ (RFC 3629 forbids it). */
create or replace macro path_loosely_decoded(x) as lower(path_decoded(
    case when contains(x, '%')
        then regexp_replace(regexp_replace(replace(lower(x), '%25', '%'), '%(?:c0%ae|e0%80%ae|f0%80%80%ae)', '.', 'g'),
            '%(?:c0%af|e0%80%af|f0%80%80%af|c1%9c|e0%81%9c|f0%80%81%9c)', '/', 'g')
        else lower(x) end));

/* Second: cut at NUL, # and ?, escaped or not; parameters of segments (;x=1) go. */
create or replace macro path_without_parameters(x) as
    regexp_replace(regexp_replace(x, '(?s)(?:\x00|%00|#|%23|\?|%3f).*$', ''), '(?:;|%3b)[^/]*', '', 'g');

/* Third: dots and spaces at the end of segments go, slashes are merged, the last one goes. */
create or replace macro path_trimmed(x) as
    regexp_replace(path_merged(regexp_replace(x, '(?:[. \t\r\n]|%20|%09|%0a|%0d)+(/|$)', '\1', 'g')), '(.)/$', '\1');
create or replace macro path_lower(x) as path_trimmed(path_without_dots(path_without_parameters(path_loosely_decoded(x))));
