"""Cache-Control, Vary and traces of a cache (RFC 9111): who else may be given this response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response, seconds, worded

_HEADER = "cache-control"
HEADERS = frozenset({_HEADER, "vary", "age", "x-cache", "cf-cache-status", "pragma"})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "cache-control-public": -2,  # shared caches may keep it, also for callers who are logged in
        "cache-control-shared": -1,  # s-maxage, max-age: shared caches may keep it where no Authorization was sent
        "cache-control-not-implemented": 0,  # caches guess
        "cache-control-no-cache": 1,
        "cache-control-private": 2,
        "cache-control-no-store": 3,
    },
    "vary": {"vary-not-implemented": 0, "vary-by-credentials": 1, "vary-any": 2},
})  # fmt: skip
# What tells one caller's response from another's.
_CREDENTIALS = frozenset(("authorization", "cookie", "origin"))


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge by the strictest directive; the detail says whether a cache answered. Of Vary counts what depends on the caller."""
    verdict = "cache-control-" + _meaning(response)
    yield HeaderVerdict(
        _HEADER, verdict, RANKS[_HEADER][verdict], detail="served-from-cache" if _is_hit(response) else ""
    )
    vary = set(response.tokens("vary"))
    kept = vary & _CREDENTIALS
    verdict = "vary-any" if "*" in vary else "vary-by-credentials" if kept else "vary-not-implemented"
    yield HeaderVerdict("vary", verdict, RANKS["vary"][verdict], detail=worded(kept))


def _meaning(response: Response) -> str:
    given = {token.partition("=")[0].strip() for token in response.tokens(_HEADER)}
    for directive in ("no-store", "private", "no-cache", "public"):
        if directive in given:
            return directive
    if given & {"s-maxage", "max-age"}:
        return "shared"
    return "no-cache" if "no-cache" in response.tokens("pragma") else "not-implemented"


def _is_hit(response: Response) -> bool:
    ages = [seconds(value.strip()) for value in response.all("age")]
    told = " ".join(response.tokens("x-cache") + response.tokens("cf-cache-status"))
    return any(ages) or "hit" in told
