"""Write the generated pages of this folder: cli.md, tables.md, detectors.md, formats.md, the two JSON Schemas, and the outputs in investigation.md.

    python docs/generate.py

A test compares the committed files with a fresh generation, so the pages cannot drift from the code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from forensics.cli import COMMANDS, cli
from forensics.config import json_schema as config_schema
from forensics.detectors import load
from forensics.findings import json_schema as findings_schema
from forensics.importers import all_importers
from forensics.schema import TABLES, Column, Table
from forensics.views import DIMENSIONS

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from walkthrough import refreshed  # noqa: E402 - lies beside this file

_EXCHANGE = """
## Exchange NDJSON

One JSON object a line: a request and its response as a sampler saw them. It feeds `http_exchanges`, whose bodies and headers are scanned
for content patterns. Also what `scan` takes.

```json
{"time": "2026-03-03T09:17:42Z", "id": "req-1",
 "request": {"method": "GET", "url": "https://shop.example/orders/7", "headers": [["host", "shop.example"]], "body": null},
 "response": {"status": 200, "headers": [["content-type", "application/json"]], "body": "{}", "body_encoding": "utf8", "body_state": "full"},
 "client_address": "203.0.113.9", "server_address": "10.42.1.17:8080", "pod": "checkout-1", "version": "2.4.0",
 "user": "u-1", "role": "user", "session": "s-1", "sample_rate": 0.01}
```

`time`, `request` and `response` are required. `body_encoding` is `utf8` (default) or `base64`; a base64 body is decoded by the response's
`content-encoding` (gzip, deflate, br, zstd) and charset, or by what its bytes show where those are wrong or lacking. `body_state` is `full`, `truncated`, `undecodable` or `omitted`. Headers keep order
and repeats. Keys beyond these go to `attributes`.

## Native tables

Any table of [tables.md](tables.md) as NDJSON, CSV (RFC 4180, header line) or Parquet whose columns have our names. The table is the one that
knows at least two of the columns and four in five of all. Times are ISO 8601 or seconds since 1970; without a zone they are UTC. A value
that does not fit its type, a port outside 0 to 65535 and a negative size are NULL and stand in `attributes._invalid`. Event tables need `time`.

CSV is RFC 4180: a field in quotes may hold line feeds, and the record has the number of its first line. A record of several lines has 1 MiB
at most. One that does not close by then, or is not well-formed, is a reject of its first line only, and the next line is read as a record: a
forgotten quote costs a line, not the rest of the file. A quote inside a field that does not begin with one is text. Lines before the header
are rejects; of two columns with one name the second is `name (2)`, in `attributes`.

## Events of accounts

Sign-ins and decisions are rows of `auth_events`: the audit log of Kubernetes, the native table, or application logs that canary.toml maps. A
mapping changes no fact and reads no evidence again. A source is a column of `app_logs` or a dotted name in `attributes`; records without
`event_action` are none of it, and the first mapping that fits a record takes it.

```toml
[[auth_event]]
name = "keycloak"                  # the observer
logger = "org.keycloak.*"          # optional glob
failure = ["*_ERROR"]              # actions that failed; without event_outcome all others succeeded
[auth_event.columns]
event_action = "type"
user_id = "userId"
user_name = "details.username"
user_roles = "roles"
client_address = "ipAddress"
event_reason = "error"
```

Roles and tenants of callers come from the record, the claims of a token, and what auth events say of the account, in this order. `[[role]]`
gives the values that mean one role one name; `[access]` names what is not where it usually is: `role_claim`, `tenant_claim`, `tenant_header`.

## What happens to a line

