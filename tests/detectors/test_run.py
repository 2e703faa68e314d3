"""The engine: states and their reasons, novelty, modifiers, statistics, suppressions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from forensics import statistics as st
from forensics.config import parse as parse_config
from forensics.detectors import Context, Detector, Outcome, by_id, entity_text, expired, load, run
from forensics.detectors.front import Needs, parse
from forensics.detectors.testing import DAY, DEFAULT_CONFIG, Row, fill
from forensics.store import Sandbox, open_memory
from tests.detectors.test_front import FRONT, text

DETECTORS = load()
CANARY: Row = {"time": "2026-03-03 09:10:00", "service_version": "2.4.0", "url_path": "/a"}
BASELINE: Row = {**CANARY, "service_version": "2.3.9"}
COUNTS = "1 as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n"
PLAIN = FRONT.replace("least = 1\n", "").replace('severity = "low"', 'severity = "high"')


@contextmanager
def tables(query: str, **rows: list[Row]) -> Iterator[Sandbox]:
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parse_config(DEFAULT_CONFIG).config, rows, query)
        yield sandbox


def judged(columns: str, front: str = PLAIN, more: str = "", day: date = DAY) -> Outcome:
    """Judge a detector that returns rows made of `columns` over one request of each cohort."""
    detector = parse(text(front, f"select {columns} order by 1"), "mine", "one", "one.sql")
    context = Context(parse_config(DEFAULT_CONFIG + more).config, day)
    with tables(detector.query, http_requests=[CANARY, BASELINE]) as sandbox:
        return run(sandbox, detector, context)


def state_of(detector: Detector, **rows: list[Row]) -> tuple[str, str]:
    with tables(detector.query, **rows) as sandbox:
        state = run(sandbox, detector, Context(parse_config(DEFAULT_CONFIG).config, DAY)).state
    return state.state, state.reason


ANONYMOUS = by_id(DETECTORS, "access.anonymous_allow_flip")
# The same SELECT with needs that a small test can miss by one row.
FLIP = replace(
    ANONYMOUS,
    front=msgspec.structs.replace(ANONYMOUS.front, needs=Needs(["http_requests"], canary_rows=30, baseline_rows=100)),
)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "there is no http_requests evidence"),
        ([{"url_path": "/a", "repeat": 500}], "no row of http_requests could be given to a cohort"),
        ([{**CANARY, "repeat": 29}, {**BASELINE, "repeat": 500}], "only 29 canary rows in http_requests, 30 needed"),
        ([{**CANARY, "repeat": 30}, {**BASELINE, "repeat": 99}], "only 99 baseline rows in http_requests, 100 needed"),
    ],
)
def test_not_evaluated_says_why(rows: list[Row], reason: str) -> None:
    state, told = state_of(FLIP, http_requests=rows)
    assert state == "not_evaluated"
    assert told.startswith(reason)


SHELL = by_id(DETECTORS, "disclosure.intrusion_proof")
SEEN: Row = {**BASELINE, "http_response_body": "x", "repeat": 20}


def shell(*canary: Row) -> tuple[str, str]:
    """Judge responses of the canary, the first of which shows a shell, beside twenty of the baseline."""
    found = {"record_no": 1, "pattern": "intrusion.x", "pattern_class": "intrusion", "value_ordinal": 1}
    return state_of(SHELL, http_exchanges=[*canary, SEEN], content_matches=[found])


def test_what_few_rows_prove_is_found() -> None:
    """Too few rows forbid to say clean; what is in them, and not on the baseline, is a finding."""
    assert shell({**CANARY, "http_response_body": "x", "repeat": 8}) == (
        "finding",
        "1 found; that is no proof of the rest: only 8 canary responses with a body that could be searched, 20 needed",
    )


def test_without_a_baseline_nothing_is_new() -> None:
    rows = [{**CANARY, "http_response_body": "x", "repeat": 8}, {**SEEN, "repeat": 19}]
    assert state_of(SHELL, http_exchanges=rows)[0] == "not_evaluated"


def test_responses_that_could_not_be_searched_are_not_clean() -> None:
    """Forty responses of the canary without a body: nothing was looked at, whatever their number."""
    state, reason = state_of(SHELL, http_exchanges=[{**CANARY, "repeat": 40}, SEEN])
    assert (state, reason) == ("not_evaluated", "only 0 canary responses with a body that could be searched, 20 needed")
    state, reason = state_of(SHELL, http_exchanges=[{**CANARY, "http_response_body": "x", "repeat": 40}, SEEN])
    assert state == "clean"
    assert reason.startswith("nothing found in 40 canary responses whose body could be searched")


def test_prior_rows_are_no_baseline() -> None:
    before = {**BASELINE, "time": "2026-03-03 08:10:00", "repeat": 500}
    assert state_of(FLIP, http_requests=[{**CANARY, "repeat": 30}, before])[0] == "not_evaluated"


def test_every_needed_table_must_be_there() -> None:
    rows = [{**CANARY, "repeat": 5}, {**BASELINE, "repeat": 20}]
    connections = [{key: value for key, value in row.items() if key != "url_path"} for row in rows]
    assert state_of(by_id(DETECTORS, "outbound.direct_to_ip"), connections=connections) == (
        "not_evaluated",
        "there is no dns_queries evidence",
    )


ROLE = by_id(DETECTORS, "access.role_allow_flip")


def flip(**canary: object) -> tuple[str, str]:
    refused = {
        **BASELINE,
        "url_path": "/a",
        "http_response_status_code": 403,
        "user_id": "b{n}",
        "user_role": "x",
        "repeat": 9,
    }
    row = {**CANARY, "url_path": "/a", "http_response_status_code": 200, "repeat": 30}
    return state_of(ROLE, http_requests=[{**row, **canary}, refused])


def test_what_no_record_shows_is_not_clean() -> None:
    assert flip() == ("not_evaluated", "no canary record shows a role")
    assert flip(user_id="u", user_role="y")[0] == "clean"
    assert flip(user_id="u", user_role="x") == ("finding", "1 found")


def test_fewer_rows_than_clean_needs_prove_what_is_in_them() -> None:
    assert flip(user_id="u", user_role="x", repeat=1) == (
        "finding",
        "1 found; that is no proof of the rest: only 1 canary rows in http_requests and http_exchanges, 20 needed",
    )
    assert flip(user_id="u", user_role="y", repeat=19)[0] == "not_evaluated"


def test_what_is_to_be_shown_has_a_view() -> None:
    front = msgspec.structs.replace(ROLE.front, needs=msgspec.structs.replace(ROLE.front.needs, shown=["colours"]))
    found = state_of(replace(ROLE, front=front), http_requests=[{**CANARY, "repeat": 30}, {**BASELINE, "repeat": 9}])
    assert found[0] == "error"
    assert "shown_colours" in found[1]


def test_either_table_is_enough_and_the_rows_of_all_count() -> None:
    either = replace(
        ANONYMOUS,
        front=msgspec.structs.replace(
            ANONYMOUS.front,
            needs=Needs(["http_requests", "http_exchanges"], either=True, canary_rows=2, baseline_rows=1),
        ),
    )
    assert state_of(either)[1] == "there is no http_requests or http_exchanges evidence"
    assert state_of(either, http_exchanges=[{**CANARY, "repeat": 2}, BASELINE])[0] == "clean"
    assert state_of(either, http_requests=[CANARY], http_exchanges=[CANARY, BASELINE])[0] == "clean"
    told = "only 1 canary rows in http_requests and http_exchanges, 2 needed"
    assert state_of(either, http_requests=[CANARY, BASELINE]) == ("not_evaluated", told)


def test_clean_says_how_much_was_seen_and_what_could_have_been_missed() -> None:
    state, reason = state_of(FLIP, http_requests=[{**CANARY, "repeat": 30}, {**BASELINE, "repeat": 100}])
    assert state == "clean"
    assert "30 canary rows of http_requests" in reason
    assert "9.50%" in reason, "1 - 0.05 ** (1 / 30)"


@pytest.mark.parametrize(
    "columns",
    [
        "no_such_column as route",
        f"error('boom') as route, {COUNTS}",
        "'/a' as route",
        f"'/a' as path, {COUNTS}",
        "'/a' as route, null as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
        "'/a' as route, 'x' as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
        f"'/a' as route, {COUNTS}, 'yesterday' as first_seen",
        f"'/a' as route, {COUNTS}, [1, 2] as evidence",
        f"'/a' as route, {COUNTS}, ['x'] as modifiers",
        f"'/a' as route, {COUNTS}, [{{'name': 'x'}}] as modifiers",
    ],
)
def test_a_detector_that_fails_is_in_error_never_an_exception(columns: str) -> None:
    outcome = judged(columns)
    assert outcome.state.state == "error"
    assert outcome.state.reason
    assert outcome.findings == []


@pytest.mark.parametrize("counts", [(5, 2, 0, 4), (-1, 2, 0, 4), (1, -2, 0, 4), (0, 2, 9, 4)])
def test_impossible_counts_of_a_rate_are_an_error(counts: tuple[int, ...]) -> None:
    names = ("canary_n", "canary_total", "baseline_n", "baseline_total")
    columns = ", ".join(f"{count} as {name}" for count, name in zip(counts, names, strict=True))
    assert (
        judged(f"'/a' as route, {columns}, 0 as prior_n", PLAIN.replace("new_in_canary", "rate_up")).state.state
        == "error"
    )


def test_what_the_baseline_does_too_is_lowered_and_says_so() -> None:
    [finding] = judged(f"'/a' as route, {COUNTS.replace('0 as baseline_n', '3 as baseline_n')}").findings
    assert (finding.novelty, finding.severity) == ("pre_existing", "low")
    assert [(item.name, item.change) for item in finding.modifiers] == [("pre_existing", -2)]


def test_what_was_there_before_is_pre_existing_too() -> None:
    [finding] = judged(f"'/a' as route, {COUNTS.replace('0 as prior_n', '1 as prior_n')}").findings
    assert (finding.novelty, finding.severity, finding.prior_n) == ("pre_existing", "low", 1)


def test_pre_existing_never_raises() -> None:
    front = PLAIN.replace('severity = "high"', 'severity = "info"')
    [finding] = judged(f"'/a' as route, {COUNTS.replace('0 as prior_n', '1 as prior_n')}", front).findings
    assert (finding.severity, finding.modifiers) == ("info", [])


@pytest.mark.parametrize(
    ("changes", "severity"),
    [([-1], "medium"), ([1], "critical"), ([1, 1], "critical"), ([-9], "info"), ([1, -2], "medium")],
)
def test_modifiers_move_the_severity_within_the_scale(changes: list[int], severity: str) -> None:
    items = ", ".join(f"{{'name': 'm', 'change': {change}, 'reason': 'r'}}" for change in changes)
    [finding] = judged(f"'/a' as route, {COUNTS}, [{items}] as modifiers").findings
    assert finding.severity == severity
    assert [item.change for item in finding.modifiers] == changes


def test_counts_effect_interval_and_evidence_come_from_the_engine() -> None:
    [finding] = judged(
        f"'/a' as route, {COUNTS}, ['e:10', 'e:9', 'e:9'] as evidence, timestamp '2026-03-03 09:00:00.5' as first_seen, 7 as extra, null as unknown"
    ).findings
    assert finding.effect == 0.5
    assert finding.interval == pytest.approx(st.newcombe_interval(1, 2, 0, 4))
    assert (finding.p_value, finding.q_value) == (None, None)
    assert finding.evidence == ["e:9", "e:10"]
    assert finding.first_seen == "2026-03-03T09:00:00.500Z"
    assert finding.last_seen == ""
    assert finding.details == {"extra": 7}
    assert finding.entity == {"route": "/a"}


def rates(*rows: tuple[str, int, int, int, int]) -> str:
    """Return columns whose rows have one stratum each."""
    values = ", ".join(map(str, rows))
    return (
        f"* from (values {values}) v(route, canary_n, canary_total, baseline_n, baseline_total), (select 0 as prior_n)"
    )


UP = PLAIN.replace("new_in_canary", "rate_up")
DOWN = PLAIN.replace("new_in_canary", "rate_down")


def test_p_and_q_are_over_all_rows_of_the_detector() -> None:
    rows = [("/a", 12, 50, 4, 200), ("/b", 9, 50, 10, 200), ("/c", 3, 50, 9, 200)]
    outcome = judged(rates(*rows), UP)
    p_values = [st.stratified_test([st.Stratum(*row[1:])]).two_sided for row in rows]
    q_values = dict(zip("abc", st.benjamini_hochberg(p_values), strict=True))
    assert [finding.entity["route"] for finding in outcome.findings] == ["/a", "/b"]
    for finding in outcome.findings:
        assert finding.q_value == pytest.approx(q_values[finding.entity["route"][1]])
        assert finding.novelty == "rate_up"


def test_a_tiny_difference_is_no_finding_however_sure() -> None:
    outcome = judged(rates(("/a", 4000, 100000, 1000, 100000)), UP)
    assert outcome.state.state == "clean"


def test_a_large_difference_of_few_is_no_finding() -> None:
    outcome = judged(rates(("/a", 4, 5, 2, 5)), UP)
    assert (outcome.state.state, outcome.findings) == ("clean", [])
    assert "could not" not in outcome.state.reason, (
        "10 choose 6 is 210: 5 of 5 against 1 of 5 would have had p 10 / 210"
    )


def test_what_could_not_have_been_significant_is_not_called_clean() -> None:
    outcome = judged(rates(("/a", 2, 3, 1, 3)), UP)
    assert (outcome.state.state, outcome.findings) == ("not_evaluated", [])
    assert outcome.state.reason == (
        "1 of 1 comparison could not have shown a difference: the smallest possible p is 0.1, at most 0.05 is asked for"
    ), "3 of 3 against 0 of 3: two of 20 tables"


def test_rows_that_are_too_small_are_counted_and_leave_the_others_alone() -> None:
    rows = [("/a", 12, 50, 4, 200), ("/b", 3, 50, 9, 200), ("/c", 1, 2, 0, 3)]
    [finding] = judged(rates(*rows), UP).findings
    p_values = [st.stratified_test([st.Stratum(*row[1:])]).two_sided for row in rows[:2]]
    assert finding.q_value == pytest.approx(st.benjamini_hochberg(p_values)[0]), "the family is what could be found"
    outcome = judged(rates(("/b", 3, 50, 9, 200), ("/c", 1, 2, 0, 3)), UP)
    assert outcome.state.state == "clean"
    assert "; 1 of 2 comparisons could not have shown a difference" in outcome.state.reason


def test_only_the_direction_that_is_asked_for_counts_as_attainable() -> None:
    few = rates(("/a", 0, 5, 10, 1000))
    assert judged(few, UP).state.state == "clean", "5 of 5 would have been seen"
    assert judged(few, DOWN).state.state == "not_evaluated", "0 of 5 is the lowest there is, and usual"


def test_a_finding_names_its_test_and_carries_mid_p_and_attainable_p() -> None:
    row = ("/a", 12, 50, 4, 200)
    [finding] = judged(rates(row), UP).findings
    test = st.stratified_test([st.Stratum(*row[1:])])
    assert (finding.method, finding.mid_p, finding.attainable_p) == ("Fisher exact", test.mid_p, test.attainable_higher)
    assert finding.p_value is not None
    assert finding.mid_p is not None
    assert finding.mid_p < finding.p_value


def test_each_direction_is_its_own_detector() -> None:
    higher, lower = rates(("/a", 40, 50, 20, 200)), rates(("/a", 5, 50, 160, 200))
    assert [len(judged(columns, front).findings) for columns in (higher, lower) for front in (UP, DOWN)] == [1, 0, 0, 1]
    [finding] = judged(lower, DOWN).findings
    assert finding.effect == pytest.approx(-0.7)


def test_strata_are_sorted_and_the_interval_is_stratified() -> None:
    parts = [("b", 90, 180, 16, 20), ("a", 4, 20, 90, 180)]
    items = ", ".join(
        f"{{'phase': '{p}', 'canary_n': {a}, 'canary_total': {b}, 'baseline_n': {c}, 'baseline_total': {d}}}"
        for p, a, b, c, d in parts
    )
    [finding] = judged(
        f"'/a' as route, 94 as canary_n, 200 as canary_total, 106 as baseline_n, 200 as baseline_total, 0 as prior_n, [{items}] as strata",
        DOWN,
    ).findings
    assert [part.phase for part in finding.strata] == ["a", "b"]
    assert finding.effect == pytest.approx(-0.3)
    assert finding.interval is not None
    assert finding.interval[0] < -0.3 < finding.interval[1] < 0, "the pooled interval would hold zero"


SUPPRESS = """
[[suppress]]
detector = "{detector}"
entity = "{entity}"
owner = "team"
reason = "known"
expires = 2026-03-31
"""


@pytest.mark.parametrize(
    ("detector", "entity", "day", "status"),
    [
        ("mine.one", "*", date(2026, 3, 31), "suppressed"),
        ("mine.one", "*", date(2026, 4, 1), "active"),
        ("mine.*", "/a", DAY, "suppressed"),
        ("mine.one", "route=/a", DAY, "suppressed"),
        ("mine.one", "/b", DAY, "active"),
        ("other.one", "*", DAY, "active"),
        ("MINE.ONE", "*", DAY, "active"),
    ],
)
def test_suppressions_hold_until_their_day(detector: str, entity: str, day: date, status: str) -> None:
    outcome = judged(f"'/a' as route, {COUNTS}", more=SUPPRESS.format(detector=detector, entity=entity), day=day)
    [finding] = outcome.findings
    assert outcome.state.state == "finding", "suppressed findings stay countable"
    assert finding.status == status
    assert finding.suppression == (
        {"owner": "team", "reason": "known", "expires": "2026-03-31"} if status == "suppressed" else None
    )


def test_expired_suppressions_are_named() -> None:
    config = parse_config(SUPPRESS.format(detector="mine.one", entity="*")).config
    assert expired(config, date(2026, 3, 31)) == []
    assert expired(config, date(2026, 4, 1)) == ["the suppression of mine.one (*), owner team, expired on 2026-03-31"]


def test_entity_text_is_one_line() -> None:
    entity: dict[str, Any] = {"destination": "x.example", "destination_port": 443}
    assert entity_text(entity) == "destination=x.example destination_port=443"


def test_the_same_rows_give_the_same_findings_on_any_number_of_threads() -> None:
    detector = by_id(DETECTORS, "outbound.new_destination")
    rows: list[Row] = [
        {
            "time": "2026-03-03 09:{n:02}:00",
            "service_version": "2.4.0",
            "destination_domain": "x{n}.example",
            "destination_port": 443,
            "repeat": 50,
        }
    ]
    rows += [
        {"time": "2026-03-03 09:10:00", "service_version": "2.3.9", "destination_domain": "api.example", "repeat": 20}
    ]
    found = []
    for threads in (1, 4):
        with closing(open_memory(threads)) as sandbox:
            config = parse_config(DEFAULT_CONFIG).config
            fill(sandbox, config, {"connections": rows}, detector.query)
            found.append(run(sandbox, detector, Context(config, DAY)).findings)
    assert len(found[0]) == 50
    assert found[0] == found[1]
