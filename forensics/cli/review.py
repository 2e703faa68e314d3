"""`review`: the main job."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.gate import fail_on_option
from forensics.cli.options import memory_option, seconds_option


@click.command(short_help="Review evidence: ingest, detect, report.")
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--config", type=click.Path(path_type=Path), help="canary.toml; without it the one in the first evidence folder."
)
@click.option("--case", "folder", type=click.Path(path_type=Path), help="Case folder; without it <name>.case here.")
@click.option("--format", "form", default="", help="Format of all files, where content does not tell.")
@click.option("--ignore", multiple=True, metavar="GLOB", help="Leave out files of a folder.")
@click.option(
    "--queries",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder with detectors of your own, and content patterns in DIR/patterns.",
)
@memory_option
@seconds_option
@click.option("--threads", type=click.IntRange(1), help="Threads of the engine; the result does not depend on it.")
@click.option("--json", "as_json", is_flag=True, help="Print findings.json instead of the summary.")
@fail_on_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, evidence: tuple[Path, ...], config: Path | None, folder: Path | None, form: str, ignore: tuple[str, ...],
    queries: tuple[Path, ...], threads: int | None, seconds: float, memory: str, as_json: bool, fail_on: str | None,
) -> None:  # fmt: skip
    """Turn exported evidence into a case, run the detectors and write a security review report.

    EVIDENCE is files or folders; - is standard input. Nothing in it is changed.
    """
    from forensics.cli.output import print_json
    from forensics.cli.progress import Bar
    from forensics.cli.summary import print_result
    from forensics.gate import damaged, exit_code
    from forensics.ingest import Options as IngestOptions
    from forensics.review import Options, review

    options = Options(
        queries=queries, threads=threads, seconds=seconds, ingest=IngestOptions(form, ignore, threads, memory=memory)
    )
    with Bar() as bar:
        case, result = review(evidence, config, folder, options, bar)
    share = case.config().config.ingest.max_reject_share
    if as_json:
        print_json(case.findings.read_text(encoding="utf-8"))
    else:
        print_result(case, result, damaged(case.ledger(), share))
    ctx.exit(exit_code(result, case.ledger(), fail_on, share))
