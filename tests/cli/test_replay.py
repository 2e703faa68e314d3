"""`replay run`, `policy lint`, `policy convert`: output for people and machines, exit codes, bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.conftest import SAMPLES, Reviewed
from tests.end_to_end.harness import run

FOLDER = SAMPLES / "checkout-compromised/policy"
POLICY, BINDING = FOLDER / "policy.toml", FOLDER / "bindings.toml"
WEB = """\
kind: AnalysisTemplate
metadata: {name: scan}
spec:
  metrics:
  - name: scan
    provider: {web: {url: x}}
"""


@pytest.fixture
def case(reviewed: Reviewed) -> Path:
    return reviewed.case("checkout-compromised")


def test_people_read_trigger_verdict_and_what_was_out(case: Path) -> None:
    done = run("replay", "run", case, POLICY, "--binding", BINDING)
    assert done.code == 0, done.err
    assert "LATE-HUMAN, rollback at 2026-03-03T09:03:00Z" in done.out
    assert "it triggers 4020 s before the real action" in done.out
    action = next(line for line in done.out.splitlines() if line.startswith("action  ") and "404" in line)
    assert all(word in action for word in ("404", "40", "100.3 kB", "≥ 15"))


def test_machines_read_the_same(case: Path) -> None:
    done = run("replay", "run", case, "--policy", POLICY, "--bindings", BINDING, "--json")
    told = json.loads(done.out)
    assert (told["verdict"], told["stops"], told["schema_version"]) == ("LATE-HUMAN", True, 1)
    assert {row["gate"] for row in told["policies"][0]["runs"][0]["trace"]} >= {"no-new-destination"}


def test_the_trace_comes_out_as_rows(case: Path) -> None:
    done = run("replay", "run", case, POLICY, "--binding", BINDING, "--trace", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {"reading", "time", "gate", "state", "value", "n", "k", "phase", "metric_phase", "why"} <= set(rows[0])
    assert {row["state"] for row in rows} <= {"number", "empty", "nan", "gap", "error"}


def test_exit_codes_are_gated(case: Path, tmp_path: Path) -> None:
    assert run("replay", "run", case, POLICY, "--binding", BINDING, "--fail-on", "gate").code == 1
    (tmp_path / "web.yaml").write_text(WEB)
    assert run("replay", "run", case, tmp_path / "web.yaml").code == 0
    done = run("replay", "run", case, tmp_path / "web.yaml", "--fail-on", "gate")
    assert done.code == 3
    assert "NOT REPLAYED" in done.out
    assert "E-PROVIDER-UNSUPPORTED" in done.out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "No policy is named"),
        (("absent.toml",), "cannot be read"),
        ((POLICY, "--arg", "x"), "is no argument"),
        ((POLICY, "--onset", "yesterday"), "is not a time"),
        ((POLICY, "--binding", POLICY), "not a key"),
        ((SAMPLES / "checkout-compromised/access/envoy-istio-ingressgateway-6d8c9f7b5-zq8tw.log",), "not valid YAML"),
    ],
)
def test_bad_input_is_told_with_code_2(case: Path, options: tuple[str | Path, ...], told: str) -> None:
    done = run("replay", "run", case, *options)
    assert done.code == 2
    assert told in done.err
    assert "defect" not in done.err


def test_lint_prints_place_reason_and_fix(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(WEB.replace("web: {url: x}", "prometheus: {query: count(calls_total)}"))
    done = run("policy", "lint", tmp_path / "p.yaml")
    assert done.code == 0
    assert f"{tmp_path / 'p.yaml'}:6 spec.metrics[0].provider.prometheus.query  L14 warning: scan" in done.out
    assert "    fix      sum(increase(calls_total{...}[5m]))" in done.out
    rows = json.loads(run("policy", "lint", tmp_path / "p.yaml", "--json").out)
    assert {"rule", "file", "line", "message", "fix"} <= set(rows[0])
    assert run("policy", "lint", tmp_path / "p.yaml", "--fail-on", "error").code == 1  # L13: no condition


def test_lint_of_a_good_policy_finds_nothing() -> None:
    done = run("policy", "lint", POLICY, "--binding", BINDING, "--fail-on", "warning")
    assert (done.code, done.out) == (0, "Nothing found.\n")


def test_convert_prints_a_policy(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(WEB)
    done = run("policy", "convert", tmp_path / "p.yaml")
    assert done.code == 0
    assert "# scan is left out: E-PROVIDER-UNSUPPORTED" in done.out


def test_hostile_names_do_not_reach_the_terminal(case: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(WEB.replace("name: scan", 'name: "x\\u001b[31m\\u202e"'))
    for words in (("replay", "run", case), ("policy", "lint"), ("policy", "convert")):
        out = run(*words, tmp_path / "p.yaml").out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_diff_tells_what_was_planted_in_the_form_of_responses(reviewed: Reviewed) -> None:
    """Seven anonymous samples were let in, five stack traces, ten orders with a contact, and HSTS is gone (sample_data/.../expected.toml)."""
    case = reviewed.case("checkout-compromised")
    done = run("replay", "diff", case, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    found = {(row["change"], row["route"], row["kind"], row["path"]): row for row in told["changes"]}
    let_in = found["new", "/admin/reports", "status", "2xx"]
    assert (let_in["principal"], let_in["canary_n"], let_in["canary_of"], let_in["baseline_n"]) == (
        "anonymous",
        7,
        7,
        0,
    )
    assert found["new", "/checkout", "pattern", "stack_trace.node"]["canary_n"] == 5
    assert found["new", "/orders/{id}", "json", "$.customerContact"]["canary_n"] == 10
    assert ("dropped", "/orders/{id}", "header", "strict-transport-security") in found
    assert told["halves"]["changes"] == 0
    assert told["pairs"]["counts"] == {}


def test_diff_in_words_as_rows_and_as_a_gate(reviewed: Reviewed) -> None:
    case = reviewed.case("checkout-compromised")
    words = run("replay", "diff", case, "--fail-on", "difference")
    assert words.code == 1
    assert "No request was answered by both" in words.out
    assert "below 13.3% at 95 %" in words.out
    rows = run("replay", "diff", case, "--route", "/admin/*", "--format", "csv").out.splitlines()
    assert rows[0].startswith("change,method,route,principal")
    assert all(",/admin/" in row for row in rows[1:])
    clean = run("replay", "diff", reviewed.case("checkout-clean"), "--fail-on", "difference")
    assert (clean.code, "No difference is told." in clean.out) == (0, True)


def test_diff_without_samples_says_what_to_do(reviewed: Reviewed) -> None:
    done = run("replay", "diff", reviewed.case("checkout-compromised"), "--route", "/none")
    assert done.code == 2
    assert "name other routes with --route" in done.err
