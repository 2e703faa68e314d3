"""Commands that need no case, and help."""

from __future__ import annotations

import base64
import gzip
import json
import tomllib
from pathlib import Path

import pytest

from forensics.cli import COMMANDS
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run, spawn


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        *([name] for name in COMMANDS),
        *(["detectors", name] for name in ("list", "show", "test", "new")),
        *(["config", name] for name in ("show", "validate", "schema")),
    ],
)
def test_help_of_every_command(arguments: list[str]) -> None:
    short, long = run(*arguments, "-h"), run(*arguments, "--help")
    assert (short.code, short.err) == (0, "")
    assert short.out == long.out
    assert short.out.startswith("Usage: canary-forensics")
    assert len(short.out.splitlines()) > 3


def test_module_and_version() -> None:
    assert spawn("--version").out.startswith("canary-forensics, version ")
    assert spawn("review", "-h").out == run("review", "-h").out


def test_detectors_list_and_show() -> None:
    listed = {row["id"]: row for row in json.loads(run("detectors", "list", "--json").out)}
    assert listed["outbound.new_destination"]["severity"] == "high"
    shown = run("detectors", "show", "outbound.new_destination")
    assert shown.out.startswith("/*")
    assert "order by" in shown.out


def test_detectors_test_runs_the_tests_beside_it() -> None:
    done = run("detectors", "test", "headers.security_header_lost")
    assert done.code == 0
    assert {line.split(":")[0] for line in done.out.splitlines()} == {"ok    headers.security_header_lost"}
    assert len(done.out.splitlines()) >= 4


def test_detectors_new_writes_a_start_that_is_found(tmp_path: Path) -> None:
    done = run("detectors", "new", "outbound.my_rule", "--queries", tmp_path)
    assert done.code == 0, done.err
    assert {Path(line).name for line in done.out.splitlines()} == {"my_rule.sql", "my_rule.test.toml"}
    assert "outbound.my_rule" in run("detectors", "list", "--queries", tmp_path, "--json").out
    assert run("detectors", "new", "outbound.my_rule", "--queries", tmp_path).code == 2
    assert run("detectors", "new", "../evil", "--queries", tmp_path).code == 2
    assert not (tmp_path.parent / "evil.sql").exists()


def test_a_detector_that_takes_too_long_is_an_error_and_not_a_pass(reviewed: Reviewed, tmp_path: Path) -> None:
    """Without the option it would have ten minutes."""
    run("detectors", "new", "outbound.slow", "--queries", tmp_path)
    rule = next(tmp_path.rglob("slow.sql"))
    endless = (
        "from (select requests.* from requests, range(100000000) a, range(1000000) b where a.range % 7 <> b.range)"
    )
    rule.write_text(rule.read_text().replace("from requests", endless))
    case = reviewed.copy("checkout-clean", tmp_path / "slow.case")
    done = run("detect", case, "--queries", tmp_path, "--only", "outbound.slow", "--seconds", "0.2")
    assert "0.2 s" in done.out
    assert "failed" in done.out


def test_formats_are_a_list() -> None:
    told = json.loads(run("formats", "--json").out)
    by_name = {item["name"]: item for item in told}
    assert by_name["zeek-tsv"]["tables"].count("connections") == 1
    assert set(by_name["cyclonedx"]) == {"name", "observer", "tables", "title"}
    assert [json.loads(line) for line in run("formats", "--format", "ndjson").out.splitlines()] == told


def test_config_show_fills_in_the_defaults() -> None:
    shown = json.loads(run("config", "show", SAMPLES / "checkout-clean", "--json").out)
    written = tomllib.loads((SAMPLES / "checkout-clean" / "canary.toml").read_text(encoding="utf-8"))
    assert shown["release"]["canary_version"] == written["release"]["canary_version"]
    assert len(shown["cohort"]) == len(written["cohort"])
    assert shown["ingest"]["max_reject_share"] == 0.01
    table = run("config", "show", SAMPLES / "checkout-clean")
    assert "cohort[0].cohort" in table.out


def test_config_validate() -> None:
    assert run("config", "validate", SAMPLES / "checkout-clean").code == 0


def test_config_validate_lists_every_problem_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "canary.toml"
    file.write_text(
        '[release]\nservise = "x"\n\n[[phase]]\nname = "a"\nstart = 2026-03-03T09:00:00Z\nendd = 2026-03-03T10:00:00Z\nweight = 5\n',
        encoding="utf-8",
    )
    done = run("config", "validate", file)
    assert done.code == 2
    assert f"{file}:2: " in done.out
    assert "`service`" in done.out
    assert f"{file}:7: " in done.out
    assert "`end`" in done.out
    assert done.err == ""


def test_config_schema_accepts_the_samples() -> None:
    import jsonschema

    schema = json.loads(run("config", "schema").out)
    plain = {"release": {"service": "a", "baseline_version": "1", "canary_version": "2"}}
    jsonschema.validate(plain, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"release": {"servise": "a"}}, schema)


def test_doctor_finds_every_part_whole() -> None:
    done = run("doctor")
    assert done.code == 0
    assert "FAIL" not in done.out
    assert "DuckDB 2.0" in done.out


