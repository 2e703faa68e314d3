"""The files of a package as they are found, in a folder or a zip: never trusted, never unpacked, read in pieces.

Links, devices and pipes are told and not opened. Names are looked at as names only; nothing is ever written.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forensics.errors import UsageError
from forensics.package.archive import MAX_FILES, ForeignZipError, read

_BLOCK = 1 << 20
_DEPTH = 12  # folders in folders
SMALL = 64 << 20  # bytes of a file that is looked into


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is wrong: the file, by its path in the package, and what."""

    file: str
    what: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Sizes of the files by path, how to read one, what was wrong already, and the folder in a zip."""

    sizes: dict[str, int]
    chunks: Callable[[str], Iterator[bytes]]
    failures: list[Failure] = field(default_factory=list)
    top: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """Hashes of a file by algorithm."""

    sha256: str
    sha512: str


def contents(path: Path) -> Contents:
    """Return the contents of a package; what cannot be read at all is a failure of the whole.

    Raises:
        UsageError: there is nothing at `path`, or neither a folder nor a file.

    """
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _zip(path)
    raise UsageError(
        f"{path} is no package: neither a folder nor a zip.", hint="Make one: canary-forensics package CASE OUT"
    )


def _folder(path: Path) -> Contents:
    sizes: dict[str, int] = {}
    failures = list(_walk(path, "", sizes))
    return Contents(sizes, lambda name: _file_chunks(path / name, sizes[name]), failures)


def _walk(folder: Path, prefix: str, sizes: dict[str, int]) -> Iterator[Failure]:
    """Collect plain files; yield what is none, and folders that hold nothing or too much."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Failure(prefix or ".", f"cannot be read: {error.strerror}")
        return
    if not found:
        yield Failure(prefix or ".", "is a folder without files")
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if prefix.count("/") >= _DEPTH:
                yield Failure(name, f"is deeper than {_DEPTH} folders")
            else:
                yield from _walk(Path(entry.path), f"{name}/", sizes)
        elif not entry.is_file(follow_symlinks=False):
            yield Failure(name, "is a link or a special file")
        elif len(sizes) >= MAX_FILES:
            yield Failure(name, f"is beyond {MAX_FILES:,} files")
            return
        else:
            sizes[name] = entry.stat(follow_symlinks=False).st_size


def _file_chunks(path: Path, size: int) -> Iterator[bytes]:
    """Yield a plain file's bytes; raises OSError where it cannot be read, or is not what it was when it was listed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size != size:
            raise OSError(0, "it changed meanwhile")
        while data := file.read(_BLOCK):
            yield data


def _zip(path: Path) -> Contents:
    try:
        top, members = read(path)
    except ForeignZipError as error:
        hint = "if it was packed again by another program, unpack it and verify the folder"
        return Contents({}, lambda _name: iter(()), [Failure(".", f"the zip {error}; {hint}")])
    except OSError as error:
        return Contents({}, lambda _name: iter(()), [Failure(".", f"the zip cannot be read: {error.strerror}")])
    by_name = {member.name: member for member in members}

    def chunks(name: str) -> Iterator[bytes]:
        member, checksum = by_name[name], 0
        with path.open("rb") as file:
            file.seek(member.start)
            for start in range(0, member.size, _BLOCK):
                data = file.read(min(_BLOCK, member.size - start))
                checksum = zlib.crc32(data, checksum)
                yield data
        if checksum != member.crc:
            raise OSError(0, "its checksum in the zip is another")

    return Contents({name: member.size for name, member in by_name.items()}, chunks, top=top)


def digest(found: Contents, name: str) -> Digest | Failure:
    """Return the hashes of a file, or why it cannot be read."""
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    try:
        for data in found.chunks(name):
            sha256.update(data)
            sha512.update(data)
    except OSError as error:
        return Failure(name, f"cannot be read: {error.strerror}")
    return Digest(sha256.hexdigest(), sha512.hexdigest())


def small(found: Contents, name: str) -> bytes:
    """Return the bytes of a file that is looked into; nothing where it is missing, cannot be read (`digest` says so) or is too large."""
    if not 0 <= found.sizes.get(name, -1) <= SMALL:
        return b""
    with suppress(OSError):
        return b"".join(found.chunks(name))
    return b""
