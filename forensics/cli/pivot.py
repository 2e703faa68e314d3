"""`pivot`: everything about one address, account, session, host, trace, request, pod, destination or component."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import dump, emit, format_options

_KINDS = {
    "ip": "An address, in any spelling; also in answers of DNS.",
    "user": "An account, or its number such as user-0001.",
    "session": "A session.",
    "host": "A name that was asked for or connected to.",
    "trace": "A trace.",
    "request": "A request id.",
    "pod": "A pod.",
    "destination": "A destination of connections and DNS questions, by name or address.",
    "component": "A component, by name or package URL.",
}


def _options(function: click.decorators.FC) -> click.decorators.FC:
    for kind, words in reversed(_KINDS.items()):
        function = click.option(f"--{kind}", metavar="VALUE", help=words)(function)
    return function


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Rows at most.")
@format_options
def command(case: Path, limit: int, form: str, as_json: bool, **wanted: str | None) -> None:
    """Show what CASE knows about one value: counts by table and cohort, first and last seen, then the rows."""
    from forensics.case import open_case
    from forensics.errors import UsageError
    from forensics.investigate.pivot import pivot
    from forensics.text import shown

    given = {kind: value for kind, value in wanted.items() if value is not None}
    if len(given) != 1:
        raise UsageError(
            "Give exactly one value to look for.", hint=f"One of: {', '.join(f'--{kind}' for kind in _KINDS)}."
        )
    ((kind, value),) = given.items()
    found = pivot(open_case(case), kind, value, limit)
    tables, rows = (
        ("table", "canary", "baseline", "other", "first", "last"),
        ("time", "phase", "cohort", "what", "text", "record"),
    )
    if as_json or form == "json":
        dump({
            "counts": [dict(zip(tables, row, strict=True)) for row in found.counts],
            "rows": [dict(zip(rows, row, strict=True)) for row in found.rows],
            "total": found.total,
        })  # fmt: skip
        return
    if form == "table":
        emit(tables, found.counts, form)
        click.echo()
    emit(rows, found.rows, form)
    if len(found.rows) < found.total:
        click.echo(f"{shown(len(found.rows), found.total)}; raise --limit.", err=True)
    if not found.total:
        click.echo(f"No record of this case has this {kind}.", err=True)
