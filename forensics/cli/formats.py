"""`formats`: what can be ingested."""

from __future__ import annotations

import click

from forensics.cli.output import emit, format_options


@click.command()
@format_options
def command(form: str, as_json: bool) -> None:
    """List the formats that can be ingested, with the tables they feed."""
    from forensics.importers import all_importers

    rows = [[item.name, item.observer, ", ".join(item.tables), item.title] for item in all_importers()]
    if as_json or form in ("json", "ndjson"):
        rows = [[item.name, item.observer, list(item.tables), item.title] for item in all_importers()]  # type: ignore[list-item]  # JSON keeps the list
    emit(["name", "observer", "tables", "title"], rows, form, as_json=as_json)
