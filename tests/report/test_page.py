"""What every report promises: it is one file, loads nothing, runs nothing, and is built for people and screen readers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from forensics.errors import ConfigError
from forensics.report import render_html
from forensics.report.material import material
from forensics.resources import tree, walk

VOID = {"meta", "br", "hr", "img", "input", "link"}
ELEMENTS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "main",
    "footer",
    "nav",
    "section",
    "article",
}
ELEMENTS |= {
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "div",
    "span",
    "strong",
    "code",
    "bdi",
    "small",
    "br",
    "time",
}
ELEMENTS |= {
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "pre",
    "figure",
    "figcaption",
}
ELEMENTS |= {"svg", "g", "path", "line", "text", "rect", "clippath", "defs"}
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "http://evil.example/a\u202egpj.exe",
    "\x1b]52;c;Zm9v\x07\x00\u2028\ufeff",
    "-->]]><svg onload=alert(1)>",
    "=cmd|'/c calc'!A1",
)


class Page(HTMLParser):
    """Collects elements, attributes and headings, and refuses elements closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hostile(value: Any, counter: Iterator[int]) -> Any:
    """Put a payload at the end of every text that is not a time or a word the schema fixes."""
    if isinstance(value, dict):
        return {key: item if key in FIXED else hostile(item, counter) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, counter) for item in value]
    return value + PAYLOADS[next(counter) % len(PAYLOADS)] if isinstance(value, str) else value


FIXED = {
    "state",
    "status",
    "novelty",
    "cohort",
    "kind",
    "time",
    "start",
    "end",
    "id",
    "findings",
    "detector",
    "finding",
}


def endless() -> Iterator[int]:
    count = 0
    while True:
        yield count
        count += 1


def check_harmless(text: str) -> Page:
    page = Page(text)
    assert {name for name, _ in page.elements} <= ELEMENTS
    for _, attributes in page.elements:
        assert not [
            name
            for name in attributes
            if name.startswith("on") or name in {"src", "style", "srcset", "action", "xlink:href"}
        ]
        assert attributes.get("href", "#").startswith("#")
        assert "javascript:" not in "".join(
            value for name, value in attributes.items() if name not in {"aria-label", "content"}
        )
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    return page


def test_loads_and_runs_nothing(findings: dict[str, Any], results: dict[str, Any]) -> None:
    page = check_harmless(render_html(findings, results))
    policies = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert {"name": "referrer", "content": "no-referrer"} in page.all("meta")


def test_the_policy_comes_before_anything_it_governs(findings: dict[str, Any]) -> None:
    text = render_html(findings, {})
    assert text.index("Content-Security-Policy") < text.index("<title") < text.index("<style")


def test_headings_step_down_one_at_a_time(findings: dict[str, Any], results: dict[str, Any]) -> None:
    page = Page(render_html(findings, results))
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_landmarks_captions_and_scopes(findings: dict[str, Any], results: dict[str, Any]) -> None:
    page = Page(render_html(findings, results))
    assert [len(page.all(name)) for name in ("main", "header", "footer", "nav")] == [1, 1, 1, 1]
    assert len(page.all("caption")) == len(page.all("table")) > 10
    assert all(cell.get("scope") in {"col", "row"} for cell in page.all("th"))
    assert page.all("a")[0]["href"] == "#content"


def test_ids_are_unique_and_every_link_lands(findings: dict[str, Any], results: dict[str, Any]) -> None:
    page = Page(render_html(findings, results))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(ids)


@pytest.mark.parametrize("shift", range(len(PAYLOADS)))
def test_hostile_text_stays_text(findings: dict[str, Any], results: dict[str, Any], shift: int) -> None:
    """Every text field gets each payload once; no element or attribute appears that the clean report does not have."""
    counter = endless()
    for _ in range(shift):
        next(counter)
    text = render_html(hostile(findings, counter), hostile(results, counter))
    page = check_harmless(text)
    words = "".join(page.words)
    assert "<script>alert(1)</script>" in words
    assert "\\u202e" in words
    assert "\\x1b]52" in words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ufeff]", text)
    assert "{{ 7 * 7 }}" in words


