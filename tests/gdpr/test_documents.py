"""The documents: whole, plain about being drafts, the same every time, harmless, and without anybody's data."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from forensics import custody, gdpr
from forensics.case import Case, create, open_case
from forensics.errors import ConfigError, IntegrityError, UsageError
from forensics.gdpr.content import Material, law
from forensics.gdpr.facts import Facts, facts
from forensics.gdpr.human import kept, parse
from forensics.gdpr.model import Human, Jurisdiction
from forensics.gdpr.render import files
from forensics.results import material
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run, truth
from tests.gdpr.given import FULL, UK, filled, made, notification
from tests.report.test_page import PAYLOADS, Page, check_harmless

ROOT = Path(__file__).parent.parent.parent
NAME = "checkout-compromised"
EVERY = ("checkout-careless", "checkout-clean", NAME, "checkout-thin")
NAMES = {
    "art33-notification.html", "art33-notification.json", "art33-notification.md", "breach-register-entry.json", "breach-register-entry.md",
    "clock-sheet.json", "clock-sheet.md", "data-subject-counts.json",
}  # fmt: skip
HOSTILE = [
    *(payload.replace("\x00", "\x01") for payload in PAYLOADS),
    "[x](javascript:alert(1)) ![y](http://evil.example/a.png) <http://evil.example>",
    "| a | b |\n|---|---|\n| c | d |",
    "```\nfence\n```",
    "# heading\n- item\n> quote\n1. one\n---\n    code",
    "@team www.evil.example https://evil.example **bold** _it_ `x` ~~s~~ &lt; $x$",
    "line\r\nother\u2028third\u202e",
]


def text(files: dict[str, bytes], name: str) -> str:
    return files[name].decode()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("given", ["", FULL, UK])
def test_every_sample_gives_every_document(name: str, given: str, reviewed: Reviewed) -> None:
    files = made(reviewed.case(name), given)
    assert set(files) == NAMES
    for file, data in files.items():
        assert data.endswith(b"\n"), file
        if file.endswith(".json"):
            assert json.loads(data)["status"] == "draft"
        else:
            assert "DRAFT" in data.decode()[:3000], file
    page = check_harmless(text(files, "art33-notification.html"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(ids)
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_page_loads_and_runs_nothing(reviewed: Reviewed) -> None:
    whole = text(made(reviewed.case(NAME), FULL), "art33-notification.html")
    policies = [meta["content"] for meta in Page(whole).all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"]  # fmt: skip
    assert whole.index("Content-Security-Policy") < whole.index("<title") < whole.index("<style")
    assert "<script" not in whole


@pytest.fixture(scope="module")
def told(reviewed: Reviewed) -> Facts:
    """Facts of the compromised sample with hostile names of categories."""
    return facts(open_case(reviewed.case(NAME)), parse(filled(FULL, HOSTILE), Path("x")).human)


@pytest.mark.parametrize("shift", range(len(HOSTILE)))
def test_hostile_words_of_people_are_harmless_everywhere(shift: int, told: Facts) -> None:
    """Each free text of gdpr.toml gets each payload once over all shifts."""
    human = parse(filled(FULL, HOSTILE[shift:] + HOSTILE[:shift]), Path("x")).human
    check_files(files(Material(told, human, [], final=False)))


def check_files(found: dict[str, bytes]) -> None:
    check_harmless(text(found, "art33-notification.html"))
    for name, data in found.items():
        words = data.decode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ufeff]", words), name
        if name.endswith(".md"):
            check_markdown(words)
        if name.endswith(".json"):
            assert words.isascii()


def check_markdown(told: str) -> None:
    """An independent reader of CommonMark with tables finds no element that the templates do not make."""
    tokens = MarkdownIt("commonmark").enable("table").parse(told)
    blocks = {token.type.removesuffix("_open") for token in tokens if token.nesting == 1 or not token.nesting}
    assert blocks <= {"heading", "paragraph", "inline", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td", "fence", "hr"}  # fmt: skip
    children = {child.type for token in tokens for child in token.children or []}
    assert children <= {"text", "strong_open", "strong_close", "softbreak", "text_special", "code_inline"}
    assert {token.info for token in tokens if token.type == "fence"} <= {"sql"}
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings.count("h1") == 1
    assert set(headings) <= {"h1", "h2", "h3"}
    read = "".join(child.content for token in tokens for child in token.children or [] if child.type == "text")
    assert not re.search(r"://|(?i:www)\.|@\w", read)  # what chat and code hosts turn into links and notifications


@pytest.mark.parametrize("shift", range(0, len(HOSTILE), 4))
def test_hostile_text_of_evidence_is_harmless(shift: int, reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings whose title and route a client chose; they stand in the queries too."""

    def forged(case: Case) -> Any:
        findings, results = material(case)
        flagged = [item for item in findings["findings"] if item["personal_data"]]
        for item, payload in zip(flagged, HOSTILE[shift:], strict=False):
            item["title"] = item["recommendation"] = payload
            item["entity"]["route" if "route" in item["entity"] else "destination"] = payload
        return findings, results

    monkeypatch.setattr("forensics.gdpr.facts.material", forged)
    check_files(made(reviewed.case(NAME), FULL))


