"""Scan NDJSON lines, each a response or a text: one row a hit, in the order of the input; a bad line is a row, not an end."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from forensics.scan.engine import Match, Scanner, scan_text
from forensics.scan.headers import HTML_TYPES, HeaderVerdict, header_verdicts, script_verdict
from forensics.scan.rows import header_matches

# (base64 text, Content-Encoding, Content-Type) -> text, or None if it cannot be decoded, and whether it is only the beginning.
BodyDecoder: TypeAlias = Callable[[str, str | None, str | None], tuple[str | None, bool]]

MAX_LINE_BYTES = 32 * 1024 * 1024


class _Response(Struct):
    headers: list[tuple[str, str | None]] | None = None
    body: str | None = None
    body_encoding: str | None = None  # checked by hand: the message of a wrong choice would quote it


class _Request(Struct):
    url: str | None = None
    headers: list[tuple[str, str | None]] | None = None


class _Line(Struct):
    """One line; what `scan` does not look at is not even read."""

    id: str | int | float = field()
    text: str | None = None
    response: _Response | None = None
    request: _Request | None = None


_DECODER = msgspec.json.Decoder(_Line)


def plain_base64(body: str, content_encoding: str | None, content_type: str | None) -> tuple[str | None, bool]:  # noqa: ARG001 - BodyDecoder
    """Decode base64 (white space allowed) as UTF-8, whatever the headers say."""
    try:
        return base64.b64decode("".join(body.split()), validate=True).decode("utf-8", "backslashreplace"), False
    except (binascii.Error, ValueError):
        return None, False


def scan_lines(
    scanner: Scanner, lines: Iterable[bytes], decode: BodyDecoder = plain_base64
) -> Iterator[dict[str, Any]]:
    """Yield a row for each hit, header verdict and line that cannot be read.

    Rows: `{id, pattern, class, confidence, start, end, masked}` with characters of the body, of `text`, or of the header named in
    the additional `in_header`; `{id, header, verdict}` (and `subject`, `detail` where there are any) for responses whose headers are given; `{id, line, error}`.

    Args:
        scanner: the patterns.
        lines: with or without line feed; blank lines are skipped but counted.
        decode: turns a base64 body into text; pass one that knows content encodings if lines may be compressed.

    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _scan_line(scanner, number, line, decode)


def _scan_line(scanner: Scanner, number: int, line: bytes, decode: BodyDecoder) -> Iterator[dict[str, Any]]:
    try:
        record = _record(line)
    except ValueError as error:
        yield {"id": None, "line": number, "error": str(error)}
        return
    if record.text is not None:
        yield from (_hit(record.id, match) for match in scan_text(scanner, record.text, None, "body"))
    if record.response is not None:
        yield from _response_rows(scanner, number, record, record.response, decode)


def _record(line: bytes) -> _Line:
    """Return the line, or raise `ValueError` with a sentence that quotes nothing of it."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    try:
        record = _DECODER.decode(line)
    except UnicodeDecodeError:
        raise ValueError("The line is not UTF-8.") from None
    except RecursionError:
        raise ValueError("The line is nested too deeply.") from None
    except msgspec.MsgspecError as error:
        raise ValueError(f"The line is not as expected: {error}.") from None
    if record.text is None and record.response is None:
        raise ValueError("The line has neither `response` nor `text`.")
    return record


def _response_rows(
    scanner: Scanner, number: int, record: _Line, response: _Response, decode: BodyDecoder
) -> Iterator[dict[str, Any]]:
    headers = [(name, value or "") for name, value in response.headers or []]
    body, is_cut = _body(response, headers, decode)
    if is_cut:
        yield {"id": record.id, "line": number, "error": "The body is cut; it was searched as far as it goes."}
    if body is None:
        yield {"id": record.id, "line": number, "error": "The body cannot be decoded."}
    else:
        yield from (
            _hit(record.id, match) for match in scan_text(scanner, body, _value(headers, "content-type"), "body")
        )
    yield from ({**_hit(record.id, match), "in_header": name} for name, match in header_matches(scanner, headers))
    if response.headers is not None:
        yield from (_verdict(record.id, verdict) for verdict in _verdicts(record.request, headers, body or ""))


def _body(response: _Response, headers: list[tuple[str, str]], decode: BodyDecoder) -> tuple[str | None, bool]:
    if not response.body or response.body_encoding in {None, "utf8"}:
        return response.body or "", False
    if response.body_encoding != "base64":
        return None, False
    return decode(response.body, _value(headers, "content-encoding"), _value(headers, "content-type"))


def _hit(line_id: str | float, match: Match) -> dict[str, Any]:
    return {
        "id": line_id,
        "pattern": match.pattern,
        "class": match.pattern_class,
        "confidence": match.confidence,
        "start": match.start,
        "end": match.end,
        "masked": match.masked,
    }


def _value(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.strip().lower() == name), None)


def _verdicts(request: _Request | None, headers: list[tuple[str, str]], body: str) -> Iterator[HeaderVerdict]:
    scheme, separator, rest = ((request.url if request else None) or "").partition("://")
    host = re.split(r"[/?#:]", rest.rpartition("@")[2], maxsplit=1)[0] if separator else ""
    asked = [(name, value or "") for name, value in (request.headers if request else None) or []]
    yield from header_verdicts(headers, scheme if separator else None, host or None, _value(asked, "origin"))
    if (_value(headers, "content-type") or "").partition(";")[0].strip().lower() in HTML_TYPES:
        yield script_verdict(body)


def _verdict(line_id: str | float, verdict: HeaderVerdict) -> dict[str, Any]:
    more = {"subject": verdict.subject, "detail": verdict.detail}
    told = {key: value for key, value in more.items() if value}
    return {"id": line_id, "header": verdict.header, "verdict": verdict.verdict, **told}
