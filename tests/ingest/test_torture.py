"""Every line format over 2,000 lines of abuse, checked against a plain reader that shares no code with the toolkit."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import lines as line_reader
from tests.ingest.helpers import Loaded, Row, attributes, load

Check = Callable[[Row], bool]


@dataclass
class Expected:
    """Record numbers by fate; offsets and lengths of all."""

    rows: list[int] = field(default_factory=list)
    salvaged: list[int] = field(default_factory=list)
    rejects: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    header: list[int] = field(default_factory=list)
    place: dict[int, tuple[int, int]] = field(default_factory=dict)


def physical_lines(data: bytes) -> list[tuple[int, int, bytes]]:
    """(number from 1, offset, bytes with the line feed)."""
    found, offset = [], 0
    for number, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+$", data), 1):
        found.append((number, offset, line))
        offset += len(line)
    return found


def is_time(value: Any, *, seconds: bool) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return seconds and 631_152_000 <= value < 4_102_444_800
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return moment is not None and 1990 <= moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).year < 2100


def visible(line: bytes) -> tuple[str, bool]:
    """Text of a line with `\\xff` for what is not UTF-8, escaped for JSON, and whether there was any."""
    try:
        return line.decode(), False
    except UnicodeDecodeError:
        return "".join(
            part if len(part) == 1 and not "\udc80" <= part <= "\udcff" else f"\\\\x{ord(part) - 0xDC00:02x}"
            for part in line.decode("utf-8", "surrogateescape")
        ), True


def read_json(data: bytes, fits: Check, limit: int) -> Expected:
    expected = Expected()
    for number, offset, line in physical_lines(data):
        expected.place[number] = (offset, len(line))
        if len(line) > limit:
            expected.rejects.append(number)
            continue
        text, broken = visible(line.removeprefix(b"\xef\xbb\xbf") if offset == 0 else line)
        if not text.strip(" \t\r\n"):
            expected.blank.append(number)
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict) and fits(value):
            expected.rows.append(number)
            expected.salvaged += [number] if broken else []
        else:
            expected.rejects.append(number)
    return expected


@dataclass(frozen=True)
class Format:
    """A JSON lines format: its table, a good record, its time's key, and what else a record needs."""

    name: str
    table: str
    record: Row
    time: str
    seconds: bool
    needs: Check = bool

    def fits(self, record: Row) -> bool:
        return is_time(record.get(self.time), seconds=self.seconds) and self.needs(record)


FORMATS = [
    Format(
        "envoy-json",
        "http_requests",
        {
            "start_time": "2026-03-03T09:00:00.000Z",
            "response_code": 200,
            "response_flags": "-",
            "path": "/a?b",
            "user_agent": "curl",
        },
        "start_time",
        seconds=False,
    ),
    Format(
        "zeek-json",
        "connections",
        {
            "ts": 1772528400.25,
            "uid": "C",
            "id.orig_h": "10.0.0.1",
            "id.resp_h": "10.0.0.2",
            "proto": "tcp",
            "conn_state": "SF",
            "note": "x",
        },
        "ts",
        seconds=True,
    ),
    Format(
        "exchange",
        "http_exchanges",
        {
            "time": "2026-03-03T09:00:00Z",
            "id": "i",
            "request": {"method": "GET", "url": "/", "headers": []},
            "response": {"status": 200, "headers": []},
            "user": "u",
        },
        "time",
        seconds=True,
        needs=lambda record: isinstance(record.get("request"), dict) and isinstance(record.get("response"), dict),
    ),
    Format(
        "native-ndjson",
        "metrics",
        {"time": "2026-03-03T09:00:00Z", "metric_name": "m", "metric_value": 1.5, "labels": {"a": 1}},
        "time",
        seconds=True,
    ),
]


