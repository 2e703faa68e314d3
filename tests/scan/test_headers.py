"""What browsers make of security headers, as verdicts that can be compared."""

from __future__ import annotations

import re
import time

import pytest

from forensics.scan import HeaderVerdict, header_verdicts
from forensics.scan.headers import RANKS, SECURITY_HEADERS, plain_value, script_verdict

HSTS, CSP, XCTO, XFO, REFERRER, CORS = (
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "access-control-allow-origin",
)
YEAR = "max-age=31536000"


def verdict(header: str, *headers: tuple[str, str], scheme: str | None = "https") -> str:
    return next(item.verdict for item in header_verdicts(headers, scheme) if item.header == header)


ALWAYS = [
    HSTS, CSP, XCTO, XFO, REFERRER, "permissions-policy", "cross-origin-opener-policy", "cross-origin-embedder-policy",
    "cross-origin-resource-policy", CORS, "cache-control", "vary", "content-type",
]  # fmt: skip


def test_most_are_always_judged() -> None:
    """A response without headers gets verdicts `not-implemented` of rank 0, in a fixed order; no cookie and no target, no verdict."""
    found = header_verdicts([], "https")
    assert [item.header for item in found] == ALWAYS
    assert {item.rank for item in found} == {0}
    assert all(item.verdict.endswith("not-implemented") for item in found)


@pytest.mark.parametrize("header", sorted(RANKS))
def test_verdicts_are_named_as_the_observatory_does(header: str) -> None:
    """Lower case and dashes, and something of every header is as good as nothing: rank 0."""
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", verdict) for verdict in RANKS[header])
    assert 0 in RANKS[header].values()


# Result -> score modifier, as published for version 4 of the algorithm (SRI and preloading apart).
OBSERVATORY = {
    HSTS: [
        ("hsts-implemented-max-age-at-least-six-months", 0), ("hsts-implemented-max-age-less-than-six-months", -10),
        ("hsts-not-implemented", -20), ("hsts-header-invalid", -20),
    ],
    CSP: [
        ("csp-implemented-with-no-unsafe-default-src-none", 10), ("csp-implemented-with-no-unsafe", 5),
        ("csp-implemented-with-unsafe-inline-in-style-src-only", 0), ("csp-implemented-with-insecure-scheme-in-passive-content-only", -10),
        ("csp-implemented-with-unsafe-eval", -10), ("csp-implemented-with-insecure-scheme", -20),
        ("csp-implemented-with-unsafe-inline", -20), ("csp-header-invalid", -25), ("csp-not-implemented", -25),
    ],
    "set-cookie": [
        ("cookies-secure-with-httponly-sessions-and-samesite", 5), ("cookies-secure-with-httponly-sessions", 0),
        ("cookies-without-secure-flag-but-protected-by-hsts", -5), ("cookies-session-without-secure-flag-but-protected-by-hsts", -10),
        ("cookies-samesite-flag-invalid", -20), ("cookies-anticsrf-without-samesite-flag", -20), ("cookies-without-secure-flag", -20),
        ("cookies-session-without-httponly-flag", -30), ("cookies-session-without-secure-flag", -40),
    ],
    CORS: [
        ("cross-origin-resource-sharing-not-implemented", 0), ("cross-origin-resource-sharing-implemented-with-restricted-access", 0),
        ("cross-origin-resource-sharing-implemented-with-public-access", 0),
        ("cross-origin-resource-sharing-implemented-with-universal-access", -50),
    ],
    "location": [("redirection-to-https", 0), ("redirection-off-host-from-http", -5), ("redirection-not-to-https", -20)],
}  # fmt: skip


