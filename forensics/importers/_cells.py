"""Cells of tab-separated lines, cut and typed by Arrow's CSV reader where a whole block of lines is provably plain.

Measured on 299 MB of conn.log, CPU seconds: cutting in SQL with `string_split` 3.1, here 1.0 with the numbers already typed. A block
that is not plain (a header, a carriage return, another number of tabs, a number the reader refuses) gets no cells: the SQL of the
importer parses its lines one by one, so a hostile line costs speed, never a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from forensics.lines import SCHEMA
from forensics.networks import MAX_PORT

COLUMN = "cells"
STAMP = "stamp"

_KINDS = {"INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
_LINE = SCHEMA.get_field_index("line")
_PARSE = csv.ParseOptions(
    delimiter="\t", quote_char=False, escape_char=False, newlines_in_values=False, ignore_empty_lines=False
)
# What a plain block does not hold. A carriage return ends a line for Arrow; Arrow reads the number `0x5 ` (with the blank), the engine
# does not. One byte is searched ten times as fast as two, so two are searched only where the first occurs.
_NOT_PLAIN = tuple(
    (re.compile(first), re.compile(then)) for first, then in ((rb"\r", rb"\r"), (b" ", rb" [\t\n]"), (b"#", rb"\n#"))
)


class Cells:
    """Adds the column `cells` to batches of lines: a struct of the wanted cells, NULL for every line of a block that is not plain.

    Args:
        count: how many cells a line has.
        wanted: number of a cell from 1 -> SQL type; only these are kept, as `c1`, `c2`.
        stamp: the number of the cell with the time; its seconds are `cells.stamp`, never NULL in a plain block.
        unset: the text that stands for "no value".
        natural: whether whole numbers of 32 bits are ports and those of 64 bits sizes, so that a block with others is not plain.

    """

    def __init__(self, count: int, wanted: Mapping[int, str], stamp: int, unset: str, *, natural: bool = False) -> None:
        self._natural = natural
        self._stamp = f"c{stamp}"
        kinds = {f"c{number}": _KINDS.get(kind, pa.string()) for number, kind in sorted(wanted.items())}
        self._kind = pa.struct([*kinds.items(), (STAMP, pa.float64())])
        self.field = pa.field(COLUMN, self._kind)
        self._read = csv.ReadOptions(
            column_names=[f"c{number}" for number in range(1, count + 1)], use_threads=False, block_size=1 << 26
        )
        self._convert = csv.ConvertOptions(
            check_utf8=False,
            column_types=kinds,
            include_columns=list(kinds),
            null_values=[unset],
            strings_can_be_null=True,
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the cells of a batch."""
        block = _plain_block(batch)
        cells = self._cut(block, batch.num_rows) if block is not None else None
        return pa.nulls(batch.num_rows, self._kind) if cells is None else cells

    def _cut(self, block: pa.Buffer, lines: int) -> pa.StructArray | None:
        try:
            table = csv.read_csv(pa.BufferReader(block), self._read, _PARSE, self._convert)
            stamps = pc.cast(table.column(self._stamp), pa.float64())
        except pa.ArrowInvalid:
            return None
        if table.num_rows != lines or stamps.null_count or not all(map(self._is_usual, table.columns)):
            return None
        columns = [column.combine_chunks() for column in (*table.columns, stamps)]
        return pa.StructArray.from_arrays([_one(column) for column in columns], fields=list(self._kind))

    def _is_usual(self, column: Any) -> bool:
        """Say whether no number is `nan` or `inf`, which the engine must not take for one, or out of the range of ports and sizes."""
        if pa.types.is_floating(column.type):
            return pc.all(pc.is_finite(column)).as_py() is not False
        if not self._natural or not pa.types.is_integer(column.type):
            return True
        low, high = pc.min_max(column).as_py().values()
        return low is None or (low >= 0 and (column.type != pa.int32() or high <= MAX_PORT))


def _one(column: Any) -> pa.Array:
    """Return the only chunk; some versions give it in a chunked array."""
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _plain_block(batch: pa.RecordBatch) -> pa.Buffer | None:
    """Return the bytes of all lines, or None where one is salvaged, too long, a header, or ends in another way."""
    lines = batch.column(_LINE)
    if not len(lines) or lines.null_count or lines.offset or pc.any(batch.column("salvaged")).as_py():
        return None
    _, places, data = lines.buffers()
    ends = np.frombuffer(places, np.int32)
    block = data[int(ends[0]) : int(ends[len(lines)])]
    view = memoryview(block)
    doubtful = bytes(view[:1]) == b"#" or any(first.search(view) and then.search(view) for first, then in _NOT_PLAIN)
    return None if doubtful else block
