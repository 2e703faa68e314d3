"""A table for a terminal: one line a row where it fits; else the columns that do not fit follow below, each behind its title.

Squeezing columns would break a record id over three lines, and what is broken cannot be copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

_GAP, _INDENT = "  ", "    "


def lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int
) -> Iterator[tuple[str, bool]]:
    """Yield the lines with at most `width` cells, and whether they are of the head; texts must be safe to show."""
    widths = [max(cell_len(title), *(cell_len(row[number]) for row in rows), 0) for number, title in enumerate(titles)]
    fitting = _fitting(widths, width)
    for line in _folded(_aligned(titles, widths, numeric, fitting), "", width):
        yield line, True
    for row in rows:
        for line in _folded(_aligned(row, widths, numeric, fitting), "", width):
            yield line, False
        below = [f"{title} {cell}" for title, cell in zip(titles[fitting:], row[fitting:], strict=True) if cell]
        for line in _packed(below, width - len(_INDENT)):
            yield from ((part, False) for part in _folded(line, _INDENT, width))


def _fitting(widths: Sequence[int], width: int) -> int:
    """Return how many columns stand on the first line, at least one."""
    used = 0
    for number, column in enumerate(widths):
        used += column + (len(_GAP) if number else 0)
        if used > width:
            return max(number, 1)
    return len(widths)


def _aligned(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool], count: int) -> str:
    """Return the first columns; numbers end at the right."""
    parts = []
    for cell, width, is_number in zip(cells[:count], widths, numeric, strict=False):
        blanks = " " * (width - cell_len(cell))
        parts.append(blanks + cell if is_number else cell + blanks)
    return _GAP.join(parts).rstrip()


def _packed(cells: Sequence[str], width: int) -> Iterator[str]:
    """Yield lines with as many cells as fit, in their order."""
    line = ""
    for cell in cells:
        if line and cell_len(line) + len(_GAP) + cell_len(cell) > width:
            yield line
            line = ""
        line += (_GAP if line else "") + cell
    if line:
        yield line


def _folded(line: str, indent: str, width: int) -> Iterator[str]:
    """Break a line that is longer than the terminal; no letter is lost."""
    yield from (indent + part for part in chop_cells(line, max(width - len(indent), 1)) or [""])
