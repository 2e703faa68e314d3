"""Lines out of bytes: numbers, offsets, sections, salvage, over any block size."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

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