def identifiers(folder: Path) -> set[str]:
    """Return what names people or opens doors in the raw files of a sample."""
    found: set[str] = set()
    for path in [*sorted((folder / "access").iterdir()), *sorted((folder / "samples").glob("exchanges*"))]:
        data = path.read_bytes()
        for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
            entry = json.loads(line)
            keys = ("user_id", "user", "session_id", "session", "x_forwarded_for", "client_address", "request_id", "id")
            found |= {str(entry[key]) for key in keys if entry.get(key)}
            found |= set(re.findall(r"[\w.+-]+@[\w-]+\.example", line.decode()))
            found |= set(re.findall(r"/orders/(o-\d+)", line.decode()))
    return {item for item in found if len(item) > 3}


@pytest.mark.parametrize("name", EVERY)
def test_nobody_is_named_in_any_form(name: str, reviewed: Reviewed) -> None:
    whole = b"".join(made(reviewed.case(name), FULL).values()).decode().lower()
    planted = identifiers(SAMPLES / name)
    assert len(planted) > 100
    for item in planted:
        raw = item.encode()
        forms = [item, base64.b64encode(raw).decode().rstrip("="), raw.hex()]
        forms += [hashlib.new(algorithm, raw).hexdigest() for algorithm in ("md5", "sha1", "sha256")]
        assert not [form for form in forms if form.lower() in whole], item


def test_wording_differs_where_the_law_does(reviewed: Reviewed) -> None:
    case = reviewed.case(NAME)
    european, british = made(case, FULL), made(case, UK)
    for name in ("art33-notification.md", "art33-notification.html", "breach-register-entry.md", "clock-sheet.md"):
        eu, uk = text(european, name), text(british, name)
        assert "UK GDPR" in uk
        assert "UK GDPR" not in eu
        assert "DPA 2018" in uk or name == "clock-sheet.md"
        assert "supervisory authority" in eu.lower()
        assert "supervisory authority" not in uk.lower()
    eu, uk = text(european, "art33-notification.md"), text(british, "art33-notification.md")
    assert "Regulation (EU) 2016/679" in eu
    assert "Regulation (EU) 2016/679" not in uk
    assert "EDPB Guidelines 9/2022, section IV" in eu
    assert "EDPB Guidelines 9/2022" not in uk
    assert "- To: Data Protection Commission" in eu
    assert "- To: Information Commissioner's Office (ICO)" in uk
    assert "1182/71" in eu
    assert "1182/71" not in uk
    assert "more than one member state" in eu
    assert "member state" not in uk
    assert json.loads(british["art33-notification.json"])["law"] == "uk"


def test_both_wordings_have_the_same_keys() -> None:
    eu, uk = (law(Human(jurisdiction=Jurisdiction(law=name))) for name in ("eu", "uk"))
    assert eu.keys() == uk.keys()
    assert law(Human()) == eu


