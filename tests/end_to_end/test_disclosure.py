"""Forty leaks: in both versions they are pre-existing; ten of them on the canary alone are the ten new findings."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from benchmarks import corpus
from forensics.scan import default_scanner, scan_text
from tests.end_to_end.harness import findings_of, run

LEAKS, MOVED, ANSWERS = 40, 10, 20
CONFIG = """
[release]
service = "checkout"
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
# Class of the pattern -> the detector that tells it.
DETECTORS = {"intrusion": "intrusion_proof"}


def noted(text: str) -> str:
    """Return a response that holds a text in a property that every version has."""
    return json.dumps({"id": "a", "note": text})


@cache
def leaks() -> list[tuple[str, str]]:
    """Return (class, text) of forty positives of the corpus, each of which shows one pattern and nothing else; all classes take part."""
    found: list[tuple[str, str]] = []
    for case in corpus.cases():
        if not case.positive or case.headers or case.countries:
            continue
        matches = scan_text(default_scanner(), noted(case.body), "application/json")
        patterns = {match.pattern for match in matches}
        fits = len(patterns) == 1 and matches[0].pattern_class == case.pattern_class and matches[0].confidence != "low"
        if fits and Counter(name for name, _ in found)[case.pattern_class] < 3:
            found.append((case.pattern_class, case.body))
    return found[:LEAKS]


def evidence(folder: Path, only_on_canary: int) -> Path:
    """Write samples of forty routes; the first `only_on_canary` leaks are not on the baseline."""
    folder.mkdir()
    (folder / "canary.toml").write_text(CONFIG, encoding="utf-8")
    with (folder / "samples.ndjson").open("w", encoding="utf-8") as file:
        for number, (_, leak) in enumerate(leaks()):
            for version in ("1", "2"):
                leaking = version == "2" or number >= only_on_canary
                for answer in range(ANSWERS):
                    body = noted(leak if leaking and answer == 0 else "all is well")
                    file.write(json.dumps(_record(number, answer, version, body)) + "\n")
    return folder


def _record(number: int, answer: int, version: str, body: str, **response: Any) -> dict[str, Any]:
    route = "".join("abcdefghij"[int(digit)] for digit in f"{number:02}")
    return {
        "time": f"2026-03-03T09:{number % 60:02}:{answer:02}Z", "version": version, "client_address": "203.0.113.9",
        "request": {"method": "GET", "url": f"https://shop.example/page-{route}", "headers": [["host", "shop.example"]]},
        "response": {"status": 200, "headers": [["content-type", "application/json"]], "body": body, **response},
    }  # fmt: skip


def found(tmp_path: Path, only_on_canary: int) -> dict[str, Any]:
    case = tmp_path / "a.case"
    done = run("review", evidence(tmp_path / "evidence", only_on_canary), "--case", case)
    assert done.code == 0, done.err
    return findings_of(case)


def test_leaks_of_both_versions_are_pre_existing(tmp_path: Path) -> None:
    told = found(tmp_path, 0)
    assert {item["novelty"] for item in told["findings"]} == {"pre_existing"}
    assert len({item["entity"]["route"] for item in told["findings"]}) == LEAKS
    assert told["incidents"] == []


def test_leaks_moved_to_the_canary_are_the_new_findings(tmp_path: Path) -> None:
    told = found(tmp_path, MOVED)
    new = [item for item in told["findings"] if item["novelty"] == "new"]
    assert len(new) == MOVED
    assert [(item["canary"]["n"], item["baseline"]["n"]) for item in new] == [(1, 0)] * MOVED
    expected = Counter(DETECTORS.get(name, name) for name, _ in leaks()[:MOVED])
    assert Counter(item["detector"].partition(".")[2] for item in new) == expected
    assert len(told["incidents"]) == MOVED
    routes = {item["entity"]["route"] for item in new}
    assert len(routes) == MOVED
    assert all(sum(route in incident["title"] for route in routes) == 1 for incident in told["incidents"])
    old = {item["entity"]["route"] for item in told["findings"] if item["novelty"] == "pre_existing"}
    assert len(old) == LEAKS - MOVED
    assert not old & routes


