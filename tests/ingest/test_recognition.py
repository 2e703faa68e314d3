"""A log is known by its content wherever its records begin; what stays unknown though it looks like a log is said aloud."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case import LedgerEntry
from forensics.errors import FormatError
from forensics.evidence import Source, windows
from forensics.evidence.windows import EVERY_LINE_BYTES, LOOKED_BYTES, MAX_LINE_BYTES, REACH_BYTES, WINDOW_BYTES
from forensics.importers.contract import Head
from forensics.ingest import head_of, recognition
from tests.end_to_end.harness import run
from tests.ingest.abuse import LOGS, Log, plain
from tests.ingest.helpers import lines, load, load_paths
from tests.ingest.test_growth import COMBINED, ENVOY, PACKERS, grow, start

LIMIT = 32 << 20
ZEEK_JSON = {"ts": 1772528400.5, "uid": "C1", "id.orig_h": "10.0.0.1", "proto": "tcp", "conn_state": "SF"}
NATIVE = {"time": "2026-03-03T09:00:00Z", "destination_address": "203.0.113.9", "destination_port": 443}
MORE = {
    "zeek-json": ("connections", lines(ZEEK_JSON) * 60),
    "native-ndjson": ("connections", lines(NATIVE) * 60),
    "native-csv": ("connections", "time,destination_address,destination_port\n" + "2026-03-03T09:00:00Z,203.0.113.9,443\n" * 60),
}  # fmt: skip


def banner(count: int) -> bytes:
    """Lines of another program."""
    return b"".join(b"Starting worker %d of the checkout service ...\n" % number for number in range(count))


FRONTS: dict[str, Callable[[], bytes]] = {
    "150 lines": lambda: banner(150),
    "5,000 lines": lambda: banner(5_000),
    "1.9 MB of lines": lambda: banner(40_000),
    "a line of 70 kB": lambda: b"x" * 70_000 + b"\n",
    "a line of 5 MB": lambda: b"{" * 5_000_000 + b"\n",
    "a line over the limit": lambda: b"y" * (LIMIT + 5) + b"\n",
    "zeros, as copytruncate leaves them": lambda: bytes(3_000_000) + b"\n",
    "lines of 20 kB": lambda: (b"z" * 20_000 + b"\n") * 40,
}


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_log_behind_other_lines(tmp_path: Path, log: Log, front: str) -> None:
    """Every record is there, every foreign line is a reject; checked with the plain reader."""
    data = FRONTS[front]() + start(log, 1, 120).removeprefix(b"\xef\xbb\xbf")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "x").write_bytes(data)
    loaded = load_paths(tmp_path, folder)
    entry, found = loaded.entry, list(plain(log, data, LIMIT))
    assert (entry.status, entry.format, entry.records) == ("ingested", log.name, len(found))
    assert loaded.numbers("rejects") == [number for number, _, _, fate in found if fate == "reject"]
    assert loaded.numbers(log.table) == [number for number, _, _, fate in found if fate in ("row", "salvaged")]
    assert all(reason for _, reason in loaded.reasons())


@pytest.mark.parametrize("name", MORE)
def test_other_formats_behind_other_lines(tmp_path: Path, name: str) -> None:
    table, text = MORE[name]
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "x").write_bytes(banner(3_000) + text.encode())
    loaded = load_paths(tmp_path, folder)
    assert (loaded.entry.format, loaded.entry.accepted, loaded.entry.rejected) == (name, 60, 3_000)
    assert loaded.numbers("rejects") == list(range(1, 3_001))
    assert len(loaded.rows(table)) == 60


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_and_in_an_archive(tmp_path: Path, kind: str) -> None:
    data = banner(3_000) + start(COMBINED, 1)
    loaded = load(tmp_path, PACKERS[kind](data))
    assert (loaded.entry.format, loaded.entry.records) == ("combined", 3_060)


def test_samples_whose_every_line_is_long(tmp_path: Path) -> None:
    """Bodies of 100 kB: there is no whole line in the first 64 KiB."""
    body = "x" * 100_000
    record = {
        "time": "2026-03-03T09:00:00Z",
        "request": {"method": "GET", "url": "/"},
        "response": {"status": 200, "body": body},
    }
    loaded = load(tmp_path, lines(record) * 30)
    assert (loaded.entry.format, loaded.entry.accepted) == ("exchange", 30)


def test_keys_of_the_window_are_mapped(tmp_path: Path) -> None:
    """The plan is made for the lines by which the log was known: `own` is a key of theirs."""
    loaded = load(tmp_path, banner(3_000) + start(ENVOY, 1).removeprefix(b"\xef\xbb\xbf"))
    assert '"own":' in loaded.rows("http_requests")[0]["attributes"]
    assert loaded.entry.unmapped_keys == sum(
        "_unmapped_keys" in (row["attributes"] or "") for row in loaded.rows("http_requests")
    )
    assert loaded.entry.unmapped_keys < 10


def test_a_line_of_many_keys_does_not_stop_the_engine(tmp_path: Path) -> None:
    record = '{"start_time": "2026-03-03T09:00:00Z", "method": "GET", "response_code": 200, "response_flags": "-"%s}\n'
    many = "".join(f', "k{number}": 1' for number in range(100_000))
    loaded = load(tmp_path, record % many + record % "" * 50)
    assert (loaded.entry.format, loaded.entry.accepted, loaded.entry.unmapped_keys) == ("envoy-json", 51, 1)


def test_a_forced_format_uses_the_lines_that_are_of_it(tmp_path: Path) -> None:
    loaded = load(tmp_path, banner(3_000) + MORE["zeek-json"][1].encode(), format="zeek-json")
    assert (loaded.entry.accepted, loaded.entry.rejected) == (60, 3_000)


def test_a_log_that_grows_behind_a_banner_is_continued(tmp_path: Path) -> None:
    whole = banner(300) + start(COMBINED, 1, 120)
    cut = whole.index(b"\n", len(whole) * 3 // 4) + 1
    loaded = grow(tmp_path, COMBINED, {"x.log": whole[:cut]}, {"x.log": whole})
    assert loaded.entry.continues


def test_a_log_that_begins_to_be_known_later(tmp_path: Path) -> None:
    """First only the banner was there."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "x.log").write_bytes(banner(300))
    assert load_paths(tmp_path, folder).entry.status == "unrecognised"
    (folder / "x.log").write_bytes(banner(300) + start(COMBINED, 1))
    assert load_paths(tmp_path, folder).entry.records == 360