A line that is no record of its format is a row in `rejects` with reason, length and its bytes (64 KiB at most), never lost and never fatal.
Blank lines and format headers are counted as skipped. Invalid UTF-8 becomes visible escapes and the row says `_salvaged`. Lines are at most
32 MiB. Files may be gzip, zstd, bzip2 or xz, and lie in zip or tar archives; a damaged stream keeps what came before the damage and says so.
"""


def pages() -> dict[str, str]:
    """Return every generated file by name."""
    return {
        "cli.md": _text(_cli()),
        "tables.md": _text(_tables()),
        "detectors.md": _text(_detectors()),
        "formats.md": _text(_formats()),
        "findings.schema.json": json.dumps(findings_schema(), indent=2) + "\n",
        "canary.schema.json": json.dumps(config_schema(), indent=2) + "\n",
        "investigation.md": refreshed((FOLDER / "investigation.md").read_text(encoding="utf-8")),
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _cli() -> Iterator[str]:
    yield "# Commands"
    yield "\nGenerated from the commands' own help. Environment variables `CANARY_<COMMAND>_<OPTION>` set defaults; `NO_COLOR` is honoured."
    for name in COMMANDS:
        context = click.Context(cli, info_name="canary-forensics", help_option_names=["-h", "--help"])
        command = cli.get_command(context, name)
        if command is not None:
            yield from _command(command, click.Context(command, info_name=name, parent=context))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## {context.command_path.removeprefix('canary-forensics ')}\n\n```text\n{context.get_help()}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _command(inner, click.Context(inner, info_name=name, parent=context))


def _tables() -> Iterator[str]:
    yield "# Tables"
    yield "\nGenerated from `forensics/schema.py`. Origin: `otel` OpenTelemetry semantic conventions, `ecs` Elastic Common Schema, `own` this project."
    yield "Personal data: `none`, `indirect` (identifies with other data), `direct`, `content` (may hold anything)."
    for table in TABLES.values():
        yield from _table(table, table.columns)
    yield "\n# Dimensions\n\nGenerated from `forensics/views/dictionary.py`: what is known of each distinct address, name and path. Join them by their first column;"
    yield "`requests`, `exchanges` and `outbound` carry route, zone, class, country, operator and registered domain already. [paths.md](paths.md) shows"
    yield "what becomes of a path."
    for table in DIMENSIONS.values():
        yield from _table(table, table.own_columns)


def _table(table: Table, columns: Iterable[Column]) -> Iterator[str]:
    yield f"\n## {table.name}\n\n{table.meaning[:1].upper()}{table.meaning[1:]}.\n\n| column | type | origin | personal data | meaning |\n|---|---|---|---|---|"
    yield from (f"| `{c.name}` | {c.type} | {c.origin} | {c.personal} | {c.meaning} |" for c in columns)


def _detectors() -> Iterator[str]:
    yield "# Detectors"
    yield "\nGenerated from the files in `queries/`. A detector is one SQL file with TOML front matter and a `.test.toml` beside it;"
    yield "`canary-forensics detectors new FAMILY.NAME` writes a start, `detectors test` runs the tests, `--queries DIR` adds a folder of your own."
    for detector in load():
        front = detector.front
        yield f"\n## {detector.id}\n\n**{front.title}** — {front.severity}, confidence {front.confidence}, `{front.compare}`, counted by {front.unit}.\n"
        yield f"{front.why}\n\n- Not if: {'; '.join(front.false_positives)}.\n- Do: {front.recommendation}"
        tables = (" or " if front.needs.either else ", ").join(front.needs.tables)
        yield f"- Needs: {tables}; {front.needs.canary_rows} canary and {front.needs.baseline_rows} baseline rows."
        yield f"- References: {', '.join(front.references)}."


def _formats() -> Iterator[str]:
    yield "# Formats"
    yield "\nGenerated from the importers. Recognition is by content, never by name; `--format NAME` forces one."
    yield "\n| format | what it is | observer | tables |\n|---|---|---|---|"
    for item in all_importers():
        tables = "all" if len(item.tables) > 8 else ", ".join(f"`{name}`" for name in item.tables)
        yield f"| `{item.name}` | {item.title} | {item.observer} | {tables} |"
    yield _EXCHANGE


def main(arguments: list[str]) -> Any:
    """Write the pages, or with --check say which differ and exit 1."""
    differing = [
        name
        for name, text in pages().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        sys.stdout.write("".join(f"{name} differs\n" for name in differing))
        return 1 if differing else 0
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
