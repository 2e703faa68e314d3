"""Replays over small cases: the trace, verdicts, readings, episodes, lags, blast radius; and the sample rollout."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from forensics.case import open_case
from forensics.investigate import replay as investigate
from forensics.replay.engines import GateEnd, RunEnd, Tick, Value
from forensics.replay.engines.trace import Counts
from forensics.replay.policies import load
from forensics.replay.rollout import Known
from forensics.replay.run import Settings, replay
from forensics.replay.verdicts import decide, lags
from forensics.store import Sandbox
from tests.conftest import SAMPLES, Reviewed
from tests.replay.cases import START, bindings, connection, request, sandbox

GUIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "guide-policy"
SIMPLE = """
[[metric]]
name = "requests_total"
table = "requests"
labels = { version = "cohort" }

[[metric]]
name = "auth_failures_total"
table = "requests"
where = "http_response_status_code = 401"
labels = { version = "cohort" }

[[metric]]
name = "network_connections_total"
table = "outbound"
labels = { version = "cohort", destination = "destination" }
"""
AUTH = """\
  - name: auth-failure-rate
    provider:
      prometheus:
        query: |
          rate(auth_failures_total{version="canary"}[5m])
          / rate(requests_total{version="canary"}[5m])
    successCondition: result[0] < 0.05
    failureLimit: 3
    interval: 60s
"""
OUTBOUND = """\
  - name: unexpected-outbound-connections
    provider:
      prometheus:
        query: |
          count(network_connections_total{version="canary", destination!~"allowed-hosts.*"})
    successCondition: result[0] == 0
    failureLimit: 1
    interval: 60s
