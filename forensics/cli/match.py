"""`match`: indicators of compromise against a case."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import emit, format_options
from forensics.text import plural, safe_text

_MOST_TOLD = 5


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path), nargs=-1, required=True)
@format_options
def command(case: Path, file: tuple[Path, ...], form: str, as_json: bool) -> None:
    """Look for the indicators of each FILE in CASE: STIX 2.1 bundles, CSV or plain lists, defanged or not."""
    from forensics.case import open_case
    from forensics.investigate import indicators, match

    read = [(path, *indicators.read(path)) for path in file]
    wanted = list(dict.fromkeys(item for _, found, _ in read for item in found))
    rows = match.match(open_case(case), wanted)
    emit(match.COLUMNS, rows, form, as_json=as_json)
    for path, _, unread in read:
        for item in unread[:_MOST_TOLD]:
            click.echo(safe_text(f"{path}:{item.line} was not read: {item.reason}: {item.text[:100]}"), err=True)
        if len(unread) > _MOST_TOLD:
            click.echo(safe_text(f"{path}: {len(unread) - _MOST_TOLD:,} more entries were not read."), err=True)
    hit = len({row[0] for row in rows})
    click.echo(f"{hit:,} of {plural(len(wanted), 'indicator')} found.", err=True)
