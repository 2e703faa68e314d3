"""Judge the security headers of a response: enumerated verdicts with ranks that can be compared.

Verdicts are named as the results of MDN's HTTP Observatory are, and ranked as its score modifiers rank them, where it has them; finer
steps and headers that it does not judge go on in the same words. Rank: higher is safer, 0 = absent, or present without effect; below 0 =
worse than sending nothing. Judged is what a browser makes of the header as sent; a rule is one file of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from forensics.scan.headers import (
    caching,
    content_type,
    content_type_options,
    cookies,
    cors,
    csp,
    framing,
    hsts,
    isolation,
    permissions,
    redirection,
    referrer,
)
from forensics.scan.headers._plain import plain_value
from forensics.scan.headers._response import Asked, HeaderVerdict, Response, response
from forensics.scan.headers.sri import HTML_TYPES, script_verdict

_RULES = (
    hsts, csp, content_type_options, framing, referrer, permissions, isolation, cors, cookies, redirection, caching, content_type,
)  # fmt: skip
_JUDGES: tuple[Callable[[Response], Iterable[HeaderVerdict]], ...] = tuple(rule.judge for rule in _RULES)

# What the rules read: other headers cannot change a verdict.
SECURITY_HEADERS: frozenset[str] = frozenset(name for rule in _RULES for name in rule.HEADERS)
# Verdicts and ranks of each header.
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {header: ranks for rule in _RULES for header, ranks in rule.RANKS.items()}
)

__all__ = [
    "HTML_TYPES",
    "RANKS",
    "SECURITY_HEADERS",
    "Asked",
    "HeaderVerdict",
    "header_verdicts",
    "plain_value",
    "script_verdict",
]


def header_verdicts(
    headers: Sequence[tuple[str, str]],
    url_scheme: str | None = None,
    host: str | None = None,
    origin: str | None = None,
) -> list[HeaderVerdict]:
    """Return the verdicts of a response, always in the same order.

    Cookies and redirections have verdicts where they are sent, the other headers always.

    Args:
        headers: of one response, in the order sent; names in any case, repeats allowed.
        url_scheme: of the request; `http` makes strict-transport-security without effect (RFC 6797, 8.1); None = not known.
        host: that was asked for, without port.
        origin: what the request gave as Origin.

    """
    return list(_judged(response(headers, Asked((url_scheme or "").lower() or None, host, origin))))


def _judged(sent: Response) -> Iterator[HeaderVerdict]:
    for judge in _JUDGES:
        yield from judge(sent)
