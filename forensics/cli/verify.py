"""`verify`: check an evidence package."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.text import plural, safe_text


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option(
    "--signer",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Who must have signed: allowed_signers, ssh .pub or PEM.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, package: Path, signer: Path | None, as_json: bool) -> None:
    """Check PACKAGE, a folder or a zip, and say what that shows and what not. Exit 4 where anything is not as it was sealed.

    Nothing is unpacked or run; the verify.sh inside is never trusted.
    """
    from forensics.cli.output import dump
    from forensics.errors import UsageError
    from forensics.package import verify

    if signer is not None and signer.resolve().is_relative_to(package.resolve()):
        raise UsageError(
            f"{signer} came with the package: whoever changed one may have changed the other.",
            hint="Get the signer's public key on another way, and name that file.",
        )
    checked = verify(package, signer)
    if as_json:
        failures = [{"file": item.file, "what": item.what} for item in checked.failures]
        dump({"failures": failures, "shown": checked.shown, "not_shown": checked.not_shown})
    else:
        for item in checked.failures:
            click.echo(safe_text(f"{item.file}: {item.what}"))
        for text in checked.shown:
            click.echo(f"Shown      {text}")
        for text in checked.not_shown:
            click.echo(f"Not shown  {text}")
    if checked.failures:
        click.echo(f"{plural(len(checked.failures), 'failure')}: this is not the package as it was sealed.", err=True)
    ctx.exit(4 if checked.failures else 0)
