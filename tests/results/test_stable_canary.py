"""The stable/canary table: shares by phase and caller, latencies, other tables, metrics, and the action each asks for."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from forensics.findings import Verdict
from forensics.results import stable_canary
from forensics.results._clusters import Clustered
from forensics.verdict import with_table
from tests.results.context import context, requests

Row = dict[str, Any]


def table(*parts: list[Row], toml: str = "", **tables: Any) -> dict[str, Row]:
    built = stable_canary.build(context(toml, http_requests=[row for part in parts for row in part], **tables))
    return {row["metric"]: row for row in built["rows"]}


def test_stable_is_weighted_to_the_phases_of_the_canary() -> None:
    """Simpson: equal in both phases (10 %, 50 %), so equal, though pooled the canary would fail far more often."""
    rows = table(
        requests("2", 9, 200), requests("2", 1, 500), requests("1", 180, 200), requests("1", 20, 500),
        requests("2", 50, 200, minute="10:30"), requests("2", 50, 500, minute="10:30"),
        requests("1", 10, 200, minute="10:30"), requests("1", 10, 500, minute="10:30"),
    )  # fmt: skip
    errors = rows["error rate (5xx)"]
    assert errors["canary"] == pytest.approx(51 / 110)
    assert errors["stable"] == pytest.approx((10 * 0.1 + 100 * 0.5) / 110)
    assert errors["variance"] == pytest.approx(0)
    assert errors["interval"][0] < 0 < errors["interval"][1]
    assert (errors["n_canary"], errors["n_stable"]) == (110, 220)


def test_one_busy_caller_is_one_draw() -> None:
    """100 failures of one caller among 100 callers with one request each: not an error rate of one half that holds for people."""
    busy = requests("2", 100, 500, session_id="busy")
    rows = table(busy, requests("2", 100, 200), requests("1", 400, 200))
    errors = rows["error rate (5xx)"]
    assert errors["canary"] == 0.5
    assert errors["canary_without_top_caller"] == 0
    assert errors["top_caller_share"] == 0.5
    assert (
        errors["interval"][0] < 0.2
    )  # as from four independent requests: residuals 50 and -1/2, a design effect of 51
    assert errors["action"] == "above the limit of 1.0%: look into it"
    spread = table(requests("2", 100, 500), requests("2", 100, 200), requests("1", 400, 200))["error rate (5xx)"]
    assert spread["interval"][0] > 0.4
    assert spread["action"] == "above the limit of 1.0%: roll back"


def test_the_design_effect_by_hand() -> None:
    """Two callers of two requests, one failing always: p = 1/2, residuals +1 and -1, variance 2/1 * 2/16 = 1/4, four times 1/16."""
    part = Clustered(n=4, k=2, callers=2, touched=1, kk=4, kn=4, nn=8, top_k=2, top_n=2)
    assert part.effective == pytest.approx(1.0)
    even = Clustered(n=4, k=2, callers=4, touched=2, kk=2, kn=2, nn=4, top_k=1, top_n=1)
    assert even.effective == pytest.approx(3.0)  # 4 / (4/3): the estimated variance divides by 3
    assert Clustered(n=40, k=0, callers=4, touched=0, kk=0, kn=0, nn=400, top_k=0, top_n=10).effective == 4


@pytest.mark.parametrize(
    ("canary", "stable", "action"),
    [
        ((0, 400), (4, 400), "none"),
        ((60, 400), (4, 400), "above the limit of 1.0%: roll back"),
        ((4, 450), (0, 900), "more than 0.1% above stable: roll back"),
        ((9, 400), (8, 400), "above the limit of 1.0%, and so is stable: look into it"),
    ],
)
def test_actions_of_the_error_rate(canary: tuple[int, int], stable: tuple[int, int], action: str) -> None:
    parts = [
        part
        for version, (bad, all_of) in (("2", canary), ("1", stable))
        for part in (requests(version, bad, 503), requests(version, all_of - bad, 200))
    ]
    assert table(*parts)["error rate (5xx)"]["action"] == action


def test_refusals_that_get_fewer_are_looked_into() -> None:
    rows = table(requests("2", 100, 200), requests("1", 100, 403), requests("1", 100, 200))
    assert rows["403 rate"]["action"] == "look into it"
    assert rows["403 rate"]["variance"] == -0.5


def test_latency_quantiles_and_what_is_asked() -> None:
    draw = random.Random(3)  # noqa: S311 - values to look at
    slow = [{**row, "duration_ms": 300 + draw.random() * 100} for row in requests("2", 300, 200)]
    quick = [{**row, "duration_ms": 100 + draw.random() * 100} for row in requests("1", 300, 200)]
    rows = table(slow, quick)
    exact = sorted(row["duration_ms"] for row in slow)[math.ceil(0.95 * 300) - 1]
    p95 = rows["latency p95"]
    assert p95["canary"] == pytest.approx(exact, rel=0.022)
    assert p95["interval"][0] > 150
    assert p95["action"] == "worse than stable: roll back"
    assert rows["latency p50"]["action"] == "look into it"
    relaxed = table(slow, quick, toml="\n[thresholds]\nrollback_p95_above_stable = 2.0\n")
    assert relaxed["latency p95"]["action"] == "look into it"
    same = table(
        [{**row, "duration_ms": 700.0} for row in requests("2", 90, 200)],
        [{**row, "duration_ms": 600.0} for row in requests("1", 90, 200)],
        toml="\n[thresholds]\nrollback_p95_above_stable = 0.5\n",
    )
    assert same["latency p99"]["action"] == "above 500 ms: look into it"


def test_synthetic_requests_are_left_out_and_unnamed_ones_are_told() -> None:
    probes = requests("2", 500, 500, client_address="10.0.0.1", user_agent_original="kube-probe/1.29")
    nameless = [{**row, "session_id": None} for row in requests("1", 30, 200)]
    built = stable_canary.build(
        context(
            '\n[[zone]]\nname = "in"\ncidrs = ["10.0.0.0/8"]\nkind = "internal"\n',
            http_requests=[*probes, *requests("2", 30, 200), *nameless],
        )
    )
    errors = next(row for row in built["rows"] if row["metric"] == "error rate (5xx)")
    assert (errors["canary"], errors["n_canary"]) == (0, 30)
    assert len(built["warnings"]) == 2
    assert built["warnings"][0].startswith("30 of 560 requests name neither user, session nor client")


def test_nothing_to_compare() -> None:
    assert stable_canary.build(context(http_requests=requests("2", 5, 200)))["rows"] == []


def test_metrics_minute_by_minute() -> None:
    """Memory is 50 MB higher in each of ten minutes while both rise; a counter rises by 120 and 60 a minute, and is reset once."""

    def sample(name: str, version: str, minute: int, value: float) -> Row:
        return {
            "time": f"2026-03-03T09:{minute:02}:00",
            "observer": "m",
            "service_version": version,
            "metric_name": name,
            "metric_value": value,
        }

    memory = [
        sample("memory", version, minute, 100 * minute + extra + minute % 3)
        for minute in range(10)
        for version, extra in (("1", 0), ("2", 50))
    ]
    counter = [sample("orders_total", "1", minute, 60.0 * minute) for minute in range(10)]
    counter += [
        sample("orders_total", "2", minute, 120.0 * minute if minute < 5 else 120.0 * (minute - 4))
        for minute in range(10)
    ]
    rows = table(
        requests("2", 1, 200), requests("1", 1, 200), metrics=[*memory, *counter, sample("lonely", "2", 1, 1.0)]
    )
    assert rows["memory"]["variance"] == pytest.approx(50)
    assert rows["memory"]["action"] == "look into it"
    assert rows["memory"]["n_canary"] == 10
    assert (rows["orders_total"]["canary"], rows["orders_total"]["stable"]) == (pytest.approx(2.0), pytest.approx(1.0))
    assert rows["orders_total"]["unit"] == "a second"
    assert "lonely" not in rows


def test_other_tables() -> None:
    alerts = [
        {"time": "2026-03-03T09:30:00", "observer": "w", "service_version": version, "event_action": action}
        for version, action in (("2", "blocked"), ("2", "detected"), ("1", "detected"), ("9", "blocked"))
    ]
    blocks = table(requests("2", 4, 200), requests("1", 2, 200), runtime_alerts=alerts)["WAF blocks by request"]
    assert (blocks["canary"], blocks["n_canary"], blocks["stable"], blocks["n_stable"]) == (0.25, 4, 0.0, 2)
    # Newcombe's method 10: Wilson of 1/4 is 0.0456 to 0.6994, of 0/2 0 to 0.6576
    assert blocks["interval"] == pytest.approx(
        [0.25 - math.hypot(0.25 - 0.0456, 0.6576), 0.25 + (0.6994 - 0.25)], abs=2e-4
    )
    assert blocks["action"] == "none"
    more = table(requests("2", 40, 200), requests("1", 40, 200), runtime_alerts=alerts[:1] * 20)[
        "WAF blocks by request"
    ]
    assert (more["canary"], more["action"]) == (0.5, "look into it")
    assert "WAF blocks by request" not in table(requests("2", 4, 200), requests("1", 2, 200))


def test_connections_of_two_logs_of_one_sensor_are_not_counted_twice() -> None:
    def seen(observer: str, version: str, count: int, *, established: bool) -> list[Row]:
        row = {
            "time": "2026-03-03T09:30:00",
            "observer": observer,
            "service_version": version,
            "network_protocol_name": "tls",
        }
        return [{**row, "is_established": established}] * count

    rows = seen("zeek.ssl", "2", 4, established=False) + seen("zeek.ssl", "1", 8, established=True)
    rows += seen("zeek.conn", "2", 3, established=True) + seen("zeek.conn", "1", 90, established=True)
    found = table(requests("2", 1, 200), requests("1", 1, 200), connections=rows)["TLS handshakes that failed"]
    assert (found["canary"], found["n_canary"], found["stable"], found["n_stable"]) == (1.0, 4, 0.0, 8)


def test_throughput_and_sizes_are_compared_minute_by_minute() -> None:
    """Three minutes: canary 2, 4 and 0 requests of 100 bytes, stable 10, 12 and 14 of 300 bytes."""
    parts = [
        requests(version, count, 200, minute=minute, http_response_body_size=size)
        for minute, canary, stable in (("09:10", 2, 10), ("09:11", 4, 12), ("09:12", 0, 14))
        for version, count, size in (("2", canary, 100), ("1", stable, 300))
    ]
    rows = table(*parts)
    throughput, size = rows["throughput"], rows["response size, mean of minutes"]
    assert (throughput["canary"], throughput["stable"], throughput["variance"]) == (2, 12, -10)
    assert (throughput["n_canary"], throughput["n_stable"], throughput["action"]) == (6, 36, "none")
    # differences -8, -8, -14: their standard deviation is sqrt(12), neighbours (-8, -8), (-8, -14) have no correlation
    half = 1.959964 * math.sqrt(12) / math.sqrt(3)
    assert throughput["interval"] == pytest.approx([-10 - half, -10 + half], rel=1e-6)
    assert (size["canary"], size["stable"], size["variance"], size["interval"]) == (100, 300, -200, [-200, -200])
    assert (size["n_canary"], size["n_stable"]) == (6, 22)


def test_new_kinds_of_exceptions() -> None:
    def thrown(version: str, kind: str, minute: str = "09:30") -> Row:
        return {"time": f"2026-03-03T{minute}:00", "service_version": version, "exception_type": kind}

    both = [*requests("2", 1, 200), *requests("1", 1, 200)]
    logs = [
        thrown("2", "A"),
        thrown("1", "A"),
        thrown("2", "B"),
        thrown("2", "C"),
        thrown("1", "D"),
        thrown("1", "C", "08:30"),
    ]
    found = table(both, app_logs=logs)["kinds of exceptions"]
    assert (found["canary"], found["stable"], found["action"]) == (3, 2, "1 new on the canary: look into it")
    assert (found["n_canary"], found["n_stable"]) == (3, 2)
    assert "kinds of exceptions" not in table(both, app_logs=[thrown("1", "A")])
    assert table(both, app_logs=logs[:2])["kinds of exceptions"]["action"] == "none"


def test_where_the_table_asks_to_roll_back_nothing_passes() -> None:
    passed = Verdict("pass", "fine")
    rows = [
        {"metric": "4xx rate", "action": "look into it"},
        {"metric": "latency p95", "action": "worse than stable: roll back"},
    ]
    assert with_table(passed, rows[:1]) is passed
    told = with_table(passed, rows)
    assert told.outcome == "review"
    assert told.reason.endswith("asks to act: latency p95, worse than stable: roll back")
    assert with_table(Verdict("block", "x"), rows) == Verdict("block", "x")
