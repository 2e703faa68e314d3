"""Line formats: the engine parses what `forensics.lines` feeds it, in one ordered pass; a second pass only where lines were refused."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from forensics import lines
from forensics.errors import EvidenceError
from forensics.evidence import Identity, Mark, compression_of, open_file
from forensics.importers import Importer
from forensics.importers.contract import Feed, Head, LinePlan
from forensics.ingest.accepted import Refused
from forensics.ingest.columns import DUPLICATE_KEYS, UNMAPPED_KEYS, select_sql
from forensics.ingest.parquet import ParquetFile
from forensics.ingest.quick import quick_rows
from forensics.store import Store, literal

_FEEDERS = 2
SMALL_BYTES = 1 << 20


@dataclass(slots=True)
class Outcome:
    """What came out of one evidence file; `files` maps table to a finished Parquet file in the scratch folder."""

    identity: Identity
    files: dict[str, Path] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    records: int = 0
    rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    salvaged: int = 0
    compression: str = "none"
    duplicate_keys: int = 0
    unmapped_keys: int = 0
    truncated: str = ""
    note: str = ""
    time_rule: str = ""
    observer: str = ""
    continues: bool = False
    open_end: bool = False

    @property
    def accepted(self) -> int:
        """Records that became rows."""
        return self.records - self.rejected - sum(self.skipped.values())


@dataclass(frozen=True, slots=True)
class Job:
    """One file to parse: engine, file, format, head, scratch folder, who is told of progress, what was read of it before."""

    engine: Store
    path: Path
    importer: Importer
    head: Head
    work: Path
    notify: lines.Notify = None
    mark: Mark | None = None


def load(job: Job) -> Outcome:
    """Parse the lines of a file into Parquet files below `job.work`; with a mark only those behind it.

    Raises:
        EvidenceError: the file was rewritten while it was read. NotGrownError: it does not begin with what the mark says.

    """
    plan: LinePlan = job.importer.call("plan", job.head, job.path)
    files, rows, is_marked = {}, {}, False
    progress = seen = _progress(plan, job)
    for table in plan.tables:
        progress = _progress(plan, job, seen.identity)
        files[table] = job.work / f"{table}.parquet"
        written = _write(job, plan, progress, table, files[table])
        rows[table], is_marked = written.rows, is_marked or written.is_marked
        _same(job.path, progress, seen.identity)
        seen = progress
    before = job.mark.records if job.mark else 0
    skipped = {"blank": progress.blank, "continued": progress.continued, "header": progress.headers}
    outcome = Outcome(
        _identity(progress), files, rows, progress.lines - before, skipped={key: count for key, count in skipped.items() if count},
        salvaged=progress.salvaged, compression=progress.compression, truncated=progress.truncated, continues=job.mark is not None,
        time_rule=plan.time_rule, observer=job.importer.observer, note=_note(progress), open_end=progress.ends_open,
    )  # fmt: skip
    if is_marked:
        outcome.duplicate_keys, outcome.unmapped_keys = _key_troubles(job.engine, list(files.values()))
    if len(plan.tables) > 1 or sum(rows.values()) < outcome.accepted:
        _refuse(job, plan, outcome)
    return outcome


def _key_troubles(engine: Store, files: list[Path]) -> tuple[int, int]:
    """Count records with a key that is there twice, and with a key that the head of the file did not show.

    Asked only where the mark of either occurs: for 300 MB of Envoy lines the question takes 0.13 s when all else is done.
    """
    counts = ", ".join(
        f"count(distinct record_no) filter (contains(attributes, '{key}') and json_exists(attributes, '$.{key}'))"
        for key in (DUPLICATE_KEYS, UNMAPPED_KEYS)
    )
    paths = literal([str(path) for path in files])
    return engine.rows(
        f"select {counts} from read_parquet({paths}, union_by_name = true) where attributes is not null"
    )[0]


def _note(progress: lines.Progress) -> str:
    return f"grew while it was read: its first {_identity(progress).size:,} bytes were taken" if progress.change else ""


def _progress(plan: LinePlan, job: Job, seen: Identity | None = None) -> lines.Progress:
    """Only the first pass is told to the watcher; the others read as far as it did."""
    return lines.Progress(
        escape="jsonbackslash" if plan.is_json else "backslashreplace", notify=None if seen else job.notify,
        header=plan.header, size=seen.size if seen else None, mark=job.mark,
        begins=job.importer.module.begins if job.importer.has("begins") else None,
    )  # fmt: skip


def _identity(progress: lines.Progress) -> Identity:
    assert progress.identity is not None  # noqa: S101 - the last batch was drawn
    return progress.identity


def _same(path: Path, progress: lines.Progress, seen: Identity | None) -> None:
    if progress.change == "changed" or (seen is not None and seen != progress.identity):
        raise EvidenceError(
            f"{path} changed while it was read.", hint="Stop what writes it, or copy it, and ingest it again."
        )


def _write(job: Job, plan: LinePlan, progress: lines.Progress, table: str, target: Path) -> ParquetFile:
    """Write the rows of a table; a small file shares one planned statement with others, finished rows pass the engine by."""
    given, marks = _Given(job.path, plan, progress), (DUPLICATE_KEYS, UNMAPPED_KEYS)
    with given, ParquetFile(target, marks if plan.keys or plan.field_keys else ()) as file:
        if plan.quick:
            rows = quick_rows(given.reader, plan.quick, _over(job.engine, plan, table))
        elif _is_small(job.path):
            rows = iter([job.engine.again(lambda source: _select(plan, table, source), given.reader)])
        else:
            rows = _stream(job.engine, given.reader, _select(plan, table))
        for part in rows:
            file.write(part)
    return file


def _is_small(path: Path) -> bool:
    """Say whether the rows can be held: a compressed file may expand up to 64 MiB before the limit on its ratio counts."""
    with open_file(path) as file:
        compressed = compression_of(os.pread(file.fileno(), 8, 0)) != "none"
        return os.fstat(file.fileno()).st_size < (SMALL_BYTES // 8 if compressed else SMALL_BYTES)


def _over(engine: Store, plan: LinePlan, table: str) -> Callable[[pa.RecordBatchReader], pa.Table]:
    """Return a function that has the engine parse some lines."""
    return lambda reader: engine.again(lambda source: _select(plan, table, source), reader)


def _stream(engine: Store, reader: pa.RecordBatchReader, select: str) -> Iterator[pa.Table]:
    """Yield the rows of a SELECT over `lines` as they are computed."""
    engine.register("lines", reader)
    try:
        yield from engine.stream(select)
    finally:
        engine.unregister("lines")


class _Given:
    """The lines of a file for one statement. Its end draws what the engine did not ask for: the hash covers the whole file."""

    def __init__(self, path: Path, plan: LinePlan, progress: lines.Progress) -> None:
        self._progress = progress
        self._lines = lines.batches(path, progress, plan.starts)
        self._batches = _fed(self._lines, plan.feed) if plan.feed else self._lines
        schema = progress.schema.append(plan.feed.field) if plan.feed else progress.schema
        self.reader = pa.RecordBatchReader.from_batches(schema, self._batches)

    def __enter__(self) -> None:
        """Nothing is opened before the engine asks."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            deque(self._batches, maxlen=0)
        self._batches.close()
        self._lines.close()
        if kind is not None and self._progress.failure:
            raise self._progress.failure from None  # the engine tells what went wrong while it drew lines as a traceback


