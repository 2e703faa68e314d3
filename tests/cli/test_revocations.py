"""What has to be revoked: counted from the truth of the files, values only where they are asked for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run

NAME = "checkout-compromised"


@pytest.fixture
def own(reviewed: Reviewed, tmp_path: Path) -> Path:
    return reviewed.copy(NAME, tmp_path / "own.case")


def entries() -> list[dict[str, Any]]:
    """Access log entries of the canary between onset (first open admin page) and containment (last sighting of the canary)."""
    files = (SAMPLES / NAME / "access").iterdir()
    lines = [
        line
        for path in files
        for line in (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).splitlines()
    ]
    return [e for e in map(json.loads, lines) if e["upstream_cluster"] and "|canary|" in e["upstream_cluster"]]


def told(case: Path) -> dict[str, Any]:
    done = run("revocations", case, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_accounts_and_sessions_are_those_of_the_access_log(own: Path) -> None:
    found = told(own)
    inside = [e for e in entries() if found["start"] <= e["start_time"] <= found["end"]]
    kinds = {row["kind"]: row["values"] for row in found["kinds"]}
    assert kinds["account"] == len({e["user_id"] for e in inside if e["user_id"]})
    assert kinds["session"] == len({e["session_id"] for e in inside if e["session_id"]})
    # tokens and cookies of the sample are written as [REDACTED]: told, not listed
    assert {row["kind"]: row["values"] for row in found["kinds"] if row["masked_records"]} == {"token": 0, "cookie": 0}
    assert found["basis"] == "from the onset to containment"
    times = json.loads((own / "results" / "times.json").read_text())
    assert (found["start"], found["end"]) == (times["onset"], times["contained"])


def test_nothing_is_revealed_unless_asked(own: Path) -> None:
    done = run("revocations", own)
    assert "account" in done.out
    assert "u-1" not in done.out + done.err
    assert not (own / "restricted" / "revocations.ndjson").exists()


def test_what_is_revealed_is_private_and_recorded(own: Path) -> None:
    done = run("revocations", own, "--reveal")
    assert done.code == 0
    path = own / "restricted" / "revocations.ndjson"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    accounts = {row["value"] for row in rows if row["kind"] == "account"}
    found = told(own)
    assert accounts == {
        e["user_id"] for e in entries() if e["user_id"] and found["start"] <= e["start_time"] <= found["end"]
    }
    assert "u-1" not in done.out + done.err
    log = (own / "access.jsonl").read_text()
    assert '"revocations"' in log
    assert not accounts & set(log.split('"'))
    assert run("status", own).code == 0


def test_real_tokens_are_listed(tmp_path: Path) -> None:
    config = (SAMPLES / NAME / "canary.toml").read_text().partition("[[policy]]")[0]  # its files are not copied
    exchange = {
        "time": "2026-03-03T09:20:00Z", "id": "1", "version": "2.4.0", "user": "u-1",
        "request": {"method": "GET", "url": "https://shop.example/a", "headers": [["Authorization", "Bearer abc.def"], ["X-Api-Key", "k1"], ["Cookie", "sid=1"]]},
        "response": {"status": 200, "headers": [], "body": "", "body_encoding": "utf8", "body_state": "full", "body_size": 0},
    }  # fmt: skip
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "x.ndjson").write_text(
        json.dumps(exchange) + "\n" + json.dumps(exchange | {"id": "2", "version": "2.3.9", "user": "u-2"}) + "\n"
    )
    (tmp_path / "canary.toml").write_text(config)
    case = tmp_path / "a.case"
    assert run("review", tmp_path / "e", "--config", tmp_path / "canary.toml", "--case", case).code == 0
    assert run("revocations", case, "--reveal").code == 0
    rows = [
        json.loads(line)
        for line in (case / "restricted" / "revocations.ndjson").read_text(encoding="utf-8").splitlines()
    ]
    assert {(row["kind"], row["value"]) for row in rows} == {
        ("account", "u-1"),
        ("token", "Bearer abc.def"),
        ("cookie", "sid=1"),
        ("key", "k1"),
    }
    assert {row["record"] for row in rows if row["kind"] == "token"} == {rows[0]["record"]}
