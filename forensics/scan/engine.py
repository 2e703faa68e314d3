"""Scan one text: gates first, all at once; then the exact expressions on what is left, inside decoded JSON strings.

Matches carry the value only so that a caller can tell values apart; nothing stores or prints it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from itertools import accumulate
from typing import TypeAlias

from forensics.scan.json_strings import (
    MAX_NESTED,
    JsonString,
    Node,
    is_valid,
    literal,
    looks_like_json,
    path_text,
    readings,
    strings,
)
from forensics.scan.masking import mask
from forensics.scan.patterns import Confidence, Part, Pattern, Severity, load_patterns
from forensics.scan.regex import GateSet, Regex, char_spans, encode
from forensics.scan.validators import VALIDATORS

_MAX_CACHE = 100_000  # entries; a cache that is full is emptied
_MAX_CACHED_VALUE = 256  # characters; longer values are judged each time
_BINARY = frozenset(("application/pdf", "application/wasm", "application/octet-stream"))
# Bytes that are no UTF-8 stand in a decoded body as \\xff; a PDF names itself.
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]|\\x[0-9a-f]{2}|^%PDF-|\ufffd")
_LABEL_SAMPLE = 512
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


_Exacts: TypeAlias = list[tuple[int, Regex]]
_Place: TypeAlias = tuple[int, int, Node, str]


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
                index
                for index, pattern in enumerate(self.patterns)
                if part in pattern.parts and _takes(pattern, essence)
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
    wanted = scanner.wanted(None if is_mislabelled(text, content_type) else content_type, part)
    if not wanted or not text:
        return []
    is_json = part == "body" and looks_like_json(text)
    hits = _json_hits(scanner, text, wanted) if is_json else _text_hits(scanner, text, wanted, name)
    matches = [match for index, hit in hits if (match := _match(scanner, index, hit)) is not None]
    return unshadowed(sorted(matches, key=lambda match: (match.start, match.end, match.pattern)))


def is_mislabelled(text: str, content_type: str | None) -> bool:
    """Tell whether a body that is said to be an image, a font or the like is text: what a file read through a picture's address answers."""
    essence = (content_type or "").partition(";")[0].strip().lower()
    binary = essence.startswith(("image/", "audio/", "video/", "font/")) or essence in _BINARY
    drawn = essence == "image/svg+xml" and text.lstrip()[:1] == "<"
    return binary and not drawn and not _NOT_TEXT.search(text[:_LABEL_SAMPLE])


def unshadowed(matches: list[Match]) -> list[Match]:
    """Leave out guesses about what is known: matches of low confidence that overlap a surer one of their class.

    `matches` are in the order of their starts.
    """
    sure: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for match in matches:
        if match.confidence != "low":
            starts, reach = sure[match.pattern_class]
            starts.append(match.start)
            reach.append(max(match.end, reach[-1] if reach else 0))
    return [match for match in matches if match.confidence != "low" or not _overlaps(match, *sure[match.pattern_class])]


def _overlaps(match: Match, starts: list[int], reach: list[int]) -> bool:
    before = bisect_left(starts, match.end)
    return before > 0 and reach[before - 1] > match.start


def _text_hits(scanner: Scanner, text: str, wanted: frozenset[int], name: str) -> Iterator[tuple[int, _Hit]]:
    data = encode(text)
    for index in scanner.candidates(data) & wanted:
        for start, end in char_spans(scanner.exact(index), text, data):
            yield index, _Hit(text[start:end], start, end, text[max(0, start - _CONTEXT) : start], name, name)


def _json_hits(scanner: Scanner, text: str, wanted: frozenset[int], depth: int = 0) -> Iterator[tuple[int, _Hit]]:
    """Look into each string by itself; in a text that is not valid JSON (cut off, or only like JSON), around them too.

    A string that holds JSON is looked into in the same way: its escapes are written twice.
    """
    data, escaped = encode(text), "\\" in text
    candidates = frozenset().union(*map(scanner.candidates, readings(text) if escaped else (data,))) & wanted
    if not (candidates or escaped):
        return
    broken = not is_valid(data)
    if broken and escaped:
        candidates |= scanner.candidates(data) & wanted
    exacts = [(index, scanner.exact(index)) for index in sorted(candidates)]
    touched = _touched(exacts, text, data) if exacts else ()
    inside = [hit for item in touched for hit in _string_hits(scanner, exacts, text, item, wanted, depth)]
    yield from inside
    if broken:
        yield from _outside_hits(exacts, text, data, inside)


