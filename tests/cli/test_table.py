"""Tables on a terminal: what fits stands in one line, ids and times stay in one piece, nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from forensics.cli.table import lines
from tests.cli.test_terminal import on_terminal, raw_terminal
from tests.conftest import Reviewed

TITLES = ["time", "n", "text", "record"]
ROWS = [
    ["2026-03-03T09:17:42Z", "1", "short", "4b96e712696cef67:343"],
    ["2026-03-03T09:17:43Z", "12345", "\u65e5\u672c" * 30, "4b96e712696cef67:344"],
    ["2026-03-03T09:17:44Z", "", "", "4b96e712696cef67:345"],
]
NUMERIC = [False, True, False, False]


def shown(width: int, rows: list[list[str]] = ROWS) -> list[str]:
    return [line for line, _ in lines(TITLES, rows, NUMERIC, width)]


def test_one_line_a_row_where_there_is_room() -> None:
    assert shown(200, ROWS[:1]) == [
        "time                  n  text   record",
        "2026-03-03T09:17:42Z  1  short  4b96e712696cef67:343",
    ]


def test_what_does_not_fit_follows_behind_its_title() -> None:
    assert shown(40) == [
        "time                      n",
        "2026-03-03T09:17:42Z      1",
        "    text short",
        "    record 4b96e712696cef67:343",
        "2026-03-03T09:17:43Z  12345",
        "    text " + "\u65e5\u672c" * 7 + "\u65e5",
        *["    " + ("\u672c\u65e5" * 9)] * 2,
        "    " + "\u672c\u65e5" * 4 + "\u672c",
        "    record 4b96e712696cef67:344",
        "2026-03-03T09:17:44Z",
        "    record 4b96e712696cef67:345",
    ]


@pytest.mark.parametrize("width", range(6, 120, 3))
def test_nothing_is_lost_and_nothing_runs_over_the_edge(width: int) -> None:
    printed = shown(width)
    assert max(map(cell_len, printed)) <= width
    text = "".join("".join(printed).split())
    for row in ROWS:
        assert all("".join(cell.split()) in text for cell in row)


def test_a_table_without_rows() -> None:
    assert shown(80, []) == ["time  n  text  record"]


@pytest.mark.parametrize("columns", [80, 132])
def test_records_of_a_timeline_can_be_copied(reviewed: Reviewed, columns: int) -> None:
    printed = on_terminal(columns, "timeline", reviewed.case("checkout-thin"), "--limit", "30")
    whole = [line for line in printed if re.search(r"\b[0-9a-f]{16}:\d+$", line)]
    assert len(whole) == 30


def test_no_color_is_honoured(reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    command = ("detect", case)
    assert b"\x1b[" in raw_terminal(100, *command)
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b[" not in raw_terminal(100, *command)
    assert b"\x1b[" not in raw_terminal(100, "timeline", case, "--limit", "3")
