"""`show`: one record."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from forensics.text import safe_text

_WIDTH = 64 * 1024  # bytes of a line with its neighbours; a single line goes out whole


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("record")
@click.option(
    "--raw",
    is_flag=True,
    help="Show the bytes in the evidence file, after its hash was checked. Recorded in access.jsonl.",
)
@click.option(
    "--context", default=0, show_default=True, type=click.IntRange(0, 1000), help="Lines before and after, with --raw."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(case: Path, record: str, raw: bool, context: int, as_json: bool) -> None:
    """Show RECORD (EVIDENCE:NUMBER) of CASE as it was parsed, or with --raw as it stands in the evidence."""
    from forensics.case import open_case
    from forensics.cli.output import dump
    from forensics.investigate.show import record as find
    from forensics.investigate.show import split_id

    opened = open_case(case)
    evidence, number = split_id(record)
    entry, tables = find(opened, evidence, number)
    if raw:
        opened.log_access("show_raw", record=f"{entry.id}:{number}", context=context)
        _raw(opened, entry, number, context)
    elif as_json:
        dump(tables)
    else:
        click.echo(f"{safe_text(entry.name)}, record {number:,} of {entry.records:,} ({entry.format})")
        for table, rows in tables.items():
            for row in rows:
                click.secho(f"\n{table}", bold=True)
                for key, value in row.items():
                    click.echo(f"  {key:<32} {safe_text(value, 2000)}")
        if not tables:
            click.echo("This record gave no row: a header, a blank line, or skipped. See it with --raw.")


def _raw(case: object, entry: object, number: int, context: int) -> None:
    """Whole bytes where standard output is not a terminal and one line is asked for; else with control characters made visible."""
    from forensics.case import Case, LedgerEntry
    from forensics.errors import UsageError
    from forensics.importers import by_name
    from forensics.investigate.show import document_entry, raw_lines
    from forensics.text import shown

    assert isinstance(case, Case)  # noqa: S101 - as below
    assert isinstance(entry, LedgerEntry)  # noqa: S101 - the caller's type, kept out of the import time
    importer = by_name(entry.format)
    if importer.has("table_sql"):
        raise UsageError(
            f"{entry.name} is {entry.format}: its rows have no bytes of their own.",
            hint="Without --raw, show prints the row.",
        )
    if importer.has("records") and entry.format != "native-csv":
        text = document_entry(case, entry, number).decode("utf-8", "backslashreplace")
        click.echo("\n".join(safe_text(line) for line in text.split("\n")))
        return
    lines = raw_lines(case, entry, number, context)
    if not sys.stdout.isatty() and context == 0:
        sys.stdout.buffer.write(b"".join(line.data for line in lines) + b"\n")
        return
    for line in lines:
        mark = ">" if line.wanted else " "
        rest = f" ({shown(_WIDTH, len(line.data))[:-6]} bytes shown)" if len(line.data) > _WIDTH else ""
        click.echo(
            f"{mark} {line.number:>8}  {safe_text(line.data[:_WIDTH].decode('utf-8', 'backslashreplace'))}{rest}"
        )
