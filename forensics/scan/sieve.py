"""Find the texts of an Arrow array in which any gate opens: many texts in one search, single texts only where that found something.

Measured on 57,000 exchanges with clean bodies, the whole scan with the verdicts: 1.50 CPU seconds row by row, 0.62 so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forensics.scan.engine import Scanner

_TOGETHER = 64  # texts searched at once
# Stands between two texts: to `\b` a line feed is what the end of the text is, so a gate opens here wherever it opens in one text alone.
_BETWEEN = "\n"


def open_gates(scanner: Scanner, texts: pa.StringArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each text whether a gate opens in it; NULL is no text."""
    found = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), _TOGETHER):
        part = texts.slice(start, _TOGETHER)
        if scanner.candidates(_joined(part)):
            found[start : start + len(part)] = [
                bool(scanner.candidates(text or b"")) for text in _binary(part).to_pylist()
            ]
    return found


def _binary(texts: pa.StringArray) -> Any:
    return texts.cast(pa.binary())


def _joined(texts: pa.StringArray) -> bytes:
    filled = pc.fill_null(texts, "")
    whole = pa.ListArray.from_arrays(pa.array([0, len(filled)], pa.int32()), filled)
    joined: bytes = _binary(pc.binary_join(whole, _BETWEEN))[0].as_py()
    return joined


def doubtful(scanner: Scanner, bodies: pa.StringArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    r"""Return for each body whether it must be scanned by itself: a gate opens, or `\` may hide from the gates what it spells."""
    escaped = pc.fill_null(pc.match_substring(bodies, "\\"), False).to_numpy(zero_copy_only=False)
    return np.asarray(open_gates(scanner, bodies) | escaped)


def doubtful_headers(scanner: Scanner, headers: pa.ListArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each list of {name, value} whether a gate opens in a value; each distinct value is searched once."""
    rows = pc.list_parent_indices(headers).to_numpy()
    coded = pc.list_flatten(headers).field("value").dictionary_encode()
    opened = open_gates(scanner, coded.dictionary)
    found = np.zeros(len(headers), dtype=bool)
    if opened.any():
        codes = coded.indices.fill_null(-1).to_numpy()
        found[rows[(codes >= 0) & opened[codes]]] = True
    return found