def test_the_tool_neither_sets_aware_at_nor_decides(reviewed: Reviewed) -> None:
    found = notification(reviewed.case(NAME))
    clock = found["clock"]
    assert (clock["aware_at"], clock["due_at"], clock["notified_at"], clock["late"]) == ("", "", "", None)
    assert (found["decision"]["notify_authority"], found["decision"]["tell_people"]) == (None, None)
    assert {item["assessment"] for item in found["criteria"]} == {""}
    assert clock["first_event"][:19] + "Z" == truth(NAME)["planted"]["open_admin_reports"]["first"]
    words = text(made(reviewed.case(NAME)), "art33-notification.md")
    assert "Authority notified: \\[to be filled in\\]" in words
    assert "| Aware | \\[to be filled in\\] |" in words


def test_the_clock_sheet_holds_what_people_said(reviewed: Reviewed) -> None:
    clock = json.loads(made(reviewed.case(NAME), FULL)["clock-sheet.json"])["clock"]
    assert clock["aware_at"] == "2026-03-27T22:30:00Z"
    assert clock["aware_at_as_given"] == "2026-03-27T23:30:00+01:00"
    assert clock["due_at"] == clock["notified_at"] == "2026-03-30T22:30:00Z"
    assert clock["late"] is False
    assert (clock["triaged_at"], clock["triaged_by"]) == ("2026-03-27T21:00:00Z", "Ira Responder")


def test_the_first_word_on_a_finding_is_the_triage_unless_people_say_otherwise(
    reviewed: Reviewed, tmp_path: Path
) -> None:
    case = reviewed.copy(NAME, tmp_path / "own.case")
    finding = notification(case)["nature"]["findings"][0]["id"]
    assert notification(case)["clock"]["triaged_at"] == ""
    assert run("note", case, finding, "looked at").code == 0
    entry = json.loads((case / "annotations.jsonl").read_text())
    assert notification(case)["clock"]["triaged_at"] == entry["time"].replace("+00:00", "Z")
    assert notification(case, FULL)["clock"]["triaged_at"] == "2026-03-27T21:00:00Z"


