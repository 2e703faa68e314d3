"""Files nobody here wrote, each record accounted for against an independent count. Skipped where `../shared/data` is absent."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from forensics.case import create
from forensics.config import parse
from forensics.errors import FormatError
from forensics.ingest import ingest
from forensics.review import Options, detect
from tests.ingest.helpers import Loaded, Row, load_paths

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="real samples are not here")

TABLES = {
    "conn": "connections",
    "ssl": "connections",
    "dns": "dns_queries",
    "http": "http_requests",
    "weird": "runtime_alerts",
}
Records = list[dict[str, Any]]


def files(folder: str, pattern: str) -> list[Any]:
    return [pytest.param(path, id=f"{folder}/{path.name}") for path in sorted((DATA / folder).glob(pattern))]


def moment(seconds: str) -> datetime:
    """Decimal seconds to the microsecond, without floats."""
    micros = math.floor(Fraction(seconds) * 1_000_000 + Fraction(1, 2))
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).replace(tzinfo=None)


def read_tsv(text: str) -> Records:
    """Records of a Zeek log; fields that are unset are left out."""
    lines = text.split("\n")
    fields = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    records = []
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            record = {name: value for name, value in zip(fields, line.split("\t"), strict=True) if value != "-"}
            records.append({"_no": number, **record})
    return records


def read_json(text: str) -> Records:
    """Records of a JSON log; numbers stay as they are written, names get their dot back."""
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        record = json.loads(line, parse_float=str, parse_int=str)
        records.append(
            {
                "_no": number,
                **{
                    key.replace("id_", "id.", 1) if key.startswith("id_") else key: value
                    for key, value in record.items()
                },
            }
        )
    return records


def whole(record: dict[str, Any], key: str) -> int | None:
    return int(record[key]) if key in record else None


def check_conn(row: Row, record: dict[str, Any]) -> None:
    expected = {
        "source_address": record["id.orig_h"],
        "source_port": whole(record, "id.orig_p"),
        "destination_address": record["id.resp_h"],
        "destination_port": whole(record, "id.resp_p"),
        "network_transport": record["proto"],
        "network_protocol_name": record.get("service"),
        "source_bytes": whole(record, "orig_bytes"),
        "destination_bytes": whole(record, "resp_bytes"),
        "source_packets": whole(record, "orig_pkts"),
        "destination_packets": whole(record, "resp_pkts"),
        "connection_state": record["conn_state"],
    }
    assert {key: row[key] for key in expected} == expected
    if "duration" in record:
        assert row["duration_ms"] == pytest.approx(float(record["duration"]) * 1000, rel=1e-12)
        assert abs(row["end_time"] - row["time"] - timedelta(seconds=float(record["duration"]))) <= timedelta(
            microseconds=1
        )
    else:
        assert (row["duration_ms"], row["end_time"]) == (None, None)


def check_dns(row: Row, record: dict[str, Any]) -> None:
    assert row["dns_question_name"] == (record["query"].lower().rstrip(".") or None if "query" in record else None)
    assert (row["dns_question_type"], row["dns_response_code"], row["dns_id"]) == (
        record.get("qtype_name"),
        record.get("rcode_name"),
        record.get("trans_id"),
    )
    answers, ttls = record.get("answers", []), record.get("TTLs", [])
    if isinstance(answers, str):
        answers, ttls = answers.split(","), ttls.split(",")
    assert [(item["data"], item["ttl"]) for item in row["dns_answers"]] == [
        (data, float(ttl)) for data, ttl in zip(answers, ttls, strict=True)
    ]


def check_http(row: Row, record: dict[str, Any]) -> None:
    path, _, query = record.get("uri", "").partition("?")
    expected = {
        "http_request_method": record.get("method"),
        "url_path": path or None,
        "url_query": query or None,
        "http_response_status_code": whole(record, "status_code"),
        "http_request_body_size": whole(record, "request_body_len"),
        "http_response_body_size": whole(record, "response_body_len"),
        "user_agent_original": record.get("user_agent"),
        "http_request_header_referer": record.get("referrer"),
        "client_address": record["id.orig_h"],
        "upstream_address": record["id.resp_h"],
    }
    assert {key: row[key] or (None if key == "url_query" else row[key]) for key in expected} == expected


def check_ssl(row: Row, record: dict[str, Any]) -> None:
    assert row["tls_client_server_name"] == (record["server_name"].lower() if "server_name" in record else None)
    assert row["tls_server_subject"] == record.get("subject")
    assert row["tls_server_issuer"] == record.get("issuer", record.get("issuer_subject"))
    assert (row["tls_protocol_version"], row["destination_address"]) == (record.get("version"), record["id.resp_h"])


def check_weird(row: Row, record: dict[str, Any]) -> None:
    assert (row["rule_name"], row["message"]) == (record["name"], record.get("addl"))


CHECKS: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    "conn": check_conn,
    "dns": check_dns,
    "http": check_http,
    "ssl": check_ssl,
    "weird": check_weird,
}


def compare(loaded: Loaded, log: str, records: Records, physical: int) -> None:
    rows = loaded.rows(TABLES[log])
    assert loaded.entry.records == physical
    assert (loaded.entry.rejected, loaded.entry.accepted) == (0, len(records))
    assert [row["record_no"] for row in rows] == [record["_no"] for record in records]
    for row, record in zip(rows, records, strict=True):
        assert row["observer"] == f"zeek.{log}"
        assert row["time"] == moment(record["ts"])
        CHECKS[log](row, record)


def log_of(path: Path) -> str:
    return next(name for name in TABLES if name in path.name)


@pytest.mark.parametrize("path", files("zeek-tsv", "*.log"))
def test_zeek_tsv(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    compare(load_paths(tmp_path, path), log_of(path), read_tsv(text), text.count("\n") + (not text.endswith("\n")))


@pytest.mark.parametrize("path", [*files("zeek-json", "*.log"), *files("apt29-day1-zeek", "*.log")])
def test_zeek_json(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    compare(load_paths(tmp_path, path), log_of(path), read_json(text), text.count("\n") + (not text.endswith("\n")))


@pytest.mark.parametrize(
    ("path", "read"),
    [(DATA / "zeek-tsv" / "conn.log", read_tsv), (DATA / "apt29-day1-zeek" / "NASHUA_conn.log", read_json)],
)
def test_sums_of_bytes(tmp_path: Path, path: Path, read: Callable[[str], Records]) -> None:
    records, rows = read(path.read_text()), load_paths(tmp_path, path).rows("connections")
    for key, column in (("orig_bytes", "source_bytes"), ("resp_bytes", "destination_bytes")):
        total = sum(int(record.get(key, 0)) for record in records)
        assert total > 0
        assert sum(row[column] or 0 for row in rows) == total


def test_packed_and_damaged_packed(tmp_path: Path) -> None:
    folder = DATA / "zeek-tsv"
    text = gzip.decompress((folder / "http.log.gz").read_bytes()).decode()
    good = load_paths(tmp_path, folder / "http.log.gz", case="good.case")
    compare(good, "http", read_tsv(text), text.count("\n"))
    assert good.entry.truncated == ""
    bad = load_paths(tmp_path, folder / "http.log.corrupt.gz", case="bad.case")
    assert "damaged or cut" in bad.entry.truncated
    same = [
        row["record_no"]
        for row in bad.rows("http_requests")
        if {**row, "evidence_id": ""} in [{**other, "evidence_id": ""} for other in good.rows("http_requests")]
    ]
    assert same
    assert same[0] == 9


@pytest.mark.parametrize("path", files("har", "*.har"))
def test_har(tmp_path: Path, path: Path) -> None:
    """Against mitmproxy's own parse of the same file."""
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    entries = json.loads(path.read_text(encoding="utf-8-sig"))["log"]["entries"]
    loaded = load_paths(tmp_path, path)
    rows = loaded.rows("http_exchanges")
    assert (loaded.entry.records, loaded.entry.rejected) == (len(entries), 0)
    assert len(rows) == len(entries) == len(expected)
    for row, flow, entry in zip(rows, expected, entries, strict=True):
        request, response = flow["request"], flow["response"]
        assert row["http_request_method"] == request["method"]
        assert (row["url_scheme"], row["server_address"]) == (
            request["scheme"],
            request["pretty_host"] if "pretty_host" in request else request["host"],
        )
        target = urlsplit(request["path"])
        assert (row["url_path"], row["url_query"] or "") == (target.path or "/", target.query)
        assert row["http_response_status_code"] == (entry["response"]["status"] or None)
        if entry["response"]["status"]:
            assert row["http_response_status_code"] == response["status_code"]
        assert len(row["http_request_headers"]) == len(entry["request"]["headers"])
        assert len(row["http_response_headers"]) == len(entry["response"]["headers"])
        assert [[item["name"], item["value"]] for item in row["http_response_headers"]] == [
            [item["name"], item["value"]] for item in entry["response"]["headers"]
        ]


