"""Decode message bodies: base64, content encodings, character set; bounded, and honest about what could not be decoded."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MAX_BODY_BYTES = 32 * 1024 * 1024
_STEP_BYTES = 1024 * 1024
_NOT_ON_THE_WEB = {
    "idna",
    "punycode",
    "unicode-escape",
    "unicode_escape",
    "raw-unicode-escape",
    "raw_unicode_escape",
    "utf-7",
    "undefined",
}
RESULT = "STRUCT(body VARCHAR, state VARCHAR)"


@dataclass(frozen=True, slots=True)
class Body:
    """Decoded text and `full`, `truncated` or `undecodable`; undecodable bodies have no text."""

    text: str | None
    state: str


def decode(data: bytes, content_encoding: str | None = None, content_type: str | None = None) -> Body:
    """Return the text of a body as the Content-Encoding and the charset say (RFC 9110, 8.4 and 8.3.2)."""
    is_whole = True
    for coding in reversed([part.strip().lower() for part in (content_encoding or "").split(",") if part.strip()]):
        unpacked = _unpack(data, coding)
        if unpacked is None:
            return Body(None, "undecodable")
        data, ended = unpacked
        is_whole = is_whole and ended
    state = "full" if is_whole and len(data) <= MAX_BODY_BYTES else "truncated"
    return Body(_text(data[:MAX_BODY_BYTES], content_type), state)


def decode_base64(text: str, content_encoding: str | None = None, content_type: str | None = None) -> Body:
    """Like `decode`, for base64 text (RFC 4648, white space allowed)."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return Body(None, "undecodable")
    return decode(data, content_encoding, content_type)


def decode_column(bodies: pa.ChunkedArray, encodings: pa.ChunkedArray, types: pa.ChunkedArray) -> pa.Array:
    """Engine function `decode_body(base64, content_encoding, content_type)`: Arrow in, structs of body and state out."""
    rows = zip(bodies.to_pylist(), encodings.to_pylist(), types.to_pylist(), strict=True)
    decoded = [None if text is None else decode_base64(text, encoding, kind) for text, encoding, kind in rows]
    values: list[dict[str, Any] | None] = [
        None if body is None else {"body": body.text, "state": body.state} for body in decoded
    ]
    return pa.array(values, pa.struct([("body", pa.string()), ("state", pa.string())]))


def _unpack(data: bytes, coding: str) -> tuple[bytes, bool] | None:
    """Return the decoded bytes, at most a little over the limit, and whether the stream came to its end; None where it is not of the coding."""
    import brotli
    import zstandard

    is_raw = bool(data[:1]) and data[0] & 0x0F != 8
    readers: dict[str, Callable[[], tuple[bytes, bool]]] = {
        "identity": lambda: (data, True),
        "gzip": lambda: _inflate(zlib.decompressobj(31), data),
        "x-gzip": lambda: _inflate(zlib.decompressobj(31), data),
        "deflate": lambda: _inflate(zlib.decompressobj(-15 if is_raw else 15), data),
        "zstd": lambda: _zstd(zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj(), data),
        "br": lambda: _brotli(brotli.Decompressor(), data),
    }
    try:
        return readers[coding]()
    except (KeyError, zlib.error, zstandard.ZstdError, brotli.error):
        return None


def _inflate(state: Any, data: bytes) -> tuple[bytes, bool]:
    out = state.decompress(data, MAX_BODY_BYTES + 1)
    return out, state.eof


def _zstd(state: Any, data: bytes) -> tuple[bytes, bool]:
    """Feed it in small pieces: four bytes may become 128 KiB."""
    parts, size = [], 0
    for start in range(0, len(data), 1024):
        parts.append(state.decompress(data[start : start + 1024]))
        size += len(parts[-1])
        if state.eof or size > MAX_BODY_BYTES:
            break
    return b"".join(parts), state.eof


def _brotli(state: Any, data: bytes) -> tuple[bytes, bool]:
    parts, size = [state.process(data, output_buffer_limit=_STEP_BYTES)], 0
    while parts[-1] and size <= MAX_BODY_BYTES:
        size += len(parts[-1])
        parts.append(state.process(b"", output_buffer_limit=_STEP_BYTES))
    return b"".join(parts), state.is_finished()


def _text(data: bytes, content_type: str | None) -> str:
    """Decode what is text on the web; Python's other codecs are names an attacker may choose, some slow, some without an end."""
    found = re.search(r"charset=\"?([\w.:-]+)", content_type or "", re.IGNORECASE)
    try:
        text = data.decode(_charset(found[1]) if found else "utf-8", "backslashreplace")
    except (LookupError, UnicodeError):
        text = data.decode("utf-8", "backslashreplace")
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _charset(name: str) -> str:
    known = codecs.lookup(name).name
    return "utf-8" if known in _NOT_ON_THE_WEB else known