"""


def template(*metrics: str) -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: checks}\nspec:\n  metrics:\n"
        + "".join(metrics)
    )


def moment(second: float) -> datetime:
    return START + timedelta(seconds=second)


def replayed(
    folder: Path,
    text: str,
    store: Sandbox,
    known: Known | None = None,
    *,
    bound: str = SIMPLE,
    skew: float | None = 0.0,
    name: str = "p.yaml",
) -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    policies = load([folder / name])
    return replay(store, policies, bindings(folder, bound), known or Known(), Settings(skew))


def only(told: dict[str, Any]) -> dict[str, Any]:
    ((run,),) = [policy["runs"] for policy in told["policies"]]
    found: dict[str, Any] = run
    return found


def at(told: str) -> float | None:
    return (datetime.fromisoformat(told.removesuffix("Z")) - START).total_seconds() if told else None


def traffic(bad_from: float) -> list[dict[str, Any]]:
    """A request a second from ten minutes before the start to twenty behind it; 2 % fail, and from `bad_from` on every one."""
    return [request(second, 401 if second > bad_from or second % 50 == 0 else 200) for second in range(-600, 1201)]


@cache
def bad_from_585() -> Sandbox:
    return sandbox(http_requests=traffic(585))


def test_the_guides_auth_gate_triggers_at_780(tmp_path: Path) -> None:
    """From 585 s on all fail: at 540 s 2 % of the window, at 600 s 20 of 300 (15 since 585 s, 5 before), which is 6.7 %."""
    told = only(replayed(tmp_path, template(AUTH), bad_from_585(), Known(moment(585), "label")))
    (gate,) = told["gates"]
    assert (at(gate["first_failed"]), at(told["trigger"]), gate["state"]) == (600.0, 780.0, "Failed")
    failed = [row for row in told["trace"] if row["reading"] == "truth" and row["phase"] == "Failed"]
    assert [(at(row["time"]), row["failed"], row["k"], row["n"]) for row in failed][:2] == [
        (600.0, 1, 20.0, 300.0),
        (660.0, 2, 79.0, 300.0),
    ]


def test_the_guides_outbound_gate_stops_a_clean_rollout_after_40_seconds(tmp_path: Path) -> None:
    rows = [request(second, 401 if second % 250 == 0 else 200) for second in range(-600, 7300, 5)]
    told = only(replayed(tmp_path, template(AUTH, OUTBOUND), sandbox(http_requests=rows), Known(outcome="promoted")))
    auth, outbound = told["gates"]
    assert (at(told["trigger"]), told["phase"], told["verdict"]) == (40.0, "Error", "FALSE-ROLLBACK")
    assert (outbound["state"], auth["state"]) == ("Error", "Successful")  # the sibling closes as successful
    assert auth["trigger_alone"] == ""
    assert [
        at(row["time"]) for row in told["trace"] if row["gate"].startswith("unexpected") and row["reading"] == "truth"
    ] == [0, 10, 20, 30, 40]


def test_the_guides_outbound_gate_with_a_default_triggers_at_660(tmp_path: Path) -> None:
    fixed = OUTBOUND.replace('allowed-hosts.*"})', 'allowed-hosts.*"}) or vector(0)')
    store = sandbox(
        connections=[connection(600), *(connection(second, "allowed-hosts") for second in range(0, 3600, 20))]
    )
    told = only(replayed(tmp_path, template(fixed), store, Known(moment(600), "label", moment(2000), "rollback")))
    assert (at(told["gates"][0]["first_failed"]), at(told["trigger"]), told["verdict"]) == (600.0, 660.0, "LATE-HUMAN")
    assert told["lags"] == {"exposure": 0.0, "window": 0.0, "limit": 60.0, "action": 1340.0, "detect": 60.0}


def test_one_call_is_seen_by_truth_and_not_by_prometheus(tmp_path: Path) -> None:
    gate = (
        OUTBOUND.replace("count(network", "sum(increase(network")
        .replace('allowed-hosts.*"})', 'allowed-hosts.*"}[5m])) or vector(0)')
        .replace("Limit: 1", "Limit: 0")
    )
    store = sandbox(
        connections=[connection(300), *(connection(second, "allowed-hosts") for second in range(0, 3600, 20))]
    )
    told = only(replayed(tmp_path, template(gate), store))
    truth, scrape = told["readings"]
    assert (truth["reading"], at(truth["earliest"]), truth["triggering"]) == ("TRUTH, as known now", 300.0, 1)
    assert (scrape["reading"], scrape["earliest"], scrape["triggering"], scrape["of"]) == ("SCRAPE", "", 0, 4)
    assert (told["gates"][0]["scrape_sees"], told["gates"][0]["scrape_phases"]) == (0, 4)


def test_a_trigger_of_scrapes_is_an_interval_over_their_phases(tmp_path: Path) -> None:
    """A second call 8 s before a tick is scraped before it by two of four phases only."""
    gate = (
        OUTBOUND.replace("count(network", "sum(increase(network")
        .replace('allowed-hosts.*"})', 'allowed-hosts.*"}[5m])) or vector(0)')
        .replace("Limit: 1", "Limit: 0")
    )
    calls = [connection(200), connection(292), *(connection(second, "allowed-hosts") for second in range(0, 3600, 20))]
    told = only(replayed(tmp_path, template(gate), sandbox(connections=calls)))
    scrape = told["readings"][1]
    assert (at(scrape["earliest"]), at(scrape["latest"]), scrape["triggering"]) == (300.0, 360.0, 4)


def test_a_refused_gate_makes_the_verdict_incomplete(tmp_path: Path) -> None:
    web = "  - name: scan\n    provider: {web: {url: x}}\n"
    told = replayed(tmp_path, template(AUTH, web), bad_from_585(), Known(moment(585), "label"))
    run = only(told)
    assert (told["verdict"], run["verdict"], at(run["trigger"])) == ("INCOMPLETE", "INCOMPLETE", 780.0)
    scan = run["gates"][1]
    assert (scan["state"], scan["code"]) == ("NOT REPLAYED", "E-PROVIDER-UNSUPPORTED")
    assert scan["place"].endswith("p.yaml:16 (spec.metrics[1].provider)")


def test_a_metric_that_is_bound_to_nothing_is_refused(tmp_path: Path) -> None:
    run = only(replayed(tmp_path, template(AUTH), bad_from_585(), bound="[scrape]\n"))
    assert (run["gates"][0]["code"], run["verdict"]) == ("E-BIND-MISSING", "INCOMPLETE")


def test_a_case_without_phases_is_incomplete(tmp_path: Path) -> None:
    store = sandbox(http_requests=[])
    store.execute("create or replace table dims.phases as select * from dims.phases limit 0")
    told = replayed(tmp_path, template(AUTH), store)
    assert told["verdict"] == "INCOMPLETE"
    assert "no phases" in only(told)["reason"]


def test_a_window_in_a_gap_is_undecidable(tmp_path: Path) -> None:
    rows = [row for row in traffic(99999) if not moment(900).isoformat() < row["time"] < moment(1200).isoformat()]
    told = only(replayed(tmp_path, template(AUTH), sandbox(http_requests=rows), Known(action=moment(1250))))
    assert told["verdict"] == "UNDECIDABLE"
    assert "auth-failure-rate at 960 s" in told["reason"]  # (660, 960] is the first window that touches (900, 1200)


def test_two_tries_are_two_episodes(tmp_path: Path) -> None:
    store = sandbox(http_requests=traffic(585))
    store.execute("update dims.phases set start_time = start_time + interval 10 minutes where phase = 'weight-50'")
    told = replayed(tmp_path, template(AUTH), store, Known(moment(585), "label", moment(1000), "rollback"))
    first, second = told["policies"][0]["runs"]
    assert (first["episode"], at(first["end"]), first["verdict"]) == (1, 1060.0, "LATE-HUMAN")
    assert (second["episode"], at(second["start"])) == (2, 4200.0)


def test_a_weight_that_never_came_is_not_replayed(tmp_path: Path) -> None:
    rollout = (
        "kind: Rollout\nmetadata: {name: app}\nspec: {strategy: {canary: {steps: [{setWeight: 50}, {pause: {duration: 5m}}, "
        "{analysis: {templates: [{templateName: checks}]}}, {setWeight: 75}, {analysis: {templates: [{templateName: checks}]}}]}}}\n---\n"
    )
    once = AUTH.replace("interval: 60s", "count: 1").replace("Limit: 3", "Limit: 0")
    told = replayed(tmp_path, rollout + template(once), bad_from_585())
    first, second = told["policies"][0]["runs"]
    assert at(first["start"]) == 3900.0  # 50 % begins after an hour, and five minutes of pause
    assert second["reason"] == "the rollout never came to weight 75 %"


def test_clocks_that_decide_make_it_undecidable(tmp_path: Path) -> None:
    """One bad call 2 s before the end of the last window: with clocks 5 s off it is outside."""
    gate = (
        OUTBOUND.replace("count(network", "sum(increase(network")
        .replace('allowed-hosts.*"})', 'allowed-hosts.*"}[5m])) or vector(0)')
        .replace("Limit: 1", "Limit: 0")
    )
    calls = [connection(7198), *(connection(second, "allowed-hosts") for second in range(0, 7300, 20))]
    store = sandbox(connections=calls)
    assert at(only(replayed(tmp_path, template(gate), store, Known(moment(7198), "label")))["trigger"]) == 7200.0
    assert (
        only(replayed(tmp_path, template(gate), store, Known(moment(7198), "label"), skew=5.0))["verdict"]
        == "UNDECIDABLE"
    )


def test_our_own_policy_by_sql_and_phase(tmp_path: Path) -> None:
    text = (
        'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nphase = "weight-50"\nwindow = "60s"\nsuccess = "result[0] == 0"\n'
        "sql = \"select count(*) as value, count(*) as n from connections where time > $window_start and time <= $tick and destination_domain = 'bad.example'\"\n"
    )
    calls = [connection(100), connection(3700), *(connection(second, "allowed-hosts") for second in range(0, 7300, 20))]
    told = only(replayed(tmp_path, text, sandbox(connections=calls), name="p.toml"))
    assert (at(told["start"]), at(told["end"]), at(told["trigger"])) == (3600.0, 7200.0, 3720.0)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select 'x' as value", "no number"),
        ("select * from read_text('/etc/passwd')", "read_text"),
        ("select nothing_here", "nothing_here"),
        ("select $unknown", "unknown"),
    ],
)
def test_sql_that_fails_says_why(tmp_path: Path, sql: str, told: str) -> None:
    text = f'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsuccess = "result[0] == 0"\nsql = "{sql}"\n'
    run = only(replayed(tmp_path, text, sandbox(), name="p.toml"))
    assert (run["verdict"], run["trigger"]) == ("INCOMPLETE", "")
    assert told in run["gates"][0]["why"]


@pytest.mark.parametrize("sql", ["drop table requests", "select 1; select 2", "selec 1", "copy requests to 'x'"])
def test_sql_that_is_no_select_is_refused(tmp_path: Path, sql: str) -> None:
    text = f'kind = "policy"\nname = "own"\n[[gate]]\nname = "g"\nsuccess = "result[0] == 0"\nsql = "{sql}"\n'
    run = only(replayed(tmp_path, text, sandbox(), name="p.toml"))
    assert (run["verdict"], run["gates"][0]["code"]) == ("INCOMPLETE", "E-SQL-REFUSED")


def test_late_records_have_a_reading_of_their_own(tmp_path: Path) -> None:
    """A failure of 30 s that came in after two minutes is in no window of one minute as known then."""
    bound = (
        SIMPLE
        + '[[metric]]\nname = "late"\ntable = "requests"\nwhere = "http_response_status_code = 500"\nknown_at = "time + interval 2 minutes"\n'
    )
    gate = AUTH.replace(
        'rate(auth_failures_total{version="canary"}[5m])\n          / rate(requests_total{version="canary"}[5m])',
        "sum(increase(late[1m])) or vector(0)",
    )
    rows = [request(second, 500 if second == 30 else 200) for second in range(-600, 3600)]
    told = only(
        replayed(tmp_path, template(gate.replace("Limit: 3", "Limit: 0")), sandbox(http_requests=rows), bound=bound)
    )
    now, then, _ = told["readings"]
    assert (now["reading"], at(now["earliest"])) == ("TRUTH, as known now", 60.0)
    assert (then["reading"], then["earliest"]) == ("TRUTH, as known then", "")


def test_the_blast_radius_counts_the_canary_only_and_says_how(tmp_path: Path) -> None:
    rows = [request(second, user_id=f"u{second % 7}") for second in range(600, 700)] + [
        request(650, 200, "baseline", user_id="other")
    ]
    calls = [
        connection(620),
        connection(640),
        connection(630, "usual.example"),
        connection(10, "usual.example", "baseline"),
    ]
    store = sandbox(
        http_requests=rows,
        connections=calls,
        http_exchanges=[request(650, sample_rate=0.1), request(651, sample_rate=0.1)],
    )
    known = Known(moment(600), "label", moment(650), "rollback", moment(700))
    action, contained = replayed(tmp_path, template(AUTH), store, known)["radius"]
    assert (action["until"], action["amounts"]["requests"]) == ("action", {"value": 50.0, "rule": "exact"})
    assert contained["amounts"]["users"] == {"value": 7.0, "rule": "exact"}
    assert contained["amounts"]["bytes_out_new"]["value"] == 2000.0
    assert contained["amounts"]["records"]["rule"] == "lower bound"
    responses = contained["amounts"][
        "responses"
    ]  # 2 / 0.1, and 1.96 sqrt(2 * 0.9 / 0.01) = 26.3 either way, not below the two that were seen
    assert responses["rule"] == "estimated"
    assert (responses["value"], responses["low"]) == (20.0, 2.0)
    assert responses["high"] == pytest.approx(46.3, abs=0.05)


def end(trigger: float | None = None, *, phase: Any = "Running", gap: bool = False, ticks: bool = True) -> RunEnd:
    tick = Tick(0.0, "g", Value([0.0], gap=gap), "Failed" if trigger is not None else "Successful", Counts(), phase, "")
    return RunEnd(phase, trigger, [GateEnd("g", phase, trigger, trigger, "")], [tick] if ticks else [])


BAD = Known(moment(100), "label", moment(1000), "rollback", outcome="rolled_back")


@pytest.mark.parametrize(
    ("trigger", "known", "word"),
    [
        (1000.0, BAD, "AGREES"),
        (940.0, BAD, "AGREES"),
        (1060.0, BAD, "AGREES"),
        (939.0, BAD, "LATE-HUMAN"),
        (1061.0, BAD, "GATE-BLIND"),
        (None, BAD, "GATE-BLIND"),
        (50.0, BAD, "FALSE-ROLLBACK"),  # before the onset
        (500.0, Known(outcome="promoted"), "FALSE-ROLLBACK"),
        (None, Known(outcome="promoted"), "AGREES"),
        (500.0, Known(moment(100), "label", outcome="promoted"), "LATE-HUMAN"),
        (None, Known(moment(100), "label", outcome="promoted"), "GATE-BLIND"),
        (500.0, Known(), "UNDECIDABLE"),
        (None, Known(), "UNDECIDABLE"),
    ],
)
def test_words(trigger: float | None, known: Known, word: str) -> None:
    when = None if trigger is None else moment(trigger)
    assert (
        decide(end(trigger, phase="Failed" if trigger else "Running"), when, known, 60.0, [], flips=False).word == word
    )


def test_words_of_doubt_come_first() -> None:
    assert decide(end(500.0, phase="Failed"), moment(500), BAD, 60.0, ["g (E-X)"], flips=True).word == "INCOMPLETE"
    assert decide(end(500.0, phase="Failed"), moment(500), BAD, 60.0, [], flips=True).word == "UNDECIDABLE"
    assert decide(end(500.0, phase="Failed", gap=True), moment(500), BAD, 60.0, [], flips=False).word == "UNDECIDABLE"
    assert decide(end(ticks=False), None, BAD, 60.0, [], flips=False).word == "UNDECIDABLE"
    assert decide(end(40.0, phase="Error"), moment(140), BAD, 60.0, [], flips=False).word == "FALSE-ROLLBACK"


def test_lags_add_up_to_the_time_to_detect() -> None:
    found = lags(BAD, moment(130), moment(180), moment(300))
    assert (found.exposure, found.window, found.limit, found.action, found.detect) == (30.0, 50.0, 120.0, 700.0, 200.0)
    without = lags(BAD, None, moment(180), moment(300))
    assert (without.exposure, without.window) == (None, 80.0)


def test_an_onset_is_known_by_hand_or_by_the_first_finding(reviewed: Reviewed) -> None:
    case = open_case(reviewed.case("checkout-compromised"))
    assert investigate.known_of(case).onset_from.startswith("detector: first record of F-")
    assert investigate.known_of(case, "2026-03-03T09:17:42Z").onset == datetime(2026, 3, 3, 9, 17, 42)  # noqa: DTZ001 - table times have no zone


def sample(reviewed: Reviewed, policy: Path) -> dict[str, Any]:
    binding = SAMPLES / "checkout-compromised/policy/bindings.toml"
    case = open_case(reviewed.case("checkout-compromised"))
    return investigate.run(case, [policy], binding, {}, investigate.known_of(case), Settings())


def test_our_policy_stops_the_compromised_rollout_before_people_did(reviewed: Reviewed) -> None:
    """The first anonymous answer of /admin/reports is of 09:02:21, the first beacon of 09:17:42 (expected.toml)."""
    told = sample(reviewed, SAMPLES / "checkout-compromised/policy/policy.toml")
    (run,) = told["policies"][0]["runs"]
    assert (run["trigger"], run["verdict"]) == ("2026-03-03T09:03:00Z", "LATE-HUMAN")
    alone = {gate["gate"]: gate["trigger_alone"] for gate in run["gates"]}
    assert alone["nobody-gets-in-who-was-refused"] == "2026-03-03T09:03:00Z"
    assert alone["no-new-destination"] == "2026-03-03T09:18:00Z"
    truth = tomllib.loads((SAMPLES / "checkout-compromised/expected.toml").read_text())
    action = next(row["amounts"] for row in told["radius"] if row["until"] == "action")
    assert action["requests"]["value"] == sum(truth["requests"]["canary"].values())
    assert action["users"]["value"] == truth["pinning"]["users_on_canary"]
    assert action["bytes_out_new"]["value"] == truth["planted"]["phone_home"]["bytes_up"]
    planted = truth["planted"]
    assert action["records"] == {
        "value": float(planted["stack_traces"]["canary_exchanges"] + planted["order_contact_email"]["canary_exchanges"]), "rule": "lower bound",
    }  # fmt: skip
    spared = next(row["amounts"] for row in told["radius"] if row["until"].startswith("saved"))
    early = next(row["amounts"] for row in told["radius"] if row["until"].startswith("trigger"))
    assert spared["requests"]["value"] + early["requests"]["value"] == action["requests"]["value"]


def test_our_policy_leaves_the_clean_rollout_alone(reviewed: Reviewed) -> None:
    case, folder = open_case(reviewed.case("checkout-clean")), SAMPLES / "checkout-compromised/policy"
    told = investigate.run(
        case, [folder / "policy.toml"], folder / "bindings.toml", {}, investigate.known_of(case), Settings()
    )
    assert (told["verdict"], told["stops"]) == ("AGREES", False)
    assert {gate["trigger_alone"] for gate in only(told)["gates"]} == {""}


@pytest.mark.skipif(not GUIDE.exists(), reason="the guide's files are not here")
def test_the_guides_own_gates_as_they_would_really_have_gone(reviewed: Reviewed) -> None:
    run = only(sample(reviewed, GUIDE / "security-metrics-check.yaml"))
    assert (run["phase"], run["trigger"], run["verdict"]) == ("Error", "2026-03-03T09:00:40Z", "FALSE-ROLLBACK")


def test_the_same_case_gives_the_same_replay(tmp_path: Path) -> None:
    store = bad_from_585()
    assert replayed(tmp_path, template(AUTH), store) == replayed(tmp_path, template(AUTH), store)
