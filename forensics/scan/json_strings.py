"""Find the strings and long numbers of a JSON text with place and property path, in a text that may be cut off, broken or hostile.

A parser would lose offsets and refuse what is broken; this walk keeps both, needs no recursion and takes linear time.
Grammar: RFC 8259.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from forensics.scan.regex import encode

# A place in the document: the place around it, and the property, or None for an element of an array.
Node: TypeAlias = "tuple[Node, str | None] | None"

# A string, closed or cut off, with the colon that makes it a property; a whole number of nine digits or more, as identifiers of people
# and cards are; or a bracket. All repeats are possessive (`*+`): nothing is tried twice, so time stays linear, which is why Python's
# engine may meet evidence here.
_TOKEN = re.compile(
    r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))(\s*+:)?|(?<![\w.+-])(\d{9,}+)(?![.eE])|[{}\[\]]', re.DOTALL
)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "/": "/"}
_UNICODE_ESCAPE = re.compile(r"u[0-9a-fA-F]{4}")

MAX_NESTED = 3  # JSON in a string of JSON is looked into so deep
_LEADING = "\ufeff \t\r\n)]}',"  # byte order mark, white space, and the )]}', guard some APIs put before JSON
_MAX_PATH = 32  # components shown; what lies above them is folded into `$..`
_MAX_KEY, _MAX_KEY_DIGITS = 40, 3  # longer or with more digits, a key is data (an id, a hash), not a property


@dataclass(frozen=True, slots=True)
class JsonString:
    """One string literal with its quotes, or a long number: characters `start` to `end`, decoded `value`, name of its property (arrays: of theirs).

    `first` is where the value begins.
    """

    start: int
    end: int
    first: int
    value: str
    node: Node
    key: str
    escaped: bool

    @property
    def is_nested(self) -> bool:
        """Say whether the string holds JSON itself; its quotes were escaped then."""
        return self.escaped and looks_like_json(self.value)


def readings(text: str) -> list[bytes]:
    """Return what gates look at in JSON with escapes: resolved, and as often again as JSON in strings of JSON may have left some."""
    found = []
    for _ in range(MAX_NESTED + 1):
        text = unescape(text)
        found.append(encode(text))
        if "\\" not in text:
            break
    return found


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


def strings(text: str) -> Iterator[tuple[int, int, Node, str]]:
    """Yield (start, end, place, key) of every string literal, names of properties too, and every long number, in order; see `literal`."""
    stack: list[tuple[str, Node, str]] = []
    kind, node, key = "", None, ""
    for token in _TOKEN.finditer(text):
        part = token.lastindex  # 1: a string, 2: a string and a colon, 3: a number, None: a bracket
        if part is None:
            bracket = token[0]
            if bracket in "{[":
                stack.append((kind, node, key))
                kind, node = bracket, _inner(kind, node, key)
            elif stack:
                kind, node, key = stack.pop()
            continue
        start, end = token.span(3 if part == 3 else 1)
        if part == 2 and kind == "{":
            key = text[start + 1 : end - 1]
            yield (
                start,
                end,
                (node, "*"),
                "",
            )  # the name of a property may be the find itself: it must not show in its path
        else:
            yield start, end, _inner(kind, node, key), key


def literal(text: str, start: int, end: int, node: Node, key: str) -> JsonString:
    """Return one of `strings` with its value."""
    first = start + (text[start] == '"')
    stop = end - 1 if end - start > 1 and text[end - 1] == '"' else end
    raw = text[first:stop]
    escaped = "\\" in raw
    return JsonString(start, end, first, unescape(raw) if escaped else raw, node, key, escaped)


def unescape(text: str) -> str:
    r"""Return `text` with JSON escapes resolved; what is no escape stays. Also fit for a whole body, as a gate sees it."""
    pieces = iter(text.split("\\"))
    plain = [next(pieces)]
    for piece in pieces:
        if piece:
            plain.append(_resolve(piece))
        else:  # two backslashes in a row are one, and what follows them is no escape
            plain += "\\", next(pieces, "")
    return _join_surrogates("".join(plain))


def path_text(node: Node) -> str:
    """Return the property path, such as `$.items[].email`; keys that are data, not names, show as `*`."""
    components: list[str] = []
    while node is not None and len(components) < _MAX_PATH:
        node, key = node
        components.append("[]" if key is None else f".{_property(key)}")
    return ("$." if node is not None else "$") + "".join(reversed(components))


def _inner(kind: str, node: Node, key: str) -> Node:
    return None if not kind else (node, key if kind == "{" else None)


def _property(key: str) -> str:
    """Return the key if it reads like a property name, else `*`: a map keyed by e-mail or id must not leak through a path."""
    plain = key.replace("_", "").replace("-", "").replace("$", "")
    digits = sum(char.isdigit() for char in key[: _MAX_KEY + 1])
    return key if plain.isascii() and plain.isalnum() and len(key) <= _MAX_KEY and digits <= _MAX_KEY_DIGITS else "*"


def _resolve(piece: str) -> str:
    """Return what a backslash and `piece` mean."""
    if (char := _ESCAPES.get(piece[0])) is not None:
        return char + piece[1:]
    return chr(int(piece[1:5], 16)) + piece[5:] if _UNICODE_ESCAPE.match(piece) else "\\" + piece


def _join_surrogates(text: str) -> str:
    r"""Join `\ud83d\ude00` pairs into the one character they mean."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
