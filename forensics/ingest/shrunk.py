"""Is a file the beginning of what lay at its place? Told from the rows: the bytes that were cut off are gone, their tables are there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_ROWS = 16_384


def last_offset(files: Iterable[Path]) -> int:
    """Return where the last record of the tables of a file begins."""
    found = 0
    for path in files:
        with closing(pq.ParquetFile(path)) as file:
            offsets = (
                batch["record_offset"] for batch in file.iter_batches(_ROWS, columns=["record_offset"]) if len(batch)
            )
            found = max([found, *(pc.max(column).as_py() or 0 for column in offsets)])
    return found


def is_beginning(new: Path | None, old: Sequence[Path], size: int, before: int | None = None) -> bool:
    """Say whether a table holds exactly the rows that lie in the first `size` bytes of the evidence of `old`, in order; of it those before `before`.

    Number, offset and every column are compared, in `attributes` but for keys that are NULL: a short file shows fewer keys.
    """
    given = _rows([new] if new else [], before)
    held = chain.from_iterable(_rows([path], size) for path in old)
    mine: pa.Table | None = None
    theirs: pa.Table | None = None
    while True:
        mine = mine if mine is not None and len(mine) else next(given, None)
        theirs = theirs if theirs is not None and len(theirs) else next(held, None)
        if mine is None or theirs is None:
            return mine is theirs
        count = min(len(mine), len(theirs))
        if not _are_equal(mine.slice(0, count), theirs.slice(0, count)):
            return False
        mine, theirs = mine.slice(count), theirs.slice(count)


def _rows(paths: Sequence[Path], size: int | None) -> Iterator[pa.Table]:
    """Yield the rows in pieces, up to a byte of the evidence; offsets ascend."""
    for path in paths:
        with closing(pq.ParquetFile(path)) as file:
            for batch in file.iter_batches(_ROWS):
                table = pa.Table.from_batches([batch])
                kept = table if size is None else table.filter(pc.less(table["record_offset"], size))
                if len(kept):
                    yield kept
                if len(kept) < len(table):
                    return


def _are_equal(mine: pa.Table, theirs: pa.Table) -> bool:
    if mine.equals(theirs):
        return True
    if mine.column_names != theirs.column_names or "attributes" not in mine.column_names:
        return False
    if not mine.drop_columns("attributes").equals(theirs.drop_columns("attributes")):
        return False
    pairs = zip(mine["attributes"].to_pylist(), theirs["attributes"].to_pylist(), strict=True)
    return all(one == other or _given(one) == _given(other) for one, other in pairs)


def _given(attributes: str | None) -> dict[str, Any]:
    found = json.loads(attributes or "{}")
    return {key: value for key, value in found.items() if value is not None}
