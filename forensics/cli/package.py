"""`package`: a case as a package that others can check."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from forensics.text import bytes_text, plural, safe_text

PASSPHRASE = "CANARY_PASSPHRASE"  # noqa: S105 - the name of a variable


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--tier", type=click.Choice(["shareable"]), default="shareable", show_default=True, help="What it may hold."
)
@click.option(
    "--sign",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Sign with this Ed25519 private key (OpenSSH or PEM).",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Key of the pseudonyms, outside of the case; made if it is not there.",
)
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of detectors that judged the case besides those shipped.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    case: Path, out: Path, tier: str, sign: Path | None, key: Path | None, queries: tuple[Path, ...], as_json: bool
) -> None:
    """Write CASE as an evidence package to OUT: a BagIt folder, or a zip where OUT ends in .zip. Recorded in access.jsonl.

    People have stand-ins in it: without --key the report's numbers, with it pseudonyms that only who has the key can undo.
    The passphrase of an encrypted signing key is taken from CANARY_PASSPHRASE, or asked for.
    """
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.package import Options, create

    with forged_is_told():
        made = create(open_case(case), out, Options(key, sign, _passphrase, queries))
    if made.new_key:
        click.echo(
            safe_text(
                f"Made the pseudonym key {key}. Keep it apart from case and package; without it nobody is found again."
            ),
            err=True,
        )
    if made.missing_rules:
        names = ", ".join(made.missing_rules[:5])
        click.echo(
            safe_text(
                f"{plural(len(made.missing_rules), 'detector')} judged and are named by hash only ({names}): give their folder with --queries."
            ),
            err=True,
        )
    _tell(out, tier, made, as_json=as_json)


def _passphrase() -> bytes:
    from forensics.errors import UsageError

    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given.encode()
    if not sys.stdin.isatty():
        raise UsageError("The signing key is encrypted.", hint=f"Give its passphrase in {PASSPHRASE}.")
    return str(click.prompt("Passphrase of the signing key", hide_input=True, err=True)).encode()


def _tell(out: Path, tier: str, made: Any, *, as_json: bool) -> None:
    from forensics.cli.output import dump

    signed = made.signed_by or "unsigned: detects accident, not an attacker"
    if as_json:
        dump({
            "package": str(out), "tier": tier, "files": made.files, "bytes": made.bytes, "tagmanifest_sha256": made.sealed_sha256,
            "signed_by": made.signed_by or None, "stand_ins": made.stand_ins, "missing_rules": made.missing_rules,
        })  # fmt: skip
        return
    click.echo(safe_text(f"Package    {out}: {plural(made.files, 'file')}, {bytes_text(made.bytes)}"))
    click.echo(f"Sealed     tagmanifest-sha256.txt {made.sealed_sha256}")
    click.echo(f"Signed     {signed}")
    click.echo(f"People     {' '.join(made.stand_ins.values())}")
