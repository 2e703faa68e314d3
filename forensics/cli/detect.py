"""`detect`: run the detectors again."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.gate import fail_on_option
from forensics.cli.options import seconds_option


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="A changed canary.toml; it replaces the case's copy.")
@click.option("--only", multiple=True, metavar="GLOB", help="Run only these detectors.")
@click.option("--skip", multiple=True, metavar="GLOB", help="Leave these detectors out.")
@click.option("--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with detectors of your own.")
@seconds_option
@click.option("--threads", type=click.IntRange(1), help="Threads of the engine; the result does not depend on it.")
@click.option("--json", "as_json", is_flag=True, help="Print findings.json instead of the summary.")
@fail_on_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, case: Path, config: Path | None, only: tuple[str, ...], skip: tuple[str, ...], queries: tuple[Path, ...],
    threads: int | None, seconds: float, as_json: bool, fail_on: str | None,
) -> None:  # fmt: skip
    """Run the detectors over CASE and write findings, results and report again. No evidence is read."""
    from forensics.case import exclusive, open_case
    from forensics.cli.output import print_json
    from forensics.cli.summary import print_result
    from forensics.config import load
    from forensics.gate import damaged, exit_code
    from forensics.replay.keep import keep_policies
    from forensics.review import Options, detect, write_report
    from forensics.views import check_databases, keep_databases

    opened = open_case(case)
    with exclusive(opened):
        if config is not None:
            loaded = load(config)
            check_databases(loaded)
            opened.write_config(loaded)
            keep_databases(opened, loaded)
            keep_policies(opened, loaded)
        result = detect(opened, Options(queries=queries, only=only, skip=skip, threads=threads, seconds=seconds))
        write_report(opened, result)
    share = opened.config().config.ingest.max_reject_share
    if as_json:
        print_json(opened.findings.read_text(encoding="utf-8"))
    else:
        print_result(opened, result, damaged(opened.ledger(), share))
    ctx.exit(exit_code(result, opened.ledger(), fail_on, share))
