"""`tag`: words on findings and records."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import emit, format_options
from forensics.text import safe_text


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("target", required=False)
@click.argument("tags", nargs=-1)
@click.option("--remove", is_flag=True, help="Take the tags off.")
@format_options
def command(case: Path, target: str | None, tags: tuple[str, ...], remove: bool, form: str, as_json: bool) -> None:
    """Put TAGS on TARGET, a finding (F-...) or record (EVIDENCE:NUMBER) of CASE; without TAGS list all tags and notes."""
    from forensics.case import open_case
    from forensics.investigate import annotations as kept

    opened = open_case(case)
    if target and tags:
        click.echo(
            safe_text(
                f"{kept.tag(opened, target, tags, remove=remove)}: {', '.join(tags)} {'removed' if remove else 'added'}"
            )
        )
        return
    wanted = kept.resolve(opened, target) if target else None
    rows = [
        [name, ", ".join(sorted(item.tags)), *said]
        for name, item in kept.said(opened).items()
        if wanted in (None, name)
        for said in (item.notes or [("", "")])
        if item.tags or item.notes
    ]
    emit(["target", "tags", "time", "note"], rows, form, as_json=as_json)
