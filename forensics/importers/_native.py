"""Which table a set of our own column names belongs to; shared by the native formats."""

from __future__ import annotations

from collections.abc import Iterable

from forensics.schema import NATIVE_TABLES, TABLES

_MIN_OWN = 2
_COMMON = {
    "observer",
    "time",
    "service_name",
    "service_version",
    "k8s_namespace_name",
    "k8s_pod_name",
    "trace_id",
    "attributes",
    "time_raw",
}
# Tables whose rows are facts without a moment.
TIMELESS = {"components", "identities", "configuration"}


def table_of(columns: Iterable[str]) -> str | None:
    """Return the table that knows most of the columns: at least two of its own, and four in five of all; a tie is None."""
    given = set(columns)
    ranked = sorted(
        ((len(given & TABLES[table].types.keys() - _COMMON), table) for table in NATIVE_TABLES), reverse=True
    )
    best = [table for count, table in ranked if count == ranked[0][0]]
    narrow = min(best, key=lambda table: (len(TABLES[table].types), table))
    known = given & TABLES[narrow].types.keys()
    if ranked[0][0] < _MIN_OWN or len(known) * 5 < len(given) * 4:
        return None
    if narrow not in TIMELESS and "time" not in given:
        return None
    return narrow
