"""A package as a zip: stored, sorted, dated 1980-01-01, so that the same files are the same bytes everywhere.

Written and read by own code. The standard library's writer puts the system and its own version into the headers; its reader believes a directory that
may say anything. Here a zip is read from its beginning, and has to be, byte for byte, what would be written of the files found in it: nothing can
hide between, before or behind them, nothing is inflated, and no member can be larger than the file itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.package.bag import is_name

MAX_FILES = 20_000
_VERSION, _MADE_BY = 20, 0x0300 | 20  # stored members of zip 2.0, with modes of Unix
_TIME, _DATE = 0, 0x21  # 1980-01-01 00:00
_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_MAX = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """A stored file: its name, where its bytes begin, how many, and their checksum as written."""

    name: str
    start: int
    size: int
    crc: int


class ForeignZipError(ValueError):
    """The file is not a zip as this tool writes it; says what and where."""


def write(top: str, files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the bytes of a zip with all files in one folder.

    Raises:
        ValueError: it would be larger than a zip without extensions may be (4 GiB, 65,535 files).

    """
    if len(files) > MAX_FILES or sum(len(data) + len(name) * 2 + 300 for name, data in files.items()) > _MAX:
        raise ValueError("the package is too large for a zip")
    members, offset = [], 0
    for name in sorted(files):
        member = Member(f"{top}/{name}", offset, len(files[name]), zlib.crc32(files[name]))
        head = _local(member)
        members.append(member)
        yield head
        yield files[name]
        offset += len(head) + member.size
    yield _directory(members, offset)


def _local(member: Member) -> bytes:
    name = member.name.encode()
    numbers = (_VERSION, 0, 0, _TIME, _DATE, member.crc, member.size, member.size, len(name), 0)
    return _LOCAL.pack(b"PK\x03\x04", *numbers) + name


def _directory(members: list[Member], offset: int) -> bytes:
    """Return the directory; `start` of a member is here where its header begins."""
    entries = b"".join(_central(member) for member in members)
    end = (0, 0, len(members), len(members), len(entries), offset, 0)
    return entries + _END.pack(b"PK\x05\x06", *end)


def _central(member: Member) -> bytes:
    name = member.name.encode()
    numbers = (_MADE_BY, _VERSION, 0, 0, _TIME, _DATE, member.crc, member.size, member.size)
    return _CENTRAL.pack(b"PK\x01\x02", *numbers, len(name), 0, 0, 0, 0, _MODE, member.start) + name


def read(path: Path) -> tuple[str, list[Member]]:
    """Return the folder and the members of a package's zip, named without it; their checksums are those written, not checked.

    Raises:
        ForeignZipError: it is not as `write` makes it.

    """
    found, offset = [], 0
    with path.open("rb") as file:
        size = file.seek(0, 2)
        while (member := _next(file, offset, size)) is not None:
            found.append(member)
            offset = member.start + member.size
            if len(found) > MAX_FILES:
                raise ForeignZipError(f"has more than {MAX_FILES:,} files")
        _require_end(file, found, offset, size)
    tops = {member.name.partition("/")[0] for member in found}
    if len(tops) != 1:
        raise ForeignZipError("does not hold exactly one folder")
    top = tops.pop()
    return top, [Member(item.name.removeprefix(f"{top}/"), item.start, item.size, item.crc) for item in found]


def _next(file: BinaryIO, offset: int, size: int) -> Member | None:
    """Read the header at `offset`; None where the directory begins."""
    file.seek(offset)
    head = file.read(_LOCAL.size)
    if head[:4] != b"PK\x03\x04":
        return None
    if len(head) < _LOCAL.size:
        raise ForeignZipError(f"ends within the header at byte {offset:,}")
    *_, crc, _, length, name_length, _ = _LOCAL.unpack(head)
    text = file.read(name_length).decode("ascii", "replace")
    start = offset + _LOCAL.size + name_length
    member = Member(text, start, length, crc)
    if not is_name(text) or head + text.encode() != _local(member):
        raise ForeignZipError(
            f"has a header at byte {offset:,} that this tool does not write: changed, or packed by another program"
        )
    if start + length > size:
        raise ForeignZipError(f"ends within {text}")
    return member


def _require_end(file: BinaryIO, found: list[Member], offset: int, size: int) -> None:
    """Require sorted names, and that the rest of the file is exactly the directory of what was found."""
    names = [member.name for member in found]
    if names != sorted(set(names)):
        raise ForeignZipError("has names twice or out of order")
    headers = [Member(item.name, item.start - _LOCAL.size - len(item.name), item.size, item.crc) for item in found]
    wanted = _directory(headers, offset)
    file.seek(offset)
    if size - offset != len(wanted) or file.read(len(wanted)) != wanted:
        raise ForeignZipError(
            f"does not end with the directory of its files at byte {offset:,}: cut, changed, or something was added"
        )
