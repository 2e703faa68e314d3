"""Refusals and issues with their place: file, line, key and column, also in texts of several lines and in TOML; conditions on one line; fixes that hold."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from forensics.investigate.policies import convert, linted
from forensics.replay.conditions import compiled
from forensics.replay.policies import Gate, load
from forensics.replay.promql import prepared
from forensics.replay.promql.syntax import parse
from forensics.replay.refusal import RefusalError
from forensics.replay.rollout import Known
from tests.end_to_end.harness import run as command
from tests.replay.cases import bindings, request, sandbox
from tests.replay.test_lint import GOOD, issues
from tests.replay.test_policies import written
from tests.replay.test_run import SIMPLE, only, replayed, template

FOLDED = """\
  - name: a
    interval: 60s
    successCondition: |
      len(result) == 0
      || result[0] < 0.9
    provider:
      prometheus:
        query: sum(rate(requests_total[5m])) / sum(rate(requests_total[5m]))
"""


def gates(folder: Path, text: str, name: str = "p.yaml", **arguments: str) -> list[Gate]:
    return [
        gate for policy in load([written(folder, name, text)], arguments) for run in policy.runs for gate in run.gates
    ]


# Conditions of several lines


def test_a_condition_of_several_lines_is_read_as_one(tmp_path: Path) -> None:
    (gate,) = gates(tmp_path, template(FOLDED))
    assert gate.success == "len(result) == 0 || result[0] < 0.9"


def test_a_converted_condition_of_several_lines_can_be_replayed(tmp_path: Path) -> None:
    text = convert([written(tmp_path, "p.yaml", template(FOLDED))], {})
    assert tomllib.loads(text)["gate"][0]["success"] == "len(result) == 0 || result[0] < 0.9"
    (gate,) = gates(tmp_path, text, "c.toml")
    assert compiled(gate.success) is not None


def test_our_own_condition_of_several_lines_is_read_as_one_too(tmp_path: Path) -> None:
    text = 'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nquery = "a"\nsuccess = """\nresult[0] < 1\n  && result[0] > 0"""\n'
    (gate,) = gates(tmp_path, text, "p.toml")
    assert " ".join(gate.success.split()) == "result[0] < 1 && result[0] > 0"
    assert "\n" not in gate.success


# Fixes


@pytest.mark.parametrize(
    "condition",
    [
        "result[0] < 0.05",
        "len(result) == 0 || result[0] < 0.05",
        "len(result) > 0 && result[0] < 0.05",
        "result[0] < 0.05 ? true : false",
    ],
)
def test_the_fix_of_a_ratio_holds_of_every_result(tmp_path: Path, condition: str) -> None:
    guarded = "len(result) == 0 || isNaN(result[0]) || result[0] < 0.05"
    found = issues(tmp_path, GOOD.replace(guarded, f"'{condition}'"))
    (fix,) = [row["fix"].removeprefix("successCondition: ") for row in found if row["rule"] == "L4"]
    fixed = compiled(fix)
    assert fixed is not None
    assert [fixed.holds(value) for value in ([float("nan")], [0.01], [0.5])] == [True, True, False]
    assert fixed.holds([]) == (condition != "len(result) > 0 && result[0] < 0.05")
    assert not {"L3", "L4"} & {row["rule"] for row in issues(tmp_path, GOOD.replace(guarded, f"'{fix}'"))}


# Labels


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("sum by (nosuch) (rate(requests_total[5m]))", 9),
        ("sum without (nosuch) (rate(requests_total[5m]))", 14),
        ("sum(auth_failures_total) / on(nosuch) sum(requests_total)", 31),
        ("sum by (version, status) (auth_failures_total)", 18),  # of requests_total alone
    ],
)
def test_a_label_that_is_not_bound_is_refused_where_series_are_grouped(tmp_path: Path, query: str, column: int) -> None:
    with pytest.raises(RefusalError) as told:
        prepared(query, bindings(tmp_path))
    assert (told.value.code, told.value.column) == ("E-LABEL-MISSING", column)


def test_labels_that_are_bound_may_group(tmp_path: Path) -> None:
    for query in (
        "sum by (version, pod) (rate(requests_total[5m])) / on(version) sum by (version) (rate(requests_total[5m]))",
        "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[5m])))",
    ):
        prepared(query, bindings(tmp_path))


# Places


def place_of(folder: Path, text: str, name: str = "p.yaml") -> tuple[str, str]:
    run = only(replayed(folder, text, sandbox(http_requests=[request(1)]), Known(outcome="promoted"), name=name))
    assert run["verdict"] == "INCOMPLETE"
    (gate,) = [gate for gate in run["gates"] if gate["state"] == "NOT REPLAYED"]
    return gate["code"], gate["place"]


def metric(query: str, more: str = "") -> str:
    return template(
        f"  - name: a\n    interval: 60s\n    successCondition: result[0] < 1\n{more}    provider:\n      prometheus:\n        query: {query}\n"
    )


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("sum(irate(requests_total[5m]))", "E-PROMQL-TRUTH", "11:5"),
        ("count_over_time(requests_total[5m])", "E-PROMQL-TRUTH", "11:1"),
        ("sum(rate(requests_total[333ms]))", "E-PROMQL-RESOLUTION", "11:24"),
        ("|\n          sum(requests_total)\n          / topk(1, requests_total)", "E-PROMQL-AGGREGATE", "13:3"),
        (">\n          sum(requests_total)\n          / topk(1, requests_total)", "E-PROMQL-AGGREGATE", "13:3"),
        ("sum(requests_total)\n          / topk(1, requests_total)", "E-PROMQL-AGGREGATE", "12:3"),
        ("sum(rate(requests_total[5q]))", "E-PROMQL-SYNTAX", "11:25"),
    ],
)
def test_a_refusal_has_code_line_and_column(tmp_path: Path, query: str, code: str, place: str) -> None:
    assert place_of(tmp_path, metric(query)) == (code, f"p.yaml:{place} (spec.metrics[0].provider.prometheus.query)")


def test_a_grid_that_is_too_fine_for_any_gate_refuses_all(tmp_path: Path) -> None:
    """Twenty phases of a second are slots of 50 ms: two million of them are 28 hours, and the rollout has two; a window of 30 days has more."""
    bound = f'{SIMPLE}[scrape]\ninterval = "1s"\nphases = 20\n'
    run = only(replayed(tmp_path, metric("sum(rate(requests_total[720h]))"), sandbox(), Known(), bound=bound))
    assert (run["verdict"], run["gates"][0]["code"]) == ("INCOMPLETE", "E-PROMQL-RESOLUTION")


def test_a_line_is_right_where_arguments_are_filled_in(tmp_path: Path) -> None:
    query = '|\n          sum(x{version="{{args.version}}"})\n          / topk(1, x)'
    (gate,) = [
        gate
        for policy in load([written(tmp_path, "p.yaml", metric(query))], {"version": "canary"})
        for run in policy.runs
        for gate in run.gates
    ]
    with pytest.raises(RefusalError) as told:
        prepared(
            gate.query,
            bindings(tmp_path, '[[metric]]\nname = "x"\ntable = "requests"\nlabels = { version = "cohort" }\n'),
        )
    assert str(told.value.located(gate.place.at("query")).place).endswith(
        "p.yaml:13:3 (spec.metrics[0].provider.prometheus.query)"
    )


@pytest.mark.parametrize("bound", ['table = "requests"\nwhere = "nothing_here = 1"', 'table = "nowhere"'])
def test_a_binding_whose_sql_fails_is_told_of_its_gate(tmp_path: Path, bound: str) -> None:
    bound = f'[[metric]]\nname = "requests_total"\n{bound}\n'
    run = only(replayed(tmp_path, metric("sum(requests_total)"), sandbox(), Known(outcome="promoted"), bound=bound))
    (gate,) = run["gates"]
    assert (gate["code"], gate["place"]) == ("E-BIND-SQL", "p.yaml:11:5 (spec.metrics[0].provider.prometheus.query)")


def test_a_condition_is_refused_at_its_own_line(tmp_path: Path) -> None:
    text = template(FOLDED.replace("|| result[0] < 0.9", "|| upper(result)"))
    assert place_of(tmp_path, text)[1] == "p.yaml:10:4 (spec.metrics[0].successCondition)"


@pytest.mark.parametrize(
    ("success", "place"),
    [('"upper(result)"', "5:1"), ('"""\nresult[0] < 1\n  && upper(result)"""', "7:6")],
)
def test_a_condition_of_ours_is_refused_by_the_key_that_was_written(tmp_path: Path, success: str, place: str) -> None:
    text = f'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsuccess = {success}\nsql = "select 1"\n'
    assert place_of(tmp_path, text, "p.toml") == ("E-EXPR-UNSUPPORTED", f"p.toml:{place} (gate[0].success)")


def test_sql_of_ours_is_refused_at_its_line(tmp_path: Path) -> None:
    text = 'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsuccess = "true"\nsql = "select nothing_here"\n'
    assert place_of(tmp_path, text, "p.toml") == ("E-SQL-REFUSED", "p.toml:6 (gate[0].sql)")


def test_lint_prints_line_column_and_key(tmp_path: Path) -> None:
    written(tmp_path, "p.yaml", metric("|\n          sum(x)\n          / topk(1, x)"))
    (row,) = [row for row in linted([tmp_path / "p.yaml"], None, None, {}) if row["rule"] == "E-PROMQL-AGGREGATE"]
    assert (row["line"], row["column"]) == (13, 3)
    done = command("policy", "lint", tmp_path / "p.yaml")
    assert "p.yaml:13:3 spec.metrics[0].provider.prometheus.query  E-PROMQL-AGGREGATE error: a: " in done.out


@pytest.mark.parametrize(("query", "column"), [("sum(rate(a[5m]) by", 1), ("sum(a) + rate(b[5q])", 17)])
def test_the_column_of_a_syntax_error_is_what_the_parser_names(query: str, column: int) -> None:
    with pytest.raises(RefusalError) as told:
        parse(query)
    assert (told.value.code, told.value.column) == ("E-PROMQL-SYNTAX", column)
