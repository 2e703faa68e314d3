"""Bounds over small tables: what is exact, what is a lower or an upper bound, and what is unknown and why."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.gdpr.counting import Counting, Number, count
from forensics.gdpr.model import Category
from forensics.gdpr.scopes import Query, Subject
from tests.results.context import context

Row = dict[str, Any]
TIME = "2026-03-03T09:30:00"


def content(route: str = "/a", **entity: str) -> Row:
    return {"id": f"F-{route}", "family": "disclosure", "entity": {"http_request_method": "GET", "route": route, "json_path": "$.email", **entity}, "details": {}}  # fmt: skip


OPEN: Row = {"id": "F-open", "family": "access", "entity": {"http_request_method": "GET", "route": "/open"}, "details": {"principal": "anonymous"}}  # fmt: skip
SENT: Row = {"id": "F-sent", "family": "outbound", "entity": {"destination": "evil.example", "destination_port": 443}, "details": {}}  # fmt: skip


def request(number: int, path: str = "/a", status: int = 200, **more: Any) -> Row:
    return {"record_no": number, "time": TIME, "observer": "o", "service_version": "2", "http_request_method": "GET", "url_path": path, "http_response_status_code": status, **more}  # fmt: skip


def match(number: int, ordinal: int, **more: Any) -> Row:
    return {"record_no": number, "part": "response_body", "pattern": "pii.email", "pattern_class": "pii", "json_path": "$.email", "value_ordinal": ordinal, **more}  # fmt: skip


def counted(
    *findings: Row, gaps: str = "", categories: tuple[Category, ...] = (), **tables: list[Row]
) -> dict[tuple[str, str, str], Number]:
    """Return numbers by finding, measure and bound; each is what its own query says, run as a user's."""
    sandbox = context("", None, None, **tables).sandbox
    subjects = [Subject(item, index) for index, item in enumerate(findings)]
    numbers = count(Counting(sandbox, categories, {}, gaps), subjects)
    for number in numbers:
        if number.query:
            assert list(sandbox.select_rows(number.query)[1][0]) == pytest.approx(
                [number.value, *number.by.values()], rel=1e-8
            )
        assert (number.value is None) == bool(number.reason)
        assert number.value != 0 or number.measure == "sampled share"
    assert len({(n.about, n.measure, n.bound, n.data_class) for n in numbers}) == len(numbers)
    return {(n.about, n.measure, n.bound): n for n in numbers}


USERS = [request(n, user_id=f"u-{n}") for n in range(1, 5)]


def test_samples_are_the_least_and_the_access_log_is_the_most() -> None:
    found = counted(content(), http_requests=USERS, http_exchanges=USERS[:2], content_matches=[match(1, 1), match(2, 2)])  # fmt: skip
    assert found["F-/a", "people", "lower"].value == 2
    assert found["F-/a", "people", "upper"].value == 4
    assert found["F-/a", "records", "lower"].value == 2
    assert found["F-/a", "records", "upper"].value == 4
    assert found["F-/a", "sampled share", "exact"].value == 0.5
    assert found["total", "people", "lower"].value == 2
    assert found["total", "people", "upper"].value == 4
    assert "if each answer is about its caller" in found["total", "people", "upper"].condition


def test_where_every_answer_was_sampled_records_are_exact_and_people_as_exact_as_their_condition() -> None:
    found = counted(content(), http_requests=USERS[:2], http_exchanges=USERS[:2], content_matches=[match(1, 1), match(2, 2)])  # fmt: skip
    assert found["F-/a", "records", "exact"].value == found["total", "records", "exact"].value == 2
    assert ("F-/a", "records", "upper") not in found
    assert found["F-/a", "people", "upper"].value == found["F-/a", "people", "lower"].value == 2


def test_gaps_of_the_access_log_are_a_condition_and_leave_nothing_exact() -> None:
    tables: dict[str, list[Row]] = {"http_requests": [*USERS[:2], request(9, "/open", authentication_kind="anon", client_address="192.0.2.1")], "http_exchanges": USERS[:2], "content_matches": [match(1, 1), match(2, 2)]}  # fmt: skip
    found = counted(content(), OPEN, gaps="the access log has gaps in time", categories=(), **tables)
    assert "the access log has gaps in time" in found["F-/a", "records", "upper"].condition
    assert "the access log has gaps in time" in found["F-/a", "people", "upper"].condition
    assert found["F-open", "answers that should have been refused", "lower"].value == 1
    assert not [key for key in found if key[2] == "exact" and key[1] != "sampled share"]


def test_a_status_that_samples_clear_is_left_out_and_one_never_sampled_is_not() -> None:
    logged = [request(1, user_id="a"), request(2, user_id="b", status=404), request(3, user_id="c", status=403), request(4, user_id="d", status=404)]  # fmt: skip
    sampled = [request(1, user_id="a"), request(2, user_id="b", status=404)]
    found = counted(content(), http_requests=logged, http_exchanges=sampled, content_matches=[match(1, 1)])
    assert found["F-/a", "people", "upper"].value == 2  # a, and c whose status nobody sampled


