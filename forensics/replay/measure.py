"""Measures the gates of a run: PromQL over all ticks at once, SQL tick by tick, each by several readings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from time import monotonic

import numpy as np

from forensics.errors import QueryError
from forensics.replay import promql
from forensics.replay.conditions import compiled
from forensics.replay.engines import Value
from forensics.replay.engines.argo import ERROR_RETRY
from forensics.replay.policies.model import Gate, Run
from forensics.replay.promql import Bindings, Grid, MatchError, Query, Reader, Reading, Scrape, Truth, Vector
from forensics.replay.promql.cells import Floats, Whole
from forensics.replay.promql.gaps import in_gaps, silences
from forensics.replay.promql.vectors import Presence
from forensics.replay.refusal import RefusalError
from forensics.selects import parameters_of, require_select, tables_of
from forensics.store import Sandbox

LEAST_QUANTUM = 50_000  # microseconds
MOST_SLOTS = 2_000_000
SQL_SECONDS = 60.0  # of one measurement
RUN_SECONDS = 600.0  # of all measurements by SQL of a run: a policy has many ticks, and they may all be slow
_COUNTS = ("n", "k", "baseline_n", "baseline_k")  # in the order of Value
_TIMED = "select distinct table_name from information_schema.columns where column_name = 'time'"


def checked(run: Run, bindings: Bindings) -> Run:
    """Return a run whose gates carry a refusal where a condition or a query is outside of what can be replayed."""
    return replace(run, gates=tuple(_checked(gate, bindings) for gate in run.gates))


def _checked(gate: Gate, bindings: Bindings) -> Gate:
    if gate.refusal:
        return gate
    for key, text in (("successCondition", gate.success), ("failureCondition", gate.failure)):
        try:
            compiled(text)
        except RefusalError as error:
            return replace(gate, refusal=error.located(gate.place.at(key)))
    try:
        if gate.query:
            promql.prepared(gate.query, bindings)
        else:
            require_select(gate.sql)
    except RefusalError as error:
        return replace(gate, refusal=error.located(gate.place.at("query")))
    except QueryError as error:
        return replace(
            gate, refusal=RefusalError("E-SQL-REFUSED", error.message, hint=error.hint).located(gate.place.at("sql"))
        )
    return gate


class GateRefusalError(Exception):
    """A gate that cannot be replayed, which shows only where it is measured; `refusal` has its place."""

    def __init__(self, gate: Gate, refusal: RefusalError) -> None:
        super().__init__(refusal.message)
        self.gate, self.refusal = gate, refusal


@dataclass(frozen=True, slots=True)
class Line:
    """Values of one gate at every tick."""

    vector: Vector | None
    gaps: Presence
    k: Floats
    n: Floats
    error: str = ""

    def at(self, place: int) -> Value:
        """Return the value of a tick."""
        gap = bool(self.gaps[place])
        if self.vector is None:
            return Value(None, gap, error=self.error)
        here = self.vector.present[:, place]
        numbers = [float(number) for number in self.vector.values[here, place]]
        return Value(
            numbers[0] if self.vector.is_scalar else numbers, gap, _known(self.n[place]), _known(self.k[place])
        )


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


@dataclass(slots=True)
class Measurer:
    """Measures gates from `start` on, for `end` seconds; `shift` moves the clock of the records (seconds)."""

    sandbox: Sandbox
    bindings: Bindings
    start: datetime
    end: float
    gates: Sequence[Gate]
    shift: float = 0.0
    step: float = field(init=False)
    reader: Reader = field(init=False)
    queries: dict[str, Query] = field(init=False)
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    values: dict[tuple[str, float], Value] = field(default_factory=dict)
    refused: dict[str, RefusalError] = field(default_factory=dict)
    spent: float = 0.0

    def __post_init__(self) -> None:
        self.queries = {gate.name: promql.prepared(gate.query, self.bindings) for gate in self.gates if gate.query}
        self.step = _common(
            [
                ERROR_RETRY,
                *(gate.interval or ERROR_RETRY for gate in self.gates),
                *(gate.initial_delay for gate in self.gates),
            ]
        )
        self.reader = Reader(self.sandbox, self._grid())

    @property
    def grid(self) -> Grid:
        """The slots of time."""
        return self.reader.grid

    def readings(self) -> dict[str, Reading]:
        """Return the readings by name: truth, then (as known then) where a binding tells when rows were known, scrape 0 to n - 1."""
        times = promql.scrape_times(self.bindings)
        found: dict[str, Reading] = {"truth": Truth(self.grid, times)}
        used = [
            self.bindings.metric[item.name] for query in self.queries.values() for item in promql.selectors(query.tree)
        ]
        if any(metric.known_at for metric in used):
            found["then"] = Truth(self.grid, times, then=True)
        if used:
            part = self.grid.slots(times.interval / times.phases)
            ends = self._ends()
            found |= {f"scrape {index}": Scrape(self.grid, times, index * part, ends) for index in range(times.phases)}
        return found

    def value(self, gate: Gate, now: float, title: str, reading: Reading) -> Value:
        """Return the value of a gate at a tick; raises `GateRefusalError` where its SQL fails or the reading has no such thing."""
        try:
            return self._by_sql(gate, now) if gate.sql else self._by_query(gate, now, title, reading)
        except RefusalError as error:
            self.refused[gate.name] = error.located(gate.place.at("sql" if gate.sql else "query"))
            raise GateRefusalError(gate, self.refused[gate.name]) from error

    def _by_query(self, gate: Gate, now: float, title: str, reading: Reading) -> Value:
        key = (gate.name, title)
        if key not in self.lines:
            self.lines[key] = self._line(self.queries[gate.name], reading)
        return self.lines[key].at(round(now / self.step))

    def first_event(self, gate: Gate, since: float) -> float | None:
        """Return when (seconds) the first event since a time lies that the first selector of a gate counts; None for SQL."""
        query = self.queries.get(gate.name)
        names = promql.selectors(query.tree) if query else []
        if not query or not names or self.bindings.metric[names[0].name].kind == "latency":
            return None
        cells = self.reader.cells(self.bindings.metric[names[0].name], names[0].name, promql.matchers_of(names[0]))
        unit = self.grid.quantum / 1_000_000
        seconds = (cells.slot + self.grid.first) * unit
        later = seconds[seconds >= since]
        return float(later.min()) if len(later) else None

    def digest(self, gate: Gate) -> str:
        """Return a hash of the question: query or SQL, and the SQL of what its metrics are bound to."""
        bound = []
        if gate.name in self.queries:
            for item in promql.selectors(self.queries[gate.name].tree):
                metric = self.bindings.metric[item.name]
                bound.append(promql.statement(metric, promql.matchers_of(item), self.grid)[0])
        return hashlib.sha256("\n".join([gate.query or gate.sql, *bound]).encode()).hexdigest()[:16]

    def _grid(self) -> Grid:
        times = promql.scrape_times(self.bindings)
        spans = [span for query in self.queries.values() for span in promql.spans_of(query)]
        quantum = round(_common([self.step, times.interval / times.phases, times.lookback, *spans]) * 1_000_000)
        reach = sum(sorted(spans)[-2:]) + times.lookback
        first, last = -math.ceil(reach * 1_000_000 / quantum) - 2, math.ceil(self.end * 1_000_000 / quantum)
        if quantum < LEAST_QUANTUM or last - first > MOST_SLOTS:
            raise RefusalError(
                "E-PROMQL-RESOLUTION",
                "windows, offsets and intervals have no common measure that is coarse enough",
                hint="Use whole seconds.",
            )
        return Grid(self.start - timedelta(seconds=self.shift), quantum, first, last)

    def _line(self, query: Query, reading: Reading) -> Line:
        ticks = self._ticks()
        vector, trouble = None, ""
        try:  # before the gaps: it refuses a binding whose table is not there
            vector = promql.evaluated(query, self.reader, reading, ticks)
        except MatchError as error:
            trouble = str(error)
        gaps = promql.gaps_of(query, self.sandbox, self.grid, ticks)
        if vector is None:
            none = np.full(len(ticks), np.nan)
            return Line(None, gaps, none, none, trouble)
        k, n = promql.samples_of(query, self.reader, ticks)
        return Line(vector, gaps, k, n)

    def _ticks(self) -> Whole:
        count = int(self.end / self.step + 1e-9) + 1
        return np.arange(count, dtype=np.int64) * self.grid.slots(self.step) - self.grid.first

    def _ends(self) -> dict[str, int]:
        """Return the slot in which each pod was gone; a pod without an end is not named."""
        rows = self.sandbox.rows(
            "select k8s_pod_name, max(valid_to) from facts.identities where k8s_pod_name is not null group by k8s_pod_name "
            "having bool_and(valid_to is not null) order by k8s_pod_name"
        )
        return {
            pod: round((end - self.grid.origin).total_seconds() * 1_000_000 / self.grid.quantum) - self.grid.first
            for pod, end in rows
        }

    def _by_sql(self, gate: Gate, now: float) -> Value:
        key = (gate.name, now)
        if key not in self.values:
            tick = self.start + timedelta(seconds=now - self.shift)
            given = {"tick": tick, "window_start": tick - timedelta(seconds=gate.window), "run_start": self.start}
            found = self._asked(gate.sql, given)
            counts = (found.n, found.k, found.baseline_n, found.baseline_k)
            if gate.compare and found.numbers and None in counts:
                raise RefusalError("E-SQL-REFUSED", "the SQL of a comparison gives no k, n, baseline_k, baseline_n")
            self.values[key] = replace(found, gap=self._sql_gap(gate, now))
        return self.values[key]

    def _asked(self, sql: str, given: dict[str, datetime]) -> Value:
        """Return what SQL gives within what is left of the run's time; raises `RefusalError`: E-SQL-REFUSED."""
        began = monotonic()
        try:
            _require_time(self.spent)
            wanted = parameters_of(sql)
            return _sql_value(self.sandbox, sql, {name: value for name, value in given.items() if name in wanted})
        except QueryError as error:
            raise RefusalError("E-SQL-REFUSED", error.message, hint=error.hint) from error
        finally:
            self.spent += monotonic() - began

    def _sql_gap(self, gate: Gate, now: float) -> bool:
        timed = {row[0] for row in self.sandbox.once(_TIMED)}
        read = sorted(tables_of(gate.sql) & timed)
        return any(bool(in_gaps(self._silences(table), np.array([now - self.shift]), gate.window)[0]) for table in read)

    def _silences(self, table: str) -> list[tuple[float, float]]:
        return silences(self.sandbox, table, Grid(self.start, self.grid.quantum, 0, 0))


