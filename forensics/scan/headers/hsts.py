"""Strict-Transport-Security (RFC 6797)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response, directives, seconds

_HEADER = "strict-transport-security"
HEADERS = frozenset({_HEADER})
# Half a year in seconds: the lower bound of the Observatory for a max-age that protects occasional visitors.
_HALF_YEAR = 15_768_000
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "hsts-disabled": -1,
        "hsts-not-implemented": 0,
        "hsts-header-invalid": 0,
        "hsts-not-implemented-no-https": 1,
        "hsts-implemented-max-age-less-than-six-months": 2,
        "hsts-implemented-max-age-at-least-six-months": 3,
        "hsts-implemented-max-age-at-least-six-months-with-subdomains": 4,
    }
})  # fmt: skip


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge the first header, the only one that counts (RFC 6797, 8.1); exporters that join repeats with a comma are undone."""
    verdict = _verdict(response)
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict])


def _verdict(response: Response) -> str:
    values = response.all(_HEADER)
    if not values:
        return "hsts-not-implemented"
    given = directives(values[0].partition(",")[0])
    max_age = seconds((given or {}).get("max-age", ""))
    if given is None or max_age is None:
        return "hsts-header-invalid"
    if response.asked.scheme == "http":
        return "hsts-not-implemented-no-https"
    return _strength(max_age, subdomains="includesubdomains" in given)


def _strength(max_age: int, *, subdomains: bool) -> str:
    if max_age == 0:
        return "hsts-disabled"
    if max_age < _HALF_YEAR:
        return "hsts-implemented-max-age-less-than-six-months"
    return "hsts-implemented-max-age-at-least-six-months" + ("-with-subdomains" if subdomains else "")
