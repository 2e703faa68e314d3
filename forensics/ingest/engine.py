"""Engines for ingest: small files go through several at once, a large one through one that has all threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from forensics import bodies
from forensics.evidence import Source
from forensics.resources import tree
from forensics.store import Store, open_ingest

Result = TypeVar("Result")
# Below this the start of a file costs more than a second thread gains. Measured in docs/performance.md, "Many small files".
SMALL_BYTES = 32 * 1024 * 1024
_AHEAD = 4


def prepare(engine: Store) -> None:
    """Define the macros and functions that importers use."""
    engine.execute((tree("queries") / "macros" / "ingest.sql").read_text(encoding="utf-8"))
    engine.function("decode_body", bodies.decode_column, ["VARCHAR", "VARCHAR", "VARCHAR"], bodies.RESULT)


class Workers:
    """Threads with an engine each; results come back in the order of the sources."""

    def __init__(self, temporary: Path, threads: int | None, memory: str) -> None:
        self._temporary, self._memory = temporary, memory
        self._threads = threads or int(os.environ.get("CANARY_THREADS", "0")) or os.cpu_count() or 2
        self._mine = threading.local()
        self._engines: list[Store] = []
        self._lock = threading.Lock()
        self._pools: list[ThreadPoolExecutor] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the threads; after an interrupt their statements are interrupted too."""
        if kind is not None:
            for engine in self._engines:
                engine.interrupt()
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
        for engine in self._engines:
            engine.close()

    def each(self, sources: Sequence[Source], call: Callable[[Store, Source], Result]) -> Iterator[Result]:
        """Yield the results of `call(engine, source)`: small files together, then the large ones one by one."""
        small = [source for source in sources if _size(source) < SMALL_BYTES]
        large = [source for source in sources if _size(source) >= SMALL_BYTES]
        yield from self._pooled(small, call, self._threads, 1)
        yield from self._pooled(large, call, 1, self._threads)

    def _pooled(
        self, sources: Sequence[Source], call: Callable[[Store, Source], Result], workers: int, threads: int
    ) -> Iterator[Result]:
        pool = ThreadPoolExecutor(workers)
        self._pools.append(pool)
        waiting: list[Future[Result]] = []
        for source in sources:
            waiting.append(pool.submit(self._run, call, source, threads))
            if len(waiting) > workers * _AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
        pool.shutdown()

    def _run(self, call: Callable[[Store, Source], Result], source: Source, threads: int) -> Result:
        if not hasattr(self._mine, "engine"):
            engine = open_ingest(self._temporary, threads, self._memory)
            with self._lock:
                self._engines.append(engine)
            prepare(engine)
            self._mine.engine = engine
        return call(self._mine.engine, source)


def _size(source: Source) -> int:
    try:
        return source.path.lstat().st_size
    except OSError:
        return 0
