"""`explain`: why a finding is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.output import emit
from forensics.text import safe_lines, safe_text

if TYPE_CHECKING:
    from forensics.investigate.explain import Explanation


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("finding")
@click.option("--queries", multiple=True, type=click.Path(path_type=Path), help="Folder with detectors of your own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(case: Path, finding: str, queries: tuple[Path, ...], as_json: bool) -> None:
    """Explain FINDING of CASE: what was counted, why this severity, which records, and the SQL to run again by hand."""
    from forensics.case import open_case
    from forensics.cli.output import dump
    from forensics.cli.received import forged_is_told
    from forensics.investigate.explain import explain, runnable_sql

    opened = open_case(case)
    with forged_is_told():
        told = explain(opened, finding, queries)
    if as_json:
        dump({"finding": told.finding, "sql": runnable_sql(told.detector), "rows": told.rows, "flags": told.flags})
        return
    with forged_is_told():
        _words(told)
    click.secho("\nRecords (masked)", bold=True)
    emit(told.rows["columns"], told.rows["rows"], "table")
    click.echo(
        f"{len(told.rows['rows']):,} of {told.rows['total']:,} shown; one of them: canary-forensics show CASE RECORD --raw"
    )
    click.secho(f'\nSQL of {told.detector.id} (run it with: canary-forensics sql CASE "...")', bold=True)
    click.echo(safe_lines(runnable_sql(told.detector)))
    if told.changed_since:
        click.secho("The detector has changed since this finding was made: run detect again.", fg="yellow")


def _words(told: Explanation) -> None:
    item = told.finding
    click.secho(safe_text(f"{item['id']}  {item['title']}"), bold=True)
    click.echo(f"  severity     {safe_text(item['severity'])}{_path(item, told.detector.front.severity)}")
    click.echo(safe_text(f"  confidence   {item['confidence']}; {item['novelty'].replace('_', ' ')}; {item['status']}"))
    click.echo(f"  what         {_pairs(item['entity'])}")
    click.echo(f"  details      {_pairs(item['details'])}")
    click.echo(f"  canary       {item['canary']['n']:,} of {item['canary']['total']:,} ({safe_text(item['unit'])}s)")
    click.echo(
        f"  baseline     {item['baseline']['n']:,} of {item['baseline']['total']:,}; before and after the phases {item['prior_n']:,}"
    )
    if item["p_value"] is not None:
        click.echo(safe_text(f"  test         {_test(item)}"))
    if item["interval"]:
        click.echo(
            f"  difference   {item['effect']:+.1%} (95 %: {item['interval'][0]:+.1%} to {item['interval'][1]:+.1%})"
        )
    click.echo(safe_text(f"  seen         {item['first_seen']} to {item['last_seen']}"))
    for state in told.flags:
        click.echo(safe_text(f"  flag         {_flag(state)}"))
    if told.said.tags:
        click.echo(safe_text(f"  tags         {', '.join(sorted(told.said.tags))}"))
    for time, words in told.said.notes:
        click.echo(safe_text(f"  note         {time}: {words}"))
    click.echo(f"  why          {safe_text(item['why'])}")
    click.echo(f"  not if       {safe_text('; '.join(told.detector.front.false_positives))}")
    click.echo(f"  do           {safe_text(item['recommendation'])}")


def _path(item: dict[str, Any], start: str) -> str:
    if not item["modifiers"]:
        return " (as the detector says; no modifier)"
    moves = "; ".join(f"{move['change']:+d} {move['name']}: {move['reason']}" for move in item["modifiers"])
    return safe_text(f" (from {start}; {moves})")


def _pairs(values: dict[str, Any]) -> str:
    return safe_text(", ".join(f"{key}={value}" for key, value in values.items()))


def _test(item: dict[str, Any]) -> str:
    """Say p with what belongs to it; a finding of an earlier version has less."""
    told = {
        "p": item["p_value"],
        "mid-p": item.get("mid_p"),
        "q": item["q_value"],
        "smallest p possible": item.get("attainable_p"),
    }
    values = ", ".join(f"{name} {_p(value)}" for name, value in told.items() if value is not None)
    return f"{item.get('method') or 'exact, by phase'}: {values}"


def _flag(state: dict[str, Any]) -> str:
    variants = ", ".join(f"{variant or 'no variant'} in {count:,}" for variant, count in state["variants"].items())
    told = f"{state['flag']}: {variants} of the records"
    return f"{told}; only with {state['variant'] or 'no variant'}" if state["only_with"] else told


def _p(value: float) -> str:
    return "< 1e-15" if value <= 1e-15 else f"= {value:.2g}"
