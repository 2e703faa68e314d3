"""The SQL of macros and views, and which statements a text needs: making all costs a detector's test 0.9 CPU seconds, what it needs 0.3 to 0.6."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from forensics.resources import tree, walk

# In this order; each may use those before.
_MACROS = ("paths", "routes", "cells", "logs", "bodies", "access", "values", "statistics", "intervals")
# Macros that only views, detectors and results use; dimensions are made with the others.
_LATE = ("values", "statistics", "intervals")
_END = re.compile(r"(?<=;)\n")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MADE = re.compile(r"^\s*create (?:or replace )?(?:view|table|macro) (?:\w+\.)?(\w+)", re.MULTILINE)
_DROPPED = re.compile(r"\s*drop table (?:\w+\.)?(\w+)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement, or a file of macros: its text, the names that it makes (or drops), and the words in it."""

    text: str
    makes: frozenset[str]
    words: frozenset[str]


@cache
def macro_files(query: str | None) -> tuple[Piece, ...]:
    """Return the files of macros, in their order; those for statistics only where `query` or a view that it needs names one of them."""
    texts = {name: (tree("queries") / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in _MACROS}
    pieces = {name: _piece(text) for name, text in texts.items()}
    if query is None:
        return tuple(pieces.values())
    words = set(_words(query)).union(*(piece.words for piece in view_statements(query)))
    words |= {word for name in reversed(_LATE) if pieces[name].makes & words for word in pieces[name].words}
    return tuple(piece for name, piece in pieces.items() if name not in _LATE or piece.makes & words)


@cache
def view_statements(query: str | None) -> tuple[Piece, ...]:
    """Return the statements of all files of views, in their order, or those that make what `query` names, and what these name in turn.

    Words are compared, so some may be too many.
    """
    pieces = _statements()
    if query is None:
        return pieces
    macros = [*macro_files(None)]
    words, before = _words(query), 0
    while len(words) > before:
        before = len(words)
        words |= {word for piece in (*macros, *pieces) if piece.makes & words for word in piece.words}
    return tuple(piece for piece in pieces if piece.makes & words)


@cache
def _statements() -> tuple[Piece, ...]:
    files = [file.read_text(encoding="utf-8") for _, file in walk(tree("queries") / "views", ".sql")]
    return tuple(_piece(text) for file in files for text in _END.split(file) if _COMMENT.sub("", text).strip())


def _piece(text: str) -> Piece:
    code = _COMMENT.sub("", text)
    return Piece(text, frozenset((*_MADE.findall(code), *_DROPPED.findall(code))), frozenset(_words(code)))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_COMMENT.sub("", text)))
