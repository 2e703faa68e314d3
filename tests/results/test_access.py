"""The decision matrix: words, changes, findings and records of cells counted by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from forensics.results import access
from tests.results.context import context, requests

ANONYMOUS = {"authentication_kind": "anon"}


def matrix(*rows: list[dict[str, Any]], findings: tuple[Any, ...] = ()) -> dict[str, Any]:
    return access.build(
        context(result=SimpleNamespace(findings=findings), http_requests=[row for part in rows for row in part])
    )


@pytest.mark.parametrize(
    ("canary", "baseline", "words", "change"),
    [
        ([200], [401], ("allow", "deny"), "let in"),
        ([200, 401], [401], ("mixed", "deny"), "let in"),
        ([403], [200], ("deny", "allow"), "refused"),
        ([200, 403], [200], ("mixed", "allow"), "mixed"),
        ([200], [200, 401], ("allow", "mixed"), "mixed"),
        ([200], [204], ("allow", "allow"), "same"),
        ([404], [401], ("unknown", "deny"), "not compared"),
        ([], [401], ("unseen", "deny"), "not compared"),
        ([200], [], ("allow", "unseen"), "not compared"),
    ],
)
def test_words_of_a_cell_and_what_became_of_it(
    canary: list[int], baseline: list[int], words: tuple[str, str], change: str
) -> None:
    rows = [
        requests(version, 1, status, **ANONYMOUS)
        for version, every in (("2", canary), ("1", baseline))
        for status in every
    ]
    found = matrix(*rows)
    (cell,) = found["cells"]
    assert (cell["canary"]["decision"], cell["baseline"]["decision"], cell["change"]) == (*words, change)
    assert found["total"] == found["changes"][change] == 1


def test_a_changed_cell_has_its_findings_and_its_records() -> None:
    def about(number: str, **entity: Any) -> Any:
        return SimpleNamespace(
            family="access", id=number, entity={"http_request_method": "GET", "route": "/a"} | entity, details={}
        )

    findings = (
        about("F-2", principal="anonymous"),
        about("F-1", spelling="case"),
        about("F-3", principal="admin"),
        about("F-4", route="/b"),
    )
    found = matrix(
        requests("2", 7, 200, **ANONYMOUS),
        requests("1", 3, 401, **ANONYMOUS),
        requests("1", 2, 401, url_path="/b", **ANONYMOUS),
        findings=findings,
    )
    cell = found["cells"][0]
    assert (cell["route"], cell["principal"], cell["source"]) == ("/a", "anonymous", "access log")
    assert cell["canary"] == {"decision": "allow", "allow": 7, "deny": 0, "unknown": 0}
    assert cell["baseline"] == {"decision": "deny", "allow": 0, "deny": 3, "unknown": 0}
    assert cell["findings"] == ["F-1", "F-2"]
    assert cell["evidence"] == [f"test:{number}" for number in range(1, 6)]


def test_changed_cells_come_first() -> None:
    rows = [requests(version, 1, status, url_path=path, **ANONYMOUS) for path, canary, baseline in (("/a", 200, 200), ("/b", 401, 200), ("/c", 200, 401)) for version, status in (("2", canary), ("1", baseline))]  # fmt: skip
    assert [cell["route"] for cell in matrix(*rows)["cells"]] == ["/c", "/b", "/a"]
