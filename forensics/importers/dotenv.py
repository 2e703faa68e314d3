"""Environment variables of a service in a `.env` file: `KEY=value` lines.

Read by Docker Compose (docs.docker.com/compose/how-tos/environment-variables/variable-interpolation), by github.com/motdotla/dotenv and by shells. A value may be
quoted and then go on over lines; double quotes know escapes. Values that look secret, by name or by content, are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.importers._configuration import shown
from forensics.importers._lines import spans
from forensics.importers.contract import Head, Item, Reject, Row, Skip

__all__ = ["spans"]

NAME = "dotenv"
TABLES = ("configuration",)
OBSERVER = "dotenv"
BY_LINE = True
TIME_RULE = "environment variables have no time"
_MIN_VARIABLES = 2

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]{0,500})[ \t]*=[ \t]*", re.ASCII)
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*+)"|'([^']*+)')[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)""", re.DOTALL)
_COMMENT = re.compile(r"(?:^|[ \t])#.*", re.DOTALL)
_UPPER = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A variable, a blank line or comment (`key` empty), or what is none of these (`key` None); `raw` is its text."""

    number: int
    key: str | None
    value: str
    raw: str


def recognise(head: Head) -> int:
    """Score a whole small file of assignments to distinct upper-case names, blank lines and comments; one line in ten may be another."""
    if not head.complete or "=" not in head.text:
        return 0
    keys, others = [], 0
    for entry in _entries(head.text):
        others += entry.key is None or not (not entry.key or _UPPER.fullmatch(entry.key))
        keys += [entry.key] if entry.key else []
    if len(keys) < _MIN_VARIABLES or len(set(keys)) * 10 < len(keys) * 9 or others * 10 > len(keys):
        return 0
    return 70 if others else 75


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a variable; `record_no` is the line where it begins."""
    for entry in _entries(data.decode("utf-8-sig", "backslashreplace")):
        if entry.key is None:
            yield Reject(entry.number, "not KEY=VALUE", entry.raw.encode())
        elif not entry.key:
            yield Skip(entry.number, "comment" if entry.raw.strip() else "blank")
        else:
            yield Row("configuration", entry.number, {
                "observer": OBSERVER, "configuration_key": entry.key, "configuration_value": shown(entry.value, entry.key),
            })  # fmt: skip


def _entries(content: str) -> Iterator[_Entry]:
    number, start = 1, 0
    while start < len(content):
        line_end = content.find("\n", start) + 1 or len(content)
        key = _KEY.match(content, start, line_end)
        quoted = _QUOTED.match(content, key.end()) if key else None
        end = quoted.end() if quoted else line_end
        raw = content[start:end]
        if key:
            yield _Entry(number, key[1], _inner(quoted) if quoted else _plain(content[key.end() : line_end]), raw)
        else:
            yield _Entry(number, "" if not raw.strip() or raw.lstrip().startswith("#") else None, "", raw)
        number, start = number + content.count("\n", start, end), end


def _inner(quoted: re.Match[str]) -> str:
    if quoted[1] is None:
        return quoted[2]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), quoted[1], flags=re.DOTALL)


def _plain(text: str) -> str:
    """Return an unquoted value without the comment behind it."""
    return _COMMENT.sub("", text.strip()).strip()
