"""`config`: canary.toml."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.text import safe_text


@click.group()
def command() -> None:
    """Show or check canary.toml, or print its schema."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(file: Path, as_json: bool) -> None:
    """Print the configuration in FILE, or of a case folder, with every default filled in."""
    import msgspec

    from forensics.cli.output import dump, emit
    from forensics.config import FILE_NAME, load

    loaded = load(file / FILE_NAME if file.is_dir() else file)
    plain = {section: getattr(loaded.config, section) for section in type(loaded.config).__struct_fields__}
    full = msgspec.to_builtins({key: _full(value) for key, value in plain.items()})
    if as_json:
        dump(full)
        return
    rows = []
    for section, content in full.items():
        for index, entry in enumerate(content if isinstance(content, list) else [content]):
            title = f"{section}[{index}]" if isinstance(content, list) else section
            rows += [[f"{title}.{key}", safe_text(value)] for key, value in entry.items()]
    emit(["key", "value"], rows, "table")


def _full(value: object) -> object:
    import msgspec

    if isinstance(value, list):
        return [_full(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    return {item.encode_name: getattr(value, item.name) for item in msgspec.structs.fields(value)}


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def validate(ctx: click.Context, file: Path) -> None:
    """Check FILE and print every problem with line and key. Exit 2 where there is one."""
    from forensics.config import FILE_NAME, Loaded, check
    from forensics.errors import ConfigError
    from forensics.views import check_databases

    path = file / FILE_NAME if file.is_dir() else file
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read.", hint="Name a canary.toml in UTF-8.") from error
    config, problems = check(text)
    for problem in problems:
        place = f":{problem.line}" if problem.line else ""
        click.echo(f"{safe_text(path)}{place}: {safe_text(problem.key)}: {safe_text(problem.message)}")
    if config is not None and not problems:
        if not (file / "evidence.json").exists():  # a case holds its own copies
            check_databases(Loaded(config, text, path))
        click.echo(f"{safe_text(path)} is valid.")
    ctx.exit(2 if problems else 0)


@command.command()
def schema() -> None:
    """Print the JSON Schema of canary.toml."""
    from forensics.cli.output import dump
    from forensics.config import json_schema

    dump(json_schema())
