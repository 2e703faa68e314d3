"""`dims.phases`: the stretches of the rollout; `dims.event_phases`: the same as the rollout events alone tell them."""

from __future__ import annotations

import pyarrow as pa

from forensics import cohort
from forensics.config import Config
from forensics.store import Store
from forensics.views.tables import keep_rows


def phases_of(store: Store, config: Config) -> tuple[list[cohort.Phase], str]:
    """Return the phases and where they come from: canary.toml wins over rollout events."""
    given = cohort.configured_phases(config)
    if given:
        return given, "canary.toml"
    seen = _of_events(store)
    return seen, "rollout events" if seen else "none"


def _of_events(store: Store) -> list[cohort.Phase]:
    events = store.rows(
        "select time, event_kind, canary_weight from facts.rollout_events "
        "where time is not null and event_kind is not null order by time, event_kind, record_no"
    )
    return cohort.observed_phases(events)


def phases(store: Store, config: Config) -> None:
    """Keep the phases in time order; `source` says where they come from."""
    found, source = phases_of(store, config)
    _keep(store, "dims.phases", found, source)
    _keep(store, "dims.event_phases", _of_events(store), "rollout events")


def _keep(store: Store, title: str, found: list[cohort.Phase], source: str) -> None:
    rows = [
        {
            "position": index,
            "phase": phase.name,
            "start_time": phase.start,
            "end_time": phase.end,
            "weight": phase.weight,
            "source": source,
        }
        for index, phase in enumerate(found)
    ]
    time = pa.timestamp("us")
    keep_rows(
        store,
        title,
        rows,
        position=pa.int32(),
        phase=pa.string(),
        start_time=time,
        end_time=time,
        weight=pa.float64(),
        source=pa.string(),
    )
