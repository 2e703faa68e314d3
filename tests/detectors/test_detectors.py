"""Every detector: its own tests, its front matter, and the house rules of its SQL."""

from __future__ import annotations

import re
from functools import cache

import pytest

from forensics.config import parse
from forensics.detectors import Detector, load
from forensics.detectors.front import COUNTS, by_id
from forensics.detectors.testing import DEFAULT_CONFIG, KINDS, Case, cases_of, fill, run_case
from forensics.schema import TABLES
from forensics.selects import parameters_of, tables_of
from forensics.store import Sandbox, open_memory

DETECTORS = load()
CASES = [(detector, case) for detector in DETECTORS for case in cases_of(detector)]
FAMILIES = {"access", "config", "disclosure", "headers", "health", "logs", "outbound", "rollout", "supply_chain"}
# Columns that views or detectors make; none of them holds what names a person.
DERIVED = {
    "destination", "route", "principal", "component", "version_from", "version_to",
    "phase", "vulnerability", "dimension", "pods", "digest", "source_table", "source_observer", "gap_start", "first_source", "second_source", "cookie", "media_type", "form", "value", "place", "parameter", "outcome", "exception_frame", "log_template",
    "scheme", "spelling", "rewrite_header", "override", "forwarding_header", "ambiguity", "claim", "sign", "credential", "proof", "source", "role", "deed", "zone", "tls_fingerprint",
}  # fmt: skip
REFERENCE = re.compile(r"CWE-\d+|ATT&CK T\d{4}(\.\d{3})?|OWASP (A\d{2}:2021|API\d{1,2}:2023)")
GDPR = re.compile(r"\d+(\(\d\))?(\([a-z]\))?")

every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)


@pytest.mark.parametrize(
    ("detector", "case"), CASES, ids=[f"{detector.id}: {case.name[:60]}" for detector, case in CASES]
)
def test_detector_by_its_own_tests(detector: Detector, case: Case) -> None:
    assert run_case(detector, case) == ""


@every_detector
def test_all_kinds_of_tests_are_there(detector: Detector) -> None:
    assert {case.kind for case in cases_of(detector)} == set(KINDS)


@every_detector
def test_test_names_differ(detector: Detector) -> None:
    names = [case.name for case in cases_of(detector)]
    assert len(names) == len(set(names))


def test_detectors_are_built_in_and_sorted() -> None:
    ids = [detector.id for detector in DETECTORS]
    assert len(ids) >= 25
    assert ids == sorted(ids)
    assert {detector.family for detector in DETECTORS} == FAMILIES


@every_detector
def test_id_is_the_path(detector: Detector) -> None:
    family, _, stem = detector.id.partition(".")
    assert detector.family == family
    assert detector.file == f"queries/{family}/{stem}.sql"


@every_detector
def test_front_matter_is_complete(detector: Detector) -> None:
    front = detector.front
    assert re.fullmatch(r"[A-Z][^.]{15,90}", front.title), "a title is one sentence without a full stop"
    assert front.why.endswith(".")
    assert front.recommendation.endswith(".")
    assert front.false_positives
    assert front.references
    assert all(REFERENCE.fullmatch(reference) for reference in front.references)
    assert all(GDPR.fullmatch(article) for article in front.gdpr)
    assert not front.personal_data or "33" in front.gdpr, (
        "a breach of personal data asks for the notification of article 33"
    )


@every_detector
def test_fingerprint_is_in_the_output_and_names_nobody(detector: Detector) -> None:
    columns = output_columns(detector)
    fingerprint = detector.front.fingerprint
    assert fingerprint
    assert set(fingerprint) <= set(columns)
    classes = {column.name: column.personal for table in TABLES.values() for column in table.columns}
    assert {key for key in fingerprint if key not in DERIVED and classes.get(key) != "none"} == set()


@every_detector
def test_output_keeps_the_contract(detector: Detector) -> None:
    columns = output_columns(detector)
    assert len(columns) == len(set(columns))
    assert set(columns) >= {*COUNTS, "first_seen", "last_seen", "evidence"}
    rated = detector.front.compare in ("rate_up", "rate_down")
    assert ("strata" in columns) == rated
    classes = {column.name: column.personal for table in TABLES.values() for column in table.columns}
    assert {key for key in columns if classes.get(key, "none") != "none"} == set(), "outputs name nobody"


