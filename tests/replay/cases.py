"""Small cases in memory for replays: a canary pod and a baseline pod, requests and connections by the second."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from forensics.replay.promql import Bindings, Grid, Reader, Truth, Vector, evaluated, load, prepared
from forensics.replay.promql.bindings import scrape_times
from forensics.replay.promql.readings import Reading, Scrape
from forensics.store import Sandbox
from tests.results.context import context

START = datetime(2026, 3, 3, 9, 0, 0)  # noqa: DTZ001 - table times have no zone
BINDINGS = """
[[metric]]
name = "requests_total"
table = "requests"
labels = { version = "cohort", status = "http_response_status_code", route = "url_path" }

[[metric]]
name = "auth_failures_total"
table = "requests"
where = "http_response_status_code = 401"
labels = { version = "cohort" }

[[metric]]
name = "network_connections_total"
table = "outbound"
labels = { version = "cohort", destination = "destination" }

[[metric]]
name = "calls"
table = "outbound"
kind = "exists"
labels = { version = "cohort" }

[[metric]]
name = "request_seconds_bucket"
table = "requests"
kind = "latency"
value = "duration_ms / 1000"
labels = { version = "cohort" }

[[metric]]
name = "queue_length"
table = "metrics"
kind = "gauge"
value = "metric_value"
where = "metric_name = 'queue_length'"
labels = { version = "cohort" }
"""
# What bindings of these tests read, and what counts a blast radius: all views take twice as long.
VIEWS = "requests exchanges outbound metrics access_events outbound_cells matches minute_cells"
PODS = {"canary": ("2", "app-2-a"), "baseline": ("1", "app-1-a")}


def at(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def request(second: float, status: int = 200, cohort: str = "canary", **more: Any) -> dict[str, Any]:
    version, pod = PODS[cohort]
    return {
        "time": at(second), "observer": "o", "service_version": version, "k8s_pod_name": pod, "http_request_method": "GET", "url_path": "/a",
        "session_id": f"{cohort}-{second}-{status}", "http_response_status_code": status, "duration_ms": 100.0, **more,
    }  # fmt: skip


def connection(second: float, destination: str = "bad.example", cohort: str = "canary") -> dict[str, Any]:
    version, pod = PODS[cohort]
    return {
        "time": at(second), "observer": "o", "service_version": version, "k8s_pod_name": pod, "source_address": "10.0.0.1",
        "destination_address": "203.0.113.7", "destination_port": 443, "destination_domain": destination, "is_established": True, "source_bytes": 1000,
    }  # fmt: skip


def gauge(second: float, value: float) -> dict[str, Any]:
    return {
        "time": at(second),
        "observer": "o",
        "service_version": "2",
        "k8s_pod_name": "app-2-a",
        "metric_name": "queue_length",
        "metric_value": value,
    }


def sandbox(**tables: list[dict[str, Any]]) -> Sandbox:
    return context("", None, VIEWS, **tables).sandbox


def bindings(folder: Path, text: str = BINDINGS) -> Bindings:
    (folder / "bindings.toml").write_text(text, encoding="utf-8")
    return load(folder / "bindings.toml")


def grid(seconds: int = 1800, before: int = 1200) -> Grid:
    """Return a grid of slots of 1.25 s: it divides 10 s, 15 s and a quarter of these."""
    return Grid(START, 1_250_000, -before * 4 // 5, seconds * 4 // 5)


def value(
    text: str, store: Sandbox, given: Bindings, seconds: list[float], *, phase: int | None = None, then: bool = False
) -> Vector:
    """Return a query's value at ticks (seconds from START): TRUTH, or SCRAPE with the phase given in slots."""
    import numpy as np

    slots = grid()
    times = scrape_times(given)
    reading: Reading = Truth(slots, times, then) if phase is None else Scrape(slots, times, phase, {})
    ticks = np.array([slots.slots(second) - slots.first for second in seconds], dtype=np.int64)
    return evaluated(prepared(text, given), Reader(store, slots), reading, ticks)


def shown(vector: Vector) -> dict[tuple[tuple[str, str], ...], list[float | None]]:
    """Return the values by labels; None where the series is absent. Rows of equal labels are one series: never there at once."""
    found: dict[tuple[tuple[str, str], ...], list[float | None]] = {}
    for row, labels in enumerate(vector.labels):
        if vector.present[row].any():
            line = found.setdefault(labels, [None] * vector.ticks)
            for tick in range(vector.ticks):
                if vector.present[row, tick]:
                    assert line[tick] is None
                    line[tick] = float(vector.values[row, tick])
    return found
