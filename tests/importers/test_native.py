"""This project's own tables as JSON lines, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forensics.errors import FormatError
from forensics.importers.contract import ADDRESSES
from forensics.schema import ANSWERS, HEADERS, NATIVE_TABLES, TABLES
from tests.ingest.helpers import Row, at, attributes, lines, load

_DERIVED = {"evidence_id", "record_no", "record_offset", "attributes"}
_VALUES: dict[str, Any] = {
    "INTEGER": 7,
    "BIGINT": 2**40,
    "DOUBLE": 0.25,
    "BOOLEAN": True,
    "JSON": {"a": [1, "b"]},
    "TIMESTAMP": "2026-03-03T10:00:00.000001+01:00",
    "VARCHAR[]": ["a", 'b"c'],
    HEADERS: [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
    ANSWERS: [{"type": "A", "data": "192.0.2.1", "ttl": 60.0}],
    "STRUCT(alg VARCHAR, value VARCHAR)[]": [{"alg": "SHA-1", "value": "ab"}],
}


def example(table: str) -> Row:
    """A value in every column, as an exporter would write it."""
    types = {name: kind for name, kind in TABLES[table].types.items() if name not in _DERIVED}
    texts = dict.fromkeys(ADDRESSES, "203.0.113.7")
    return {name: texts.get(name) or _VALUES.get(kind, f'it\'s {name}; "x",\ny') for name, kind in types.items()}


def stored(table: str, row: Row) -> Row:
    """What the table must hold of an example."""
    kinds = TABLES[table].types
    held = {
        name: at("2026-03-03T09:00:00.000001") if kinds[name] == "TIMESTAMP" else value for name, value in row.items()
    }
    return {name: json.dumps(value) if kinds[name] == "JSON" else value for name, value in held.items()}


def same(table: str, row: Row, expected: Row) -> None:
    kinds = TABLES[table].types
    for name, value in expected.items():
        have = row[name]
        assert (json.loads(have) if kinds[name] == "JSON" else have) == (
            json.loads(value) if kinds[name] == "JSON" else value
        ), name


def as_csv(*rows: Row, delimiter: str = ",") -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(
            [
                value if isinstance(value, str | int | float) and not isinstance(value, bool) else json.dumps(value)
                for value in row.values()
            ]
        )
    return out.getvalue()


@pytest.mark.parametrize("table", NATIVE_TABLES)
def test_every_table_as_json_lines(tmp_path: Path, table: str) -> None:
    row = load(tmp_path, lines(example(table))).row(table)
    same(table, row, stored(table, example(table)))
    assert attributes(row) == {}


@pytest.mark.parametrize("table", NATIVE_TABLES)
def test_every_table_as_csv(tmp_path: Path, table: str) -> None:
    row = load(tmp_path, as_csv(example(table))).row(table)
    same(table, row, stored(table, example(table)))
    assert row["attributes"] is None


@pytest.mark.parametrize("table", NATIVE_TABLES)
def test_every_table_as_parquet(tmp_path: Path, table: str) -> None:
    typed = stored(table, example(table))
    pq.write_table(pa.Table.from_pylist([typed]), tmp_path / "x.parquet")
    row = load(tmp_path, (tmp_path / "x.parquet").read_bytes()).row(table)
    same(table, row, typed)
    assert row["attributes"] is None


METRIC = {"time": "2026-03-03T09:00:00Z", "metric_name": "errors", "metric_value": 0.5, "labels": {"a": "b"}}


def test_json_lines_of_unknown_columns_and_bad_values(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, lines(METRIC, {**METRIC, "metric_value": "much", "team": ["a"]}, {**METRIC, "time": "?"}, "[1]", "5")
    )
    assert loaded.numbers("metrics") == [1, 2]
    second = loaded.rows("metrics")[1]
    assert (second["metric_value"], attributes(second)) == (None, {"team": ["a"], "_invalid": {"metric_value": "much"}})
    reason = "time is missing or not a time"
    assert loaded.reasons() == [(3, reason), (4, "not a JSON object"), (5, "not a JSON object")]


def test_json_lines_of_a_table_without_times(tmp_path: Path) -> None:
    identity = {"address": "10.42.0.7", "image": "shop", "k8s_pod_name": "shop-1"}
    loaded = load(tmp_path, lines(*[identity] * 4, "[1]", '"text"', "7"))
    assert loaded.numbers("identities") == [1, 2, 3, 4]
    assert loaded.entry.rejected == 3


def test_json_lines_times_in_seconds(tmp_path: Path) -> None:
    row = load(tmp_path, lines({**METRIC, "time": 1772528400.25})).row("metrics")
    assert (row["time"], row["time_raw"], row["observer"]) == (at("2026-03-03T09:00:00.25"), "1772528400.25", "native")


CSV = '''time,metric_name,metric_value,labels,team
2026-03-03T09:00:00Z,errors,0.5,,a
2026-03-03T09:00:01Z,"two
lines, and ""quotes""",1,"{""a"": 1}",

