"""Find the texts of an Arrow array in which any gate opens: some texts in one search, single texts only where that found something.

Measured on 57,000 exchanges with clean bodies, the whole scan with the verdicts: 1.50 CPU seconds row by row, 0.62 so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forensics.scan.engine import Scanner
from forensics.scan.json_strings import is_valid, looks_like_json, readings

# Bytes searched at once: enough that a short text costs no search of its own, little enough that one hit has few others searched again.
_TOGETHER = 8 * 1024
# Stands between two texts: to `\b` a line feed is what the end of the text is, so a gate opens here wherever it opens in one text alone.
_BETWEEN = b"\n"

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def open_gates(scanner: Scanner, texts: Iterable[bytes | None]) -> list[bool]:
    """Return for each text whether a gate opens in it; None is no text."""
    found: list[bool] = []
    for group in _groups(texts):
        if scanner.candidates(_BETWEEN.join(group)):
            found.extend(bool(scanner.candidates(text)) for text in group)
        else:
            found.extend(False for _ in group)
    return found


def doubtful(scanner: Scanner, bodies: pa.StringArray) -> Flags:
    """Return for each body whether it must be scanned by itself: a gate opens, in JSON also for what escapes spell."""
    return np.array(open_gates(scanner, map(_seen, bodies.cast(pa.binary()).to_pylist())), dtype=bool)


def doubtful_headers(scanner: Scanner, headers: pa.ListArray) -> Flags:
    """Return for each list of {name, value} whether a gate opens in a value; each distinct value is searched once."""
    rows = pc.list_parent_indices(headers).to_numpy()
    coded = pc.list_flatten(headers).field("value").dictionary_encode()
    opened = np.array(open_gates(scanner, coded.dictionary.cast(pa.binary()).to_pylist()), dtype=bool)
    found = np.zeros(len(headers), dtype=bool)
    if opened.any():
        codes = coded.indices.fill_null(-1).to_numpy()
        found[rows[(codes >= 0) & opened[codes]]] = True
    return found


def _seen(body: bytes | None) -> bytes | None:
    """Return what the gates look at in a body, as the scan of one body does: JSON without its escapes, broken JSON both ways."""
    if body is None or b"\\" not in body or not looks_like_json(text := body.decode()):
        return body
    return _BETWEEN.join(readings(text) if is_valid(body) else [*readings(text), body])


def _groups(texts: Iterable[bytes | None]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for text in texts:
        group.append(text or b"")
        size += len(group[-1])
        if size >= _TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group
