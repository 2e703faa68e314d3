"""`diff`: new, changed and gone findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from forensics.cli.options import seconds_option
from forensics.cli.output import emit, format_options
from forensics.text import plural


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@click.option("--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with detectors of your own.")
@seconds_option
@format_options
def command(
    case: Path, other: Path | None, queries: tuple[Path, ...], seconds: float, form: str, as_json: bool
) -> None:
    """Compare the findings of CASE with those of OTHER; without OTHER with what today's detectors find in CASE, which is not written."""
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.investigate import difference

    opened = open_case(case)
    with forged_is_told():
        before = _findings(opened)
        after = _findings(open_case(other)) if other else _today(opened, queries, seconds)
        rows = difference.difference(before, after)
    emit(difference.COLUMNS, rows, form, as_json=as_json)
    counts = ", ".join(f"{sum(row[0] == change for row in rows):,} {change}" for change in ("new", "changed", "gone"))
    click.echo(f"{counts}; {plural(len(before), 'finding')} before, {len(after):,} after.", err=True)


def _findings(case: Any) -> list[dict[str, Any]]:
    from forensics.results import material

    found: list[dict[str, Any]] = material(case)[0]["findings"]
    return found


def _today(case: Any, queries: tuple[Path, ...], seconds: float) -> list[dict[str, Any]]:
    import json

    from forensics.findings import canonical
    from forensics.review import Options, judge

    found: list[dict[str, Any]] = json.loads(canonical(judge(case, Options(queries=queries, seconds=seconds))))[
        "findings"
    ]
    return found
