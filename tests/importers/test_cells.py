"""Cells cut by Arrow give the same rows, rejects and attributes as the SQL path, whatever the lines hold."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from forensics import lines
from forensics.importers import zeek_tsv
from forensics.importers._cells import Cells
from forensics.lines import SCHEMA
from tests.importers.test_zeek_tsv import CLOSE, CONN, CONN_1, CONN_2, DNS, DNS_1, WEIRD, head, tsv
from tests.ingest.helpers import Loaded, load

_ODD = (
    "",
    "-",
    "5 ",
    " 5",
    "0x5 ",
    "0x1F",
    "1e3",
    "nan",
    "inf",
    "-7",
    "5.4",
    "99999999999999999999",
    "a\rb",
    "ü",
    "#",
    "(empty)",
)
_LINES = ("\n", "  \n", "#x\n", "a\tb\n", "\t\t\n", "\r\n", "x\r\n", "#close\t1\n", "\xff\n", "1\t2\t3\n")


def _records(seed: int) -> str:
    """Mostly plain connections, and now and then a cell or a line that is not."""
    draw = random.Random(seed)  # noqa: S311 - deterministic data
    parts = []
    for number in range(400):
        cells = list(draw.choice((CONN_1, CONN_2)))
        cells[0] = f"{1772528400 + number}.{draw.randint(0, 9_999_999)}"
        if draw.random() < 0.05:
            cells[draw.randrange(len(cells))] = draw.choice(_ODD)
        parts.append("\t".join(cells) + "\n")
        if draw.random() < 0.02:
            parts.append(draw.choice(_LINES))
    return "".join(parts)


def _both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> tuple[Loaded, Loaded]:
    """Ingest with small blocks, so that many are plain, and again with none that is."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 700)
    cut = load(tmp_path / "cut", data)
    monkeypatch.setattr(zeek_tsv, "_can_be_cut", lambda _: False)
    return cut, load(tmp_path / "sql", data)


def _assert_same(cut: Loaded, sql: Loaded, table: str) -> None:
    assert cut.rows(table) == sql.rows(table)
    assert cut.rows("rejects") == sql.rows("rejects")
    assert (cut.entry.skipped, cut.entry.rejected, cut.entry.salvaged) == (
        sql.entry.skipped,
        sql.entry.rejected,
        sql.entry.salvaged,
    )


@pytest.mark.parametrize("seed", range(6))
def test_odd_cells_and_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    data = (head("conn", CONN) + _records(seed) + CLOSE).encode("latin-1")
    _assert_same(*_both(tmp_path, monkeypatch, data), "connections")


def test_a_clean_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (head("conn", CONN) + tsv(*[CONN_1, CONN_2] * 300)).encode()
    _assert_same(*_both(tmp_path, monkeypatch, data), "connections")


def test_sets_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = [*DNS_1[:-2], "(empty)", "-"]
    data = (head("dns", DNS) + tsv(*[DNS_1, empty] * 200)).encode()
    _assert_same(*_both(tmp_path, monkeypatch, data), "dns_queries")


def test_another_unset_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = ["1772528400.5", "C1", "bad", "", "F", "z"]
    data = (head("weird", WEIRD, unset="") + tsv(*[record] * 200)).encode()
    _assert_same(*_both(tmp_path, monkeypatch, data), "runtime_alerts")


@pytest.mark.parametrize("duration", ["inf", "nan", "1e300", "-1e300"])
def test_a_duration_without_end(tmp_path: Path, duration: str) -> None:
    row = load(tmp_path, head("conn", CONN) + tsv([*CONN_1[:8], duration, *CONN_1[9:]])).row("connections")
    assert row["end_time"] is None


def _batch(texts: list[str]) -> pa.RecordBatch:
    count = len(texts)
    whole = [pa.array([0] * count, kind) for kind in SCHEMA.types[:4]]
    return pa.record_batch([*whole, pa.array([False] * count), pa.array(texts, pa.string())], schema=SCHEMA)


@pytest.mark.parametrize("kind", ["INTEGER", "BIGINT", "DOUBLE"])
def test_a_number_is_read_as_the_engine_reads_it(kind: str) -> None:
    """Where cells are given for a line, its numbers are those of try_cast."""
    texts = ["".join(item) for size in (1, 2, 3) for item in itertools.product("019.-+exX_ nI", repeat=size)]
    texts += ["inf", "Infinity", "nan", "1e400", "9223372036854775808", "-2147483649", "0" * 40, "0x5  ", "1" * 400]
    cells = Cells(2, {1: "VARCHAR", 2: kind}, 1, "-")
    read = {text: cells(_batch([f"1\t{text}\n"]))[0].as_py() for text in texts}
    given = {text: cell["c2"] for text, cell in read.items() if cell is not None}
    assert len(given) > 70
    rows = duckdb.execute(
        f"select t, try_cast(nullif(t, '-') as {kind}) from unnest($texts) as x(t)", {"texts": list(given)}
    ).fetchall()
    assert [(text, repr(given[text])) for text, _ in rows] == [(text, repr(value)) for text, value in rows]
