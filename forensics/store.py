"""The one door to DuckDB: an ingest engine, a cache builder, and a sandbox for detectors' and users' SQL.

Detectors and users' SQL are untrusted: exactly one SELECT that only reads the case's tables and calls no function that reads files,
settings, logs or other SQL (checked on the syntax tree of the engine's own parser before it runs), reading limited to the case's table
files, no other file, no network, configuration locked, memory and time limited.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from forensics.background import beside, bounded_memory
from forensics.errors import CaseError, QueryError
from forensics.selects import first_line, require_reading

# What the engine raises; callers catch it without knowing the engine.
EngineError = duckdb.Error

# Measured on 1 GB of access log: 600 MB makes the ordered writer wait (7.7 s against 5.2 s); resident size stays below 0.5 GB.
INGEST_MEMORY = "1GB"
# Against version 1 and the usual level, 1.2 million connections: 27 % less CPU to write, 10 % smaller, 45 % less CPU to read.
PARQUET = "format parquet, parquet_version v2, compression zstd, compression_level 1"
QUERY_MEMORY = "4GB"
QUERY_BYTES = 5_000_000_000  # beyond what the process has when the query begins
QUERY_SECONDS = 600.0
_T = TypeVar("_T")


_MAX_PLANNED = 32


def literal(value: object) -> str:
    """Return a SQL literal of a string, number, boolean, None or list of those."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


class _Source:
    """Gives the engine the rows of whatever reader it holds now, so that a planned statement can be run again over others."""

    reader: pa.RecordBatchReader

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.reader.__arrow_c_stream__(requested_schema)