def _string_hits(
    scanner: Scanner, exacts: _Exacts, text: str, item: JsonString, wanted: frozenset[int], depth: int
) -> Iterator[tuple[int, _Hit]]:
    if not item.is_nested or depth >= MAX_NESTED:
        yield from _literal_hits(exacts, text, item)
        return
    path = path_text(item.node)
    for index, hit in _json_hits(scanner, item.value, wanted, depth + 1):
        inner = hit.path.removeprefix("$")
        yield index, replace(hit, start=item.start, end=item.end, key=hit.key or item.key, path=path + inner)


def _touched(exacts: _Exacts, text: str, data: bytes) -> Iterator[JsonString]:
    """Yield the strings a match may lie in; only these are looked at one by one.

    Line feeds take the place of the quotes, so that a string's ends look like ends of a line to the expressions. Without a backslash
    that can be done in the text itself; else in the decoded strings, joined.
    """
    if "\\" not in text:
        lined = data.replace(b'"', b"\n")
        spans = sorted(span for _, exact in exacts for span in char_spans(exact, text, lined))
        yield from (literal(text, *place) for place in _overlapping(strings(text), spans)) if spans else ()
        return
    literals = [literal(text, *place) for place in strings(text)]
    joined = encode("\n".join(item.value for item in literals))
    firsts = [0, *accumulate(len(encode(item.value)) + 1 for item in literals)]
    touched: set[int] = set()
    for start, end in (span for _, exact in exacts for span in exact.spans(joined)):
        touched.update(range(bisect_right(firsts, start) - 1, bisect_right(firsts, end - 1)))
    touched.update(number for number, item in enumerate(literals) if item.is_nested)
    yield from (literals[number] for number in sorted(touched) if number < len(literals))


def _overlapping(places: Iterator[_Place], spans: list[tuple[int, int]]) -> Iterator[_Place]:
    """Yield the places that overlap one of the spans; both are in order of their starts."""
    position, reach = 0, 0
    for place in places:
        start, end = place[0], place[1]
        while position < len(spans) and spans[position][0] < end:
            reach = max(reach, spans[position][1])
            position += 1
        if reach > start:
            yield place
        elif position == len(spans):
            return


def _literal_hits(exacts: _Exacts, text: str, item: JsonString) -> Iterator[tuple[int, _Hit]]:
    value, data = item.value, encode(item.value)
    for index, exact in exacts:
        searched = item.first
        for first, last in char_spans(exact, value, data):
            found, before = value[first:last], value[max(0, first - _CONTEXT) : first]
            start = text.find(found, searched, item.end) if item.escaped else item.first + first
            searched = max(searched, start + len(found))
            start, end = (start, start + len(found)) if start >= 0 else (item.start, item.end)
            yield index, _Hit(found, start, end, before, item.key, path_text(item.node))


def _outside_hits(
    exacts: _Exacts, text: str, data: bytes, inside: list[tuple[int, _Hit]]
) -> Iterator[tuple[int, _Hit]]:
    """Yield what lies around the strings, or across them, and was not found inside one."""
    for index, exact in exacts:
        known = sorted((hit.start, hit.end) for number, hit in inside if number == index)
        for start, end in char_spans(exact, text, data):
            before = bisect_right(known, (end, 0)) - 1
            if before < 0 or known[before][1] <= start:
                yield index, _Hit(text[start:end], start, end, text[max(0, start - _CONTEXT) : start], "", "")


def _match(scanner: Scanner, index: int, hit: _Hit) -> Match | None:
    pattern, masked = scanner.patterns[index], scanner.judge(index, hit.value)
    if masked is None or not _fits(pattern, hit):
        return None
    return Match(
        pattern.id,
        pattern.pattern_class,
        pattern.confidence,
        pattern.severity,
        hit.start,
        hit.end,
        hit.path,
        masked,
        hit.value,
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
    return mask(compiled.pattern.mask, value)


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
