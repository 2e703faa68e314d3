"""Decompression piece by piece with bounded output: gzip (RFC 1952), zstd (RFC 8878), bzip2, xz; several members or frames in one file."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Literal

import zstandard

Compression = Literal["none", "gzip", "zstd", "bzip2", "xz"]

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
# What a decompressor is fed at once. A piece of gzip expands to 66 MB at most (1,032:1), one of zstd to 64 MB (32,768:1); bzip2 and xz are told
# how much they may give, and their pieces are small since damage costs the piece in which it is noticed.
PIECE_BYTES: dict[Compression, int] = {"gzip": 64 * 1024, "zstd": 2 * 1024, "bzip2": 16 * 1024, "xz": 16 * 1024}
_MOST_AT_ONCE = 16 * 1024 * 1024
# `xz -9` needs 65 MB to decompress; a header may ask for 4 GB.
_XZ_MEMORY = 128 * 1024 * 1024
_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, EOFError)


def compression_of(head: bytes) -> Compression:
    """Tell the compression by the magic number, never by the name."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")


class Inflater:
    """Decompresses piece by piece; at damage it gives what can still be had, then says so in `trouble`."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self.piece_bytes = PIECE_BYTES[compression]
        self._state: Any = self._fresh()
        self._started = False
        self.trouble = ""

    def _fresh(self) -> Any:
        if self._compression == "gzip":
            return zlib.decompressobj(31)
        if self._compression == "bzip2":
            return bz2.BZ2Decompressor()
        if self._compression == "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()

    @property
    def pending(self) -> bool:
        """Say whether there is more to come without feeding more."""
        return self._started and not getattr(self._state, "needs_input", True)

    def feed(self, piece: bytes) -> bytes:
        """Return decompressed bytes of a piece; an empty piece gives what is pending, else it is the end of the file."""
        if not piece and not self.pending:
            if self._started:
                self.trouble = "the compressed stream ends early"
            return b""
        if self._compression == "gzip":
            return self._careful(piece, (64, 1))
        return self._inflate(piece)

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
        parts = []
        # Zeros between members are padding (tapes, RFC 1952 readers, xz stream padding).
        while (piece := piece if self._started else piece.lstrip(b"\0")) or self.pending:
            try:
                parts.append(self._some(piece))
            except _ERRORS as error:
                self.trouble = str(error) or type(error).__name__
                break
            self._started = not self._state.eof
            piece = self._state.unused_data if self._state.eof else b""
            if self._state.eof:
                self._state = self._fresh()
            elif self.pending:
                break
        return b"".join(parts)

    def _some(self, piece: bytes) -> bytes:
        if self._compression in ("bzip2", "xz"):
            return bytes(self._state.decompress(piece, _MOST_AT_ONCE))
        return bytes(self._state.decompress(piece))
