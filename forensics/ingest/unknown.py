"""Does a file of no known format look as if it held records? Then a person has to be told: what is not read could hold anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from forensics.importers import MIN_SCORE, all_importers
from forensics.importers.contract import Head
from forensics.text import bytes_text

WIDE = (b"\xff\xfe", b"\xfe\xff")
_LINES, _WIDTH = 200, 16 * 1024
_FEW = 10
# Notes and licences are smaller, books are not logs but rare among exports.
_LARGE = 1 << 20
# The stamps of ISO 8601, access logs and syslog (RFC 3164), and JSON lines.
_RECORD = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d|^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|^\s*\{\s*\""
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")


@dataclass(slots=True)
class Sample:
    """Lines from all over a file, cut to 16 KiB, and how many bytes they stand for."""

    lines: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, lines: Sequence[str], size: int) -> None:
        """Take the lines of a window of `size` bytes."""
        self.lines += [line[:_WIDTH] for line in lines]
        self.size += size

    def heads(self) -> list[Head]:
        """Return 200 of the lines at most, evenly spread, each as a head of its own."""
        step = max(len(self.lines) / _LINES, 1.0)
        return [Head(self.lines[int(index * step)].encode()) for index in range(min(len(self.lines), _LINES))]


def suspicion(sample: Sample) -> str:
    """Say why a file may hold records: lines of a known format among others, stamps, or much text; empty where nothing does."""
    heads = sample.heads()
    if like := _like(heads):
        return like
    records = sum(bool(_RECORD.search(head.text)) for head in heads)
    if len(heads) >= _FEW and records * 2 >= len(heads):
        return f"it looks like a log: {records} of {len(heads)} lines looked at carry a time or are JSON"
    text = "".join(head.text for head in heads)
    if sample.size >= _LARGE and len(_CONTROL.findall(text)) * 100 < len(text):
        return f"it is text of at least {bytes_text(sample.size)}"
    return ""


def _like(heads: Sequence[Head]) -> str:
    """Name the format that claims most of the lines by themselves."""
    counts = {
        importer.name: sum(importer.recognise(head) >= MIN_SCORE for head in heads)
        for importer in all_importers()
        if importer.by_line
    }
    best = max(sorted(counts), key=lambda name: counts[name])
    if not counts[best]:
        return ""
    return f"{counts[best]} of {len(heads)} lines looked at are like {best}: --format {best} takes them"
