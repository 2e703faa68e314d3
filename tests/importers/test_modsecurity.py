"""Audit log of ModSecurity 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, attributes, lines, load

MESSAGE: dict[str, Any] = {
    "message": "SQL Injection Attack Detected via libinjection",
    "details": {
        "match": "detected SQLi using libinjection.",
        "ruleId": "942100",
        "severity": "2",
        "data": "Matched Data: s&sos found within ARGS:q",
        "tags": ["attack-sqli", "OWASP_CRS"],
        "ver": "OWASP_CRS/4.0.0",
    },
}


def transaction(**changed: Any) -> dict[str, Any]:
    return {
        "transaction": {
            "client_ip": "203.0.113.7",
            "time_stamp": "Thu Mar  5 10:00:00 2026",
            "client_port": 4711,
            "host_ip": "10.0.0.5",
            "unique_id": "167",
            "request": {"method": "GET", "http_version": 1.1, "uri": "/?q=1", "headers": {"Host": "shop.example"}},
            "response": {"http_code": 403, "headers": {}},
            "producer": {"modsecurity": "ModSecurity v3.0.12 (Linux)", "secrules_engine": "Enabled"},
            "messages": [MESSAGE],
            **changed,
        }
    }


def test_a_row_a_message(tmp_path: Path) -> None:
    second = {"message": "Inbound Anomaly Score Exceeded", "details": {"ruleId": "949110", "severity": "2"}}
    loaded = load(tmp_path, lines(transaction(messages=[MESSAGE, second])))
    rows = loaded.rows("runtime_alerts")
    assert (loaded.entry.format, loaded.entry.records, loaded.entry.accepted) == ("modsecurity", 1, 1)
    assert [(row["record_no"], row["rule_name"], row["priority"], row["event_action"]) for row in rows] == [
        (1, "942100 SQL Injection Attack Detected via libinjection", "2", "blocked"),
        (1, "949110 Inbound Anomaly Score Exceeded", "2", "blocked"),
    ]
    assert (rows[0]["time"], rows[0]["time_raw"]) == (at("2026-03-05T10:00:00"), "Thu Mar  5 10:00:00 2026")
    assert rows[0]["message"] == MESSAGE["message"]
    assert (rows[0]["client_address"], rows[0]["url_path"]) == ("203.0.113.7", "/")
    assert rows[0]["server_address"] == transaction()["transaction"].get("host_ip")
    kept = attributes(rows[0])
    expected = {
        "uri": "/?q=1",
        "host": "shop.example",
        "unique_id": "167",
        "http_code": 403,
    }
    assert {key: kept[key] for key in expected} == expected
    assert (kept["data"], kept["tags"]) == ("Matched Data: s&sos found within ARGS:q", ["attack-sqli", "OWASP_CRS"])
    assert "no zone" in loaded.entry.time_rule or "without a zone" in loaded.entry.time_rule


@pytest.mark.parametrize(
    ("engine", "code", "interrupted", "action"),
    [
        ("Enabled", 403, None, "blocked"),
        ("Enabled", 200, None, None),
        ("Enabled", 302, True, "blocked"),
        ("DetectionOnly", 403, None, "detected"),
        ("DetectionOnly", 200, None, "detected"),
        (None, 403, None, None),
    ],
)
def test_actions(tmp_path: Path, engine: str | None, code: int, interrupted: bool | None, action: str | None) -> None:
    item = transaction(response={"http_code": code}, producer={"secrules_engine": engine}, is_interrupted=interrupted)
    assert load(tmp_path, lines(item)).row("runtime_alerts")["event_action"] == action


def test_a_header_that_is_there_twice(tmp_path: Path) -> None:
    line = json.dumps(transaction()).replace('"headers": {}', '"headers": {"Set-Cookie": "a=1", "Set-Cookie": "b=2"}')
    assert load(tmp_path, line + "\n").entry.accepted == 1


def test_the_first_of_two_keys_counts(tmp_path: Path) -> None:
    line = json.dumps(transaction()).replace('"uri": "/?q=1"', '"uri": "/first", "uri": "/second"')
    assert attributes(load(tmp_path, line).row("runtime_alerts"))["uri"] == "/first"


def test_what_gives_no_row(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        lines(
            transaction(messages=[]),
            "",
            transaction(),
            "{",
            transaction(time_stamp="Thu Mar 32 10:00:00 2026"),
            {"a": 1},
            transaction(),
        ),
    )
    assert loaded.entry.skipped == {"blank": 1, "transaction without a message": 1}
    assert loaded.reasons() == [
        (4, "not a JSON object with a transaction"),
        (5, "time_stamp is missing or not a time"),
        (6, "not a JSON object with a transaction"),
    ]
    assert loaded.numbers("runtime_alerts") == [3, 7]


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "Thu Mrz 12 10:00:00 2026",
        "2026-03-12T10:00:00Z",
        "Thu Mar 12 10:00:00 1826",
        "Thu Mar \u0661\u0662 10:00:00 2026",
        5,
    ],
)
def test_what_is_no_time(tmp_path: Path, stamp: Any) -> None:
    assert load(tmp_path, lines(transaction(time_stamp=stamp))).entry.rejected == 1


def test_wrong_types_and_bytes(tmp_path: Path) -> None:
    line = json.dumps(transaction(messages=[{"message": ["a"], "details": 5}, 7], response="x", request=[])).encode()
    row = load(tmp_path, line.replace(b'"167"', b'"16\xff"') + b"\n").row("runtime_alerts")
    assert (row["rule_name"], row["message"], row["event_action"]) == (None, None, None)
    assert (attributes(row)["unique_id"], attributes(row)["_salvaged"]) == (r"16\xff", True)
