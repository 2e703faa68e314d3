"""Content-Type: what a browser takes the body for (RFC 9110, 8.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response

_HEADER = "content-type"
HEADERS = frozenset({_HEADER})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {"content-type-not-implemented": 0, "content-type-without-charset": 1, "content-type-implemented": 2}
})  # fmt: skip
_MAX_TYPE = 100


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge whether type and, for text, character set are told; the detail is the type. JSON is UTF-8 always (RFC 8259)."""
    value = next(iter(response.all(_HEADER)), "").lower()
    essence = value.partition(";")[0].strip()
    if not essence:
        meaning = "not-implemented"
    else:
        needs = essence.startswith("text/") and "charset=" not in value
        meaning = "without-charset" if needs else "implemented"
    verdict = f"content-type-{meaning}"
    yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict], detail=essence[:_MAX_TYPE])
