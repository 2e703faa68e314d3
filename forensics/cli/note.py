"""`note`: a sentence on a finding or record."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.text import safe_text


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("target")
@click.argument("text")
def command(case: Path, target: str, text: str) -> None:
    """Keep TEXT with TARGET, a finding (F-...) or record (EVIDENCE:NUMBER) of CASE. `canary-forensics tag CASE` lists what was said."""
    from forensics.case import open_case
    from forensics.investigate import annotations

    click.echo(safe_text(f"{annotations.note(open_case(case), target, text)}: noted"))
