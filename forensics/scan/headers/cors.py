"""Cross-origin resource sharing (Fetch standard, 3.3): which other sites may read a response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response, worded

_HEADER = "access-control-allow-origin"
_OTHERS = ("access-control-allow-methods", "access-control-allow-headers")
HEADERS = frozenset({_HEADER, "access-control-allow-credentials", *_OTHERS})
_CORS = "cross-origin-resource-sharing"
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        f"{_CORS}-implemented-with-universal-access": -3,  # any origin, with the caller's credentials
        f"{_CORS}-implemented-with-null-access": -2,  # any sandboxed frame is the origin `null`
        f"{_CORS}-implemented-with-public-access": -1,
        f"{_CORS}-implemented-with-restricted-access": -1,
        f"{_CORS}-not-implemented": 0,
    }
})  # fmt: skip


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge who may read; the detail names origin, methods and request headers that are allowed.

    An origin that is echoed together with credentials is every origin, unless it is the site itself. Whether it is echoed only the
    request shows; without it a single origin is a restriction.
    """
    origin = next(iter(response.all(_HEADER)), "").strip().lower()
    verdict = f"{_CORS}-{_meaning(response, origin)}"
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict], detail=_detail(response, origin))


def _meaning(response: Response, origin: str) -> str:
    credentials = response.tokens("access-control-allow-credentials") == ["true"]
    if not origin:
        return "not-implemented"
    if origin == "null":
        return "implemented-with-null-access" if credentials else "implemented-with-public-access"
    if origin == "*":
        return "implemented-with-public-access"
    asked = response.asked
    echoed = (asked.origin or "").strip().lower() == origin and not _is_related(origin, asked.host)
    if not echoed:
        return "implemented-with-restricted-access"
    return "implemented-with-universal-access" if credentials else "implemented-with-public-access"


def _is_related(origin: str, host: str | None) -> bool:
    """Say whether the origin is the host itself or a name beside or below it; an unknown host is given the benefit of the doubt."""
    if not host:
        return True
    name, parent = origin.rpartition("://")[2].partition(":")[0], ".".join(host.lower().split(".")[-2:])
    return name == host.lower() or name == parent or name.endswith("." + parent)


def _detail(response: Response, origin: str) -> str:
    if not origin:
        return ""
    others = [token for header in _OTHERS for token in response.tokens(header)]
    return worded([f"origin={origin}", *(f"allows={token}" for token in others)])
