/* What decides about access, in words. None of these macros fails on any text; NULL stays NULL. */

/* A part of a JSON Web Token (RFC 7515: base64url without padding) as text; NULL where it is none. */
create or replace macro base64url_text(x) as
    try(decode(from_base64(replace(replace(x, '-', '+'), '_', '/') || repeat('=', (4 - length(x) % 4) % 4))));

/* JSON with at most 64 brackets, so no deeper than that; NULL where it is none. */
create or replace macro flat_json(x) as case when length(regexp_replace(x, '[^\[{]', '', 'g')) <= 64 and json_valid(x) then x end;

/* A claim as a list of texts: a list, one text, or texts separated by blanks as `scope` has them. */
create or replace macro claim_texts(json, place) as
    case json_type(json, place)
        when 'ARRAY' then list_sort(list_distinct(try(from_json(json_extract(json, place), '["VARCHAR"]'))))
        when 'VARCHAR' then list_sort(list_distinct(string_split(json_extract_string(json, place), ' ')))
    end;

/* NumericDate (RFC 7519): seconds since 1970, fractions allowed. */
create or replace macro claim_time(json, place) as
    try(make_timestamp((try_cast(json_extract_string(json, place) as double) * 1000000)::bigint));

/* Where a redirection asks to sign in. */
create or replace macro is_sign_in(target) as regexp_matches(lower(target),
    '(?:^|[/?&;._=-])(?:login|log-in|signin|sign-in|sign_in|logon|sso|oauth2?|authori[sz]e|auth|saml2?|oidc|openid|unauthori[sz]ed|access-denied)(?:$|[/?&#.;_=-])');

/* What ends a session: signing out, or another password. */
create or replace macro is_session_end(path) as
    regexp_matches(lower(path), '/(?:logout|log-out|sign-?out|signoff|revoke|end-?session)(?:/|$)|/password(?:/change|/reset)?$');

/* What an answer says that refuses. */
create or replace macro says_no(message) as regexp_matches(lower(message),
    '\b(?:un-?authori[sz]ed|forbidden|access (?:is |was )?denied|permission[ _]denied|not (?:authori[sz]ed|permitted|allowed)|unauthenticated|not logged in'
    || '|(?:login|authentication|sign-?in) (?:is )?required|(?:must|please) (?:be logged|log|sign) ?-?in|(?:invalid|expired) (?:token|credentials?|session)'
    || '|(?:token|session) (?:has |is )?expired|insufficient (?:permissions?|scope|privileges?|rights))\b');

/* What stands in place of a value that was taken out of the evidence: it is the same for everybody, and nobody's. */
create or replace macro is_masked(x) as regexp_matches(x, '(?i)redacted|masked|filtered|removed|hidden|\*{3}|^[x*.]+$');

/* The cookie that holds a session, by its name: [name, value]. */
create or replace macro session_cookie(cookies) as regexp_extract(cookies,
    '(?i)(?:^|;\s*)([a-z0-9_.-]*(?:sess|auth|jwt|access_?token|id_?token|identity|remember)[a-z0-9_.-]*|(?:[a-z0-9_.-]*[._-])?sid)=([^;\s]+)', ['name', 'value']);

/* Cookies that say nothing about who asks: statistics, consent, language. */
create or replace macro only_harmless_cookies(cookies) as regexp_full_match(trim(cookies),
    '(?i)(?:(?:_ga[a-z0-9_]*|_gid|_gat[a-z0-9_]*|_fbp|_hj[a-z0-9_]*|_pk_[a-z0-9_.]*|[a-z_-]*consent[a-z_-]*|lang|locale|language|theme|currency)=[^;]*;?\s*)*');

/* An address of a network that no client of the internet has: RFC 1918, loopback, link-local, unique local. */
create or replace macro names_inner_address(x) as regexp_matches(lower(x),
    '(?:^|[\s,;="\[])(?:10\.[0-9]|127\.[0-9]|192\.168\.|169\.254\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|::1(?:$|[\s,\]";])|f[cd][0-9a-f]{2}:|localhost)');

