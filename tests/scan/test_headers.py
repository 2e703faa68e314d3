"""What browsers make of security headers, as verdicts that can be compared."""

from __future__ import annotations

import time

import pytest

from forensics.scan import header_verdicts
from forensics.scan.csp import RANKS
from forensics.scan.headers import CONTENT_TYPE_OPTIONS_RANKS, FRAME_RANKS, HSTS_RANKS, REFERRER_RANKS

HSTS, CSP, XCTO, XFO, REFERRER = (
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
)
YEAR = "max-age=31536000"


def verdict(header: str, *headers: tuple[str, str], scheme: str | None = "https") -> str:
    return next(item.verdict for item in header_verdicts(headers, scheme) if item.header == header)


def test_all_five_are_always_judged() -> None:
    """A response without headers gets five verdicts `absent` of rank 0, in a fixed order."""
    found = header_verdicts([], "https")
    assert [item.header for item in found] == [HSTS, CSP, XCTO, XFO, REFERRER]
    assert {(item.verdict, item.rank) for item in found} == {("absent", 0)}


@pytest.mark.parametrize("ranks", [HSTS_RANKS, RANKS, CONTENT_TYPE_OPTIONS_RANKS, FRAME_RANKS, REFERRER_RANKS])
def test_absent_is_rank_zero(ranks: dict[str, int]) -> None:
    """Ranks of every header are relative to not sending it."""
    assert ranks["absent"] == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([YEAR], "ok"),
        ([f"{YEAR}; includeSubDomains; preload"], "ok_subdomains"),
        ([f"includesubdomains;{YEAR.upper()}"], "ok_subdomains"),
        (['max-age="31536000"'], "ok"),
        (["max-age = 31536000 ;"], "ok"),
        (["max-age=300; includeSubDomains"], "short"),
        (["max-age=15768000"], "ok"),
        (["max-age=0"], "disabled"),
        (["includeSubDomains"], "invalid"),
        (["max-age=forever"], "invalid"),
        (["max-age=-1"], "invalid"),
        (["max-age"], "invalid"),
        (["max-age=1; max-age=31536000"], "invalid"),
        (["max-age=31536000; bad directive"], "invalid"),
        (["max-age=٣١٥٣٦٠٠٠"], "invalid"),
        (["max-age=" + "9" * 10_000], "ok"),
        ([""], "invalid"),
        ([YEAR, "max-age=0"], "ok"),
        (["max-age=0", YEAR], "disabled"),
        ([f"{YEAR}, max-age=0"], "ok"),
        (["invalid", YEAR], "invalid"),
    ],
)
def test_strict_transport_security(values: list[str], expected: str) -> None:
    """RFC 6797: max-age decides, the first header counts, a broken one is no header."""
    assert verdict(HSTS, *[("Strict-Transport-Security", value) for value in values]) == expected


def test_transport_security_over_http_has_no_effect() -> None:
    """RFC 6797, 8.1: over http the header is ignored; an unknown scheme is given the benefit of the doubt."""
    assert verdict(HSTS, (HSTS, YEAR), scheme="http") == "ignored_http"
    assert verdict(HSTS, (HSTS, YEAR), scheme="HTTP") == "ignored_http"
    assert verdict(HSTS, (HSTS, YEAR), scheme=None) == "ok"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["default-src 'self'"], "ok"),
        (["default-src 'none'; script-src 'self'"], "strict"),
        (["DEFAULT-SRC 'NONE'"], "strict"),
        (["script-src 'self' 'unsafe-inline'"], "unsafe_inline"),
        (["script-src 'self' 'unsafe-inline' 'nonce-r4nd0m'"], "ok"),
        (["script-src 'unsafe-inline' https: 'strict-dynamic' 'sha256-abc'"], "ok"),
        (["script-src 'strict-dynamic' https:"], "any_source"),
        (["default-src *"], "any_source"),
        (["script-src 'self' data:"], "any_source"),
        (["script-src http://cdn.example"], "insecure_scheme"),
        (["script-src 'self' 'unsafe-eval'"], "unsafe_eval"),
        (["default-src 'self'; style-src 'unsafe-inline'"], "unsafe_inline_style"),
        (["script-src 'self'; script-src *"], "ok"),
        (["frame-ancestors 'none'"], "no_script_rule"),
        (["upgrade-insecure-requests"], "no_script_rule"),
        ([" ; "], "invalid"),
        ([""], "absent"),
        (["script-src *", "default-src 'self'"], "ok"),
        (["script-src *, default-src 'none'"], "strict"),
    ],
)
def test_content_security_policy(values: list[str], expected: str) -> None:
    """CSP3: the worst weakness of a policy counts, and of several policies the strictest."""
    assert verdict(CSP, *[("Content-Security-Policy", value) for value in values]) == expected