@pytest.mark.parametrize("path", files("cyclonedx", "*.json"))
def test_cyclonedx(tmp_path: Path, path: Path) -> None:
    document = json.loads(path.read_text())

    def count(components: Records) -> int:
        return sum(1 + count(component.get("components", [])) for component in components)

    loaded = load_paths(tmp_path, path)
    rows = loaded.rows("components")
    assert (loaded.entry.records, loaded.entry.rejected, len(rows)) == (
        count(document["components"]),
        0,
        count(document["components"]),
    )
    assert {row["purl"] for row in rows if row["purl"]} == {
        item["purl"] for item in document["components"] if "purl" in item
    }
    product = document.get("metadata", {}).get("component", {})
    assert {(row["service_name"], row["service_version"]) for row in rows} == {
        (product.get("name"), product.get("version"))
    }


def test_a_difference_of_two_releases(tmp_path: Path) -> None:
    names: list[set[tuple[str, str]]] = []
    expected: list[set[tuple[str, str]]] = []
    for version in ("v1.6.3", "v1.8.0"):
        path = DATA / "cyclonedx" / f"proton-bridge-{version}.bom.json"
        names.append(
            {
                (row["component_name"], row["component_version"])
                for row in load_paths(tmp_path, path, case=f"{version}.case").rows("components")
            }
        )
        expected.append({(item["name"], item["version"]) for item in json.loads(path.read_text())["components"]})
    assert names == expected
    assert names[0] ^ names[1]


