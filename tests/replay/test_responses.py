"""`replay diff`: what is told as a difference between the responses of two cohorts, and what is not."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.errors import UsageError
from forensics.replay.responses import compare
from forensics.replay.responses.facets import FACETS
from forensics.store import Sandbox, open_memory
from tests.replay.cases import PODS, at
from tests.results.context import CONFIG

SYNTHETIC = '[[synthetic]]\nname = "probe"\nuser_agent = "our-probe/*"\n'
PROBE: dict[str, Any] = {"user_agent_original": "our-probe/1"}


def answer(
    number: int, cohort: str, body: Any, *, status: int = 200, headers: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    version, pod = PODS[cohort]
    given = {"content-type": "application/json", **(headers or {})}
    return {
        "time": at(number), "observer": "o", "service_version": version, "k8s_pod_name": pod, "http_request_method": "GET", "url_path": "/orders",
        "http_route": "/orders", "session_id": f"{cohort}-{number}", "http_response_status_code": status, "http_response_mime_type": given["content-type"],
        "http_response_headers": [{"name": name, "value": value} for name, value in given.items()],
        "http_response_body": body if isinstance(body, str) else json.dumps(body), "http_response_body_state": "decoded", "sample_rate": 1.0, **more,
    }  # fmt: skip


def baseline(count: int, body: Any, **more: Any) -> list[dict[str, Any]]:
    """Return answers of two pods of the baseline in turn."""
    return [
        answer(number, "baseline", _body(body, number), **{"k8s_pod_name": f"app-1-{'ab'[number % 2]}", **more})
        for number in range(count)
    ]


def canary(count: int, body: Any, **more: Any) -> list[dict[str, Any]]:
    return [answer(number, "canary", _body(body, number), **more) for number in range(count)]


def _body(body: Any, number: int) -> Any:
    return body(number) if callable(body) else body


def told(*rows: list[dict[str, Any]], route: str = "*") -> dict[str, Any]:
    return compare(_sandbox([row for part in rows for row in part]), route)


def _sandbox(rows: list[dict[str, Any]]) -> Sandbox:
    """Return the tables that the diff reads, and no others: all views take three times as long."""
    store = open_memory(1)
    views.load_rows(store, {"http_exchanges": rows})
    views.derive(store, parse(CONFIG + SYNTHETIC).config, [], query=FACETS)
    return store


def changes(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(row["change"], row["kind"], row["path"], row["value"]) for row in found["changes"]]


def test_a_new_property_is_told_with_its_bound() -> None:
    found = told(baseline(20, {"id": 1}), canary(10, {"id": 1, "note": "x y"}))
    assert changes(found) == [("new", "json", "$.note", "")]
    row = found["changes"][0]
    assert (row["canary_n"], row["canary_of"], row["baseline_n"], row["baseline_of"]) == (10, 10, 0, 20)
    assert row["bound"] == pytest.approx(1 - 0.05 ** (1 / 20))
    assert row["noise"] == 0.0
    assert len(row["records"]) == 3


def test_properties_of_a_new_object_are_not_told_again() -> None:
    found = told(baseline(20, {"id": 1}), canary(10, {"id": 1, "owner": {"name": "x", "roles": ["a"]}}))
    assert changes(found) == [("new", "json", "$.owner", "")]


def test_what_earlier_versions_had_is_not_new() -> None:
    before = baseline(10, {"id": 1, "note": "x"}, time="2026-03-03T08:30:00")
    found = told(baseline(20, {"id": 1}), before, canary(3, {"id": 1, "note": "x"}))
    assert changes(found) == [("more", "json", "$.note", "")]


def test_a_dropped_header_needs_no_p_value() -> None:
    kept = {"strict-transport-security": "max-age=1"}
    found = told(baseline(6, {"id": 1}, headers=kept), canary(1, {"id": 1}))
    assert changes(found) == [("dropped", "header", "strict-transport-security", "")]
    assert found["changes"][0]["q"] is None


@pytest.mark.parametrize("count", [4, 5])
def test_five_responses_of_the_other_side_are_needed(count: int) -> None:
    found = told(baseline(count, {"id": 1}), canary(3, {"id": 1, "note": "x"}))
    assert [row["change"] for row in found["changes"]] == ["new" if count == 5 else "more"]
    assert found["compared"]["thin"] == (1 if count == 4 else 0)


def test_rates_are_tested_by_caller_not_by_response() -> None:
    often = {"id": 1, "warning": "x"}
    many = [answer(number, "canary", often, session_id="the same") for number in range(40)]
    rare = baseline(40, lambda number: often if number in (0, 1) else {"id": 1})
    assert not told(rare, canary(40, {"id": 1}), many)["changes"]
    found = told(rare, canary(40, lambda number: often if number < 20 else {"id": 1}))
    assert changes(found) == [("more", "json", "$.warning", "")]
    assert 0 < found["changes"][0]["q"] < 1e-4


def test_the_status_is_compared_although_it_is_part_of_the_shape() -> None:
    found = told(baseline(10, {"error": "no"}, status=401), canary(5, {"rows": []}))
    assert changes(found) == [("new", "status", "2xx", ""), ("dropped", "status", "4xx", "")]


def test_a_type_that_changes_is_told() -> None:
    found = told(baseline(20, {"total": 5}), canary(10, {"total": "5"}))
    assert changes(found) == [("new", "json", "$.total", "digits")]


def test_values_that_are_no_longer_masked_are_told_as_a_class() -> None:
    found = told(baseline(20, {"card": "***"}), canary(10, {"card": "4111 1111 1111 1111"}))
    assert changes(found) == [("new", "json", "$.card", "text")]
    assert "4111" not in json.dumps(found)


def test_a_few_common_values_are_shown_and_others_are_not() -> None:
    found = told(
        baseline(20, lambda number: {"state": "open" if number % 3 else "paid", "name": f"petra{number}"}),
        canary(10, {"state": "exported", "name": "jonas1"}),
    )
    assert changes(found) == [("new", "json", "$.state", "another word")]
    assert "exported" not in json.dumps(found)
    assert "jonas" not in json.dumps(found)
    assert "petra" not in json.dumps(found)
    known = told(
        baseline(40, lambda number: {"state": "paid" if number % 20 < 2 else "open"}), canary(40, {"state": "paid"})
    )
    assert changes(known) == [("more", "json", "$.state", "word: paid")]


def test_what_the_baseline_differs_from_itself_is_noise() -> None:
    optional = baseline(20, lambda number: {"id": 1, "a": 1} if number % 4 == 0 else {"id": 1})  # half of one pod's
    found = told(optional, canary(10, lambda number: {"id": 1, "b": 1} if number < 5 else {"id": 1}))
    assert not found["changes"]
    assert found["within_noise"] == 1
    everywhere = told(optional, canary(10, {"id": 1, "b": 1}))
    assert changes(everywhere) == [("new", "json", "$.b", "")]
    assert everywhere["changes"][0]["noise"] == 0.5


def test_a_rate_that_differs_between_pods_of_the_baseline_is_noise() -> None:
    uneven = baseline(80, lambda number: {"id": 1, "a": 1} if number % 2 == 0 and number % 4 == 0 else {"id": 1})
    found = told(uneven, canary(40, lambda number: {"id": 1, "a": 1} if number % 2 else {"id": 1}))
    assert not found["changes"]
    assert found["within_noise"] == 1
    assert found["halves"]["changes"] >= 1


def test_one_pod_is_split_by_its_callers() -> None:
    found = told(baseline(20, {"id": 1}, k8s_pod_name="app-1-a"), canary(10, {"id": 1, "note": "x"}))
    assert found["changes"][0]["noise"] == 0.0


def test_noise_is_not_known_where_a_half_has_no_responses() -> None:
    found = told(baseline(20, {"id": 1}, k8s_pod_name="app-1-a", session_id="one"), canary(10, {"id": 1, "note": "x"}))
    assert found["changes"][0]["noise"] is None


def test_objects_with_ids_as_keys_have_one_path() -> None:
    keyed = baseline(20, lambda number: {f"user-{number}": {"n": 1}})
    assert not told(keyed, canary(10, lambda number: {f"user-{number + 100}": {"n": 1}}))["changes"]


def test_shapes_keep_roles_and_queries_apart() -> None:
    admin = [
        row | {"user_role": "admin", "user_id": f"root{index}"}
        for index, row in enumerate(baseline(20, {"id": 1, "salary": 1}))
    ]
    user = [row | {"user_role": "user", "user_id": f"u{index}"} for index, row in enumerate(baseline(20, {"id": 1}))]
    leak = [
        row | {"user_role": "user", "user_id": f"v{index}"}
        for index, row in enumerate(canary(10, {"id": 1, "salary": 1}))
    ]
    found = told(admin, user, leak)
    assert [(row["path"], row["principal"]) for row in found["changes"]] == [("$.salary", "user")]


def test_pages_are_compared_by_title_and_elements() -> None:
    html = {"headers": {"content-type": "text/html"}}
    page = "<html><head><title>Shop</title></head><script src='https://cdn.example/a.js'></script></html>"
    other = "<html><head><title>Debug</title></head><script src='https://evil.example/a.js'></script><input name=password></html>"
    found = told(baseline(20, page, **html), canary(10, other, **html))
    assert ("new", "page", "script[//evil.example]", "") in changes(found)
    assert ("dropped", "page", "script[//cdn.example]", "") in changes(found)
    assert ("new", "page", "input[password]", "") in changes(found)
    assert ("new", "page", "title", "another word") in changes(found)


def test_cookies_are_compared_by_their_attributes() -> None:
    found = told(
        baseline(20, lambda _: {"id": 1}, headers={"set-cookie": "sid=abc; HttpOnly; Secure; Path=/"}),
        canary(10, {"id": 1}, headers={"set-cookie": "sid=xyz; Path=/"}),
    )
    assert changes(found) == [("new", "cookie", "sid", "path")]


def test_probes_are_left_out_of_what_is_not_paired() -> None:
    probes = canary(10, {"id": 1, "note": "x"}, **PROBE)
    with pytest.raises(UsageError, match="no verbose sample of the canary"):
        told(baseline(20, {"id": 1}), probes)
    found = told(baseline(20, {"id": 1}), canary(5, {"id": 1}), probes)
    assert not found["changes"]
    assert not found["pairs"]["counts"]


def test_probes_that_both_sides_answered_are_pairs() -> None:
    old = baseline(10, lambda number: {"id": 7, "time": f"t{number}"}, **PROBE)
    new = canary(3, {"id": 8, "time": "x"}, **PROBE)
    found = told(old, new, baseline(1, {"id": 1}), canary(1, {"id": 1}))["pairs"]
    assert found["counts"] == {"probe": 1}
    assert [(row["change"], row["path"], row["differing"], row["noisy"], row["checked"]) for row in found["changes"]] == [
        ("other value", "$.id", 1, 0, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["http_request_id", "trace_id"])
def test_mirrors_and_retries_are_compared_by_kind_where_noise_is_not_known(column: str) -> None:
    old = [
        row | {column: f"r{index}"}
        for index, row in enumerate(baseline(8, lambda number: {"id": number, "to": "a@b.example"}))
    ]
    new = [
        row | {column: f"r{index}"}
        for index, row in enumerate(canary(8, lambda number: {"id": number, "to": "***", "debug": True}))
    ]
    found = told(old, new)["pairs"]
    assert list(found["counts"].values()) == [8]
    assert {(row["change"], row["path"], row["differing"], row["pairs"], row["checked"]) for row in found["changes"]} == {
        ("new", "$.debug", 8, 8, 0), ("other kind of value", "$.to", 8, 8, 0),
    }  # fmt: skip


def test_pairs_whose_noise_is_not_known_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """No request of the baseline was answered twice, so values were not compared; a probe that it answered twice is compared by value."""
    from forensics.cli.replay import _differences

    old = [row | {"http_request_id": f"r{index}"} for index, row in enumerate(baseline(8, {"id": 1}))]
    new = [row | {"http_request_id": f"r{index}"} for index, row in enumerate(canary(8, {"id": 2}))]
    found = told(old, new)
    assert found["pairs"]["without_noise"] == 8
    _differences(found)
    assert (
        "of 8 of them only the kind of values is compared: the baseline answered none of these requests twice"
        in capsys.readouterr().out
    )


def test_a_constant_is_no_request_id() -> None:
    old = baseline(600, {"id": 1}, http_request_id="-")
    assert not told(old, canary(600, {"id": 1}, http_request_id="-"))["pairs"]["counts"]


def test_hostile_responses_are_compared_or_counted() -> None:
    deep = "[" * 4000 + "]" * 4000
    bodies = [
        deep,
        '{"a":',
        '{"' + "k" * 5000 + '":1}',
        '{"p@q.example":{"x\\"1":2}}',
        "\x00\x1b[31m",
        "[" + "1," * 200_000 + "1]",
        '{"a":1e999}',
        "",
    ]
    rows = [
        answer(number, "canary", body, headers={"x\nbad": "v", "X-Odd": "\x1b[2J"})
        for number, body in enumerate(bodies)
    ]
    found = told(baseline(20, {"id": 1}), rows)
    assert found["compared"]["too_large"] == 1
    assert "p@q" not in json.dumps(found)
    assert found["changes"]


def test_routes_are_chosen_by_a_glob() -> None:
    other = [row | {"http_route": "/x"} for row in baseline(20, {"id": 1}) + canary(5, {"y": 1})]
    rows = baseline(20, {"id": 1}), canary(5, {"id": 1}), other
    assert {row["route"] for row in told(*rows)["changes"]} == {"/x"}
    assert not told(*rows, route="/ord*")["changes"]
    with pytest.raises(UsageError, match="on these routes"):
        told(*rows, route="/none")


def test_the_order_of_records_changes_nothing() -> None:
    rows = baseline(20, {"id": 1, "a": 1}) + canary(10, {"id": 1, "note": "x", "b": {"c": 1}})
    mixed = rows.copy()
    random.Random(1).shuffle(mixed)  # noqa: S311 - a test's order
    plain, shuffled = told(rows), told(mixed)
    for found in (plain, shuffled):
        for row in found["changes"]:
            row["records"] = []
    assert plain == shuffled
