"""`audit`: every night, over the drop folders of many services."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from forensics.cli.options import memory_option, seconds_option
from forensics.text import plural, safe_text


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--as-of", metavar="TIME", help="Time of the audit, such as 2026-03-03; without it today (UTC). It is recorded."
)
@click.option("--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with detectors of your own.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the engine; the result does not depend on it.")
@memory_option
@seconds_option
@click.option("--json", "as_json", is_flag=True, help="Print the record of the audit instead of a line.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, config: Path, as_of: str | None, queries: tuple[Path, ...], threads: int | None, memory: str, seconds: float,
    as_json: bool,
) -> None:  # fmt: skip
    """Audit the services of CONFIG: make or extend a case of each rollout, compare with earlier audits, exit with one code.

    Writes audits.jsonl, overview.html and junit.xml into the state folder.
    """
    import msgspec

    from forensics import audit
    from forensics.cli.output import print_json
    from forensics.ingest import Options as IngestOptions
    from forensics.review import Options

    loaded = audit.load(config)
    options = Options(
        queries=queries, threads=threads, seconds=seconds, ingest=IngestOptions(threads=threads, memory=memory)
    )
    done = audit.run(loaded, datetime.now(UTC).date().isoformat() if as_of is None else as_of, options)
    audit.write(loaded, done)
    for service in done.record.services:
        for reason in service.reasons:
            click.echo(safe_text(f"{service.name}: {reason}"), err=True)
    if as_json:
        print_json(msgspec.json.encode(done.record).decode())
    else:
        click.echo(safe_text(_line(done.record)))
    ctx.exit(done.record.exit_code)


def _line(record: Any) -> str:
    """Return the audit in one line."""
    counts = {
        change: sum(len(service.changes[change]) for service in record.services)
        for change in ("new", "recurring", "resolved", "regressed")
    }
    judged = sum(len(service.rollouts) for service in record.services)
    failed = [f"{service.name} {service.exit_code}" for service in record.services if service.exit_code]
    told = ", ".join(f"{count:,} {change}" for change, count in counts.items())
    return (
        f"{record.as_of}: {plural(len(record.services), 'service')}, {plural(judged, 'rollout')} judged; {told}; "
        f"{'not 0: ' + ', '.join(failed) if failed else 'all 0'}; exit {record.exit_code}"
    )
