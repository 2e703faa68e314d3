"""Decode message bodies: base64, content encodings, character set; bounded, and honest about what could not be decoded."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MAX_BODY_BYTES = 32 * 1024 * 1024
RESULT = "STRUCT(body VARCHAR, state VARCHAR)"


@dataclass(frozen=True, slots=True)
class Body:
    """Decoded text and `full`, `truncated` or `undecodable`; undecodable bodies have no text."""

    text: str | None
    state: str


def decode(data: bytes, content_encoding: str | None = None, content_type: str | None = None) -> Body:
    """Return the text of a body as the Content-Encoding and the charset say (RFC 9110, 8.4 and 8.3.2)."""
    for coding in reversed([part.strip().lower() for part in (content_encoding or "").split(",") if part.strip()]):
        unpacked = _unpack(data, coding)
        if unpacked is None:
            return Body(None, "undecodable")
        data = unpacked
    state = "truncated" if len(data) > MAX_BODY_BYTES else "full"
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
    values: list[dict[str, Any] | None] = [None if body is None else {"body": body.text, "state": body.state} for body in decoded]
    return pa.array(values, pa.struct([("body", pa.string()), ("state", pa.string())]))


def _unpack(data: bytes, coding: str) -> bytes | None:
    if coding in ("identity", ""):
        return data
    try:
        if coding in ("gzip", "x-gzip"):
            return zlib.decompressobj(31).decompress(data, MAX_BODY_BYTES + 1)
        if coding == "deflate":
            window = 15 if data[:1] and data[0] & 0x0F == 8 else -15
            return zlib.decompressobj(window).decompress(data, MAX_BODY_BYTES + 1)
        if coding == "zstd":
            import zstandard

            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(data)
            return reader.read(MAX_BODY_BYTES + 1)
        if coding == "br":
            return _brotli(data)
    except (zlib.error, gzip.BadGzipFile, ValueError, RuntimeError):
        return None
    return None


def _brotli(data: bytes) -> bytes | None:
    import brotli
    import zstandard

    decoder, parts, size = brotli.Decompressor(), [], 0
    try:
        for start in range(0, len(data), 4096):
            parts.append(decoder.process(data[start : start + 4096]))
            size += len(parts[-1])
            if size > MAX_BODY_BYTES:
                break
    except (brotli.error, zstandard.ZstdError):
        return None
    return b"".join(parts)


def _text(data: bytes, content_type: str | None) -> str:
    found = re.search(r"charset=\"?([\w.:-]+)", content_type or "", re.IGNORECASE)
    try:
        return data.decode(found[1] if found else "utf-8", "backslashreplace").replace("\x00", "\\x00")
    except LookupError:
        return data.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
