"""Long logs with everything wrong at known places, and a plain reader of each format that shares no code with the toolkit."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
Make = Callable[[random.Random], bytes]
Marks = Mapping[str, Any]

# What becomes of a line; `salvaged` is a row from a line that was not UTF-8.
FATES = ("row", "salvaged", "reject", "blank", "header")
BOM = b"\xef\xbb\xbf"
# Nothing is injected into what is looked at to recognise a format.
HEAD_BYTES = 64 * 1024
_LATIN = "gr\u00fc\u00df".encode("latin-1")
_NEVER = b"\xc0\xaf\xed\xa0\x80\xf8\xff"  # overlong, surrogate, beyond Unicode
MARK = b"MARK"


@dataclass(frozen=True)
class Spoiled:
    """One way to spoil a line, what becomes of it by hand, and what its attributes must hold."""

    fate: str
    make: Make
    marks: Marks = field(default_factory=dict)


@dataclass(frozen=True)
class Log:
    """A line format: its good lines, what opens the file, how lines are spoiled, and the plain reader."""

    name: str
    table: str
    good: Make
    spoiled: Mapping[str, Spoiled]
    fate: Callable[[bytes], str]
    opening: tuple[bytes, ...] = ()
    bom: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line: number from 1, offset, bytes with the line feed, what was injected, its fate by hand."""

    number: int
    offset: int
    data: bytes
    kind: str
    fate: str