def abuse(fmt: Format, seed: int) -> bytes:
    """About 2,000 lines; one in five is spoiled in some way."""
    draw = random.Random(seed)  # noqa: S311 - a fixed sequence is wanted

    def good(**more: Any) -> bytes:
        return json.dumps({**fmt.record, "n": draw.randrange(10**6), **more}, ensure_ascii=draw.random() < 0.5).encode()

    spoiled: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b" \t ",
        lambda: b"\r",
        lambda: good() + b"\r",
        lambda: b"  " + good() + b" \t",
        lambda: good(text="gr\u00fc\u00df \u65e5\u672c \U0001f600 \u2028"),
        lambda: good(text="MARK").replace(b"MARK", b"gr\xfc\xdf"),
        lambda: good(text="MARK").replace(b"MARK", b"\xed\xa0\x80\xc0\xaf\xff"),
        lambda: good(text="MARK").replace(b"MARK", b"a\x00b"),
        lambda: good(text="MARK").replace(b"MARK", b"a\x01b"),
        lambda: good(text="a\rb\tc\x00d\\\"'"),
        lambda: good().replace(b" ", b"\r", 1),
        lambda: bytes(
            draw.choice([value for value in range(256) if value != 10]) for _ in range(draw.randrange(1, 60))
        ),
        lambda: good() + good(),
        lambda: good() + b" x",
        lambda: b"[" + good() + b"]",
        lambda: b"[]",
        lambda: b"{}",
        lambda: b"null",
        lambda: b"5",
        lambda: b'"text"',
        lambda: good()[: draw.randrange(1, 40)],
        lambda: b"\xef\xbb\xbf" + good(),
        lambda: good(
            **{
                fmt.time: draw.choice(
                    [None, "", "soon", [], {}, True, "2026-13-01T00:00:00Z", "1826-03-03T09:00:00Z", 12, -5]
                )
            }
        ),
        lambda: json.dumps({key: value for key, value in fmt.record.items() if key != fmt.time}).encode(),
        lambda: good(text=["deep"] * 3, nested={"a": {"b": [1, {"c": None}]}}),
        lambda: json.dumps({key: [1, {"a": 2}] for key in fmt.record if key not in ("request", "response")}).encode(),
        lambda: b'{"a":' * 500 + b"1" + b"}" * 500,
        lambda: good(text="x" * 100_000),
    ]
    parts = [draw.choice(spoiled)() if draw.random() < 0.2 else good() for _ in range(2000)]
    parts[0] = b"\xef\xbb\xbf" + good()
    parts[1:1] = [good() for _ in range(30)]
    parts[700] = good(text="y" * 3_000_000)
    return b"\n".join(parts) + b"\n" + good()[:30]


def compare(loaded: Loaded, table: str, data: bytes, expected: Expected) -> None:
    rows, rejects = loaded.rows(table), loaded.rows("rejects")
    assert [row["record_no"] for row in rows] == expected.rows
    assert [row["record_no"] for row in rejects] == expected.rejects
    for row in rows:
        assert row["record_offset"] == expected.place[row["record_no"]][0]
    for row in rejects:
        offset, length = expected.place[row["record_no"]]
        assert (row["record_offset"], row["record_length"]) == (offset, length)
        assert row["raw"] == data[offset : offset + min(length, line_reader.MAX_RAW_BYTES)]
    assert [row["record_no"] for row in rows if attributes(row).get("_salvaged")] == expected.salvaged
    skipped = {"blank": len(expected.blank), "header": len(expected.header)}
    assert loaded.entry.skipped == {reason: count for reason, count in skipped.items() if count}
    assert loaded.entry.records == len(expected.place) == len(rows) + len(rejects) + sum(skipped.values())


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_json_lines(tmp_path: Path, fmt: Format) -> None:
    data = abuse(fmt, seed=1)
    expected = read_json(data, fmt.fits, line_reader.MAX_LINE_BYTES)
    assert len(expected.rejects) > 100
    assert len(expected.salvaged) > 5
    compare(load(tmp_path, data), fmt.table, data, expected)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("block", [64, 5000])
def test_json_lines_over_small_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fmt: Format, block: int) -> None:
    """Nearly every line straddles a block; lines of 100 kB are too long."""
    monkeypatch.setattr(line_reader, "BLOCK_BYTES", block)
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 50_000)
    monkeypatch.setattr(line_reader, "MAX_RAW_BYTES", 40_000)
    data = b"\n".join(abuse(fmt, seed=2).split(b"\n")[:300])
    expected = read_json(data, fmt.fits, 50_000)
    compare(load(tmp_path, data), fmt.table, data, expected)


def test_lines_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 100_000)
    fmt = FORMATS[0]
    short = json.dumps(fmt.record).encode()
    data = short + b"\n" + b'{"start_time": "' + b"x" * 200_000 + b'"}\n' + short + b"\n" + b"\xff" * 100_001
    loaded = load(tmp_path, data)
    assert loaded.numbers("http_requests") == [1, 3]
    assert loaded.reasons() == [(2, "longer than 32 MiB"), (4, "longer than 32 MiB")]
    assert [row["record_length"] for row in loaded.rows("rejects")] == [200_019, 100_001]
    assert [len(row["raw"]) for row in loaded.rows("rejects")] == [65_536, 65_536]


CLF = re.compile(
    r'(?:\S+) \S+ (.*) \[(\d\d)/([A-Z][a-z][a-z])/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\] "((?:[^"\\]|\\.)*)" \S+ \S+(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(.*)'
)