MAIL = "anna.meier@mailer-shop.org"
SECRET_BODY = json.dumps({"note": MAIL})
CODED: dict[str, tuple[bytes, list[list[str]]]] = {
    "brotli": (brotli.compress(SECRET_BODY.encode()), [["content-encoding", "br"]]),
    "gzip": (gzip.compress(SECRET_BODY.encode(), mtime=0), [["content-encoding", "gzip"]]),
    "zstd": (zstandard.ZstdCompressor().compress(SECRET_BODY.encode()), [["content-encoding", "zstd"]]),
    "gzip twice": (gzip.compress(gzip.compress(SECRET_BODY.encode(), mtime=0), mtime=0), [["content-encoding", "gzip"]]),
    "JSON in JSON": (json.dumps({"note": SECRET_BODY.replace("@", "\\u0040")}).encode(), []),
    "UTF-16": (SECRET_BODY.encode("utf-16"), [["content-type", "application/json; charset=utf-16"]]),
    "UTF-16, said to be UTF-8": (SECRET_BODY.encode("utf-16-le"), [["content-type", "application/json; charset=utf-8"]]),
    "UTF-8, said to be UTF-16": (SECRET_BODY.encode(), [["content-type", "application/json; charset=utf-16"]]),
    "not packed, said to be": (SECRET_BODY.encode(), [["content-encoding", "br"]]),
    "cut": (gzip.compress(SECRET_BODY.encode() + b" " * 5000, mtime=0)[:-12], [["content-encoding", "gzip"]]),
    "cut JSON": (SECRET_BODY.encode()[:-1], []),
}  # fmt: skip


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of one response a coding, and one that cannot be decoded."""
    folder = tmp_path_factory.mktemp("coded") / "evidence"
    folder.mkdir()
    (folder / "canary.toml").write_text(CONFIG, encoding="utf-8")
    broken = (b"\x8b\x00\xff\xfe" * 50, [["content-encoding", "gzip"]])
    with (folder / "samples.ndjson").open("w", encoding="utf-8") as file:
        for number, (data, headers) in enumerate([*CODED.values(), broken]):
            for version in ("1", "2"):
                body = base64.b64encode(data).decode() if version == "2" else "{}"
                coding = {"body_encoding": "base64"} if version == "2" else {}
                record = _record(
                    number, 0, version, body, headers=headers or [["content-type", "application/json"]], **coding
                )
                for answer in range(2):
                    record["time"] = f"2026-03-03T09:{number:02}:{answer:02}Z"
                    file.write(json.dumps(record) + "\n")
    case = folder.parent / "a.case"
    assert run("review", folder, "--case", case).code == 0
    return case


def test_every_coding_is_scanned(coded: Path) -> None:
    """The address is found once in each response of the canary but the last, which is counted as not looked at."""
    rows = json.loads(
        run("sql", coded, "select record_no, pattern from content_matches order by all", "--format", "json").out
    )
    assert len(rows) == 2 * len(CODED)
    assert {row["pattern"] for row in rows} == {"pii.email"}
    told = json.loads((coded / "results" / "bodies.json").read_text(encoding="utf-8"))
    assert told["sums"]["canary"]["undecodable"] == 2
    assert told["sums"]["canary"]["truncated"] == 2
    assert any("could not be decoded and were not searched" in note for note in told["notes"])


def test_no_output_holds_the_address(coded: Path) -> None:
    """Whatever way it was written in: findings, results and report tell where, never what."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in [coded / "findings.json", *coded.glob("results/*"), *coded.glob("reports/*")]
    )
    for form in (
        MAIL,
        MAIL.replace("@", "%40"),
        MAIL.replace("@", "\\u0040"),
        base64.b64encode(MAIL.encode()).decode(),
    ):
        assert form not in text
