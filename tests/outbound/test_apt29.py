"""A red-team exercise as Zeek saw it: the attacker sits in 192.168.0.0/24, the hosts in 10.0.0.0/8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.case import create
from forensics.config import parse
from forensics.ingest import ingest
from forensics.review import Options, detect

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "apt29-day1-zeek"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="real samples are not here")
ZONE = '[[zone]]\nname = "hosts"\ncidrs = ["10.0.0.0/8"]\nkind = "internal"\n'
HOSTS = {"scranton": "10.0.1.4", "nashua": "10.0.1.6"}


def cohorts(canary: str, baseline: str) -> str:
    return "".join(
        f'[[identity]]\naddress = "{HOSTS[host]}"\npod = "{host}"\ncohort = "{cohort}"\n'
        for host, cohort in ((canary, "canary"), (baseline, "baseline"))
    )


def found(folder: Path, config: str) -> tuple[dict[str, Any], dict[str, Any]]:
    case = create(folder / "apt29.case")
    case.write_config(parse(config))
    ingest(case, [DATA])
    detect(case, Options())
    return json.loads(case.findings.read_text()), json.loads((case.results / "outbound_limits.json").read_text())


def indicators(result: dict[str, Any], address: str, port: int) -> set[str]:
    return {
        item["detector"].removeprefix("outbound.")
        for item in result["findings"]
        if item["family"] == "outbound"
        and (item["entity"].get("destination"), item["entity"].get("destination_port")) == (address, port)
    }


def test_the_download_and_the_upload(tmp_path: Path) -> None:
    result, limits = found(tmp_path, ZONE + cohorts("scranton", "nashua"))
    assert indicators(result, "192.168.0.5", 443) >= {"new_destination", "direct_to_ip", "download_volume"}
    assert indicators(result, "192.168.0.4", 80) >= {
        "new_destination",
        "direct_to_ip",
        "upload_volume",
        "plain_text_protocol",
    }
    assert limits["zones_note"] == ""
    [incident] = [
        item for item in result["incidents"] if any(place.startswith("192.168.0.5:443") for place in item["entities"])
    ]
    assert incident["severity"] == "high"
    assert {"192.168.0.5:443", "192.168.0.5:1234"} <= set(incident["entities"]), "one address is one story"
    assert incident["title"].endswith(": 192.168.0.5:443 and 1 more")
    [upload] = [item for item in result["incidents"] if "192.168.0.4:80" in item["entities"]]
    assert upload["severity"] == "high", "that the baseline uses another port does not explain it"


def test_an_interactive_channel_is_no_beacon(tmp_path: Path) -> None:
    result, _ = found(tmp_path, ZONE + cohorts("nashua", "scranton"))
    told = indicators(result, "192.168.0.4", 8443)
    assert {"new_destination", "direct_to_ip"} <= told
    assert "beacon" not in told


def test_guessed_zones_are_told(tmp_path: Path) -> None:
    _, limits = found(tmp_path, cohorts("scranton", "nashua"))
    assert "assumed internal are" in limits["zones_note"]
    assert [zone["source"] for zone in limits["zones"]] == ["assumed"]
    assert "10.0.0.0/16" in limits["zones"][0]["networks"]
