"""What the controllers do, one edge rule a test; expectations are from their sources, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from forensics.replay.engines import RunEnd, Value, argo, flagger, own
from forensics.replay.engines.argo import measurement
from forensics.replay.engines.trace import Measure, Metric
from forensics.replay.policies import Compare, Gate
from forensics.replay.refusal import Place

NAN = math.nan
GOOD, BAD, EMPTY = Value([0.0]), Value([1.0]), Value([])


def gate(name: str = "m", **settings: Any) -> Gate:
    base = Gate(name, Place(), query="q", success="result[0] < 0.5", interval=60.0)
    return replace(base, **settings)


def from_time(bad_from: float, bad_to: float = math.inf, other: Value = GOOD) -> Measure:
    return lambda _gate, at: BAD if bad_from <= at < bad_to else other


def script(*values: Value) -> Measure:
    """Give the values one after another, the last for ever."""
    left = list(values)
    return lambda _gate, _at: left.pop(0) if len(left) > 1 else left[0]


def times(end: RunEnd) -> list[float]:
    return [tick.at for tick in end.ticks]


@pytest.mark.parametrize(
    ("success", "failure", "value", "phase"),
    [
        ("", "", 1.0, "Successful"),
        ("result[0] < 1", "", 0.5, "Successful"),
        ("result[0] < 1", "", 1.5, "Failed"),
        ("", "result[0] > 1", 0.5, "Successful"),
        ("", "result[0] > 1", 1.5, "Failed"),
        ("result[0] < 2", "result[0] > 1", 1.5, "Failed"),  # both true: failure wins
        ("result[0] < 1", "result[0] > 2", 1.5, "Inconclusive"),  # neither
        ("result[0] < 1", "", NAN, "Failed"),  # NaN with one condition
        ("", "result[0] > 1", NAN, "Successful"),
        ("result[0] < 1", "result[0] > 2", NAN, "Inconclusive"),  # NaN with two
        ("result[0] >= 0.9", "", math.inf, "Successful"),
    ],
)
def test_phase_of_a_measurement(success: str, failure: str, value: float, phase: str) -> None:
    assert measurement(gate(success=success, failure=failure), Value([value]))[0] == phase


def test_an_error_of_success_wins_although_failure_is_true() -> None:
    both = gate(success="result[5] < 1", failure="result[0] > 0")
    assert measurement(both, BAD)[0] == "Error"


def test_an_error_of_failure_is_an_error_although_success_is_true() -> None:
    assert measurement(gate(failure="result[5] > 1"), GOOD)[0] == "Error"


def test_a_condition_without_a_boolean_is_an_error() -> None:
    assert measurement(gate(success="result[0]"), GOOD)[0] == "Error"


def test_a_query_that_fails_is_an_error() -> None:
    assert measurement(gate(), Value(None, error="no such table"))[0] == "Error"


@pytest.mark.parametrize(("limit", "trigger"), [(0, 600.0), (1, 660.0), (3, 780.0)])
def test_failure_limit_tolerates_that_many(limit: int, trigger: float) -> None:
    end = argo.run([gate(failure_limit=limit)], from_time(600), 3600)
    assert (end.phase, end.trigger) == ("Failed", trigger)
    assert end.gates[0].first_failed == 600


def test_failures_need_not_be_in_a_row() -> None:
    assert argo.run([gate(failure_limit=1)], script(BAD, GOOD, GOOD, BAD, GOOD), 600).trigger == 180


def test_minus_one_disables_the_failure_limit() -> None:
    end = argo.run([gate(failure_limit=-1)], from_time(0), 600)
    assert (end.phase, end.trigger) == ("Running", None)


def test_inconclusive_limit_is_zero_by_default() -> None:
    two = gate(success="result[0] < 1", failure="result[0] > 2")
    middle = Value([1.5])
    assert argo.run([two], script(middle), 600).phase == "Inconclusive"
    end = argo.run([replace(two, inconclusive_limit=2)], script(middle), 600)
    assert (end.phase, end.trigger) == ("Inconclusive", 120)


def test_errors_are_tried_again_after_ten_seconds_and_five_in_a_row_are_one_too_many() -> None:
    end = argo.run([gate()], script(EMPTY), 3600)
    assert (end.phase, end.trigger, times(end)) == ("Error", 40, [0, 10, 20, 30, 40])


def test_errors_do_not_count_and_are_forgotten_by_a_measurement() -> None:
    end = argo.run([gate(count=2)], script(EMPTY, EMPTY, GOOD, EMPTY, GOOD), 3600)
    assert (end.phase, times(end)) == ("Successful", [0, 10, 20, 80, 90])
    assert end.ticks[-1].counts.count == 2
    assert end.ticks[-1].counts.consecutive_error == 0


def test_consecutive_error_limit_of_zero_ends_at_the_first() -> None:
    assert argo.run([gate(consecutive_error_limit=0)], script(EMPTY), 600).trigger == 0


def test_error_beats_failed_in_one_metric() -> None:
    """The later check overwrites: with failed > limit from the tick on that also has one error too many."""
    metric = Metric(gate(failure_limit=0, consecutive_error_limit=0), 0)
    metric.record(0, "Failed", "")
    metric.record(10, "Error", "")
    assert argo.assessed(metric) == "Error"


def test_inconclusive_overwrites_failed() -> None:
    metric = Metric(gate(), 0)
    metric.record(0, "Failed", "")
    metric.record(10, "Inconclusive", "")
    assert argo.assessed(metric) == "Inconclusive"


def test_consecutive_success_ends_early() -> None:
    end = argo.run([gate(consecutive_success_limit=2, failure_limit=-1)], script(GOOD, BAD, GOOD, GOOD), 3600)
    assert (end.phase, times(end)) == ("Successful", [0, 60, 120, 180])


@pytest.mark.parametrize(
    ("failure_limit", "success_limit", "phase"), [(5, 0, "Successful"), (5, 3, "Inconclusive"), (-1, 3, "Failed")]
)
def test_what_count_means_depends_on_the_limits(failure_limit: int, success_limit: int, phase: str) -> None:
    one = gate(count=4, failure_limit=failure_limit, consecutive_success_limit=success_limit)
    assert argo.run([one], script(GOOD, BAD, GOOD, BAD), 3600).phase == phase


@pytest.mark.parametrize(
    ("count", "interval", "expected"),
    [(None, None, 1), (None, 60.0, None), (0, 60.0, None), (0, None, 1), (3, 60.0, 3)],
)
def test_effective_count(count: int | None, interval: float | None, expected: int | None) -> None:
    assert argo.effective_count(gate(count=count, interval=interval)) == expected


def test_initial_delay_counts_from_the_start_of_the_run() -> None:
    assert times(argo.run([gate(initial_delay=90.0, count=2)], script(GOOD), 3600)) == [90, 150]


def test_siblings_that_still_run_close_as_successful() -> None:
    slow = gate("slow", interval=300.0, failure_limit=5)
    end = argo.run([gate("quick"), slow], lambda _gate, _at: BAD, 3600)
    assert [(item.gate, item.phase) for item in end.gates] == [("quick", "Failed"), ("slow", "Successful")]
    assert end.phase == "Failed"


def test_a_sibling_that_fails_at_the_same_tick_has_failed() -> None:
    end = argo.run([gate("a"), gate("b")], lambda _gate, _at: BAD, 3600)
    assert [item.phase for item in end.gates] == ["Failed", "Failed"]


def test_a_dry_run_stops_nothing_and_is_not_in_the_phase() -> None:
    end = argo.run([gate("dry", dry_run=True), gate("real", success="true", count=3)], lambda _gate, _at: BAD, 3600)
    assert (end.phase, end.trigger) == ("Successful", None)
    assert (end.gates[0].phase, end.gates[0].trigger) == ("Failed", 0)


def test_the_worst_metric_is_the_phase_of_the_run() -> None:
    failed = gate("failed", success="result[0] < 0")
    error = gate("error", success="result[9] < 0", consecutive_error_limit=0)
    assert argo.run([error, failed], lambda _gate, _at: GOOD, 60).phase == "Failed"


def test_nothing_measured_before_the_end_is_pending() -> None:
    assert argo.run([gate(initial_delay=100.0)], script(GOOD), 60).phase == "Pending"


# The guide's two metrics


def test_the_guides_auth_gate_triggers_with_the_fourth_failure() -> None:
    auth = gate("auth-failure-rate", success="result[0] < 0.05", failure_limit=3)
    assert argo.run([auth], from_time(600), 7200).trigger == 780
    assert argo.run([auth], script(Value([NAN])), 7200).trigger == 180  # no traffic


def test_the_guides_outbound_gate_ends_every_clean_rollout_after_forty_seconds() -> None:
    outbound = gate("unexpected-outbound-connections", success="result[0] == 0", failure_limit=1)
    end = argo.run([outbound], script(EMPTY), 7200)
    assert (end.phase, end.trigger) == ("Error", 40)


def test_the_guides_outbound_gate_with_a_default_of_zero_is_not_immediate() -> None:
    outbound = gate("unexpected-outbound-connections", success="result[0] == 0", failure_limit=1)
    assert argo.run([outbound], from_time(600), 7200).trigger == 660


# Flagger


def ranged(**settings: Any) -> Gate:
    return gate(success="", high=0.5, **settings)


@pytest.mark.parametrize(("threshold", "trigger"), [(1, 120.0), (2, 180.0), (3, 240.0)])
def test_flagger_rolls_back_at_the_check_after_the_threshold_was_reached(threshold: int, trigger: float) -> None:
    end = flagger.run([ranged()], script(BAD), 3600, 60.0, threshold)
    assert (end.phase, end.trigger) == ("Failed", trigger)
    assert len(end.ticks) == threshold  # failed checks >= threshold, not above


def test_flagger_takes_no_value_for_a_failed_check() -> None:
    end = flagger.run([ranged()], script(EMPTY), 3600, 60.0, 1)
    assert end.ticks[0].why == "no values found"
    assert end.trigger == 120


def test_flagger_never_forgives_a_failed_check() -> None:
    assert flagger.run([ranged()], script(BAD, GOOD, GOOD, BAD, GOOD), 3600, 60.0, 2).trigger == 300


def test_flagger_checks_in_order_and_stops_at_the_first_that_fails() -> None:
    end = flagger.run([ranged(name="a"), ranged(name="b")], script(BAD), 60, 60.0, 5)
    assert [tick.gate for tick in end.ticks] == ["a"]


def test_flaggers_range_holds_at_its_ends_and_lets_nan_pass() -> None:
    limits = gate(low=0.2, high=0.5)
    phases = [flagger.checked_value(limits, Value([number]))[0] for number in (0.2, 0.5, 0.19, 0.51, NAN)]
    assert phases == ["Successful", "Successful", "Failed", "Failed", "Successful"]


def test_flagger_reads_the_last_of_several_series() -> None:
    assert flagger.checked_value(gate(high=0.5), Value([9.0, 0.1]))[0] == "Successful"


def test_flagger_takes_a_failed_query_for_a_failed_check() -> None:
    assert flagger.checked_value(ranged(), Value(None, error="x"))[0] == "Failed"


def test_flagger_first_gives_traffic_and_then_checks() -> None:
    assert times(flagger.run([ranged()], script(GOOD), 150, 60.0, 2)) == [60, 120]


def test_argo_and_flagger_do_not_share_a_limit() -> None:
    """The same two failures: Argo with limit 2 goes on, Flagger with threshold 2 rolls back."""
    values = (BAD, BAD, GOOD)
    assert argo.run([gate(failure_limit=2)], script(*values), 3600).trigger is None
    assert flagger.run([ranged()], script(*values), 3600, 60.0, 2).trigger is not None


# Our own


def test_consecutive_failures_forgive_a_blip() -> None:
    one = gate(failure_limit=-1, consecutive_failure_limit=1)
    assert own.run([one], script(BAD, GOOD, BAD, GOOD), 3600).trigger is None
    assert own.run([one], script(GOOD, BAD, BAD), 3600).trigger == 120


@pytest.mark.parametrize(
    ("on_no_data", "phase"),
    [("pass", "Successful"), ("fail", "Failed"), ("inconclusive", "Inconclusive"), ("error", "Error")],
)
@pytest.mark.parametrize("value", [EMPTY, Value([NAN]), Value(None)])
def test_no_data_is_what_the_policy_says(on_no_data: str, phase: str, value: Value) -> None:
    assert own.measurement(gate(on_no_data=on_no_data), value)[0] == phase


def test_too_few_samples_are_no_data() -> None:
    one = gate(min_samples=10, on_no_data="inconclusive")
    assert own.measurement(one, Value([0.9], n=9))[0] == "Inconclusive"
    assert own.measurement(one, Value([0.9], n=10))[0] == "Failed"


def test_a_gap_is_inconclusive_whatever_the_value() -> None:
    assert own.measurement(gate(on_no_data="pass"), Value([0.0], gap=True))[0] == "Inconclusive"


def test_argo_does_with_a_gap_what_prometheus_would_do() -> None:
    assert argo.measurement(gate(), Value([0.0], gap=True))[0] == "Successful"


def compared(direction: Any, **counts: Any) -> str:
    one = gate(compare=Compare("fisher", 0.01, direction, 0.05))
    return own.measurement(one, Value(0.0, **counts))[0]


def test_comparison_needs_the_test_and_the_difference() -> None:
    """30 of 100 against 100 of 1,000 is far and sure; 11 % against 10 % of 100,000 is sure and near; 2 of 4 against 1 of 10 is far and unsure."""
    assert compared("two_sided", k=30, n=100, baseline_k=100, baseline_n=1000) == "Failed"
    assert compared("two_sided", k=11000, n=100000, baseline_k=10000, baseline_n=100000) == "Successful"
    assert compared("two_sided", k=2, n=4, baseline_k=1, baseline_n=10) == "Successful"


def test_a_bypass_is_a_rate_that_is_lower() -> None:
    assert compared("lower", k=0, n=100, baseline_k=300, baseline_n=1000) == "Failed"
    assert compared("higher", k=0, n=100, baseline_k=300, baseline_n=1000) == "Successful"
    assert compared("two_sided", k=0, n=100, baseline_k=300, baseline_n=1000) == "Failed"


def test_without_a_baseline_a_comparison_does_not_pass() -> None:
    assert compared("two_sided", k=0, n=100, baseline_k=0, baseline_n=0) == "Inconclusive"
    assert compared("two_sided", k=0, n=0, baseline_k=0, baseline_n=9) == "Inconclusive"


def test_a_comparison_without_counts_is_an_error() -> None:
    assert compared("two_sided", k=1, n=2) == "Error"
    assert compared("two_sided", k=3, n=2, baseline_k=1, baseline_n=2) == "Error"


def test_limits_of_inconclusive_and_errors() -> None:
    assert own.run([gate(inconclusive_limit=1)], script(EMPTY), 3600).trigger == 60
    assert own.run([gate(inconclusive_limit=-1)], script(EMPTY), 3600).trigger is None
    end = own.run([gate(consecutive_error_limit=1)], script(Value(None, error="x")), 3600)
    assert (end.phase, end.trigger) == ("Error", 60)


@pytest.mark.parametrize("engine", [argo.run, own.run])
def test_an_engine_is_a_function_of_its_measurements(engine: Callable[..., RunEnd]) -> None:
    assert engine([gate(failure_limit=2)], from_time(300), 3600) == engine(
        [gate(failure_limit=2)], from_time(300), 3600
    )
