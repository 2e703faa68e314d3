"""Find the strings of a JSON text with their place and property path, in a text that may be cut off, broken or hostile.

A parser would lose offsets and refuse what is broken; this walk keeps both, needs no recursion and takes linear time.
Grammar: RFC 8259.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec

Node: TypeAlias = "tuple[Node | None, str] | None"

# A string, whole or cut off by the end of the text, or a mark. All repetitions are possessive: linear also in this engine.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SIMPLE_ESCAPES = (('\\"', '"'), ("\\/", "/"), ("\\n", "\n"), ("\\t", "\t"), ("\\r", "\r"), ("\\b", "\b"), ("\\f", "\f"))

_LEADING = "\ufeff \t\r\n)]}',"  # byte order mark, white space, and the )]}', guard some APIs put before JSON
_MAX_PATH = 32  # components shown; deeper ones are folded into `$..`
_MAX_KEY, _MAX_KEY_DIGITS = 40, 3  # longer or with more digits, a key is data (an id, a hash), not a property


class JsonString(NamedTuple):
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
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token[0] == '"':
            yield _literal(token, found.start(), stack[-1])
        else:
            _step(stack, token)


def unescape(text: str) -> str:
    r"""Return the content of a string literal with its escapes resolved; what is no escape stays."""
    try:
        return str(json.loads(f'"{text}"', strict=False))  # the parser's own loop: far faster than the one below
    except ValueError:
        return _unescape_parts(text.split("\\\\"))  # an escaped backslash must not lend its second half to the next escape


def unescape_body(text: str) -> str:
    r"""Return a whole JSON text with the escapes of all its strings resolved, for gates (which may take U+0001 for a quote)."""
    parts = text.split("\\\\")
    quoted = "\\\\".join(part.replace('\\"', "\x01").replace('"', "\x01") for part in parts)
    try:
        return str(json.loads(f'"{quoted}"', strict=False)).replace("\x01", '"')
    except ValueError:
        return _unescape_parts(parts)


def _unescape_parts(parts: list[str]) -> str:
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


def _literal(token: str, start: int, frame: _Frame) -> JsonString:
    escaped = "\\" in token
    closed = len(token) > 1 and token[-1] == '"' and (not escaped or _is_closed(token))
    value = token[1:-1] if closed else token[1:]
    if escaped:
        value = unescape(value)
    end = start + len(token)
    if frame.expects_key:
        frame.key, frame.expects_key = value, False
        return JsonString(start, end, value, (frame.node, ".*"), "", escaped)
    return JsonString(start, end, value, _child(frame), frame.key, escaped)


def _is_closed(token: str) -> bool:
    """Tell a closing quote at the end from an escaped one, behind which the string is cut off."""
    body = token[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 0


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


@lru_cache(4096)
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
