"""Records of CSV (RFC 4180): where each begins and ends in hostile bytes, and its fields; shared by the importers of CSV.

UTF-8, comma or semicolon. A record begins at a line and may go on over others inside of quotes (RFC 4180, 2.6). Whoever forgets one quote would swallow what follows;
therefore a record of several lines has 1 MiB at most. One that does not close by then, or is not well-formed, is in trouble at its first line,
and reading goes on at the next. Beyond the RFC, quotes inside a field that does not begin with one are text, where the line alone is a record.

Each line is looked at twice at most: where a record begins, and as the rest of another. Where it is the rest and goes on it has an even number
of quotes; where such a line begins a record it ends in itself.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from forensics.lines import MAX_LINE_BYTES

MAX_RECORD_BYTES = 1 << 20  # of a record of several lines
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a header says: the cells as they stand there, and how records look."""

    cells: list[str]
    delimiter: bytes
    record: re.Pattern[bytes]
    alone: re.Pattern[bytes]
    field: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the line where it begins, its place, and its fields or why there are none."""

    number: int
    start: int
    end: int
    fields: list[bytes]
    trouble: str = ""


def delimiter_of(line: bytes) -> bytes:
    """Return the semicolon where a header has more of it than of commas."""
    return b";" if line.count(b";") > line.count(b",") else b","


def layout(line: bytes) -> Layout:
    """Read a header line."""
    delimiter = delimiter_of(line)
    record, alone = _pattern(delimiter, strict=True), _pattern(delimiter, strict=False)
    field = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^%b]*+))%b' % (delimiter, delimiter))
    cells = [cell.decode("utf-8", "backslashreplace").strip() for cell in _fields(line, delimiter, field)]
    return Layout(cells, delimiter, record, alone, field)


def header(data: bytes, read: Callable[[bytes], _T | None]) -> tuple[_T, int] | None:
    """Return what `read` makes of the first line of which it makes something, and the number of that line."""
    number, start = 1, 0
    while start < len(data):
        end = _line_end(data, start)
        line = data[start:end] if start else data[:end].removeprefix(codecs.BOM_UTF8)
        if (found := read(line)) is not None:
            return found, number
        number, start = number + 1, end
    return None


def records(data: bytes, of: Layout, header_line: int) -> Iterator[Record]:
    """Yield every record; the lines before the header are in trouble, a record without fields is blank or the header."""
    number, start = 1, 0
    while start < len(data):
        if number <= header_line:
            trouble = "" if number == header_line else "before the header"
            record = Record(number, start, _line_end(data, start), [], trouble)
        else:
            record = _next(data, number, start, of)
        yield record
        number, start = number + data.count(b"\n", start, record.end), record.end


def clean(field: str) -> str:
    """Return the text with bytes that are not UTF-8 as visible escapes."""
    return field.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _pattern(delimiter: bytes, *, strict: bool) -> re.Pattern[bytes]:
    """Return what a record is, possessive so that nothing is tried twice; a record that is not strict is one line."""
    plain = rb'[^"%b\r\n]*+' % delimiter
    if strict:
        field = rb'(?:"(?:[^"]++|"")*+"|%b)' % plain
    else:
        field = rb'(?:"(?:[^"\n]++|"")*+"|(?:[^"%b\r\n][^%b\r\n]*+)?+)' % (delimiter, delimiter)
    return re.compile(rb"%b(?:%b%b)*+\r?\n?" % (field, delimiter, field))


def _line_end(data: bytes, start: int) -> int:
    return data.find(b"\n", start) + 1 or len(data)


def _next(data: bytes, number: int, start: int, of: Layout) -> Record:
    """Read the record that begins at `start`."""
    line_end = _line_end(data, start)
    if line_end - start > MAX_LINE_BYTES:
        return Record(number, start, line_end, [], "longer than 32 MiB")
    if not data[start:line_end].strip(b" \t\r\n"):
        return Record(number, start, line_end, [])
    for pattern, limit in ((of.record, max(line_end, start + MAX_RECORD_BYTES)), (of.alone, line_end)):
        match = pattern.match(data, start, limit)
        end = match.end() if match else start
        if end == len(data) or data[max(end - 1, start)] == 10:  # it ends where a line does
            return Record(number, start, end, _fields(data[start:end], of.delimiter, of.field))
    quotes = data.count(b'"', start, line_end)
    why = "a quote that does not close" if quotes % 2 else "text around a quote, or a carriage return"
    return Record(number, start, line_end, [], f"not CSV: {why} (RFC 4180)")


def _fields(record: bytes, delimiter: bytes, field: re.Pattern[bytes]) -> list[bytes]:
    body = record.removesuffix(b"\n").removesuffix(b"\r")
    if b'"' not in body:
        return body.split(delimiter)
    found = (match.group(1, 2) for match in field.finditer(body + delimiter))
    return [plain if quoted is None else quoted.replace(b'""', b'"') for quoted, plain in found]
