"""X-Frame-Options (HTML standard, "The `X-Frame-Options` header"); CSP `frame-ancestors` replaces it (CSP3 6.4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers import csp
from forensics.scan.headers._response import HeaderVerdict, Response

_HEADER = "x-frame-options"
HEADERS = frozenset({_HEADER, "content-security-policy"})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "x-frame-options-not-implemented": 0,
        "x-frame-options-header-invalid": 0,
        "x-frame-options-allow-from-origin": 0,  # no browser follows it any more
        "x-frame-options-implemented-via-csp-for-any-origin": 0,
        "x-frame-options-implemented-via-csp-for-listed-origins": 1,
        "x-frame-options-sameorigin-or-deny": 2,
        "x-frame-options-implemented-via-csp": 2,
    }
})  # fmt: skip
_VIA_CSP = {"deny": "", "sameorigin": "", "listed": "-for-listed-origins", "any": "-for-any-origin"}
_STRICTEST = ("deny", "sameorigin", "listed", "any")


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge who may frame the page; of several policies the strictest counts."""
    policies = csp.policies(response.all("content-security-policy"))
    ancestors = [csp.framing(policy["frame-ancestors"]) for policy in policies if "frame-ancestors" in policy]
    if ancestors:
        verdict = "x-frame-options-implemented-via-csp" + _VIA_CSP[min(ancestors, key=_STRICTEST.index)]
    else:
        verdict = "x-frame-options-" + _options(response)
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict])


def _options(response: Response) -> str:
    if not response.all(_HEADER):
        return "not-implemented"
    options = set(response.tokens(_HEADER))
    if len(options) > 1:  # the HTML standard blocks framing when options that contradict each other are sent
        return "sameorigin-or-deny" if options & {"deny", "allowall", "sameorigin"} else "header-invalid"
    if options & {"deny", "sameorigin"}:
        return "sameorigin-or-deny"
    return "allow-from-origin" if any(option.startswith("allow-from") for option in options) else "header-invalid"
