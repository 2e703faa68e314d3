"""OSV advisories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.importers.osv import base_score
from tests.ingest.helpers import at, load

ADVISORY: dict[str, Any] = {
    "schema_version": "1.6.0",
    "id": "GHSA-aaaa-bbbb-cccc",
    "modified": "2026-02-01T00:00:00Z",
    "published": "2026-01-02T03:04:05Z",
    "aliases": ["CVE-2026-1"],
    "summary": "Padding goes wrong",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "npm", "name": "left-pad", "purl": "pkg:npm/left-pad"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.5.1"}]}],
            "versions": ["1.0.0"],
        },
        {"package": {"ecosystem": "PyPI", "name": "left.pad"}, "ecosystem_specific": {"severity": "LOW"}},
    ],
}
FORMS = {
    "one": json.dumps(ADVISORY),
    "list": json.dumps([ADVISORY]),
    "query result": json.dumps({"vulns": [ADVISORY]}),
    "one a line": json.dumps(ADVISORY) + "\n" + json.dumps(ADVISORY),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: str, tmp_path: Path) -> None:
    loaded = load(tmp_path, FORMS[form])
    first = loaded.rows("vulnerabilities")[0]
    assert loaded.entry.format == "osv"
    assert loaded.entry.records == (2 if form == "one a line" else 1)
    assert {
        key: first[key]
        for key in ("vulnerability_id", "aliases", "severity", "severity_score", "package_purl", "affected_versions")
    } == {
        "vulnerability_id": "GHSA-aaaa-bbbb-cccc",
        "aliases": ["CVE-2026-1"],
        "severity": "critical",
        "severity_score": 9.8,
        "package_purl": "pkg:npm/left-pad",
        "affected_versions": ["1.0.0"],
    }
    assert first["time"] == at("2026-01-02T03:04:05")
    assert json.loads(first["affected_ranges"])[0]["events"][1] == {"fixed": "1.5.1"}


def test_an_affected_package_may_have_a_severity_of_its_own(tmp_path: Path) -> None:
    assert [row["severity"] for row in load(tmp_path, FORMS["one"]).rows("vulnerabilities")] == ["critical", "low"]


# Scores as first.org's calculator gives them (CVSS 3.1 specification, examples document).
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 6.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N", None),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("", None),
    ],
)
def test_base_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        ([{"id": 5.5, "modified": "2026-01-01", "affected": [{}], "ranges": []}], (1, 1, 0)),
        ([ADVISORY, {"modified": "2026-01-01"}, {"id": "x", "affected": []}, 7], (4, 1, 2)),
    ],
)
def test_what_is_no_advisory(document: Any, counts: tuple[int, int, int], tmp_path: Path) -> None:
    entry = load(tmp_path, json.dumps(document), format="osv").entry
    assert (entry.records, entry.accepted, entry.rejected) == counts
