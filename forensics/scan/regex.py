"""A typed door to RE2, the only regex engine that meets evidence here: linear time, whatever an attacker writes.

Everything works on UTF-8 bytes. Offsets are bytes; `CharOffsets` turns them into characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import re2

# The automaton of many patterns at once is built while scanning; with too little memory it is thrown away and rebuilt.
_GATE_MEMORY = 256 * 1024 * 1024
_EXACT_MEMORY = 64 * 1024 * 1024


class RegexError(ValueError):
    """The expression is not RE2 syntax or grows too large."""


def _options(max_mem: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_mem
    return options


class Regex:
    """One compiled expression. Its capture groups say what the value is: see `spans`."""

    def __init__(self, expression: str) -> None:
        try:
            self._compiled = re2.compile(expression, _options(_EXACT_MEMORY))
        except re2.error as error:
            raise RegexError(_reason(error)) from error

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of each value: the first group that took part, else the whole match if there are no groups.

        A match in which no group took part is a decoy: it hides its text, as a look-behind would elsewhere. The search goes on
        at the end of the value, so that one separator can stand between two values.
        """
        search, has_groups, position = self._compiled.search, bool(self._compiled.groups), 0
        while (found := search(data, position)) is not None:
            span = _value_span(found) if has_groups else found.span()
            if span is not None:
                yield span
            position = max(span[1] if span else found.end(), position + 1)

    def finds(self, data: bytes) -> bool:
        """Tell whether the expression occurs in `data`."""
        return self._compiled.search(data) is not None

    def covers(self, text: str) -> bool:
        """Tell whether the expression matches the whole of `text`."""
        return self._compiled.fullmatch(encode(text)) is not None


class GateSet:
    """Many expressions searched in one pass; answers which of them occur."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._set = re2.Set.SearchSet(_options(_GATE_MEMORY))
        self._empty = not expressions
        try:
            for expression in expressions:
                self._set.Add(expression)
            self._set.Compile()
        except re2.error as error:
            raise RegexError(_reason(error)) from error

    def candidates(self, data: bytes) -> frozenset[int]:
        """Return the positions of the expressions that occur in `data`."""
        return frozenset() if self._empty else frozenset(self._set.Match(data) or ())


class CharOffsets:
    """Turn rising byte offsets of a UTF-8 text into character offsets, in one pass over the text."""

    def __init__(self, text: str, data: bytes) -> None:
        self._data = data
        self._same = len(text) == len(data)
        self._last = (0, 0)

    def __call__(self, offset: int) -> int:
        """Return the characters before byte `offset`, which must not be smaller than the one before."""
        if self._same:
            return offset
        at, chars = self._last
        chars += len(self._data[at:offset].decode("utf-8", "replace"))
        self._last = (offset, chars)
        return chars


def char_spans(regex: Regex, text: str, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in characters of every value of `regex` in `text`, whose UTF-8 form is `data`."""
    offset = CharOffsets(text, data)
    for start, end in regex.spans(data):
        first = offset(start)
        yield first, offset(end)


def encode(text: str) -> bytes:
    """Return `text` as UTF-8; a lone surrogate, which JSON can smuggle in, becomes one `?`."""
    return text.encode("utf-8", "replace")


def _value_span(found: Any) -> tuple[int, int] | None:
    for group in range(1, found.re.groups + 1):
        span: tuple[int, int] = found.span(group)
        if span[0] >= 0:
            return span
    return None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "not valid RE2"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
