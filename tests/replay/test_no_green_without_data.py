"""No data never renders green: gates that judged nothing, SQL that fails, ticks that are cut off, and what stops a Rollout with several runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forensics.replay import measure
from forensics.replay.backtest import summary
from forensics.replay.engines import Value, argo, flagger, own, trace
from forensics.replay.labels import Label
from forensics.replay.policies import Gate, load
from forensics.replay.refusal import Place
from forensics.replay.rollout import Known
from forensics.replay.run import outcome
from tests.replay.cases import bindings, request, sandbox
from tests.replay.test_engines import script
from tests.replay.test_policies import written
from tests.replay.test_run import SIMPLE, at, moment, only, replayed, template, traffic

PROMOTED = Known(outcome="promoted")
HEAD = 'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\n'
COMPARE = HEAD + 'sql = "select 0 as k, 9 as n, 0 as baseline_k, 0 as baseline_n"\ncompare = { alpha = 0.05 }\n'


def sql_gate(sql: str, more: str = "") -> str:
    return f'{HEAD}success = "result[0] == 0"\nsql = """{sql}"""\n{more}'


def own_run(folder: Path, text: str, known: Known = PROMOTED) -> dict[str, Any]:
    return only(replayed(folder, text, sandbox(), known, name="p.toml"))


@pytest.mark.parametrize(
    "text",
    [
        sql_gate("select 0 as value where false"),
        sql_gate("select 'nan'::double as value"),
        sql_gate("select 0 as value, 3 as n", "min_samples = 20\n"),
        sql_gate("select 0 as value", 'initial_delay = "240h"\n'),
        sql_gate("select 'x' as value", "consecutive_error_limit = -1\n")
        .replace("result[0] == 0", 'result[0] == \\"a\\"')
        .replace("'x'", "1"),
        COMPARE,
    ],
    ids=["empty", "nan", "few", "never", "errors", "no baseline"],
)
def test_a_gate_that_judged_nothing_is_undecidable(tmp_path: Path, text: str) -> None:
    run = own_run(tmp_path, text)
    assert (run["verdict"], run["trigger"], run["gates"][0]["state"]) == ("UNDECIDABLE", "", "JUDGED NOTHING")
    assert "g judged nothing" in run["reason"] or "nothing was measured" in run["reason"]


def test_no_data_that_passes_by_the_policys_own_word_is_told(tmp_path: Path) -> None:
    run = own_run(tmp_path, sql_gate("select 0 as value where false", 'on_no_data = "pass"\n'))
    assert run["verdict"] == "AGREES"
    assert "g: 121 of 121 measurements pass without data, as the policy says" in run["reason"]


def argo_gate(**settings: Any) -> Gate:
    base = Gate(
        "m", Place(), query="q", success="result[0] < 0.5", interval=60.0, failure_limit=-1, consecutive_error_limit=-1
    )
    return replace(base, **settings)


@pytest.mark.parametrize(
    ("settings", "value", "basis"),
    [
        ({}, [0.1], "number"),
        ({}, [], "nothing"),  # an error
        ({}, [float("nan")], "nothing"),
        ({"success": "all(result, # < 0.5)"}, [], "nothing"),  # true of nothing at all
        ({"success": "", "failure": "result[0] > 0.5"}, [float("nan")], "nothing"),
        ({"success": "", "failure": ""}, [], "nothing"),
        ({"success": "len(result) == 0 || result[0] < 0.5"}, [], "policy"),
        ({"success": "isNaN(result[0]) || result[0] < 0.5"}, [float("nan")], "policy"),
        ({"success": "len(result) == 0 || result[0] < 0.5"}, [0.1], "number"),
    ],
)  # fmt: skip
def test_what_a_measurement_of_argo_rests_on(settings: dict[str, Any], value: list[float], basis: str) -> None:
    end = argo.run([argo_gate(**settings)], lambda _gate, _at: Value(value), 60)
    assert {tick.basis for tick in end.ticks} == {basis}


def test_what_a_check_of_flagger_rests_on() -> None:
    ranged = argo_gate(success="", high=0.5)
    bases = [
        {tick.basis for tick in flagger.run([ranged], script(Value([value])), 120, 60, 3).ticks}
        for value in (0.1, float("nan"))
    ]
    assert bases == [{"number"}, {"nothing"}]


def test_a_gap_is_no_judgement_of_our_own_engine() -> None:
    end = own.run([argo_gate(inconclusive_limit=-1)], lambda _gate, _at: Value([0.1], gap=True), 60)
    assert {tick.basis for tick in end.ticks} == {"nothing"}


def test_a_backtest_leaves_out_what_judged_nothing(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "p.toml", sql_gate("select 0 as value where false"))])
    label = Label("c", "good", "anna", date(2026, 3, 4), "quiet")
    found = outcome(sandbox(), "c", policy, bindings(tmp_path), PROMOTED, label)
    told = summary("own", [found])
    assert (told["judged"], told["not_replayed"], told["true_negatives"]) == (0, 1, 0)


# Intervals and the cap of ticks


def test_an_interval_of_nothing_is_refused(tmp_path: Path) -> None:
    text = template(
        "  - name: a\n    interval: 0s\n    successCondition: result[0] < 2\n    provider: {sql: {query: select 1}}\n"
    )
    run = only(replayed(tmp_path, text, sandbox(), PROMOTED))
    (gate,) = run["gates"]
    assert (run["verdict"], gate["code"]) == ("INCOMPLETE", "E-INTERVAL")
    assert gate["place"].endswith("p.yaml:7 (spec.metrics[0].interval)")


def test_an_interval_of_nothing_is_refused_of_flagger_too(tmp_path: Path) -> None:
    text = (
        "kind: Canary\nmetadata: {name: app}\nspec:\n  analysis:\n    interval: 0s\n    threshold: 2\n    metrics:\n"
        "    - {name: m, thresholdRange: {max: 1}, query: 'sum(requests_total)'}\n"
    )
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    ((gate,),) = [run.gates for run in load([tmp_path / "c.yaml"])[0].runs]
    assert gate.refusal is not None
    assert (gate.refusal.code, gate.refusal.place.line) == ("E-INTERVAL", 5)
    run = only(replayed(tmp_path, text, sandbox(), PROMOTED))
    assert (run["verdict"], run["gates"][0]["code"]) == ("INCOMPLETE", "E-INTERVAL")


def test_ticks_that_are_cut_off_are_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_TICKS", 10)
    run = own_run(tmp_path, sql_gate("select 0 as value"))
    assert (run["verdict"], len([row for row in run["trace"] if row["reading"] == "truth"])) == ("INCOMPLETE", 10)
    assert "more than 10 ticks" in run["reason"]


# SQL that is refused or fails


@pytest.mark.parametrize(
    "sql",
    [
        "select 'x' as value",
        "select * from read_csv('/etc/passwd')",
        "select getenv('HOME')",
        "select nothing_here",
        "select $unknown",
        "select error('late') from requests where time <= $tick and $tick > $run_start + interval 5 minute",
    ],
)
def test_sql_that_is_refused_or_fails_is_not_replayed(tmp_path: Path, sql: str) -> None:
    store = sandbox(http_requests=[request(1)])
    run = only(replayed(tmp_path, sql_gate(sql), store, PROMOTED, name="p.toml"))
    (gate,) = run["gates"]
    assert (run["verdict"], run["trigger"], gate["state"], gate["code"]) == (
        "INCOMPLETE",
        "",
        "NOT REPLAYED",
        "E-SQL-REFUSED",
    )
    assert "(gate[0].sql)" in gate["place"]


def test_sql_that_lacks_the_counts_of_a_comparison_is_not_replayed(tmp_path: Path) -> None:
    run = own_run(tmp_path, COMPARE.replace("0 as baseline_k, 0 as baseline_n", "7 as other"))
    assert (run["verdict"], run["gates"][0]["code"], run["gates"][0]["place"]) == (
        "INCOMPLETE", "E-SQL-REFUSED", "p.toml:5 (gate[0].sql)",
    )  # fmt: skip


def test_the_other_gates_of_a_run_are_replayed_all_the_same(tmp_path: Path) -> None:
    more = '[[gate]]\nname = "h"\nsuccess = "result[0] == 0"\nsql = "select 1 as value"\n'
    run = own_run(tmp_path, sql_gate("select nothing_here") + more)
    assert (run["verdict"], at(run["trigger"]), [gate["state"] for gate in run["gates"]]) == (
        "INCOMPLETE",
        0.0,
        ["NOT REPLAYED", "Failed"],
    )


def test_sql_that_takes_too_long_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SQL_SECONDS", 0.2)
    loop = "with recursive t as (select 1 a union all select a + 1 from t) select count(*) from t"
    run = own_run(tmp_path, sql_gate(loop))
    assert (run["gates"][0]["code"], run["verdict"]) == ("E-SQL-REFUSED", "INCOMPLETE")
    assert "took longer than 0.2 s" in run["gates"][0]["why"]


def test_the_sql_of_a_run_has_a_budget_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "RUN_SECONDS", 0.0)
    run = own_run(tmp_path, sql_gate("select 0 as value"))
    assert run["gates"][0]["code"] == "E-SQL-REFUSED"
    assert "0 s of a run" in run["gates"][0]["why"]


# What stops a Rollout


ROLLOUT = """\
kind: Rollout
metadata: {name: app}
spec:
  strategy:
    canary:
      analysis:
        templates: [{templateName: checks}]
      steps:
      - setWeight: 10
      - analysis: {templates: [{templateName: short}]}
      - setWeight: 75
      - analysis: {templates: [{templateName: short}]}
