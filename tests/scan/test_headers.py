"""Verdicts of security headers, one table for each."""

from __future__ import annotations

import pytest

from forensics.scan import header_verdicts

STS, CSP, XCTO, XFO, REF = (
    "strict-transport-security", "content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy",
)  # fmt: skip


def _verdict(header: str, headers: list[tuple[str, str]]) -> str:
    return next(item.verdict for item in header_verdicts(headers, "https") if item.header == header)


@pytest.mark.parametrize(
    ("header", "values", "verdict"),
    [
        (STS, [], "absent"),
        (STS, ["max-age=31536000; includeSubDomains; preload"], "ok_subdomains"),
        (STS, ['MAX-AGE="31536000"'], "ok"),
        (STS, ["max-age=15767999"], "short"),
        (STS, ["max-age=15768000"], "ok"),
        (STS, ["max-age=0"], "disabled"),
        (STS, ["includeSubDomains"], "invalid"),
        (STS, ["max-age=-1"], "invalid"),
        (STS, ["max-age=1; max-age=31536000"], "invalid"),
        (STS, ["max-age=" + "9" * 5000], "ok"),
        (STS, ["max-age=10", "max-age=31536000"], "short"),
        (STS, ["max-age=31536000, max-age=10"], "ok"),
        (CSP, [], "absent"),
        (CSP, [""], "absent"),
        (CSP, ["default-src 'self'"], "ok"),
        (CSP, ["default-src 'none'; script-src 'self'"], "strict"),
        (CSP, ["default-src 'self' 'unsafe-inline'"], "unsafe_inline"),
        (CSP, ["script-src 'self' 'unsafe-inline' 'nonce-abc'"], "ok"),
        (CSP, ["script-src 'self' 'unsafe-eval'"], "unsafe_eval"),
        (CSP, ["script-src http://cdn.example"], "insecure_scheme"),
        (CSP, ["script-src 'self'; script-src 'unsafe-inline'"], "ok"),
        (CSP, ["default-src *", "default-src 'self'"], "ok"),
        (CSP, ["default-src *, default-src 'self'"], "ok"),
        (CSP, ["frame-ancestors 'none'"], "no_script_rule"),
        (XCTO, [], "absent"),
        (XCTO, ["NoSniff"], "ok"),
        (XCTO, ["nosniff, nosniff"], "ok"),
        (XCTO, ["sniff"], "invalid"),
        (XFO, [], "absent"),
        (XFO, ["DENY"], "deny"),
        (XFO, ["SAMEORIGIN, SAMEORIGIN"], "sameorigin"),
        (XFO, ["SAMEORIGIN", "sameorigin"], "sameorigin"),
        (XFO, ["DENY", "SAMEORIGIN"], "deny"),
        (XFO, ["ALLOW-FROM https://a.example"], "invalid"),
        (REF, [], "absent"),
        (REF, ["no-referrer"], "strict"),
        (REF, ["strict-origin-when-cross-origin"], "ok"),
        (REF, ["unsafe-url"], "leaky"),
        (REF, ["no-referrer, unsafe-url"], "leaky"),
        (REF, ["no-referrer, future-policy"], "strict"),
        (REF, ["nonsense"], "invalid"),
    ],
)
def test_verdict(header: str, values: list[str], verdict: str) -> None:
    assert _verdict(header, [(header.title(), value) for value in values]) == verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [("frame-ancestors 'none'", "deny"), ("frame-ancestors 'self'", "sameorigin"), ("frame-ancestors https://a.example", "listed"), ("frame-ancestors *", "any")],
)
def test_frame_ancestors_go_before_x_frame_options(policy: str, verdict: str) -> None:
    assert _verdict(XFO, [("X-Frame-Options", "DENY"), ("Content-Security-Policy", policy)]) == verdict


def test_report_only_protects_nothing() -> None:
    assert _verdict(CSP, [("content-security-policy-report-only", "default-src 'none'")]) == "absent"


def test_plain_http_has_no_transport_verdict() -> None:
    assert STS not in [item.header for item in header_verdicts([], "HTTP")]
    assert [item.header for item in header_verdicts([], None)].count(STS) == 1


@pytest.mark.parametrize(
    ("header", "worst_to_best"),
    [
        (STS, ["max-age=0", "max-age=9", "max-age=31536000", "max-age=31536000; includeSubDomains"]),
        (CSP, ["default-src 'unsafe-inline'", "default-src http:", "default-src 'self' 'unsafe-eval'", "default-src 'self'", "default-src 'none'"]),
        (XFO, ["x", "SAMEORIGIN", "DENY"]),
        (REF, ["unsafe-url", "strict-origin-when-cross-origin", "no-referrer"]),
    ],
)
def test_ranks_rise_with_safety(header: str, worst_to_best: list[str]) -> None:
    ranks = [next(item.rank for item in header_verdicts([(header, value)], "https") if item.header == header) for value in worst_to_best]
    assert ranks == sorted(set(ranks))