2026-03-03T10:00:02+01:00,bad,much,not json,b
never,errors,1,,
2026-03-03T09:00:03Z,short
2026-03-03T09:00:04Z,last,2,,'''


def test_csv_records_are_physical_lines(tmp_path: Path) -> None:
    loaded = load(tmp_path, CSV)
    rows = loaded.rows("metrics")
    assert [(row["record_no"], row["metric_name"], row["metric_value"]) for row in rows] == [
        (2, "errors", 0.5), (3, 'two\nlines, and "quotes"', 1.0), (6, "bad", None), (9, "last", 2.0),
    ]  # fmt: skip
    assert [attributes(row) for row in rows] == [
        {"team": "a"},
        {},
        {"team": "b", "_invalid": {"metric_value": "much", "labels": "not json"}},
        {},
    ]
    assert rows[2]["time"] == at("2026-03-03T09:00:02")
    assert loaded.reasons() == [(7, "time is missing or not a time"), (8, "wrong number of fields")]
    assert [row["raw"] for row in loaded.rows("rejects")] == [b"never,errors,1,,\n", b"2026-03-03T09:00:03Z,short\n"]
    assert loaded.entry.skipped == {"blank": 1, "header": 1}


def test_csv_with_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    row = load(tmp_path, b"\xef\xbb\xbf" + as_csv(METRIC, delimiter=";").encode()).row("metrics")
    assert (row["metric_value"], json.loads(row["labels"])) == (0.5, {"a": "b"})


def test_csv_that_is_not_utf_8(tmp_path: Path) -> None:
    data = b"time,metric_name,metric_value\n2026-03-03T09:00:00Z,gr\xfc\xdf,1\nnever,\xff,1\n"
    loaded = load(tmp_path, data)
    row = loaded.row("metrics")
    assert (row["metric_name"], attributes(row)) == ("gr\\xfc\\xdf", {"_salvaged": True})
    assert loaded.row("rejects")["raw"] == b"never,\xff,1\n"


def test_csv_carriage_returns_are_no_lines(tmp_path: Path) -> None:
    data = 'time,metric_name,metric_value\r\n2026-03-03T09:00:00Z,"a\rb",1\r\n2026-03-03T09:00:00Z,a\rb,1\r\n2026-03-03T09:00:00Z,c,1\r\n'
    loaded = load(tmp_path, data)
    assert [(row["record_no"], row["metric_name"]) for row in loaded.rows("metrics")] == [(2, "a\rb"), (4, "c")]
    assert loaded.reasons()[0][0] == 3


@pytest.mark.parametrize("odd", ["999.1.1.1", "not-an-address", '{"a": 1}', "01.2.3.4", "api.example", "1::2::3"])
@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_what_is_no_address_is_no_destination(tmp_path: Path, form: str, odd: str) -> None:
    given = {
        "time": "2026-03-03T09:00:00Z",
        "source_address": "fe80::1%eth0",
        "destination_address": odd,
        "destination_port": 443,
    }
    if form == "parquet":
        path = tmp_path / "odd.parquet"
        pq.write_table(pa.table({name: [value] for name, value in given.items()}), path)
        row = load(tmp_path, path.read_bytes()).row("connections")
    else:
        row = load(tmp_path, as_csv(given) if form == "csv" else lines(given)).row("connections")
    assert (row["source_address"], row["destination_address"]) == ("fe80::1%eth0", None)
    invalid = {name: value for name, value in attributes(row)["_invalid"].items() if value is not None}
    assert invalid == {"destination_address": odd}


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("http_response_status_code", "99999999999"),
        ("http_response_headers", "5"),
        ("http_response_headers", "[5]"),
        ("sample_rate", "x"),
        ("http_request_headers", "[" * 100_000),
    ],
)
def test_csv_values_of_the_wrong_shape(tmp_path: Path, column: str, text: str) -> None:
    row = load(
        tmp_path,
        as_csv({"time": "2026-03-03T09:00:00Z", "http_request_body": "b", "http_response_body": "c", column: text}),
    ).row("http_exchanges")
    assert (row[column], attributes(row)) == (None, {"_invalid": {column: text}})


def test_csv_headers_keep_their_own_keys_only(tmp_path: Path) -> None:
    given = {
        "time": "2026-03-03T09:00:00Z",
        "http_request_body": "b",
        "http_response_headers": [{"name": "A", "value": 5, "more": 1}],
    }
    assert load(tmp_path, as_csv(given)).row("http_exchanges")["http_response_headers"] == [{"name": "A", "value": "5"}]


def parquet(folder: Path, **columns: Any) -> bytes:
    pq.write_table(pa.table(columns), folder / "x.parquet")
    return (folder / "x.parquet").read_bytes()


def test_parquet_of_unknown_columns_and_bad_values(tmp_path: Path) -> None:
    data = parquet(
        tmp_path,
        time=["2026-03-03T10:00:00+01:00", "never", None],
        metric_name=["a", "b", "c"],
        metric_value=["0.5", "much", "1"],
        metric_unit=["1"] * 3,
        team=["x", "y", "z"],
    )
    loaded = load(tmp_path, data)
    row = loaded.row("metrics")
    assert (row["record_no"], row["time"], row["time_raw"], row["metric_value"]) == (
        1,
        at("2026-03-03T09:00:00"),
        "2026-03-03T10:00:00+01:00",
        0.5,
    )
    assert attributes(row) == {"team": "x"}
    assert loaded.reasons() == [(2, "time is missing or not a time"), (3, "time is missing or not a time")]
    assert json.loads(loaded.rows("rejects")[0]["raw"])["attributes"]["_invalid"]["time"] == "never"


def test_parquet_values_that_do_not_cast(tmp_path: Path) -> None:
    data = parquet(tmp_path, time=[datetime(2026, 3, 3, 9, tzinfo=UTC)], metric_name=["a"], metric_value=["much"])
    row = load(tmp_path, data).row("metrics")
    assert (row["time"], row["metric_value"], attributes(row)["_invalid"]["metric_value"]) == (
        at("2026-03-03T09:00:00"),
        None,
        "much",
    )


def test_parquet_times_with_a_zone_are_utc(tmp_path: Path) -> None:
    from zoneinfo import ZoneInfo

    moment = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
    column = pa.array([moment], pa.timestamp("ns", "Europe/Paris"))
    assert load(tmp_path, parquet(tmp_path, time=column, metric_name=["a"], metric_value=[1.0])).row("metrics")[
        "time"
    ] == at("2026-07-01T10:00:00")


def test_parquet_of_no_table(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no set of columns"):
        load(tmp_path, parquet(tmp_path, a=[1], b=[timedelta(1)]))


def test_parquet_that_is_cut(tmp_path: Path) -> None:
    from forensics.errors import EvidenceError

    with pytest.raises(EvidenceError, match="cannot be parsed"):
        load(tmp_path, parquet(tmp_path, time=["x"], metric_name=["a"], metric_value=[1.0])[:-20])


FLOW = {
    "time": "2026-03-03T09:00:00Z", "source_address": "10.0.0.1", "source_port": -1, "destination_address": "203.0.113.7", "destination_port": 65536,
    "network_transport": "tcp", "source_bytes": -5, "destination_bytes": 0, "source_packets": -2, "duration_ms": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_ports_and_sizes_out_of_range_are_unknown_and_told(tmp_path: Path, form: str) -> None:
    if form == "parquet":
        data: bytes | str = parquet(tmp_path, **{key: [value] for key, value in FLOW.items()})
    else:
        data = lines(FLOW) if form == "json" else as_csv(FLOW)
    row = load(tmp_path, data).row("connections")
    odd = {"source_port": "-1", "destination_port": "65536", "source_bytes": "-5", "source_packets": "-2"}
    assert {key: row[key] for key in odd} == dict.fromkeys(odd)
    assert {key: value for key, value in attributes(row)["_invalid"].items() if value is not None} == odd
    assert (row["destination_bytes"], row["duration_ms"]) == (0, 1.5)
