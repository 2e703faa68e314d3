"""Header verdicts of whole batches: each distinct set of security headers is judged once.

A service sends few sets, as soon as what changes no verdict (tokens, nonces, ages) is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forensics.scan.headers import (
    HTML_TYPES,
    SECURITY_HEADERS,
    HeaderVerdict,
    header_verdicts,
    plain_value,
    script_verdict,
)

COLUMNS = "url_scheme, server_address, http_request_headers, http_response_headers, http_response_mime_type, http_response_body"
_ORIGIN = frozenset({"origin"})

_Key = tuple[bytes, str | None, str | None, bytes, HeaderVerdict | None]


def verdict_rows(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return the rows of `header_verdicts` of a batch of `record_no` and `COLUMNS`.

    Only responses whose headers were captured have verdicts: an empty list is no proof that a header was absent.
    """
    batch = batch.filter(pc.greater(pc.fill_null(pc.list_value_length(batch.column(4)), 0), 0))
    sets, places = _sets(batch)
    lengths = np.array([len(verdicts) for verdicts in sets], dtype=np.int64)
    flat = [verdict for verdicts in sets for verdict in verdicts]
    firsts, counts = (np.cumsum(lengths) - lengths)[places], lengths[places]
    picked = pa.array(np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum())))
    columns = {
        "record_no": np.repeat(batch.column(0).to_numpy(), counts),
        "header": _texts([item.header for item in flat]).take(picked),
        "subject": _texts([item.subject or None for item in flat]).take(picked),
        "verdict": _texts([item.verdict for item in flat]).take(picked),
        "verdict_rank": pa.array([item.rank for item in flat], pa.int32()).take(picked),
        "verdict_detail": _texts([item.detail or None for item in flat]).take(picked),
    }
    missing = pa.nulls(len(picked))
    return pa.table([pa.array(columns.get(item.name, missing)).cast(item.type) for item in schema], schema=schema)


def _texts(values: list[Any]) -> pa.StringArray:
    return pa.array(values, pa.string())


def _sets(batch: pa.RecordBatch) -> tuple[list[list[HeaderVerdict]], np.ndarray]:
    """Return the verdicts of each distinct set, and which set each row has."""
    _, schemes, hosts, requests, responses, types, bodies = batch.columns
    sent, asked = _Pairs(responses, SECURITY_HEADERS), _Pairs(requests, _ORIGIN)
    keys: dict[_Key, int] = {}
    rows = zip(sent.keys(), schemes.to_pylist(), hosts.to_pylist(), asked.keys(), _scripts(types, bodies), strict=True)
    places = np.array([keys.setdefault(key, len(keys)) for key in rows], dtype=np.int64)
    return [_judged(key, sent, asked) for key in keys], places


def _judged(key: _Key, sent: _Pairs, asked: _Pairs) -> list[HeaderVerdict]:
    codes, scheme, host, origin, scripts = key
    given = next((value for _, value in asked.of(origin)), None)
    return [*header_verdicts(sent.of(codes), scheme, host, given), *([scripts] if scripts else [])]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The wanted headers of the rows of a batch, as codes of distinct pairs of name and plain value."""

    bounds: list[int]
    data: bytes
    pairs: list[tuple[str, str]]

    def __init__(self, headers: pa.ListArray, wanted: frozenset[str]) -> None:
        flat = pc.list_flatten(headers)
        names, values = flat.field("name").dictionary_encode(), flat.field("value").dictionary_encode()
        plain_names = [(text or "").strip().lower() for text in names.dictionary.to_pylist()]
        is_wanted = np.array([name in wanted for name in plain_names] + [False])
        name_codes = names.indices.fill_null(-1).to_numpy()
        kept = is_wanted[name_codes]
        raw = name_codes[kept].astype(np.int64) << 32 | (values.indices.fill_null(-1).to_numpy()[kept] + 1)
        distinct, inverse = np.unique(raw, return_inverse=True)
        known: dict[tuple[str, str], int] = {}
        texts = ["", *values.dictionary.to_pylist()]
        codes = np.array([
            known.setdefault((name, plain_value(name, texts[pair & 0xFFFFFFFF])), len(known))
            for pair in distinct.tolist() for name in (plain_names[pair >> 32],)
        ], dtype=np.int64)  # fmt: skip
        rows = pc.list_parent_indices(headers).to_numpy()[kept]
        bounds = np.searchsorted(rows, np.arange(len(headers) + 1)) * codes.itemsize
        object.__setattr__(self, "bounds", bounds.tolist())
        object.__setattr__(self, "data", codes[inverse].tobytes() if len(codes) else b"")
        object.__setattr__(self, "pairs", list(known))

    def keys(self) -> Iterator[bytes]:
        """Yield for each row what tells its headers apart from those of other rows."""
        yield from (self.data[start:end] for start, end in zip(self.bounds, self.bounds[1:], strict=False))

    def of(self, key: bytes) -> list[tuple[str, str]]:
        """Return the headers of a key."""
        return [self.pairs[code] for code in np.frombuffer(key, np.int64).tolist()]


def _scripts(types: pa.StringArray, bodies: pa.StringArray) -> Iterator[HeaderVerdict | None]:
    """Yield the verdict on the scripts of each HTML page."""
    is_page = pc.and_(pc.is_in(types, pa.array(HTML_TYPES)), pc.is_valid(bodies)).to_numpy(zero_copy_only=False)
    for row in range(len(types)):
        yield script_verdict(bodies[row].as_py()) if is_page[row] else None
