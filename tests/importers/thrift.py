"""Thrift's compact protocol, as much as a Parquet footer needs (apache.org/thrift: compact protocol): read it, lie in it, write it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12


@dataclass
class Field:
    """A field of a struct: id, type, value; a struct is a list of fields, a list (type, values)."""

    id: int
    kind: int
    value: Any


Struct = list[Field]


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.place]
            self.place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == BINARY:
            size = self.varint()
            self.place += size
            return self.data[self.place - size : self.place]
        if kind == DOUBLE:
            self.place += 8
            return struct.unpack("<d", self.data[self.place - 8 : self.place])[0]
        if kind in (LIST, SET):
            return self.listed()
        if kind == STRUCT:
            return self.fields()
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def listed(self) -> tuple[int, list[Any]]:
        head = self.data[self.place]
        self.place += 1
        count = head >> 4 if head >> 4 < 15 else self.varint()
        return head & 15, [self.value(head & 15) for _ in range(count)]

    def fields(self) -> Struct:
        found: Struct = []
        last = 0
        while head := self.data[self.place]:
            self.place += 1
            last = last + (head >> 4) if head >> 4 else self.value(4)
            found.append(Field(last, head & 15, self.value(head & 15)))
        self.place += 1
        return found


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def packed(kind: int, value: Any) -> bytes:
    if kind in (TRUE, FALSE):
        return b""
    if kind == BINARY:
        return varint(len(value)) + bytes(value)
    if kind == DOUBLE:
        return bytes(struct.pack("<d", value))
    if kind in (LIST, SET):
        return _list(*value)
    if kind == STRUCT:
        return b"".join(_fields(value)) + b"\0"
    return varint((value << 1) ^ (value >> 63))


def _list(kind: int, values: list[Any]) -> bytes:
    count = len(values)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    if count > 1 and all(item is values[0] for item in values):
        return head + packed(kind, values[0]) * count
    return head + b"".join(packed(kind, item) for item in values)


def _fields(fields: Struct) -> Iterator[bytes]:
    for field in fields:
        kind = (TRUE if field.value else FALSE) if field.kind in (TRUE, FALSE) else field.kind
        yield bytes([kind]) + varint(field.id << 1) + packed(kind, field.value)


def get(fields: Struct, number: int) -> Any:
    """Return the value of a field."""
    return next(field.value for field in fields if field.id == number)


def put(fields: Struct, number: int, value: Any, kind: int = 6) -> None:
    """Set a field, or add it."""
    for field in fields:
        if field.id == number:
            field.value = value
            return
    fields.append(Field(number, kind, value))
    fields.sort(key=lambda field: field.id)


@dataclass
class Parquet:
    """A Parquet file: what lies before the footer, and the footer as a struct (parquet-format, FileMetaData)."""

    body: bytes
    footer: Struct

    @classmethod
    def read(cls, data: bytes) -> Parquet:
        size = int.from_bytes(data[-8:-4], "little")
        return cls(data[: -8 - size], Reader(data[-8 - size : -8]).fields())

    def write(self, magic: bytes = b"PAR1") -> bytes:
        footer = packed(STRUCT, self.footer)
        return self.body + footer + len(footer).to_bytes(4, "little") + magic

    @property
    def groups(self) -> list[Struct]:
        found: list[Struct] = get(self.footer, 4)[1]
        return found

    def chunks(self, group: int = 0) -> list[Struct]:
        found: list[Struct] = get(self.groups[group], 1)[1]
        return found

    def metas(self, group: int = 0) -> list[Struct]:
        """The column metadata of a row group."""
        return [get(chunk, 3) for chunk in self.chunks(group)]

    def meta(self, column: str, group: int = 0) -> Struct:
        return next(meta for meta in self.metas(group) if get(meta, 3)[1] == [column.encode()])

    def page(self, column: str, change: Any) -> None:
        """Change the header of a column's first page in place of the old one; the chunk is moved to the end of the body."""
        meta = self.meta(column)
        start = next((field.value for field in meta if field.id == 11), get(meta, 9))
        reader = Reader(self.body[start:])
        header = reader.fields()
        rest = self.body[start + reader.place : start + get(meta, 7)]
        page, rest = change(header, rest)
        moved = packed(STRUCT, page) + rest
        offset = len(self.body)
        self.body += moved
        first = get(meta, 9)
        for field in meta:
            if field.id in (9, 11):
                field.value = offset + (field.value - start if field.value != start else 0)
            if field.id == 7:
                field.value = len(moved)
        assert first
