"""Evidence files: found, opened read-only, identified by the bytes inside, never changed."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal

from forensics.errors import EvidenceError, TruncatedError

HEAD_BYTES = 64 * 1024
# What a decompressor is fed at once: a piece of either expands to 256 MB at most.
PIECE_BYTES = {"gzip": 256 * 1024, "zstd": 8 * 1024}
MAX_RATIO = 200
RATIO_FREE_BYTES = 64 * 1024 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

Compression = Literal["none", "gzip", "zstd"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may be evidence. `name` is how reports call it; `named` says the user named this very file."""

    path: Path
    name: str
    named: bool
    is_link: bool = False

    @property
    def location(self) -> str:
        """Where it lies, for the ledger; a name that is not UTF-8 shows its bytes."""
        return printable(str(self.path))


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


def discover(paths: Sequence[Path], ignore: Sequence[str] = ()) -> list[Source]:
    """Return the files in `paths`, folders walked in name order, one source a file; case folders are left out.

    Raises:
        EvidenceError: a path does not exist, or is neither a file nor a folder.

    """
    found: dict[Path, Source] = {}
    for path in paths:
        if path.is_dir():
            for file in _walk(path):
                name = printable(str(file.relative_to(path)))
                if not any(fnmatchcase(name, glob) for glob in ignore):
                    found.setdefault(
                        file.absolute(), Source(file.absolute(), name, named=False, is_link=file.is_symlink())
                    )
        elif path.is_file():
            found[path.absolute()] = Source(path.resolve(), printable(path.name), named=True)
        else:
            what = "is not a file or folder" if path.exists() else "does not exist"
            raise EvidenceError(f"{path} {what}.", hint="Name log files or a folder that holds them.")
    return _with_unique_names(list(found.values()))


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise EvidenceError(
            f"{folder} cannot be read: {error.strerror}.", hint="Give the user who runs this read access."
        ) from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.endswith(".case"):
                yield from _walk(Path(entry.path))
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def printable(name: str) -> str:
    """Return a file name with bytes that are not UTF-8 as visible escapes: JSON and databases hold text only."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _with_unique_names(sources: list[Source]) -> list[Source]:
    """Two folders may both hold `access.log`: then as many folders are put in front as tell them apart."""
    twins: dict[str, list[Source]] = {}
    for source in sources:
        twins.setdefault(source.name, []).append(source)
    return [
        source if len(twins[source.name]) == 1 else replace(source, name=_longer(source, twins[source.name]))
        for source in sources
    ]


def _longer(source: Source, twins: list[Source]) -> str:
    for count in range(2, len(source.path.parts)):
        if len({twin.path.parts[-count:] for twin in twins}) == len(twins):
            return printable("/".join(source.path.parts[-count:]))
    return source.location


def open_file(path: Path) -> IO[bytes]:
    """Open a regular file read-only, without following a link and without touching its access time where allowed.

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


def compression_of(head: bytes) -> Compression:
    """Tell the compression by the magic number (RFC 1952, RFC 8878), never by the name."""
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "none"


