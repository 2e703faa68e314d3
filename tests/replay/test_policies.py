"""Policies of Argo, Flagger and this product: what is read, what is refused, with file, line and path."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import ConfigError
from forensics.replay.policies import load
from forensics.replay.policies.argo_template import ENDLESS, NO_INTERVAL, TOO_FEW
from forensics.replay.policies.documents import read_documents

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: checks
spec:
  args:
  - name: version
  - name: limit
    value: "0.05"
  metrics:
  - name: errors
    interval: 1m30s
    initialDelay: 2m
    count: 5
    failureLimit: "2"
    consecutiveErrorLimit: 0
    successCondition: result[0] < {{args.limit}}
    provider:
      prometheus:
        query: |
          sum(errors{version="{{ args.version }}"})
  - name: external
    provider:
      web: {url: "https://example.com"}
  dryRun:
  - metricName: ext.*
"""
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  strategy:
    canary:
      analysis:
        startingStep: 1
        templates:
        - templateName: checks
        args:
        - {name: version, value: canary}
      steps:
      - setWeight: 5
      - pause: {duration: 10m}
      - analysis:
          templates:
          - templateName: checks
          - templateName: absent
      - setWeight: 25
      - pause: {}
"""
CANARY = """\
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: app, namespace: shop}
spec:
  targetRef: {name: app}
  analysis:
    interval: 30s
    threshold: 3
    metrics:
    - name: request-success-rate
      threshold: 99
    - name: not-found
      interval: 1m
      thresholdRange: {max: 5}
      templateRef: {name: not-found}
    - name: other
      templateRef: {name: dog}
---
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: not-found}
spec:
  provider: {type: prometheus}
  query: sum(rate(x{ns="{{ namespace }}"}[{{ interval }}]))
---
kind: MetricTemplate
metadata: {name: dog}
spec:
  provider: {type: datadog}
  query: y
"""
OWN = """\
kind = "policy"
name = "ours"

[[gate]]
name = "admin"
sql = "select 1"
success = "result[0] == 0"
phase = "weight-5"
consecutive_failure_limit = 1
min_samples = 10
on_no_data = "fail"

