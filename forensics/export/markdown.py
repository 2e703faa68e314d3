"""A summary in Markdown for a ticket or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from forensics.export._markup import code, table, text
from forensics.report.material import material
from forensics.report.words import MEANING, UNKNOWN, number, percent, share, time_text, value, words
from forensics.text import plural, shown

NAME = "markdown"
SUFFIX = ".md"
MOST = {"incidents": 20, "findings": 40, "not_evaluated": 40, "entities": 8}


def render(findings: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the summary: verdict, numbers, incidents, findings, what was not evaluated, integrity."""
    base = material(findings, results)
    parts = (_verdict(base), _numbers(base), _incidents(base), _findings(base), _not_evaluated(base), _foot(base))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _verdict(base: Mapping[str, Any]) -> list[str]:
    case, verdict = base["case"], base["verdict"]
    meaning = MEANING.get(verdict["outcome"], "")
    title = f"# {text(verdict['outcome'].upper())}: canary {text(case['service'] or UNKNOWN)} {text(case['canary_version'] or UNKNOWN)}"
    return [title, "", f"**{meaning}** {text(verdict['reason'])}" if meaning else text(verdict["reason"])]


def _numbers(base: Mapping[str, Any]) -> list[str]:
    case, coverage = base["case"], base["coverage"]
    window = f"{text(time_text(case['window']['start']))} to {text(time_text(case['window']['end']))}"
    counts = ", ".join(f"{count} {text(name)}" for name, count in base["severities"])
    rows = [
        ["Compared with", text(case["baseline_version"] or UNKNOWN)],
        ["Window", window],
        ["Outcome of the rollout", text(words(case["outcome"]))],
        ["Incidents", str(len(base["incidents"]))],
        ["Active findings", f"{len(base['findings'])}{f' ({counts})' if counts else ''}"],
        ["Pre-existing, suppressed", f"{len(base['pre_existing'])}, {len(base['suppressed'])}"],
        [
            "Coverage",
            f"grade {text(coverage['grade'] or UNKNOWN)}; rows of unknown version: {text(percent(coverage['unknown_share']))}",
        ],
    ]
    return [
        *table(["", ""], rows),
        *(f"\n- {text(reason)}" for reason in coverage["reasons"][:1]),
        *_bullets(coverage["reasons"][1:]),
    ]


def _bullets(items: Iterable[object]) -> list[str]:
    return [f"- {text(item)}" for item in items]


def _heading(name: str, part: int, whole: int) -> list[str]:
    return [f"## {name} ({shown(part, whole)})" if part < whole else f"## {name}", ""]


def _incidents(base: Mapping[str, Any]) -> list[str]:
    every = base["incidents"]
    if not every:
        return ["## Incidents", "", "None."]
    part = every[: MOST["incidents"]]
    return [*_heading("Incidents", len(part), len(every)), *(line for incident in part for line in _incident(incident))]


def _incident(incident: Mapping[str, Any]) -> list[str]:
    lines = [
        f"- **{text(incident['title'])}** ({text(incident['severity'])}, {plural(len(incident['findings']), 'finding')})"
    ]
    if incident["summary"]:
        lines.append(f"  {text(incident['summary'], 1000)}")
    for name, items in (
        ("Concerns", incident["entities"]),
        ("Changed components that fit", incident["changed_components"]),
    ):
        if items:
            lines.append(f"  {name}: {_codes(items)}.")
    if incident["recommendation"]:
        lines.append(f"  **Recommended:** {text(incident['recommendation'], 1000)}")
    return [line + ("  " if index < len(lines) - 1 else "") for index, line in enumerate(lines)]


def _codes(items: list[Any]) -> str:
    part = items[: MOST["entities"]]
    rest = f" ({shown(len(part), len(items))})" if len(part) < len(items) else ""
    return ", ".join(code(item) for item in part) + rest


def _findings(base: Mapping[str, Any]) -> list[str]:
    every = base["findings"]
    if not every:
        return ["## Findings", "", "No active findings."]
    part = every[: MOST["findings"]]
    rows = (_finding(entry) for entry in part)
    names = ["Severity", "Confidence", "Finding", "What", "Canary", "Baseline", "Before"]
    return [*_heading("Findings", len(part), len(every)), *table(names, rows)]


def _finding(entry: Mapping[str, Any]) -> list[str]:
    what = ", ".join(code(f"{words(name)}: {value(item)}", 120) for name, item in sorted(entry["entity"].items()))
    counts = (share(entry[side]["n"], entry[side]["total"]) for side in ("canary", "baseline"))
    cells = (
        text(entry["severity"]),
        text(entry["confidence"]),
        f"{text(entry['title'])} {code(entry['detector'])}",
        what,
    )
    return [*cells, *(text(count) for count in counts), text(number(entry["prior_n"]))]


def _not_evaluated(base: Mapping[str, Any]) -> list[str]:
    every = [entry for entry in base["detectors"] if entry["state"] in ("not_evaluated", "error")]
    if not every:
        return []
    part = every[: MOST["not_evaluated"]]
    lines = [
        f"- {code(entry['id'])} {text(words(entry['state']))}: {text(entry['reason'] or 'no reason recorded')}"
        for entry in part
    ]
    return [*_heading("Not evaluated", len(part), len(every)), *lines]


def _foot(base: Mapping[str, Any]) -> list[str]:
    tool, head = base["tool"], base["results"]["integrity"]["custody_head"]
    custody = f"custody head {code(head)}" if head else "the custody log is in the case"
    return [
        "---",
        f"{text(tool['name'])} {text(tool['version'] or UNKNOWN)}; case {code(base['case']['name'] or UNKNOWN)}; {custody}. All times are UTC.",
    ]