class HashingReader(io.RawIOBase):
    """Reads a file and hashes the bytes as they pass; for compressed files both the outer and the inner bytes are hashed.

    The hash therefore covers exactly the bytes that were parsed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = open_file(path)
        self.before = fingerprint(self._file)
        self.compression = compression_of(os.pread(self._file.fileno(), 8, 0))
        self._outer, self._inner = hashlib.sha256(), hashlib.sha256()
        self.outer_bytes = self.inner_bytes = 0
        self._inflater = _Inflater(self.compression) if self.compression != "none" else None

    def readable(self) -> bool:
        """Say that this is a source."""
        return True

    def read_outer(self, size: int) -> bytes:
        """Return bytes as they lie in the file, hashed."""
        data = self._file.read(size) or b""
        self._outer.update(data)
        self.outer_bytes += len(data)
        return data

    def read(self, size: int = -1) -> bytes:
        """Return some decompressed bytes, about `size`; empty at the end.

        Raises:
            TruncatedError: the compressed stream is damaged or ends early; what could be read before was returned before.
            EvidenceError: it expands beyond the limit.

        """
        data = self.read_outer(size) if self._inflater is None else self._read_inner(self._inflater, size)
        self.inner_bytes += len(data)
        if self.inner_bytes > RATIO_FREE_BYTES and self.inner_bytes > MAX_RATIO * max(self.outer_bytes, 1):
            raise EvidenceError(
                f"{self._path} expands more than {MAX_RATIO} times.", hint="Decompress it yourself if that is expected."
            )
        return data

    def _read_inner(self, inflater: _Inflater, size: int) -> bytes:
        parts: list[bytes] = []
        got, piece = 0, b"-"
        while piece and not inflater.trouble and got < max(size, 1):
            piece = self.read_outer(inflater.piece_bytes)
            parts.append(inflater.feed(piece))
            got += len(parts[-1])
        if inflater.trouble and not got:
            raise TruncatedError(
                f"{self._path} is damaged or cut: {inflater.trouble}.",
                hint="Export it again; what was read so far is kept.",
            )
        data = b"".join(parts)
        self._inner.update(data)
        return data

    def identity(self) -> Identity:
        """Return the hashes; reads what a decompressor left unread, so that the outer hash covers the whole file."""
        while self.read_outer(1 << 20):
            pass
        outer = self._outer.hexdigest()
        inner = outer if self._inflater is None else self._inner.hexdigest()
        return Identity(outer, inner, self.outer_bytes, self.inner_bytes)

    def unchanged(self) -> bool:
        """Say whether the file is still what it was when it was opened."""
        return fingerprint(self._file) == self.before

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Inflater:
    """Decompresses piece by piece, over several members or frames; at damage it gives what can still be had, then says so."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self.piece_bytes = PIECE_BYTES[compression]
        self._state: Any = self._fresh()
        self._started = False
        self.trouble = ""

    def _fresh(self) -> Any:
        if self._compression == "gzip":
            return zlib.decompressobj(31)
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()

    def feed(self, piece: bytes) -> bytes:
        """Return the decompressed bytes of a piece; an empty piece is the end of the file."""
        if not piece:
            if self._started:
                self.trouble = "the compressed stream ends early"
            return b""
        if self._compression == "zstd":
            return self._inflate(piece)
        return self._careful(piece, (64, 1))

    def _careful(self, piece: bytes, steps: tuple[int, ...]) -> bytes:
        """Inflate a piece; where it is damaged go over it again in smaller steps, so that only the last byte is lost."""
        saved, started = self._state.copy(), self._started
        data = self._inflate(piece)
        if not self.trouble or not steps:
            return data
        self._state, self._started, self.trouble = saved, started, ""
        parts: list[bytes] = []
        for start in range(0, len(piece), steps[0]):
            parts.append(self._careful(piece[start : start + steps[0]], steps[1:]))
            if self.trouble:
                break
        return b"".join(parts)

    def _inflate(self, piece: bytes) -> bytes:
        import zstandard

        parts = []
        # Zeros after a member are padding (tapes, RFC 1952 readers).
        while piece := piece if self._started else piece.lstrip(b"\0"):
            try:
                parts.append(self._state.decompress(piece))
            except (zlib.error, zstandard.ZstdError) as error:
                self.trouble = str(error)
                break
            self._started = not self._state.eof
            piece = self._state.unused_data if self._state.eof else b""
            if self._state.eof:
                self._state = self._fresh()
        return b"".join(parts)


def read_head(path: Path) -> bytes:
    """Return the first 64 KiB after decompression; a damaged stream gives what could be read."""
    with HashingReader(path) as reader:
        parts: list[bytes] = []
        try:
            while sum(map(len, parts)) < HEAD_BYTES and (data := reader.read(HEAD_BYTES)):
                parts.append(data)
        except TruncatedError:
            pass  # told when the whole file is read; recognition needs the beginning only
        return b"".join(parts)[:HEAD_BYTES]


def spool(stream: IO[bytes], folder: Path) -> Path:
    """Copy a stream that cannot be read twice into `folder`, named by its SHA-256; return the file (mode 0600)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    partial = folder / "partial"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        while data := stream.read(1 << 20):
            digest.update(data)
            out.write(data)
    final = folder / digest.hexdigest()
    partial.rename(final)
    return final


def standard_input() -> IO[bytes]:
    """Return standard input as bytes.

    Raises:
        EvidenceError: it is a terminal, so nothing would ever arrive.

    """
    if sys.stdin.isatty():
        raise EvidenceError("Standard input is a terminal.", hint="Pipe a log into it, or name a file.")
    return sys.stdin.buffer
