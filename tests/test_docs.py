"""The pages name everything there is; that they equal a fresh generation is checked in `tests/test_documentation.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from forensics.cli import cli
from forensics.detectors import load
from forensics.importers import all_importers
from forensics.schema import TABLES
from tests.conftest import Reviewed

DOCS = Path(__file__).parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its words."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, f"{path} {name}".strip())


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    text = page("cli.md")
    assert f"\n## {name}\n" in text
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    for parameter in COMMANDS[name].params:
        for word in parameter.opts if isinstance(parameter, click.Option) else [(parameter.name or "").upper()]:
            assert word in section, word


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", TABLES)
def test_every_table_and_column_is_documented(name: str) -> None:
    section = page("tables.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert TABLES[name].meaning[1:] in section
    for column in TABLES[name].columns:
        assert f"| `{column.name}` | {column.type} |" in section, column.name


def test_every_detector_is_documented() -> None:
    text = page("detectors.md")
    for detector in load():
        section = text.partition(f"\n## {detector.id}\n")[2].partition("\n## ")[0]
        for words in (
            detector.front.title,
            detector.front.why,
            detector.front.recommendation,
            *detector.front.false_positives,
        ):
            assert words in section, detector.id


def test_every_format_is_documented() -> None:
    text = page("formats.md")
    for item in all_importers():
        assert f"| `{item.name}` | {item.title} |" in text


def test_schemas_are_valid_and_equal_the_generated_ones() -> None:
    from forensics.config import json_schema as canary
    from forensics.findings import json_schema as findings

    for name, made in (("findings.schema.json", findings()), ("canary.schema.json", canary())):
        written = json.loads(page(name))
        assert written == made
        jsonschema.Draft202012Validator.check_schema(written)


@pytest.mark.parametrize("name", ["checkout-compromised", "checkout-clean", "checkout-thin"])
def test_findings_of_the_samples_follow_the_schema(name: str, reviewed: Reviewed) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(page("findings.schema.json")))
    found = json.loads((reviewed.case(name) / "findings.json").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(found)) == []
    found["verdict"]["outcome"] = "maybe"
    assert list(validator.iter_errors(found))


@pytest.mark.parametrize("name", ["checkout-compromised", "checkout-clean", "checkout-thin"])
def test_configurations_of_the_samples_follow_the_schema(name: str) -> None:
    import tomllib

    schema = json.loads(page("canary.schema.json"))
    text = (DOCS.parent / "sample_data" / name / "canary.toml").read_text(encoding="utf-8")
    plain = json.loads(json.dumps(tomllib.loads(text), default=lambda value: value.isoformat()))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(plain)) == []