/* What a status alone decides. 404 may be a refusal that hides, and a redirection may lead anywhere: both are unknown. */
create or replace macro status_decision(status, flags) as
    case
        when contains(flags, 'UAEX') then 'deny'
        when status between 200 and 299 or status = 304 then 'allow'
        when status in (401, 403, 407, 419, 440) then 'deny'
        else 'unknown'
    end;

/* What grpc-status decides (0 OK, 7 PERMISSION_DENIED, 16 UNAUTHENTICATED). */
create or replace macro grpc_decision(code) as
    case trim(code) when '0' then 'allow' when '7' then 'deny' when '16' then 'deny' else 'unknown' end;

/* Signs of an attack in a path or query, by kind; NULL where there are none. The first kind counts. */
create or replace macro attack_kind(x) as
    case
        when regexp_matches(lower(x), '(?:\.|%2e|%252e){2}(?:/|\\|%2f|%5c|%252f)|etc(?:/|%2f)passwd|win(?:\.|%2e)ini|%c0%a[ef]') then 'traversal'
        when regexp_matches(lower(x), '(?:''|%27|"|%22)(?:\s|%20|\+)*(?:or|and|union)\b|union(?:\s|%20|\+|/\*)+(?:all(?:\s|%20|\+)+)?select|<script|%3cscript|\$(?:\{|%7b)jndi|sleep(?:\(|%28)|;(?:\s|%20)*(?:cat|id|wget|curl)\b|(?:\{\{|%7b%7b)') then 'injection'
    end;

/* Paths that scanners ask for and people do not. */
create or replace macro is_scanner_path(x) as regexp_matches(lower(x),
    '/\.(?:env|git|aws|ssh|svn|ds_store|htaccess|vscode)|/wp-(?:login|admin|content|includes)|/xmlrpc\.php|/phpmyadmin|/cgi-bin/|/vendor/phpunit|/boaform|/hnap1|/_ignition|/owa/|/autodiscover|/solr/admin|\.(?:bak|sql|old|swp)$');

create or replace macro is_scanner_agent(x) as regexp_matches(lower(x),
    'nikto|sqlmap|nuclei|nessus|openvas|acunetix|wpscan|masscan|zgrab|nmap|gobuster|dirbuster|feroxbuster|ffuf|wfuzz|burp|zaproxy|owasp zap|arachni|w3af|metasploit|hydra|censys|shodan|netcraft|l9explore|expanse|jorgee');

/* How a path differs from its plain spelling, the most telling first; NULL where it does not, or only by a slash at its end. */
create or replace macro path_spelling(raw, plain) as
    case
        when raw = plain then null
        when rtrim(raw, '/') = plain then 'slash at the end'
        when regexp_matches(lower(raw), '%00|\x00') then 'nul'
        when regexp_matches(lower(raw), '#|%23') then 'fragment'
        when regexp_matches(lower(raw), '%25[0-9a-f]{2}') then 'double escape'
        when regexp_matches(lower(raw), '%2f|%5c|\\') then 'escaped slash'
        when regexp_matches(lower(raw), ';|%3b') then 'parameter'
        when regexp_matches(lower(raw), '/(?:\.|%2e){1,2}(?:/|$)') then 'dot segment'
        when contains(raw, '//') then 'double slash'
        when contains(raw, '%') then 'escape'
        when regexp_matches(raw, '[. ]/?$') then 'end'
        when lower(raw) = plain or rtrim(lower(raw), '/') = plain then 'case'
        else 'other'
    end;

/* Who asks, as a column of the matrix. Without a role it is what they prove themselves with; no role that somebody is said to have reads like that. */
create or replace macro principal_of(kind, role) as
    case
        when kind = 'anonymous' then 'anonymous'
        when lower(role) in ('anonymous', 'caller unknown') then 'role ' || role
        when role is not null then replace(role, '(', '[')
        when kind is not null then kind || ' (role unknown)'
        else 'caller unknown'
    end;

/* A value that is compared and never shown; the engine's hash of NULL is a number. */
create or replace macro hidden(x) as case when x is not null then hash(x) end;
