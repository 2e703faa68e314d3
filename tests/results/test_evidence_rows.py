"""The records behind findings are looked up once a table, however many findings there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import msgspec

from forensics.results import Context, evidence_rows
from forensics.store import Sandbox
from tests.results.context import context


class _Counting:
    """Counts the statements that reach the engine."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.count = sandbox, 0

    def rows(self, sql: str, parameters: Any = None) -> Any:
        self.count += 1
        return self.sandbox.rows(sql, parameters)


class _Needs(msgspec.Struct):
    tables: list[str]


class _Front(msgspec.Struct):
    needs: _Needs


class _Detector(msgspec.Struct):
    id: str
    front: _Front


class _Count(msgspec.Struct):
    n: int


class _Finding(msgspec.Struct):
    id: str
    detector: str
    evidence: list[str]
    canary: _Count


class _Result(msgspec.Struct):
    findings: list[_Finding]


def component(index: int) -> dict[str, Any]:
    return {
        "observer": "o",
        "service_version": "2",
        "component_name": f"n{index}",
        "evidence_id": "E-1",
        "record_no": index,
    }


def built(findings: dict[str, list[str]], tables: list[str], **rows: list[dict[str, Any]]) -> tuple[Any, int]:
    made = context(**cast("Any", rows))
    counting = _Counting(made.sandbox)
    result = _Result([_Finding(name, "d", records, _Count(len(records))) for name, records in findings.items()])
    detectors = cast("Any", [_Detector("d", _Front(_Needs(tables)))])
    given: Context = replace(made, sandbox=cast("Any", counting), result=cast("Any", result), detectors=detectors)
    return evidence_rows.build(given), counting.count


def test_one_statement_a_table_answers_all_findings() -> None:
    findings = {f"F-{index}": [f"E-1:{index}"] for index in range(1, 41)}
    found, statements = built(findings, ["components"], components=[component(index) for index in range(1, 41)])
    assert statements == 1
    assert [found[f"F-{index}"]["rows"][0][:3] for index in (1, 40)] == [["E-1:1", "canary", "n1"], ["E-1:40", "canary", "n40"]]  # fmt: skip


def test_rows_stand_in_the_order_of_the_evidence_and_a_record_may_belong_to_several_findings() -> None:
    found, _ = built(
        {"F-1": ["E-1:2", "E-1:1"], "F-2": ["E-1:2"]}, ["components"], components=[component(1), component(2)]
    )
    assert [row[0] for row in found["F-1"]["rows"]] == ["E-1:2", "E-1:1"]
    assert [row[0] for row in found["F-2"]["rows"]] == ["E-1:2"]


def test_records_are_taken_from_the_first_table_that_has_any_and_told_alone_where_none_has() -> None:
    found, _ = built(
        {"F-1": ["E-1:1"], "F-2": ["E-2:9"], "F-3": []}, ["dns_queries", "components"], components=[component(1)]
    )
    assert found["F-1"]["columns"][1:3] == ["cohort", "name"]
    assert found["F-2"] == {"columns": ["record"], "rows": [["E-2:9"]], "total": 1}
    assert found["F-3"] == {"columns": ["record"], "rows": [], "total": 0}
