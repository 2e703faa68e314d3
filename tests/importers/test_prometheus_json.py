"""Answers of the Prometheus HTTP API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, attributes, load

LABELS = {"__name__": "up", "pod": "web-1", "namespace": "shop", "job": "web", "version": "2.4.0", "a": "b"}


def answer(*series: Any, kind: str = "matrix") -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": list(series)}}


def matrix(*values: Any, **labels: str) -> dict[str, Any]:
    return answer({"metric": labels or LABELS, "values": list(values)})


def test_a_range(tmp_path: Path) -> None:
    loaded = load(tmp_path, json.dumps(matrix([1772528400.781, "1"], [1772528415, "0.5"])))
    first, second = loaded.rows("metrics")
    expected = {
        "observer": "prometheus",
        "time": at("2026-03-03T09:00:00.781"),
        "time_raw": "1772528400.781",
        "metric_name": "up",
        "metric_value": 1.0,
        "k8s_pod_name": "web-1",
        "k8s_namespace_name": "shop",
        "service_name": "web",
        "service_version": "2.4.0",
        "labels": '{"a": "b", "job": "web", "namespace": "shop", "pod": "web-1", "version": "2.4.0"}',
        "attributes": None,
    }
    assert {key: first[key] for key in expected} == expected
    assert (second["record_no"], second["time"], second["metric_value"]) == (2, at("2026-03-03T09:00:15"), 0.5)
    assert (loaded.entry.format, loaded.entry.records, loaded.entry.accepted) == ("prometheus-json", 2, 2)


def test_an_instant_and_an_expression(tmp_path: Path) -> None:
    series = {"metric": {"service": "s", "app": "a"}, "value": [1772528400, "3"]}
    row = load(tmp_path, json.dumps(answer(series, kind="vector"))).row("metrics")
    assert (row["metric_name"], row["metric_value"], row["service_name"]) == ("expression", 3.0, "s")


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e999", "many", "1_0", "\u0661", [1], {"a": 1}, True])
def test_what_is_no_number_is_kept(tmp_path: Path, value: Any) -> None:
    row = load(tmp_path, json.dumps(matrix([1772528400, value]))).row("metrics")
    assert (row["metric_value"], attributes(row)["_invalid"]) == (None, {"metric_value": value})


@pytest.mark.parametrize(("value", "number"), [("-5e-3", -0.005), (7, 7.0), (0.25, 0.25), ("0", 0.0)])
def test_numbers(tmp_path: Path, value: Any, number: float) -> None:
    assert load(tmp_path, json.dumps(matrix([1772528400, value]))).row("metrics")["metric_value"] == number


def test_native_histograms_are_skipped(tmp_path: Path) -> None:
    series = {"metric": {"__name__": "h"}, "histograms": [[1772528400, {"count": "5"}], [1772528401, {"count": "5"}]]}
    loaded = load(tmp_path, json.dumps(answer(series, {"metric": {"__name__": "h"}, "values": [[1772528400, "1"]]})))
    assert (loaded.entry.skipped, loaded.numbers("metrics")) == ({"native histogram": 2}, [3])


def test_what_is_refused(tmp_path: Path) -> None:
    series = [
        5,
        {"metric": LABELS},
        {"metric": 5, "values": [[1772528400, "1"]]},
        {"metric": LABELS, "values": [7, [1772528400], ["soon", "1"], [1e300, "1"], [1772528400, "1"]]},
    ]
    loaded = load(tmp_path, json.dumps(answer(*series)))
    assert [reason for _, reason in loaded.reasons()] == ["a series without labels or samples"] * 3 + [
        "a sample without a time"
    ] * 4
    assert loaded.numbers("metrics") == [8]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error"},
            "the query failed: bad_data: parse error",
        ),
        (
            {"status": "success", "data": {"resultType": "scalar", "result": [1772528400, "1"]}},
            "no matrix and no vector",
        ),
        ({"status": "success", "data": {"resultType": "matrix", "result": {}}}, "no matrix and no vector"),
        ([5], "no matrix and no vector"),
    ],
)
def test_answers_without_samples(tmp_path: Path, document: Any, reason: str) -> None:
    assert load(tmp_path, json.dumps(document), format="prometheus-json").reasons() == [(1, reason)]


def test_one_a_line(tmp_path: Path) -> None:
    line = json.dumps(matrix([1772528400, "1"]))
    loaded = load(tmp_path, f"{line}\n{json.dumps(answer())}\n{line}\n")
    assert (loaded.numbers("metrics"), loaded.entry.skipped) == ([1, 3], {"empty result": 1})
