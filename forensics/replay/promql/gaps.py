"""Gaps of the evidence: stretches in which a table is silent for longer than its own rhythm explains. Missing is not zero."""

from __future__ import annotations

import numpy as np

from forensics.replay.promql.cells import Floats, Grid, Whole
from forensics.replay.promql.vectors import Presence
from forensics.store import Sandbox, name

# With n records a second on average a silence of 14 / n seconds has a chance of e^-14, one in a million, where records come independently.
RHYTHMS = 14.0
LEAST = 60.0  # seconds: a shorter silence is none
MOST = 1000
_SQL = """
with seconds as (select distinct date_trunc('second', time) as moment from {table} where time is not null),
    span as (select min(moment) as first, max(moment) as last, count(*) as n from seconds),
    limits as (select first, last, greatest($least, $rhythms * epoch(last - first) / greatest(n - 1, 1)) as longest from span)
select epoch(moment - $origin) as silent_from, epoch(following - $origin) as silent_to
from (select moment, lead(moment) over (order by moment) as following from seconds)
cross join limits
where epoch(following - moment) > longest
union all
select -1e12, epoch(first - $origin) - longest from limits where first is not null
union all
select epoch(last - $origin) + longest, 1e12 from limits where last is not null
order by silent_from, silent_to
limit $most
"""


def silences(sandbox: Sandbox, table: str, grid: Grid) -> list[tuple[float, float]]:
    """Return silent stretches of a table as seconds from the grid's origin; what lies before its first and behind its last record is one too."""
    quoted = ".".join(map(name, table.split(".")))
    given = {"least": LEAST, "rhythms": RHYTHMS, "origin": grid.origin, "most": MOST}
    return [(float(begin), float(end)) for begin, end in sandbox.once(_SQL.format(table=quoted), given)]


def in_gaps(stretches: list[tuple[float, float]], ticks: Floats, window: float) -> Presence:
    """Say for each tick (seconds) whether its window (t - w, t] touches a silent stretch."""
    found = np.zeros(len(ticks), dtype=bool)
    for begin, end in stretches:
        found |= (ticks > begin) & (ticks - window < end)
    return found


def seconds_of_ticks(grid: Grid, ticks: Whole) -> Floats:
    """Return ticks (positions in the grid) as seconds from the origin."""
    return (ticks + grid.first).astype(np.float64) * (grid.quantum / 1_000_000)
