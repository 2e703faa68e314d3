"""`ingest`: add evidence to a case."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.options import memory_option


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--config", type=click.Path(path_type=Path), help="canary.toml for a new case.")
@click.option("--format", "form", default="", help="Format of all files, where content does not tell.")
@click.option("--ignore", multiple=True, metavar="GLOB", help="Leave out files of a folder.")
@memory_option
@click.option("--threads", type=click.IntRange(1), help="Threads of the engine.")
@click.option("--copy", is_flag=True, help="Copy the evidence into the case's restricted folder.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, case: Path, evidence: tuple[Path, ...], config: Path | None, form: str, ignore: tuple[str, ...], threads: int | None, memory: str, copy: bool,
) -> None:  # fmt: skip
    """Add EVIDENCE to CASE (made if it is not there) and print its ledger. The same content is not counted twice."""
    from forensics.case import create, exclusive
    from forensics.cli.progress import Bar
    from forensics.cli.status import print_ledger
    from forensics.gate import EVIDENCE, damaged
    from forensics.ingest import Options, ingest
    from forensics.replay.keep import keep_policies
    from forensics.review import find_config
    from forensics.views import keep_databases

    opened = create(case)
    with exclusive(opened), Bar() as bar:
        if config is not None or not (case / "canary.toml").exists():
            loaded = find_config(evidence, config)
            opened.write_config(loaded)
            keep_databases(opened, loaded)
            keep_policies(opened, loaded)
        ignored = [*ignore, *opened.config().config.ingest.ignore]
        entries = ingest(opened, evidence, Options(form, ignored, threads, copy=copy, memory=memory), bar)
    print_ledger(entries)
    troubles = damaged(entries, opened.config().config.ingest.max_reject_share)
    for sentence in troubles:
        click.secho(sentence, fg="yellow", err=True)
    ctx.exit(EVIDENCE if troubles else 0)
