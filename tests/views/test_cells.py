"""Minute cells: what they count, and how far a latency read from their buckets may be off."""

from __future__ import annotations

import random
from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.store import Sandbox, open_memory

RULES = """
[[phase]]
name = "weight-10"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T10:00:00Z
weight = 10
[[cohort]]
cohort = "canary"
column = "service_version"
equals = "2"
[[cohort]]
cohort = "baseline"
column = "service_version"
equals = "1"
"""


def built(rows: list[dict[str, Any]]) -> Sandbox:
    store = open_memory(1)
    views.load_rows(
        store, {"http_requests": [{"observer": "o", "url_path": "/a", "service_version": "2", **row} for row in rows]}
    )
    views.derive(store, parse(RULES).config, [])
    return store


def test_a_cell_counts_requests_callers_and_bytes() -> None:
    cells = built([
        {"time": "2026-03-03T09:30:00", "user_id": "u", "http_response_status_code": 200, "http_response_body_size": 5},
        {"time": "2026-03-03T09:30:59.999999", "user_id": "u", "http_response_status_code": 302, "http_response_body_size": 7},
        {"time": "2026-03-03T09:30:10", "client_address": "192.0.2.1", "http_response_status_code": 204},
        {"time": "2026-03-03T09:30:10", "http_response_status_code": 200},
        {"time": "2026-03-03T09:31:00", "user_id": "u", "http_response_status_code": 200},
        {"time": "2026-03-03T08:00:00", "user_id": "u", "http_response_status_code": 200, "service_version": "1"},
        {"time": None, "user_id": "u", "http_response_status_code": 200},
        {"time": "2026-03-03T09:30:00", "service_version": "9"},
    ]).rows("select cohort, phase, minute::varchar, outcome, requests, units, bytes from minute_cells order by all")  # fmt: skip
    assert cells == [
        ("canary", "weight-10", "2026-03-03 09:30:00", "ok", 4, 2, 12),
        ("canary", "weight-10", "2026-03-03 09:31:00", "ok", 1, 1, None),
        ("prior", "before", "2026-03-03 08:00:00", "ok", 1, 1, None),
    ]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(100, "ok"), (399, "ok"), (400, "4xx"), (401, "401"), (403, "403"), (404, "4xx"), (429, "429"), (499, "4xx"), (500, "5xx"), (599, "5xx"), (0, "none"), (99, "none"), (None, "none")],
)  # fmt: skip
def test_outcome_classes(status: int | None, outcome: str) -> None:
    store = built([{"time": "2026-03-03T09:30:00", "http_response_status_code": status}])
    assert store.value("select outcome from minute_cells") == outcome


def test_buckets_hold_every_latency_within_two_percent() -> None:
    draw = random.Random(7)  # noqa: S311 - values to look at
    values = [0.0, 0.0005, 0.001, 1.0, 2.0, 500.0, 3_600_000.0, 1e300, *(10 ** draw.uniform(-3, 6) for _ in range(500))]
    store = built([{"time": "2026-03-03T09:30:00", "duration_ms": value} for value in [*values, None, -1.0]])
    assert store.value("select sum(requests)::bigint from minute_latencies") == len(values)
    pairs = store.rows(
        "select duration_ms, bucket_latency(latency_bucket(duration_ms)) from requests where duration_ms >= 0.0011 and duration_ms < 1e5"
    )
    assert len(pairs) > 400
    assert max(abs(middle / value - 1) for value, middle in pairs) < 0.0219


def test_the_known_bucket_edges() -> None:
    edges = open_memory(1)
    views.load_rows(edges, {})
    views.derive(edges, parse("").config, [])
    assert edges.rows(
        "select latency_bucket(1.0), latency_bucket(2.0), latency_bucket(1.9999), latency_bucket(0.0), latency_bucket(1e300), latency_bucket(null)"
    ) == [(160, 176, 175, 0, 640, None)]
