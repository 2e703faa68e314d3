"""`dims.allow`, `dims.release`, `dims.rollout_window`: what views and detectors need to know of canary.toml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from forensics import cohort
from forensics.config import Config
from forensics.networks import Networks, plain_sql
from forensics.store import Store
from forensics.views.tables import keep, keep_rows


def settings(store: Store, config: Config) -> None:
    """Store what views and detectors need to know of canary.toml, as small tables."""
    release = config.release
    allow = list(_allow_rows(store, config))
    keep_rows(store, "dims.allow", allow, destination=pa.string(), owner=pa.string(), reason=pa.string())
    keep(store, "dims.release", pa.table({
        "service": [release.service], "baseline_version": [release.baseline_version], "canary_version": [release.canary_version],
        "baseline_digest": [release.baseline_digest], "canary_digest": [release.canary_digest],
    }))  # fmt: skip
    _window(store, config)


def _window(store: Store, config: Config) -> None:
    """Keep when the canary ended and how; without `rollback_at` the first rollback or abort among the rollout events counts."""
    given = config.window
    moments = {"start_time": given.start, "end_time": given.end, "rollback_at": given.rollback_at}
    row: dict[str, Any] = {key: cohort.utc(moment) if moment else None for key, moment in moments.items()}
    if row["rollback_at"] is None:
        row["rollback_at"] = store.value(
            "select min(time) from facts.rollout_events where event_kind in ('aborted', 'rolled_back')"
        )
    time = pa.timestamp("us")
    keep_rows(store, "dims.rollout_window", [{**row, "outcome": given.outcome}], start_time=time, end_time=time, rollback_at=time, outcome=pa.string())  # fmt: skip


def _allow_rows(store: Store, config: Config) -> Iterator[dict[str, str]]:
    """Give globs over `host:port`, in lower case as names are compared; a network becomes its contacted addresses. What expired before the window's end allows nothing."""
    end = config.window.end
    for rule in config.allow:
        if rule.expires and end and rule.expires < cohort.utc(end).date():
            continue
        for destination in _allowed(store, rule.destination) if "/" in rule.destination else [rule.destination]:
            yield {"destination": destination.lower(), "owner": rule.owner, "reason": rule.reason}


def _allowed(store: Store, rule: str) -> Iterator[str]:
    """Yield `address:port` of the contacted addresses inside `network:port`; without a port, or with *, any port."""
    network, _, port = rule.rpartition(":")
    if "/" not in network:
        network, port = rule, "*"
    holds = Networks([(network.strip("[]"), True)])
    for (address,) in store.rows(
        f"select distinct {plain_sql('destination_address')} from facts.connections where destination_address is not null order by all"
    ):
        if holds.find(address):
            yield f"{address}:{port}"
