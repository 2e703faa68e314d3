"""Judge the security headers of a response: one enumerated verdict a header, with a rank that can be compared.

Rank: higher is safer, 0 = absent, or present without effect; below 0 = worse than sending nothing. Ranks compare verdicts of one
header only. Judged is what a browser makes of the header as sent:

- strict-transport-security: RFC 6797
- content-security-policy: W3C CSP Level 3 (see `csp.py`)
- x-content-type-options: Fetch standard, "determine nosniff"
- x-frame-options: HTML standard, "The `X-Frame-Options` header"; CSP `frame-ancestors` replaces it (CSP3 6.4.2)
- referrer-policy: W3C Referrer Policy, 8.1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from forensics.scan import csp

SECURITY_HEADERS = frozenset(
    {
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
    }
)

# Half a year in seconds, the usual lower bound for a max-age that protects occasional visitors (MDN HTTP Observatory).
_HALF_YEAR = 15_768_000

HSTS_RANKS: Mapping[str, int] = MappingProxyType(
    {"disabled": -1, "absent": 0, "invalid": 0, "ignored_http": 1, "short": 2, "ok": 3, "ok_subdomains": 4}
)
CONTENT_TYPE_OPTIONS_RANKS: Mapping[str, int] = MappingProxyType({"absent": 0, "invalid": 0, "ok": 1})
FRAME_RANKS: Mapping[str, int] = MappingProxyType(
    {"absent": 0, "invalid": 0, "any": 0, "listed": 1, "sameorigin": 2, "deny": 3}
)
REFERRER_RANKS: Mapping[str, int] = MappingProxyType({"leaky": -1, "absent": 0, "invalid": 0, "ok": 1, "strict": 2})

# Without the header browsers apply strict-origin-when-cross-origin; leaky is what tells other origins more than that.
_REFERRER_POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "unsafe-url": "leaky",
        "no-referrer-when-downgrade": "leaky",
        "origin-when-cross-origin": "leaky",
        "origin": "leaky",
        "strict-origin-when-cross-origin": "ok",
        "strict-origin": "strict",
        "same-origin": "strict",
        "no-referrer": "strict",
    }
)


@dataclass(frozen=True, slots=True)
class HeaderVerdict:
    """What one header (lower-case name) does; ranks are comparable within the header."""

    header: str
    verdict: str
    rank: int


def header_verdicts(headers: Sequence[tuple[str, str]], url_scheme: str | None = None) -> list[HeaderVerdict]:
    """Return the verdicts of the five headers, always in the same order.

    Args:
        headers: of one response, in the order sent; names in any case, repeats allowed.
        url_scheme: `http` makes strict-transport-security without effect (RFC 6797, 8.1); None = not known.

    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.strip().lower(), []).append(value)
    policies = csp.policies(values.get("content-security-policy", []))
    content_type_options = _content_type_options(values.get("x-content-type-options", []))
    return [
        _verdict(
            "strict-transport-security", _hsts(values.get("strict-transport-security", []), url_scheme), HSTS_RANKS
        ),
        _verdict("content-security-policy", csp.verdict(policies), csp.RANKS),
        _verdict("x-content-type-options", content_type_options, CONTENT_TYPE_OPTIONS_RANKS),
        _verdict("x-frame-options", _framing(values.get("x-frame-options", []), policies), FRAME_RANKS),
        _verdict("referrer-policy", _referrer(values.get("referrer-policy", [])), REFERRER_RANKS),
    ]


def _verdict(header: str, verdict: str, ranks: Mapping[str, int]) -> HeaderVerdict:
    return HeaderVerdict(header, verdict, ranks[verdict])


def _hsts(values: list[str], url_scheme: str | None) -> str:
    """Judge the first header, the only one that counts (RFC 6797, 8.1); exporters that join repeats with a comma are undone."""
    if not values:
        return "absent"
    directives = _directives(values[0].partition(",")[0])
    max_age = (directives or {}).get("max-age", "")
    if directives is None or not (max_age.isascii() and max_age.isdigit()):
        return "invalid"
    if (url_scheme or "").lower() == "http":
        return "ignored_http"
    return _hsts_strength(_seconds(max_age), subdomains="includesubdomains" in directives)


def _hsts_strength(max_age: int, *, subdomains: bool) -> str:
    if max_age == 0:
        return "disabled"
    if max_age < _HALF_YEAR:
        return "short"
    return "ok_subdomains" if subdomains else "ok"


def _seconds(digits: str) -> int:
    """Return the number; beyond 18 digits any long time will do, and Python refuses to convert thousands of digits."""
    return int(digits) if len(digits) <= 18 else 10**18


def _directives(value: str) -> dict[str, str] | None:
    """Return name and value of each directive (RFC 6797, 6.1), or None if the header breaks the grammar or repeats one."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        name, _, argument = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not _is_word(name) or name.lower() in found or not _is_argument(argument):
            return None
        found[name.lower()] = argument.strip('"')
    return found


def _is_word(text: str) -> bool:
    return bool(text) and not any(char.isspace() or char in '"=;' for char in text)


def _is_argument(text: str) -> bool:
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return not text or quoted or _is_word(text)


def _content_type_options(values: list[str]) -> str:
    if not values:
        return "absent"
    return "ok" if _tokens(values)[:1] == ["nosniff"] else "invalid"


def _framing(values: list[str], policies: list[csp.Policy]) -> str:
    ancestors = [csp.framing(policy["frame-ancestors"]) for policy in policies if "frame-ancestors" in policy]
    if ancestors:
        return max(ancestors, key=lambda verdict: FRAME_RANKS[verdict])
    if not values:
        return "absent"
    options = set(_tokens(values))
    if len(options) > 1:  # the HTML standard blocks framing when options that contradict each other are sent
        return "deny" if options & {"deny", "allowall", "sameorigin"} else "invalid"
    return next(
        (option for option in ("deny", "sameorigin") if option in options),
        "any" if "allowall" in options else "invalid",
    )


def _referrer(values: list[str]) -> str:
    """Return what the last known token means: unknown ones are there for older or newer browsers."""
    known = [_REFERRER_POLICIES[token] for token in _tokens(values) if token in _REFERRER_POLICIES]
    if known:
        return known[-1]
    return "invalid" if values else "absent"


def _tokens(values: Iterable[str]) -> list[str]:
    return [token.strip().lower() for value in values for token in value.split(",")]
