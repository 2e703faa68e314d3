"""Application logs as text: layouts, stack traces over several lines, what is refused, growth, raw records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics import importers
from forensics.case import create
from forensics.errors import UsageError
from forensics.importers.contract import Head
from forensics.ingest import Options, ingest
from forensics.investigate.show import Selection, raw_records
from tests.ingest.helpers import Loaded, at, attributes, load

# What a logger writes; level, logger, thread and message by hand.
LAYOUTS: dict[str, tuple[str, tuple[str | None, str | None, str | None, str]]] = {
    "Log4j": ("2026-03-03 09:00:00,500 ERROR [main] com.shop.Cart - no stock", ("ERROR", "com.shop.Cart", "main", "no stock")),
    "Logback": ("2026-03-03 09:00:00.500 [exec-1 a] WARN  c.s.Cart - no: stock", ("WARN", "c.s.Cart", "exec-1 a", "no: stock")),
    "Spring Boot 2": ("2026-03-03 09:00:00.500  INFO 1 --- [nio-8080-exec-1] c.s.Cart                 : a : b", ("INFO", "c.s.Cart", "nio-8080-exec-1", "a : b")),
    "Spring Boot 3": ("2026-03-03T10:00:00.500+01:00  INFO 1 --- [shop] [   main] c.s.Cart : a", ("INFO", "c.s.Cart", "main", "a")),
    "Python": ("2026-03-03 09:00:00,500 - shop.cart - ERROR - a - b", ("ERROR", "shop.cart", None, "a - b")),
    "Python, level first": ("2026-03-03 09:00:00,500 ERROR cart: a", ("ERROR", "cart", None, "a")),
    "Python, level only": ("2026-03-03 09:00:00,500 - DEBUG - a", ("DEBUG", None, None, "a")),
    "Flask": ("[2026-03-03 09:00:00,500] ERROR in app: Exception on / [GET]", ("ERROR", "app", None, "Exception on / [GET]")),
    "gunicorn": ("[2026-03-03 09:00:00.5 +0000] [12] [INFO] Booting", ("INFO", None, "12", "Booting")),
    "Celery": ("[2026-03-03 09:00:00,500: INFO/MainProcess] a", ("INFO", None, None, "a")),
    "Go": ("2026/03/03 09:00:00.500000 main.go:7: error: a", (None, None, None, "main.go:7: error: a")),
    "Ruby": ("E, [2026-03-03T09:00:00.500000 #7] ERROR -- shop: a", ("ERROR", "shop", None, "a")),
    "Ruby without a program": ("I, [2026-03-03T09:00:00.500000 #7]  INFO -- : a", ("INFO", None, None, "a")),
    "Rails": ("[2026-03-03T09:00:00.5Z] ERROR a", ("ERROR", None, None, "a")),
    "Serilog": ("2026-03-03 10:00:00.500 +01:00 [ERR] a", ("ERR", None, None, "a")),
    "NLog": ("2026-03-03 09:00:00.5000|WARN|Shop.Cart|a|b", ("WARN", "Shop.Cart", None, "a|b")),
    "Laravel": ('[2026-03-03 09:00:00.5] production.ERROR: a {"b":1}', ("ERROR", "production", None, 'a {"b":1}')),
    "PostgreSQL": ("2026-03-03 09:00:00.500 UTC [7] ERROR:  a: b", ("ERROR", None, "7", "a: b")),
    "nginx": ("2026/03/03 09:00:00.5 [error] 12#12: *1 open() failed", ("error", None, None, "12#12: *1 open() failed")),
    "an exception is no logger": ("2026-03-03 09:00:00,500 ERROR ValueError: a", ("ERROR", None, None, "ValueError: a")),
    "no layout": ("2026-03-03 09:00:00,500 Information for all: none", (None, None, None, "Information for all: none")),
    "other letters": ("2026-03-03 09:00:00,500 ERROR [größe-日] a.B - é日", ("ERROR", "a.B", "größe-日", "é日")),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""], ids=["LF", "CRLF", "none"])
def test_layouts(tmp_path: Path, layout: str, end: str) -> None:
    line, (level, logger, thread, message) = LAYOUTS[layout]
    loaded = load(tmp_path, line + end)
    assert (loaded.entry.format, loaded.entry.rejected) == ("app-text", 0)
    row = loaded.row("app_logs")
    assert (row["log_level"], row["logger_name"], row["message"]) == (level, logger, message)
    assert attributes(row).get("thread_name") == thread
    assert (row["time"], row["observer"]) == (at("2026-03-03T09:00:00.5"), "app")
    assert row["time_raw"] in line
    assert row["exception_stacktrace"] is None


HEAD = "2026-03-03 09:00:00,500 ERROR [main] a.B - failed\n"
TRACES: dict[str, tuple[str, tuple[str | None, str | None]]] = {
    "Java": ("java.lang.IllegalStateException: no stock\n\tat a.B.c(B.java:7)\nCaused by: java.io.IOException: gone\n\t... 3 more", ("java.lang.IllegalStateException", "no stock")),
    "Java without a message": ("java.lang.NullPointerException\n\tat a.B.c(B.java:7)", ("java.lang.NullPointerException", None)),
    "a name of one's own": ("com.shop.OutOfStock: cart 7\n\tat a.B.c(B.java:7)", ("com.shop.OutOfStock", "cart 7")),
    "Python": ('Traceback (most recent call last):\n  File "a.py", line 7, in b\n    c()\nValueError: no stock', ("ValueError", "no stock")),
    "Go": ("panic: no stock\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7", ("panic", "no stock")),
    ".NET": ("System.InvalidOperationException: no stock\n   at Shop.Cart.Add() in /src/Cart.cs:line 7\n--- End of stack trace ---", ("System.InvalidOperationException", "no stock")),
    "Node": ("TypeError: x is not a function\n    at add (/app/cart.js:7:1)", ("TypeError", "x is not a function")),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_stack_traces(tmp_path: Path, name: str, end: str) -> None:
    trace, (kind, message) = TRACES[name]
    loaded = load(tmp_path, (f"{HEAD}{trace}\n\n{HEAD}").replace("\n", end))
    first, second = loaded.rows("app_logs")
    assert (first["message"], first["exception_type"], first["exception_message"]) == ("failed", kind, message)
    assert first["exception_stacktrace"] == trace
    assert second["record_no"] == 3 + trace.count("\n") + 1
    assert (second["record_offset"], second["message"]) == (len((f"{HEAD}{trace}\n\n").replace("\n", end)), "failed")
    assert loaded.entry.skipped == {"continued": trace.count("\n") + 2}
    assert (loaded.entry.records, loaded.entry.accepted) == (trace.count("\n") + 4, 2)


def test_the_exception_in_the_first_line(tmp_path: Path) -> None:
    """Node and Ruby write the exception as the message."""
    node = "2026-03-03 09:00:00,500 ERROR TypeError: x\n    at add (/app/cart.js:7:1)\n"
    ruby = "E, [2026-03-03T09:00:00.5 #7] ERROR -- : undefined method `x' for nil (NoMethodError)\na.rb:7:in `y'\n"
    rows = load(tmp_path, node + ruby).rows("app_logs")
    found = [(row["message"], row["exception_type"], row["exception_message"]) for row in rows]
    assert found == [
        ("TypeError: x", "TypeError", "x"),
        ("undefined method `x' for nil (NoMethodError)", "NoMethodError", "undefined method `x' for nil"),
    ]
    assert rows[0]["exception_stacktrace"] == "TypeError: x\n    at add (/app/cart.js:7:1)"


def test_a_message_of_several_lines(tmp_path: Path) -> None:
    rows = load(tmp_path, HEAD.strip() + "\nsecond\n\n  third\n" + HEAD).rows("app_logs")
    assert [row["message"] for row in rows] == ["failed\nsecond\n\n  third", "failed"]
    assert rows[0]["exception_stacktrace"] is None


def test_what_is_refused(tmp_path: Path) -> None:
    """Lines before the first stamp, JSON of another logger, and a stamp that is no time; blank lines in front are blank."""
    bad = "2026-13-03 09:00:00 ERROR no time\n  its second line\n"
    loaded = load(tmp_path, "\nbanner\n\tat nothing\n" + HEAD + "more\n" + '{"level": "info"}\n' + bad + HEAD * 9)
    assert loaded.reasons() == [
        (2, "no date and time at its beginning"),
        (3, "no date and time at its beginning"),
        (6, "no date and time at its beginning"),
        (7, "the time cannot be read"),
    ]
    assert loaded.rows("rejects")[3]["raw"].decode() == bad
    assert loaded.numbers("app_logs") == [4, *range(9, 18)]
    assert loaded.entry.skipped == {"blank": 1, "continued": 2}


def test_hostile_bytes_stay_in_their_record(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + HEAD.encode() + b"a\x00b\rc\xff\n\x00\n" + HEAD.encode()
    loaded = load(tmp_path, data)
    first, second = loaded.rows("app_logs")
    assert first["message"] == "failed\na\x00b\rc\\xff\n\x00"
    assert attributes(first)["_salvaged"] is True
    assert (second["record_no"], second["record_offset"]) == (4, data.rindex(b"2026"))


def test_a_record_over_the_limit_is_refused_and_its_neighbours_are_not(tmp_path: Path) -> None:
    long = HEAD.encode() + (b"y" * 1023 + b"\n") * (33 << 10)
    loaded = load(tmp_path, HEAD.encode() + long + HEAD.encode())
    (reject,) = loaded.rows("rejects")
    assert (reject["record_no"], reject["reason"]) == (2, "longer than 32 MiB")
    assert (reject["record_length"], reject["raw"]) == (len(long), long[: 64 << 10])
    assert loaded.numbers("app_logs") == [1, 3 + (33 << 10)]


def test_records_over_many_blocks(tmp_path: Path) -> None:
    """Each record is 1.1 MB: most blocks of 4 MiB end within one."""
    trace = TRACES["Java"][0] + "\n" + "\tat a.B.c(B.java:7)\n" * 55_000
    loaded = load(tmp_path, "".join(f"{HEAD.strip()} {number}\n{trace}" for number in range(20)))
    rows = loaded.rows("app_logs")
    assert [row["message"] for row in rows] == [f"failed {number}" for number in range(20)]
    assert {row["exception_stacktrace"] for row in rows} == {trace.rstrip()}
    assert loaded.numbers("app_logs") == [1 + number * (5 + 55_000) for number in range(20)]


# Growth

WHOLE = HEAD + TRACES["Java"][0] + "\n" + HEAD.strip() + " again\nsecond line\n\n" + '{"a": 1}\n' + HEAD + TRACES["Python"][0] + "\n" + HEAD  # fmt: skip


def rows_of(loaded: Loaded) -> list[dict[str, Any]]:
    ids = {entry.id for entry in loaded.case.ledger() if entry.status == "ingested"}
    found = [*loaded.rows("app_logs"), *loaded.rows("rejects")]
    assert {row["evidence_id"] for row in found} <= ids
    return sorted(({**row, "evidence_id": ""} for row in found), key=lambda row: row["record_no"])


@pytest.mark.parametrize("cut", range(len(HEAD) - 1, len(WHOLE), 7))
def test_grown_anywhere(tmp_path: Path, cut: int) -> None:
    """Cut within a line, between the lines of a record, between records: the tables are those of the whole file."""
    path = tmp_path / "logs" / "app.log"
    path.parent.mkdir()
    grown, whole = create(tmp_path / "a.case"), create(tmp_path / "b.case")
    path.write_text(WHOLE[:cut])
    ingest(grown, [path], Options())
    path.write_text(WHOLE)
    entries = ingest(grown, [path], Options())
    expected = Loaded(whole, ingest(whole, [path], Options()))
    assert rows_of(Loaded(grown, entries)) == rows_of(expected)
    held = [entry for entry in grown.ledger() if entry.status == "ingested"]
    assert sum(entry.records for entry in held) == WHOLE.count("\n")
    assert sum(entry.accepted for entry in held) == 4


def test_records_that_are_whole_are_continued(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    case = create(tmp_path / "a.case")
    path.write_text(HEAD * 3 + "more\n")
    first = ingest(case, [path], Options())[0]
    path.write_text(HEAD * 3 + "more\n" + HEAD)
    (second,) = ingest(case, [path], Options())
    assert (second.continues, second.first_record, second.records) == (first.id, 5, 1)
    assert [line.data.decode() for line in raw_records(case, Selection(second, [(5, 5)]))] == [HEAD.strip()]


# Raw records


def test_the_whole_record_is_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, WHOLE)
    numbers = loaded.numbers("app_logs")
    assert numbers == [1, 6, 10, 15]
    shown = list(raw_records(loaded.case, Selection(loaded.entry, [(1, 1), (9, 10)])))
    parts = WHOLE.split("\n")
    assert [(line.number, line.data.decode()) for line in shown] == [
        (number, parts[number - 1]) for number in (*range(1, 6), *range(9, 15))
    ]
    around = list(raw_records(loaded.case, Selection(loaded.entry, [(6, 6)]), 1))
    assert [(line.number, line.wanted) for line in around] == [(5, False), (6, True), (7, True), (8, True), (9, False)]
    assert [line.number for line in raw_records(loaded.case, Selection(loaded.entry, [(15, 15)]))] == [15]


def test_no_record_begins_at_a_continued_line(tmp_path: Path) -> None:
    loaded = load(tmp_path, WHOLE)
    with pytest.raises(UsageError, match="begins at line 3") as caught:
        list(raw_records(loaded.case, Selection(loaded.entry, [(3, 4)])))
    assert "the number of its first" in caught.value.hint


# Recognition

OTHERS = {
    "container log": "2026-03-03T09:00:00.123456789Z stdout F started\n",
    "Envoy": '[2026-03-03T09:00:00.310Z] "POST /api HTTP/2" 204 - 154 0 226\n',
    "IIS": "#Fields: date time s-ip cs-method\n2026-03-03 09:00:00 10.0.0.1 GET\n",
    "flows": "2026-03-03 09:00:00 10.0.0.1 10.0.0.2 443\n",
    "CSV": "2026-03-03 09:00:00,10.0.0.1,443\n",
    "dates": "2026-03-03 a\n2026-03-04 b\n",
    "notes": "# Log\n\nsome words\nmore words\n2026-03-03 09:00:00 written\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_application_log(name: str) -> None:
    assert importers.by_name("app-text").recognise(Head(OTHERS[name].encode() * 5, complete=True)) == 0


def test_most_lines_may_be_of_stack_traces() -> None:
    data = (HEAD + TRACES["Java"][0] + "\n" + "\tat a.B.c(B.java:7)\n" * 12) * 5
    found = importers.recognise(Head(data.encode()))
    assert found is not None
    assert found.name == "app-text"


def test_lines_of_an_access_log_are_refused_not_taken_for_the_rest_of_a_record(tmp_path: Path) -> None:
    access = '203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8.5"\n'
    loaded = load(tmp_path, HEAD + "quoted:\n\t" + access + access + HEAD * 9 + access.strip())
    assert [number for number, _ in loaded.reasons()] == [4, 14]
    assert loaded.rows("app_logs")[0]["message"] == "failed\nquoted:\n\t" + access.strip()


def test_what_begins_a_record_is_told_of_any_bytes() -> None:
    import re
    from itertools import pairwise

    import numpy as np
    from hypothesis import given, settings
    from hypothesis import strategies as st

    from forensics.importers.app_text import begins

    shape = rb"(?:\[|.,.\[)?\d{4}([-/])\d\d\1\d\d[T ]\d\d:\d\d|\{\".|[!-\xff][^\n]{0,255}?(?<=.)\[\d\d/[:-\xff]{3}/|\[\d\d/[:-\xff]{3}/"
    piece = st.sampled_from([b"2026-03-03 09:00", b"2026/03/03T09:00", b"[", b"E, [", b"\n", b"x", b" ", b"[03/Mar/", b'{"', b"\xff", b"9", b"/"])  # fmt: skip

    @settings(max_examples=500, deadline=None)
    @given(st.lists(piece, min_size=1, max_size=12).map(b"".join))
    def check(data: bytes) -> None:
        ends = [index + 1 for index, letter in enumerate(data) if letter == 10]
        ends += [len(data)] if not ends or ends[-1] != len(data) else []
        bounds = np.array([0, *ends])
        lines = [data[start:end] for start, end in pairwise(bounds)]
        found = begins(np.frombuffer(data, np.uint8), bounds[:-1], bounds[1:])
        assert found.tolist() == [bool(re.match(shape, line, re.DOTALL)) for line in lines]

    check()
