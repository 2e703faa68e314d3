"""A Parquet file without what its writer claims about its values beyond their types.

The engine believes statistics: a column whose chunks say that all is NULL is not read, and a number is cast without a look where the largest
is said to be small (measured with DuckDB 2.0; no setting turns the first off). A writer who lies would hide rows. One text that is called
JSON and is none makes the engine refuse the file. So statistics, indexes, bloom filters and key-value metadata are taken out of the footer of
a copy before the engine sees it (they only serve to skip what is there), and JSON is called text.

Footers are Thrift structs in the compact protocol (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md); field numbers are those of
parquet.thrift (github.com/apache/parquet-format).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from forensics.errors import EvidenceError

_MAGIC = b"PAR1"
# A footer of 32 MiB describes 200,000 column chunks and takes 20 s here.
_MAX_FOOTER = 32 << 20
# Row groups, columns of one, or elements of the schema. The engine's time for row groups grows with their square (30,000 take 5 s, 100,000
# minutes), and a schema takes 45 times its size in memory.
_MOST = 32_768
_MAX_DEPTH = 32
_BOOLEANS, _NUMBERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (1, 2), (4, 5, 6), 7, 8, (9, 10), 11, 12


@dataclass(frozen=True)
class _Rule:
    """Which fields of a struct are dropped, which bytes of a field are replaced, which are structs or lists of structs with own rules."""

    drop: frozenset[int] = frozenset()
    inside: Mapping[int, _Rule] = field(default_factory=dict)
    other: Mapping[int, Mapping[bytes, bytes]] = field(default_factory=dict)
    counts: frozenset[int] = frozenset()  # numbers that are not negative: the engine fails on some that are


# statistics, bloom filter, sizes, geospatial; counts, sizes and offsets
_META_DATA = _Rule(frozenset({12, 14, 15, 16, 17}), counts=frozenset({5, 6, 7, 9, 10, 11}))
_COLUMN = _Rule(frozenset({4, 5, 6, 7}), {3: _META_DATA})  # offset and column index
_GROUP = _Rule(frozenset({4}), {1: _COLUMN}, counts=frozenset({2, 3, 6}))  # sorting columns; sizes and rows
# ConvertedType JSON (19) becomes UTF8 (0), LogicalType JSON (an empty struct, 12) becomes STRING (1).
_ELEMENT = _Rule(other={6: {b"\x26": b"\x00"}, 10: {b"\xcc\x00\x00": b"\x1c\x00\x00"}}, counts=frozenset({5}))
_FILE = _Rule(frozenset({5}), {2: _ELEMENT, 4: _GROUP}, counts=frozenset({3}))


class DamagedError(Exception):
    """The footer is not what the protocol allows."""


def strip(path: Path) -> None:
    """Take the statistics out of a Parquet file, in place.

    Raises:
        EvidenceError: it has no readable footer, or one beyond the limits.

    """
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 8, 0))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] == b"PARE":
            raise EvidenceError("it is encrypted", hint="Export it without encryption.")
        if tail[4:] != _MAGIC or length > size - 12:
            raise EvidenceError("it has no footer, so it is cut", hint="Export it again.")
        if length > _MAX_FOOTER:
            raise EvidenceError("its footer is larger than 32 MiB", hint="Write it with larger row groups.")
        file.seek(size - 8 - length)
        footer = plain(file.read(length))
        file.seek(size - 8 - length)
        file.truncate()
        file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)


def plain(footer: bytes) -> bytes:
    """Return a footer without statistics.

    Raises:
        EvidenceError: it is damaged, or has more than 32,768 row groups or columns.

    """
    copy = _Copy(footer)
    try:
        copy.struct(_FILE)
    except (IndexError, DamagedError) as error:
        raise EvidenceError("its footer is damaged", hint="Export it again.") from error
    return bytes(copy.out)


class _Copy:
    """Walks through a struct and copies what is kept."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0
        self.out = bytearray()

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._data[self._place]
            self._place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise DamagedError

    def _header(self, last: int) -> tuple[int, int] | None:
        """Return number and kind of the next field of a struct, None at its end."""
        head = self._data[self._place]
        self._place += 1
        if not head:
            return None
        if head >> 4:
            return last + (head >> 4), head & 15
        number = self._varint()
        return (number >> 1) ^ -(number & 1), head & 15

    def _count(self) -> tuple[int, int]:
        """Return length and kind of a list."""
        head = self._data[self._place]
        self._place += 1
        return (head >> 4 if head >> 4 < 15 else self._varint()), head & 15

    def struct(self, rule: _Rule) -> None:
        """Copy a struct; fields are numbered anew, as those before them may be missing."""
        last = 0
        while header := self._header(last):
            last, kind = header
            if last in rule.drop:
                self._skip(kind)
            else:
                self.out.append(kind)
                self.out += _varint((last << 1) ^ (last >> 63))
                if last in rule.counts and self._data[self._place] & 1:  # zigzag: the lowest bit is the sign
                    raise DamagedError
                self._kept(kind, rule.inside.get(last), rule.other.get(last, {}))
        self.out.append(0)

    def _kept(self, kind: int, rule: _Rule | None, other: Mapping[bytes, bytes]) -> None:
        start = self._place
        if rule is None:
            self._skip(kind)
            value = self._data[start : self._place]
            self.out += other.get(value, value)
        elif kind == _STRUCT:
            self.struct(rule)
        elif kind in _LISTS:
            self._list(rule, start)
        else:
            raise DamagedError

    def _list(self, rule: _Rule, start: int) -> None:
        count, kind = self._count()
        if kind != _STRUCT or count > _MOST:
            raise EvidenceError(
                "it has more than 32,768 row groups or columns", hint="Write it with larger row groups."
            )
        self.out += self._data[start : self._place]
        for _ in range(count):
            self.struct(rule)

    def _skip(self, kind: int, depth: int = 0, *, is_element: bool = False) -> None:
        if depth > _MAX_DEPTH:
            raise DamagedError
        if kind in _BOOLEANS:
            self._place += is_element
        elif kind == 3:
            self._place += 1
        elif kind in _NUMBERS:
            self._varint()
        elif kind == _DOUBLE:
            self._place += 8
        elif kind == _BINARY:
            size = self._varint()
            self._place += size
        else:
            self._skip_nested(kind, depth + 1)
        if self._place > len(self._data):
            raise DamagedError

    def _skip_nested(self, kind: int, depth: int) -> None:
        if kind == _STRUCT:
            last = 0
            while header := self._header(last):
                last, inner = header
                self._skip(inner, depth)
        elif kind in _LISTS:
            count, inner = self._count()
            for _ in range(count):
                self._skip(inner, depth, is_element=True)
        else:  # a map; no footer has one
            raise DamagedError


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
