"""Which lines gave no row: told from the record numbers that were written, so that only those are parsed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow.parquet as pq


class _Column:
    """The ascending record numbers of one Parquet file, drawn as far as they are needed."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._batches: Iterator[np.ndarray] = (
            batch.column(0).to_numpy() for batch in self._file.iter_batches(65_536, columns=["record_no"])
        )
        self._held = np.empty(0, dtype=np.int64)

    def up_to(self, last: int) -> np.ndarray:
        """Return the numbers not returned before that are at most `last`."""
        parts = [self._held]
        while not len(parts[-1]) or parts[-1][-1] <= last:
            following = next(self._batches, None)
            if following is None:
                break
            if len(following) > 1 and np.diff(following).min() <= 0:
                raise AssertionError("the engine wrote rows out of the order of records")
            parts.append(following)
        held = np.concatenate(parts)
        cut = int(np.searchsorted(held, last, side="right"))
        self._held = held[cut:]
        return held[:cut]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Refused:
    """Tells, for ascending record numbers, which are in none of the given Parquet files; memory does not grow with the files."""

    def __init__(self, files: list[Path]) -> None:
        self._columns = [_Column(path) for path in files]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for column in self._columns:
            column.close()

    def wanted(self, numbers: np.ndarray) -> np.ndarray:
        """Return a mask over ascending record numbers, all there are, that follow those asked for before."""
        mask = np.ones(len(numbers), dtype=bool)
        for column in self._columns:
            mask[np.searchsorted(numbers, column.up_to(int(numbers[-1])))] = False
        return mask
