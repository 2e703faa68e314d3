"""`revocations`: what touched the canary and has to be revoked."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import dump, emit
from forensics.text import safe_text


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option(
    "--reveal", is_flag=True, help="Write the values to restricted/revocations.ndjson. Recorded in access.jsonl."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(case: Path, reveal: bool, as_json: bool) -> None:
    """Count accounts, sessions, tokens and keys that touched the canary of CASE between onset and containment; with --reveal write them down."""
    from forensics.case import open_case
    from forensics.findings import moment
    from forensics.investigate import revocations as worker

    opened = open_case(case)
    found = worker.revocations(opened)
    kinds = list(dict.fromkeys(row[0] for row in found.rows)) + [
        kind for kind in found.masked if kind not in {row[0] for row in found.rows}
    ]
    counts = [[kind, sum(row[0] == kind for row in found.rows), found.masked.get(kind, 0)] for kind in kinds]
    written = worker.reveal(opened, found) if reveal else None
    if as_json:
        dump({
            "start": moment(found.start), "end": moment(found.end), "basis": found.basis, "file": written,
            "kinds": [dict(zip(("kind", "values", "masked_records"), row, strict=True)) for row in counts],
        })  # fmt: skip
        return
    emit(["kind", "values", "masked in the evidence"], counts, "table")
    click.echo(f"Window     {moment(found.start)} to {moment(found.end)}, {found.basis}")
    if written:
        click.echo(safe_text(f"Written to {opened.folder / written}, readable by you only"))
    else:
        click.echo("Values are not shown; --reveal writes them to restricted/revocations.ndjson.", err=True)
