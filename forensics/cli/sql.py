"""`sql`: one SELECT over a case."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import emit, format_options


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("query", required=False)
@click.option("--tables", is_flag=True, help="List tables and views, or the columns of the one named by QUERY.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Rows at most.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(0.1), help="Time at most.")
@format_options
def command(case: Path, query: str | None, tables: bool, limit: int, seconds: float, form: str, as_json: bool) -> None:
    """Run QUERY, exactly one SELECT, over the views of CASE. It can read nothing else and change nothing."""
    from forensics import views
    from forensics.case import open_case
    from forensics.errors import UsageError
    from forensics.investigate import tables as known
    from forensics.text import shown

    opened = open_case(case)
    with views.opened(opened) as sandbox:
        if tables or (query or "").strip().rstrip(";").lower() == "show tables":
            columns, rows = known.describe(sandbox, query if tables else None)
            total = len(rows)
        elif query is None:
            raise UsageError("There is no query.", hint="canary-forensics sql CASE --tables lists what can be asked.")
        else:
            columns, rows = sandbox.select_rows(query, seconds=seconds, limit=limit + 1)
            total = len(rows)
            rows = rows[:limit]
    emit(columns, rows, form, as_json=as_json)
    if total > len(rows):
        click.echo(f"{shown(len(rows), total)[:-6]} or more; raise --limit.", err=True)