def test_report_only_protects_nothing() -> None:
    """A policy that is only reported is not enforced."""
    assert verdict(CSP, ("Content-Security-Policy-Report-Only", "default-src 'none'")) == "absent"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["nosniff"], "ok"),
        (["NoSniff"], "ok"),
        (["nosniff, nosniff"], "ok"),
        (["nosniff", "other"], "ok"),
        (["other, nosniff"], "invalid"),
        (["none"], "invalid"),
        ([""], "invalid"),
    ],
)
def test_content_type_options(values: list[str], expected: str) -> None:
    """Fetch: the first value has to be nosniff, in any case."""
    assert verdict(XCTO, *[("X-Content-Type-Options", value) for value in values]) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(XFO, "DENY")], "deny"),
        ([(XFO, "SameOrigin")], "sameorigin"),
        ([(XFO, "SAMEORIGIN, SAMEORIGIN")], "sameorigin"),
        ([(XFO, "SAMEORIGIN"), ("X-FRAME-OPTIONS", "sameorigin")], "sameorigin"),
        ([(XFO, "SAMEORIGIN, DENY")], "deny"),
        ([(XFO, "ALLOW-FROM https://example.com")], "invalid"),
        ([(XFO, "allowall")], "any"),
        ([(XFO, "nonsense, rubbish")], "invalid"),
        ([(CSP, "frame-ancestors 'none'")], "deny"),
        ([(CSP, "frame-ancestors 'self'")], "sameorigin"),
        ([(CSP, "frame-ancestors 'self' https://partner.example")], "listed"),
        ([(CSP, "frame-ancestors *"), (XFO, "DENY")], "any"),
        ([(CSP, "frame-ancestors https:")], "any"),
        ([(CSP, "frame-ancestors")], "deny"),
        ([(CSP, "frame-ancestors *"), (CSP, "frame-ancestors 'self'")], "sameorigin"),
        ([(CSP, "default-src 'none'"), (XFO, "DENY")], "deny"),
    ],
)
def test_framing(headers: list[tuple[str, str]], expected: str) -> None:
    """Repeats of one option are fine, contradictions block, and frame-ancestors replaces the older header."""
    assert verdict(XFO, *headers) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["no-referrer"], "strict"),
        (["Same-Origin"], "strict"),
        (["strict-origin-when-cross-origin"], "ok"),
        (["unsafe-url"], "leaky"),
        (["no-referrer, strict-origin-when-cross-origin"], "ok"),
        (["no-referrer", "unsafe-url"], "leaky"),
        (["strict-origin, of-the-future"], "strict"),
        (["of-the-future"], "invalid"),
        ([""], "invalid"),
    ],
)
def test_referrer_policy(values: list[str], expected: str) -> None:
    """The last policy a browser knows counts; telling more than the default is worse than silence."""
    assert verdict(REFERRER, *[("Referrer-Policy", value) for value in values]) == expected
    assert REFERRER_RANKS["leaky"] < REFERRER_RANKS["absent"]


def test_names_may_come_in_any_case() -> None:
    """Header names are compared without case and without white space around them."""
    assert verdict(XCTO, ("x-CONTENT-type-OPTIONS ", "nosniff")) == "ok"


@pytest.mark.parametrize(
    "value", ["x=" + " " * 300_000 + '"', ";" * 300_000, "=" * 300_000, "," * 300_000, '"' * 300_000]
)
def test_hostile_values_take_linear_time(value: str) -> None:
    """A header of a third of a megabyte is judged in a moment."""
    began = time.process_time()
    header_verdicts([(name, value) for name in (HSTS, CSP, XCTO, XFO, REFERRER)])
    assert time.process_time() - began < 3