def read_clf(data: bytes) -> Expected:
    expected = Expected()
    for number, offset, line in physical_lines(data):
        expected.place[number] = (offset, len(line))
        body = (line.removeprefix(b"\xef\xbb\xbf") if offset == 0 else line).rstrip(b"\r\n")
        text = body.decode("utf-8", "backslashreplace")
        if not text.strip(" \t\r\n"):
            expected.blank.append(number)
        elif (
            (match := CLF.fullmatch(text))
            and match[3] in ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            and 1 <= int(match[2]) <= 28
        ):
            expected.rows.append(number)
            try:
                body.decode()
            except UnicodeDecodeError:
                expected.salvaged.append(number)
        else:
            expected.rejects.append(number)
    return expected


def test_combined(tmp_path: Path) -> None:
    draw = random.Random(3)  # noqa: S311 - a fixed sequence is wanted

    def good(
        user: str = "-",
        request: str = "GET /a HTTP/1.1",
        agent: str = "curl",
        stamp: str = "03/Mar/2026:09:00:00 +0000",
    ) -> bytes:
        return f'203.0.113.{draw.randrange(250)} - {user} [{stamp}] "{request}" 200 5 "-" "{agent}"'.encode()

    spoiled: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"\t \r",
        lambda: good() + b"\r",
        lambda: good(user="jane [x] doe"),
        lambda: good(request=r"\x16\x03 \" \\"),
        lambda: good(agent="gr\u00fc\u00df"),
        lambda: good(agent="MARK").replace(b"MARK", b"gr\xfc\xdf"),
        lambda: good(agent="MARK").replace(b"MARK", b"a\x00b"),
        lambda: good(agent=r"a \"b\""),
        lambda: good(stamp="99/Mar/2026:09:00:00 +0000"),
        lambda: good(stamp="03/Mrz/2026:09:00:00 +0000"),
        lambda: good()[: draw.randrange(1, 30)],
        lambda: good().replace(b'"', b""),
        lambda: bytes(
            draw.choice([value for value in range(256) if value != 10]) for _ in range(draw.randrange(1, 60))
        ),
        lambda: b'203.0.113.1 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5',
        lambda: good() + b' "more" 1.5',
        lambda: good(agent="x" * 200_000),
    ]
    parts = [draw.choice(spoiled)() if draw.random() < 0.2 else good() for _ in range(2000)]
    parts[0] = b"\xef\xbb\xbf" + good()
    parts[900] = good(agent="y" * 3_000_000)
    data = b"\n".join(parts) + b"\n" + good()[:20]
    expected = read_clf(data)
    assert len(expected.rejects) > 50
    compare(load(tmp_path, data), "http_requests", data, expected)


def test_zeek_tsv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers anywhere, small blocks, records of both widths."""
    monkeypatch.setattr(line_reader, "BLOCK_BYTES", 97)
    draw = random.Random(4)  # noqa: S311 - a fixed sequence is wanted
    wide, narrow = b"#path\tconn\n#fields\tts\tuid\tid.orig_h\tconn_state", b"#path\tconn\n#fields\tts\tuid"

    def good(width: int) -> bytes:
        return b"\t".join([b"1772528400.%06d" % draw.randrange(10**6), b"C1", b"10.0.0.1", b"SF"][:width])

    def spoilt(width: int) -> bytes:
        return draw.choice(
            [
                b"",
                b"  ",
                b"\r",
                b"x",
                good(width) + b"\r",
                good(width)[:5],
                good(width) + b"\tx",
                b"\t" * (width - 1),
                b"never" + good(width)[17:],
                good(width).replace(b"C1", b"C\xff"),
                b"#comment",
                b"\x00\x01\x02",
            ]
        )

    parts = []
    for section in range(8):
        width = 4 if section % 2 == 0 else 2
        parts.append(wide if width == 4 else narrow)
        parts += [spoilt(width) if draw.random() < 0.2 else good(width) for _ in range(250)]
        parts.append(b"#close\t2026")
    data = b"\n".join(parts) + b"\n" + good(2)[:12]
    expected, width = Expected(), 0
    for number, offset, line in physical_lines(data):
        expected.place[number] = (offset, len(line))
        fields = line.rstrip(b"\r\n").split(b"\t")
        if line.startswith(b"#"):
            width = len(fields) - 1 if line.startswith(b"#fields") else width
            expected.header.append(number)
        elif not line.strip(b" \t\r\n"):
            expected.blank.append(number)
        elif len(fields) == width and re.fullmatch(rb"\d+\.\d+", fields[0]) and float(fields[0]) > 631_152_000:
            expected.rows.append(number)
            expected.salvaged += [number] if b"\xff" in line else []
        else:
            expected.rejects.append(number)
    compare(load(tmp_path, data), "connections", data, expected)
