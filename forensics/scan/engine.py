"""Scan one text: gates first, all at once; then the exact expressions on what is left, inside decoded JSON strings.

Matches carry the value only so that a caller can tell values apart; nothing stores or prints it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from itertools import accumulate

from forensics.scan.json_strings import JsonString, is_valid, looks_like_json, path_text, strings, unescape_body
from forensics.scan.masking import mask
from forensics.scan.patterns import Confidence, Part, Pattern, Severity, load_patterns
from forensics.scan.regex import GateSet, Regex, char_spans, encode
from forensics.scan.validators import VALIDATORS

_MAX_CACHE = 100_000  # entries; a cache that is full is emptied
_MAX_CACHED_VALUE = 256  # characters; longer values are judged each time
_CONTEXT = 80  # characters before a match in which a context word counts


@dataclass(frozen=True, slots=True)
class Match:
    """One value found. `text[start:end]` is the value, or the JSON string literal if the value shows only when decoded."""

    pattern: str
    pattern_class: str
    confidence: Confidence
    severity: Severity
    start: int
    end: int
    json_path: str
    masked: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Compiled:
    pattern: Pattern
    exact: Regex
    allow: tuple[Regex, ...]
    stop_words: tuple[str, ...]
    validator: Callable[[str], bool] | None


@dataclass(frozen=True, slots=True)
class _Hit:
    """A span of characters in one piece of text, before it is judged."""

    value: str
    start: int
    end: int
    before: str
    key: str
    path: str


class Scanner:
    """Compiled patterns. Making one takes milliseconds; use it for many texts. Not to be shared between threads."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._compiled = [_compile(pattern) for pattern in self.patterns]
        self._gates = GateSet([pattern.gate for pattern in self.patterns])
        self._wanted: dict[tuple[str, Part], frozenset[int]] = {}
        self._judged: dict[tuple[int, str], str | None] = {}

    def wanted(self, content_type: str | None, part: Part) -> frozenset[int]:
        """Return which patterns look at this part of a response with this content type (None = not known: all do)."""
        essence = (content_type or "").partition(";")[0].strip().lower() if part == "body" else ""
        key = (essence, part)
        if key not in self._wanted:
            _bound(self._wanted)
            self._wanted[key] = frozenset(
                index for index, pattern in enumerate(self.patterns) if part in pattern.parts and _takes(pattern, essence)
            )
        return self._wanted[key]

    def candidates(self, data: bytes) -> frozenset[int]:
        """Return the patterns whose gate opens for `data`."""
        return self._gates.candidates(data)

    def exact(self, index: int) -> Regex:
        """Return the exact expression of a pattern."""
        return self._compiled[index].exact

    def judge(self, index: int, value: str) -> str | None:
        """Return the masked value, or None if the pattern does not mean this value. Each distinct value is judged once."""
        if len(value) > _MAX_CACHED_VALUE:
            return _judge(self._compiled[index], value)
        key = (index, value)
        if key not in self._judged:
            _bound(self._judged)
            self._judged[key] = _judge(self._compiled[index], value)
        return self._judged[key]


@cache
def default_scanner() -> Scanner:
    """Return the scanner with the patterns of this project."""
    return Scanner(load_patterns())


def scan_text(
    scanner: Scanner, text: str, content_type: str | None = None, part: Part = "body", name: str = ""
) -> list[Match]:
    """Return what the patterns find in one body, or in the value of the header `name`, by place.

    Args:
        scanner: the patterns.
        text: decoded text as received; a body of any type, JSON or not, whole or cut off.
        content_type: of the body, with or without parameters; None if it is not known.
        part: "body" or "header".
        name: of the header, lower case; becomes the path of its matches.

    """
    wanted = scanner.wanted(content_type, part)
    if not wanted or not text:
        return []
    data = encode(text)
    is_json = part == "body" and looks_like_json(text)
    candidates = scanner.candidates(data) & wanted
    if is_json and "\\" in text:
        candidates |= scanner.candidates(encode(unescape_body(text))) & wanted
    if not candidates:
        return []
    hits = _json_hits(scanner, text, data, candidates) if is_json else _text_hits(scanner, text, data, candidates, name)
    matches = [match for index, hit in hits if (match := _match(scanner, index, hit)) is not None]
    return sorted(matches, key=lambda match: (match.start, match.end, match.pattern))


def _text_hits(scanner: Scanner, text: str, data: bytes, candidates: frozenset[int], name: str) -> Iterator[tuple[int, _Hit]]:
    for index in candidates:
        for start, end in char_spans(scanner.exact(index), text, data):
            yield index, _Hit(text[start:end], start, end, text[max(0, start - _CONTEXT) : start], name, name)