def _common(seconds: Sequence[float]) -> float:
    """Return the greatest common measure of times, in whole microseconds."""
    whole = [round(value * 1_000_000) for value in seconds if round(value * 1_000_000) > 0]
    return reduce(math.gcd, whole, 0) / 1_000_000 if whole else 1.0


def _require_time(spent: float) -> None:
    if spent >= RUN_SECONDS:
        raise QueryError(f"The SQL takes more than {RUN_SECONDS:g} s of a run.", hint="Ask less, or less often.")


def _sql_value(sandbox: Sandbox, sql: str, given: dict[str, datetime]) -> Value:
    """Return the numbers of the first column (called `value` where there are several), and the counts n, k, baseline_n, baseline_k; raises `QueryError`."""
    columns, rows = sandbox.select_rows(sql, given, limit=10_001, seconds=SQL_SECONDS)
    if len(rows) > 10_000:
        raise QueryError("The SQL returns more than 10,000 rows.", hint="Count them.")
    place = columns.index("value") if "value" in columns else 0
    try:
        numbers = [float(row[place]) for row in rows if row[place] is not None]
        counts = {
            name: float(rows[0][columns.index(name)])
            for name in _COUNTS
            if rows and name in columns and rows[0][columns.index(name)] is not None
        }
    except (TypeError, ValueError, OverflowError) as error:
        raise QueryError("The SQL returns what is no number.", hint="Return a count or a share.") from error
    if not all(map(math.isfinite, counts.values())):
        raise QueryError("The SQL returns counts that are no numbers.", hint="n and k are counts.")
    n, k, baseline_n, baseline_k = (counts.get(name) for name in _COUNTS)
    return Value(numbers, n=n, k=k, baseline_n=baseline_n, baseline_k=baseline_k)
