"""Archives as bounded streams: members are read one after the other and never extracted by name.

zip after APPNOTE 6.3 by the standard library, behind a limit on its directory. tar after POSIX.1-2001 (ustar, pax) and GNU by own code:
the standard reader takes the length of an extended header from the archive and reads that much into memory.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

from forensics.errors import TruncatedError
from forensics.evidence.discover import printable
from forensics.evidence.reader import MAX_RATIO, RATIO_FREE_BYTES, HashingReader, open_file

Kind = Literal["zip", "tar"]

MAX_MEMBERS = 10_000
MAX_ARCHIVE_BYTES = 256 << 30
_MAX_DIRECTORY_BYTES = 16 << 20
_MAX_NAME_BYTES = 64 << 10
_PIECE = 1 << 20
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive: its place in it from 1, its name made printable, and why it is not read."""

    index: int
    name: str
    refused: str = ""


Members = Generator[tuple[Member, Iterator[bytes]], None, None]


def archive_kind(head: bytes) -> Kind | None:
    """Tell an archive by content: zip by its first signature, tar by the checksum of its first header."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "tar" if len(head) >= _BLOCK and any(head[:_BLOCK]) and _checksum_holds(head[:_BLOCK]) else None


def walk(path: Path, kind: Kind) -> Members:
    """Yield members in order with their bytes; what the caller does not draw is skipped.

    Raises:
        TruncatedError: the archive is damaged or exceeds a limit; the members before were yielded.

    """
    return _checked(_zip_members(path) if kind == "zip" else _tar_members(path))


def _checked(members: Members) -> Members:
    """Refuse names that would trap someone who extracts, and say so; count members."""
    seen: set[str] = set()
    with closing(members):
        for member, data in members:
            if member.index > MAX_MEMBERS:
                raise TruncatedError(
                    f"The archive has more than {MAX_MEMBERS:,} members.", hint="Unpack it and ingest the folder."
                )
            folded = unicodedata.normalize("NFC", member.name).casefold()
            refused = (
                member.refused or _bad_name(member.name) or ("a name that is there twice" if folded in seen else "")
            )
            seen.add(folded)
            yield Member(member.index, member.name, refused), data


def _bad_name(name: str) -> str:
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "an absolute name"
    return "a name that leads outside" if ".." in parts else ""


@dataclass(slots=True)
class _Budget:
    """How much may come out of an archive."""

    archive_bytes: int
    spent: int = field(default=0)

    def spend(self, data: bytes) -> bytes:
        """Count bytes and pass them on."""
        self.spent += len(data)
        if self.spent > MAX_ARCHIVE_BYTES or self.spent > max(RATIO_FREE_BYTES, MAX_RATIO * self.archive_bytes):
            raise TruncatedError(
                f"The archive expands to more than {MAX_RATIO} times its size or {MAX_ARCHIVE_BYTES >> 30} GiB.",
                hint="Unpack it yourself if that is expected; what was read so far is kept.",
            )
        return data


def _zip_members(path: Path) -> Members:
    with open_file(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        file = io.BufferedReader(cast("io.RawIOBase", raw))
        _check_directory(file, size)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise TruncatedError(f"The zip archive is damaged: {error}.", hint="Export it again.") from error
        budget = _Budget(size)
        index = 0
        for info in archive.infolist():
            if not info.is_dir():
                index += 1
                yield Member(index, printable(info.filename), _zip_refusal(info)), _zip_bytes(archive, info, budget)


def _check_directory(file: IO[bytes], size: int) -> None:
    """Refuse a directory larger than the limit before the library reads it; its length stands at the end (zip64 before that)."""
    file.seek(max(0, size - _MAX_NAME_BYTES - 22 - 20))
    tail = file.read()
    file.seek(0)
    place = tail.rfind(b"PK\x05\x06")
    length = struct.unpack("<L", tail[place + 12 : place + 16])[0] if 0 <= place <= len(tail) - 22 else 0
    if tail[place - 20 : place - 16] == b"PK\x06\x07":
        file.seek(min(struct.unpack("<Q", tail[place - 12 : place - 4])[0], size))
        record = file.read(56)
        file.seek(0)
        length = struct.unpack("<Q", record[40:48])[0] if record.startswith(b"PK\x06\x06") and len(record) == 56 else 0
    if length > _MAX_DIRECTORY_BYTES:
        raise TruncatedError(
            f"The zip archive has a directory of more than {_MAX_DIRECTORY_BYTES >> 20} MiB.",
            hint="Unpack it and ingest the folder.",
        )


def _zip_refusal(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x1:
        return "encrypted"
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a link or special file"
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
    return "" if info.compress_type in methods else f"compression method {info.compress_type} is not supported"


def _zip_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> Iterator[bytes]:
    try:
        with archive.open(info) as file:
            file._expected_crc = None  # type: ignore[attr-defined]  # noqa: SLF001 - it would drop the last piece with the error
            check = 0
            while data := file.read(_PIECE):
                check = zlib.crc32(data, check)
                yield budget.spend(data)
        if check != info.CRC:
            raise zipfile.BadZipFile("the checksum does not hold")  # noqa: TRY301 - told like other damage
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise TruncatedError(f"{printable(info.filename)} is damaged: {error}.", hint="Export it again.") from error


def _tar_members(path: Path) -> Members:
    with closing(HashingReader(path)) as reader:
        stream = _Exact(reader)
        index, long_name, pax = 0, "", {}
        while (header := stream.take(_BLOCK)) and any(header):
            if len(header) < _BLOCK or not _checksum_holds(header):
                raise TruncatedError("The tar archive is damaged: a header does not hold.", hint="Export it again.")
            kind, size = header[156:157], _number(header[124:136])
            if kind in b"LKxg":
                if kind == b"x":
                    pax = _pax(stream.small(size))
                elif kind == b"L":
                    long_name = _text(stream.small(size))
                else:
                    stream.small(size)
                continue
            size = int(pax.get("size", size)) if kind in b"0\0" else size
            name, long_name, pax = pax.get("path") or long_name or _name(header), "", {}
            if kind == b"5" or (kind in b"0\0" and name.endswith("/")):
                stream.skip(size)
                continue
            index += 1
            refused = "" if kind in b"0\0" else "a link, device or special file"
            stream.begin(size)
            yield Member(index, printable(name), refused), stream.pieces()
            stream.finish()


class _Exact:
    """Exact reads over a reader that gives about as much as asked for; members end at a multiple of 512 bytes."""

    def __init__(self, reader: HashingReader) -> None:
        self._reader, self._budget = reader, _Budget(reader.before.size)
        self._buffer = b""
        self._left = self._padding = 0

    def take(self, count: int) -> bytes:
        """Return `count` bytes, fewer at the end."""
        while len(self._buffer) < count and (data := self._reader.read(_PIECE)):
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def small(self, size: int) -> bytes:
        """Return an extended header, which must be small."""
        if size > _MAX_NAME_BYTES:
            raise TruncatedError("The tar archive has a header that is too large.", hint="Unpack it yourself.")
        data = self.take(size)
        self.take(-size % _BLOCK)
        return data

    def begin(self, size: int) -> None:
        """Start a member of `size` bytes."""
        self._left, self._padding = size, -size % _BLOCK

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the member."""
        while self._left:
            data = self.take(min(self._left, _PIECE))
            self._left -= len(data)
            if not data:
                raise TruncatedError("The tar archive ends inside a member.", hint="Export it again.")
            yield self._budget.spend(data)

    def finish(self) -> None:
        """Skip what was not drawn of the last member."""
        self.skip(self._left, self._padding)
        self._left = self._padding = 0

    def skip(self, size: int, padding: int | None = None) -> None:
        """Read over bytes and the padding behind them."""
        left = size + (-size % _BLOCK if padding is None else padding)
        while left and (data := self.take(min(left, _PIECE))):
            left -= len(data)


def _checksum_holds(header: bytes) -> bool:
    stated = re.fullmatch(rb"[ \0]*([0-7]+)[ \0]*", header[148:156])
    return stated is not None and int(stated[1], 8) == sum(header[:148]) + sum(header[156:]) + 8 * 32


def _number(field: bytes) -> int:
    """Octal text, or base 256 with the top bit set (GNU); a negative or unreadable one is damage."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = re.fullmatch(rb"[ \0]*([0-7]*)[ \0]*", field)
    if digits is None:
        raise TruncatedError("The tar archive is damaged: a size cannot be read.", hint="Export it again.")
    return int(digits[1] or b"0", 8)


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> dict[str, str]:
    """Return the records `length key=value` (POSIX.1-2001, pax)."""
    records: dict[str, str] = {}
    while data:
        match = re.match(rb"(\d{1,6}) ([^=]+)=", data)
        if match is None or int(match[1]) <= match.end():
            break
        end = int(match[1])
        records[_text(match[2])] = data[match.end() : end - 1].decode("utf-8", "surrogateescape")
        data = data[end:]
    if not re.fullmatch(r"\d{1,18}", records.get("size", "0")):
        raise TruncatedError("The tar archive is damaged: a size cannot be read.", hint="Export it again.")
    return records
