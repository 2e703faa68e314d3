"""Sweeps over minute cells against a plain loop, and the arithmetic of backtests."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forensics.errors import ConfigError, UsageError
from forensics.replay.backtest import Outcome, summary
from forensics.replay.labels import load
from forensics.replay.rollout import Known, episodes
from forensics.replay.sweep import Axes, Minutes, minutes_of, sweep
from tests.conftest import SAMPLES, Reviewed
from tests.end_to_end.harness import run
from tests.replay.cases import START, request, sandbox


def series(k: list[int], n: list[int]) -> Minutes:
    return Minutes(START, np.array(n), np.array(k))


def plain(
    k: list[int], n: list[int], threshold: float, window: int, interval: int, limit: int, delay: int
) -> int | None:
    """Return the minute of the trigger, by the words of the definition."""
    failed = 0
    for tick in range(delay, len(n) + 1, interval):
        hits, total = sum(k[max(0, tick - window) : tick]), sum(n[max(0, tick - window) : tick])
        rate = hits / total if total else math.nan
        failed += not rate < threshold
        if failed > limit:
            return tick
    return None


def test_a_sweep_is_the_loop_over_its_policies() -> None:
    generator = np.random.default_rng(1)
    n = [int(value) for value in generator.poisson(3, 60)]
    k = [int(generator.binomial(value, 0.05 if minute < 30 else 0.5)) for minute, value in enumerate(n)]
    axes = Axes((0.02, 0.1, 0.4), (1, 5, 10), (1, 3), (0, 2), (0, 7))
    rows = sweep(series(k, n), axes, None, None)
    assert len(rows) == axes.size == 72
    for row in rows:
        minute = plain(
            k, n, row["threshold"], row["window"], row["interval"], row["failure_limit"], row["initial_delay"]
        )
        expected = "" if minute is None else (START + timedelta(minutes=minute)).isoformat() + "Z"
        assert row["trigger"] == expected


def test_times_count_from_the_onset_and_to_the_action() -> None:
    (row,) = sweep(
        series([0] * 10 + [5] * 10, [10] * 20),
        Axes((0.05,), (1,), (1,), (0,), (1,)),
        START + timedelta(minutes=10),
        START + timedelta(minutes=20),
    )
    assert (row["seconds_after_onset"], row["seconds_before_action"], row["false_alarm"]) == (60.0, 540.0, False)
    (early,) = sweep(
        series([5] * 20, [10] * 20), Axes((0.05,), (1,), (1,), (0,), (1,)), START + timedelta(minutes=10), None
    )
    assert early["false_alarm"]


def test_minutes_without_requests_fail() -> None:
    (row,) = sweep(series([0] * 5, [0] * 5), Axes((0.05,), (1,), (1,), (3,), (1,)), None, None)
    assert row["trigger"] == "2026-03-03T09:04:00Z"


def test_less_traffic_is_thinned_and_more_is_a_model() -> None:
    rows = sweep(series([10] * 30, [1000] * 30), Axes((0.05,), (5,), (1,), (0,), (5,), (0.1, 1.0, 5.0)), None, None)
    assert [row["basis"] for row in rows] == ["thinned", "recorded", "model"]
    assert rows == sweep(
        series([10] * 30, [1000] * 30), Axes((0.05,), (5,), (1,), (0,), (5,), (0.1, 1.0, 5.0)), None, None
    )


def test_a_shorter_rollout_is_cut_off() -> None:
    rows = sweep(
        series([0] * 10 + [5] * 10, [10] * 20), Axes((0.05,), (1,), (1,), (0,), (1,), (1.0,), (5, 15)), None, None
    )
    assert [(row["duration"], row["trigger"]) for row in rows] == [(5, ""), (15, "2026-03-03T09:11:00Z")]


@pytest.mark.parametrize(
    "axes",
    [
        Axes(windows=(0,)),
        Axes(intervals=(0,)),
        Axes(limits=(-1,)),
        Axes(weights=(0.0,)),
        Axes(durations=(99,)),
        Axes(thresholds=[0.1] * 100_001),
    ],
)
def test_a_grid_that_makes_no_sense_is_told(axes: Axes) -> None:
    with pytest.raises(UsageError):
        sweep(series([0] * 10, [1] * 10), axes, None, None)


@pytest.mark.parametrize(
    ("axes", "option"),
    [
        (Axes(thresholds=(math.nan,)), "--thresholds"),
        (Axes(thresholds=(0.1, math.inf)), "--thresholds"),
        (Axes(thresholds=(-0.1,)), "--thresholds"),
        (Axes(thresholds=(1.5,)), "--thresholds"),
        (Axes(weights=(math.nan,)), "--weights"),
        (Axes(weights=(math.inf,)), "--weights"),
        (Axes(weights=(0.0,)), "--weights"),
        (Axes(windows=(5, 0)), "--windows"),
        (Axes(windows=(10**20,)), "--windows"),
        (Axes(intervals=(0,)), "--intervals"),
        (Axes(delays=(-1,)), "--delays"),
        (Axes(limits=(-1,)), "--limits"),
        (Axes(durations=(-1,)), "--durations"),
        (Axes(durations=(99,)), "--durations"),
    ],
)
def test_a_side_of_the_grid_that_makes_no_sense_is_told_by_its_option(axes: Axes, option: str) -> None:
    with pytest.raises(UsageError, match=option):
        sweep(series([0] * 10, [1] * 10), axes, None, None)


def test_a_case_whose_canary_has_no_request_has_no_sweep() -> None:
    store = sandbox(http_requests=[request(5, cohort="baseline")])
    (first, *_) = episodes(store, Known())
    with pytest.raises(UsageError, match="no request of the canary"):
        minutes_of(store, first, "errors")


def test_minutes_come_from_the_cells_of_the_canary() -> None:
    rows = [request(5, 401), request(10, 403), request(20), request(70, 500), request(80, 401, "baseline")]
    store = sandbox(http_requests=rows)
    (first, *_) = episodes(store, Known())
    found = minutes_of(store, first, "refusals")
    assert (list(found.n[:3]), list(found.k[:3])) == ([3, 1, 0], [2, 0, 0])
    assert list(minutes_of(store, first, "errors").k[:2]) == [0, 1]
    with pytest.raises(UsageError, match="no metric"):
        minutes_of(store, first, "poems")


def outcomes(*items: tuple[Any, str, bool, float | None], **more: Any) -> list[Outcome]:
    return [
        Outcome(f"c{index}", label, verdict, triggered, seconds, **more)
        for index, (label, verdict, triggered, seconds) in enumerate(items)
    ]


def test_a_backtest_counts_and_leaves_out() -> None:
    found = summary(
        "p",
        outcomes(
            ("bad-security", "LATE-HUMAN", True, 60.0), ("bad-security", "GATE-BLIND", False, 600.0), ("bad-other", "AGREES", True, 120.0),
            ("good", "FALSE-ROLLBACK", True, None), ("good", "AGREES", False, None), ("good", "AGREES", False, None),
            ("unknown", "LATE-HUMAN", True, 5.0), ("bad-security", "INCOMPLETE", False, None), hours=2.0,
        ),
    )  # fmt: skip
    assert [found[name] for name in ("true_positives", "false_positives", "false_negatives", "true_negatives")] == [
        2,
        1,
        1,
        2,
    ]
    assert (found["rollouts"], found["judged"], found["unknown"], found["not_replayed"]) == (8, 6, 1, 1)
    assert found["precision"]["value"] == pytest.approx(2 / 3)
    assert (found["precision"]["low"], found["precision"]["high"]) == (
        pytest.approx(0.2077, abs=1e-4),
        pytest.approx(0.9385, abs=1e-4),
    )  # Wilson, 2 of 3
    assert found["recall_security"]["value"] == 0.5
    assert found["false_rollbacks_per_100_hours"] == pytest.approx(100 / 12)


def test_a_trigger_before_the_onset_detects_nothing() -> None:
    found = summary("p", outcomes(("bad-security", "FALSE-ROLLBACK", True, 100.0)))
    assert (found["true_positives"], found["false_negatives"], found["false_positives"]) == (0, 1, 1)


def test_what_was_missed_does_not_shorten_the_time_to_detect() -> None:
    """Of four, two are stopped after 60 and 120 s, two never: by Kaplan and Meier half are detected by 120 s, and nine in ten never."""
    found = summary(
        "p",
        outcomes(
            *[("bad-other", "LATE-HUMAN", True, 60.0), ("bad-other", "LATE-HUMAN", True, 120.0)],
            *[("bad-other", "GATE-BLIND", False, 900.0)] * 2,
        ),
    )
    assert (found["seconds_to_detect_median"], found["seconds_to_detect_p90"], found["not_detected"]) == (
        120.0,
        None,
        2,
    )


def test_all_detected_is_told_with_its_bound() -> None:
    found = summary("p", outcomes(*[("bad-security", "AGREES", True, 1.0)] * 5))
    assert found["recall_at_least"] == pytest.approx(0.549, abs=0.001)  # 0.05 ^ (1/5)
    assert any("only 5 bad" in text for text in found["warnings"])


def test_a_policy_that_was_chosen_on_the_same_rollouts_is_told() -> None:
    assert any(
        "in-sample" in text for text in summary("p", outcomes(("good", "AGREES", False, None), chose=True))["warnings"]
    )


def labelled(folder: Path, name: str, word: str = "bad-security", **more: str) -> Path:
    lines = [f'case = "{name}"', f'label = "{word}"', 'who = "anna"', "when = 2026-03-04", 'why = "incident 7"']
    lines = [f"{key} = {more.get(key.rstrip(), value)}" for key, _, value in (line.partition(" = ") for line in lines)]
    (folder / "labels.toml").write_text("[[label]]\n" + "\n".join(lines) + "\n")
    return folder / "labels.toml"


def test_labels_say_who_when_and_why(tmp_path: Path) -> None:
    assert load(labelled(tmp_path, "a"))["a"].who == "anna"
    for more in ({"who": '""'}, {"label": '"perhaps"'}):
        with pytest.raises(ConfigError):
            load(labelled(tmp_path, "a", **more))


def test_the_commands(reviewed: Reviewed, tmp_path: Path) -> None:
    case, folder = reviewed.case("checkout-compromised"), SAMPLES / "checkout-compromised/policy"
    rows = json.loads(
        run(
            "replay",
            "sweep",
            case,
            "--metric",
            "refusals",
            "--thresholds",
            "0.05,0.5",
            "--windows",
            "5",
            "--limits",
            "0",
            "--json",
        ).out
    )
    assert [row["threshold"] for row in rows] == [0.05, 0.5]
    assert run("replay", "sweep", case, "--windows", "x").code == 2
    assert run("replay", "sweep", case, "--metric", "poems").code == 2
    options = (
        "--policy",
        folder / "policy.toml",
        "--binding",
        folder / "bindings.toml",
        "--labels",
        labelled(tmp_path, "checkout-compromised"),
    )
    (found,) = json.loads(run("replay", "backtest", case, *options, "--json").out)
    assert (found["true_positives"], found["users_saved"]) == (1, 40.0)
    assert found["outcomes"][0]["verdict"] == "LATE-HUMAN"
    assert "spared         40 users" in run("replay", "backtest", case, *options).out
    twice = run("replay", "backtest", case, case, *options)
    assert (twice.code, "checkout-compromised is named twice" in twice.err) == (2, True)
    skewed = run("replay", "run", case, folder / "policy.toml", "--skew", "nan")
    assert (skewed.code, "--skew" in skewed.err) == (2, True)
