"""Read a file and hash the bytes as they pass, so that the hash covers exactly what was parsed."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from forensics.errors import EvidenceError, TruncatedError
from forensics.evidence.inflate import Inflater, compression_of

HEAD_BYTES = 64 * 1024
MAX_RATIO = 200
RATIO_FREE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies the file on disk, to notice a change while it is read."""

    size: int
    inode: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Hashes of a file: `sha256` as it lies there, `content_sha256` after decompression; sizes in bytes."""

    sha256: str
    content_sha256: str
    size: int
    content_size: int

    @property
    def evidence_id(self) -> str:
        """First 16 hex digits of the hash of the decompressed bytes: `http.log` and `http.log.gz` are the same evidence."""
        return self.content_sha256[:16]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was read of a file before: so many decompressed bytes with this hash, so many records."""

    content_size: int
    content_sha256: str
    records: int


class NotGrownError(Exception):
    """The file does not begin with what was read of it before."""


def open_file(path: Path) -> IO[bytes]:
    """Open a regular file read-only, without following a link.

    Raises:
        EvidenceError: the file cannot be opened or is not a regular file (a FIFO or device would block or never end).

    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise EvidenceError(
            f"{path} cannot be read: {error.strerror}.", hint="Check that it is a regular file you may read."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EvidenceError(f"{path} is not a regular file.", hint="Copy what it holds into a file first.")
    return os.fdopen(descriptor, "rb", buffering=0)


def fingerprint(file: IO[bytes]) -> Fingerprint:
    """Return size, inode and modification time of an open file."""
    info = os.fstat(file.fileno())
    return Fingerprint(info.st_size, info.st_ino, info.st_mtime_ns)


class HashingReader(io.RawIOBase):
    """Reads what a file held when it was opened, or its first `size` bytes, and hashes them; compressed files outside and inside.

    A file that is still being written is therefore read up to a definite place, the same in every pass.
    With a `mark` the bytes before it are compared with what was read of the file earlier.
    """

    def __init__(self, path: Path, *, size: int | None = None, mark: Mark | None = None) -> None:
        super().__init__()
        self._path = path
        self._file = open_file(path)
        self.before = fingerprint(self._file)
        self._left = self.before.size if size is None else size
        self._mark = mark
        self.compression = compression_of(os.pread(self._file.fileno(), 8, 0))
        self._outer, self._inner = hashlib.sha256(), hashlib.sha256()
        self.outer_bytes = self.inner_bytes = 0
        self._inflater = Inflater(self.compression) if self.compression != "none" else None
        self._inflated = memoryview(b"")

    def readable(self) -> bool:
        """Say that this is a source."""
        return True

    def read_outer(self, size: int) -> bytes:
        """Return bytes as they lie in the file, hashed.

        Raises:
            EvidenceError: the disk cannot give them.

        """
        try:
            data = self._file.read(min(size, self._left)) or b""
        except OSError as error:
            raise EvidenceError(
                f"{self._path} cannot be read at byte {self.outer_bytes:,}: {error.strerror}.",
                hint="Copy it from a good disk.",
            ) from error
        self._outer.update(data)
        self.outer_bytes += len(data)
        self._left -= len(data)
        return data

    def read(self, size: int = -1) -> bytes:
        """Return some decompressed bytes, about `size`; empty at the end.

        Raises:
            TruncatedError: the compressed stream is damaged, ends early or expands beyond the limit; what could be read before was
                returned before.
            NotGrownError: the bytes before the mark are not those read earlier.

        """
        if self._inflater is None:
            data = self.read_outer(size)
        else:
            self._check_ratio()
            data = self._read_inner(self._inflater, size)
        if self._mark:
            self._pass_mark(self._mark, data)
        elif self._inflater is not None:
            self._inner.update(data)
        self.inner_bytes += len(data)
        return data

    def _check_ratio(self) -> None:
        if self.inner_bytes > RATIO_FREE_BYTES and self.inner_bytes > MAX_RATIO * max(self.outer_bytes, 1):
            raise TruncatedError(
                f"{self._path} expands more than {MAX_RATIO} times.",
                hint="Decompress it yourself if that is expected; what was read so far is kept.",
            )

    def _pass_mark(self, mark: Mark, data: bytes) -> None:
        """Hash up to the mark and compare; the inner hash is kept even where nothing is compressed, to be compared there."""
        room = mark.content_size - self.inner_bytes
        head = data[: max(room, 0)]
        self._inner.update(head)
        if 0 < room <= len(data) and self._inner.hexdigest() != mark.content_sha256:
            raise NotGrownError
        if not data and room > 0:
            raise NotGrownError
        self._inner.update(data[len(head) :])

    def _read_inner(self, inflater: Inflater, size: int) -> bytes:
        """Return at most `size` bytes: what a piece gave beyond that waits."""
        wanted = size if size > 0 else HEAD_BYTES
        parts: list[bytes | memoryview] = []
        got, ended = 0, False
        while got < wanted and not ended:
            if not self._inflated:
                ended = not self._inflate(inflater)
            parts.append(self._inflated[: wanted - got])
            self._inflated = self._inflated[wanted - got :]
            got += len(parts[-1])
        if inflater.trouble and not got:
            raise TruncatedError(
                f"{self._path} is damaged or cut: {inflater.trouble}.",
                hint="Export it again; what was read so far is kept.",
            )
        return b"".join(parts)

    def _inflate(self, inflater: Inflater) -> bool:
        """Decompress a piece; say whether there may be more."""
        if inflater.trouble:
            return False
        piece = b"" if inflater.pending else self.read_outer(inflater.piece_bytes)
        more = bool(piece) or inflater.pending
        self._inflated = memoryview(inflater.feed(piece))
        return more

    def identity(self) -> Identity:
        """Return the hashes; reads what a decompressor left unread, so that the outer hash covers the whole file."""
        while self.read_outer(1 << 20):
            pass
        outer = self._outer.hexdigest()
        inner = outer if self._inflater is None else self._inner.hexdigest()
        return Identity(outer, inner, self.outer_bytes, self.inner_bytes)

    def change(self) -> str:
        """Say what happened to the file since it was opened: nothing (empty), `grew` (only appended to, as far as can be seen) or `changed`."""
        now = fingerprint(self._file)
        if now == self.before:
            return ""
        return "grew" if now.size > self.before.size else "changed"

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def read_head(path: Path) -> tuple[bytes, str]:
    """Return the first 64 KiB after decompression, and what is wrong where the stream is damaged before that."""
    with HashingReader(path) as reader:
        parts: list[bytes] = []
        trouble = ""
        try:
            while sum(map(len, parts)) < HEAD_BYTES and (data := reader.read(HEAD_BYTES)):
                parts.append(data)
        except TruncatedError as error:
            trouble = error.message
        return b"".join(parts)[:HEAD_BYTES], trouble


def prefix_hashes(path: Path, sizes: Collection[int]) -> dict[int, str]:
    """Return the SHA-256 of the first so many decompressed bytes, for sizes that more bytes follow; the file is read once."""
    digest, passed = hashlib.sha256(), 0
    found: dict[int, str] = {}
    with HashingReader(path) as reader, suppress(TruncatedError):
        for size in sorted(sizes):
            while passed < size and (data := reader.read(min(size - passed, 1 << 20))):
                digest.update(data)
                passed += len(data)
            if passed < size:
                return found
            found[size] = digest.hexdigest()
        more = reader.read(1)
        if not more:
            found.pop(passed, None)
    return found