def test_scan_masks_hits_and_judges_headers(tmp_path: Path) -> None:
    secret = "AKIA" + "Q3EGTXUGBDLWZJ7M"
    response = {
        "status": 200,
        "headers": [["Content-Type", "text/plain"], ["strict-transport-security", "max-age=0"]],
        "body": f"mail jane.roe@shop.test key {secret}",
    }
    file = tmp_path / "a.ndjson"
    file.write_text(
        json.dumps({"id": "one", "response": response})
        + "\n"
        + json.dumps({"id": "two", "text": "nothing here"})
        + "\n",
        encoding="utf-8",
    )
    done = run("scan", file)
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert secret not in done.out
    assert "jane.roe" not in done.out
    hits = [row for row in rows if "pattern" in row]
    assert {"id", "pattern", "class", "confidence", "start", "end", "masked"} <= hits[0].keys()
    assert "pii" in {row["class"] for row in hits}
    headers = {row["header"]: row["verdict"] for row in rows if "header" in row}
    assert headers["strict-transport-security"] == "hsts-disabled"
    assert headers["content-security-policy"] == "csp-not-implemented"


def test_scan_reads_standard_input_and_goes_on_after_a_bad_line() -> None:
    done = spawn(
        "scan",
        "-",
        stdin=b'{"id":"one","text":"jane.roe@shop.test"}\nno json\n{"id":"three","text":"joe.doe@shop.test"}\n',
    )
    assert done.code == 3
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row.get("id") for row in rows if "pattern" in row] == ["one", "three"]
    assert sum("error" in row for row in rows) == 1
    assert "Traceback" not in done.err


def test_interrupted_pipes_end_quietly() -> None:
    import subprocess
    import sys

    command = f"{sys.executable} -m forensics formats --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602 - our own text
    assert done.stderr == b""


def test_a_detector_whose_rows_were_cut_is_told_on_the_terminal(reviewed: Reviewed, tmp_path: Path) -> None:
    """Ten thousand rows are judged; who reads only the terminal must know that there were more."""
    run("detectors", "new", "outbound.many", "--queries", tmp_path)
    rule = next(tmp_path.rglob("many.sql"))
    front = rule.read_text().split("*/")[0].replace('["http_request_method", "route"]', '["number"]')
    rule.write_text(
        f"{front}*/\nselect range as number, 1 as canary_n, 1 as canary_total, 0 as baseline_n, 0 as baseline_total, 0 as prior_n, "
        "null::timestamp as first_seen, null::timestamp as last_seen, []::varchar[] as evidence from range(10001) where $min_status > 0 order by range"
    )
    case = reviewed.copy("checkout-clean", tmp_path / "many.case")
    done = run("detect", case, "--queries", tmp_path, "--only", "outbound.many")
    assert done.code == 0, done.err
    assert (
        "- 10,000 found in the first 10,000 rows; the detector returns more, which were not judged: outbound.many"
        in done.out
    )


MINE = """
title = "Ticket of ours"
class = "custom"
severity = "high"
confidence = "high"
mask = "secret"
cwe = ["CWE-200"]
gate = '''TICKET-'''
exact = '''TICKET-[0-9]{6}'''
true_positives = ["TICKET-123456"]
false_positives = ["TICKET-12"]
"""


def test_patterns_of_ones_own(tmp_path: Path) -> None:
    """`DIR/patterns` beside own detectors: found by `scan` and by a review; a broken one is an error and not a pattern less."""
    pack = tmp_path / "mine" / "patterns" / "custom"
    pack.mkdir(parents=True)
    (pack / "ticket.toml").write_text(MINE, encoding="utf-8")
    line = tmp_path / "a.ndjson"
    line.write_text(json.dumps({"id": 1, "text": "see TICKET-654321"}) + "\n", encoding="utf-8")
    assert "custom.ticket" in run("scan", line, "--queries", tmp_path / "mine").out
    assert "custom.ticket" not in run("scan", line).out
    case = tmp_path / "a.case"
    folder = tmp_path / "evidence"
    folder.mkdir()
    exchange = {
        "time": "2026-03-03T09:00:00Z",
        "request": {"url": "/a"},
        "response": {"status": 200, "body": "TICKET-654321"},
    }
    (folder / "samples.ndjson").write_text(json.dumps(exchange) + "\n", encoding="utf-8")
    assert run("review", folder, "--case", case, "--queries", tmp_path / "mine").code == 0
    assert "custom.ticket" in run("sql", case, "select pattern from content_matches").out
    (pack / "broken.toml").write_text(MINE.replace("[0-9]{6}", "[0-9"), encoding="utf-8")
    done = run("scan", line, "--queries", tmp_path / "mine")
    assert (done.code, done.out) == (2, "")
    assert "broken.toml" in done.err


def test_a_cut_body_is_told(tmp_path: Path) -> None:
    """What a cut stream holds is searched, and that there was more is an error line and exit code 3."""
    data = gzip.compress(b"mail jane.roe@shop.test " + bytes(range(256)) * 40, mtime=0)[:-20]
    response = {
        "headers": [["content-encoding", "gzip"]],
        "body": base64.b64encode(data).decode(),
        "body_encoding": "base64",
    }
    file = tmp_path / "a.ndjson"
    file.write_text(json.dumps({"id": 1, "response": response}) + "\n", encoding="utf-8")
    done = run("scan", file)
    rows = [json.loads(text) for text in done.out.splitlines()]
    assert done.code == 3
    assert any("is cut" in row.get("error", "") for row in rows)
    assert any(row.get("pattern") == "pii.email" for row in rows)
