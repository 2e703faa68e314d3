"""`doctor`: is this installation whole."""

from __future__ import annotations

import click

from forensics.cli.output import emit


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Check the parts this tool is made of: engine, importers, detectors, patterns, templates."""
    from forensics.doctor import checks

    rows = [[item.name, "ok" if item.passed else "FAIL", item.detail] for item in checks()]
    emit(["part", "state", "detail"], rows, "table")
    ctx.exit(0 if all(row[1] == "ok" for row in rows) else 5)
