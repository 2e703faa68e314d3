"""`status`: what a case holds and whether it is what was recorded."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from forensics.case import LedgerEntry
from forensics.cli.output import emit
from forensics.text import middle_cut, plural, safe_text

_NAME = 60  # characters of a file name in a table; --json has it whole


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--evidence", "check_evidence", is_flag=True, help="Also hash the evidence files again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, case: Path, check_evidence: bool, as_json: bool) -> None:
    """Show the ledger of CASE, its coverage, and check hashes and custody. Exit 4 where something was changed."""
    from forensics.case import open_case
    from forensics.cli.output import dump
    from forensics.investigate.status import inspect

    opened = open_case(case)
    state = inspect(opened, evidence=check_evidence)
    if as_json:
        dump(state.as_dict())
    else:
        print_ledger(state.ledger)
        click.echo(f"\nTables     {state.tables}")
        click.echo(f"Custody    {safe_text(state.custody)}")
        click.echo(f"Findings   {safe_text(state.findings)}")
        for problem in state.problems:
            click.secho(f"Changed    {safe_text(problem)}", fg="red")
    ctx.exit(4 if state.problems else 0)


_COLUMNS = ["file", "status", "format", "records", "accepted", "rejected", "skipped", "rows", "first", "last", "note"]


def print_ledger(entries: Sequence[LedgerEntry]) -> None:
    """Print one line a file; on a terminal where that does not fit, a few lines a file, with nothing cut."""
    rows = [_row(entry) for entry in entries]
    titles: list[str | int] = [*_COLUMNS]
    widths = [max(len(f"{row[index]}") for row in [titles, *rows]) for index in range(len(_COLUMNS))]
    if sys.stdout.isatty() and sum(widths) + 2 * len(widths) > shutil.get_terminal_size().columns:
        _narrow(entries)
    else:
        emit(_COLUMNS, rows, "table")


def _row(entry: LedgerEntry) -> list[str | int]:
    rows = " ".join(f"{table}={count:,}" for table, count in entry.rows.items())
    return [
        middle_cut(safe_text(entry.name), _NAME), entry.status, entry.format, entry.records, entry.accepted, entry.rejected,
        sum(entry.skipped.values()), rows, entry.first_time[:19], entry.last_time[:19], "; ".join(_notes(entry)),
    ]  # fmt: skip


def _notes(entry: LedgerEntry) -> list[str]:
    same = f"same content as {entry.duplicate_of}" if entry.duplicate_of else ""
    return [safe_text(note) for note in (entry.truncated, entry.note, same) if note]


def _narrow(entries: Sequence[LedgerEntry]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False, markup=False)
    for entry in entries:
        console.print(Text(safe_text(entry.name), style="bold", overflow="fold"))
        for line in _lines(entry):
            console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 4), expand=False))


def _lines(entry: LedgerEntry) -> Iterator[str]:
    """Yield what is known of a file, each a line that a terminal may fold."""
    if not entry.format:
        yield ": ".join([entry.status, *_notes(entry)])
        return
    counts = f"{entry.accepted:,} accepted, {entry.rejected:,} rejected, {sum(entry.skipped.values()):,} skipped"
    yield f"{entry.status}, {entry.format}: {plural(entry.records, 'record')} = {counts}"
    if entry.rows:
        yield ", ".join(f"{table} {count:,}" for table, count in entry.rows.items())
    if entry.first_time:
        yield f"{entry.first_time[:19]} to {entry.last_time[:19]}"
    yield from _notes(entry)