def test_first_seen_is_the_first_detection_of_the_custody_log(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy(NAME, tmp_path / "own.case")
    assert run("detect", case).code == 0
    before = made(case)
    detected = [json.loads(line)["time"] for line in (case / "custody.jsonl").read_text().splitlines() if '"detect"' in line]  # fmt: skip
    assert json.loads(before["clock-sheet.json"])["clock"]["first_seen_by_tool"] == detected[0].replace("+00:00", "Z")
    assert run("detect", case).code == 0
    assert made(case) == before
    assert custody.first(case / "custody.jsonl", "nothing") == ""


def test_a_final_document_says_nothing_of_a_draft(reviewed: Reviewed) -> None:
    files = made(reviewed.case(NAME), FULL, final=True)
    for name, data in files.items():
        assert b"DRAFT" not in data, name
        assert b"to be filled in" not in data, name
    assert "`dpo@shop.example`" in text(files, "art33-notification.md")
    assert json.loads(files["clock-sheet.json"])["status"] == "final"


def test_blanks_block_final(reviewed: Reviewed) -> None:
    with pytest.raises(ConfigError, match="1 field"):
        made(reviewed.case(NAME), FULL.replace("children = false\n", ""), final=True)


def test_what_people_say_below_the_evidence_is_told(reviewed: Reviewed) -> None:
    case = reviewed.case(NAME)
    told = FULL.replace("[nature]\n", '[nature]\npeople = {}\nrecords = 10\nbasis = "the log of the mailer"\n')
    low, right = notification(case, told.replace("{}", "6")), notification(case, told.replace("{}", "7"))
    assert "The controller gives a smaller number of people than the evidence shows." in low["limits"]
    assert not [limit for limit in right["limits"] if "smaller number" in limit]
    assert "Approximate number of people, as the controller says: 6." in text(made(case, told.replace("{}", "6")), "art33-notification.md")  # fmt: skip


def test_the_same_case_gives_the_same_bytes_anywhere(reviewed: Reviewed) -> None:
    case = reviewed.case(NAME)
    first = made(case, FULL)
    assert made(case, FULL) == first
    program = (
        "import sys, hashlib; from pathlib import Path; from tests.gdpr.given import FULL, made\n"
        "print(hashlib.sha256(repr(made(Path(sys.argv[1]), FULL)).encode()).hexdigest())"
    )
    environment = {**os.environ, "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT), "LC_ALL": "C", "CANARY_THREADS": "1"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program, str(case)], capture_output=True, text=True, check=True, env=environment)  # fmt: skip
    assert done.stdout.strip() == hashlib.sha256(repr(first).encode()).hexdigest()


@pytest.mark.parametrize("name", ["checkout-clean", "checkout-thin"])
def test_nothing_found_is_no_proof_and_no_zero(name: str, reviewed: Reviewed) -> None:
    found = notification(reviewed.case(name))
    assert (found["nature"]["findings"], found["numbers"], found["nature"]["breach_types"]) == ([], [], [])
    assert found["clock"]["first_event"] == ""
    files = made(reviewed.case(name))
    for file in ("art33-notification.md", "breach-register-entry.md", "art33-notification.html"):
        words = " ".join(text(files, file).split())
        assert "That is no proof that there was no breach" in words, file
        assert "Number of people: unknown. Number of records: unknown." in words, file
    if name == "checkout-thin":
        assert [limit for limit in found["limits"] if "only 4 canary rows in http_exchanges, 20 needed" in limit]


def test_findings_of_the_baseline_too_are_named_and_not_counted(reviewed: Reviewed) -> None:
    (left,) = notification(reviewed.case(NAME))["nature"]["not_counted"]
    assert "/api/v1/profile" in left["what"]
    assert left["reason"] == "the baseline does it too"


def test_a_case_without_cohorts_says_that_nothing_can_be_compared(tmp_path: Path) -> None:
    (tmp_path / "canary.toml").write_text('[release]\nservice = "checkout"\n')
    case = tmp_path / "a.case"
    assert run("review", SAMPLES / "checkout-thin", "--config", tmp_path / "canary.toml", "--case", case).code == 0
    found = notification(case)
    assert found["numbers"] == []
    assert [limit for limit in found["limits"] if "canary.toml has no cohort rules" in limit]
    assert found["verdict"]["outcome"] == "inconclusive"
    assert "no reason for doubt" not in text(made(case), "art33-notification.md")


def test_before_detection_there_is_nothing_to_write(tmp_path: Path) -> None:
    case = create(tmp_path / "a.case")
    case.finish_ingest([])
    with pytest.raises(UsageError, match="no findings yet"):
        gdpr.documents(open_case(case.folder))


def test_the_kept_file_is_pinned(reviewed: Reviewed, tmp_path: Path) -> None:
    case = open_case(reviewed.copy(NAME, tmp_path / "own.case"))
    gdpr.keep(case, gdpr.parse(FULL, Path("x")))
    assert kept(case).human.controller.name == "Shop Ltd"
    assert gdpr.documents(case) == made(case.folder, FULL)
    (case.folder / "gdpr.toml").write_text(UK)
    with pytest.raises(IntegrityError):
        gdpr.documents(case)


def test_measures_are_what_took_the_canary_out_and_not_what_gave_it_more(reviewed: Reviewed) -> None:
    """The rollout: 5 % at 09:00, 25 % at 09:30, aborted and 0 % at 10:10."""
    taken = notification(reviewed.case("checkout-compromised"))["measures"]["by_the_log"]
    assert taken
    assert {item["action"] for item in taken} <= {"aborted", "rolled_back", "weight_set"}
    assert all(item["weight"] == 0 for item in taken if item["action"] == "weight_set")
    assert min(item["time"] for item in taken) >= "2026-03-03T10:0"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "[nature]\n",
            '[nature]\npeople = 3\nbasis = "logs"\n',
            "nature.people needs a number that is not below the 7 people",
        ),
        (
            "[nature]\n",
            '[nature]\nrecords = 1\nbasis = "logs"\n',
            "nature.records needs a number that is not below the 10 records",
        ),
        (
            "aware_at = ",
            'delay_reason = "asked"\naware_at = 2026-03-01T00:00:00Z #',
            "clock.aware_at needs a moment that does not lie before the first event",
        ),
    ],
)
def test_what_the_evidence_contradicts_is_not_final(reviewed: Reviewed, old: str, new: str, told: str) -> None:
    case = reviewed.case("checkout-compromised")
    assert made(case, FULL, final=True)
    text = FULL.replace(old, new, 1)
    assert told.split(" needs ")[1] in made(case, text)["art33-notification.md"].decode()
    with pytest.raises(ConfigError, match=told):
        made(case, text, final=True)
