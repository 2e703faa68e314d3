"""Render the sections named in reports/report.toml into one page.

The one sanitising boundary: `finalize` makes control and direction characters of every expression visible, autoescape makes it
text, StrictUndefined makes a misspelt name an error. Templates of users run in Jinja's sandbox.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from forensics.errors import ConfigError
from forensics.report import words
from forensics.report.figures import figures
from forensics.report.material import material
from forensics.resources import tree
from forensics.text import bytes_text, plural, safe_lines, safe_text, shown

_ANCHOR = re.compile(r"[A-Za-z0-9._-]{1,200}")
_SECTION = re.compile(r"[a-z][a-z0-9_]*")


def render(findings: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], extra: Sequence[Traversable]) -> str:
    """Return the report; files in the folders of `extra` win over those shipped, the last folder first."""
    folders = (*reversed(extra), tree("reports"))
    context = material(findings, results)
    page = _environment(folders).get_template("page.html")
    return page.render(context, sections=_sections(folders), figures=figures(context))


def render_page(name: str, context: Mapping[str, Any]) -> str:
    """Return another page of reports/, under the same rules of text."""
    return _environment((tree("reports"),)).get_template(name).render(context)


def _sections(folders: Sequence[Traversable]) -> list[dict[str, str]]:
    sections: list[dict[str, str]] = tomllib.loads(_source(folders, "report.toml") or "").get("section", [])
    for section in sections:
        if not _SECTION.fullmatch(section.get("id", "")) or not section.get("title"):
            raise ConfigError(
                f"report.toml has a section without a usable id or title: {section}",
                hint="Give every [[section]] an id of a-z, 0-9 and _, and a title.",
            )
    return sections


@cache
def _environment(folders: tuple[Traversable, ...]) -> ImmutableSandboxedEnvironment:
    """Return the environment of HTML templates: every expression is made visible, then escaped."""
    made = templates(folders, visible, autoescape=True)
    made.globals |= {"severity_names": words.SEVERITIES, "meaning": words.MEANING, "novelty": words.NOVELTY}
    return made


def templates(
    folders: tuple[Traversable, ...], finalize: Callable[[Any], Any], *, autoescape: bool
) -> ImmutableSandboxedEnvironment:
    """Return an environment over the folders in which `finalize` is what every expression passes on its way out."""
    made = ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=FunctionLoader(lambda name: _source(folders, name)),
    )
    made.filters |= _FILTERS
    return made


def _source(folders: Sequence[Traversable], name: str) -> str | None:
    """Return a template of the first folder that has it; `name` comes from report.toml and templates, never from evidence."""
    parts = name.split("/")
    if ".." in parts:
        return None
    files = (folder.joinpath(*parts) for folder in folders)
    return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), None)


def visible(value: Any) -> Any:
    """Make text safe to read before it is escaped; what templates made themselves passes."""
    if isinstance(value, Markup | StrictUndefined):
        return value
    return words.UNKNOWN if value is None else safe_text(value)


def anchor(identity: object) -> str:
    """Return an id that can stand in an attribute: the id itself, or a hash where it has other characters."""
    text = str(identity)
    return (
        text
        if _ANCHOR.fullmatch(text)
        else "x-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    )


def lines(text: object) -> Markup:
    """Return text of several lines, escaped, with its line feeds kept."""
    return escape(safe_lines(str(text)))


def clip(rows: Sequence[Any], limit: int, whole: int | None = None) -> dict[str, Any]:
    """Return the first rows and the sentence that says how many there are; no sentence where all are shown."""
    total = max(len(rows), whole or 0)
    part = rows[:limit]
    return {"rows": part, "note": shown(len(part), total) if total > len(part) else ""}


def one_of(word: object, allowed: Sequence[str]) -> str:
    """Return a word that may stand in a class attribute."""
    return str(word) if word in allowed else "other"


_FILTERS = {
    "anchor": anchor,
    "bytes": bytes_text,
    "chance": words.chance,
    "counts": words.counts,
    "clip": clip,
    "corrected": words.corrected,
    "delta": words.delta,
    "difference": words.difference,
    "interval": words.interval_text,
    "lines": lines,
    "number": words.number,
    "one_of": one_of,
    "percent": words.percent,
    "plural": plural,
    "share": words.share,
    "time": words.time_text,
    "time_attribute": words.time_attribute,
    "unit": words.unit_value,
    "value": words.value,
    "words": words.words,
}
