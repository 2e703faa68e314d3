"""What the rules of this package look at, and the small grammar they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaderVerdict:
    """What one header (lower-case name) does; ranks compare verdicts of one header and subject only.

    `subject` is the cookie where the header sets one; `detail` names, separated by blanks, what the verdict does not say: properties
    of a cookie, origins, sources of scripts.
    """

    header: str
    verdict: str
    rank: int
    subject: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the request a verdict depends on; None = not known."""

    scheme: str | None = None
    host: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """Headers of one response by lower-case name, values in the order sent."""

    values: Mapping[str, list[str]]
    asked: Asked

    def all(self, name: str) -> list[str]:
        """Return the values of a header, in order."""
        return self.values.get(name, [])

    def tokens(self, name: str) -> list[str]:
        """Return the comma-separated values of a header in lower case."""
        return [token.strip().lower() for value in self.all(name) for token in value.split(",") if token.strip()]


def response(headers: Sequence[tuple[str, str]], asked: Asked) -> Response:
    """Return the response with these headers; names in any case."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.strip().lower(), []).append(value)
    return Response(values, asked)


def directives(value: str, separator: str = ";") -> dict[str, str] | None:
    """Return name (lower case) and value of each directive (RFC 6797, 6.1), or None where the grammar is broken or one repeats."""
    found: dict[str, str] = {}
    for part in value.split(separator):
        name, _, argument = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not _is_word(name) or name.lower() in found or not _is_argument(argument):
            return None
        found[name.lower()] = argument.strip('"')
    return found


def seconds(digits: str) -> int | None:
    """Return a number of seconds, None where there is none; beyond 18 digits any long time will do (Python refuses thousands)."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits) if len(digits) <= 18 else 10**18


def worded(words: Iterable[str], most: int = 500) -> str:
    """Return words in order, once each, cut where hostile evidence made them endless."""
    return " ".join(sorted(set(words)))[:most]


def _is_word(text: str) -> bool:
    return bool(text) and not any(char.isspace() or char in '"=;' for char in text)


def _is_argument(text: str) -> bool:
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return not text or quoted or _is_word(text)
