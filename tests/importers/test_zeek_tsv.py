"""Zeek's tab-separated logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from forensics.errors import FormatError
from tests.ingest.helpers import at, attributes, load

CONN = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
]
CONN_1 = [
    "1772528400.000001",
    "C1",
    "10.42.0.7",
    "40000",
    "203.0.113.5",
    "443",
    "tcp",
    "ssl",
    "1.500000",
    "120",
    "3400",
    "SF",
    "T",
    "F",
]
CONN_2 = ["1772528401.5", "C2", "10.42.0.7", "40001", "203.0.113.6", "22", "tcp", "-", "-", "-", "-", "S0", "T", "F"]
DNS = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "trans_id",
    "rtt",
    "query",
    "qclass_name",
    "qtype_name",
    "rcode_name",
    "answers",
    "TTLs",
]
DNS_1 = [
    "1772528402.25",
    "C3",
    "10.42.0.7",
    "5353",
    "10.42.0.2",
    "53",
    "udp",
    "77",
    "0.002",
    "Api.Mailer.Example.",
    "C_INTERNET",
    "A",
    "NOERROR",
    "203.0.113.9,alias.example",
    "60.000000,30.000000",
]
WEIRD = ["ts", "uid", "name", "addl", "notice", "peer"]


def head(path: str, fields: Sequence[str], *, unset: str = "-", empty: str = "(empty)", separator: str = ",") -> str:
    return (
        f"#separator \\x09\n#set_separator\t{separator}\n#empty_field\t{empty}\n#unset_field\t{unset}\n#path\t{path}\n#open\t2026-03-03-09-00-00\n"
        + "\t".join(["#fields", *fields])
        + "\n#types\t"
        + "\t".join("string" for _ in fields)
        + "\n"
    )


def tsv(*records: Sequence[str]) -> str:
    return "".join("\t".join(record) + "\n" for record in records)


CLOSE = "#close\t2026-03-03-10-00-00\n"


def test_a_connection(tmp_path: Path) -> None:
    loaded = load(tmp_path, head("conn", CONN) + tsv(CONN_1, CONN_2) + CLOSE)
    first, second = loaded.rows("connections")
    expected = {
        "record_no": 9,
        "observer": "zeek.conn",
        "time": at("2026-03-03T09:00:00.000001"),
        "time_raw": "1772528400.000001",
        "end_time": at("2026-03-03T09:00:01.500001"),
        "duration_ms": 1500.0,
        "connection_uid": "C1",
        "source_address": "10.42.0.7",
        "source_port": 40000,
        "destination_address": "203.0.113.5",
        "destination_port": 443,
        "network_transport": "tcp",
        "network_protocol_name": "ssl",
        "network_direction": "outbound",
        "source_bytes": 120,
        "destination_bytes": 3400,
        "source_packets": None,
        "connection_state": "SF",
        "is_established": True,
    }
    assert {key: first[key] for key in expected} == expected
    absent = ("network_protocol_name", "duration_ms", "end_time", "source_bytes", "destination_bytes")
    assert {key: second[key] for key in absent} == dict.fromkeys(absent)
    assert second["is_established"] is False
    assert (loaded.entry.records, loaded.entry.skipped, loaded.entry.rejected) == (11, {"header": 9}, 0)


@pytest.mark.parametrize(
    ("state", "established"), [("SF", True), ("RSTO", True), ("REJ", False), ("S0", False), ("OTH", None), ("-", None)]
)
def test_whether_both_sides_spoke(tmp_path: Path, state: str, established: bool | None) -> None:
    row = load(tmp_path, head("conn", CONN) + tsv([*CONN_1[:11], state, "F", "F"])).row("connections")
    assert (row["is_established"], row["network_direction"]) == (established, "external")


def test_sets(tmp_path: Path) -> None:
    row = load(tmp_path, head("dns", DNS) + tsv(DNS_1)).row("dns_queries")
    assert row["dns_answers"] == [
        {"type": None, "data": "203.0.113.9", "ttl": 60.0},
        {"type": None, "data": "alias.example", "ttl": 30.0},
    ]
    assert (row["dns_question_name"], row["dns_question_class"], row["dns_id"], row["duration_ms"]) == (
        "api.mailer.example",
        "IN",
        "77",
        2.0,
    )


def test_unset_and_empty_sets(tmp_path: Path) -> None:
    rows = load(tmp_path, head("dns", DNS) + tsv([*DNS_1[:13], "-", "-"], [*DNS_1[:13], "(empty)", "(empty)"])).rows(
        "dns_queries"
    )
    assert [row["dns_answers"] for row in rows] == [[], []]


def test_the_header_chooses_the_placeholders(tmp_path: Path) -> None:
    text = head("dns", DNS, unset="NIL", empty="NONE", separator="|") + tsv(
        [*DNS_1[:8], "NIL", "-", *DNS_1[10:13], "a|b,c", "1|2"]
    )
    row = load(tmp_path, text).row("dns_queries")
    assert (row["duration_ms"], row["dns_question_name"]) == (None, "-")
    assert [item["data"] for item in row["dns_answers"]] == ["a", "b,c"]


def test_concatenated_logs_with_other_fields(tmp_path: Path) -> None:
    """Rotated logs of two versions: the second has its columns in another order and one more."""
    swapped = ["ts", "uid", "note", *reversed(CONN[2:])]
    other = [CONN_2[0], "C9", "x", *reversed(CONN_2[2:])]
    loaded = load(tmp_path, head("conn", CONN) + tsv(CONN_1) + CLOSE + head("conn", swapped) + tsv(other) + CLOSE)
    seen = [
        (row["record_no"], row["connection_uid"], row["destination_address"], row["connection_state"])
        for row in loaded.rows("connections")
    ]
    assert seen == [(9, "C1", "203.0.113.5", "SF"), (19, "C9", "203.0.113.6", "S0")]


def test_several_logs_in_one_file(tmp_path: Path) -> None:
    text = (
        head("conn", CONN)
        + tsv(CONN_1)
        + CLOSE
        + head("dns", DNS)
        + tsv(DNS_1)
        + CLOSE
        + head("conn", CONN)
        + tsv(CONN_2)
    )
    loaded = load(tmp_path, text)
    assert loaded.numbers("connections") == [9, 29]
    assert loaded.numbers("dns_queries") == [19]
    assert (loaded.entry.records, loaded.entry.accepted, loaded.entry.skipped) == (29, 3, {"header": 26})


def test_an_unknown_log_in_the_middle(tmp_path: Path) -> None:
    text = (
        head("conn", CONN)
        + tsv(CONN_1)
        + CLOSE
        + head("files", ["ts", "fuid"])
        + tsv(["1772528400.0", "F1"])
        + CLOSE
        + head("conn", CONN)
        + tsv(CONN_2)
    )
    loaded = load(tmp_path, text)
    assert loaded.numbers("connections") == [9, 29]
    assert loaded.reasons() == [(19, "a Zeek log that is not mapped")]


def test_only_unknown_logs(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not known"):
        load(tmp_path, head("files", ["ts", "fuid"]) + tsv(["1772528400.0", "F1"]))


def test_broken_records(tmp_path: Path) -> None:
    good, short, long = CONN_1, CONN_1[:-1], [*CONN_1, "x"]
    loaded = load(
        tmp_path,
        head("conn", CONN)
        + tsv(good, short, long, ["never", *CONN_1[1:]])
        + "\n"
        + "x\n"
        + tsv(good)
        + "1772528400.0\tC",
    )
    assert loaded.numbers("connections") == [9, 15]
    assert loaded.reasons() == [
        (10, "wrong number of fields"),
        (11, "wrong number of fields"),
        (12, "ts is not a time"),
        (14, "wrong number of fields"),
        (16, "wrong number of fields"),
    ]
    assert loaded.entry.skipped == {"blank": 1, "header": 8}


def test_records_before_any_header(tmp_path: Path) -> None:
    loaded = load(tmp_path, tsv(CONN_1) + head("conn", CONN) + tsv(CONN_1))
    assert loaded.numbers("connections") == [10]
    assert loaded.reasons() == [(1, "before any #fields line")]


def test_windows_line_ends(tmp_path: Path) -> None:
    loaded = load(tmp_path, (head("conn", CONN) + tsv(CONN_1) + CLOSE).replace("\n", "\r\n"))
    assert loaded.row("connections")["network_direction"] == "outbound"
    assert loaded.entry.rejected == 0


def test_times_as_iso_8601(tmp_path: Path) -> None:
    """`LogAscii::json_timestamps` has no say here, but `zeek-cut -U` and some shippers write ISO stamps."""
    rows = load(tmp_path, head("conn", CONN) + tsv(["2026-03-03T09:00:00.25Z", *CONN_1[1:]])).rows("connections")
    assert (rows[0]["time"], rows[0]["end_time"]) == (at("2026-03-03T09:00:00.25"), at("2026-03-03T09:00:01.75"))


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    loaded = load(tmp_path, head("conn", CONN) + CLOSE)
    assert (loaded.entry.status, loaded.entry.records, loaded.entry.accepted, loaded.rows("connections")) == (
        "ingested",
        9,
        0,
        [],
    )


def test_a_hash_inside_a_record_is_no_header(tmp_path: Path) -> None:
    weird = ["1772528400.0", "C1", "name #fields\\x09", "#path", "F", "zeek"]
    row = load(tmp_path, head("weird", WEIRD) + tsv(weird)).row("runtime_alerts")
    assert (row["observer"], row["rule_name"], row["message"], row["priority"]) == (
        "zeek.weird",
        "name #fields\\x09",
        "#path",
        "info",
    )


def test_a_quote_in_a_placeholder_is_only_text(tmp_path: Path) -> None:
    row = load(tmp_path, head("conn", CONN, unset="'") + tsv([*CONN_1[:7], "'", *CONN_1[8:]])).row("connections")
    assert row["network_protocol_name"] is None


def test_rows_lie_in_the_order_of_records(tmp_path: Path) -> None:
    """With two threads, over many blocks: a join in a column (which `in` over six texts becomes) would mix them."""
    data = head("conn", CONN) + tsv(*[CONN_1, CONN_2] * 100_000)
    (path,) = (load(tmp_path, data).case.tables / "connections").glob("*.parquet")
    numbers = pq.read_table(path, columns=["record_no"]).column(0).to_pylist()
    assert numbers == list(range(9, 200_009))


def test_ports_and_sizes_out_of_range_are_unknown_and_told(tmp_path: Path) -> None:
    """Also in a block that is plain otherwise, which Arrow cuts."""
    odd = [*CONN_1[:3], "70000", *CONN_1[4:9], "-120", *CONN_1[10:]]
    first, second = load(tmp_path, head("conn", CONN) + tsv(odd, CONN_2)).rows("connections")
    assert (first["source_port"], first["source_bytes"], first["destination_bytes"]) == (None, None, 3400)
    assert attributes(first)["_invalid"] == {"source_port": "70000", "source_bytes": "-120"}
    assert (second["source_port"], second["attributes"]) == (40001, None)


def test_what_is_no_address_is_unknown_and_told(tmp_path: Path) -> None:
    """Also in a block that is plain otherwise, which Arrow cuts."""
    place = CONN.index("id.resp_h")
    odd = [*CONN_1[:place], "999.1.1.1", *CONN_1[place + 1 :]]
    first, second = load(tmp_path, head("conn", CONN) + tsv(odd, CONN_2)).rows("connections")
    assert (first["destination_address"], attributes(first)["_invalid"]) == (None, {"destination_address": "999.1.1.1"})
    assert (second["destination_address"] is not None, second["attributes"]) == (True, None)
