"""Queries over records: what TRUTH and SCRAPE say, the algebra of vectors, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from forensics.errors import ConfigError
from forensics.replay.promql import MatchError, Reader, gaps_of, prepared, samples_of
from forensics.replay.refusal import RefusalError
from tests.replay.cases import BINDINGS, bindings, connection, gauge, grid, request, sandbox, shown, value

CANARY = ("version", "canary")
POD = ("pod", "app-2-a")


def test_truth_counts_in_a_window_that_is_open_at_its_beginning(tmp_path: Path) -> None:
    store = sandbox(http_requests=[request(second, 401) for second in (60, 90, 120, 121.3)])
    found = value("increase(auth_failures_total[1m])", store, bindings(tmp_path), [59, 60, 120, 180, 240])
    assert list(shown(found).values()) == [[None, 1.0, 2.0, 1.0, 0.0]]  # (60, 120] leaves 60 out
    found = value("rate(auth_failures_total[1m])", store, bindings(tmp_path), [120])
    assert list(shown(found).values()) == [[pytest.approx(2 / 60)]]


def test_the_first_event_is_visible_to_truth_and_not_to_prometheus(tmp_path: Path) -> None:
    """A counter that is born with value 1 never gained anything."""
    store = sandbox(connections=[connection(300)])
    query = 'sum(increase(network_connections_total{version="canary"}[5m]))'
    given, ticks = bindings(tmp_path), [300.0, 360.0, 420.0]
    assert list(shown(value(query, store, given, ticks)).values()) == [[1.0, 1.0, 1.0]]
    for phase in range(0, 12, 3):
        scraped = shown(value(query, store, given, [360.0, 420.0], phase=phase))
        assert list(scraped.values()) == [[0.0, 0.0]]


def test_a_series_of_a_counter_lives_on(tmp_path: Path) -> None:
    """count() counts series, not connections: one beacon keeps it at 1."""
    store = sandbox(connections=[connection(300), connection(310, "other.example")])
    query = 'count(network_connections_total{version="canary",destination!~"other.*"}) or vector(0)'
    assert shown(value(query, store, bindings(tmp_path), [240, 300, 1500])) == {(): [0.0, 1.0, 1.0]}
    assert shown(value(query, store, bindings(tmp_path), [240, 330, 1500], phase=0)) == {(): [0.0, 1.0, 1.0]}


def test_rows_that_exist_for_one_scrape_are_gone_at_the_next(tmp_path: Path) -> None:
    store = sandbox(connections=[connection(300)])
    assert list(shown(value("count(calls)", store, bindings(tmp_path), [300, 310, 330])).values()) == [[1.0, 1.0, None]]


def test_nothing_counted_is_an_empty_vector(tmp_path: Path) -> None:
    store = sandbox(connections=[connection(300, cohort="baseline")])
    assert shown(value('count(network_connections_total{version="canary"})', store, bindings(tmp_path), [600])) == {}


def test_no_traffic_is_not_a_number(tmp_path: Path) -> None:
    """0 / 0 once both series were born."""
    store = sandbox(http_requests=[request(10, 401)])
    query = 'sum(rate(auth_failures_total{version="canary"}[1m])) / sum(rate(requests_total{version="canary"}[1m]))'
    (line,) = shown(value(query, store, bindings(tmp_path), [60, 600])).values()
    assert line[0] == 1.0
    assert line[1] is not None
    assert math.isnan(line[1])


def test_a_ratio_without_sum_has_a_series_by_pod_and_labels(tmp_path: Path) -> None:
    store = sandbox(
        http_requests=[
            request(10, 401),
            request(11, 401, k8s_pod_name="app-2-b"),
            request(12),
            request(13, k8s_pod_name="app-2-b"),
        ]
    )
    query = "rate(auth_failures_total[1m]) / on(pod) sum by (pod) (rate(requests_total[1m]))"
    assert shown(value(query, store, bindings(tmp_path), [60])) == {
        (("pod", "app-2-a"),): [0.5],
        (("pod", "app-2-b"),): [0.5],
    }


def test_aggregations(tmp_path: Path) -> None:
    rows = [request(1, 200), request(2, 200), request(3, 401), request(4, 200, "baseline")]
    store, given = sandbox(http_requests=rows), bindings(tmp_path)
    query = "{} by (version) (increase(requests_total[1m]))"
    expected = {"sum": (1.0, 3.0), "count": (1.0, 2.0), "min": (1.0, 1.0), "max": (1.0, 2.0), "avg": (1.0, 1.5)}
    for how, (baseline, canary) in expected.items():
        found = shown(value(query.format(how), store, given, [60]))
        assert found == {(("version", "baseline"),): [baseline], (("version", "canary"),): [canary]}
    without = shown(value("sum without (pod, status, route) (increase(requests_total[1m]))", store, given, [60]))
    assert without == {(("version", "baseline"),): [1.0], (("version", "canary"),): [3.0]}


def test_comparisons_filter_or_say_zero_and_one(tmp_path: Path) -> None:
    store, given = sandbox(http_requests=[request(1), request(2), request(3, 200, "baseline")]), bindings(tmp_path)
    by = "sum by (version) (increase(requests_total[1m]))"
    assert shown(value(f"{by} > 1", store, given, [60])) == {(CANARY,): [2.0]}
    assert shown(value(f"{by} > bool 1", store, given, [60])) == {(("version", "baseline"),): [0.0], (CANARY,): [1.0]}
    assert shown(value("1 > bool 2", store, given, [60])) == {(): [0.0]}


def test_small_functions(tmp_path: Path) -> None:
    store, given = sandbox(http_requests=[request(1), request(2)]), bindings(tmp_path)
    gained = "sum(increase(requests_total[1m]))"
    for query, expected in (
        (f"abs(-{gained})", 2.0),
        (f"clamp_max({gained}, 1)", 1.0),
        (f"clamp_min({gained}, 5)", 5.0),
        ("vector(7)", 7.0),
        (f"{gained} * 2 - 1", 3.0),
    ):
        assert list(shown(value(query, store, given, [60])).values()) == [[expected]]
    absent = 'absent(auth_failures_total{version="canary"})'
    assert shown(value(absent, store, given, [60])) == {(CANARY,): [1.0]}


def test_offset_and_matchers(tmp_path: Path) -> None:
    store, given = sandbox(http_requests=[request(30), request(90, 500), request(95, 404)]), bindings(tmp_path)
    assert list(shown(value("sum(increase(requests_total[1m] offset 1m))", store, given, [120])).values()) == [[1.0]]
    for matcher, expected in (
        ('status=~"5.."', 1.0),
        ('status!~"5.."', 1.0),
        ('status!="404"', 1.0),
        ('status=~"50"', None),
        ('version="canary",status="404"', 1.0),
    ):
        found = shown(value(f"sum(increase(requests_total{{{matcher}}}[1m]))", store, given, [120]))
        assert list(found.values()) == ([[expected]] if expected else [])


def test_regular_expressions_match_the_whole_value(tmp_path: Path) -> None:
    """Anchored at both ends, and still open by suffix."""
    names = ("allowed-hosts", "allowed-hosts.evil.example", "x-allowed-hosts")
    store, given = sandbox(connections=[connection(10, name) for name in names]), bindings(tmp_path)
    found = shown(value('network_connections_total{destination!~"allowed-hosts.*"}', store, given, [60]))
    assert [dict(labels)["destination"] for labels in found] == ["x-allowed-hosts"]


def test_gauges_go_stale(tmp_path: Path) -> None:
    store, given = sandbox(metrics=[gauge(60, 3), gauge(120, 5)]), bindings(tmp_path)
    assert list(shown(value("queue_length", store, given, [30, 60, 130, 419, 421])).values()) == [
        [None, 3.0, 5.0, 5.0, None]
    ]


def test_quantiles_are_exact(tmp_path: Path) -> None:
    store = sandbox(http_requests=[request(second, duration_ms=second * 100.0) for second in range(1, 12)])
    query = "histogram_quantile(0.5, sum by (le) (rate(request_seconds_bucket{}[1m])))"
    for matchers in ("", '{version="canary",pod=~"app-2.*"}'):
        found = shown(value(query.replace("{}", matchers), store, bindings(tmp_path), [60, 600]))
        assert found == {(): [pytest.approx(0.6), None]}


def test_two_series_that_match_are_an_error(tmp_path: Path) -> None:
    store, given = sandbox(http_requests=[request(1), request(2, 401)]), bindings(tmp_path)
    with pytest.raises(MatchError):
        value("increase(requests_total[1m]) / on(version) increase(requests_total[1m])", store, given, [60])


def test_sampled_rows_weigh_what_they_stand_for(tmp_path: Path) -> None:
    text = BINDINGS + '[[metric]]\nname = "sampled"\ntable = "exchanges"\nsample_rate = "sample_rate"\n'
    rows = [request(1, sample_rate=0.1), request(2, sample_rate=0.5)]
    found = value("sum(increase(sampled[1m]))", sandbox(http_exchanges=rows), bindings(tmp_path, text), [60])
    assert list(shown(found).values()) == [[12.0]]


def test_rows_without_a_rate_are_refused(tmp_path: Path) -> None:
    text = BINDINGS + '[[metric]]\nname = "sampled"\ntable = "exchanges"\nsample_rate = "sample_rate"\n'
    for rate in (None, 0.0, 2.0):
        with pytest.raises(RefusalError, match="E-SAMPLE-RATE"):
            value(
                "sum(sampled)", sandbox(http_exchanges=[request(1, sample_rate=rate)]), bindings(tmp_path, text), [60]
            )


def test_as_known_then_sees_late_records_when_they_came(tmp_path: Path) -> None:
    """An event of 10 s that was known at 40 s is in the windows of one minute from 40 to 70 s; one that came after 70 s is never."""
    text = (
        BINDINGS
        + '[[metric]]\nname = "late"\ntable = "requests"\nknown_at = "time + to_seconds(cast(session_id as integer))"\n'
    )
    store = sandbox(
        http_requests=[request(10, session_id="30"), request(10, session_id="100", http_response_status_code=201)]
    )
    given, ticks = bindings(tmp_path, text), [30.0, 40.0, 65.0, 70.0, 115.0]
    query = "sum(increase(late[1m]))"
    assert list(shown(value(query, store, given, ticks)).values()) == [[2.0, 2.0, 2.0, 0.0, 0.0]]
    assert list(shown(value(query, store, given, ticks, then=True)).values()) == [[None, 1.0, 1.0, 0.0, 0.0]]


def test_pods_are_counters_of_their_own(tmp_path: Path) -> None:
    """A new pod starts unseen: its first event is no increase, those of the old pod are."""
    rows = [request(second) for second in range(0, 301, 10)] + [request(290, k8s_pod_name="app-2-new")]
    store, given = sandbox(http_requests=rows), bindings(tmp_path)
    found = shown(value("sum by (pod) (increase(requests_total[1m]))", store, given, [300], phase=0))
    assert found.get((("pod", "app-2-new"),)) is None  # one sample: scraped at 300 s only
    assert found[(POD,)] == [pytest.approx(5 * 60 / 45)]  # 26, 28, 29, 31 at 255 to 300 s, and 15 s to the start


def test_events_of_both_selectors_are_counted(tmp_path: Path) -> None:
    store, given = sandbox(http_requests=[request(1, 401), request(2), request(3)]), bindings(tmp_path)
    query = prepared("sum(rate(auth_failures_total[1m])) / sum(rate(requests_total[1m]))", given)
    slots = grid()
    k, n = samples_of(query, Reader(store, slots), np.array([slots.slots(60) - slots.first]))
    assert (k[0], n[0]) == (1.0, 3.0)


def test_silence_that_the_rhythm_does_not_explain_is_a_gap(tmp_path: Path) -> None:
    """A request each second, none from 300 to 420 s: windows that touch the hole are gaps, and so is what lies behind the last record."""
    rows = [request(second) for second in range(601) if not 300 < second < 420]
    store, given, slots = sandbox(http_requests=rows), bindings(tmp_path), grid()
    query = prepared("sum(rate(requests_total[1m]))", given)
    ticks = np.array([slots.slots(second) - slots.first for second in (240, 300, 360, 420, 470, 490, 600, 720)])
    assert list(gaps_of(query, store, slots, ticks)) == [False, False, True, True, True, False, False, True]


def test_a_thin_table_is_silent_without_a_gap(tmp_path: Path) -> None:
    store, given, slots = (
        sandbox(http_requests=[request(second) for second in range(0, 1801, 200)]),
        bindings(tmp_path),
        grid(),
    )
    ticks = np.array([slots.slots(second) - slots.first for second in (300, 900)])
    assert not gaps_of(prepared("sum(rate(requests_total[1m]))", given), store, slots, ticks).any()


@pytest.mark.parametrize(
    ("query", "code", "column"),
    [
        ("sum(rate(requests_total[5m:1m]))", "E-PROMQL-SUBQUERY", 27),
        ("sum(max_over_time(requests_total[5m]))", "E-PROMQL-FUNCTION", 5),
        ("count(requests_total[5m:1m])", "E-PROMQL-SYNTAX", 1),
        ("sum(rate((sum(requests_total))[5m:1m]))", "E-PROMQL-SUBQUERY", 34),
        ("requests_total @ 1609746000", "E-PROMQL-AT", 16),
        ("requests_total offset -5m", "E-PROMQL-OFFSET", 16),
        ("requests_total * on(version) group_left auth_failures_total", "E-PROMQL-GROUP", 30),
        ("requests_total * ignoring(status) auth_failures_total", "E-PROMQL-IGNORING", 18),
        ('label_replace(requests_total, "a", "$1", "b", "c")', "E-PROMQL-FUNCTION", 1),
        ("predict_linear(requests_total[5m], 3600)", "E-PROMQL-FUNCTION", 1),
        ("deriv(requests_total[5m])", "E-PROMQL-FUNCTION", 1),
        ("holt_winters(requests_total[5m], 0.5, 0.5)", "E-PROMQL-FUNCTION", 1),
        ("topk(3, requests_total)", "E-PROMQL-AGGREGATE", 1),
        ("sum(requests_total) and sum(requests_total)", "E-PROMQL-OPERATOR", 21),
        ("2 ^ requests_total", "E-PROMQL-OPERATOR", 3),
        ("histogram_quantile(0.9, rate(requests_total[5m]))", "E-PROMQL-HISTOGRAM", 1),
        ("histogram_quantile(0.9, sum by (le, route) (rate(request_seconds_bucket[5m])))", "E-PROMQL-HISTOGRAM", 1),
        ("sum(job:requests:rate5m)", "E-BIND-MISSING", 5),
        ('requests_total{namespace="x"}', "E-LABEL-MISSING", 16),
        ('{__name__="requests_total"}', "E-PROMQL-UNSUPPORTED", 1),
        ('requests_total{version="a" or version="b"}', "E-PROMQL-UNSUPPORTED", 27),
        ("requests_total[5m]", "E-PROMQL-UNSUPPORTED", 1),
        ("sum(", "E-PROMQL-SYNTAX", 1),
        ("(" * 100, "E-PROMQL-SYNTAX", 1),
    ],
)
def test_what_is_outside_is_refused_with_code_and_column(tmp_path: Path, query: str, code: str, column: int) -> None:
    with pytest.raises(RefusalError) as told:
        prepared(query, bindings(tmp_path))
    assert (told.value.code, told.value.column) == (code, column)


@pytest.mark.parametrize("query", ["irate(requests_total[1m])", "count_over_time(requests_total[1m])"])
def test_what_speaks_of_scrapes_is_refused_to_truth(tmp_path: Path, query: str) -> None:
    store, given = sandbox(http_requests=[request(second) for second in range(0, 100, 5)]), bindings(tmp_path)
    with pytest.raises(RefusalError, match="E-PROMQL-TRUTH"):
        value(query, store, given, [90])
    assert shown(value(query, store, given, [90], phase=0))


@pytest.mark.parametrize(
    "change",
    [
        ('where = "http_response_status_code = 401"', "where = \"read_text('/etc/passwd') = ''\""),
        ('where = "http_response_status_code = 401"', 'where = "true); drop table requests; select (true"'),
        ('where = "http_response_status_code = 401"', 'where = "no_such_column = 1"'),
    ],
)
def test_a_binding_runs_in_the_sandbox(tmp_path: Path, change: tuple[str, str]) -> None:
    with pytest.raises(RefusalError, match="E-BIND-SQL"):
        value(
            "sum(auth_failures_total)",
            sandbox(http_requests=[request(1)]),
            bindings(tmp_path, BINDINGS.replace(*change)),
            [60],
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[metric]]\nname = "a"\ntable = "x; drop"\n', "no name of a table"),
        ('[[metric]]\nname = "a b"\ntable = "x"\n', "no name of a metric"),
        ('[[metric]]\nname = "a"\ntable = "x"\nkind = "gauge"\n', "needs a value"),
        ('[[metric]]\nname = "a"\ntable = "x"\nlabels = { "a b" = "x" }\n', "Labels are names"),
        ('[scrape]\ninterval = "0.5s"\n', "whole number of seconds"),
        ("[scrape]\nphases = 0\n", "phases"),
        ('[[metric]]\nname = "a"\ntabel = "x"\n', "tabel"),
    ],
)
def test_bindings_are_checked(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        bindings(tmp_path, text)
    assert told in str(error.value)


def test_a_case_without_the_table_gives_nothing(tmp_path: Path) -> None:
    assert shown(value("sum(requests_total)", sandbox(), bindings(tmp_path), [60])) == {}


def test_a_binding_may_name_its_pod_itself_and_values_may_be_missing(tmp_path: Path) -> None:
    text = '[[metric]]\nname = "sent"\ntable = "outbound"\nvalue = "source_bytes"\nlabels = { pod = "destination" }\n'
    rows = [
        connection(10, "a"),
        connection(20, "a") | {"source_bytes": None},
        connection(30, "b") | {"source_bytes": None},
    ]
    found = shown(value("increase(sent[1m])", sandbox(connections=rows), bindings(tmp_path, text), [60]))
    assert found == {(("pod", "a"),): [1000.0], (("pod", "b"),): [0.0]}
