"""Prove a pattern by its own examples: found wherever they stand, never where they must not be.

A set of expressions that runs out of memory answers "nothing found" (google/re2 issue 136). So each gate has to find its
examples inside a mebibyte of text that has nothing to do with them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from forensics.scan.engine import Match, Scanner, scan_text
from forensics.scan.json_strings import looks_like_json, unescape
from forensics.scan.patterns import Pattern
from forensics.scan.regex import encode

_LINE = 'sku A-1029, "blue cotton shirt", 19.90 EUR, in stock since 2026-03-01T08:15:00Z (rack 7)\n'
FILLER = _LINE * (1024 * 1024 // len(_LINE))


def failures(pattern: Pattern) -> Iterator[str]:
    """Yield one sentence for each example that `pattern` gets wrong."""
    scanner = Scanner((pattern,))
    for number, text in enumerate(pattern.true_positives, 1):
        if trouble := _missed(scanner, text):
            yield f"true positive {number} is not found {trouble}."
    for number, text in enumerate(pattern.false_positives, 1):
        if found(scanner, text):
            yield f"false positive {number} is found."


def found(scanner: Scanner, text: str) -> bool:
    """Tell whether the first pattern of `scanner` reports something in `text`."""
    return bool(matches(scanner, scanner.patterns[0], text))


def matches(scanner: Scanner, pattern: Pattern, text: str) -> list[Match]:
    """Return what `scanner` finds in an example of `pattern`: a body, or `name: value` where it looks at headers only."""
    if "body" in pattern.parts:
        return scan_text(scanner, text, None, "body")
    name, _, value = text.partition(": ")
    return scan_text(scanner, value, None, "header", name.lower())


def gate_opens(scanner: Scanner, text: str, position: int = 0) -> bool:
    """Tell whether the gate of the pattern at `position` opens for `text`, as received or with JSON escapes resolved."""
    return any(position in scanner.candidates(encode(form)) for form in (text, unescape(text)))


def _missed(scanner: Scanner, text: str) -> str:
    if not found(scanner, text):
        return "by itself"
    for place, surrounded in surroundings(text):
        if not gate_opens(scanner, surrounded):
            return f"by the gate {place}"
    inside = not scanner.patterns[0].in_json or found(scanner, as_json(text))
    return "" if inside else "inside a JSON string"


def surroundings(text: str) -> Iterator[tuple[str, str]]:
    """Yield (where, text inside 1 MiB of filler): start, middle, end."""
    half = len(FILLER) // 2
    yield "at the start of a large body", f"{text}\n{FILLER}"
    yield "in the middle of a large body", f"{FILLER[:half]}\n{text}\n{FILLER[half:]}"
    yield "at the end of a large body", f"{FILLER}\n{text}"


def as_json(text: str) -> str:
    """Return `text` as the value of a property; an example that is JSON itself stays as it is."""
    return text if looks_like_json(text) else msgspec.json.encode({"detail": text}).decode()