@pytest.mark.parametrize("header", OBSERVATORY)
def test_ranks_never_contradict_the_observatory(header: str) -> None:
    """What it scores higher is never ranked lower; where it scores equal, a finer order is this project's own."""
    ranks = [RANKS[header][verdict] for verdict, _ in OBSERVATORY[header]]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([YEAR], "hsts-implemented-max-age-at-least-six-months"),
        ([f"{YEAR}; includeSubDomains; preload"], "hsts-implemented-max-age-at-least-six-months-with-subdomains"),
        ([f"includesubdomains;{YEAR.upper()}"], "hsts-implemented-max-age-at-least-six-months-with-subdomains"),
        (['max-age="31536000"'], "hsts-implemented-max-age-at-least-six-months"),
        (["max-age = 31536000 ;"], "hsts-implemented-max-age-at-least-six-months"),
        (["max-age=300; includeSubDomains"], "hsts-implemented-max-age-less-than-six-months"),
        (["max-age=15768000"], "hsts-implemented-max-age-at-least-six-months"),
        (["max-age=0"], "hsts-disabled"),
        (["includeSubDomains"], "hsts-header-invalid"),
        (["max-age=forever"], "hsts-header-invalid"),
        (["max-age=-1"], "hsts-header-invalid"),
        (["max-age"], "hsts-header-invalid"),
        (["max-age=1; max-age=31536000"], "hsts-header-invalid"),
        (["max-age=31536000; bad directive"], "hsts-header-invalid"),
        (["max-age=٣١٥٣٦٠٠٠"], "hsts-header-invalid"),
        (["max-age=" + "9" * 10_000], "hsts-implemented-max-age-at-least-six-months"),
        ([""], "hsts-header-invalid"),
        ([YEAR, "max-age=0"], "hsts-implemented-max-age-at-least-six-months"),
        (["max-age=0", YEAR], "hsts-disabled"),
        ([f"{YEAR}, max-age=0"], "hsts-implemented-max-age-at-least-six-months"),
        (["hsts-header-invalid", YEAR], "hsts-header-invalid"),
    ],
)
def test_strict_transport_security(values: list[str], expected: str) -> None:
    """RFC 6797: max-age decides, the first header counts, a broken one is no header."""
    assert verdict(HSTS, *[("Strict-Transport-Security", value) for value in values]) == expected


def test_transport_security_over_http_has_no_effect() -> None:
    """RFC 6797, 8.1: over http the header is ignored; an unknown scheme is given the benefit of the doubt."""
    assert verdict(HSTS, (HSTS, YEAR), scheme="http") == "hsts-not-implemented-no-https"
    assert verdict(HSTS, (HSTS, YEAR), scheme="HTTP") == "hsts-not-implemented-no-https"
    assert verdict(HSTS, (HSTS, YEAR), scheme=None) == "hsts-implemented-max-age-at-least-six-months"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["default-src 'self'"], "csp-implemented-with-no-unsafe"),
        (["default-src 'none'; script-src 'self'"], "csp-implemented-with-no-unsafe-default-src-none"),
        (["DEFAULT-SRC 'NONE'"], "csp-implemented-with-no-unsafe-default-src-none"),
        (["script-src 'self' 'unsafe-inline'"], "csp-implemented-with-unsafe-inline"),
        (["script-src 'self' 'unsafe-inline' 'nonce-r4nd0m'"], "csp-implemented-with-no-unsafe"),
        (["script-src 'unsafe-inline' https: 'strict-dynamic' 'sha256-abc'"], "csp-implemented-with-no-unsafe"),
        (["script-src 'strict-dynamic' https:"], "csp-implemented-with-unsafe-inline"),
        (["default-src *"], "csp-implemented-with-unsafe-inline"),
        (["script-src 'self' data:"], "csp-implemented-with-unsafe-inline"),
        (["script-src http://cdn.example"], "csp-implemented-with-insecure-scheme"),
        (["script-src 'self' 'unsafe-eval'"], "csp-implemented-with-unsafe-eval"),
        (["default-src 'self'; style-src 'unsafe-inline'"], "csp-implemented-with-unsafe-inline-in-style-src-only"),
        (["script-src 'self'; script-src *"], "csp-implemented-with-no-unsafe"),
        (["frame-ancestors 'none'"], "csp-implemented-with-unsafe-inline"),
        (["upgrade-insecure-requests"], "csp-implemented-with-unsafe-inline"),
        ([" ; "], "csp-header-invalid"),
        ([""], "csp-not-implemented"),
        (["script-src *", "default-src 'self'"], "csp-implemented-with-no-unsafe"),
        (["script-src *, default-src 'none'"], "csp-implemented-with-no-unsafe-default-src-none"),
    ],
)
def test_content_security_policy(values: list[str], expected: str) -> None:
    """CSP3: the worst weakness of a policy counts, and of several policies the strictest."""
    assert verdict(CSP, *[("Content-Security-Policy", value) for value in values]) == expected


