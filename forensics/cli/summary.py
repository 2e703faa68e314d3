"""The result in a few lines: verdict, incidents, what could not be judged, what to do next."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

import click

from forensics.case import Case, LedgerEntry
from forensics.detectors import CUT
from forensics.evidence import file_of
from forensics.findings import Incident, Result, level
from forensics.text import listing, middle_cut, plural, safe_text, shell_word

_COLOURS = {"block": "red", "review": "yellow", "inconclusive": "yellow", "pass": "green"}
_INDENT = " " * 11
_MOST = 1000  # characters of a sentence with names of the evidence; the report has them whole


def print_result(case: Case, result: Result, damaged: Sequence[str]) -> None:
    """Print the summary; the verdict and the report's path come last, where the eye is."""
    ledger = case.ledger()
    held = [entry for entry in ledger if entry.status == "ingested"]  # of others the records are there already
    records = sum(entry.records for entry in held)
    accepted = sum(entry.accepted for entry in held)
    click.echo(
        f"Evidence   {plural(len(ledger), 'file')}, {plural(records, 'record')}: {accepted:,} accepted, {_lost(ledger)}"
    )
    click.echo(f"Coverage   grade {result.coverage.grade}")
    for reason in result.coverage.reasons:
        _hanging(f"- {safe_text(reason)}")
    for sentence in damaged:
        click.secho(f"Damaged    {safe_text(sentence)}", fg="yellow")
    _detectors(result)
    shown = [incident for incident in result.incidents if level(incident.severity) >= level("medium")]
    click.echo()
    for incident in shown:
        _incident(incident)
    quiet = len(result.incidents) - len(shown)
    if quiet:
        click.echo(f"{plural(quiet, 'incident')} below medium: see the report.")
    _counts(result)
    _next(case, result)
    click.secho(f"\nVerdict    {result.verdict.outcome}", bold=True, fg=_COLOURS[result.verdict.outcome])
    _hanging(safe_text(result.verdict.reason))
    click.echo(f"Report     {safe_text(case.reports / 'report.html')}")


def _lost(ledger: Sequence[LedgerEntry]) -> str:
    held = [entry for entry in ledger if entry.status == "ingested"]
    rejected = sum(entry.rejected for entry in held)
    skipped = sum(sum(entry.skipped.values()) for entry in held)
    unknown = sum(entry.status == "unrecognised" for entry in ledger)
    text = f"{rejected:,} rejected, {skipped:,} skipped (headers, blank lines, lines of a record before)"
    return text + (f"; {plural(unknown, 'file')} not recognised" if unknown else "")


def _detectors(result: Result) -> None:
    counts: dict[str, int] = {}
    for state in result.detectors:
        counts[state.state] = counts.get(state.state, 0) + 1
    words = [
        f"{counts[word]} {label}"
        for word, label in (
            ("finding", "found something"),
            ("clean", "clean"),
            ("not_evaluated", "not evaluated"),
            ("error", "failed"),
        )
        if word in counts
    ]
    click.echo(f"Detectors  {', '.join(words)}")
    silent: dict[str, list[str]] = {}
    for state in result.detectors:
        if state.state in ("not_evaluated", "error") or state.reason.endswith(CUT):
            silent.setdefault(state.reason, []).append(state.id)
    for reason, names in silent.items():
        _hanging(f"- {safe_text(reason)}: {listing(names, 4)}")


def _incident(incident: Incident) -> None:
    click.secho(
        f"{incident.severity.upper():<9}",
        nl=False,
        bold=True,
        fg="red" if level(incident.severity) >= level("high") else "yellow",
    )
    click.echo(f"  {safe_text(middle_cut(incident.title, _MOST))}")
    _hanging(safe_text(middle_cut(incident.summary, _MOST)))
    _hanging(f"-> {safe_text(incident.recommendation)}")


def _hanging(text: str) -> None:
    """Print below the label column; on a terminal long lines are folded there."""
    width = shutil.get_terminal_size().columns - len(_INDENT) if sys.stdout.isatty() else 0
    for line in (
        textwrap.wrap(text, max(width, 40), break_long_words=False, break_on_hyphens=False) if width else [text]
    ):
        click.echo(_INDENT + line)


def _counts(result: Result) -> None:
    pre_existing = sum(item.novelty == "pre_existing" and item.status == "active" for item in result.findings)
    suppressed = sum(item.status == "suppressed" for item in result.findings)
    if pre_existing:
        click.echo(f"{plural(pre_existing, 'finding')} on the baseline too (pre-existing), listed apart.")
    if suppressed:
        click.echo(f"{plural(suppressed, 'finding')} suppressed, listed apart.")


def _next(case: Case, result: Result) -> None:
    folder = shell_word(str(case.folder))
    click.echo("\nNext")
    if result.findings:
        click.echo(f"  canary-forensics explain {folder} {result.findings[0].id}")
    click.echo(f"  canary-forensics timeline {folder}")
    if not case.config().config.cohort:
        click.echo(
            f"  canary-forensics init {' '.join(shell_word(str(file_of(entry.path))) for entry in case.ledger()[:1])} ...   # proposes cohort rules"
        )
