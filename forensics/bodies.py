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
_MAGIC = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_WIDTH_SAMPLE, _LEAST_WIDE = 4096, 8
RESULT = "STRUCT(body VARCHAR, state VARCHAR)"


@dataclass(frozen=True, slots=True)
class Body:
    """Decoded text and `full`, `truncated` or `undecodable`; undecodable bodies have no text."""

    text: str | None
    state: str


def decode(data: bytes, content_encoding: str | None = None, content_type: str | None = None) -> Body:
    """Return the text of a body as the Content-Encoding and the charset say (RFC 9110, 8.4 and 8.3.2), or as the bytes show.

    Exporters decode bodies and leave the header, or leave it out and keep the bytes packed, and applications pack twice: text that a coding
    cannot read is taken as it is, and what begins as gzip or zstd does is unpacked, twice at most.
    """
    is_whole = True
    for coding in reversed([part.strip().lower() for part in (content_encoding or "").split(",") if part.strip()]):
        unpacked = _unpack(data, coding)
        if unpacked is None and _is_plain(data):
            break
        if unpacked is None:
            return Body(None, "undecodable")
        data, ended = unpacked
        is_whole = is_whole and ended
    for _ in range(2):
        hidden = next((coding for magic, coding in _MAGIC if data.startswith(magic)), None)
        unpacked = _unpack(data, hidden) if hidden else None
        if unpacked is None:
            break
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


def _is_plain(data: bytes) -> bool:
    """Say whether the bytes are UTF-8 text without control characters, which no packed body is."""
    try:
        return bool(data) and not _CONTROL.search(data.decode())
    except UnicodeDecodeError:
        return False


def _text(data: bytes, content_type: str | None) -> str:
    """Decode what is text on the web; Python's other codecs are names an attacker may choose, some slow, some without an end."""
    found = re.search(r"charset=\"?([\w.:-]+)", content_type or "", re.IGNORECASE)
    try:
        text = data.decode(_evident(data, found[1] if found else "utf-8"), "backslashreplace")
    except (LookupError, UnicodeError):
        text = data.decode("utf-8", "backslashreplace")
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _evident(data: bytes, named: str) -> str:
    """Return the character set: by byte order mark first (WHATWG Encoding, 6), then as named, unless the bytes show another width.

    UTF-16 of text in Latin letters has a zero in every pair; text that is UTF-8 and said to be UTF-16 would become Chinese, and nothing in it be found.
    """
    if mark := next((charset for mark, charset in _MARKS if data.startswith(mark)), None):
        return mark
    charset = _charset(named)
    if charset.startswith(("utf-16", "utf-32")):
        return "utf-8" if _is_plain(data) else charset
    sample = data[:_WIDTH_SAMPLE]
    for first, wide in ((1, "utf-16-le"), (0, "utf-16-be")):
        if (
            len(sample) >= _LEAST_WIDE
            and sample[first::2].count(0) * 10 >= len(sample) * 4
            and not sample[1 - first :: 2].count(0)
        ):
            return wide
    return charset


def _charset(name: str) -> str:
    known = codecs.lookup(name).name
    return "utf-8" if known in _NOT_ON_THE_WEB else known
