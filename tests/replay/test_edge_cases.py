"""Each edge case of docs/replay.md: its rule stands there, and a test here has its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from forensics.replay.promql import Grid
from forensics.replay.rollout import Known, episodes
from tests.replay.cases import START, bindings, connection, request, sandbox, shown, value
from tests.replay.test_run import AUTH, OUTBOUND, SIMPLE, at, moment, only, replayed, template, traffic
from tests.results.context import context

PAGE = Path(__file__).parents[2] / "docs" / "replay.md"


def rules() -> list[str]:
    section = PAGE.read_text(encoding="utf-8").partition("## Edge cases")[2].partition("\n## ")[0]
    return [
        re.sub(r"\W+", "_", title.lower()).strip("_")
        for title in re.findall(r"^\*\*(.+?)\.\*\*", section, re.MULTILINE)
    ]


def test_every_rule_has_a_test_and_every_test_a_rule() -> None:
    names = {name.removeprefix("test_edge_") for name in globals() if name.startswith("test_edge_")}
    assert names == set(rules())
    assert len(names) == 13


def sql_gate(sql: str, **more: str) -> str:
    extra = "".join(f"{name} = {text}\n" for name, text in more.items())
    return f'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsql = """{sql}"""\n{extra}'


def test_edge_clock_skew(tmp_path: Path) -> None:
    """The only call lies 3 s before the end: with clocks 5 s off it may lie behind it."""
    gate = (
        OUTBOUND.replace("count(network", "sum(increase(network")
        .replace('hosts.*"})', 'hosts.*"}[1m])) or vector(0)')
        .replace("Limit: 1", "Limit: 0")
    )
    store = sandbox(
        connections=[connection(7197), *(connection(second, "allowed-hosts") for second in range(0, 7300, 30))]
    )
    known = Known(moment(7197), "label")
    assert only(replayed(tmp_path, template(gate), store, known))["verdict"] == "LATE-HUMAN"
    assert only(replayed(tmp_path, template(gate), store, known, skew=5.0))["verdict"] == "UNDECIDABLE"
    assert only(replayed(tmp_path, template(gate), store, known, skew=1.0))["verdict"] == "LATE-HUMAN"


def test_clock_skew_is_estimated_from_requests_that_two_sources_have(tmp_path: Path) -> None:
    """Samples are stamped 5 s late (one of them wrongly by an hour, and one id is there twice): the median says 5 s."""
    ids: list[dict[str, Any]] = [{"http_request_id": f"r{number}"} for number in range(6)]
    seen = [request(10.0 * number, **ids[number]) for number in range(6)]
    late = [request(10.0 * number + (3600 if number == 3 else 5), **ids[number]) for number in range(6)]
    twice = [request(1000, http_request_id="again"), request(2000, http_request_id="again")]
    gate = (
        OUTBOUND.replace("count(network", "sum(increase(network")
        .replace('hosts.*"})', 'hosts.*"}[1m])) or vector(0)')
        .replace("Limit: 1", "Limit: 0")
    )
    calls = [connection(7197), *(connection(second, "allowed-hosts") for second in range(0, 7300, 30))]
    store = sandbox(http_requests=[*seen, *twice], http_exchanges=[*late, *twice], connections=calls)
    told = replayed(tmp_path, template(gate), store, Known(moment(7197), "label"), skew=None)
    assert told["assumptions"]["clock_skew_seconds"] == 5.0
    assert [(item["source_table"], item["matched"], item["offset_seconds"]) for item in told["assumptions"]["clocks"]] == [
        ("http_requests", 6, -5.0)
    ]  # fmt: skip
    assert only(told)["verdict"] == "UNDECIDABLE"
    fewer = sandbox(http_requests=seen[:4], http_exchanges=late[:4], connections=calls)
    told = replayed(tmp_path, template(gate), fewer, Known(moment(7197), "label"), skew=None)
    assert (told["assumptions"]["clock_skew_seconds"], told["assumptions"]["clocks"]) == (0.0, [])


def test_edge_sampling(tmp_path: Path) -> None:
    """Errors kept whole, successes one in ten: 5 of 5 + 9 rows are 5 of 95 requests."""
    text = '[[metric]]\nname = "{0}"\ntable = "exchanges"\nwhere = "{1}"\nsample_rate = "sample_rate"\ninstance = ""\n'
    given = bindings(tmp_path, text.format("failed", "http_response_status_code = 500") + text.format("all", "true"))
    rows = [request(second, 500, sample_rate=1.0) for second in range(1, 6)] + [
        request(second, sample_rate=0.1) for second in range(10, 19)
    ]
    found = value("increase(failed[1m]) / increase(all[1m])", sandbox(http_exchanges=rows), given, [60])
    assert shown(found) == {(): [pytest.approx(5 / 95)]}


def test_edge_phase_weights(tmp_path: Path) -> None:
    """The weight says 10 %, the canary got half: the comparison counts what was there, 20 of 50 against 5 of 50."""
    sql = (
        "select count(*) filter (where cohort = 'canary') as n, count(*) filter (where cohort = 'canary' and http_response_status_code = 401) as k, "
        "count(*) filter (where cohort = 'baseline') as baseline_n, count(*) filter (where cohort = 'baseline' and http_response_status_code = 401) as baseline_k "
        "from requests where in_phase and time > $window_start and time <= $tick"
    )
    rows = [request(second, 401 if second % 5 < 2 else 200) for second in range(1, 51)]
    rows += [request(second, 401 if second % 10 == 0 else 200, "baseline") for second in range(1, 51)]
    told = only(
        replayed(
            tmp_path,
            sql_gate(sql, compare='{ alpha = 0.01, direction = "higher" }', window='"60s"'),
            sandbox(http_requests=rows),
            name="p.toml",
        )
    )
    assert "canary 20 of 50, baseline 5 of 50" in told["gates"][0]["why"]
    assert at(told["trigger"]) == 60.0


def test_edge_retries(tmp_path: Path) -> None:
    """Two attempts of one request, the first failed: rates count the last alone, the blast radius both."""
    rows = [
        request(10, 503, http_request_id="r", session_id="1"),
        request(11, 200, http_request_id="r", session_id="2"),
    ]
    last = "not exists (select 1 from requests later where later.http_request_id = requests.http_request_id and later.time > requests.time)"
    text = f'[[metric]]\nname = "outcomes"\ntable = "requests"\nwhere = "{last}"\nlabels = {{ status = "http_response_status_code" }}\n'
    store = sandbox(http_requests=rows)
    found = shown(value("sum by (status) (increase(outcomes[1m]))", store, bindings(tmp_path, text), [60]))
    assert found == {(("status", "200"),): [1.0]}
    radius = replayed(tmp_path, template(AUTH), store, Known(START, "label", moment(60), "rollback"))["radius"]
    assert radius[0]["amounts"]["requests"]["value"] == 2.0


def test_edge_gaps(tmp_path: Path) -> None:
    """The same hole: inconclusive for our own engine, what Prometheus would do for Argo, undecidable for the verdict."""
    rows = [row for row in traffic(99999) if not moment(300).isoformat() < row["time"] < moment(600).isoformat()]
    store, known = sandbox(http_requests=rows), Known(action=moment(660))
    argo = only(replayed(tmp_path, template(AUTH), store, known))
    own = only(
        replayed(
            tmp_path,
            sql_gate(
                "select 0.0 as value, 100 as n from requests where time <= $tick limit 1", success='"result[0] == 0"'
            ),
            store,
            known,
            name="p.toml",
        )
    )
    hole = {row["time"]: (row["state"], row["phase"]) for row in own["trace"] if row["reading"] == "truth"}
    assert hole["2026-03-03T09:08:00Z"] == ("gap", "Inconclusive")
    seen = {row["time"]: (row["state"], row["phase"]) for row in argo["trace"] if row["reading"] == "truth"}
    assert seen["2026-03-03T09:08:00Z"] == ("gap", "Successful")
    assert (argo["verdict"], own["verdict"]) == ("UNDECIDABLE", "UNDECIDABLE")


def test_edge_late_data(tmp_path: Path) -> None:
    bound = (
        SIMPLE
        + '[[metric]]\nname = "late"\ntable = "requests"\nwhere = "http_response_status_code = 500"\nknown_at = "time + interval 2 minutes"\n'
    )
    gate = AUTH.replace(
        'rate(auth_failures_total{version="canary"}[5m])\n          / rate(requests_total{version="canary"}[5m])',
        "sum(increase(late[5m])) or vector(0)",
    )
    rows = [request(second, 500 if second == 30 else 200) for second in range(-600, 1200, 2)]
    told = only(
        replayed(tmp_path, template(gate.replace("Limit: 3", "Limit: 0")), sandbox(http_requests=rows), bound=bound)
    )
    now, then, _ = told["readings"]
    assert (at(now["earliest"]), at(then["earliest"])) == (60.0, 180.0)  # 30 s, known at 150 s


def test_edge_counter_resets_autoscaling(tmp_path: Path) -> None:
    """A pod that was gone at 100 s keeps its samples in the windows that hold them, and a new one starts unseen."""
    rows = [request(second) for second in range(0, 101, 5)] + [
        request(second, k8s_pod_name="app-2-new", session_id="x") for second in (200,)
    ]
    found = shown(
        value(
            "sum by (pod) (increase(requests_total[2m]))",
            sandbox(http_requests=rows),
            bindings(tmp_path),
            [120, 210, 400],
            phase=0,
        )
    )
    old, new = found[(("pod", "app-2-a"),)], found.get((("pod", "app-2-new"),), [None, None, None])
    assert old[0] is not None
    assert old[0] > 10
    assert new[2] in (None, 0.0)


def test_edge_no_baseline(tmp_path: Path) -> None:
    sql = "select 30 as k, 100 as n, 0 as baseline_k, 0 as baseline_n"
    for on_no_data, phase in (("inconclusive", "Inconclusive"), ("fail", "Failed")):
        policy = sql_gate(sql, compare="{ alpha = 0.01 }", on_no_data=f'"{on_no_data}"', inconclusive_limit="0")
        told = only(replayed(tmp_path, policy, sandbox(), name="p.toml"))
        assert (told["phase"], "no baseline to compare with" in told["gates"][0]["why"]) == (phase, True)


def test_edge_zero_traffic(tmp_path: Path) -> None:
    """0 / 0 is told as nan, nothing as empty; neither passes in our own engine."""
    query = 'query = "sum(rate(auth_failures_total[1m])) / sum(rate(requests_total[1m]))"\n'
    policy = 'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsuccess = "result[0] <= 1"\n' + query
    rows = [request(10, 401), *(request(second) for second in range(-600, 10, 10))]
    told = only(replayed(tmp_path, policy, sandbox(http_requests=rows), Known(action=moment(240)), name="p.toml"))
    states = [(row["state"], row["phase"]) for row in told["trace"] if row["reading"] == "truth"]
    assert states[0] == ("empty", "Inconclusive")
    assert states[2] == ("nan", "Inconclusive")


def test_edge_sticky_or_by_request(tmp_path: Path) -> None:
    """One user with ten failures is one failing user."""
    sql = "select count(distinct unit_key) filter (where http_response_status_code = 401) as value from requests where cohort = 'canary' and time <= $tick"
    rows = [request(second, 401, session_id="same") for second in range(1, 11)]
    told = only(
        replayed(tmp_path, sql_gate(sql, success='"result[0] < 2"'), sandbox(http_requests=rows), name="p.toml")
    )
    assert {row["value"] for row in told["trace"] if at(row["time"]) == 60.0} == {1.0}


def test_edge_configuration_and_flags(tmp_path: Path) -> None:
    """The cohort comes from a flag; pod and version are the same on both sides."""
    flag = '[[cohort]]\ncohort = "canary"\nflag = "new-checkout"\nequals = "on"\n[[cohort]]\ncohort = "baseline"\nflag = "new-checkout"\nequals = "off"\n'
    rows: list[dict[str, Any]] = [
        {"time": moment(second).isoformat(), "observer": "o", "k8s_pod_name": "app-3-x", "service_version": "3", "http_request_method": "GET", "url_path": "/",
         "user_id": user, "http_response_status_code": 200}
        for second, user in ((10, "a"), (11, "a"), (12, "b"))
    ]  # fmt: skip
    flags = [
        {
            "time": moment(0).isoformat(),
            "feature_flag_key": "new-checkout",
            "feature_flag_variant": variant,
            "user_id": user,
        }
        for user, variant in (("a", "on"), ("b", "off"))
    ]
    store = context(flag, None, http_requests=rows, flag_events=flags).sandbox
    found = shown(value("sum by (version) (increase(requests_total[1m]))", store, bindings(tmp_path), [60]))
    assert found == {(("version", "baseline"),): [1.0], (("version", "canary"),): [2.0]}


def test_edge_time() -> None:
    """The night in which clocks in Berlin go forward has all its minutes: slots are counted in UTC microseconds."""
    from datetime import datetime, timedelta

    grid = Grid(datetime(2026, 3, 29, 0, 30), 60_000_000, 0, 120)  # noqa: DTZ001 - table times have no zone
    assert grid.slots(7200) == 120
    assert grid.origin + timedelta(microseconds=grid.last * grid.quantum) == datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - the same


def test_edge_rollback_and_second_try() -> None:
    store = sandbox(http_requests=[])
    store.execute("update dims.phases set start_time = start_time + interval 10 minutes where phase = 'weight-50'")
    first, second = episodes(store, Known(moment(100), "label", moment(4300), "rollback"))
    assert (first.known.onset, first.known.action) == (moment(100), None)
    assert second.known.action == moment(4300)