def write(log: Log, count: int, seed: int, long: int, limit: int) -> tuple[bytes, list[Line]]:
    """Return `count` lines and what each is; one in ten is spoiled, two are long, one is over the limit, the last is cut."""
    draw, lines, offset = random.Random(seed), [], 0  # noqa: S311 - a fixed sequence is wanted
    kinds = list(log.spoiled)
    special = {count // 2: long, count * 2 // 3: limit + 1}
    for number in range(1, count + 1):
        kind, fate = "good", "row"
        if number <= len(log.opening):
            kind, fate, data = "opening", "header", log.opening[number - 1]
        elif number in special:
            size = special[number]
            data = log.good(draw).replace(MARK, b"y" * size)
            kind, fate = ("over the limit", "reject") if size > limit else ("long", "row")
        elif number == count:
            kind, fate, data = "cut at the end", "reject", log.good(draw)[:20]
        elif offset > HEAD_BYTES and draw.random() < 0.1:
            kind = draw.choice(kinds)
            fate, data = log.spoiled[kind].fate, log.spoiled[kind].make(draw)
        else:
            data = log.good(draw)
        data = (BOM if number == 1 and log.bom else b"") + data + (b"\n" if number < count else b"")
        lines.append(Line(number, offset, data, kind, fate))
        offset += len(data)
    return b"".join(line.data for line in lines), lines


def garbage(draw: random.Random) -> bytes:
    """Bytes of any value, neither blank nor a header."""
    return b"\x7f" + bytes(draw.choice([*range(10), *range(11, 256)]) for _ in range(draw.randrange(1, 60)))


def anywhere(good: Make) -> dict[str, Spoiled]:
    """Return what can happen to a line of any format."""
    return {
        "empty": Spoiled("blank", lambda _: b""),
        "white space": Spoiled("blank", lambda _: b" \t "),
        "carriage return only": Spoiled("blank", lambda _: b"\r"),
        "CRLF": Spoiled("row", lambda draw: good(draw) + b"\r"),
        "garbage": Spoiled("reject", garbage),
        "cut": Spoiled("reject", lambda draw: good(draw)[: draw.randrange(1, 16)]),
        "latin-1": Spoiled("salvaged", lambda draw: good(draw).replace(MARK, _LATIN), {"_salvaged": True}),
        "never UTF-8": Spoiled("salvaged", lambda draw: good(draw).replace(MARK, _NEVER), {"_salvaged": True}),
        "UTF-8": Spoiled("row", lambda draw: good(draw).replace(MARK, "\u65e5\U0001f600\u2028\x85".encode())),
        "byte order mark inside": Spoiled("row", lambda draw: good(draw).replace(MARK, BOM)),
    }


# JSON


def json_spoiled(good: Make, time: str, typed: Mapping[str, tuple[bytes, bytes, Marks]]) -> dict[str, Spoiled]:
    """Return the ways to spoil a JSON line; `typed` gives (old bytes, new bytes, what `_invalid` must hold)."""

    def put(text: bytes) -> Make:
        return lambda draw: good(draw).replace(MARK, text)

    def stamped(stamp: bytes) -> Make:
        pattern = re.compile(rb'("%s": )"[^"]*"' % time.encode())
        return lambda draw: pattern.sub(lambda match: match[1] + stamp, good(draw), count=1)

    def swapped(old: bytes, new: bytes) -> Make:
        return lambda draw: good(draw).replace(old, new, 1)

    rejected: dict[str, Make] = {
        "NUL": put(b"a\x00b"),
        "control byte": put(b"a\x01b"),
        "bare CR in a text": put(b"a\rb"),
        "two objects": lambda draw: good(draw) + good(draw),
        "rubbish behind": lambda draw: good(draw) + b" x",
        "array": lambda draw: b"[" + good(draw) + b"]",
        "number": lambda _: b"5",
        "text": lambda _: b'"text"',
        "null": lambda _: b"null",
        "empty object": lambda _: b"{}",
        "byte order mark in front": lambda draw: BOM + good(draw),
    } | {
        f"stamp {stamp.decode()}": stamped(stamp)
        for stamp in (
            *(b"null", b'""', b'"soon"', b"[]", b"{}", b"true", b"-5", b"12", b'"2026-13-01T00:00:00Z"', b'"2026-02-30T00:00:00Z"'),
            *(b'"1826-03-03T09:00:00Z"', b'"2150-01-01T00:00:00Z"', b'"9999-12-31T23:59:59Z"', b"1e300", b'"99999999999999999999"'),
        )
    }  # fmt: skip
    return {
        **anywhere(good),
        **{kind: Spoiled("reject", make) for kind, make in rejected.items()},
        "bare CR between": Spoiled("row", lambda draw: good(draw).replace(b", ", b",\r", 1)),
        "half a pair": Spoiled("salvaged", put(rb"\ud83d\ude00 \uDFFFa\ud800"), {"_salvaged": True}),
        "half a pair in a key": Spoiled(
            "salvaged",
            lambda draw: good(draw)[:-1] + rb', "\udc80": 1}',
            {"_salvaged": True, "_unmapped_keys": [r"\udc80"]},
        ),
        "whole pairs": Spoiled("row", put(rb"\ud83d\ude00\\ud800 \\\uD83D\uDE00")),
        "escapes": Spoiled("row", put(rb"a\rb\tc\u0000d\\\"")),
        "duplicate key": Spoiled(
            "row", lambda draw: good(draw)[:-1] + b', "%s": "never"}' % time.encode(), {"_duplicate_keys": [time]}
        ),
        "late key": Spoiled("row", lambda draw: good(draw)[:-1] + b', "late": [1]}', {"_unmapped_keys": ["late"]}),
        **{kind: Spoiled("row", swapped(old, new), {"_invalid": marks}) for kind, (old, new, marks) in typed.items()},
    }


def _first_wins(pairs: list[tuple[str, Any]]) -> Row:
    return dict(reversed(pairs))


def _object(line: bytes) -> tuple[Row | None, bool]:
    """The object of a line, and whether it had to be made UTF-8."""
    text, broken = visible(line)
    try:
        value = json.loads(text, object_pairs_hook=_first_wins)
    except (ValueError, RecursionError):
        return None, broken
    halves = any("\ud800" <= letter <= "\udfff" for letter in json.dumps(value, ensure_ascii=False))
    return (value if isinstance(value, dict) else None), broken or halves


def visible(line: bytes) -> tuple[str, bool]:
    """Text of a line with `\\xff` for what is not UTF-8, escaped for JSON, and whether there was any."""
    try:
        return line.decode(), False
    except UnicodeDecodeError:
        return "".join(
            f"\\\\x{ord(part) - 0xDC00:02x}" if "\udc80" <= part <= "\udcff" else part
            for part in line.decode("utf-8", "surrogateescape")
        ), True


def is_time(value: Any, *, seconds: bool) -> bool:
    """Say whether this is ISO 8601, or a number of seconds where that is allowed, from 1990 to 2100."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return seconds and 631_152_000 <= value < 4_102_444_800
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return moment is not None and 1990 <= moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).year < 2100


def json_fate(fits: Callable[[Row], bool]) -> Callable[[bytes], str]:
    def fate(line: bytes) -> str:
        if not line.strip(b" \t\r\n"):
            return "blank"
        record, broken = _object(line)
        return "reject" if record is None or not fits(record) else "salvaged" if broken else "row"

    return fate


def _stamp(draw: random.Random) -> str:
    return f"2026-03-03T{draw.randrange(24):02}:{draw.randrange(60):02}:00.{draw.randrange(1000):03}Z"


def _envoy(draw: random.Random) -> bytes:
    return json.dumps(
        {
            "start_time": _stamp(draw), "method": "GET", "path": f"/a/{draw.randrange(10**6)}?b=MARK", "response_code": 200, "response_flags": "-",
            "bytes_sent": 7, "bytes_received": 8, "duration": 3.5, "downstream_remote_address": "10.0.0.1:80", "own": draw.randrange(9),
        }
    ).encode()  # fmt: skip


def _exchange(draw: random.Random) -> bytes:
    return json.dumps(
        {
            "time": _stamp(draw), "id": f"i{draw.randrange(10**6)}", "request": {"method": "GET", "url": "/MARK", "headers": [["host", "a"]]},
            "response": {"status": 200, "headers": [], "body_size": 5}, "duration_ms": 1.5, "sample_rate": 0.5, "own": 1,
        }
    ).encode()  # fmt: skip


_ENVOY_TYPED = {
    "text for a status": (b'code": 200', b'code": "abc"', {"http_response_status_code": "abc"}),
    "list for a status": (b'code": 200', b'code": [1]', {"http_response_status_code": "[1]"}),
    "status overflows": (b'code": 200', b'code": 99999999999', {"http_response_status_code": "99999999999"}),
    "fraction of a status": (b'code": 200', b'code": 200.5', {"http_response_status_code": "200.5"}),
    "size overflows": (b'sent": 7', b'sent": 1' + b"0" * 30, {"http_response_body_size": "1" + "0" * 30}),
    "object for a size": (b'received": 8', b'received": {"a": 1}', {"http_request_body_size": '{"a":1}'}),
    "true for a size": (b'sent": 7', b'sent": true', {"http_response_body_size": "true"}),
    "text for a duration": (b'duration": 3.5', b'duration": "fast"', {"duration_ms": "fast"}),
    "no number": (b'duration": 3.5', b'duration": "nan"', {"duration_ms": "nan"}),
    "infinite": (b'duration": 3.5', b'duration": 1e999', {"duration_ms": "1e999"}),
    "port overflows": (b":80", b":99999999999", {"network_peer_port": "99999999999"}),
}
_EXCHANGE_TYPED = {
    "text for a status": (b'status": 200', b'status": "abc"', {"http_response_status_code": "abc"}),
    "status overflows": (b'status": 200', b'status": 99999999999', {"http_response_status_code": "99999999999"}),
    "object for a rate": (b'rate": 0.5', b'rate": {}', {"sample_rate": "{}"}),
    "text for a duration": (b'ms": 1.5', b'ms": "fast"', {"duration_ms": "fast"}),
    "text for a size": (b'size": 5', b'size": "five"', {"http_response_body_size": "five"}),
}


def _envoy_log() -> Log:
    spoiled = json_spoiled(_envoy, "start_time", _ENVOY_TYPED)
    fits = json_fate(lambda record: is_time(record.get("start_time"), seconds=False))
    return Log("envoy-json", "http_requests", _envoy, spoiled, fits)


def _exchange_log() -> Log:
    twice = Spoiled(
        "row", lambda draw: _exchange(draw).replace(b'"url"', b'"url": "/", "url"', 1), {"_duplicate_keys": ["request.url"]}
    )  # fmt: skip
    more: dict[str, Spoiled] = {
        "text for a request": Spoiled("reject", lambda draw: re.sub(rb'"request": {.*?}', b'"request": "x"', _exchange(draw))),
        "no response": Spoiled("reject", lambda draw: _exchange(draw).replace(b'"response"', b'"answer"')),
        "duplicate key inside": twice,
    }  # fmt: skip
    spoiled = json_spoiled(_exchange, "time", _EXCHANGE_TYPED) | more

    def fits(record: Row) -> bool:
        return is_time(record.get("time"), seconds=True) and all(
            isinstance(record.get(key), dict) for key in ("request", "response")
        )

    return Log("exchange", "http_exchanges", _exchange, spoiled, json_fate(fits))


# combined

CLF = re.compile(
    r'\S+ \S+ (.*) \[([^\[\]]+)\] "((?:[^"\\]|\\.)*)" \S+ \S+(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?( "[^"]*" \S+)?', re.DOTALL
)  # fmt: skip


def _combined(draw: random.Random) -> bytes:
    stamp = f"03/Mar/2026:{draw.randrange(24):02}:00:{draw.randrange(60):02} +0100"
    return f'203.0.113.{draw.randrange(250)} - - [{stamp}] "GET /a?{draw.randrange(10**6)} HTTP/1.1" 200 5 "-" "MARK"'.encode()


def combined_fate(line: bytes) -> str:
    body = line.rstrip(b"\r\n")
    if not line.strip(b" \t\r\n"):
        return "blank"
    match = CLF.fullmatch(body.decode("utf-8", "backslashreplace"))
    try:
        moment = datetime.strptime(match[2], "%d/%b/%Y:%H:%M:%S %z") if match else None
    except ValueError:
        moment = None
    if moment is None or not 1990 <= moment.astimezone(UTC).year < 2100:
        return "reject"
    return "salvaged" if visible(body)[1] else "row"


def _combined_log() -> Log:
    def put(old: bytes, new: bytes) -> Make:
        return lambda draw: _combined(draw).replace(old, new, 1)

    stamps = (b"03/Mrz/2026", b"31/Feb/2026", b"99/Mar/2026", b"03/Mar/1826", b"03/Mar/2150", b"03/Mar/99999", b"")
    spoiled = anywhere(_combined) | {
        "brackets and blanks in a user": Spoiled("row", put(b" - - ", b" - jane [x] doe ")),
        "escaped quote": Spoiled("row", put(MARK, rb"a \"b\" \\")),
        "NUL": Spoiled("row", put(MARK, b"a\x00b")),
        "control byte": Spoiled("row", put(MARK, b"a\x01b\x1b[2J")),
        "bare CR": Spoiled("row", put(MARK, b"a\rb")),
        "no quotes": Spoiled("reject", lambda draw: _combined(draw).replace(b'"', b"")),
        "TLS in place of a request": Spoiled("row", put(b"GET /a", rb"\x16\x03\x01")),
        "more behind": Spoiled("row", lambda draw: _combined(draw) + b' "more" 1.5'),
        "text for a status": Spoiled("row", put(b" 200 ", b" abc "), {"_invalid": {"http_response_status_code": "abc"}}),
        "size overflows": Spoiled(
            "row", put(b" 5 ", b" 1" + b"0" * 30 + b" "), {"_invalid": {"http_response_body_size": "1" + "0" * 30}}
        ),
        **{f"stamp {stamp.decode()}": Spoiled("reject", put(b"03/Mar/2026", stamp)) for stamp in stamps},
    }  # fmt: skip
    return Log("combined", "http_requests", _combined, spoiled, combined_fate)


# Zeek

_CONN = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
]


def _zeek(draw: random.Random) -> bytes:
    stamp = f"17725284{draw.randrange(100):02}.{draw.randrange(10**6):06}"
    cells = [stamp, "CMARK", "10.0.0.1", "51234", "203.0.113.9", "443", "tcp", "-", "0.125", "17", "4242", "SF"]
    return "\t".join(cells).encode()


def zeek_fate(line: bytes) -> str:
    if line.removeprefix(BOM).startswith(b"#"):
        return "header"
    if not line.strip(b" \t\r\n"):
        return "blank"
    cells = line.rstrip(b"\r\n").split(b"\t")
    fits = len(cells) == len(_CONN) and (
        re.fullmatch(rb"\d{9,10}(\.\d+)?", cells[0]) is not None and 631_152_000 <= float(cells[0]) < 4_102_444_800
    )
    return "reject" if not fits else "salvaged" if visible(line)[1] else "row"


def _zeek_log() -> Log:
    def cell(field: str, text: bytes) -> Make:
        def make(draw: random.Random) -> bytes:
            cells = _zeek(draw).split(b"\t")
            cells[_CONN.index(field)] = text
            return b"\t".join(cells)

        return make

    stamps = (b"-", b"", b"soon", b"-5", b"12", b"99999999999", b"1e300", b"nan", b"inf")
    typed = {
        "source_bytes": ("orig_bytes", "x"),
        "destination_bytes": ("resp_bytes", "1" + "0" * 30),
        "source_port": ("id.orig_p", "99999999999"),
        "destination_port": ("id.resp_p", "443.5"),
        "duration_ms": ("duration", "fast"),
    }
    spoiled = anywhere(_zeek) | {
        "tabs only": Spoiled("blank", lambda _: b"\t" * (len(_CONN) - 1)),
        "comment": Spoiled("header", lambda _: b"#close\t2026-03-03"),
        "too many cells": Spoiled("reject", lambda draw: _zeek(draw) + b"\tx"),
        "too few cells": Spoiled("reject", lambda draw: _zeek(draw).rpartition(b"\t")[0]),
        "NUL": Spoiled("row", cell("uid", b"a\x00b")),
        "control byte": Spoiled("row", cell("uid", b"a\x01b")),
        "bare CR": Spoiled("row", cell("uid", b"a\rb")),
        "quotes": Spoiled("row", cell("uid", b'"a')),
        **{f"stamp {stamp.decode()}": Spoiled("reject", cell("ts", stamp)) for stamp in stamps},
        **{
            f"{column} {text}": Spoiled("row", cell(source, text.encode()), {"_invalid": {column: text}})
            for column, (source, text) in typed.items()
        },
    }
    opening = (b"#separator \\x09", b"#unset_field\t-", b"#path\tconn", b"#fields\t" + "\t".join(_CONN).encode())
    return Log("zeek-tsv", "connections", _zeek, spoiled, zeek_fate, opening)


LOGS = (_envoy_log(), _combined_log(), _zeek_log(), _exchange_log())


def plain(log: Log, data: bytes, limit: int) -> Iterator[tuple[int, int, int, str]]:
    """Yield (number, offset, length, fate) as the plain reader sees them."""
    offset = 0
    parts = data.split(b"\n")
    for number, part in enumerate(parts, 1):
        line = part + b"\n" if number < len(parts) else part
        if not line:
            return
        text = line.removeprefix(BOM) if offset == 0 else line
        yield number, offset, len(line), "reject" if len(line) > limit else log.fate(text)
        offset += len(line)
