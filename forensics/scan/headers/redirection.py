"""Location: where a caller is sent (RFC 9110, 10.2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response

_HEADER = "location"
HEADERS = frozenset({_HEADER})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "redirection-to-script": -3,  # javascript: or data:
        "redirection-not-to-https": -2,
        "redirection-off-host": -1,
        "redirection-off-host-from-http": -1,
        "redirection-to-https": 0,
        "redirection-to-same-origin": 0,
    }
})  # fmt: skip
_TARGET = re.compile(r"\s*(?:([a-z][a-z0-9+.-]*):)?(?:[/\\]{2}([^/\\?#]*))?", re.IGNORECASE)


def judge(response: Response) -> Iterator[HeaderVerdict]:
    r"""Judge the target where one is sent; the detail is its host. Browsers read `\` as `/`."""
    for value in response.all(_HEADER)[:1]:
        found = _TARGET.match(value)
        scheme, authority = (part or "" for part in (found.groups() if found else ("", "")))
        host = authority.rpartition("@")[2].partition(":")[0].lower()
        verdict = "redirection-" + _meaning(response, scheme.lower(), host)
        yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict], detail=f"host={host}" if host else "")


def _meaning(response: Response, scheme: str, host: str) -> str:
    asked = response.asked
    own = (asked.host or "").partition(":")[0].lower()
    if scheme in ("javascript", "data", "vbscript"):
        return "to-script"
    if scheme == "http" and (asked.scheme == "https" or host != own):
        return "not-to-https"
    if host and own and host != own:
        return "off-host-from-http" if asked.scheme == "http" else "off-host"
    return "to-https" if scheme == "https" else "to-same-origin"
