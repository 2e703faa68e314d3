"""Rules of lint: each on a gate that breaks it and on one that does not; the guide's own policy; conversion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.case import open_case
from forensics.investigate.policies import convert, linted
from forensics.replay.lint import rules
from forensics.replay.lint.chance import false_aborts
from forensics.replay.policies import load
from tests.conftest import SAMPLES, Reviewed
from tests.replay.test_policies import CANARY, ROLLOUT, written

GUIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "guide-policy"
GOOD = """\
kind: AnalysisTemplate
metadata: {name: checks}
spec:
  metrics:
  - name: errors
    interval: 5m
    initialDelay: 5m
    count: 20
    failureLimit: 0
    consecutiveErrorLimit: 30
    successCondition: len(result) == 0 || isNaN(result[0]) || result[0] < 0.05
    provider:
      prometheus:
        query: sum(rate(errors_total{version="canary"}[5m])) / sum(rate(requests_total{version="canary"}[5m]))
"""
CONDITION = "len(result) == 0 || isNaN(result[0]) || result[0] < 0.05"
# Rule -> what makes a good gate break it, and the line at which that stands.
BREAKS: dict[str, tuple[dict[str, str], int]] = {
    "L1": ({"    count: 20\n": ""}, 6),
    "L2": ({"failureLimit: 0": "failureLimit: 1"}, 9),
    "L3": ({CONDITION: "isNaN(result[0]) || result[0] < 0.05"}, 11),
    "L4": ({CONDITION: "len(result) == 0 || result[0] < 0.05"}, 11),
    "L5": ({"name: errors": "name: auth-failures"}, 11),
    "L6": ({"sum(rate(errors_total": "(rate(errors_total"}, 11),
    "L7": ({'errors_total{version="canary"}': 'errors_total{version="canary",host!~"a[.]example|allowed.*"}'}, 14),
    "L8": ({"interval: 5m": "interval: 1m", "failureLimit: 0": "failureLimit: 3"}, 6),
    "L9": ({"initialDelay: 5m": "initialDelay: 4m"}, 7),
    "L10": ({"[5m]": "[30s]"}, 14),
    "L11": ({"    consecutiveErrorLimit: 30\n": ""}, 5),
    "L13": ({f"    successCondition: {CONDITION}\n": ""}, 5),
    "L14": ({'sum(rate(errors_total{version="canary"}[5m]))': "count(errors_total)"}, 14),
}


def issues(folder: Path, text: str, **more: Any) -> list[dict[str, Any]]:
    return linted([written(folder, "p.yaml", text)], more.get("case"), more.get("binding"), {})


def test_a_good_gate_has_no_issue(tmp_path: Path) -> None:
    assert issues(tmp_path, GOOD) == []


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_names_its_place_and_a_fix(tmp_path: Path, rule: str) -> None:
    text, (changes, line) = GOOD, BREAKS[rule]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (found,) = [row for row in issues(tmp_path, text) if row["rule"] == rule]
    assert found["line"] == line
    assert found["file"].endswith("p.yaml")
    assert all(found[name] for name in ("message", "reason", "fix", "gate", "key"))


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (CONDITION, "result[0] <", "E-EXPR-UNSUPPORTED", 11),
        ("sum(rate(errors_total", "topk(2, rate(errors_total", "E-PROMQL-AGGREGATE", 14),
        ("sum(rate(errors_total", "sum((", "E-PROMQL-SYNTAX", 14),
        ("[5m])) / ", "[5m] @ 5)) / ", "E-PROMQL-AT", 14),
    ],
)
def test_what_cannot_be_replayed_is_told_before_a_case_is_there(
    tmp_path: Path, old: str, new: str, code: str, line: int
) -> None:
    (found,) = [row for row in issues(tmp_path, GOOD.replace(old, new)) if row["rule"].startswith("E-")]
    assert (found["rule"], found["level"], found["line"]) == (code, "error", line)
    assert "\n" not in found["fix"]


def test_every_rule_has_a_test() -> None:
    assert set(rules()) == {*BREAKS, "L12"}


def test_an_inline_analysis_without_an_end_is_an_error_and_a_background_one_none(tmp_path: Path) -> None:
    text = GOOD.replace("    count: 20\n", "") + "---\n" + ROLLOUT.replace("          - templateName: absent\n", "")
    inline = [row for row in issues(tmp_path, text) if row["rule"] == "L1"]
    assert [row["level"] for row in inline] == ["error"]


def test_guards_are_known(tmp_path: Path) -> None:
    bare = GOOD.replace(CONDITION, "result[0] < 0.05")
    guarded = bare.replace("[5m]))\n", "[5m])) or vector(0)\n")
    assert "L3" in {row["rule"] for row in issues(tmp_path, bare)}
    assert "L3" not in {row["rule"] for row in issues(tmp_path, guarded)}


def test_failures_in_a_row_are_measured_by_the_window_too(tmp_path: Path) -> None:
    gate = 'kind = "policy"\nname = "p"\n[[gate]]\nname = "g"\nquery = "sum(rate(a[10m])) / sum(rate(b[10m]))"\nsuccess = "result[0] < 0.1"\ninitial_delay = "10m"\n'
    for limit, expected in ((4, ["L8"]), (10, [])):
        file = written(tmp_path, "p.toml", gate + f"consecutive_failure_limit = {limit}\n")
        assert [row["rule"] for row in linted([file], None, None, {})] == expected


def test_both_sides_of_a_limit_are_seen(tmp_path: Path) -> None:
    auth = GOOD.replace("name: errors", "name: auth-failures").replace(
        "result[0] < 0.05", "result[0] < 0.05 && 0.001 < result[0]"
    )
    assert "L5" not in {row["rule"] for row in issues(tmp_path, auth)}


def test_flagger_is_judged_by_its_own_rules(tmp_path: Path) -> None:
    found = {(row["rule"], row["gate"]) for row in issues(tmp_path, CANARY)}
    assert ("E-PROVIDER-UNSUPPORTED", "other") in found
    assert not {rule for rule, _ in found} & {"L1", "L2", "L3", "L4", "L11"}


@pytest.mark.parametrize(
    ("per_minute", "at_two", "at_three"),
    [(1, 0.92, 0.97), (5, 0.98, 1.0), (20, 0.51, 0.99), (100, 0.0, 0.09), (500, 0.0, 0.0)],
)
def test_chance_of_a_false_abort(per_minute: float, at_two: float, at_three: float) -> None:
    """A limit of 5 %, windows of five minutes, a tick a minute, three failures tolerated, two hours; independent simulation."""
    assert false_aborts(per_minute, 0.02, 0.05, 300, 60, 3) == pytest.approx(at_two, abs=0.05)
    assert false_aborts(per_minute, 0.03, 0.05, 300, 60, 3) == pytest.approx(at_three, abs=0.05)


def test_a_baseline_above_the_limit_aborts_always() -> None:
    assert false_aborts(100, 0.08, 0.05, 300, 60, 3) > 0.99


def test_a_case_tells_how_often_chance_aborts(reviewed: Reviewed, tmp_path: Path) -> None:
    """The canary has 404 requests in 70 minutes, some of them synthetic; the baseline answers 119 of 2,028 with 401 (expected.toml)."""
    text = GOOD.replace("errors_total", "auth_failures_total")
    case = open_case(reviewed.case("checkout-compromised"))
    found = issues(tmp_path, text, case=case, binding=SAMPLES / "checkout-compromised/policy/bindings.toml")
    (row,) = [item for item in found if item["rule"] == "L12"]
    assert "5.77 events a minute, and the baseline counts 5.87% of 2,028" in row["evidence"]
    assert "two-hour windows" in row["message"]


@pytest.mark.skipif(not GUIDE.exists(), reason="the guide's files are not here")
def test_the_guides_policy_breaks_six_rules_at_least() -> None:
    found = linted(sorted(GUIDE.glob("*.yaml")), None, None, {})
    names = {(row["rule"], row["gate"]) for row in found}
    auth, outbound = "auth-failure-rate", "unexpected-outbound-connections"
    assert {
        ("L1", auth),
        ("L1", outbound),
        ("L2", outbound),
        ("L3", outbound),
        ("L5", auth),
        ("L7", outbound),
        ("L6", auth),
    } <= names
    errors = {row["rule"] for row in found if row["level"] == "error"}
    assert {"L1", "L3", "L6", "L7"} <= errors


def test_a_converted_policy_is_one_that_can_be_read(tmp_path: Path) -> None:
    text = GOOD.replace(
        'sum(rate(errors_total{version="canary"}[5m])) / sum(rate(requests_total{version="canary"}[5m]))',
        "rate(a[5m]) / rate(b[5m])",
    )
    text = (
        text.replace("interval: 5m", "interval: 1m")
        .replace("failureLimit: 0", "failureLimit: 3")
        .replace(CONDITION, "result[0] < 0.05")
    )
    written(tmp_path, "own.toml", convert([written(tmp_path, "p.yaml", text)], {}))
    (policy,) = load([tmp_path / "own.toml"])
    (gate,) = policy.runs[0].gates
    assert policy.engine == "own"
    assert (gate.query, gate.success) == ("sum(rate(a[5m])) / sum(rate(b[5m]))", "result[0] < 0.05")
    assert (gate.consecutive_failure_limit, gate.failure_limit, gate.initial_delay, gate.on_no_data) == (
        5,
        -1,
        300.0,
        "inconclusive",
    )


def test_what_a_conversion_cannot_know_stands_in_comments(tmp_path: Path) -> None:
    text = convert([written(tmp_path, "c.yaml", CANARY)], {})
    assert "# other is left out: E-PROVIDER-UNSUPPORTED" in text
    written(tmp_path, "own.toml", text)
    gates = load([tmp_path / "own.toml"])[0].runs[0].gates
    assert [(gate.name, gate.success) for gate in gates] == [
        ("request-success-rate", "result[0] >= 99"),
        ("not-found", "result[0] <= 5"),
    ]


def test_hostile_names_stay_on_their_line(tmp_path: Path) -> None:
    text = convert(
        [written(tmp_path, "p.yaml", GOOD.replace("name: errors", 'name: "x\\n[[gate]]\\u202e\\u001b[31m"'))], {}
    )
    assert text.count("\n[[gate]]") == 1
    assert "\x1b" not in text
    written(tmp_path, "own.toml", text)
    assert len(load([tmp_path / "own.toml"])[0].runs[0].gates) == 1


def test_lint_rows_are_json(tmp_path: Path) -> None:
    row = issues(tmp_path, GOOD.replace("failureLimit: 0", "failureLimit: 1"))[0]
    assert {"rule", "file", "line", "message", "fix"} <= set(json.loads(json.dumps(row)))