def _fed(batches: Iterator[pa.RecordBatch], feed: Feed) -> Generator[pa.RecordBatch]:
    """Add the column of `feed` in threads of their own: numpy and Arrow let others run meanwhile (300 MB of access log: 3.1 s against 3.4 s)."""
    with ThreadPoolExecutor(_FEEDERS) as pool:
        waiting: deque[Future[pa.RecordBatch]] = deque()
        for batch in batches:
            waiting.append(pool.submit(_with, batch, feed))
            if len(waiting) > _FEEDERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _with(batch: pa.RecordBatch, feed: Feed) -> pa.RecordBatch:
    return batch.append_column(feed.field, feed(batch))


_KEPT = "record_no, record_offset, record_length, section, salvaged, line"


def _parsed(plan: LinePlan, kept: str = _KEPT, source: str = "lines") -> str:
    """Parse once: without `unnest` the engine pushes the filter below and parses every line twice (measured: 4.1 s against 2.9 s)."""
    keys = f"({plan.keys}) as k" if plan.keys else "null as k"
    kept = f"{kept}, {plan.feed.field.name}" if plan.feed else kept
    sql = f"select {kept}, {keys}, unnest([{plan.fields}]) as f from {source}"
    for stage in plan.stages:
        sql = f"select {kept}, k, unnest([{stage}]) as f from ({sql})"
    return f"select {kept}, ({plan.field_keys}) as k, f from ({sql})" if plan.field_keys else sql


