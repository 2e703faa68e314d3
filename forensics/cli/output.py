"""Rows to standard output in the format asked for; every value passes one sanitising boundary."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import click

from forensics.findings import moment
from forensics.text import cell_text, safe_text

FORMATS = ("table", "json", "ndjson", "csv", "markdown")
_CELL = 1_000_000  # characters of a Markdown cell


def format_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--format` and `--json` to a command."""
    function = click.option("--json", "as_json", is_flag=True, help="Short for --format json.")(function)
    return click.option(
        "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How rows come out."
    )(function)


def emit(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str, *, as_json: bool = False) -> None:
    """Print rows."""
    form = "json" if as_json else form
    writer = {"json": _json, "ndjson": _ndjson, "csv": _csv, "markdown": _markdown, "table": _table}[form]
    writer(list(columns), [list(row) for row in rows])


def dump(value: Any) -> None:
    """Print a value as JSON; control characters come out escaped."""
    click.echo(json.dumps(value, indent=2, default=_default, ensure_ascii=_ascii()))


def print_json(text: str) -> None:
    """Print a JSON document as it is, on a terminal with everything beyond ASCII escaped."""
    click.echo(json.dumps(json.loads(text), indent=2) + "\n" if _ascii() else text, nl=False)


def _ascii() -> bool:
    """Escape everything beyond ASCII on a terminal: bidirectional and zero-width characters would act there."""
    return sys.stdout.isatty()


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _json(columns: list[str], rows: list[list[Any]]) -> None:
    dump([dict(zip(columns, row, strict=True)) for row in rows])


def _ndjson(columns: list[str], rows: list[list[Any]]) -> None:
    for row in rows:
        click.echo(json.dumps(dict(zip(columns, row, strict=True)), default=_default, ensure_ascii=_ascii()))


def _csv(columns: list[str], rows: list[list[Any]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([csv_safe(name) for name in columns])
    writer.writerows([[csv_safe(value) for value in row] for row in rows])
    click.echo(out.getvalue(), nl=False)


def csv_safe(value: Any) -> Any:
    """Put an apostrophe before text a spreadsheet would run (CWE-1236); numbers stay numbers."""
    if value is None or isinstance(value, int | float):
        return value
    return cell_text(_default(value) if isinstance(value, datetime | bytes) else value)


def _markdown(columns: list[str], rows: list[list[Any]]) -> None:
    from forensics.export import markdown_prose

    def cell(value: Any) -> str:
        return markdown_prose(_shown(value), _CELL)

    click.echo("| " + " | ".join(map(cell, columns)) + " |")
    click.echo("|" + "---|" * len(columns))
    for row in rows:
        click.echo("| " + " | ".join(map(cell, row)) + " |")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return safe_text(_default(value) if isinstance(value, datetime | bytes) else value)


def _table(columns: list[str], rows: list[list[Any]]) -> None:
    from forensics.cli.table import lines

    numeric = [
        bool(rows) and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        for index in range(len(columns))
    ]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for line, is_head in lines(
        [safe_text(title) for title in columns], [[*map(_shown, row)] for row in rows], numeric, width
    ):
        click.secho(line, bold=is_head)


def say(text: str, *, error: bool = False, bold: bool = False, colour: str | None = None) -> None:
    """Print a line of our own; values of others are made safe by the caller with `safe_text`."""
    click.secho(text, err=error, bold=bold, fg=colour)