---
"""
BACKGROUND = """\
  - name: errors
    provider: {prometheus: {query: 'sum(increase(auth_failures_total{version="canary"}[5m]))'}}
    successCondition: result[0] < 20
    interval: 60s
"""
SHORT = """\
---
kind: AnalysisTemplate
metadata: {name: short}
spec:
  metrics:
  - name: some
    interval: 60s
    count: 2
    provider: {prometheus: {query: 'sum(increase(requests_total{version="canary"}[5m]))'}}
    successCondition: result[0] > 0
"""


def test_what_stops_a_rollout_decides_its_verdict(tmp_path: Path) -> None:
    """The background stops it at 660 s; the step is done after 60 s, and the weight of 75 % never came."""
    known = Known(moment(585), "label", moment(1000), "rollback")
    told = replayed(tmp_path, ROLLOUT + template(BACKGROUND) + SHORT, sandbox(http_requests=traffic(585)), known)
    (policy,) = told["policies"]
    assert [run["verdict"] for run in policy["runs"]] == ["LATE-HUMAN", "GATE-BLIND", "INCOMPLETE"]
    assert (policy["verdict"], told["verdict"]) == ("LATE-HUMAN", "LATE-HUMAN")
    assert (
        policy["reason"]
        == "checks stops the rollout at 2026-03-03T09:10:00Z; beside it: short GATE-BLIND, short INCOMPLETE"
    )


def test_a_gate_that_was_not_replayed_before_the_stop_still_leaves_it_incomplete(tmp_path: Path) -> None:
    short = SHORT.replace("prometheus: {query", "web: {query")
    known = Known(moment(585), "label", moment(1000), "rollback")
    told = replayed(tmp_path, ROLLOUT + template(BACKGROUND) + short, sandbox(http_requests=traffic(585)), known)
    assert told["verdict"] == "INCOMPLETE"


def test_a_run_that_never_began_does_not_hide_that_nothing_stopped_it(tmp_path: Path) -> None:
    known = Known(moment(585), "label", moment(1000), "rollback")
    calm = BACKGROUND.replace("< 20", "< 2000")
    told = replayed(
        tmp_path, ROLLOUT + template(calm) + SHORT, sandbox(http_requests=traffic(585)), known, bound=SIMPLE
    )
    assert told["verdict"] == "INCOMPLETE"
