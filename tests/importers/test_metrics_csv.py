"""Metrics as CSV, a row a sample or a column a series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.importers import recognise
from forensics.importers.contract import Head
from tests.ingest.helpers import Loaded, at, attributes, load

WIDE = '"Time","up{pod=""web-1"",job=""web""}","{pod=""a\\\\b""}"\n'


def facts(loaded: Loaded) -> list[tuple[Any, ...]]:
    assert loaded.entry.format == "metrics-csv"
    return [
        (row["record_no"], row["metric_name"], row["metric_value"], row["k8s_pod_name"], row["labels"])
        for row in loaded.rows("metrics")
    ]


def test_a_row_a_sample(tmp_path: Path) -> None:
    text = "name,timestamp,value,pod,service,unit\nup,1772528400.5,1,web-1,shop,s\nup,1772528401,0.5,,,\n"
    loaded = load(tmp_path, text)
    assert facts(loaded) == [
        (2, "up", 1.0, "web-1", '{"pod": "web-1", "service": "shop"}'),
        (3, "up", 0.5, None, "{}"),
    ]
    first = loaded.rows("metrics")[0]
    assert (first["time"], first["time_raw"], first["metric_unit"]) == (
        at("2026-03-03T09:00:00.5"),
        "1772528400.5",
        "s",
    )
    assert (first["service_name"], first["record_offset"]) == ("shop", 38)
    assert loaded.entry.skipped == {"header": 1}


def test_a_column_a_series(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, "sep=,\n" + WIDE + "2026-03-03 09:00:00,1,2\n2026-03-03 09:01:00,,3\n2026-03-03 09:02:00,,\n"
    )
    assert facts(loaded) == [
        (3, "up", 1.0, "web-1", '{"job": "web", "pod": "web-1"}'),
        (3, "expression", 2.0, "a\\b", '{"pod": "a\\\\b"}'),
        (4, "expression", 3.0, "a\\b", '{"pod": "a\\\\b"}'),
    ]
    assert loaded.entry.skipped == {"header": 1, "no sample": 1, "separator": 1}
    assert (loaded.entry.records, loaded.entry.accepted) == (5, 2)


def test_columns_of_legends(tmp_path: Path) -> None:
    loaded = load(tmp_path, "Time;canary;baseline\n2026-03-03T09:00:00Z;1;2\n")
    assert [(row["metric_name"], row["metric_value"]) for row in loaded.rows("metrics")] == [
        ("canary", 1.0),
        ("baseline", 2.0),
    ]


def test_a_series_in_the_column_of_names(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'time,metric,value,zone\n1772528400,"up{pod=""web-1""}",1,a\n1772528400,"{a=""b""}",1,\n1772528400,"a{b",1,\n',
    )
    assert facts(loaded) == [
        (2, "up", 1.0, "web-1", '{"pod": "web-1", "zone": "a"}'),
        (3, "expression", 1.0, None, '{"a": "b"}'),
        (4, "a{b", 1.0, None, "{}"),
    ]


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("1772528400", "2026-03-03T09:00:00"),
        ("1772528400.125", "2026-03-03T09:00:00.125"),
        ("1772528400781", "2026-03-03T09:00:00.781"),
        ("1772528400781002", "2026-03-03T09:00:00.781002"),
        ("1772528400781002003", "2026-03-03T09:00:00.781002"),
        ("2026-03-03T10:00:00+01:00", "2026-03-03T09:00:00"),
        ("2026-03-03 09:00:00.5", "2026-03-03T09:00:00.5"),
    ],
)
def test_times(tmp_path: Path, stamp: str, time: str) -> None:
    row = load(tmp_path, f"time,metric,value\n{stamp},up,1\n").row("metrics")
    assert (row["time"], row["time_raw"]) == (at(time), stamp)


def test_what_is_refused_and_kept(tmp_path: Path) -> None:
    text = "time,metric,value\n1772528400,up,1\nsoon,up,1\n1772528400,up\n1772528400,up,NaN\n12,up,1\n\n"
    loaded = load(tmp_path, text)
    assert loaded.reasons() == [
        (3, "time is missing or not a time"),
        (4, "wrong number of fields"),
        (6, "time is missing or not a time"),
    ]
    last = loaded.rows("metrics")[1]
    assert (last["metric_value"], attributes(last)["_invalid"]) == (None, {"metric_value": "NaN"})
    assert loaded.entry.skipped == {"blank": 1, "header": 1}


def test_what_is_not_utf_8(tmp_path: Path) -> None:
    row = load(tmp_path, b"time,metric,value\n1772528400,u\xffp,1\n").row("metrics")
    assert (row["metric_name"], json.loads(row["attributes"])) == ("u\\xffp", {"_salvaged": True})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("time,metric_name,metric_value\n2026-03-03T09:00:00Z,up,1\n", "native-csv"),
        ("time,user,action\n2026-03-03,jane,login\n", None),
        ("Time,user\n2026-03-03,jane\n", None),
        ("time,name,value\nnever,up,1\n", None),
        ("a\nb\nc\nd\ne\ntime,metric,value\n1772528400,up,1\n", None),
        ("time,metric,value\n", "metrics-csv"),
    ],
)
def test_whose_it_is(text: str, name: str | None) -> None:
    found = recognise(Head(text.encode(), complete=True))
    assert (found.name if found else None) == name


def test_many_columns_take_no_quadratic_time(tmp_path: Path) -> None:
    header = "Time," + ",".join(f'"up{{pod=""web-{number}""}}"' for number in range(2_000))
    loaded = load(tmp_path, header + "\n1772528400" + ",1" * 2_000 + "\n")
    assert len(loaded.rows("metrics")) == 2_000
