"""`status`: what a case holds and whether it is what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from forensics.case import LedgerEntry
from forensics.cli.output import emit
from forensics.text import middle_cut, safe_text

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


def print_ledger(entries: Sequence[LedgerEntry]) -> None:
    """Print one line a file."""
    columns = [
        "file",
        "status",
        "format",
        "records",
        "accepted",
        "rejected",
        "skipped",
        "rows",
        "first",
        "last",
        "note",
    ]
    rows = [
        [
            middle_cut(safe_text(entry.name), _NAME), entry.status, entry.format, entry.records, entry.accepted, entry.rejected, sum(entry.skipped.values()),
            " ".join(f"{table}={count:,}" for table, count in entry.rows.items()), entry.first_time[:19], entry.last_time[:19],
            entry.truncated or entry.note or (f"same content as {entry.duplicate_of}" if entry.duplicate_of else ""),
        ]
        for entry in entries
    ]  # fmt: skip
    emit(columns, rows, "table")