def test_report_only_protects_nothing() -> None:
    """A policy that is only reported is not enforced."""
    assert verdict(CSP, ("Content-Security-Policy-Report-Only", "default-src 'none'")) == "csp-not-implemented"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["nosniff"], "x-content-type-options-nosniff"),
        (["NoSniff"], "x-content-type-options-nosniff"),
        (["nosniff, nosniff"], "x-content-type-options-nosniff"),
        (["nosniff", "other"], "x-content-type-options-nosniff"),
        (["other, nosniff"], "x-content-type-options-header-invalid"),
        (["none"], "x-content-type-options-header-invalid"),
        ([""], "x-content-type-options-header-invalid"),
    ],
)
def test_content_type_options(values: list[str], expected: str) -> None:
    """Fetch: the first value has to be nosniff, in any case."""
    assert verdict(XCTO, *[("X-Content-Type-Options", value) for value in values]) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(XFO, "DENY")], "x-frame-options-sameorigin-or-deny"),
        ([(XFO, "SameOrigin")], "x-frame-options-sameorigin-or-deny"),
        ([(XFO, "SAMEORIGIN, SAMEORIGIN")], "x-frame-options-sameorigin-or-deny"),
        ([(XFO, "SAMEORIGIN"), ("X-FRAME-OPTIONS", "sameorigin")], "x-frame-options-sameorigin-or-deny"),
        ([(XFO, "SAMEORIGIN, DENY")], "x-frame-options-sameorigin-or-deny"),
        ([(XFO, "ALLOW-FROM https://example.com")], "x-frame-options-allow-from-origin"),
        ([(XFO, "allowall")], "x-frame-options-header-invalid"),
        ([(XFO, "nonsense, rubbish")], "x-frame-options-header-invalid"),
        ([(CSP, "frame-ancestors 'none'")], "x-frame-options-implemented-via-csp"),
        ([(CSP, "frame-ancestors 'self'")], "x-frame-options-implemented-via-csp"),
        (
            [(CSP, "frame-ancestors 'self' https://partner.example")],
            "x-frame-options-implemented-via-csp-for-listed-origins",
        ),
        ([(CSP, "frame-ancestors *"), (XFO, "DENY")], "x-frame-options-implemented-via-csp-for-any-origin"),
        ([(CSP, "frame-ancestors https:")], "x-frame-options-implemented-via-csp-for-any-origin"),
        ([(CSP, "frame-ancestors")], "x-frame-options-implemented-via-csp"),
        ([(CSP, "frame-ancestors *"), (CSP, "frame-ancestors 'self'")], "x-frame-options-implemented-via-csp"),
        ([(CSP, "default-src 'none'"), (XFO, "DENY")], "x-frame-options-sameorigin-or-deny"),
    ],
)
def test_framing(headers: list[tuple[str, str]], expected: str) -> None:
    """Repeats of one option are fine, contradictions block, and frame-ancestors replaces the older header."""
    assert verdict(XFO, *headers) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["no-referrer"], "referrer-policy-private"),
        (["Same-Origin"], "referrer-policy-private"),
        (["strict-origin-when-cross-origin"], "referrer-policy-private"),
        (["unsafe-url"], "referrer-policy-unsafe"),
        (["no-referrer, strict-origin-when-cross-origin"], "referrer-policy-private"),
        (["no-referrer", "unsafe-url"], "referrer-policy-unsafe"),
        (["strict-origin, of-the-future"], "referrer-policy-private"),
        (["of-the-future"], "referrer-policy-header-invalid"),
        ([""], "referrer-policy-header-invalid"),
    ],
)
def test_referrer_policy(values: list[str], expected: str) -> None:
    """The last policy a browser knows counts; telling more than the default is worse than silence."""
    assert verdict(REFERRER, *[("Referrer-Policy", value) for value in values]) == expected
    assert RANKS[REFERRER]["referrer-policy-unsafe"] < RANKS[REFERRER]["referrer-policy-not-implemented"]


