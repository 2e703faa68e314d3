"""Referrer-Policy (W3C Referrer Policy, 8.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response

_HEADER = "referrer-policy"
HEADERS = frozenset({_HEADER})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "referrer-policy-unsafe": -1,  # tells other origins more than browsers do without the header
        "referrer-policy-not-implemented": 0,
        "referrer-policy-header-invalid": 0,
        "referrer-policy-private": 1,
    }
})  # fmt: skip
_UNSAFE = frozenset(("unsafe-url", "no-referrer-when-downgrade", "origin-when-cross-origin", "origin"))
_PRIVATE = frozenset(("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"))


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge the last token that is known: others are there for older or newer browsers."""
    verdict = "referrer-policy-" + _meaning(response)
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict])


def _meaning(response: Response) -> str:
    known = [token for token in response.tokens(_HEADER) if token in _UNSAFE | _PRIVATE]
    if known:
        return "unsafe" if known[-1] in _UNSAFE else "private"
    return "header-invalid" if response.all(_HEADER) else "not-implemented"
