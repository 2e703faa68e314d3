"""`findings`: the findings of a case."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import click

from forensics.cli.output import dump, emit, format_options
from forensics.text import safe_text

_INDENT = " " * 14
_SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--severity", type=click.Choice(_SEVERITIES), default=None, help="This severity or above.")
@click.option("--detector", default="", metavar="GLOB", help="Detectors such as outbound.* only.")
@click.option(
    "--status", type=click.Choice(["active", "suppressed", "accepted"]), default=None, help="This status only."
)
@click.option(
    "--novelty",
    type=click.Choice(["new", "rate_up", "rate_down", "changed", "pre_existing"]),
    default=None,
    help="This novelty only.",
)
@click.option("--text", default="", help="Only findings whose title or subject holds this.")
@format_options
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    case: Path, severity: str | None, detector: str, status: str | None, novelty: str | None, text: str, form: str, as_json: bool
) -> None:  # fmt: skip
    """List the findings of CASE, worst first."""
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.investigate import listing

    wanted = listing.Filter(severity or "", detector, status or "", novelty or "", text)
    with forged_is_told():
        chosen, total = listing.findings(open_case(case), wanted)
        rows = [listing.row(item) for item in chosen]
    if as_json or form == "json":
        dump(chosen)
    elif form == "table":
        for item in chosen:
            _told(item, listing.what(item), listing.row(item))
    else:
        emit(listing.COLUMNS, rows, form)
    click.echo(f"{len(chosen):,} of {total:,} findings; one of them: canary-forensics explain CASE ID", err=True)


def _told(item: dict[str, Any], what: str, row: list[Any]) -> None:
    """Print a finding in three parts, folded to the terminal: nothing is cut."""
    state = "" if item["status"] == "active" else f", {item['status']}"
    novelty = item["novelty"].replace("_", " ")
    click.secho(_folded(f"{item['id']}  {item['severity'].upper():<8}  {item['title']}"), bold=True)
    click.echo(_folded(f"{_INDENT}{what}"))
    click.echo(_folded(f"{_INDENT}canary {row[6]}, baseline {row[7]}; {novelty}{state}; {item['detector']}"))


def _folded(line: str) -> str:
    text = safe_text(line)
    if not sys.stdout.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 40)
    return "\n".join(
        textwrap.wrap(text, width, subsequent_indent=_INDENT, drop_whitespace=False, replace_whitespace=False)
    )
