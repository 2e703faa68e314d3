"""The report's tables of headers and of what was looked at, over rows counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.results import bodies, headers
from tests.results.context import context

CANARY, BASELINE = {"service_version": "2"}, {"service_version": "1"}


def exchange(record_no: int, side: dict[str, Any], path: str = "/a", **more: Any) -> dict[str, Any]:
    at = {"time": "2026-03-03 09:10:00", "http_request_method": "GET", "url_path": path, "record_no": record_no}
    return {**at, **side, **more}


def verdict(record_no: int, header: str, name: str, rank: int, subject: str | None = None) -> dict[str, Any]:
    return {"record_no": record_no, "header": header, "verdict": name, "verdict_rank": rank, "subject": subject}


@pytest.mark.parametrize(
    ("header", "canary", "baseline", "change"),
    [
        ("x-frame-options", ("x-frame-options-not-implemented", 0), ("x-frame-options-sameorigin-or-deny", 2), "lost"),
        ("x-frame-options", ("x-frame-options-header-invalid", 0), ("x-frame-options-sameorigin-or-deny", 2), "lost"),
        ("content-security-policy", ("csp-implemented-with-unsafe-inline", 1), ("csp-implemented-with-no-unsafe", 6), "weakened"),
        ("access-control-allow-origin", ("cors-public", -1), ("cors-not-implemented", 0), "widened"),
        ("referrer-policy", ("referrer-policy-private", 1), ("referrer-policy-not-implemented", 0), "improved"),
        ("referrer-policy", ("referrer-policy-private", 1), ("referrer-policy-private", 1), "same"),
    ],
)  # fmt: skip
def test_what_became_of_a_header(header: str, canary: tuple[str, int], baseline: tuple[str, int], change: str) -> None:
    """The weakest verdict of each side counts; the third response is stronger and tells nothing."""
    rows: dict[str, Any] = {
        "http_exchanges": [exchange(1, CANARY), exchange(2, BASELINE), exchange(3, BASELINE)],
        "header_verdicts": [verdict(1, header, *canary), verdict(2, header, *baseline), verdict(3, header, "x", 9)],
    }
    found = headers.build(context(**rows))
    assert found["total"] == 1
    assert found["changes"][change] == 1
    row = found["rows"][0]
    assert (row["change"], row["canary"], row["baseline"]) == (change, canary[0], baseline[0])
    assert (row["canary_responses"], row["baseline_responses"]) == (1, 2)


def test_a_cookie_or_route_of_one_side_is_not_compared() -> None:
    """What one version never answered says nothing of the other."""
    rows: dict[str, Any] = {
        "http_exchanges": [exchange(1, CANARY), exchange(2, BASELINE, "/b")],
        "header_verdicts": [verdict(1, "set-cookie", "c", -7, "sid"), verdict(2, "set-cookie", "d", 0, "sid")],
    }
    found = headers.build(context(**rows))
    assert [(row["route"], row["subject"], row["change"]) for row in found["rows"]] == [
        ("/a", "sid", "not compared"),
        ("/b", "sid", "not compared"),
    ]


def test_how_much_was_looked_at() -> None:
    """Ten requests of the canary, three sampled: one whole, one cut, one not decodable; /b was served and never sampled."""
    rows: dict[str, Any] = {
        "http_requests": [exchange(number, CANARY, "/a" if number < 9 else "/b") for number in range(1, 11)],
        "http_exchanges": [
            exchange(1, CANARY, http_response_body="x", http_response_body_state="full"),
            exchange(2, CANARY, http_response_body="x", http_response_body_state="truncated"),
            exchange(3, CANARY, http_response_body_state="undecodable"),
            exchange(4, BASELINE, http_response_body="", http_response_body_state="omitted"),
        ],
    }
    found = bodies.build(context(**rows))
    counts = {"requests": 10, "responses": 3, "with_body": 2, "truncated": 1, "undecodable": 1, "omitted": 0}
    assert found["sums"]["canary"] == counts
    assert found["rows"][0] == {"method": "GET", "route": "/a", "cohort": "canary"} | counts | {"requests": 8}
    assert found["notes"] == [
        "1 of 3 sampled responses of the canary could not be decoded and were not searched.",
        "1 of 3 sampled responses of the canary were cut and searched as far as they go.",
        "1 of 1 sampled responses of the baseline were exported without their body.",
        "No response of the canary was sampled on 1 routes that it served: GET /b.",
    ]


def test_without_samples_nothing_is_said() -> None:
    """A case of access logs alone has no section on bodies."""
    assert bodies.build(context(http_requests=[exchange(1, CANARY)])) == {
        "rows": [],
        "total": 0,
        "sums": {},
        "notes": [],
    }
