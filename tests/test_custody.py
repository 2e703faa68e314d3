"""Hash-chained logs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from forensics.custody import FIRST, append, verify
from forensics.errors import IntegrityError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "custody.jsonl"
    for number in range(4):
        append(path, "ingest", {"files": number, "text": "a\nb\r\u2028ü"})
    return path


def test_each_line_holds_the_hash_of_the_one_before(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    entries = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4]
    assert entries[0]["prev"] == FIRST
    assert [entry["prev"] for entry in entries[1:]] == [hashlib.sha256(line).hexdigest() for line in lines[:-1]]
    chain = verify(log)
    assert (chain.length, chain.head) == (4, hashlib.sha256(lines[-1]).hexdigest())
    assert log.stat().st_mode & 0o777 == 0o600


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    assert (verify(tmp_path / "x").length, verify(tmp_path / "x").head) == (0, FIRST)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b'"files":1', b'"files":9', 3),
        (b'"seq":2', b'"seq":5', 2),
        (b'"action":"ingest"', b'"action":"nothing"', 2),
        (b"{", b"[", 1),
    ],
)
def test_a_change_shows(log: Path, old: bytes, new: bytes, line: int) -> None:
    log.write_bytes(log.read_bytes().replace(old, new, 1))
    with pytest.raises(IntegrityError, match=f"changed at line {line}") as caught:
        verify(log)
    assert caught.value.location is not None
    assert caught.value.location.line == line
    with pytest.raises(IntegrityError):
        append(log, "more", {})


@pytest.mark.parametrize(("keep", "line"), [((0, 2, 3), 2), ((1, 2, 3), 1), ((0, 2, 1, 3), 2), ((0, 1, 1, 2, 3), 3)])
def test_lines_removed_moved_or_doubled_show(log: Path, keep: tuple[int, ...], line: int) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[number] for number in keep))
    with pytest.raises(IntegrityError, match=f"changed at line {line}"):
        verify(log)


@pytest.mark.parametrize("tail", [b"\n", b"{}\n", b"\xff\n", b"5\n"])
def test_what_was_added_by_others_shows(log: Path, tail: bytes) -> None:
    log.write_bytes(log.read_bytes() + tail)
    with pytest.raises(IntegrityError, match="changed at line 5"):
        verify(log)


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_was_not_finished_is_told_and_removed_by_the_next(log: Path, cut: int) -> None:
    """Power or a full disk ended the write: not a change by a person, who could as well have cut the whole line."""
    whole = log.read_bytes()
    log.write_bytes(whole[:-cut])
    chain = verify(log)
    last = whole.splitlines(keepends=True)[-1]
    assert (chain.length, chain.torn) == (3, len(last) - cut)
    append(log, "more", {})
    entries = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert [entry["action"] for entry in entries[3:]] == ["repair", "more"]
    assert entries[3]["details"] == {"unfinished_line_bytes": len(last) - cut}
    assert verify(log).length == 5


def test_a_clock_that_goes_backwards_is_written_down(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from forensics import custody

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003 - the signature
            return datetime(2001, 1, 1, tzinfo=UTC)

    before = verify(log).time
    monkeypatch.setattr(custody, "datetime", Earlier)
    append(log, "late", {})
    last = json.loads(log.read_bytes().splitlines()[-1])
    assert (last["time"], last["details"]) == ("2001-01-01T00:00:00+00:00", {"clock_went_back_from": before})
    assert verify(log).length == 5


def test_a_cut_tail_is_left_to_the_pin(log: Path) -> None:
    """The chain cannot see it: a package pins the last hash."""
    head = verify(log).head
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert verify(log).head != head
