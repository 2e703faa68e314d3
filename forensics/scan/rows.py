"""Turn scanned responses into rows of `content_matches`: where, what kind, how often, which distinct value; never the value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from forensics.scan.engine import Match, Scanner, scan_text
from forensics.scan.regex import encode

_MAX_HEADER_NAME = 100  # characters of a header name kept as path


@dataclass(frozen=True, slots=True)
class Exchange:
    """The response of one record, decoded; `body` is None if there is none or it could not be decoded."""

    evidence_id: str
    record_no: int
    content_type: str | None
    body: str | None
    headers: list[tuple[str, str]]


class _Ordinals:
    """Number distinct values by first appearance, per evidence and pattern, from 1; keeps digests, not values."""

    def __init__(self) -> None:
        self._seen: defaultdict[tuple[str, str], dict[bytes, int]] = defaultdict(dict)

    def number(self, evidence_id: str, pattern: str, value: str) -> int:
        seen = self._seen[evidence_id, pattern]
        return seen.setdefault(blake2b(encode(value), digest_size=16).digest(), len(seen) + 1)


def content_rows(scanner: Scanner, exchanges: Iterable[Exchange]) -> Iterator[dict[str, Any]]:
    """Yield one row for each record, part, pattern, path and distinct value, in the order of first appearance.

    Columns are those of table `content_matches`; offsets and lengths are characters of the body or header value.
    """
    ordinals = _Ordinals()
    for exchange in exchanges:
        for part, matches in _parts(scanner, exchange):
            for count, first in _counted(matches):
                yield _row(
                    exchange, part, first, count, ordinals.number(exchange.evidence_id, first.pattern, first.value)
                )


def header_matches(scanner: Scanner, headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Match]]:
    """Yield (header name, match); the headers are gated together, since almost none holds anything."""
    pairs = list(headers)
    if not scanner.candidates(encode("\n".join(value for _, value in pairs))):
        return
    for name, value in pairs:
        label = name.strip().lower()[:_MAX_HEADER_NAME]
        for match in scan_text(scanner, value, None, "header", label):
            yield label, match


def _parts(scanner: Scanner, exchange: Exchange) -> Iterator[tuple[str, list[Match]]]:
    if exchange.body:
        yield "response_body", scan_text(scanner, exchange.body, exchange.content_type, "body")
    yield "response_header", [match for _, match in header_matches(scanner, exchange.headers)]


def _counted(matches: list[Match]) -> Iterator[tuple[int, Match]]:
    groups: dict[tuple[str, str, str], list[Match]] = {}
    for match in matches:
        groups.setdefault((match.pattern, match.json_path, match.value), []).append(match)
    return ((len(group), group[0]) for group in groups.values())


def _row(exchange: Exchange, part: str, match: Match, count: int, ordinal: int) -> dict[str, Any]:
    return {
        "evidence_id": exchange.evidence_id,
        "record_no": exchange.record_no,
        "part": part,
        "pattern": match.pattern,
        "pattern_class": match.pattern_class,
        "json_path": match.json_path or None,
        "match_count": count,
        "match_offset": match.start,
        "match_length": match.end - match.start,
        "value_ordinal": ordinal,
    }
