"""`show`: records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from forensics.text import safe_text

_WIDTH = 64 * 1024  # bytes of a line with its neighbours; a single line goes out whole


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("record", nargs=-1, required=True)
@click.option(
    "--raw",
    is_flag=True,
    help="Show the bytes in the evidence file, after its hash was checked. Recorded in access.jsonl.",
)
@click.option(
    "--context", default=0, show_default=True, type=click.IntRange(0, 1000), help="Lines before and after, with --raw."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(case: Path, record: tuple[str, ...], raw: bool, context: int, as_json: bool) -> None:
    """Show records of CASE as they were parsed, or with --raw as they stand in the evidence.

    RECORD is EVIDENCE:NUMBER or EVIDENCE:FIRST-LAST, any number of them.
    """
    from forensics.case import open_case
    from forensics.investigate.show import select

    opened = open_case(case)
    selections = select(opened, record)
    if raw:
        for selection in selections:
            opened.log_access("show_raw", record=selection.names, context=context)
            _raw(opened, selection, context)
    else:
        _rows(opened, selections, as_json=as_json)


def _rows(case: Any, selections: Any, *, as_json: bool) -> None:
    from forensics.cli.output import dump
    from forensics.investigate.show import rows

    found = list(rows(case, selections))
    count = sum(selection.count for selection in selections)
    if as_json and count == 1:
        dump(found[0][2] if found else {})
    elif as_json:
        dump([{"record": f"{entry.id}:{number}", "tables": tables} for entry, number, tables in found])
    else:
        for entry, number, tables in found:
            _record(entry, number, tables)
    if len(found) < count:
        which = "This record" if count == 1 else f"{count - len(found):,} of {count:,} records"
        click.echo(
            f"{which} gave no row: a header, a blank line, a line of the record before, or skipped. See it with --raw.",
            err=True,
        )


def _record(entry: Any, number: int, tables: Any) -> None:
    click.echo(f"{safe_text(entry.name)}, record {number:,} of {entry.records:,} ({entry.format})")
    for table, records in tables.items():
        for row in records:
            click.secho(f"\n{table}", bold=True)
            for key, value in row.items():
                click.echo(f"  {key:<32} {safe_text(value, 2000)}")


def _raw(case: Any, selection: Any, context: int) -> None:
    """Whole bytes where standard output is not a terminal and no context is asked for; else with control characters made visible."""
    from forensics.errors import UsageError
    from forensics.importers import by_name
    from forensics.investigate.show import document_entries, raw_records

    importer = by_name(selection.entry.format)
    if importer.has("table_sql"):
        raise UsageError(
            f"{selection.entry.name} is {importer.name}: its rows have no bytes of their own.",
            hint="Without --raw, show prints the row.",
        )
    if not importer.by_line:
        for _, text in document_entries(case, selection):
            click.echo("\n".join(safe_text(line) for line in text.decode("utf-8", "backslashreplace").split("\n")))
        return
    for line in raw_records(case, selection, context):
        if not sys.stdout.isatty() and context == 0:
            sys.stdout.buffer.write(line.data + b"\n")
        else:
            _line(line)


def _line(line: Any) -> None:
    from forensics.text import shown

    rest = f" ({shown(_WIDTH, len(line.data))[:-6]} bytes shown)" if len(line.data) > _WIDTH else ""
    text = safe_text(line.data[:_WIDTH].decode("utf-8", "backslashreplace"))
    click.echo(f"{'>' if line.wanted else ' '} {line.number:>8}  {text}{rest}")