def test_hostile_ids_become_hashes(findings: dict[str, Any], results: dict[str, Any]) -> None:
    bad = 'x" onclick="alert(1)'
    findings["findings"][0]["id"] = findings["incidents"][0]["findings"][0] = bad
    page = check_harmless(render_html(findings, results))
    assert any(re.fullmatch(r"finding-x-[0-9a-f]{16}", attributes.get("id", "")) for attributes in page.all("article"))


def test_hostile_words_do_not_become_classes(findings: dict[str, Any]) -> None:
    findings["findings"][0]["severity"] = 'high" onclick="x'
    findings["verdict"]["outcome"] = "pass outcome-block"
    page = check_harmless(render_html(findings, {}))
    classes = " ".join(attributes.get("class", "") for _, attributes in page.elements)
    assert "onclick" not in classes
    assert "outcome-block" not in classes


def test_the_ticks_of_a_replay_stand_in_a_folded_table(findings: dict[str, Any], results: dict[str, Any]) -> None:
    """At most 200 rows, and how many there are; what was measured is told with its state."""
    tick = {
        "reading": "truth", "time": "2026-03-03T09:00:00Z", "gate": "refusals", "state": "empty", "value": None, "k": 0.0, "n": 7.0,
        "phase": "Inconclusive", "metric_phase": "Running", "why": "no data (empty)",
    }  # fmt: skip
    run = {
        "run": "checks",
        "verdict": "UNDECIDABLE",
        "reason": "refusals judged nothing",
        "gates": [],
        "trace": [tick] * 201,
        "trace_total": 900,
    }
    policy = {
        "name": "own",
        "kind": "policy",
        "verdict": "UNDECIDABLE",
        "reason": "checks stops it first",
        "notes": [],
        "runs": [run],
    }
    results["replay"] = {"replays": [{"policies": [policy], "radius": []}], "note": ""}
    html = render_html(findings, results)
    section = html.partition("Ticks of checks")[2].partition("</details>")[0]
    assert html.count("<summary>Ticks of checks (900)</summary>") == 1
    assert section.count("no data (empty)") == 200
    assert "checks stops it first" in html


@pytest.mark.parametrize(
    "missing",
    [
        "timeline",
        "replay",
        "actions",
        "flags",
        "stable_canary",
        "series",
        "outbound",
        "access",
        "headers",
        "bodies",
        "sbom",
        "coverage",
        "integrity",
        "review",
    ],
)
def test_a_missing_result_is_said_in_words(findings: dict[str, Any], results: dict[str, Any], missing: str) -> None:
    whole = render_html(findings, results)
    assert f"results/{missing}.json" not in whole
    del results[missing]
    page = Page(render_html(findings, results))
    assert f"The case holds no results/{missing}.json" in " ".join("".join(page.words).split())


@pytest.mark.parametrize("missing", ["evidence_rows", "detectors"])
def test_findings_stand_without_their_extras(findings: dict[str, Any], results: dict[str, Any], missing: str) -> None:
    del results[missing]
    assert "ev-07:412" in render_html(findings, results)


def test_an_empty_case_still_has_every_section() -> None:
    page = check_harmless(render_html({}, {}))
    assert len(page.all("section")) == 22
    assert "INCONCLUSIVE" in "".join(page.words)


def test_empty_results_differ_from_missing_ones(findings: dict[str, Any]) -> None:
    assert "results/access.json" not in render_html(findings, {"access": {"cells": []}})