def test_names_may_come_in_any_case() -> None:
    """Header names are compared without case and without white space around them."""
    assert verdict(XCTO, ("x-CONTENT-type-OPTIONS ", "nosniff")) == "x-content-type-options-nosniff"


@pytest.mark.parametrize(
    "value", ["x=" + " " * 300_000 + '"', ";" * 300_000, "=" * 300_000, "," * 300_000, '"' * 300_000]
)
def test_hostile_values_take_linear_time(value: str) -> None:
    """A header of a third of a megabyte is judged in a moment."""
    began = time.process_time()
    header_verdicts([(name, value) for name in sorted(SECURITY_HEADERS)])
    script_verdict("<script " + value)
    assert time.process_time() - began < 3


def cookie(value: str, *more: tuple[str, str]) -> HeaderVerdict:
    return next(item for item in header_verdicts([("Set-Cookie", value), *more]) if item.header == "set-cookie")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sid=x; Secure; HttpOnly; SameSite=Lax", "secure-with-httponly-sessions-and-samesite"),
        ("sid=x; secure; httponly", "secure-with-httponly-sessions"),
        ("sid=x; Secure; HttpOnly; SameSite=None", "secure-with-httponly-sessions"),
        ("sid=x; HttpOnly", "session-without-secure-flag"),
        ("sid=x", "session-without-secure-flag"),
        ("PHPSESSID=x; Secure", "session-without-httponly-flag"),
        ("theme=dark", "without-secure-flag"),
        ("theme=dark; Secure", "secure-with-httponly-sessions"),
        ("csrf_token=x; Secure", "anticsrf-without-samesite-flag"),
        ("theme=dark; Secure; SameSite=sometimes", "samesite-flag-invalid"),
    ],
)
def test_cookies(value: str, expected: str) -> None:
    """One verdict a cookie, named by it: the worst that is missing, sessions before others."""
    found = cookie(value)
    assert (found.subject, found.verdict) == (value.partition("=")[0], f"cookies-{expected}")


def test_a_cookie_without_secure_is_half_as_bad_behind_transport_security() -> None:
    """A browser that knows the site sends nothing over http; HttpOnly is missed all the same."""
    assert (
        cookie("sid=x; HttpOnly", (HSTS, YEAR)).verdict == "cookies-session-without-secure-flag-but-protected-by-hsts"
    )
    assert cookie("theme=x", (HSTS, YEAR)).verdict == "cookies-without-secure-flag-but-protected-by-hsts"
    assert cookie("sid=x", (HSTS, YEAR)).verdict == "cookies-session-without-httponly-flag"
    assert cookie("sid=x; HttpOnly", (HSTS, "max-age=0")).verdict == "cookies-session-without-secure-flag"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a=1", "host-only until-browser-closes within-day within-month within-year"),
        ("a=1; Domain=example.com; Max-Age=3600", "within-day within-month within-year"),
        ("a=1; Max-Age=86401", "host-only within-month within-year"),
        ("a=1; Max-Age=99999999999999999999", "host-only"),
        ("a=1; Expires=Tue, 03 Mar 2027 08:00:00 GMT", "host-only"),
        ("__Host-a=1; Secure; SameSite=Strict; Expires=x", "host-only prefix-host samesite-lax samesite-strict secure"),
        ("a=1; SameSite=Lax; SameSite=None; Expires=x", "host-only"),
    ],
)
def test_what_protects_a_cookie(value: str, expected: str) -> None:
    """Each property is a word that can be lost: a wider domain, a longer life, a flag."""
    assert cookie(value).detail == expected