# What is forbidden is so whatever the baseline does.
VIOLATIONS = {
    f"outbound.{name}"
    for name in (
        "address_echo", "drop_service", "encrypted_dns", "forbidden_zone", "metadata_endpoint", "miner", "outside_allow_list", "plain_text_protocol", "tor",
        "tor_style_certificate",
    )
}  # fmt: skip


@every_detector
def test_needs_name_the_tables_it_is_about(detector: Detector) -> None:
    assert detector.front.needs.tables
    assert set(detector.front.needs.tables) <= set(TABLES)
    needs = detector.front.needs
    assert needs.canary_rows >= (0 if needs.known else 1), "what needs no canary rows needs to know something else"
    alone = detector.family == "rollout" or needs.known or detector.id in VIOLATIONS
    assert needs.baseline_rows >= (0 if alone else 1), (
        "only the rollout itself and rules of policy need no comparison, and what compares with the time before the phases"
    )
    assert parameters_of(detector.sql) == set(detector.front.params)
    assert not tables_of(detector.sql) & {f"facts.{table}" for table in TABLES}


def output_columns(detector: Detector) -> list[str]:
    return list(_columns(detector.id))


@cache
def _empty() -> Sandbox:
    """Return a case without rows, made once."""
    sandbox = open_memory(1)
    fill(sandbox, parse(DEFAULT_CONFIG).config, {})
    return sandbox


@cache
def _columns(name: str) -> tuple[str, ...]:
    detector = by_id(DETECTORS, name)
    columns, rows = _empty().select_rows(detector.sql, detector.parameters or None)
    assert rows == []
    return tuple(columns)


def bare(sql: str) -> str:
    """SQL without comments and with empty string literals."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"/\*.*?\*/|--[^\n]*", " ", sql, flags=re.DOTALL))


def outermost(sql: str) -> str:
    """SQL without anything in parentheses."""
    text, before = bare(sql), ""
    while text != before:
        before, text = text, re.sub(r"\([^()]*\)", " ", text)
    return text


@every_detector
def test_sql_is_lower_case(detector: Detector) -> None:
    assert re.findall(r"[A-Z]+", bare(detector.sql)) == []


@every_detector
def test_sql_ends_with_an_explicit_order(detector: Detector) -> None:
    tail = outermost(detector.sql).rpartition("order by")[2]
    assert "order by" in outermost(detector.sql)
    assert re.fullmatch(r"\s*[a-z_.]+(,\s*[a-z_.]+)*\s*", tail)
    ordered = {part.strip().rpartition(".")[2] for part in tail.split(",")}
    assert ordered == set(detector.front.fingerprint), "rows are told apart by what they are ordered by"


@every_detector
def test_sql_takes_no_star_from_tables(detector: Detector) -> None:
    text = bare(detector.sql)
    assert not re.search(r"select\s+(distinct\s+)?(\w+\.)?\*", outermost(detector.sql))
    known = set(re.findall(r"(\w+)\s+as\s*\(", text))
    for found in re.finditer(r"select\s+(?:distinct\s+)?(?:\w+\.)?\*.*?\bfrom\s+(\w+)", text, re.DOTALL):
        assert found[1] in known, f"select * from {found[1]}"


FORBIDDEN = {
    "not in over a query": r"not\s+in\s*\(\s*select",
    "the clock": r"\bnow\s*\(|current_(date|time|timestamp)|\btoday\s*\(|get_current",
    "chance": r"\brandom\s*\(|\buuid\s*\(|using\s+sample|tablesample",
    "list functions row by row": r"list_transform|list_filter|list_reduce|\blambda\b|->",
    "what other engines lack": r"time_bucket|\basof\b",
    "rounding casts": r"::int(eger|4)?\b",
    "files": r"\bread_\w+\s*\(|\bglob\s*\(|parquet_scan",
    "an aggregate that depends on threads": r"\b(first|last|any_value|arbitrary|arg_min|arg_max|mode|approx_\w+)\s*\(",
}


@every_detector
@pytest.mark.parametrize("rule", FORBIDDEN)
def test_sql_keeps_the_house_rules(detector: Detector, rule: str) -> None:
    assert re.findall(FORBIDDEN[rule], bare(detector.sql)) == []
