"""Permissions-Policy (W3C Permissions Policy): which features of the browser a page may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response, worded

_HEADER = "permissions-policy"
HEADERS = frozenset({_HEADER})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "permissions-policy-not-implemented": 0,
        "permissions-policy-header-invalid": 0,
        "permissions-policy-implemented": 1,
    }
})  # fmt: skip


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge whether anything is restricted; the features that nobody may use are the detail."""
    members = [token.partition("=") for token in response.tokens(_HEADER)]
    off = worded(name.strip() for name, _, allowed in members if allowed.replace(" ", "") == "()")
    if not response.all(_HEADER):
        meaning = "not-implemented"
    else:
        meaning = "implemented" if any(equals for _, equals, _ in members) else "header-invalid"
    verdict = f"permissions-policy-{meaning}"
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict], detail=off)