def test_the_numbers_of_the_first_screen(findings: dict[str, Any], results: dict[str, Any]) -> None:
    words = " ".join("".join(Page(render_html(findings, results)).words).split())
    assert "BLOCK Do not promote this canary. 4 active findings of high severity" in words
    assert "7 – 1 critical, 2 high, 3 medium, 1 low" in words
    assert "3 of 13 detectors" in words
    assert "of 17 clients (64.7 %)" in words
    assert "2026-03-03 09:17:42 UTC" in words
    assert "3 of 37 shown" in words


def test_every_finding_is_somewhere(findings: dict[str, Any], results: dict[str, Any]) -> None:
    page = Page(render_html(findings, results))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {f"finding-{entry['id']}" for entry in findings["findings"]} <= ids


def test_thousands_of_findings_are_counted_and_capped(findings: dict[str, Any]) -> None:
    one = findings["findings"][0]
    findings["findings"] = [one | {"id": f"f-{index:05}"} for index in range(5000)]
    text = render_html(findings, {})
    assert "200 of 5,000 shown" in text
    assert "2,000 of 4,800 shown" in text
    assert len(text) < 4_000_000


def test_the_query_of_a_detector_stands_once(findings: dict[str, Any], results: dict[str, Any]) -> None:
    findings["findings"].append(findings["findings"][0] | {"id": "f-second"})
    text = render_html(findings, results)
    assert text.count("count(*) filter (where cohort") == 2  # two columns of one query
    assert "the first finding of this detector" in text


def test_same_material_same_bytes_in_another_process_and_time_zone(
    findings: dict[str, Any], results: dict[str, Any]
) -> None:
    first, second = render_html(findings, results), render_html(findings, results)
    assert first == second
    program = (
        "import json, sys\nfrom forensics.report import render_html\nfindings, results = json.load(sys.stdin)\n"
        "sys.stdout.buffer.write(render_html(findings, results).encode())"
    )
    environment = {
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LC_ALL": "C",
    }
    other = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([findings, results]).encode(),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert other.stdout.decode() == first


def test_material_is_not_changed(findings: dict[str, Any], results: dict[str, Any]) -> None:
    before = json.dumps([findings, results])
    render_html(findings, results)
    material(findings, results)
    assert json.dumps([findings, results]) == before


def test_a_folder_of_a_user_wins(tmp_path: Path, findings: dict[str, Any]) -> None:
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "house.html").write_text("<p>Ticket for {{ case.service }}</p>")
    (tmp_path / "report.toml").write_text('[[section]]\nid = "house"\ntitle = "House"\n')
    assert "<p>Ticket for checkout</p>" in render_html(findings, {}, extra=[tmp_path])


def test_a_section_id_is_never_a_path(tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text('[[section]]\nid = "../../etc/passwd"\ntitle = "x"\n')
    with pytest.raises(ConfigError, match="usable id"):
        render_html({}, {}, extra=[tmp_path])


def templates() -> dict[str, str]:
    return {path: file.read_text(encoding="utf-8") for path, file in walk(tree("reports"), ".html")}


def test_only_charts_pass_unescaped() -> None:
    used = [match for text in templates().values() for match in re.findall(r"[^{}]*\|\s*safe\b", text)]
    assert [match.strip() for match in used] == ["drawing.svg | safe"]
    assert not [path for path, text in templates().items() if re.search(r"autoescape|Markup|xmlattr|tojson", text)]


def test_attributes_are_quoted_and_links_are_anchors() -> None:
    """The overview of audits alone links to files: reports below its folder, whose paths the tool made and quoted."""
    for path, text in templates().items():
        assert not re.search(r"<[a-z][^>]*=\{\{", text)
        links = re.findall(r"\bhref=\"(?!#)([^\"]*)\"", text)
        assert set(links) <= ({"{{ row.href }}", "{{ rollout.href }}"} if path == "audit.html" else set())


def test_every_section_file_is_in_the_order_and_back() -> None:
    listed = re.findall(
        r'^id = "(.*)"$', tree("reports").joinpath("report.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(
        path.removeprefix("sections/").removesuffix(".html") for path in templates() if path.startswith("sections/")
    )
