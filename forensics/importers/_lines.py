"""Physical lines of a document whose record numbers they are."""

from __future__ import annotations

from collections.abc import Iterator


def spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the number of every line, its first byte and the byte behind its last."""
    number, start = 1, 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield number, start, end
        number, start = number + 1, end
