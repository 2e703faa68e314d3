"""Evidence is written by attackers: whatever stands in it comes out as text."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.conftest import Reviewed
from tests.end_to_end import hostile
from tests.end_to_end.harness import Done, findings_of, run, spawn

# C0 without line feed, DEL, C1, bidirectional controls, zero-width characters, line separators.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@pytest.fixture(scope="module")
def made(reviewed: Reviewed) -> tuple[Path, Done]:
    def build(folder: Path) -> None:
        folder.mkdir()
        done = run("review", hostile.make(folder / "evidence"), "--case", folder / "a.case")
        (folder / "done.json").write_text(json.dumps([done.code, done.out, done.err]), encoding="utf-8")

    folder = reviewed.make("hostile", build)
    code, out, err = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return folder / "a.case", Done(code, out.encode(), err)


def clean(done: Done) -> str:
    """Check that a terminal would only print; return the text."""
    assert done.code == 0, done.err
    found = CONTROL.search(done.out + done.err)
    assert found is None, (done.out + done.err)[max(0, found.start() - 80) : found.end() + 20].encode("unicode_escape")
    return done.out


def test_the_review_succeeds_and_still_finds_what_was_planted(made: tuple[Path, Done]) -> None:
    case, done = made
    out = clean(done)
    assert re.search(r"^Verdict    block$", out, re.MULTILINE)
    assert not re.search(r"^Verdict    pass", out, re.MULTILINE)
    ledger = findings_of(case)["evidence"]
    assert all(entry["status"] in ("ingested", "configuration") for entry in ledger), [
        (entry["name"], entry["status"]) for entry in ledger
    ]
    assert any("203.0.113.77" in incident["entities"] for incident in findings_of(case)["incidents"])


REACHED = {
    "http_requests": "url_path url_query user_agent_original server_address upstream_cluster user_id session_id http_request_method tls_client_server_name client_address error_type attributes",
    "http_exchanges": "url_path user_agent_original user_id session_id http_request_headers http_request_body http_response_headers http_response_body http_request_method",
    "connections": "tls_client_server_name network_protocol_name",
    "dns_queries": "dns_question_name dns_question_class",
    "rollout_events": "message reason actor rollout_name",
    "components": "component_name component_version purl bom_ref licenses",
    "identities": "labels",
}


@pytest.mark.parametrize("table", REACHED)
def test_payloads_reach_every_text_field(table: str, made: tuple[Path, Done]) -> None:
    """A test of this test: without it, a payload that an importer refuses would prove nothing."""
    columns = ", ".join(
        f"count(*) filter (contains(cast({name} as varchar), 'alert(1)')) as {name}" for name in REACHED[table].split()
    )
    row = json.loads(run("sql", made[0], f"select {columns} from observed.{table}", "--json").out)[0]
    assert all(row.values()), row


class Page(HTMLParser):
    """The elements and attributes of a page, and what it could load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, str]] = set()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.loads += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name in ("src", "href", "xlink:href", "action", "srcset", "data", "background")
            and not (value or "").startswith("#")
        ]
        self.loads += [f"{tag} style={value}" for name, value in attrs if name == "style" and "url(" in (value or "")]


def page(case: Path) -> Page:
    return Page((case / "reports" / "report.html").read_text(encoding="utf-8"))


def test_the_report_has_no_element_that_honest_evidence_does_not_make(
    made: tuple[Path, Done], reviewed: Reviewed
) -> None:
    poisoned = page(made[0])
    honest = page(reviewed.case("checkout-clean")).elements | page(reviewed.case("checkout-compromised")).elements
    assert poisoned.elements <= honest
    assert not [name for _, name in poisoned.elements if name.startswith("on")]
    assert ("script", "") not in poisoned.elements
    assert poisoned.loads == []


