"""`init`: propose a canary.toml."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from forensics.text import safe_lines, safe_text, shell_word


@click.command()
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write; without it, standard output.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(evidence: tuple[Path, ...], output: Path | None, force: bool) -> None:
    """Propose a canary.toml from what EVIDENCE shows: cohorts, phases, zones, with row counts and reasons to confirm."""
    from forensics.case import write_bytes
    from forensics.cli.progress import Bar
    from forensics.errors import UsageError
    from forensics.propose import propose

    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} exists.", hint="Name another file, or replace it with --force.")
    with Bar() as bar:
        text = propose(evidence, bar)
    if output is None:
        click.echo(safe_lines(text) if sys.stdout.isatty() else text, nl=False)
    else:
        write_bytes(output, text.encode())
        click.echo(
            f"{safe_text(output)}: check it, then: canary-forensics review {shell_word(str(evidence[0]))} --config {shell_word(str(output))}",
            err=True,
        )
