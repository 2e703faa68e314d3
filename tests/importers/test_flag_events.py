"""Evaluations of feature flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, attributes, lines, load

OTEL = {
    "timestamp": "2026-03-03T10:00:00+01:00",
    "trace_id": "t1",
    "feature_flag.key": "new-cart",
    "feature_flag.result.variant": "on",
    "feature_flag.context.id": "u1",
    "feature_flag.provider.name": "flagd",
    "feature_flag.result.reason": "targeting_match",
    "k8s.pod.name": "web-1",
    "service.name": "shop",
}
FLAGD = {
    "ts": 1772528400.5,
    "flagKey": "new-cart",
    "variant": "on",
    "value": True,
    "reason": "STATIC",
    "context": {"targetingKey": "u1", "country": "DE"},
    "level": "info",
}
DARK = {
    "kind": "feature",
    "key": "new-cart",
    "variation": 1,
    "value": True,
    "creationDate": 1772528400781,
    "contextKeys": {"user": "u1", "org": "o"},
}
EXPECTED = ("new-cart", "on", "u1")


def one(tmp_path: Path, *events: Any) -> dict[str, Any]:
    loaded = load(tmp_path, lines(*events))
    assert loaded.entry.format == "flag-events"
    return loaded.rows("flag_events")[0]


def facts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["feature_flag_key"], row["feature_flag_variant"], row["user_id"]


def test_opentelemetry(tmp_path: Path) -> None:
    row = one(tmp_path, OTEL)
    assert facts(row) == EXPECTED
    expected = {
        "observer": "flags",
        "time": at("2026-03-03T09:00:00"),
        "time_raw": "2026-03-03T10:00:00+01:00",
        "trace_id": "t1",
        "k8s_pod_name": "web-1",
        "service_name": "shop",
    }
    assert {key: row[key] for key in expected} == expected
    kept = attributes(row)
    assert (kept["reason"], kept["provider"]) == ("targeting_match", "flagd")


def test_names_in_attributes(tmp_path: Path) -> None:
    inner = {"feature_flag.key": "new-cart", "feature_flag.variant": "on", "feature_flag.context.id": "u1", "own": 1}
    row = one(
        tmp_path,
        {"timestamp": "2026-03-03T09:00:00Z", "traceId": "t1", "body": "feature_flag.evaluation", "attributes": inner},
    )
    assert (facts(row), row["trace_id"]) == (EXPECTED, "t1")
    kept = attributes(row)
    assert (kept["attributes"]["own"], kept["body"]) == (1, "feature_flag.evaluation")


def test_flagd(tmp_path: Path) -> None:
    row = one(tmp_path, FLAGD)
    assert (facts(row), row["time"], row["time_raw"]) == (EXPECTED, at("2026-03-03T09:00:00.5"), "1772528400.5")
    kept = attributes(row)
    assert (kept["value"], kept["reason"], kept["level"]) == ("true", "STATIC", "info")
    assert kept["context"] == {"targetingKey": "u1", "country": "DE"}


def test_launchdarkly(tmp_path: Path) -> None:
    others = [{"kind": kind, "key": "x", "creationDate": 1772528400781} for kind in ("index", "custom", "debug")]
    loaded = load(tmp_path, lines(DARK, *others))
    row = loaded.row("flag_events")
    assert (facts(row), row["time"], row["time_raw"]) == (
        ("new-cart", "1", "u1"),
        at("2026-03-03T09:00:00.781"),
        "1772528400781",
    )
    assert loaded.entry.skipped == {"another kind of event": 3}
    assert loaded.entry.rejected == 0


@pytest.mark.parametrize(
    ("changed", "user"),
    [
        ({"contextKeys": None, "context": {"kind": "user", "key": "u2"}}, "u2"),
        ({"contextKeys": None, "context": {"kind": "multi", "user": {"key": "u3"}}}, "u3"),
        ({"contextKeys": None, "user": {"key": "u4"}}, "u4"),
        ({"contextKeys": None, "userKey": "u5"}, "u5"),
        ({"contextKeys": {"org": "o"}}, None),
        ({"contextKeys": "u"}, None),
    ],
)
def test_whom(tmp_path: Path, changed: dict[str, Any], user: str | None) -> None:
    assert one(tmp_path, {**DARK, **changed})["user_id"] == user


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (1772528400, "2026-03-03T09:00:00"),
        (1772528400781, "2026-03-03T09:00:00.781"),
        ("1772528400781002", "2026-03-03T09:00:00.781002"),
        (1772528400781002003, "2026-03-03T09:00:00.781002"),
        ("2026-03-03T09:00:00", "2026-03-03T09:00:00"),
    ],
)
def test_times(tmp_path: Path, stamp: Any, time: str) -> None:
    row = one(tmp_path, {**FLAGD, "ts": stamp})
    assert (row["time"], row["time_raw"]) == (at(time), str(stamp))


def test_the_value_where_there_is_no_variant(tmp_path: Path) -> None:
    assert one(tmp_path, {**FLAGD, "variant": None, "value": "blue"})["feature_flag_variant"] == "blue"


def test_what_is_refused(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        lines(FLAGD, {**FLAGD, "flagKey": None}, {**FLAGD, "ts": "soon"}, "[1]", {"ts": 1}, FLAGD, FLAGD, FLAGD),
    )
    assert loaded.reasons() == [
        (2, "no flag"),
        (3, "time is missing or not a time"),
        (4, "not a JSON object"),
        (5, "no flag"),
    ]
    assert loaded.numbers("flag_events") == [1, 6, 7, 8]


def test_records_of_several_kinds(tmp_path: Path) -> None:
    """Names that not every record has."""
    rows = load(tmp_path, lines(OTEL, FLAGD)).rows("flag_events")
    assert [facts(row) for row in rows] == [EXPECTED, EXPECTED]
