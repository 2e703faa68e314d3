"""Advisories that the user supplies, on a sample as it is: they belong to no cohort, and are matched all the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.end_to_end.harness import SAMPLES, findings_of, run


def test_an_advisory_for_a_version_that_the_canary_brought(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(SAMPLES / "checkout-thin", evidence)
    events = [{"introduced": "6.21.1"}, {"fixed": "6.21.2"}]
    affected = [{"package": {"ecosystem": "npm", "name": "undici"}, "ranges": [{"type": "SEMVER", "events": events}]}]
    advisory = {
        "id": "GHSA-x",
        "modified": "2026-03-01T00:00:00Z",
        "published": "2026-03-01T00:00:00Z",
        "affected": affected,
    }
    (evidence / "osv.json").write_text(json.dumps(advisory), encoding="utf-8")
    assert run("review", evidence, "--case", tmp_path / "a.case").code == 0
    (found,) = (
        item
        for item in findings_of(tmp_path / "a.case")["findings"]
        if item["detector"] == "supply_chain.vulnerability_introduced"
    )
    assert found["entity"]["vulnerability"] == "GHSA-x"
    assert found["details"]["fixed_version"] == "6.21.2"
