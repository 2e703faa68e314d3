"""The SQL files of views, and which of them a text needs: making all costs a detector's test half a second, most need a few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from forensics.resources import tree, walk

_MADE = re.compile(r"^create (?:or replace )?(?:view|table|macro) (?:\w+\.)?(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SqlFile:
    """The text of a file, the names that it makes, and the words in it."""

    text: str
    makes: frozenset[str]
    words: frozenset[str]


@cache
def view_files() -> tuple[SqlFile, ...]:
    """Return all files of views, in the order in which they are made."""
    return _read("views")


@cache
def needed_files(text: str) -> tuple[SqlFile, ...]:
    """Return the files of views that make what `text` names, and what these name in turn; words are compared, so some may be too many."""
    known = [*_read("macros"), *view_files()]
    words, before = _words(text), 0
    while len(words) > before:
        before = len(words)
        words |= {word for file in known if file.makes & words for word in file.words}
    return tuple(file for file in view_files() if file.makes & words)


def _read(folder: str) -> tuple[SqlFile, ...]:
    texts: Sequence[str] = [file.read_text(encoding="utf-8") for _, file in walk(tree("queries") / folder, ".sql")]
    return tuple(SqlFile(text, frozenset(_MADE.findall(text)), frozenset(_words(text))) for text in texts)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_COMMENT.sub("", text)))
