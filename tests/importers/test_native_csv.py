r"""Hostile CSV against a reader of RFC 4180 that shares no code with the toolkit: damage stays where it is, every record is counted once."""

from __future__ import annotations

import csv
import io
import random
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.importers import _csv, native_csv
from forensics.importers.contract import Reject, Row, Skip
from tests.ingest.helpers import at, attributes, load

HEADER = b"time,metric_name,metric_value\n"
GOOD = b"2026-03-03T09:00:00Z,errors,%d\n"
BOUND = _csv.MAX_RECORD_BYTES


# What follows on a quote, a comma, a line feed, a carriage return and anything else; "" is an error, "end" the end of the record.
STEPS: dict[str, tuple[str, ...]] = {
    "begin": ("quoted", "begin", "end", "return", "plain"),
    "plain": ("", "begin", "end", "return", "plain"),
    "quoted": ("closed", "quoted", "quoted", "quoted", "quoted"),
    "closed": ("quoted", "begin", "end", "return", ""),
    "return": ("", "", "end", "", ""),
}
LENIENT = {**STEPS, "plain": ("plain", *STEPS["plain"][1:])}


def closes(data: bytes, start: int, limit: int, steps: dict[str, tuple[str, ...]]) -> int:
    """Walk byte by byte from `start`; return where the record ends, or 0 where it is not well-formed or goes beyond `limit`."""
    state = "begin"
    for place in range(start, min(limit, len(data))):
        state = steps[state]['",\n\r'.find(chr(data[place]))]  # -1, the last, where it is none of them
        if state in ("", "end"):
            return place + 1 if state else 0
    return len(data) if limit >= len(data) and state != "quoted" else 0


def plain(data: bytes, bound: int = BOUND) -> Iterator[tuple[int, int, int, bool]]:
    """Yield (line, start, end, well-formed) of every record behind the header line."""
    number, start = 2, data.index(b"\n") + 1
    while start < len(data):
        line_end = data.find(b"\n", start) + 1 or len(data)
        line = data[start:line_end]
        end = closes(data, start, max(line_end, start + bound), STEPS)
        if not end and closes(line, 0, len(line), LENIENT) == len(line):
            end = line_end
        yield number, start, end or line_end, bool(end) or not line.strip()
        number, start = number + data.count(b"\n", start, end or line_end), end or line_end


def check(data: bytes, bound: int = BOUND) -> None:
    """Numbers, places and fates are those of the plain reader; the sum is exact; every byte belongs to one record."""
    expected = list(plain(data, bound))
    items = list(native_csv.records(data))
    spans = list(native_csv.spans(data))
    assert spans[1:] == [(number, start, end) for number, start, end, _ in expected]
    assert [item.record_no for item in items[1:]] == [number for number, *_ in expected]
    assert b"".join(data[start:end] for _, start, end in spans) == data
    for item, (_, start, end, is_whole) in zip(items[1:], expected, strict=True):
        if isinstance(item, Reject):
            assert (item.raw, item.offset) == (data[start:end], start)
        assert is_whole or (isinstance(item, Reject) and item.reason.startswith("not CSV: ")), item
        assert not is_whole or not (isinstance(item, Reject) and item.reason.startswith("not CSV")), item


@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"\r\n", b"\r", b"a", b"\x00", b"\xff", b" "]), max_size=40))
def test_any_bytes_like_the_plain_reader(parts: list[bytes]) -> None:
    check(HEADER + b"".join(parts))