def test_the_report_shows_payloads_as_text(made: tuple[Path, Done]) -> None:
    text = (made[0] / "reports" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert CONTROL.search(text) is None
    assert "49" not in re.findall(r"\$\{?(\d+)\}?\{", text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "CASE"],
        ["status", "CASE", "--evidence"],
        ["timeline", "CASE", "--limit", "8000"],
        ["timeline", "CASE", "--limit", "8000", "--format", "markdown"],
        ["timeline", "CASE", "--limit", "8000", "--format", "csv"],
        ["sql", "CASE", "select * from http_requests", "--limit", "300"],
        ["sql", "CASE", "select * from exchanges", "--limit", "300"],
        ["sql", "CASE", "select * from components"],
        ["sql", "CASE", "select 'a' || chr(27) || '[2J' as \"\u202e<b>\""],
        ["config", "show", "CASE"],
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[2:])[:50].encode("ascii", "replace").decode(),
)
def test_the_terminal_gets_no_control_character(arguments: list[str], made: tuple[Path, Done]) -> None:
    clean(run(*(str(made[0]) if text == "CASE" else text for text in arguments)))


def test_every_finding_is_explained_without_control_characters(made: tuple[Path, Done]) -> None:
    findings = findings_of(made[0])["findings"]
    one_each = {item["detector"]: item["id"] for item in findings}
    assert len(one_each) >= 6
    for identifier in one_each.values():
        clean(run("explain", made[0], identifier))


def test_records_are_shown_without_control_characters(made: tuple[Path, Done]) -> None:
    for entry in findings_of(made[0])["evidence"]:
        if entry["status"] == "ingested":
            number = min(entry["records"], 40)
            clean(run("show", made[0], f"{entry['id']}:{number}"))
            clean(run("show", made[0], f"{entry['id']}:{number}", "--raw", "--context", "2"))


def test_csv_holds_no_formula(made: tuple[Path, Done]) -> None:
    sql = "select user_agent_original, url_path, user_id, upstream_cluster, http_request_header_referer, duration_ms from http_requests"
    rows = list(csv.reader(io.StringIO(clean(run("sql", made[0], sql, "--limit", "5000", "--format", "csv")))))
    cells = [cell for row in rows for cell in row]
    assert any("=cmd|" in cell for cell in cells)
    for cell in cells:
        assert not re.match(r"[\s'\"]*[=+@\t\r]|[\s\"]*-(?!\d+(\.\d+)?$)", cell) or cell.startswith("'"), cell


@pytest.mark.parametrize(
    "arguments",
    [["timeline", "--limit", "8000", "--format", "markdown"], ["report", "--format", "markdown", "-o", "-"]],
    ids=["timeline", "report"],
)
def test_markdown_renders_to_text(arguments: list[str], made: tuple[Path, Done]) -> None:
    """CommonMark with raw HTML allowed is the oracle: it must find neither HTML nor a link nor an image of another place."""
    text = clean(run(arguments[0], made[0], *arguments[1:]))
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    for token in parser.parse(text):
        for part in [token, *(token.children or [])]:
            assert part.type not in ("html_block", "html_inline", "image"), part.content[:200]
            assert part.type != "link_open" or str(part.attrGet("href")).startswith("#"), part.attrs


def test_json_on_standard_output_stays_json(made: tuple[Path, Done]) -> None:
    rows = json.loads(clean_json(run("timeline", made[0], "--limit", "8000", "--json")))
    assert any("<script>" in row["text"] for row in rows)


def clean_json(done: Done) -> str:
    assert done.code == 0, done.err
    assert re.search("[\x00-\x09\x0b-\x1f]", done.out) is None
    return done.out


def test_file_names_in_messages_are_safe(tmp_path: Path) -> None:
    name = "\x1b[31m\u202ejunk\n.bin"
    (tmp_path / name).write_bytes(bytes(range(256)) * 100)
    done = spawn("review", tmp_path / name, "--case", tmp_path / "a.case")
    assert done.code == 2
    assert CONTROL.search(done.err) is None
    assert len(done.err.splitlines()) == 2


def test_the_proposed_configuration_of_hostile_evidence_is_valid(made: tuple[Path, Done], tmp_path: Path) -> None:
    evidence = made[0].parent / "evidence"
    done = run("init", evidence)
    text = clean(done)
    (tmp_path / "canary.toml").write_text(text, encoding="utf-8")
    checked = run("config", "validate", tmp_path / "canary.toml")
    assert checked.code == 0, checked.out
