"""Lines out of bytes: numbers, offsets, sections, salvage, over any block size."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics import lines
from forensics.errors import EvidenceError
from forensics.evidence import Identity, Mark, NotGrownError
from forensics.lines import Progress, batches

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
    progress = Progress(raw=True)
    rows = read(path, progress)
    expected = data.split(b"\n")
    every = [line + b"\n" for line in expected[:-1]] + ([expected[-1]] if expected[-1] else [])
    texts = [line.removeprefix(b"\xef\xbb\xbf") if not index else line for index, line in enumerate(every)]
    kept = [index for index, line in enumerate(texts) if line.strip(b" \t\r\n")]
    raw = [every[index] for index in kept]
    assert [row["record_no"] for row in rows] == [index + 1 for index in kept]
    assert [row["raw"] for row in rows] == raw
    assert progress.blank == len(every) - len(raw)
    assert [data[row["record_offset"] : row["record_offset"] + row["record_length"]] for row in rows] == raw
    for row, line in zip(rows, raw, strict=True):
        line = line.removeprefix(b"\xef\xbb\xbf") if row["record_no"] == 1 else line  # noqa: PLW2901 - the mark is no text
        assert row["line"] == line.decode("utf-8", "backslashreplace")
        assert row["salvaged"] == (line.decode("utf-8", "replace") != line.decode("utf-8", "backslashreplace"))
    assert progress.lines == len(every)
    assert progress.ends_open == bool(expected[-1])
    assert progress.identity is not None
    assert progress.identity.content_size == len(data)


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
    before = set(threading.enumerate())
    stream = batches(path, Progress())
    next(stream)
    stream.close()
    assert set(threading.enumerate()) <= before


def test_what_fails_in_the_thread_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        read(tmp_path / "nothing")


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"line\n" * 1000)
    seen: list[int] = []
    read(path, Progress(notify=seen.append))
    assert sum(seen) == 5000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES, more=BYTES, block=st.integers(1, 9), packed=st.booleans())
def test_what_a_file_grew_by_is_read_as_of_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, more: bytes, block: int, packed: bool
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    path = tmp_path / "x"
    first = data + b"\n"
    path.write_bytes(gzip.compress(first + more) if packed else first + more)
    whole, grown = Progress(raw=True), Progress(raw=True)
    before = first.count(b"\n")
    grown.mark = Mark(len(first), hashlib.sha256(first).hexdigest(), before)
    expected = [row for row in read(path, whole) if row["record_no"] > before]
    assert read(path, grown) == expected
    assert grown.identity == whole.identity
    assert grown.lines == whole.lines


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("data", [b"", b"abc\nde", b"abd\ndef\n", b"abd\ndef\nmore\n"])
def test_a_file_that_did_not_grow_but_changed(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(data) if packed else data)
    mark = Mark(8, hashlib.sha256(b"abc\ndef\n").hexdigest(), 2)
    with pytest.raises(NotGrownError):
        read(path, Progress(mark=mark))


def test_a_file_that_grows_while_it_is_read_is_read_to_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"line\n" * 1000)
    progress = Progress()
    stream = batches(path, progress)
    with path.open("ab") as file:
        file.write(b"more\n" * 10)
    assert sum(batch.num_rows for batch in stream) in (1000, 1010)  # opened before or behind the writing
    again = Progress(size=5000)
    assert len(read(path, again)) == 1000
    digest = hashlib.sha256(b"line\n" * 1000).hexdigest()
    assert again.identity == Identity(digest, digest, 5000, 5000)


def test_headers_are_counted_and_not_given(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf#a\nb\n\n#c\n #d\n")
    progress = Progress(header=b"#")
    assert [(row["record_no"], row["line"]) for row in read(path, progress)] == [(2, "b\n"), (5, " #d\n")]
    assert (progress.headers, progress.blank, progress.lines) == (2, 1, 5)


def test_only_wanted_lines(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\nb\n\nc\nd\n")
    progress = Progress(wanted=lambda numbers: numbers % 2 == 0)
    assert [row["record_no"] for row in read(path, progress)] == [2, 4]


# Records of several lines


def begins(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Say that lines with an `a` in front begin a record."""
    return np.asarray((ends > starts) & (data[np.minimum(starts, len(data) - 1)] == ord("a")))


def joined(data: bytes) -> tuple[list[tuple[int, int, bytes]], int]:
    """Number, offset and bytes of each record, and how many lines there are: one by one."""
    parts = data.split(b"\n")
    every = [line + b"\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    records: list[tuple[int, int, bytes]] = []
    offset, is_open = 0, False
    for number, line in enumerate(every, 1):
        is_first = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).startswith(b"a")
        if is_open and not is_first:
            records[-1] = (*records[-1][:2], records[-1][2] + line)
        else:
            records.append((number, offset, line))
        is_open = is_open or is_first
        offset += len(line)
    return records, len(every)


RECORDS = st.lists(st.sampled_from([b"a", b"ab\n", b"x\n", b"\n", b" \n", b"\r\n", b"\x00", b"\xff", "é".encode(), b"\xef\xbb\xbf"]), max_size=30).map(b"".join)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=RECORDS, block=st.integers(1, 9), limit=st.sampled_from([4, 7, 20, 1000]))
def test_any_records_in_any_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, block: int, limit: int
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", limit)
    path = tmp_path / "x"
    path.write_bytes(data)
    progress = Progress(raw=True, begins=begins)
    rows = read(path, progress)
    records, count = joined(data)
    kept = [
        item for item in records if item[2].removeprefix(b"\xef\xbb\xbf" if item[0] == 1 else b"").strip(b" \t\r\n")
    ]
    assert [(row["record_no"], row["record_offset"], row["record_length"]) for row in rows] == [
        (number, offset, len(record)) for number, offset, record in kept
    ]
    for row, (number, _, record) in zip(rows, kept, strict=True):
        text = record.removeprefix(b"\xef\xbb\xbf") if number == 1 else record
        assert row["line"] == (text.decode("utf-8", "backslashreplace") if len(record) <= limit else None)
        assert row["raw"][: limit + 1] == record[: limit + 1]
    assert (progress.lines, progress.continued, progress.blank) == (
        count,
        count - len(records),
        len(records) - len(kept),
    )
    assert progress.ends_open == (bool(data) and not data.endswith(b"\n"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=RECORDS, more=RECORDS, block=st.integers(1, 9))
def test_records_that_a_file_grew_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, more: bytes, block: int
) -> None:
    """Read as of one whole, or, where the first line goes on with the last record before, read again as a whole."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    path, first = tmp_path / "x", data + b"\n"
    path.write_bytes(first + more)
    grown = Progress(raw=True, begins=begins)
    grown.mark = Mark(len(first), hashlib.sha256(first).hexdigest(), first.count(b"\n"))
    if more and not more.startswith(b"a"):
        with pytest.raises(NotGrownError):
            read(path, grown)
        return
    expected = [row for row in read(path, Progress(raw=True, begins=begins)) if row["record_no"] > grown.mark.records]
    assert read(path, grown) == expected


def test_a_record_of_a_gigabyte_is_held_in_part_only(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(b"a first\n")
        for _ in range(1024):
            file.write(b"x" * 1023 + b"\n" + b"y\n" * (1 << 19))
        file.write(b"a last\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    progress = Progress(begins=begins)
    rows = read(path, progress)
    assert [(row["record_no"], row["line"]) for row in rows] == [(1, None), (progress.lines, "a last\n")]
    assert progress.lines == 2 + 1024 * (1 + (1 << 19))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024
