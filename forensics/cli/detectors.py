"""`detectors`: the detector packs."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import emit, format_options
from forensics.text import safe_lines, safe_text

_queries = click.option(
    "--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with detectors of your own."
)


@click.group()
def command() -> None:
    """List, show, test or start detectors."""


@command.command("list")
@_queries
@format_options
def list_(queries: tuple[Path, ...], form: str, as_json: bool) -> None:
    """List the detectors."""
    from forensics.detectors import load

    rows = [
        [item.id, item.front.severity, item.front.confidence, item.front.compare, item.front.title]
        for item in load(queries)
    ]
    emit(["id", "severity", "confidence", "compare", "title"], rows, form, as_json=as_json)


@command.command()
@click.argument("detector")
@_queries
def show(detector: str, queries: tuple[Path, ...]) -> None:
    """Print the file of DETECTOR."""
    from forensics.detectors import by_id, load

    click.echo(safe_lines(by_id(load(queries), detector).text))


@command.command()
@click.argument("detector", required=False)
@_queries
@click.pass_context
def test(ctx: click.Context, detector: str | None, queries: tuple[Path, ...]) -> None:
    """Run the tests beside the detectors. Exit 1 where one fails."""
    from forensics.detectors import by_id, load
    from forensics.detectors.testing import run_tests

    loaded = load(queries)
    failed = 0
    for item in [by_id(loaded, detector)] if detector else loaded:
        for result in run_tests(item):
            failed += not result.passed
            click.echo(
                f"{'ok  ' if result.passed else 'FAIL'}  {safe_text(item.id)}: {safe_text(result.name)}"
                + (f"\n      {safe_text(result.message)}" if not result.passed else "")
            )
    ctx.exit(1 if failed else 0)


@command.command()
@click.argument("detector")
@click.option(
    "--queries",
    default=Path("queries"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder to write into.",
)
def new(detector: str, queries: Path) -> None:
    """Write a new detector FAMILY.NAME and its test, to be filled in."""
    from forensics.detectors.testing import start

    for path in start(detector, queries):
        click.echo(safe_text(path))