def test_a_cookie_that_is_removed_or_no_cookie_has_no_verdict() -> None:
    """A server that clears a cookie owes it no protection."""
    sent = [("Set-Cookie", "sid=; Max-Age=0"), ("Set-Cookie", "nonsense")]
    assert not [item for item in header_verdicts(sent) if item.header == "set-cookie"]


@pytest.mark.parametrize(
    ("origin", "credentials", "asked", "expected"),
    [
        ("*", "", None, "public-access"),
        ("*", "true", None, "public-access"),  # browsers refuse credentials for it
        ("https://partner.example", "true", None, "restricted-access"),
        ("https://partner.example", "true", "https://partner.example", "universal-access"),
        ("https://partner.example", "", "https://partner.example", "public-access"),
        ("https://www.shop.example", "true", "https://www.shop.example", "restricted-access"),
        ("https://shop.example", "true", "https://shop.example", "restricted-access"),
        ("https://evilshop.example", "true", "https://evilshop.example", "universal-access"),
        ("null", "true", "null", "null-access"),
        ("null", "", None, "public-access"),
    ],
)
def test_cross_origin_sharing(origin: str, credentials: str, asked: str | None, expected: str) -> None:
    """An origin that is echoed with credentials is every origin, but the site's own names."""
    sent = [(CORS, origin), ("Access-Control-Allow-Credentials", credentials)]
    found = next(item for item in header_verdicts(sent, "https", "shop.example", asked) if item.header == CORS)
    assert found.verdict == f"cross-origin-resource-sharing-implemented-with-{expected}"
    assert found.detail == f"origin={origin}"


@pytest.mark.parametrize(
    ("target", "scheme", "expected", "host"),
    [
        ("/login", "https", "to-same-origin", ""),
        ("https://shop.example/x", "https", "to-https", "shop.example"),
        ("https://shop.example/x", "http", "to-https", "shop.example"),
        ("http://shop.example/x", "https", "not-to-https", "shop.example"),
        ("http://shop.example/x", "http", "to-same-origin", "shop.example"),
        ("http://evil.example/x", "http", "not-to-https", "evil.example"),
        ("//evil.example/x", "https", "off-host", "evil.example"),
        ("/\\evil.example/x", "https", "off-host", "evil.example"),
        ("https://shop.example@evil.example:8443/x", "https", "off-host", "evil.example"),
        ("https://www.shop.example/x", "http", "off-host-from-http", "www.shop.example"),
        ("javascript:alert(1)", "https", "to-script", ""),
    ],
)
def test_redirection(target: str, scheme: str, expected: str, host: str) -> None:
    """As a browser reads it: what stands before @ is no host, a backslash is a slash."""
    found = next(
        item for item in header_verdicts([("Location", target)], scheme, "shop.example") if item.header == "location"
    )
    assert (found.verdict, found.detail) == (f"redirection-{expected}", f"host={host}" if host else "")


