"""Lines out of bytes: numbers, offsets, sections, salvage, over any block size."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics import lines
from forensics.errors import EvidenceError
from forensics.lines import Progress, batches, read_ranges

BYTES = st.lists(
    st.sampled_from(
        [b"a", b"\n", b"\r", b"\x00", "é".encode(), b"\xff", b"\xe9", b"\xef\xbb\xbf", "\U0001f600".encode()]
    ),
    max_size=40,
).map(b"".join)


def read(path: Path, progress: Progress | None = None, starts: tuple[int, ...] = (1,)) -> list[dict[str, Any]]:
    return [row for batch in batches(path, progress or Progress(), starts) for row in batch.to_pylist()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES, block=st.integers(1, 9), packed=st.booleans())
def test_any_bytes_in_any_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, block: int, packed: bool
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(data) if packed else data)
    progress = Progress()
    rows = read(path, progress)
    expected = data.split(b"\n")
    raw = [line + b"\n" for line in expected[:-1]] + ([expected[-1]] if expected[-1] else [])
    assert [row["record_no"] for row in rows] == list(range(1, len(raw) + 1))
    assert [data[row["record_offset"] : row["record_offset"] + row["record_length"]] for row in rows] == raw
    for row, line in zip(rows, raw, strict=True):
        line = line.removeprefix(b"\xef\xbb\xbf") if row["record_no"] == 1 else line  # noqa: PLW2901 - the mark is no text
        assert row["line"] == line.decode("utf-8", "backslashreplace")
        assert row["salvaged"] == (line.decode("utf-8", "replace") != line.decode("utf-8", "backslashreplace"))
    assert progress.lines == len(raw)
    assert progress.identity is not None
    assert progress.identity.content_size == len(data)
    ranges = [(row["record_offset"], row["record_length"]) for row in rows]
    assert list(read_ranges(path, ranges)) == raw


def test_sections(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\nb\nc\nd\n")
    assert [row["section"] for row in read(path, starts=(2, 4))] == [-1, 0, 0, 1]


def test_json_escapes_stay_json(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b'{"a": "\xff"}')
    assert read(path, Progress(escape="jsonbackslash"))[0]["line"] == '{"a": "\\\\xff"}'


def test_a_reader_that_is_left_early_ends_its_thread(tmp_path: Path) -> None:
    import threading

    path = tmp_path / "x"
    path.write_bytes(b"line\n" * 5_000_000)
    before = threading.active_count()
    stream = batches(path, Progress())
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_what_fails_in_the_thread_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        read(tmp_path / "nothing")


def test_ranges_behind_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert list(read_ranges(path, [(0, 2), (1, 2)])) == [b"ab", b"bc"]
    assert list(read_ranges(path, [(0, 3)], limit=1)) == [b"a"]
    with pytest.raises(EvidenceError, match="ends before byte 5"):
        list(read_ranges(path, [(2, 3)]))


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"line\n" * 1000)
    seen: list[int] = []
    read(path, Progress(notify=seen.append))
    assert sum(seen) == 5000
