"""How far the clocks of two sources are apart: the same request, by its id, in both."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.store import Sandbox

_LEAST = 5  # requests in both: an id that somebody sends again moves no median of five
NOTICEABLE = 1.0  # seconds: below, one source stamps the beginning of a request and the other its end
# An id that a source has twice tells nothing: a retry, or a constant.
_OFFSETS = f"""
with stamped as (
    select 'http_requests' as source_table, coalesce(observer, '') as observer, http_request_id as request, min(time) as time
    from observed.http_requests where http_request_id <> '' and time is not null group by all having count(*) = 1
    union all
    select 'http_exchanges', coalesce(observer, ''), http_request_id, min(time)
    from observed.http_exchanges where http_request_id <> '' and time is not null group by all having count(*) = 1
), first as (
    select source_table, observer from stamped group by all order by count(*) desc, source_table, observer limit 1
), reference as (
    select s.request, s.time from stamped s join first f on f.source_table = s.source_table and f.observer = s.observer
)
select s.source_table, s.observer, f.source_table as reference_table, f.observer as reference_observer, count(*) as matched,
    median((epoch_us(s.time) - epoch_us(r.time)) / 1e6) as offset_seconds
from stamped s
join reference r on r.request = s.request
cross join first f
where (s.source_table, s.observer) <> (f.source_table, f.observer)
group by all
having count(*) >= {_LEAST}
order by all
"""


@dataclass(frozen=True, slots=True)
class Offset:
    """How much later than the reference a source stamps the same requests (median, seconds), of so many in both."""

    source_table: str
    observer: str
    reference_table: str
    reference_observer: str
    matched: int
    offset_seconds: float


def offsets(sandbox: Sandbox) -> list[Offset]:
    """Return the offset of every source of requests that shares at least five request ids with the source that has most."""
    return [Offset(**row) for row in sandbox.dicts(_OFFSETS)]


def estimated_skew(found: list[Offset]) -> float:
    """Return by how much clocks may be off, in seconds: the largest noticeable offset, or 0."""
    return max((abs(item.offset_seconds) for item in found if abs(item.offset_seconds) >= NOTICEABLE), default=0.0)