def _json_hits(scanner: Scanner, text: str, data: bytes, candidates: frozenset[int]) -> Iterator[tuple[int, _Hit]]:
    """Look into each string by itself; in a text that is not valid JSON (cut off, or only like JSON), around them too."""
    literals = list(strings(text))
    values = [literal.value for literal in literals]
    joined = encode("\n".join(values))
    firsts = [0, *accumulate(len(encode(value)) + 1 for value in values)]
    outside = not is_valid(data)
    for index in candidates:
        exact = scanner.exact(index)
        inside = [hit for number in _touched(exact, joined, firsts, len(literals)) for hit in _literal_hits(exact, text, literals[number])]
        yield from ((index, hit) for hit in inside)
        if outside:
            yield from ((index, hit) for hit in _outside_hits(exact, text, data, literals, inside))


def _touched(exact: Regex, joined: bytes, firsts: list[int], count: int) -> list[int]:
    """Return which strings a match in all of them, joined by line feeds, touches: only these are looked at one by one."""
    numbers: set[int] = set()
    for start, end in exact.spans(joined):
        first, last = bisect_right(firsts, start) - 1, bisect_right(firsts, max(start, end - 1)) - 1
        numbers.update(range(first, min(last, count - 1) + 1))
    return sorted(numbers)


def _literal_hits(exact: Regex, text: str, literal: JsonString) -> Iterator[_Hit]:
    value, searched = literal.value, literal.start + 1
    for first, last in char_spans(exact, value, encode(value)):
        found = value[first:last]
        start = text.find(found, searched, literal.end) if literal.escaped else literal.start + 1 + first
        end = start + len(found)
        if start < 0:
            start, end = literal.start, literal.end
        else:
            searched = end
        yield _Hit(found, start, end, value[max(0, first - _CONTEXT) : first], literal.key, path_text(literal.node))


def _outside_hits(exact: Regex, text: str, data: bytes, literals: list[JsonString], inside: list[_Hit]) -> Iterator[_Hit]:
    starts = [literal.start for literal in literals]
    known = sorted((hit.start, hit.end) for hit in inside)
    for start, end in char_spans(exact, text, data):
        before = bisect_right(known, (end, 0)) - 1
        if before >= 0 and known[before][1] > start:
            continue
        number = bisect_right(starts, start) - 1
        holder = literals[number] if number >= 0 and literals[number].end >= end else None
        key, path = (holder.key, path_text(holder.node)) if holder else ("", "")
        yield _Hit(text[start:end], start, end, text[max(0, start - _CONTEXT) : start], key, path)


def _match(scanner: Scanner, index: int, hit: _Hit) -> Match | None:
    pattern, masked = scanner.patterns[index], scanner.judge(index, hit.value)
    if masked is None or not _fits(pattern, hit):
        return None
    return Match(
        pattern.id, pattern.pattern_class, pattern.confidence, pattern.severity, hit.start, hit.end, hit.path, masked, hit.value
    )


def _fits(pattern: Pattern, hit: _Hit) -> bool:
    """Tell whether property name and words before the match are what the pattern asks for."""
    if pattern.not_json_keys and _names(hit.key, pattern.not_json_keys):
        return False
    if not (pattern.json_keys or pattern.context):
        return True
    return _names(hit.key, pattern.json_keys) or not _words(hit.before).isdisjoint(pattern.context)


def _names(key: str, wanted: list[str]) -> bool:
    return key.lower() in wanted or not _words(key).isdisjoint(wanted)


def _words(text: str) -> set[str]:
    """Split prose, snake_case, kebab-case and camelCase into lower-case words: whole words only, `pub-LIC` is no `lic`."""
    spaced = "".join(f" {char}" if char.isupper() else char if char.isalnum() else " " for char in text)
    return {*spaced.lower().split(), *"".join(char if char.isalnum() else " " for char in text.lower()).split()}


def _judge(compiled: _Compiled, value: str) -> str | None:
    folded = value.casefold()
    if any(word in folded for word in compiled.stop_words) or any(regex.covers(value) for regex in compiled.allow):
        return None
    if compiled.validator is not None and not compiled.validator(value):
        return None
    return mask(compiled.pattern.mask, value, compiled.pattern.pattern_class)


def _takes(pattern: Pattern, essence: str) -> bool:
    if not essence:
        return True
    takes = any(fnmatchcase(essence, glob) for glob in pattern.content_types)
    return takes and not any(fnmatchcase(essence, glob) for glob in pattern.not_content_types)


def _compile(pattern: Pattern) -> _Compiled:
    return _Compiled(
        pattern,
        Regex(pattern.exact),
        tuple(Regex(expression) for expression in pattern.allow),
        tuple(word.casefold() for word in pattern.stop_words),
        VALIDATORS[pattern.validator] if pattern.validator else None,
    )


def _bound(entries: dict[tuple[str, Part], frozenset[int]] | dict[tuple[int, str], str | None]) -> None:
    if len(entries) >= _MAX_CACHE:
        entries.clear()