[[gate]]
name = "refusals"
sql = "select 1 as k, 2 as n, 3 as baseline_k, 4 as baseline_n"
interval = "30s"
compare = { alpha = 0.01, direction = "lower", minimum_difference = 0.05 }
"""


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_template_has_argos_fields_and_defaults(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "t.yaml", TEMPLATE)], {"version": "canary"})
    errors, external = policy.runs[0].gates
    assert (policy.engine, policy.name, policy.runs[0].is_inline) == ("argo", "checks", False)
    assert errors.query == 'sum(errors{version="canary"})\n'
    assert errors.success == "result[0] < 0.05"
    assert (errors.interval, errors.initial_delay, errors.count) == (90.0, 120.0, 5)
    assert (errors.failure_limit, errors.inconclusive_limit, errors.consecutive_error_limit) == (2, 0, 0)
    assert (errors.dry_run, external.dry_run, external.consecutive_error_limit) == (False, True, 4)
    assert (errors.place.line, errors.place.key) == (11, "spec.metrics[0]")


def test_another_provider_is_refused_where_it_stands(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "t.yaml", TEMPLATE)], {"version": "canary"})
    refusal = policy.runs[0].gates[1].refusal
    assert refusal is not None
    assert refusal.code == "E-PROVIDER-UNSUPPORTED"
    assert (refusal.place.line, refusal.place.key) == (23, "spec.metrics[1].provider")


def test_an_argument_that_nobody_gives_is_refused(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "t.yaml", TEMPLATE)])
    refusal = policy.runs[0].gates[0].refusal
    assert refusal is not None
    assert refusal.code == "E-ARG-MISSING"
    assert "--arg version=VALUE" in refusal.hint
    assert refusal.place.key == "spec.metrics[0].provider.prometheus.query"
    assert refusal.place.column == 21


def test_a_rollout_has_a_run_in_the_background_and_one_a_step(tmp_path: Path) -> None:
    files = [written(tmp_path, "t.yaml", TEMPLATE), written(tmp_path, "r.yaml", ROLLOUT)]
    (policy,) = load(files, {"version": "canary"})
    background, inline = policy.runs
    assert (background.is_inline, background.start.weight, background.start.delay) == (False, 5.0, 0.0)
    assert (inline.is_inline, inline.start.weight, inline.start.delay) == (True, 5.0, 600.0)
    assert background.gates[0].query == 'sum(errors{version="canary"})\n'
    missing = inline.gates[-1].refusal
    assert missing is not None
    assert missing.code == "E-TEMPLATE-MISSING"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"count: 5": "count: 0"}, ENDLESS),
        ({"interval: 1m30s": "inconclusiveLimit: 1"}, NO_INTERVAL),
        ({"count: 5": "count: 3", '"2"': '"4"'}, TOO_FEW),
        ({"count: 5": "count: 4", "consecutiveErrorLimit: 0": "consecutiveSuccessLimit: 3"}, TOO_FEW),
        ({}, ""),
    ],
)
def test_argo_rejects_some_inline_analyses(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    text = TEMPLATE
    for old, new in change.items():
        text = text.replace(old, new)
    rollout = ROLLOUT.replace("          - templateName: absent\n", "")
    (policy,) = load([written(tmp_path, "t.yaml", text), written(tmp_path, "r.yaml", rollout)], {"version": "v"})
    inline = policy.runs[1].rejected
    assert inline == (f"errors: {expected}" if expected else "")
    if expected == ENDLESS:
        assert policy.runs[0].rejected == ""  # in the background it may run for ever


@pytest.mark.parametrize(
    ("compare", "values"),
    [('direction = "up"', "two_sided, higher, lower"), ('statistic = "student"', "fisher")],
)
def test_a_word_that_is_none_is_told_with_those_that_are(tmp_path: Path, compare: str, values: str) -> None:
    text = f'kind = "policy"\nname = "p"\n[[gate]]\nname = "g"\nsql = "select 1"\ncompare = {{ {compare} }}\n'
    with pytest.raises(ConfigError, match=f"One of: {values}"):
        load([written(tmp_path, "p.toml", text)])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("name: errors", "name: [1]", "spec.metrics[0].name"),
        ("  metrics:\n", "  metrics: {a: b}\n  other:\n", "spec.metrics"),
    ],
)
def test_metrics_of_another_form_are_told(tmp_path: Path, old: str, new: str, key: str) -> None:
    with pytest.raises(ConfigError) as told:
        load([written(tmp_path, "p.yaml", TEMPLATE.replace(old, new, 1))], {"version": "canary"})
    assert told.value.location is not None
    assert told.value.location.key == key


def test_templates_in_a_circle_are_told_as_one(tmp_path: Path) -> None:
    one = "kind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  templates: [{templateName: b}]\n"
    both = (
        one
        + "---\n"
        + one.replace("name: a", "name: c")
        .replace("templateName: b", "templateName: a")
        .replace("name: c", "name: b", 1)
    )
    gates = [gate for policy in load([written(tmp_path, "p.yaml", both)]) for run in policy.runs for gate in run.gates]
    assert gates
    for gate in gates:
        assert gate.refusal is not None
        assert (gate.refusal.code, "circle" in gate.refusal.message) == ("E-TEMPLATE-MISSING", True)


def test_least_samples_are_not_negative(tmp_path: Path) -> None:
    text = 'kind = "policy"\nname = "p"\n[[gate]]\nname = "g"\nsql = "select 1"\nsuccess = "true"\nmin_samples = -1\n'
    with pytest.raises(ConfigError, match="min_samples"):
        load([written(tmp_path, "p.toml", text)])


def test_flagger_has_its_own_words(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "c.yaml", CANARY)])
    assert (policy.engine, policy.interval, policy.threshold) == ("flagger", 30.0, 3)
    success, missing, other = policy.runs[0].gates
    assert (success.low, success.high, success.query) == (99.0, None, "request_success_rate")
    assert (missing.low, missing.high, missing.window) == (None, 5.0, 60.0)
    assert missing.query == 'sum(rate(x{ns="shop"}[60s]))'
    assert other.refusal is not None
    assert other.refusal.code == "E-PROVIDER-UNSUPPORTED"


def test_our_own_policy(tmp_path: Path) -> None:
    (policy,) = load([written(tmp_path, "p.toml", OWN)])
    by_phase, whole = policy.runs
    assert (policy.engine, by_phase.start.phase, whole.start.phase) == ("own", "weight-5", "")
    admin, refusals = by_phase.gates[0], whole.gates[0]
    assert (admin.consecutive_failure_limit, admin.min_samples, admin.on_no_data) == (1, 10, "fail")
    assert refusals.compare is not None
    assert (refusals.compare.alpha, refusals.compare.direction, refusals.interval) == (0.01, "lower", 30.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "ours"', 'name = "ours"\nextra = 1', "extra"),
        ('sql = "select 1"', "", "query or a sql"),
        ('success = "result[0] == 0"', "", "conditions"),
        ('interval = "30s"', 'interval = "soon"', "no duration"),
        ('interval = "30s"', 'interval = "10ms"', "at least one second"),
        ('name = "refusals"', 'name = "admin"', "another gate"),
        ("alpha = 0.01", "alpha = 2.0", "alpha"),
        ('kind = "policy"', 'kind = "poem"', "poem"),
    ],
)
def test_our_own_policy_is_checked(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        load([written(tmp_path, "p.toml", OWN.replace(old, new, 1))])
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: " + "[" * 60 + "]" * 60, "levels"),
        ("a: 1\na: 2\n", "twice"),
        ("a: [1\n", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("a: 1\n", "no policy"),
        ("x" * 1_000_001, "larger"),
        (TEMPLATE.replace("1m30s", "1.5"), "no duration"),
        (TEMPLATE.replace("count: 5", "count: many"), "no whole number"),
        (TEMPLATE.replace("ext.*", "ext("), "no pattern"),
    ],
)
def test_hostile_and_broken_yaml_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        load([written(tmp_path, "p.yaml", text)])
    assert told in str(error.value)
    assert error.value.location is not None


def test_what_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe")
    for name in ("p.yaml", "absent.yaml"):
        with pytest.raises(ConfigError):
            load([tmp_path / name])


def test_a_template_that_names_itself_ends(tmp_path: Path) -> None:
    """Twenty references each, three deep: bounded, and what lies deeper is a gate that is refused."""
    text = "kind: AnalysisTemplate\nmetadata: {name: me}\nspec:\n  templates:\n" + "  - templateName: me\n" * 3
    (policy,) = load([written(tmp_path, "p.yaml", text)])
    gates = policy.runs[0].gates
    assert len(gates) == 3**4
    assert {gate.refusal.code for gate in gates if gate.refusal} == {"E-TEMPLATE-MISSING"}


@pytest.mark.parametrize(
    "text",
    [
        "kind: AnalysisTemplate\nspec:\n  metrics:\n" + "  - {name: a}\n" * 30_000,
        "kind: Canary\nspec:\n  analysis:\n    metrics:\n" + "    - {name: a}\n" * 30_000,
    ],
)
def test_more_metrics_than_a_policy_can_have_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="200 at most"):
        load([written(tmp_path, "p.yaml", text)])


def test_long_keys_cost_no_memory(tmp_path: Path) -> None:
    """Thirty levels of keys of 1,000 characters, and 12,000 leaves below them: written out as paths these would be 360 MB."""
    nested = "".join(f"{' ' * level}{chr(97 + level % 26)}{'k' * 1_000}:\n" for level in range(30))
    leaves = "".join(f"{' ' * 30}l{index}: 1\n" for index in range(12_000))
    documents = read_documents(written(tmp_path, "p.yaml", nested + leaves))
    assert sum(map(len, documents[0].lines)) < 25_000_000