def test_without_accounts_sessions_count_and_then_addresses() -> None:
    sessions = [request(n, session_id=f"s-{n % 2}", client_address="192.0.2.1") for n in range(4)]
    addresses = [request(n, client_address=f"192.0.2.{n}") for n in range(4, 7)]
    logged = [*sessions, *addresses, request(7)]
    found = counted(content(), http_requests=logged, http_exchanges=sessions, content_matches=[match(0, 1), match(1, 2)])  # fmt: skip
    least, most = found["F-/a", "people", "lower"], found["F-/a", "people", "upper"]
    assert (least.value, least.method) == (2, "distinct sessions in sampled answers")
    assert (most.value, dict(most.by)) == (5, {"user_ids": 0, "sessions": 2, "client_addresses": 3, "nameless_requests": 1})  # fmt: skip
    assert "several people may share an address" in most.condition
    assert "requests that name nobody are not counted" in most.condition


def test_one_person_signed_in_and_not_is_once_in_the_least() -> None:
    both = [request(1, user_id="a"), request(2, session_id="s")]
    found = counted(content(), http_requests=both, http_exchanges=both, content_matches=[match(1, 1), match(2, 1)])
    assert found["F-/a", "people", "lower"].value == 1
    assert found["F-/a", "people", "upper"].value == 2


def test_answers_with_more_values_than_callers_are_about_others() -> None:
    one = [request(n, user_id="a") for n in (1, 2, 3)]
    found = counted(content(), http_requests=one, http_exchanges=one, content_matches=[match(n, n) for n in (1, 2, 3)])
    least, most = found["F-/a", "people", "lower"], found["F-/a", "people", "upper"]
    assert (least.value, least.condition) == (3, "if each value is of another person")
    assert (most.value, most.reason) == (None, "the answers show more values than callers: they are about others too")
    assert found["total", "people", "lower"].value == 3
    assert "F-/a" in found["total", "people", "upper"].reason


def test_an_answer_with_several_values_is_not_about_its_caller_alone() -> None:
    found = counted(content(), http_requests=USERS, http_exchanges=USERS, content_matches=[match(1, 1), match(1, 2), match(2, 3), match(3, 3)])  # fmt: skip
    assert found["F-/a", "people", "lower"].value == 3
    assert found["F-/a", "people", "upper"].reason.startswith("an answer shows several values")


def test_ordinals_of_two_files_are_not_added() -> None:
    sampled = [*USERS[:2], USERS[2] | {"evidence_id": "other"}]
    found = counted(content(), http_requests=USERS, http_exchanges=sampled, content_matches=[match(1, 1), match(2, 2), match(3, 1, evidence_id="other")])  # fmt: skip
    assert found["F-/a", "distinct values", "lower"].value == 2
    assert found["F-/a", "distinct values", "lower"].by == {"answers": 3}


@pytest.mark.parametrize(("logged", "why"), [([], "the access log shows no such request"), (USERS[:1], "the access log names fewer callers than the samples")])  # fmt: skip
def test_a_log_that_holds_less_than_the_samples_bounds_nothing(logged: list[Row], why: str) -> None:
    found = counted(content(), http_requests=logged, http_exchanges=USERS, content_matches=[match(1, 1), match(2, 2)])
    assert found["F-/a", "people", "upper"].reason == why
    assert found["F-/a", "sampled share", "exact"].value is None
    assert found["total", "people", "lower"].value == 2


def test_samples_that_name_nobody() -> None:
    found = counted(content(), http_requests=USERS, http_exchanges=[request(1)], content_matches=[match(1, 1)])
    assert found["F-/a", "people", "lower"].value == 1  # one address of one person, whoever asked
    assert found["F-/a", "people", "upper"].value is None


def test_people_of_two_findings_are_counted_once() -> None:
    logged = [*USERS, *(row | {"record_no": row["record_no"] + 10, "url_path": "/b"} for row in USERS[:3])]
    sampled = [USERS[0], logged[4]]
    found = counted(content(), content("/b"), http_requests=logged, http_exchanges=sampled, content_matches=[match(1, 1), match(11, 1)])  # fmt: skip
    assert found["F-/b", "people", "upper"].value == 3
    assert found["total", "people", "upper"].value == 4
    assert found["total", "people", "lower"].value == 1
    assert found["total", "records", "lower"].value == 2
    assert found["total", "records", "upper"].value == 7


def test_open_answers_count_callers_and_only_samples_tell_of_whom() -> None:
    logged = [request(n, "/open", authentication_kind="anon", client_address=f"192.0.2.{n % 2}") for n in range(5)]
    logged += [request(8, "/open", 401, authentication_kind="anon", client_address="192.0.2.9"), request(9, "/open", user_id="u-1")]  # fmt: skip
    headers = [{"name": "accept", "value": "*/*"}]
    sampled = [request(n, "/open", http_request_headers=headers, client_address="192.0.2.1") for n in range(2)]
    none = counted(OPEN, http_requests=logged, http_exchanges=sampled)
    assert none["F-open", "answers that should have been refused", "exact"].value == 5
    assert none["F-open", "callers who got these answers", "exact"].value == 2
    assert none["F-open", "people", "lower"].value is None
    assert none["F-open", "sampled share", "exact"].value == 0.4
    some = counted(OPEN, http_requests=logged, http_exchanges=sampled, content_matches=[match(0, n, json_path=f"$[{n}]") for n in range(3)])  # fmt: skip
    assert some["F-open", "people", "lower"].value == 3
    assert some["F-open", "people", "upper"].value is None
    assert some["total", "people", "lower"].value == 3
    assert (some["F-open", "records", "lower"].value, some["F-open", "records", "upper"].value) == (1, 5)


