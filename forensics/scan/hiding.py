"""Take secrets and personal data out of a line that is shown: a path, a log message."""

from __future__ import annotations

from forensics.scan.engine import Match, default_scanner, scan_text

_VALUES = frozenset(("secret", "pii", "payment_card", "bank_account", "national_id"))


def value_matches(text: str) -> list[Match]:
    """Return what patterns of secrets or personal data find in a path or a line, by place; guesses of low confidence left out.

    A slash ends a segment of a path as a line feed ends a line, so that a value may fill the segment.
    """
    found = scan_text(default_scanner(), text.replace("/", "\n"), "text/plain")
    return [match for match in found if match.pattern_class in _VALUES and match.confidence != "low"]


def hide_values(text: str) -> str:
    """Return `text` with each such value as its masked form.

    >>> hide_values("GET /users/anna.schmidt@mail.example/orders 200")
    'GET /users/a***@m***.example/orders 200'
    """
    pieces: list[str] = []
    done = 0
    for match in value_matches(text):
        if match.end > done:
            pieces += text[done : max(match.start, done)], match.masked if match.start >= done else ""
            done = match.end
    return "".join(pieces) + text[done:]