@pytest.mark.parametrize(
    ("headers", "expected", "detail"),
    [
        ([("Cache-Control", "no-store, public")], "no-store", ""),
        ([("Cache-Control", "private, max-age=60")], "private", ""),
        ([("Cache-Control", "no-cache")], "no-cache", ""),
        ([("Pragma", "no-cache")], "no-cache", ""),
        ([("Cache-Control", "public, max-age=60"), ("Age", "12")], "public", "served-from-cache"),
        ([("Cache-Control", "s-maxage=60"), ("X-Cache", "HIT from edge")], "shared", "served-from-cache"),
        ([("Age", "0"), ("X-Cache", "MISS")], "not-implemented", ""),
    ],
)
def test_caching(headers: list[tuple[str, str]], expected: str, detail: str) -> None:
    """The strictest directive counts (RFC 9111, 4.2.1); an Age or a hit shows that a cache answered."""
    found = next(item for item in header_verdicts(headers) if item.header == "cache-control")
    assert (found.verdict, found.detail) == (f"cache-control-{expected}", detail)


def test_what_a_cache_keeps_apart() -> None:
    """Of Vary only what depends on the caller is of interest."""
    found = next(
        item for item in header_verdicts([("Vary", "Accept, Cookie"), ("Vary", "Origin")]) if item.header == "vary"
    )
    assert (found.verdict, found.detail) == ("vary-by-credentials", "cookie origin")


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("cross-origin-opener-policy", 'same-origin; report-to="x"', "coop-implemented-with-same-origin"),
        ("cross-origin-opener-policy", "everything", "coop-header-invalid"),
        ("cross-origin-embedder-policy", "require-corp", "coep-implemented-with-require-corp"),
        ("cross-origin-resource-policy", "cross-origin", "corp-implemented-with-cross-origin"),
        ("permissions-policy", "camera=(), geolocation=(self)", "permissions-policy-implemented"),
        ("permissions-policy", "camera", "permissions-policy-header-invalid"),
        ("content-type", "application/json", "content-type-implemented"),
        ("content-type", "text/html", "content-type-without-charset"),
        ("content-type", "Text/HTML; Charset=utf-8", "content-type-implemented"),
    ],
)
def test_other_headers(header: str, value: str, expected: str) -> None:
    """One rule each."""
    assert verdict(header, (header, value)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>no script</p>", "not-implemented-but-no-scripts-loaded"),
        ("<script>inline()</script>", "not-implemented-but-no-scripts-loaded"),
        ('<script src="/app.js"></script>', "not-implemented-but-all-scripts-loaded-from-secure-origin"),
        ("<SCRIPT async SRC=https://cdn.example/a.js></script>", "not-implemented-but-external-scripts-loaded-securely"),
        ("<script src='//cdn.example/a.js' integrity=\"sha384-abc\">", "implemented-and-external-scripts-loaded-securely"),
        ("<script src='http://cdn.example/a.js'>", "not-implemented-and-external-scripts-not-loaded-securely"),
        ("<script src='http://cdn.example/a.js' integrity='sha256-x'>", "implemented-but-external-scripts-not-loaded-securely"),
        ("<script src='//a.example/a.js' integrity='sha256-x'><script src='//b.example/b.js'>", "not-implemented-but-external-scripts-loaded-securely"),
    ],
)  # fmt: skip
def test_scripts_from_elsewhere(body: str, expected: str) -> None:
    """A page is as safe as the script that is not pinned."""
    assert script_verdict(body).verdict == f"sri-{expected}"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("set-cookie", "sid=abc; Secure; Expires=Tue, 03 Mar 2026 08:00:00 GMT", "sid=xyz; Secure; Expires=Wed, 04 Mar 2026 08:00:00 GMT"),
        ("content-security-policy", "script-src 'nonce-abc'", "script-src 'nonce-xyz'"),
        ("location", "https://shop.example/orders/1?token=x", "https://shop.example/orders/2"),
        ("age", "12", "4711"),
    ],
)  # fmt: skip
def test_what_changes_no_verdict_is_taken_out(name: str, one: str, other: str) -> None:
    """So that a service sends few distinct sets; the verdicts are those of the values as sent."""
    assert plain_value(name, one) == plain_value(name, other)
    for value in (one, other):
        assert header_verdicts([(name, plain_value(name, value))]) == header_verdicts([(name, value)])
