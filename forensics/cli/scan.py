"""`scan`: content patterns and header verdicts over lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--country",
    "countries",
    multiple=True,
    help="Also look for numbers of this country that have no check digit (us, gb, ...).",
)
@click.option(
    "--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with patterns of your own (DIR/patterns)."
)
@click.pass_context
def command(ctx: click.Context, file: Path, countries: tuple[str, ...], queries: tuple[Path, ...]) -> None:
    """Scan FILE (NDJSON; - is standard input): one JSON line a hit or header verdict. Values are masked, never printed.

    A line is {"id", "response": {"status", "headers": [[name, value]], "body", "body_encoding"}} or {"id", "text"}.
    """
    from forensics.errors import EvidenceError
    from forensics.evidence import open_file, standard_input
    from forensics.scan import packs_in, scan_lines, scanner_for

    if str(file) != "-" and not file.exists():
        raise EvidenceError(f"{file} does not exist.", hint="Name an NDJSON file, or - for standard input.")
    scanner = scanner_for(tuple(sorted(set(countries))), packs_in(queries))
    source = standard_input() if str(file) == "-" else open_file(file)
    failed = False
    with source:
        for row in scan_lines(scanner, _lines(source), _decode):
            failed = failed or "error" in row
            click.echo(json.dumps(row, ensure_ascii=True))
    ctx.exit(3 if failed else 0)


def _decode(body: str, encoding: str | None, kind: str | None) -> tuple[str | None, bool]:
    from forensics.bodies import decode_base64

    found = decode_base64(body, encoding, kind)
    return found.text, found.state == "truncated"


def _lines(source: IO[bytes]) -> IO[bytes]:
    """Buffered lines of an unbuffered file."""
    import io

    return io.BufferedReader(source) if isinstance(source, io.RawIOBase) else source