@pytest.mark.parametrize("path", files("argo", "canary-rollout*.yaml"))
def test_argo_rollouts(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    loaded = load_paths(tmp_path, path)
    states = [row for row in loaded.rows("rollout_events") if row["event_kind"] == "state"]
    assert (loaded.entry.records, len(states)) == (1, 1)
    assert len(loaded.rows("rollout_events")) == 1 + text.count("lastTransitionTime:")
    assert f"\n  name: {states[0]['rollout_name']}\n" in text
    assert f"stableRS: {states[0]['baseline_revision']}" in text.replace('"', "")


def test_an_argo_analysis_run(tmp_path: Path) -> None:
    text = (DATA / "argo" / "canary-analysisrun.yaml").read_text()
    rows = load_paths(tmp_path, DATA / "argo" / "canary-analysisrun.yaml").rows("rollout_events")
    measured = [row for row in rows if row["event_kind"] == "measurement"]
    assert len(measured) == text.count("startedAt:")
    assert {row["rollout_name"] for row in rows} == {"rollout-experiment-analysis"}
    assert rows[-1]["event_kind"] == "analysis_inconclusive"  # its `status.phase`


@pytest.mark.parametrize("path", [*files("otlp", "*.json"), *files("tetragon", "*.json"), *files("har", "LICENSE")])
def test_what_is_not_recognised_is_said(tmp_path: Path, path: Path) -> None:
    with pytest.raises(FormatError, match="is not known"):
        load_paths(tmp_path, path)


def test_a_folder_of_everything(tmp_path: Path) -> None:
    """Each file is in the ledger once, ingested or said not to be."""
    loaded = load_paths(tmp_path, DATA)
    known = {path for path in DATA.rglob("*") if path.is_file()}
    assert {Path(entry.path) for entry in loaded.entries} == known
    refused = {Path(entry.path).name for entry in loaded.entries if entry.status == "unrecognised"}
    assert {"README.md", "LICENSE", "logs.json", "trace.json", "process_connect.json"} <= refused
    assert not [entry for entry in loaded.entries if entry.status == "failed"]
    assert [(entry.name, entry.duplicate_of) for entry in loaded.entries if entry.status == "duplicate"] == [
        ("zeek-tsv/http.log.gz", "zeek-tsv/http.log")
    ]


def test_the_difference_is_that_of_an_independent_reader(tmp_path: Path) -> None:
    """cyclonedx-python-lib reads both documents; names, versions and purls differ in the same way."""
    from cyclonedx.model.bom import Bom

    def read(version: str) -> dict[str, str | None]:
        path = DATA / "cyclonedx" / f"proton-bridge-{version}.bom.json"
        bom = Bom.from_json(json.loads(path.read_text()))  # type: ignore[attr-defined] # made by its serialiser
        return {item.name: item.version for item in bom.components}

    before, after = read("v1.6.3"), read("v1.8.0")
    config = parse(
        '[[cohort]]\ncohort = "canary"\ncolumn = "service_version"\nequals = "v1.8.0"\n'
        '[[cohort]]\ncohort = "baseline"\ncolumn = "service_version"\nequals = "v1.6.3"\n'
    )
    case = create(tmp_path / "sbom.case")
    case.write_config(config)
    ingest(case, [DATA / "cyclonedx" / f"proton-bridge-{version}.bom.json" for version in ("v1.6.3", "v1.8.0")])
    detect(case, Options())
    found = json.loads((case.results / "sbom.json").read_text())
    assert {item["name"]: item["version"] for item in found["added"]} == {
        name: after[name] for name in after.keys() - before.keys()
    }
    assert {item["name"]: item["version"] for item in found["removed"]} == {
        name: before[name] for name in before.keys() - after.keys()
    }
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert {item["name"]: (item["from"], item["to"]) for item in found["changed"]} == {
        name: (before[name], after[name]) for name in changed
    }
    assert found["changed"]
    assert {item["direction"] for item in found["changed"]} <= {"upgraded", "downgraded", "changed"}
