"""X-Content-Type-Options (Fetch standard, "determine nosniff")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response

_HEADER = "x-content-type-options"
HEADERS = frozenset({_HEADER})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "x-content-type-options-not-implemented": 0,
        "x-content-type-options-header-invalid": 0,
        "x-content-type-options-nosniff": 1,
    }
})  # fmt: skip


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge the first value, the only one that counts."""
    verdict = "x-content-type-options-" + _meaning(response.all(_HEADER))
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict])


def _meaning(values: list[str]) -> str:
    if not values:
        return "not-implemented"
    return "nosniff" if values[0].partition(",")[0].strip().lower() == "nosniff" else "header-invalid"