def test_a_known_head_costs_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "windows", lambda _: pytest.fail("the head was enough"))
    for log in LOGS:
        assert load(tmp_path / log.name, start(log, 1)).entry.format == log.name


def starting(count: int) -> bytes:
    """Lines of a program that starts, as any program writes them."""
    return b"".join(b"2026-03-03 08:59:59,500 INFO [main] a.B - step %d\n" % number for number in range(count))


@pytest.mark.parametrize("count", [100, 190, 400])
@pytest.mark.parametrize("log", [ENVOY, COMBINED], ids=lambda log: log.name)
def test_an_access_log_behind_an_application_log(tmp_path: Path, log: Log, count: int) -> None:
    """The lines of the program are refused and told; else the access log would be lines that go on after them."""
    front = starting(count) + banner(count // 5)
    data = front + start(log, 1, 300).removeprefix(b"\xef\xbb\xbf")
    loaded = load(tmp_path, data)
    assert loaded.entry.format == log.name
    assert loaded.numbers(log.table)[0] > front.count(b"\n")


def test_an_application_log_behind_other_lines(tmp_path: Path) -> None:
    data = banner(3_000) + starting(500)
    loaded = load(tmp_path, data)
    assert (loaded.entry.format, loaded.entry.accepted, loaded.entry.rejected) == ("app-text", 500, 3_000)


def test_an_application_log_stays_one_though_it_holds_some_lines_of_others(tmp_path: Path) -> None:
    """A piece of JSON lines of a logger in a text log does not make it a JSON log."""
    burst = lines({"time": "2026-03-03T09:00:00Z", "level": "info", "msg": "m" * 200}) * 120
    loaded = load(tmp_path, starting(150) + banner(30) + burst.encode() + starting(9_000))
    assert (loaded.entry.format, loaded.entry.accepted, loaded.entry.rejected) == ("app-text", 9_150, 120)


# How far it looks


def big(path: Path, size: int, line: bytes) -> Path:
    with path.open("wb") as file:
        for _ in range(size // len(line)):
            file.write(line)
    return path


@pytest.mark.parametrize("line", [b"a" * 79 + b"\n", b"b" * 900_000 + b"\n", b"\n", b"c" * 9_000_000 + b"\n"], ids=len)
def test_windows_are_bounded(tmp_path: Path, line: bytes) -> None:
    path = big(tmp_path / "x", 2 * REACH_BYTES, line)
    tracemalloc.start()
    sizes = [len(window) for window, _ in windows(path)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) <= LOOKED_BYTES + MAX_LINE_BYTES
    assert all(size <= max(WINDOW_BYTES, len(line)) for size in sizes)
    assert bool(sizes) == (len(line) <= MAX_LINE_BYTES)
    assert peak < 6 * MAX_LINE_BYTES


def test_windows_hold_every_line_at_first(tmp_path: Path) -> None:
    data = b"".join(b"%d\n" % number * (number % 7) for number in range(100_000))[: EVERY_LINE_BYTES // 2]
    (tmp_path / "x").write_bytes(data)
    found = list(windows(tmp_path / "x"))
    assert b"".join(window for window, _ in found) == data
    assert all(wider.startswith(window) for window, wider in found)


def test_windows_of_random_lines_are_whole_lines(tmp_path: Path) -> None:
    draw = random.Random(5)  # noqa: S311 - a fixed sequence is wanted
    parts = [b"%d " % number + b"x" * draw.choice([0, 10, 3_000, 40_000, 600_000, 5_000_000]) for number in range(60)]
    (tmp_path / "x").write_bytes(b"\n".join(parts))
    known = {part + b"\n" for part in parts} | {parts[-1]}
    for window, _ in windows(tmp_path / "x"):
        assert set(window.splitlines(keepends=True)) <= known


# What stays unknown

UNKNOWN: dict[str, tuple[bytes, str]] = {
    "app.log": (
        b"".join(b"Mar  3 09:00:%02d host shop: request %d handled\n" % (number % 60, number) for number in range(500)),
        "it looks like a log: 200 of 200 lines looked at carry a time or are JSON",
    ),
    "app.json": (b'{"level": "info", "message": "started"}\n' * 20, "it looks like a log: 20 of 20 lines"),
    "mixed.log": (
        b"".join(line + b"\n" + banner(9) for line in start(COMBINED, 1).split(b"\n")[:30]),
        "lines looked at are like combined: --format combined takes them",
    ),
    "dump.txt": (banner(30_000), "it is text of at least 1."),
    "utf-16.log": (start(COMBINED, 1).decode("latin-1").encode("utf-16"), "UTF-16: convert it to UTF-8"),
}  # fmt: skip
HARMLESS = {
    "README.md": b"# Exports\n\nTaken 2026-03-03 09:00 by hand.\n",
    "photo.jpg": b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(1_500_000),  # noqa: S311 - a fixed sequence is wanted
    "empty": b"",
    "notes.txt": banner(200),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, data in {**{name: data for name, (data, _) in UNKNOWN.items()}, **HARMLESS}.items():
        (folder / name).write_bytes(data)
    (folder / "access.log").write_bytes(start(COMBINED, 2, 300).replace(b"garbage", b""))
    return folder


def by_name(entries: list[LedgerEntry]) -> dict[str, LedgerEntry]:
    return {entry.name: entry for entry in entries}


def test_what_looks_like_a_log_is_marked_with_the_reason(folder: Path) -> None:
    entries = by_name(load_paths(folder.parent, folder).entries)
    assert {name for name, entry in entries.items() if entry.may_hold_records} == UNKNOWN.keys()
    for name, (_, note) in UNKNOWN.items():
        assert entries[name].status == "unrecognised"
        assert note in entries[name].note, entries[name].note
    assert {entries[name].note for name in HARMLESS} == {"no importer claims its content", "empty file"}


def test_the_person_is_told_on_the_terminal_and_in_the_report(folder: Path) -> None:
    """A line of its own, though it is no error: nobody may take the verdict for one over these files."""
    (folder / "access.log").unlink()
    (folder / "good.log").write_bytes(b"".join(COMBINED.good(random.Random(n)) + b"\n" for n in range(50)))  # noqa: S311 - fixed
    case = folder.parent / "a.case"
    done = run("review", folder, "--case", case)
    assert done.code == 0
    sentence = f"may hold records, but of no known format: {', '.join(sorted(UNKNOWN))}"
    assert sentence in done.out
    page = (case / "reports" / "report.html").read_text()
    assert sentence in page
    assert "--format combined takes them" in page
    assert "--format combined takes them" in run("status", case).out


def test_a_named_file_is_an_error_that_says_what_it_is_like(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="lines looked at are like combined"):
        load(tmp_path, UNKNOWN["mixed.log"][0])


def test_two_formats_that_fit_alike_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.importers.combined.recognise", lambda head: 50 * ("AB" in head.text))
    monkeypatch.setattr("forensics.importers.exchange.recognise", lambda head: 50 * ("AB" in head.text))
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "x").write_bytes(b"AB\n")
    entry = load_paths(tmp_path, folder).entry
    assert (entry.note, entry.may_hold_records) == ("combined and exchange fit alike: name one with --format", True)


NOISE = random.Random(2).randbytes(3 << 20)  # noqa: S311 - a fixed sequence is wanted


@pytest.mark.parametrize("data", [banner(37_500), NOISE, b"{\n" * 1_000_000, b'{"a":' * 700_000], ids=range(4))
def test_junk_is_looked_at_in_bounded_memory(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    source = Source(path, "x", named=False)
    head = head_of(source)
    assert isinstance(head, Head)
    tracemalloc.start()
    assert recognition.choose(source, head).importer is None
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()
