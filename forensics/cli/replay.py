"""`replay`: when a gate would have stopped the rollout, and what was out by then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from forensics.cli.output import dump, emit, format_options
from forensics.text import bytes_text, safe_text

_TRACE = (
    "reading", "time", "gate", "state", "value", "series", "least", "most", "n", "k", "phase", "failed", "error", "inconclusive", "count", "metric_phase", "why",
)  # fmt: skip
_AMOUNTS = {
    "requests": "requests", "users": "users", "sessions": "sessions", "roles": "roles", "tenants": "tenants", "bytes_out_new": "bytes to new destinations",
    "records": "records", "fields": "fields", "secrets": "secrets",
}  # fmt: skip


@click.group()
def command() -> None:
    """Replay gates over the rollout that a case recorded."""


@command.command("run")
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("policies", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policy",
    "more",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A policy file; the same as naming it behind CASE.",
)
@click.option(
    "--binding",
    "--bindings",
    "binding",
    type=click.Path(path_type=Path),
    help="Which rows of the case a metric counts (TOML).",
)
@click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="A value for {{args.NAME}}.")
@click.option(
    "--onset", default="", metavar="TIME", help="When the trouble began, if you know better than the first finding."
)
@click.option(
    "--skew",
    default=0.0,
    type=click.FloatRange(0, 86400),
    show_default=True,
    help="Seconds by which clocks of the records may be off.",
)
@click.option(
    "--fail-on", type=click.Choice(["gate"]), help="Exit 1 where a gate says stop, 3 where it cannot be told."
)
@click.option("--trace", is_flag=True, help="Print every tick as rows in the format asked for.")
@format_options
@click.pass_context
def run_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, case: Path, policies: tuple[Path, ...], more: tuple[Path, ...], binding: Path | None, arguments: tuple[str, ...], onset: str,
    skew: float, fail_on: str | None, trace: bool, form: str, as_json: bool,
) -> None:  # fmt: skip
    """Replay POLICIES (Argo, Flagger, or our own TOML) over CASE: ticks, verdicts, time to detect, blast radius.

    Exit codes: 0 done; with --fail-on gate 1 where a gate says stop, 3 where a gate was not replayed or the evidence has a gap.
    """
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.errors import UsageError
    from forensics.investigate import replay
    from forensics.replay.run import Settings

    files = [*policies, *more]
    if not files:
        raise UsageError("No policy is named.", hint="Name a policy file behind CASE.")
    opened = open_case(case)
    with forged_is_told():
        known = replay.known_of(opened, onset)
    told = replay.run(opened, files, binding, replay.arguments_of(arguments), known, Settings(skew))
    if trace:
        rows = [row for policy in told["policies"] for run in policy["runs"] for row in run["trace"]]
        emit(_TRACE, [[row[name] for name in _TRACE] for row in rows], form, as_json=as_json)
    elif as_json or form == "json":
        dump(told)
    else:
        _words(told)
    ctx.exit(_code(told, fail_on))


def _code(told: dict[str, Any], fail_on: str | None) -> int:
    if fail_on is None:
        return 0
    if told["stops"]:
        return 1
    return 3 if told["verdict"] in ("INCOMPLETE", "UNDECIDABLE") else 0


def _words(told: dict[str, Any]) -> None:
    click.echo(f"onset        {told['onset'] or 'not known'} ({safe_text(told['onset_from'])})")
    click.echo(f"action       {told['action'] or 'none'} ({safe_text(told['action_from'])})")
    click.echo(f"contained    {told['contained'] or 'not known'}")
    for policy in told["policies"]:
        click.secho(
            f"\n{safe_text(policy['name'])}  ({policy['kind']}, engine {policy['engine_version']}): {policy['verdict']}",
            bold=True,
        )
        for note in policy["notes"]:
            click.echo(safe_text(f"  {note}"))
        for run in policy["runs"]:
            _run(run)
    _radius(told["radius"])


def _run(run: dict[str, Any]) -> None:
    when = f", {run['effect']} at {run['trigger']}" if run["trigger"] else ""
    click.echo(safe_text(f"  {run['run']}: {run['verdict']}{when}"))
    click.echo(safe_text(f"    {run['reason']}"))
    rows = [
        [
            *(gate.get(name, "") for name in ("gate", "state", "first_failed", "trigger", "trigger_alone")),
            _sees(gate),
            gate["why"],
        ]
        for gate in run["gates"]
    ]
    emit(["gate", "state", "first failure", "trigger", "alone", "scrapes that see it", "why"], rows, "table")
    if run["readings"]:
        emit(
            ["reading", "earliest", "latest", "triggering"],
            [
                [row["reading"], row["earliest"], row["latest"], f"{row['triggering']} of {row['of']}"]
                for row in run["readings"]
            ],
            "table",
        )
    _lags(run["lags"])


def _sees(gate: dict[str, Any]) -> str:
    return f"{gate['scrape_sees']} of {gate['scrape_phases']}" if gate.get("scrape_phases") else ""


def _lags(lags: dict[str, Any]) -> None:
    if lags["detect"] is None:
        return
    parts = [f"{name} {lags[name]:g} s" for name in ("exposure", "window", "limit") if lags[name] is not None]
    later = f"; the action came {lags['action']:g} s later" if (lags["action"] or 0) > 0 else ""
    click.echo(f"    time to detect {lags['detect']:g} s = {' + '.join(parts)}{later}")


def _radius(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    click.secho("\nExposed from the onset on", bold=True)
    emit(
        ["until", "time", *_AMOUNTS.values()],
        [[row["until"], row["time"], *(_amount(name, row["amounts"].get(name)) for name in _AMOUNTS)] for row in rows],
        "table",
    )
    click.echo("≥: samples show at least as much; numbers without a sign are counted in the logs of this case.")


def _amount(name: str, amount: dict[str, Any] | None) -> str:
    if amount is None:
        return ""
    text = bytes_text(amount["value"]) if name.startswith("bytes") else f"{amount['value']:,.0f}"
    return f"≥ {text}" if amount["rule"] == "lower bound" else text
