"""Find the strings of a JSON text with their place and property path, in a text that may be cut off, broken or hostile.

A parser would lose offsets and refuse what is broken; this walk keeps both, needs no recursion and takes linear time.
Grammar: RFC 8259.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

Node: TypeAlias = "tuple[Node | None, str] | None"

# One character class each, no repetition of a repetition: linear also in this engine.
_STRUCTURE = re.compile(r'["{}\[\],:]')
_STRING_STOP = re.compile(r'["\\]')
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SIMPLE_ESCAPES = (('\\"', '"'), ("\\/", "/"), ("\\n", "\n"), ("\\t", "\t"), ("\\r", "\r"), ("\\b", "\b"), ("\\f", "\f"))

_LEADING = "\ufeff \t\r\n)]}',"  # byte order mark, white space, and the )]}', guard some APIs put before JSON
_MAX_PATH = 32  # components shown; deeper ones are folded into `$..`
_MAX_KEY, _MAX_KEY_DIGITS = 40, 3  # longer or with more digits, a key is data (an id, a hash), not a property


@dataclass(frozen=True, slots=True)
class JsonString:
    """One string literal: `start` and `end` are its characters with the quotes, `value` is decoded, `key` its property name."""

    start: int
    end: int
    value: str
    node: Node
    key: str
    escaped: bool


@dataclass(slots=True)
class _Frame:
    """An open object `{`, array `[` or the text itself; `key` is the property whose value comes next (arrays inherit it)."""

    kind: str
    node: Node
    key: str
    expects_key: bool


def looks_like_json(text: str) -> bool:
    """Tell from its first characters whether `text` is meant to be a JSON object, array or string."""
    head = text[:200].lstrip(_LEADING)
    if head[:1] == "{":
        return head[1:].lstrip()[:1] in ('"', "}", "")
    return head[:1] == '"' or (head[:1] == "[" and head[1:].lstrip()[:1] in tuple('"{[]-0123456789tfn'))


def is_valid(data: bytes) -> bool:
    """Tell whether `data` is one whole JSON text that a parser accepts (too deep counts as no)."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def strings(text: str) -> Iterator[JsonString]:
    """Yield every string of a JSON text, keys too, in the order they stand."""
    stack = [_Frame("", None, "", expects_key=False)]
    position = 0
    while found := _STRUCTURE.search(text, position):
        position = found.end()
        if text[found.start()] == '"':
            position, literal = _literal(text, found.start(), stack[-1])
            yield literal
        else:
            _step(stack, text[found.start()])


def unescape(text: str) -> str:
    r"""Return `text` with JSON escapes resolved; what is no escape stays. Also fit for a whole body, as a gate sees it."""
    parts = text.split("\\\\")  # an escaped backslash must not lend its second half to the next escape
    for index, part in enumerate(parts):
        if "\\" in part:
            parts[index] = _unescape_part(part)
    return _join_surrogates("\\".join(parts))


def path_text(node: Node) -> str:
    """Return the property path, such as `$.items[].email`; keys that are data, not names, show as `*`."""
    components: list[str] = []
    while node is not None and len(components) < _MAX_PATH:
        node, component = node
        components.append(component)
    return ("$." if node is not None else "$") + "".join(reversed(components))


def _literal(text: str, start: int, frame: _Frame) -> tuple[int, JsonString]:
    stop, end = _string_end(text, start + 1)
    raw = text[start + 1 : stop]
    escaped = "\\" in raw
    value = unescape(raw) if escaped else raw
    if frame.expects_key:
        frame.key = value
        return end, JsonString(start, end, value, (frame.node, ".*"), "", escaped)
    return end, JsonString(start, end, value, _child(frame), frame.key, escaped)


def _string_end(text: str, position: int) -> tuple[int, int]:
    """Return where the content ends and where the literal ends; a string that is cut off ends with the text."""
    while found := _STRING_STOP.search(text, position):
        if text[found.start()] == '"':
            return found.start(), found.end()
        position = found.end() + 1
    return len(text), len(text)


def _step(stack: list[_Frame], char: str) -> None:
    frame = stack[-1]
    if char in "{[":
        stack.append(_Frame(char, _child(frame), frame.key, expects_key=char == "{"))
    elif char in "}]":
        if len(stack) > 1:
            stack.pop()
    else:
        frame.expects_key = char == "," and frame.kind == "{"


def _child(frame: _Frame) -> Node:
    if frame.kind == "{":
        return (frame.node, f".{_property(frame.key)}")
    return (frame.node, "[]") if frame.kind else None


def _property(key: str) -> str:
    """Return the key if it reads like a property name, else `*`: a map keyed by e-mail or id must not leak through a path."""
    plain = key.replace("_", "").replace("-", "").replace("$", "")
    digits = sum(char.isdigit() for char in key)
    return key if plain.isascii() and plain.isalnum() and len(key) <= _MAX_KEY and digits <= _MAX_KEY_DIGITS else "*"


def _unescape_part(part: str) -> str:
    for escape, char in _SIMPLE_ESCAPES:
        if escape in part:
            part = part.replace(escape, char)
    return _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), part) if "\\u" in part else part


def _join_surrogates(text: str) -> str:
    r"""Join `\ud83d\ude00` pairs into the one character they mean."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