@given(st.lists(st.lists(st.text(st.sampled_from('",;\n\r ax\u65e5'), max_size=6), min_size=3, max_size=3), max_size=8))
def test_what_is_written_well_is_read_well(rows: list[list[str]]) -> None:
    """The standard writer makes it; the fields come back whole."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    data = HEADER + out.getvalue().encode()
    header = _csv.header(data, native_csv._dialect)
    assert header is not None
    found = list(_csv.records(data, header[0].layout, header[1]))[1:]
    assert [[field.decode() for field in record.fields] for record in found] == rows
    check(data)


def test_a_quote_that_never_closes_costs_one_line(tmp_path: Path) -> None:
    data = (
        HEADER + GOOD % 1 + b'2026-03-03T09:00:00Z,"errors,2\n' + b"".join(GOOD % number for number in range(3, 5_000))
    )
    check(data)
    loaded = load(tmp_path, data)
    assert loaded.numbers("metrics") == [2, *range(4, 5_001)]
    reject = loaded.row("rejects")
    assert (reject["record_no"], reject["reason"]) == (3, "not CSV: a quote that does not close (RFC 4180)")
    assert (reject["raw"], reject["record_offset"]) == (b'2026-03-03T09:00:00Z,"errors,2\n', len(HEADER + GOOD % 1))
    assert (loaded.entry.records, loaded.entry.accepted, loaded.entry.rejected) == (5_000, 4_998, 1)


def test_two_such_quotes_far_apart_swallow_nothing(tmp_path: Path) -> None:
    """Together they would be one well-formed field of 3 MB; closer than 1 MiB they are."""
    lone = b'2026-03-03T09:00:00Z,",1\n'
    for count, rows in ((80_000, 80_000), (10_000, 1)):
        data = HEADER + lone + b"".join(GOOD % number for number in range(count)) + lone
        check(data)
        loaded = load(tmp_path / str(count), data)
        assert (loaded.entry.accepted, loaded.entry.rejected) == ((rows, 2) if rows > 1 else (1, 0))
        assert loaded.entry.records == loaded.entry.accepted + loaded.entry.rejected + 1


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_record_of_several_lines_at_the_bound(extra: int) -> None:
    begin, end = b'2026-03-03T09:00:00Z,"', b'",1\n'
    filling = b"x" * (BOUND - len(begin) - len(end) + extra - 1) + b"\n"
    data = HEADER + begin + filling + end + GOOD % 1
    check(data)
    assert sum(isinstance(item, Row) for item in native_csv.records(data)) == (2 if extra <= 0 else 1)


@pytest.mark.parametrize("bound", [1, 2, 3, 5, 8, 13])
def test_any_bytes_at_any_bound(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_csv, "MAX_RECORD_BYTES", bound)
    draw = random.Random(bound)  # noqa: S311 - a fixed sequence is wanted
    for _ in range(400):
        check(
            HEADER
            + b"".join(
                draw.choice([b'"', b'""', b",", b"\n", b"a\n", b"\r\n", b"a"]) for _ in range(draw.randrange(25))
            ),
            bound,
        )


LINES: dict[str, tuple[bytes, str | float]] = {
    "quotes in the middle of a field": (b'2026-03-03T09:00:00Z,5" pipe "x",1\n', '5" pipe "x"'),
    "text behind a quote": (b'2026-03-03T09:00:00Z,"a"b,1\n', "not CSV: text around a quote, or a carriage return (RFC 4180)"),
    "a blank before a quote": (b'2026-03-03T09:00:00Z, "a",1\n', ' "a"'),
    "a bare carriage return": (b"2026-03-03T09:00:00Z,a\rb,1\n", "not CSV: text around a quote, or a carriage return (RFC 4180)"),
    "a carriage return in quotes": (b'2026-03-03T09:00:00Z,"a\rb",1\n', "a\rb"),
    "NUL": (b"2026-03-03T09:00:00Z,a\x00b,1\n", "a\x00b"),
    "NUL in quotes": (b'2026-03-03T09:00:00Z,"a\x00b",1\n', "a\x00b"),
    "an empty quoted field": (b'2026-03-03T09:00:00Z,"",1\n', ""),
    "three quotes": (b'2026-03-03T09:00:00Z,""",1\n', "not CSV: a quote that does not close (RFC 4180)"),
    "four quotes": (b'2026-03-03T09:00:00Z,"""",1\n', '"'),
    "a formula": (b"2026-03-03T09:00:00Z,=1+1,1\n", "=1+1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LINES)
def test_hostile_fields(tmp_path: Path, kind: str) -> None:
    """Each between good records, which are all there."""
    line, expected = LINES[kind]
    data = HEADER + GOOD % 1 + line + GOOD % 3
    check(data)
    loaded = load(tmp_path, data)
    rows = {row["record_no"]: row["metric_name"] for row in loaded.rows("metrics")}
    assert {rows[2], rows[4]} == {"errors"}
    if 3 in rows:
        assert (rows[3] or "") == expected
    else:
        assert loaded.reasons() == [(3, expected)]
        assert loaded.row("rejects")["raw"] == line


def test_a_field_as_long_as_a_line_may_be(tmp_path: Path) -> None:
    limit = 32 << 20
    begin = b"2026-03-03T09:00:00Z,"
    fits, over = (begin + b"y" * (limit - len(begin) - 3 + more) + b",1\n" for more in (0, 1))
    quoted = begin + b'"' + b'""' * ((limit - len(begin) - 8) // 2) + b'",1\n'
    loaded = load(tmp_path, HEADER + fits + over + quoted + GOOD % 5)
    assert loaded.numbers("metrics") == [2, 4, 5]
    assert loaded.reasons() == [(3, "longer than 32 MiB")]
    assert [len(row["metric_name"]) for row in loaded.rows("metrics")] == [
        limit - len(begin) - 3,
        (limit - len(begin) - 8) // 2,
        6,
    ]


COSTLY = [b'"', b'"\n', b'","\n', b'"\r']
OTHERS = [b'"a\n', b'x","z\n', b'""', b'"",', b'a"', b'",', b'"""\n', b"\r"]


@pytest.mark.parametrize("line", [*COSTLY, *(pytest.param(line, marks=pytest.mark.slow) for line in OTHERS)])
def test_time_and_memory_are_linear(line: bytes) -> None:
    """Four times as much takes no more than eight times as long; measured 3.6 to 4.4."""

    def seconds(size: int) -> float:
        data = HEADER + line * (size // len(line))
        start = time.process_time()
        count = sum(not isinstance(item, Row) for item in native_csv.records(data))
        assert count
        return time.process_time() - start

    seconds(1 << 16)
    small, large = (min(seconds(size) for _ in range(2)) for size in (1 << 18, 1 << 20))
    assert large < max(8 * small, 0.2), (small, large)
    tracemalloc.start()
    for _ in native_csv.records(HEADER + line * ((1 << 18) // len(line))):
        pass
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_lines_before_the_header_are_rejected(tmp_path: Path) -> None:
    loaded = load(tmp_path, b'Report "of today\n\n' + HEADER + GOOD % 1)
    assert loaded.reasons() == [(1, "before the header"), (2, "before the header")]
    assert (loaded.entry.accepted, loaded.entry.skipped) == (1, {"header": 1})


def test_a_column_that_is_there_twice_keeps_both_values(tmp_path: Path) -> None:
    data = b"time,metric_name,metric_value,metric_unit,labels,metric_value\n2026-03-03T09:00:00Z,errors,1,1,,2\n"
    row = load(tmp_path, data).row("metrics")
    assert (row["metric_value"], attributes(row)) == (1.0, {"metric_value (2)": "2"})


def test_rows_carry_their_offset(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + HEADER + GOOD % 1 + b'2026-03-03T09:00:00Z,"a\nb",1\n' + GOOD % 2
    rows = load(tmp_path, data).rows("metrics")
    places = [(row["record_no"], row["record_offset"]) for row in rows]
    lengths = [len(b"\xef\xbb\xbf" + HEADER), len(GOOD % 1), len(b'2026-03-03T09:00:00Z,"a\nb",1\n')]
    assert places == [(2, lengths[0]), (3, sum(lengths[:2])), (5, sum(lengths))]
    assert rows[0]["time"] == at("2026-03-03T09:00:00")


def test_fates_are_of_four_kinds() -> None:
    data = HEADER + b"\n" + GOOD % 1 + b"x\n"
    assert [type(item) for item in native_csv.records(data)] == [Skip, Skip, Row, Reject]