class Store:
    """A connection whose results are always drained (an unread result blocks the next statement in DuckDB 2.0)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, apart: bool = False) -> None:
        self._connection = connection
        self._planned: dict[str, tuple[str, _Source]] = {}
        self._count = 0
        self._asked: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        self._apart = apart  # statements run beside the main thread, so that a signal ends them at once

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run statements; return the first number of the last result (the row count of COPY, INSERT), else 0."""
        rows = self.rows(sql, parameters)
        first = rows[0][0] if rows and rows[0] else 0
        return first if isinstance(first, int) else 0

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples."""
        return self._drained(lambda: self._run(sql, parameters).fetchall())

    def dicts(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dicts in column order."""
        names, rows = self._drained(lambda: _table(self._run(sql, parameters)))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return all rows as an Arrow table."""
        return self._connection.sql(sql, params=dict(parameters) if parameters else None).to_arrow_table()

    def batches(self, sql: str, size: int = 2048) -> Iterator[pa.RecordBatch]:
        """Yield Arrow batches of `size` rows as they are computed, so that a result larger than memory passes; drain it."""
        yield from self._connection.sql(sql).to_arrow_reader(size)

    def stream(self, sql: str, size: int = 122_880) -> Iterator[pa.Table]:
        """Yield the rows as tables while they are computed, in order; the first is empty, so that the columns are known; drain it.

        Raises:
            EngineError: the statement fails while its rows are drawn.

        """
        try:
            with self._connection.sql(sql).to_arrow_reader(size) as reader:
                yield reader.schema.empty_table()
                for batch in reader:
                    yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise EngineError(str(error)) from error

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, or None."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def register(self, table: str, data: Any) -> None:
        """Make an Arrow table or reader visible under a name."""
        self._connection.register(table, data)

    def again(self, select: Callable[[str], str], reader: pa.RecordBatchReader) -> pa.Table:
        """Return the rows of `select(table)` over the batches of `reader`; the same SELECT is planned once.

        Planning is what a small file costs: 35 to 60 ms for a statement with 45 columns, against 5 ms to run it.
        """
        key = select("lines")
        if key not in self._planned:
            if len(self._planned) >= _MAX_PLANNED:
                self._forget(next(iter(self._planned)))
            self._plan(key, select, reader)
        statement, source = self._planned[key]
        source.reader = reader
        return self._connection.sql(f"execute {statement}").to_arrow_table()

    def _plan(self, key: str, select: Callable[[str], str], reader: pa.RecordBatchReader) -> None:
        source, title = _Source(), f"planned_{self._count}"
        self._count += 1
        source.reader = pa.RecordBatchReader.from_batches(reader.schema, iter(()))
        self._connection.register(f"{title}_source", source)
        source.reader = pa.RecordBatchReader.from_batches(reader.schema, iter(()))
        self._connection.execute(f"prepare {title} as {select(f'{title}_source')}")
        self._planned[key] = title, source

    def _forget(self, key: str) -> None:
        title, _ = self._planned.pop(key)
        self._connection.execute(f"deallocate {title}")
        self._connection.unregister(f"{title}_source")

    def unregister(self, table: str) -> None:
        """Take a registered table away."""
        self._connection.unregister(table)

    def function(self, title: str, call: Any, parameters: list[str], returns: str) -> None:
        """Register a Python function over Arrow arrays; parameter and result types are DuckDB's names."""
        self._connection.create_function(
            title,
            call,
            [duckdb.sqltype(kind) for kind in parameters],
            duckdb.sqltype(returns),
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )

    def interrupt(self) -> None:
        """End the statement that runs in another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection; one that still computes what a signal interrupted ends with the process."""
        with suppress(duckdb.ResourceInUseException):
            self._connection.close()

    def _run(self, sql: str, parameters: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(sql, dict(parameters) if parameters else None)

    def _drained(self, work: Callable[[], _T]) -> _T:
        """Run and read a statement; beside the main thread where that was asked for: the engine does not hear signals."""
        if not self._apart or threading.current_thread() is not threading.main_thread():
            return work()
        return beside(work, self._connection.interrupt)


def _table(result: duckdb.DuckDBPyConnection, limit: int | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
    names = [column[0] for column in result.description or []]
    return names, result.fetchall() if limit is None else result.fetchmany(limit)


class Sandbox(Store):
    """A connection for SQL of unknown origin; see the module's docstring."""

    def once(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, which is run when it is first asked so: what a locked sandbox reads never changes."""
        key = (sql, *sorted((parameters or {}).items()))
        if key not in self._asked:
            self._asked[key] = self.rows(sql, parameters)
        return self._asked[key]

    def select(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, seconds: float = QUERY_SECONDS
    ) -> list[dict[str, Any]]:
        """Return the rows of exactly one SELECT as dicts.

        Raises:
            QueryError: it is not one SELECT, does not bind, exceeds its limits, or names what is not there.

        """
        columns, rows = self.select_rows(sql, parameters, seconds=seconds)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def select_rows(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        seconds: float = QUERY_SECONDS,
        limit: int | None = None,
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return column names and rows of exactly one SELECT, the first `limit`; raises `QueryError` like `select`."""
        require_reading(sql)
        try:
            with bounded_memory(QUERY_BYTES):
                return beside(
                    lambda: self._limited(self._run(sql, parameters), limit), self._connection.interrupt, seconds
                )
        except TimeoutError as error:
            raise QueryError(
                f"The query took longer than {seconds:g} s.", hint="Narrow it by time or cohort."
            ) from error
        except (duckdb.Error, RuntimeError, ValueError, TypeError, OverflowError, MemoryError) as error:
            raise QueryError(
                first_line(error), hint='List tables with: canary-forensics sql CASE "show tables".'
            ) from error

    def _limited(self, result: duckdb.DuckDBPyConnection, limit: int | None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Read `limit` rows and leave the rest uncomputed: a result may be larger than memory."""
        found = _table(result, limit)
        if limit is not None and len(found[1]) == limit:
            self._connection.interrupt()
            with suppress(duckdb.Error, RuntimeError):
                result.fetchmany(1)
        return found


def engine_version() -> str:
    """Return the engine's name and version."""
    return f"DuckDB {duckdb.__version__}"


def open_ingest(temporary: Path, threads: int | None = None, memory: str = "") -> Store:
    """Return an in-memory engine that keeps row order and spills into `temporary`; `memory` is its limit, such as `1GB`."""
    connection = duckdb.connect()
    store = Store(connection)
    _settings(store, threads)
    store.execute(
        f"set memory_limit = {literal(memory or INGEST_MEMORY)}; set temp_directory = {literal(str(temporary))}; set preserve_insertion_order = true"
    )
    return store


def open_cache(path: Path, temporary: Path, threads: int | None = None) -> Store:
    """Return the case's cache for building; the file is created.

    Raises:
        CaseError: another process holds the file, or it is damaged.

    """
    try:
        store = Store(duckdb.connect(str(path)), apart=True)
    except duckdb.Error as error:
        raise CaseError(
            f"{path} cannot be opened: {first_line(error)}",
            hint="It is a cache: free some space, or delete it, and try again.",
        ) from error
    _settings(store, threads)
    store.execute(f"set memory_limit = '{QUERY_MEMORY}'; set temp_directory = {literal(str(temporary))}")
    return store


def open_sandbox(path: Path, readable: Sequence[Path], temporary: Path, threads: int | None = None) -> Sandbox:
    """Return a read-only connection to the cache that may read exactly `readable` besides."""
    try:
        sandbox = Sandbox(duckdb.connect(str(path), read_only=True), apart=True)
    except duckdb.Error as error:
        raise CaseError(
            f"{path} cannot be opened: {first_line(error)}",
            hint="It is a cache: free some space, or delete it, and try again.",
        ) from error
    _settings(sandbox, threads)
    sandbox.execute(f"set allowed_paths = {literal([str(item) for item in readable])}")
    sandbox.execute(
        f"set memory_limit = '{QUERY_MEMORY}'; set temp_directory = {literal(str(temporary))}; set max_temp_directory_size = '50GB';"
        "set enable_external_access = false; set lock_configuration = true"
    )
    return sandbox


def open_memory(threads: int | None = None) -> Sandbox:
    """Return an in-memory sandbox, for detector tests and for SQL over no case."""
    sandbox = Sandbox(duckdb.connect())
    _settings(sandbox, threads)
    return sandbox


def lock(store: Store) -> None:
    """Close the configuration of an in-memory store after its tables were made."""
    store.execute("set enable_external_access = false; set lock_configuration = true")


def _settings(store: Store, threads: int | None) -> None:
    count = threads or int(os.environ.get("CANARY_THREADS", "0")) or os.cpu_count() or 2
    store.execute(
        f"set TimeZone = 'UTC'; set threads = {count}; set autoinstall_known_extensions = false;"
        "set autoload_known_extensions = false; set python_enable_replacements = false; set enable_progress_bar = false"
    )


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    """Close a store at the end of a block."""
    try:
        yield store
    finally:
        store.close()