def _bad(plan: LinePlan) -> str:
    """Return a SQL condition that is true, never NULL, for lines that give no row."""
    others = (*plan.skips, *plan.checks)
    return " or ".join([f"({plan.missing})", *(f"coalesce({condition}, false)" for condition, _ in others)])


def _select(plan: LinePlan, table: str, source: str = "lines") -> str:
    condition = plan.conditions.get(table)
    more = f" and ({condition})" if condition else ""
    return select_sql(plan, table, _parsed(plan, source=source), f"not ({_bad(plan)}){more}")


def _reason(plan: LinePlan) -> str:
    whens = ["when line is null then 'longer than 32 MiB'", f"when {plan.missing} then {literal(plan.invalid_format)}"]
    whens += [f"when coalesce({condition}, false) then {literal(reason)}" for condition, reason in plan.checks]
    return f"case {' '.join(whens)} else 'belongs to no table' end"


def _skip(plan: LinePlan) -> str:
    whens = [f"when coalesce({condition}, false) then {literal(reason)}" for condition, reason in plan.skips]
    return f"case when {plan.missing} then null {' '.join(whens)} end"


def _kept(rows: pa.Table, skipped: dict[str, int]) -> pa.Table:
    """Return the rows that are no skipped records, without the column that says so; the others are counted by reason."""
    reasons = rows.column("skip")
    for count in pc.value_counts(reasons.drop_null()).to_pylist():
        skipped[count["values"]] = skipped.get(count["values"], 0) + count["counts"]
    return rows.filter(pc.is_null(reasons)).drop_columns("skip")


def _refuse(job: Job, plan: LinePlan, outcome: Outcome) -> None:
    """Read the file again, but parse only the lines that gave no row: count what is skipped, keep raw bytes and reason of the others."""
    progress = _progress(plan, job, outcome.identity)
    progress.raw = True
    target = job.work / "rejects.parquet"
    sql = (
        f"select record_no, record_offset, {_reason(plan)} as reason, record_length, raw, ({_skip(plan)})::varchar as skip "
        f"from ({_parsed(plan, f'{_KEPT}, raw')})"
    )
    with Refused(list(outcome.files.values())) as refused:
        progress.wanted = refused.wanted
        given = _Given(job.path, plan, progress)
        with given, ParquetFile(target) as file:
            for rows in _stream(job.engine, given.reader, sql):
                file.write(_kept(rows, outcome.skipped))
        outcome.rejected = file.rows
    outcome.skipped = dict(sorted(outcome.skipped.items()))
    _same(job.path, progress, outcome.identity)
    if outcome.rejected:
        outcome.files["rejects"], outcome.rows["rejects"] = target, outcome.rejected
