"""Documents as JSON, Markdown and HTML; each format has one boundary that every value passes.

HTML goes the way of the report: control characters visible, then escaped, no script, a strict policy. In Markdown every expression becomes
prose in which nothing is a link, a tag or a mention; queries stand in fences longer than any backticks in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from forensics.export import markdown_code, markdown_prose
from forensics.gdpr import content
from forensics.gdpr.content import Material
from forensics.report.page import templates, visible
from forensics.report.words import UNKNOWN, number, percent
from forensics.resources import tree
from forensics.text import safe_lines

_LONGEST = 1_000_000  # characters: as long as a gdpr.toml may be; texts of people are never cut
_RUNS = re.compile("`+")
_BOUNDS = {"exact": "exactly", "lower": "at least", "upper": "at most"}


def files(material: Material) -> dict[str, bytes]:
    """Return every document by file name."""
    wording = content.law(material.human)
    notification, clock = content.notification(material), content.clock_sheet(material)
    entry, counts = content.register_entry(material), content.counts(material)
    return {
        "art33-notification.html": as_html("notification", notification, wording),
        "art33-notification.json": as_json(notification),
        "art33-notification.md": as_markdown("notification", notification, wording),
        "breach-register-entry.json": as_json(entry),
        "breach-register-entry.md": as_markdown("register", entry, wording),
        "clock-sheet.json": as_json(clock),
        "clock-sheet.md": as_markdown("clock", clock, wording),
        "data-subject-counts.json": as_json(counts),
    }


def as_json(document: Mapping[str, Any]) -> bytes:
    """Return the document for programs; beyond ASCII everything is escaped, so that it is safe on a terminal."""
    return (json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode()


def as_markdown(name: str, document: Mapping[str, Any], wording: Mapping[str, Any]) -> bytes:
    """Return the document as Markdown by the template `gdpr/<name>.md`."""
    return _spaced(_markdown().get_template(f"gdpr/{name}.md").render(doc=document, law=wording)).encode()


def as_html(name: str, document: Mapping[str, Any], wording: Mapping[str, Any]) -> bytes:
    """Return the document as one HTML file by the template `gdpr/<name>.html`."""
    return _html().get_template(f"gdpr/{name}.html").render(doc=document, law=wording).encode()


@cache
def _markdown() -> ImmutableSandboxedEnvironment:
    made = templates((tree("reports"),), _prose, autoescape=False)
    made.filters |= {**_FILTERS, "fenced": _fenced, "token": _token}
    return made


@cache
def _html() -> ImmutableSandboxedEnvironment:
    made = templates((tree("reports"),), visible, autoescape=True)
    made.filters |= _FILTERS
    return made


def _prose(value: Any) -> Any:
    if isinstance(value, Markup | StrictUndefined):
        return value
    return UNKNOWN if value is None else markdown_prose(value, _LONGEST)


def _token(value: object) -> Any:
    """Return an address or a number that has to be readable as it is; what is blank says so."""
    return Markup(markdown_code(value)) if value else answer(value)  # noqa: S704 - Markdown, not HTML: a code span


def _fenced(text: str) -> Markup:
    """Return a block of code; every line feed is kept, everything else that acts is made visible."""
    fence = "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(text)), default=0))
    return Markup(f"{fence}sql\n{safe_lines(text)}\n{fence}")  # noqa: S704 - Markdown, not HTML: the fence is longer than any in the text


def _spaced(text: str) -> str:
    """Leave one blank line between blocks, whatever the branches of a template left."""
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def paragraphs(text: object) -> list[str]:
    """Return the lines of a text that people wrote, without empty ones."""
    return [line.strip() for line in str(text or "").replace("\r\n", "\n").split("\n") if line.strip()]


def answer(value: object) -> str:
    """Return yes, no, the text, or that it is still blank."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or BLANK
    return BLANK if value in (None, "") else str(value)


BLANK = "[to be filled in]"


def amount(item: Mapping[str, Any]) -> str:
    """Return a number as people write it, or that it is unknown."""
    if item["value"] is None:
        return "unknown"
    return percent(item["value"]) if item["measure"] == "sampled share" else number(item["value"])


def bound(item: Mapping[str, Any]) -> str:
    """Return what a number is worth, in words."""
    return _BOUNDS[item["bound"]]


def basis(item: Mapping[str, Any]) -> str:
    """Return how a number was counted, with its parts, its condition, or why it is unknown."""
    if item["value"] is None:
        return str(item["reason"])
    parts = ", ".join(f"{name.replace('_', ' ')} {number(count)}" for name, count in item["by"].items() if count)
    told = f"{item['method']} ({parts})" if parts else item["method"]
    return f"{told}; {item['condition']}" if item["condition"] else str(told)


def measure(item: Mapping[str, Any]) -> str:
    """Return what a number counts, in words."""
    title = _MEASURES.get(item["measure"], str(item["measure"]).capitalize())
    return f"{title}: {item['data_class']}" if item["data_class"] else title


_MEASURES = {
    "people": "People concerned",
    "people by category": "People concerned, by category",
    "records": "Records, counted as answers that carried personal data",
    "distinct values": "Distinct values",
    "sampled share": "Share of the answers that was sampled",
    "people served by the canary": "Everyone whose requests the canary answered",
    "people served by the canary by category": "Everyone whose requests the canary answered, by category",
}
_FILTERS = {
    "measure": measure,
    "paragraphs": paragraphs,
    "answer": answer,
    "amount": amount,
    "bound": bound,
    "basis": basis,
}
