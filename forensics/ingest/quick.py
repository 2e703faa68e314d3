"""Rows of a file most of whose lines are plain: those are finished by `Quick`, the engine parses the others, and both are put in order.

Stretches of the file are joined, since planning the engine's statement costs 0.13 s each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow as pa

from forensics.importers.contract import Quick

STRETCH_LINES = 131_072
STRETCH_BYTES = 32 << 20
_WORKERS = 2

Parse = Callable[[pa.RecordBatchReader], pa.Table]


@dataclass(slots=True)
class _Stretch:
    """Consecutive lines of a file: finished rows, and lines that are left."""

    finished: list[pa.RecordBatch] = field(default_factory=list)
    left: list[pa.RecordBatch] = field(default_factory=list)
    lines: int = 0
    bytes: int = 0

    def add(self, batch: pa.RecordBatch, finished: pa.RecordBatch, left: np.ndarray) -> None:
        """Take the lines of a batch."""
        self.finished.append(finished)
        if len(left):
            self.left.append(batch if len(left) == len(batch) else batch.take(pa.array(left)))
        self.lines += batch.num_rows
        self.bytes += batch.nbytes

    @property
    def is_long(self) -> bool:
        """Say whether it should be written now."""
        return self.lines >= STRETCH_LINES or self.bytes >= STRETCH_BYTES


def quick_rows(batches: Iterable[pa.RecordBatch], quick: Quick, parse: Parse) -> Iterator[pa.Table]:
    """Yield the rows of all lines in order; the first table is empty. `parse` has the engine parse lines."""
    yield quick.schema.empty_table()
    stretch = _Stretch()
    for batch, (finished, left) in _ahead(batches, quick):
        stretch.add(batch, finished, left)
        if stretch.is_long:
            yield _merged(stretch, quick.schema, parse)
            stretch = _Stretch()
    yield _merged(stretch, quick.schema, parse)


def _ahead(
    batches: Iterable[pa.RecordBatch], quick: Quick
) -> Iterator[tuple[pa.RecordBatch, tuple[pa.RecordBatch, np.ndarray]]]:
    """Finish batches in threads of their own: numpy and Arrow let others run meanwhile."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[tuple[pa.RecordBatch, Future[tuple[pa.RecordBatch, np.ndarray]]]] = deque()
        for batch in batches:
            waiting.append((batch, pool.submit(quick, batch)))
            if len(waiting) > _WORKERS:
                first, done = waiting.popleft()
                yield first, done.result()
        for first, done in waiting:
            yield first, done.result()


def _merged(stretch: _Stretch, schema: pa.Schema, parse: Parse) -> pa.Table:
    finished = pa.Table.from_batches(stretch.finished, schema)
    if not stretch.left:
        return finished
    parsed = parse(pa.RecordBatchReader.from_batches(stretch.left[0].schema, stretch.left))
    parsed = pa.table([_cast(parsed.column(item.name), item.type) for item in schema], schema=schema)
    if not finished.num_rows:
        return parsed
    both = pa.concat_tables([finished, parsed])
    order = np.argsort(both.column("record_no").to_numpy(), kind="stable")
    return pa.table([_taken(column, order) for column in both.columns], schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column of the engine in the type of the finished rows; JSON is text."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    return column.cast(kind)


def _taken(column: pa.ChunkedArray, order: np.ndarray) -> pa.Array:
    """Return the values in another order; for string views, which Arrow 26 cannot take, the views are, not the texts."""
    whole = column.combine_chunks()
    array = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    if not pa.types.is_string_view(array.type):
        return array.take(pa.array(order))
    _, views, *texts = array.buffers()
    taken = np.frombuffer(views, np.uint64).reshape(-1, 2)[array.offset :][order]
    valid = np.packbits(np.asarray(array.is_valid())[order], bitorder="little")
    buffers = chain([pa.py_buffer(valid.tobytes()), pa.py_buffer(taken)], texts)
    return pa.Array.from_buffers(array.type, len(order), list(buffers))
