"""What does not fit its column is kept as text, and odd keys are named and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.helpers import Row, attributes, load

EXCHANGE: Row = {
    "time": "2026-03-03T09:00:00Z",
    "id": "1",
    "request": {"method": "GET", "url": "/a", "headers": []},
    "response": {"status": 200, "headers": None},
}
CONN: Row = {
    "ts": 1772528400.0, "uid": "C1", "id.orig_h": "10.0.0.1", "id.orig_p": 1, "id.resp_h": "10.0.0.2", "id.resp_p": 443, "proto": "tcp", "conn_state": "SF",
}  # fmt: skip
IDENTITY: Row = {
    "time": "2026-03-03T09:00:00Z",
    "address": "10.0.0.1",
    "k8s_pod_name": "p",
    "valid_to": "2026-03-03T09:00:00Z",
}
AUTH: Row = {"time": "2026-03-03T09:00:00Z", "event_action": "login", "event_outcome": "success", "user_id": "u"}
REQUEST: Row = {
    "start_time": "2026-03-03T09:00:00Z",
    "response_code": 200,
    "response_flags": "-",
    "method": "GET",
    "path": "/",
}
TSV = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tduration\torig_bytes\n1772528400.0\tC1\t10.0.0.1\t%s\t%s\n"


@pytest.mark.parametrize(
    ("form", "table", "line", "invalid"),
    [
        ("exchange", "http_exchanges", EXCHANGE, {}),
        ("exchange", "http_exchanges", EXCHANGE | {"duration_ms": "slow"}, {"duration_ms": "slow"}),
        (
            "exchange", "http_exchanges", EXCHANGE | {"request": {"method": "GET", "url": "/", "headers": {"a": "b"}}},
            {"http_request_headers": '{"a":"b"}'},
        ),
        ("exchange", "http_exchanges", EXCHANGE | {"response": {"status": [], "headers": "x"}}, {"http_response_headers": '"x"', "http_response_status_code": "[]"}),
        ("zeek-json", "connections", CONN, {}),
        ("zeek-json", "connections", CONN | {"duration": "long", "orig_bytes": "x"}, {"duration_ms": "long", "source_bytes": "x"}),
        ("native-ndjson", "identities", IDENTITY, {}),
        ("native-ndjson", "identities", IDENTITY | {"valid_from": "never"}, {"valid_from": "never"}),
        ("native-ndjson", "auth_events", AUTH | {"user_roles": ["admin"]}, {}),
        ("native-ndjson", "auth_events", AUTH | {"user_roles": "admin"}, {"user_roles": '"admin"'}),
        ("envoy-json", "http_requests", REQUEST | {"duration": True, "bytes_sent": 1e300, "response_code": "2OO"}, {"duration_ms": "true", "http_response_body_size": "1e+300", "http_response_status_code": "2OO"}),
        ("zeek-tsv", "connections", TSV % ("long", "1"), {"duration_ms": "long"}),
        ("zeek-tsv", "connections", TSV % ("1.5", "x"), {"source_bytes": "x"}),
        ("zeek-tsv", "connections", TSV % ("-", "-"), {}),
    ],
)  # fmt: skip
def test_values_of_the_wrong_type(tmp_path: Path, form: str, table: str, line: Row | str, invalid: Row) -> None:
    row = load(tmp_path, line if isinstance(line, str) else json.dumps(line) + "\n", format=form).row(table)
    assert attributes(row)["_invalid"] == invalid if invalid else "_invalid" not in (row["attributes"] or "")


def test_keys_that_are_there_twice_and_keys_that_come_late(tmp_path: Path) -> None:
    plain = json.dumps(EXCHANGE) + "\n"
    twice = plain.replace('"id": "1"', '"id": "1", "id": "2"').replace('"url"', '"url": "/evil", "url"')
    late = json.dumps(EXCHANGE | {"first seen": 1, "late": {"a": 1}}) + "\n"
    loaded = load(tmp_path, plain * 600 + twice + late + plain)
    found = {
        row["record_no"]: json.loads(row["attributes"]) for row in loaded.rows("http_exchanges") if row["attributes"]
    }
    assert found == {
        601: {"_duplicate_keys": ["id", "request.url"]},
        602: {"_unmapped_keys": ["first seen", "late"]},
    }
    assert (loaded.entry.duplicate_keys, loaded.entry.unmapped_keys) == (1, 1)
