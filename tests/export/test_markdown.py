"""The summary: right numbers, and nothing of the evidence is interpreted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from forensics.export import _markup, markdown

UNREAD = re.compile(r"\\[\\`*_\[\]<>|~$&]|(`+)(?!`).*?(?<!`)\1(?!`)")


def outside_code(text: str) -> str:
    """Return what Markdown interprets: everything that is neither in a code span nor escaped."""
    return UNREAD.sub("", text)


def test_it_says_what_matters(findings: dict[str, Any], results: dict[str, Any]) -> None:
    text = markdown.render(findings, results)
    assert text.startswith("# BLOCK: canary checkout 2.4.0\n\n**Do not promote this canary.** 4 active findings")
    assert "| Active findings | 7 (1 critical, 2 high, 3 medium, 1 low) |" in text
    assert "11 of 17 (64.7 %)" in text
    assert "`auth.failed_logins` not evaluated: the evidence has no auth audit log" in text
    assert results["integrity"]["custody_head"] in text


def test_it_says_what_it_leaves_out(findings: dict[str, Any]) -> None:
    findings["findings"] = [findings["findings"][0] | {"id": f"f-{index}"} for index in range(100)]
    findings["incidents"] = [findings["incidents"][0]] * 30
    text = markdown.render(findings, {})
    assert "## Findings (40 of 100 shown)" in text
    assert "## Incidents (20 of 30 shown)" in text


@pytest.mark.parametrize(
    "payload",
    [
        "a | b || c",
        "`tick` ``two`` `",
        "<img src=x onerror=alert(1)><!-- x -->",
        "[x](javascript:alert(1)) ![y](http://evil.example)",
        "see https://evil.example and www.evil.example, @team",
        "line\n# heading\n- item",
        "**bold** __b__ ~~s~~ $x$ &lt;",
        "back\\slash \\| \\` \\",
        "\u202e\x1b[31m",
    ],
)
def test_hostile_text_is_not_interpreted(findings: dict[str, Any], results: dict[str, Any], payload: str) -> None:
    for entry in findings["findings"]:
        entry["title"] = entry["entity"]["name"] = payload
    for incident in findings["incidents"]:
        incident |= {"title": payload, "summary": payload, "entities": [payload], "recommendation": payload}
    findings["verdict"]["reason"] = findings["case"]["service"] = payload
    text = markdown.render(findings, results)
    left = outside_code(text).replace("**", "")
    assert not re.search(r"[`<>\[\]~$]|&\w", left.replace("[:]", "").replace("[.]", "").replace("[at]", ""))
    assert "://" not in left
    assert "@" not in left
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3, 8}
    assert len(rows) == 2 + 7 + 2 + 7


@pytest.mark.parametrize("given", ["1. a", "- a", "+ a", "# a", "=", "12) a"])
def test_text_never_starts_a_block(given: str) -> None:
    assert "\\" in _markup.text(given)


@pytest.mark.parametrize(
    ("given", "told"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("", "(empty)"), (" a", "`  a `")]
)
def test_code(given: str, told: str) -> None:
    assert _markup.code(given) == told
