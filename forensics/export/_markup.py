"""Escape text of unknown origin for Markdown as GitHub, GitLab and chat tools read it.

In text every character with a meaning is escaped, and what those tools turn into links or notifications on their own
(`https://`, `www.`, `@name`) is written the way security people write it: `https[:]//`, `[at]name`. Tokens of the evidence go
into code spans, where nothing is interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from forensics.text import safe_text

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")
_START = re.compile(
    r"^(\s*)([-+#=]|(?P<digits>\d+)(?P<stop>[.)])(?=\s|$))"
)  # a list, a heading or a rule, if the text begins a line
_RUNS = re.compile("`+")
LONGEST = 400


def text(value: object, limit: int = LONGEST) -> str:
    """Return one line of prose in which nothing is a link, a mention, a tag or a cell border."""
    plain = _SPECIAL.sub(r"\\\1", safe_text(value, limit))
    plain = re.sub(r"(?i)\b(www)\.", r"\1[.]", plain.replace("://", "[:]//").replace("@", "[at]"))
    return _START.sub(_escaped_start, plain)


def _escaped_start(match: re.Match[str]) -> str:
    mark = f"{match['digits']}\\{match['stop']}" if match["digits"] else f"\\{match[2]}"
    return f"{match[1]}{mark}"


def code(value: object, limit: int = 200) -> str:
    """Return a code span, its fence longer than any backticks inside; with a `|`, which would split a cell, prose instead."""
    plain = safe_text(value, limit)
    if "|" in plain:
        return text(value, limit)
    if not plain.strip():
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in _RUNS.findall(plain)), default=0))
    gap = " " if plain[0] in "` " or plain[-1] in "` " else ""
    return f"{fence}{gap}{plain}{gap}{fence}"


def table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table; the cells are prose or code spans already."""
    head = list(names)
    return [_row(head), _row("---" for _ in head), *(_row(row) for row in rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
