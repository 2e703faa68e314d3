"""`formats`: what can be ingested."""

from __future__ import annotations

import textwrap

import click

from forensics.cli.output import emit, format_options


@click.command()
@format_options
def command(form: str, as_json: bool) -> None:
    """List the formats that can be ingested, with the tables they feed."""
    from forensics.importers import all_importers

    if form == "table" and not as_json:
        _narrow()
        return
    rows = [[item.name, item.observer, ", ".join(item.tables), item.title] for item in all_importers()]
    if as_json or form in ("json", "ndjson"):
        rows = [[item.name, item.observer, list(item.tables), item.title] for item in all_importers()]  # type: ignore[list-item]  # JSON keeps the list
    emit(["name", "observer", "tables", "title"], rows, form, as_json=as_json)


def _narrow() -> None:
    """Print what fits 80 columns: title and tables stand below the name."""
    from forensics.importers import all_importers

    for item in all_importers():
        click.echo(f"{item.name}  ({item.observer})" if item.observer else item.name)
        for line in textwrap.wrap(item.title, 76) + textwrap.wrap(", ".join(item.tables), 74):
            click.echo(f"    {line}")
