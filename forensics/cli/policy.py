"""`policy`: look at gate policies before a rollout depends on them."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.output import dump
from forensics.text import plural, safe_text

_COLOURS = {"error": "red", "warning": "yellow", "info": None}
_LEVELS = ("error", "warning", "info")


@click.group()
def command() -> None:
    """Check gate policies of Argo Rollouts, Flagger and our own, or convert them."""


@command.command("lint")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--case",
    type=click.Path(path_type=Path),
    help="A case: tells how often a gate would abort a healthy rollout at its traffic.",
)
@click.option(
    "--binding",
    "--bindings",
    "binding",
    type=click.Path(path_type=Path),
    help="Which rows of the case a metric counts (TOML).",
)
@click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="A value for {{args.NAME}}.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="Exit 1 where an issue is of this level or worse.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def lint_command(
    ctx: click.Context, files: tuple[Path, ...], case: Path | None, binding: Path | None, arguments: tuple[str, ...], fail_on: str | None, as_json: bool
) -> None:  # fmt: skip
    """Lint policy FILES: what does not do what it seems to, why, and what to write instead. docs/replay.md lists the rules."""
    from forensics.case import open_case
    from forensics.investigate.policies import linted
    from forensics.investigate.replay import arguments_of

    rows = linted(files, open_case(case) if case else None, binding, arguments_of(arguments))
    if as_json:
        dump(rows)
    else:
        for row in rows:
            place = ":".join(str(row[name]) for name in ("file", "line", "column") if row[name])
            click.secho(
                safe_text(f"{place} {row['key']}  {row['rule']} {row['level']}: {row['gate']}: {row['message']}"),
                fg=_COLOURS[row["level"]],
            )
            for name in ("reason", "evidence", "fix"):
                if row[name]:
                    click.echo(safe_text(f"    {name:<8} {row[name]}"))
        click.echo(f"{plural(len(rows), 'issue')}." if rows else "Nothing found.")
    ctx.exit(1 if fail_on and any(_LEVELS.index(row["level"]) <= _LEVELS.index(fail_on) for row in rows) else 0)


@command.command("convert")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="A value for {{args.NAME}}.")
def convert_command(files: tuple[Path, ...], arguments: tuple[str, ...]) -> None:
    """Print FILES as one policy of our own, with what lint finds put right where that needs no guess."""
    from forensics.investigate.policies import convert
    from forensics.investigate.replay import arguments_of
    from forensics.text import safe_lines

    click.echo(safe_lines(convert(files, arguments_of(arguments))), nl=False)
