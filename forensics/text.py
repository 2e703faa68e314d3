"""Make text of unknown origin safe to show, and write numbers the same way everywhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

# C0, DEL, C1, zero-width, bidirectional controls, line separators, BOM, lone surrogates, tags: what a terminal or a reader
# would act on or hide. The list follows Unicode TR #36 (bidi) and ECMA-48 (C0, C1).
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)

# With what a spreadsheet takes a cell for a formula (CWE-1236), full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# A JSON escape of half a UTF-16 pair without its other half.
_LONE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def whole_pairs(json: str) -> str:
    r"""Return JSON text in which a lone surrogate `\ud800` reads as the text \ud800: no engine takes it, but clients can send it."""
    return _LONE.sub(_escaped, json) if "\\u" in json else json


def _escaped(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 1000) : match.start()]
    is_text = (len(before) - len(before.rstrip("\\"))) % 2
    return match[0] if is_text else "\\" + match[0]


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe_text(value: object, limit: int | None = None) -> str:
    """Return `value` as one line in which every control character is visible; cut to `limit` characters with an ellipsis."""
    text = value if isinstance(value, str) else str(value)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return _UNSAFE.sub(_visible, text)


def shell_word(text: str) -> str:
    r"""Return `text` as one word for a shell, safe to show; where that takes escapes, as `$'\\x1b'` (bash, zsh, POSIX.1-2024)."""
    if not _UNSAFE.search(text):
        return shlex.quote(text)
    return "$'" + _UNSAFE.sub(_octets, text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def _octets(match: re.Match[str]) -> str:
    """Every byte as an octal escape of three digits, which no digit that follows can lengthen."""
    return "".join(f"\\{byte:03o}" for byte in match.group().encode("utf-8", "surrogateescape"))


def cell_text(value: object) -> str:
    """Like `safe_text`, with an apostrophe before text that a spreadsheet would run, also behind quotes and blanks."""
    text = safe_text(value)
    return f"'{text}" if text.lstrip(" '\"").startswith(_FORMULA) else text


def middle_cut(text: str, limit: int) -> str:
    """Return `text` with an ellipsis in the middle where it is longer than `limit`: beginning and ending of a name tell it."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}"


def safe_lines(value: str) -> str:
    """Like `safe_text`, but line feeds stay: for text this tool wrote itself, such as SQL."""
    return "\n".join(safe_text(line) for line in value.split("\n"))


def plural(count: int, noun: str) -> str:
    """Return `1 finding`, `2 findings`, `12,345 findings`."""
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else many}"


def bytes_text(count: float | None) -> str:
    """Return a size in decimal units (1 kB = 1000 B), as network tools count."""
    if count is None:
        return "unknown"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} EB"


def shown(part: int, whole: int) -> str:
    """Return `40 of 12,345 shown`: nothing is cut silently."""
    return f"{part:,} of {whole:,} shown"


def listing(items: Iterable[str], limit: int = 8) -> str:
    """Return items joined by commas, with the number left out where the list is cut."""
    values = list(items)
    head = ", ".join(values[:limit])
    return f"{head} and {len(values) - limit} more" if len(values) > limit else head
