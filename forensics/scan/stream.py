"""Scan NDJSON lines, each a response or a text: one row a hit, in the order of the input; a bad line is a row, not an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from forensics.bodies import decode_base64
from forensics.scan.engine import Match, Scanner, scan_text
from forensics.scan.headers import header_verdicts
from forensics.scan.rows import header_matches

MAX_LINE_BYTES = 32 * 1024 * 1024


class _Response(Struct):
    headers: list[tuple[str, str | None]] | None = None
    body: str | None = None
    body_encoding: Literal["utf8", "base64"] | None = None


class _Request(Struct):
    url: str | None = None


class _Line(Struct):
    """One line; what `scan` does not look at is not even read."""

    id: str | int | float = field()
    text: str | None = None
    response: _Response | None = None
    request: _Request | None = None


_DECODER = msgspec.json.Decoder(_Line)


def scan_lines(scanner: Scanner, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield a row for each hit, header verdict and line that cannot be read.

    Rows: `{id, pattern, class, confidence, start, end, masked}` with characters of the body, of `text`, or of the header named in
    the additional `header`; `{id, header, verdict}` for responses whose headers are given; `{id, line, error}`.

    Args:
        scanner: the patterns.
        lines: with or without line feed; blank lines are skipped but counted.

    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _scan_line(scanner, number, line)


def _scan_line(scanner: Scanner, number: int, line: bytes) -> Iterator[dict[str, Any]]:
    try:
        record = _record(line)
    except ValueError as error:
        yield {"id": None, "line": number, "error": str(error)}
        return
    if record.text is not None:
        yield from (_hit(record.id, match) for match in scan_text(scanner, record.text, None, "body"))
    if record.response is not None:
        yield from _response_rows(scanner, number, record, record.response)


def _record(line: bytes) -> _Line:
    """Return the line as a record; the message of a `ValueError` quotes nothing of it."""
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


def _response_rows(scanner: Scanner, number: int, line: _Line, response: _Response) -> Iterator[dict[str, Any]]:
    headers = [(name, value or "") for name, value in response.headers or []]
    body, state = _body(response, headers)
    if state != "full":
        yield {"id": line.id, "line": number, "error": f"The body is {state}."}
    yield from (_hit(line.id, match) for match in scan_text(scanner, body, _value(headers, "content-type")))
    yield from ({**_hit(line.id, match), "header": name} for name, match in header_matches(scanner, headers))
    if response.headers is not None:
        for verdict in header_verdicts(headers, _scheme(line.request)):
            yield {"id": line.id, "header": verdict.header, "verdict": verdict.verdict}


def _body(response: _Response, headers: list[tuple[str, str]]) -> tuple[str, str]:
    if not response.body or response.body_encoding != "base64":
        return response.body or "", "full"
    decoded = decode_base64(response.body, _value(headers, "content-encoding"), _value(headers, "content-type"))
    return decoded.text or "", decoded.state


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


def _scheme(request: _Request | None) -> str | None:
    scheme, separator, _ = ((request.url if request else None) or "").partition("://")
    return scheme.lower() if separator else None
