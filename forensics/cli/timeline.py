"""`timeline`: what happened, in order."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import emit, format_options


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--from", "start", help="First moment, such as 2026-03-03T09:00:00Z.")
@click.option("--to", "end", help="Moment after the last.")
@click.option("--around", metavar="ID", help="A finding (F-...) or a record (EVIDENCE:NUMBER).")
@click.option("--minutes", default=2.0, show_default=True, help="Margin of --around.")
@click.option(
    "--cohort",
    type=click.Choice(["canary", "baseline", "prior", "after", "unknown"]),
    help="Only this cohort, and what the controller did.",
)
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="Rows at most.")
@format_options
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    case: Path,
    start: str | None,
    end: str | None,
    around: str | None,
    minutes: float,
    cohort: str | None,
    limit: int,
    form: str,
    as_json: bool,
) -> None:
    """Show all tables of CASE in one stream, with phases and rollout actions in between."""
    from forensics.case import open_case
    from forensics.investigate import timeline
    from forensics.text import shown

    opened = open_case(case)
    window = timeline.Window(timeline.parse_time(start) if start else None, timeline.parse_time(end) if end else None)
    if around:
        window = timeline.around(opened, around, minutes)
    rows, total = timeline.stream(opened, window, cohort=cohort, limit=limit)
    emit(["time", "phase", "cohort", "what", "text", "record"], rows, form, as_json=as_json)
    if len(rows) < total:
        click.echo(f"{shown(len(rows), total)}; narrow with --from, --to, --around, or raise --limit.", err=True)