def connection(number: int, **more: Any) -> Row:
    return {"record_no": number, "time": TIME, "observer": "s", "service_version": "2", "tls_client_server_name": "evil.example", "destination_address": "203.0.113.7", "destination_port": 443, "source_bytes": 10, **more}  # fmt: skip


def test_what_was_sent_may_be_of_everyone_whom_the_sending_pod_served_by_then() -> None:
    logged = [
        request(1, user_id="a", k8s_pod_name="p"),
        request(2, user_id="b", k8s_pod_name="q"),
        request(3, user_id="c"),  # which pod answered is not known
        request(4, user_id="d", k8s_pod_name="p", time="2026-03-03T09:31:00"),
        request(5, user_id="e", k8s_pod_name="p", time="2026-03-03T09:31:00.000001"),
    ]
    sends = [connection(1, k8s_pod_name="p", end_time="2026-03-03T09:31:00"), connection(2, k8s_pod_name="p")]
    found = counted(SENT, http_requests=logged, connections=sends)
    assert found["F-sent", "bytes sent", "exact"].value == 20
    assert found["F-sent", "bytes sent", "exact"].by == {"connections": 2}
    assert found["F-sent", "people", "upper"].value == 3
    assert "no log bounds" in found["F-sent", "people", "upper"].condition
    assert found["total", "people", "upper"].value == 3
    assert found["total", "people served by the canary", "upper"].value == 5
    assert found["total", "records", "upper"].value is None


def test_checks_by_the_team_itself_are_nobody_served() -> None:
    logged = [request(1, user_id="a"), request(2, client_address="203.0.113.9", user_agent_original="Monitor/1")]
    sandbox = context('[[synthetic]]\nname = "monitor"\nuser_agent = "Monitor/*"\n', None, http_requests=logged).sandbox
    (served,) = [n for n in count(Counting(sandbox, (), {}, ""), [Subject(content(), 0)]) if "served" in n.measure]
    assert (served.value, served.by["client_addresses"]) == (1, 0)


def test_without_an_access_log_nobody_is_counted() -> None:
    found = counted(SENT, connections=[connection(1, source_bytes=None)])
    assert found["F-sent", "bytes sent", "exact"].value is None
    assert found["F-sent", "people", "upper"].value is None
    assert found["total", "people served by the canary", "upper"].reason == "there is no access log of the canary"


def test_a_kind_nobody_counts_is_unknown() -> None:
    other = {"id": "F-x", "family": "logs", "entity": {"exception_type": "E"}, "details": {}}
    found = counted(other, http_requests=USERS)
    assert {key for key in found if key[0] == "F-x"} == {("F-x", m, b) for m in ("people", "records") for b in ("lower", "upper")}  # fmt: skip
    assert found["total", "people", "upper"].value is None


def test_the_first_category_that_fits_counts() -> None:
    logged = [request(1, user_id="a", user_role="admin"), request(2, user_id="b", user_role="user"), request(3, user_id="s-1"), request(4)]  # fmt: skip
    given = (Category("staff", ["admin", "ops"]), Category("users", ["user"], "a*"), Category("services", user="s-*"), Category("named only"))  # fmt: skip
    found = counted(content(), categories=given, http_requests=logged, http_exchanges=logged[:1], content_matches=[match(1, 1)])  # fmt: skip
    told = found["F-/a", "people by category", "upper"]
    assert dict(told.by) == {"staff": 1, "users": 1, "services": 1, "named only": 0, "no category": 0}


EVIL = ("x' or 1 = 1 --", "$route_0 $class", "/a'); drop view requests; --", "%s {scope} {{x}}", "\u202e\n```")


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_of_evidence_or_people_becomes_sql(evil: str) -> None:
    logged = [request(1, evil, user_id=evil, user_role=evil, http_route=evil), request(2, "/b", user_id="u", http_route="/b")]  # fmt: skip
    found = counted(
        content(evil, json_path=evil), categories=(Category(evil, [evil], evil.replace("*", "")),),
        http_requests=logged, http_exchanges=logged, content_matches=[match(1, 1, json_path=evil), match(2, 2)],
    )  # fmt: skip
    assert found[f"F-{evil}", "people", "upper"].value == 1
    assert found[f"F-{evil}", "distinct values", "lower"].value == 1
    assert found[f"F-{evil}", "people by category", "upper"].by == {evil: 1, "no category": 0}


def test_a_value_that_reads_as_a_name_stays_a_value() -> None:
    assert Query("select $a_1, $b", {"a_1": "$b", "b": "'$a_1"}).text() == "select '$b', '''$a_1'"
