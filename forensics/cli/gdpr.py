"""`gdpr`: the documents of Articles 33 and 34, as drafts for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from forensics.text import plural, safe_text

if TYPE_CHECKING:
    from forensics.case import Case, LedgerEntry
    from forensics.gdpr import Blank


def _print_template(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from forensics.gdpr import template

        click.echo(template(), nl=False)
        ctx.exit()


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--config", type=click.Path(path_type=Path), help="gdpr.toml: what only people can say. Kept in the case."
)
@click.option("--final", is_flag=True, help="Refuse drafts: exit 2 and name what is blank.")
@click.option("--force", is_flag=True, help="Replace documents that are there.")
@click.option(
    "--template", is_flag=True, is_eager=True, expose_value=False, callback=_print_template, help="Print an empty gdpr.toml, explained."
)  # fmt: skip
def command(case: Path, out: Path, config: Path | None, final: bool, force: bool) -> None:
    """Write the GDPR documents of CASE into the folder OUT: Article 33 notification, clock sheet, register entry, numbers.

    Drafts for people: the tool never says when the controller became aware, and never whether a breach has to be notified.
    """
    from forensics import gdpr
    from forensics.case import exclusive, open_case, write_bytes
    from forensics.cli.received import forged_is_told

    opened = open_case(case)
    _require_elsewhere(opened, out)
    given = gdpr.load(config) if config else gdpr.kept(opened)
    missing = gdpr.blanks(given)
    if final and missing:
        _tell(missing, config or opened.folder / gdpr.FILE_NAME)
    with forged_is_told():
        made = gdpr.documents(opened, given, final=final)
    _require_free(out, list(made), force=force)
    with exclusive(opened):
        if config:
            gdpr.keep(opened, given)
        opened.log("gdpr", documents=len(made), status="final" if final else "draft")
    for name, data in made.items():
        write_bytes(out / name, data)
    click.echo(safe_text(f"{out}: {plural(len(made), 'document')}, {'final' if final else 'drafts'}"))
    if missing:
        click.echo(f"{plural(len(missing), 'field')} still to be filled in by people; --final names them.", err=True)


def _tell(missing: list[Blank], path: Path) -> NoReturn:
    """Name every blank with its place; raises `ConfigError`."""
    from forensics.errors import ConfigError

    for blank in missing:
        place = f"{path}:{blank.line}" if blank.line else str(path)
        click.echo(safe_text(f"{place}: {blank.key}: {blank.what} (Article {blank.article})"), err=True)
    raise ConfigError(
        f"{plural(len(missing), 'field')} of gdpr.toml {'is' if len(missing) == 1 else 'are'} blank: nothing was written.",
        hint="Fill them in, or leave out --final. canary-forensics gdpr --template explains every key.",
    )


def _require_elsewhere(case: Case, out: Path) -> None:
    """Refuse to write into the case, whose files are pinned, and beside evidence; raises `UsageError`.

    A folder that holds the case as well as evidence is a working folder: there one may write.
    """
    from forensics.errors import UsageError

    target, folder = out.resolve(), case.folder.resolve()
    evidence = {_root(entry).resolve() for entry in case.ledger()}
    holding = [place for place in evidence if target.is_relative_to(place) and not folder.is_relative_to(place)]
    if target.is_relative_to(folder) or holding:
        what = "the case" if target.is_relative_to(folder) else "a folder of evidence"
        raise UsageError(f"{out} is inside of {what}.", hint="Name a folder elsewhere: evidence is never changed.")


def _root(entry: LedgerEntry) -> Path:
    """Return the folder that was named, or that of the file: names are told from there."""
    named = entry.path.removesuffix(entry.name)
    return Path(named) if named != entry.path else Path(entry.path).parent


def _require_free(out: Path, names: list[str], *, force: bool) -> None:
    from forensics.errors import UsageError

    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no folder.", hint="Name a folder for the documents.")
    there = [name for name in names if (out / name).exists()]
    if there and not force:
        raise UsageError(f"{out / there[0]} exists.", hint="Name another folder, or replace it with --force.")
