"""`report`: a case's result in another form."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.text import safe_text


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--format", "form", default="html", show_default=True, help="html, markdown or json.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="File to write; - is standard output. Without it, into the case's reports.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(case: Path, form: str, output: Path | None, force: bool) -> None:
    """Write the result of CASE as FORMAT. A pure function of findings.json and results/: nothing is computed again."""
    from forensics.case import exclusive, open_case, write_bytes
    from forensics.cli.received import forged_is_told
    from forensics.errors import UsageError
    from forensics.export import registry
    from forensics.results import material

    opened = open_case(case)
    known = registry()
    if form not in known:
        raise UsageError(f"There is no output format {form}.", hint=f"Known: {', '.join(known)}.")
    chosen = known[form]
    with forged_is_told():
        data = chosen.render(*material(opened)).encode()
    if output is not None and str(output) == "-":
        click.echo(data.decode(), nl=False)
        return
    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} exists.", hint="Name another file, or replace it with --force.")
    with exclusive(opened):
        path = output or opened.reports / f"report{chosen.suffix}"
        if path.resolve().is_relative_to(opened.folder.resolve()):
            name = path.resolve().relative_to(opened.folder.resolve()).as_posix()
            opened.commit("report", {name: data}, format=form)
        else:
            write_bytes(path, data)
            opened.log("report", format=form)
    click.echo(safe_text(path))
