"""The main job end to end: the three samples against the truth that was written down by hand."""

from __future__ import annotations

import shutil
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forensics.cli import cli
from forensics.findings import level
from forensics.review import material
from tests.conftest import Reviewed

SAMPLES = Path(__file__).parent.parent / "sample_data"
ROLLOUTS = ("checkout-compromised", "checkout-clean", "checkout-thin")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def cases(reviewed: Reviewed) -> dict[str, Path]:
    return {name: reviewed.case(name) for name in ROLLOUTS}


def loaded(case: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from forensics.case import open_case

    return material(open_case(case))


def truth(name: str) -> dict[str, Any]:
    return tomllib.loads((SAMPLES / name / "expected.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ROLLOUTS)
def test_verdict_and_counts_equal_the_truth(name: str, cases: dict[str, Path]) -> None:
    findings, _ = loaded(cases[name])
    expected = truth(name)
    assert findings["verdict"]["outcome"] == expected["verdict"]["outcome"]
    records = {entry["name"]: entry["accepted"] for entry in findings["evidence"]}
    for file, count in expected["records"].items():
        assert records[file] == count, file
    for entry in findings["evidence"]:
        assert entry["records"] == entry["accepted"] + entry["rejected"] + sum(entry["skipped"].values())


def test_each_planted_incident_is_one_incident_and_nothing_else_is(cases: dict[str, Path]) -> None:
    findings, _ = loaded(cases["checkout-compromised"])
    serious = [item for item in findings["incidents"] if level(item["severity"]) >= level("medium")]
    for wanted in truth("checkout-compromised")["incident"]:
        subject = wanted.get("destination") or wanted.get("header") or wanted["route"]
        found = [item for item in serious if any(subject in entity for entity in item["entities"])]
        assert len(found) == 1, wanted["key"]
        assert level(found[0]["severity"]) >= level(wanted["severity_at_least"])
    assert len(serious) == len(truth("checkout-compromised")["incident"])


def test_phone_home_names_destination_time_pod_bytes_and_component(cases: dict[str, Path]) -> None:
    findings, _ = loaded(cases["checkout-compromised"])
    planted = truth("checkout-compromised")["planted"]["phone_home"]
    incident = next(item for item in findings["incidents"] if planted["destination"] in item["title"])
    text = incident["summary"] + " ".join(incident["entities"])
    assert f"{planted['destination']}:{planted['port']}" in text
    assert planted["address"] in text
    assert planted["pod"] in incident["summary"]
    assert f"{planted['bytes_up']:,}" in incident["summary"]
    assert incident["changed_components"] == [planted["component"]]
    assert incident["first_seen"].startswith(planted["times"][0][:19])
    assert incident["last_seen"].startswith(planted["times"][1][:19])


def test_planted_numbers(cases: dict[str, Path]) -> None:
    findings, _ = loaded(cases["checkout-compromised"])
    planted = truth("checkout-compromised")["planted"]
    by_detector = {item["detector"]: item for item in reversed(findings["findings"])}
    admin = by_detector["access.anonymous_allow_flip"]
    assert admin["canary"]["n"] == planted["open_admin_reports"]["canary_answered_200"]
    assert admin["details"]["clients"] == planted["open_admin_reports"]["canary_clients"]
    assert admin["details"]["baseline_denied"] == planted["open_admin_reports"]["baseline_denied_401"]
    assert by_detector["disclosure.stack_trace"]["canary"]["n"] == planted["stack_traces"]["canary_exchanges"]
    assert (
        by_detector["headers.security_header_lost"]["canary"]["n"] == planted["hsts_lost"]["canary_exchanges_without"]
    )
    mail = by_detector["disclosure.email_property"]
    assert mail["entity"]["json_path"] == f"$.{planted['order_contact_email']['property']}"
    assert mail["canary"]["n"] == planted["order_contact_email"]["canary_exchanges"]
    assert mail["details"]["distinct_values"] == planted["order_contact_email"]["distinct_emails_in_exchanges"]


def test_requests_by_cohort_and_phase(cases: dict[str, Path]) -> None:
    from forensics import views
    from forensics.case import open_case

    expected = truth("checkout-compromised")["requests"]
    with views.opened(open_case(cases["checkout-compromised"])) as sandbox:
        rows = sandbox.rows("select cohort, phase, count(*) from requests group by all")
    counts = {(cohort, phase): count for cohort, phase, count in rows}
    for phase in ("weight-5", "weight-25"):
        assert counts["canary", phase] == expected["canary"][phase]
        assert counts["baseline", phase] == expected["baseline"][phase]
    assert counts["prior", "before"] == expected["baseline"]["before"]
    assert counts["after", "after"] == expected["baseline"]["after"]


class Page(HTMLParser):
    """Collects what a page could load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.suspicious: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            external = name in ("src", "href", "action", "data", "poster", "srcset") and not (value or "").startswith(
                "#"
            )
            if name.startswith("on") or external or "javascript:" in (value or "").lower():
                self.suspicious.append(f"{tag} {name}={value}")


def test_report_loads_and_runs_nothing(cases: dict[str, Path]) -> None:
    page = Page()
    text = (cases["checkout-compromised"] / "reports" / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    assert page.suspicious == []
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert "default-src 'none'" in text


PAYLOAD = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(1)>\u202e\x1b]8;;http://evil.example\x07'; drop table x; --"
)


def poisoned(value: Any, key: str = "") -> Any:
    """Put the payload behind every text of a JSON value, except where a rule or a time would stop to work."""
    if isinstance(value, dict):
        return {name: poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    keep = {
        "time",
        "start_time",
        "version",
        "upstream_cluster",
        "body_encoding",
        "body_state",
        "pod",
        "upstream_host",
        "server_address",
        "authn",
        "method",
    }
    return value + PAYLOAD if isinstance(value, str) and key not in keep else value


def test_payload_in_every_text_field_appears_as_text_only(tmp_path: Path) -> None:
    import json

    evidence = tmp_path / "evidence"
    shutil.copytree(SAMPLES / "checkout-compromised", evidence)
    for file in [evidence / "samples" / "exchanges.ndjson", *evidence.glob("access/*.log")]:
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("".join(json.dumps(poisoned(json.loads(line))) + "\n" for line in lines), encoding="utf-8")
    for sbom in evidence.glob("sbom/*.json"):
        document = json.loads(sbom.read_text(encoding="utf-8"))
        document["components"] = [
            {**item, "name": item["name"] + PAYLOAD, "purl": item.get("purl", "") + PAYLOAD}
            for item in document["components"]
        ]
        sbom.write_text(json.dumps(document), encoding="utf-8")
    conn = evidence / "network" / "ssl.log"
    conn.write_text(
        conn.read_text(encoding="utf-8").replace(
            "collect.pixel-sync.example", "collect<script>alert(1)</script>.example"
        ),
        encoding="utf-8",
    )
    result = run("review", evidence, "--case", tmp_path / "a.case")
    assert result.exit_code == 0, result.output
    page = Page()
    text = (tmp_path / "a.case" / "reports" / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    assert page.suspicious == []
    assert "script" not in page.tags
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text + result.output
    assert "\x1b" not in text + result.output


BAD = [
    (["review", "{tmp}/missing"], 2, "does not exist"),
    (["review", "{tmp}/empty"], 2, "There is no file"),
    (["review", "{tmp}/junk.bin"], 2, "is not known"),
    (["review", "{tmp}/junk.bin", "--format", "nonsense"], 2, "There is no format"),
    (["review", "{thin}", "--config", "{tmp}/wrong.toml"], 2, "did you mean `table`"),
    (["review", "{thin}", "--config", "{tmp}/nozone.toml"], 2, "has no zone"),
    (["review", "{thin}", "--config", "{tmp}/broken.toml"], 2, "not valid TOML"),
    (["review", "{thin}", "--config", "{tmp}/none.toml"], 2, "cannot be read"),
    (["status", "{tmp}"], 2, "is not a case"),
    (["show", "{case}", "zzz"], 2, "A record is EVIDENCE:NUMBER"),
    (["show", "{case}", "ffff:1"], 2, "No evidence begins"),
    (["explain", "{case}", "F-zz"], 2, "No finding begins"),
    (["timeline", "{case}", "--from", "yesterday"], 2, "is not a time"),
    (["detect", "{case}", "--only", "outbond.new"], 2, "No detector matches"),
    (["sql", "{case}", "drop table x"], 2, "Only SELECT is allowed"),
    (["sql", "{case}", "select 1; select 2"], 2, "Exactly one SELECT"),
    (["sql", "{case}", "select * from read_text('/etc/passwd')"], 2, "is no table of the case"),
    (["sql", "{case}", "copy (select 1) to '/tmp/x'"], 2, "Only SELECT is allowed"),
    (["report", "{case}", "--format", "pdf"], 2, "There is no output format"),
    (["detectors", "show", "outbound.new_destinatio"], 2, "There is no detector"),
    (["scan", "{tmp}/missing"], 2, "does not exist"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "words"), BAD, ids=[" ".join(row[0][:2]) + f" {index}" for index, row in enumerate(BAD)]
)
def test_bad_input_is_one_sentence_and_a_code(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    cases: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from forensics.cli import main

    (tmp_path / "empty").mkdir()
    (tmp_path / "junk.bin").write_bytes(bytes(range(256)) * 50)
    (tmp_path / "wrong.toml").write_text('[[cohort]]\ncohort = "canary"\ntabel = "*"\n', encoding="utf-8")
    (tmp_path / "nozone.toml").write_text("[window]\nstart = 2026-03-03T09:00:00\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("[window\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    places = {"tmp": str(tmp_path), "thin": str(SAMPLES / "checkout-thin"), "case": str(cases["checkout-thin"])}
    with pytest.raises(SystemExit) as stopped:
        main([argument.format(**places) for argument in arguments])
    out, err = capfd.readouterr()
    assert stopped.value.code == code
    assert words in err
    assert "Traceback" not in err
    assert out == ""


def test_second_process_is_told_who_holds_the_case(tmp_path: Path) -> None:
    import os

    from forensics.case import create, exclusive
    from forensics.errors import CaseError

    case = create(tmp_path / "a.case")
    with exclusive(case), pytest.raises(CaseError, match=str(os.getpid())), exclusive(case):
        pass
