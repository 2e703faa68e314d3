"""`replay`: when a gate would have stopped the rollout, and what was out by then."""

from __future__ import annotations

import math
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


def _known_number(_ctx: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Refuse NaN, which lies within every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number of seconds.")
    return value


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
    type=click.FloatRange(0, 86400),
    callback=_known_number,
    help="Seconds by which clocks of the records may be off; estimated from requests that two sources have.",
)
@click.option(
    "--fail-on", type=click.Choice(["gate"]), help="Exit 1 where a gate says stop, 3 where it cannot be told."
)
@click.option("--trace", is_flag=True, help="Print every tick as rows in the format asked for.")
@format_options
@click.pass_context
def run_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context, case: Path, policies: tuple[Path, ...], more: tuple[Path, ...], binding: Path | None, arguments: tuple[str, ...], onset: str,
    skew: float | None, fail_on: str | None, trace: bool, form: str, as_json: bool,
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
    _clocks(told["assumptions"])
    for policy in told["policies"]:
        click.secho(
            f"\n{safe_text(policy['name'])}  ({policy['kind']}, engine {policy['engine_version']}): {policy['verdict']}",
            bold=True,
        )
        for note in [*policy["notes"], *([policy["reason"]] if policy["reason"] else [])]:
            click.echo(safe_text(f"  {note}"))
        for run in policy["runs"]:
            _run(run)
    _radius(told["radius"])


def _clocks(assumptions: dict[str, Any]) -> None:
    skew = assumptions["clock_skew_seconds"]
    if skew:
        click.echo(f"clocks       may be off by {skew:g} s")
    for item in assumptions["clocks"]:
        if abs(item["offset_seconds"]) >= 1:
            source, other = (
                f"{item[table]} {item[observer]}"
                for table, observer in (("source_table", "observer"), ("reference_table", "reference_observer"))
            )
            click.echo(
                safe_text(
                    f"             {source} is {item['offset_seconds']:+.1f} s from {other}, by {item['matched']:,} requests"
                )
            )


def _run(run: dict[str, Any]) -> None:
    when = f", {run['effect']} at {run['trigger']}" if run["trigger"] else ""
    click.echo(safe_text(f"  {run['run']}: {run['verdict']}{when}"))
    click.echo(safe_text(f"    {run['reason']}"))
    rows = [
        [
            gate["gate"],
            gate["state"] + (" (dry run)" if gate.get("dry_run") else ""),
            *(gate.get(name, "") for name in ("first_failed", "trigger", "trigger_alone")),
            _sees(gate),
            _why(gate),
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


def _why(gate: dict[str, Any]) -> str:
    """Return why a gate is where it is; of one that was not replayed also where that stands."""
    return f"{gate['place']}: {gate['why']}" if gate["code"] else gate["why"]


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


def _numbers(text: str, kind: type) -> list[Any]:
    from forensics.errors import UsageError

    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{text} is no list of numbers.", hint="Write it as 1,2,5.") from error


@command.command("sweep")
@click.argument("case", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    default="errors",
    show_default=True,
    help="What counts: errors, refusals, unauthorized, forbidden, throttled.",
)
@click.option("--thresholds", default="0.01,0.02,0.05,0.1", show_default=True, help="Limits of the share, 0 to 1.")
@click.option("--windows", default="1,5,10", show_default=True, help="Windows in minutes.")
@click.option("--intervals", default="1", show_default=True, help="Intervals in minutes.")
@click.option("--limits", default="0,1,3", show_default=True, help="Failures that are tolerated.")
@click.option("--delays", default="5", show_default=True, help="First measurement, in minutes.")
@click.option("--weights", default="1", show_default=True, help="Factors of the canary's traffic; above 1 is a model.")
@click.option(
    "--durations",
    default="0",
    show_default=True,
    help="Minutes after which the rollout would have ended; 0 = as it did.",
)
@click.option(
    "--onset", default="", metavar="TIME", help="When the trouble began, if you know better than the first finding."
)
@format_options
def sweep_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    case: Path, metric: str, thresholds: str, windows: str, intervals: str, limits: str, delays: str, weights: str, durations: str, onset: str,
    form: str, as_json: bool,
) -> None:  # fmt: skip
    """Sweep a gate on a share of the canary's requests over a grid of settings, and tell when each would have triggered.

    Minute cells are read, so intervals are whole minutes; `replay run` reads records.
    """
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.investigate import replay
    from forensics.replay.sweep import Axes

    axes = Axes(
        _numbers(thresholds, float), _numbers(windows, int), _numbers(intervals, int), _numbers(limits, int), _numbers(delays, int),
        _numbers(weights, float), _numbers(durations, int),
    )  # fmt: skip
    opened = open_case(case)
    with forged_is_told():
        known = replay.known_of(opened, onset)
    rows = replay.swept(opened, metric, axes, known)
    columns = list(rows[0])
    emit(columns, [[row[name] for name in columns] for row in rows], form, as_json=as_json)
    if any(row["basis"] == "model" for row in rows):
        click.echo("Rows with basis model scale up what was seen: nobody recorded that traffic.", err=True)


@command.command("backtest")
@click.argument("cases", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--policy", "policies", multiple=True, required=True, type=click.Path(path_type=Path), help="A policy file."
)
@click.option(
    "--binding",
    "--bindings",
    "binding",
    type=click.Path(path_type=Path),
    help="Which rows of a case a metric counts (TOML).",
)
@click.option(
    "--labels",
    required=True,
    type=click.Path(path_type=Path),
    help="What each rollout was (TOML): label, who, when, why.",
)
@click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="A value for {{args.NAME}}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backtest_command(
    cases: tuple[Path, ...], policies: tuple[Path, ...], binding: Path | None, labels: Path, arguments: tuple[str, ...], as_json: bool
) -> None:  # fmt: skip
    """Test policies on many CASES whose outcome is labelled: precision, recall, time to detect, users spared."""
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.investigate import replay

    opened = [open_case(case) for case in cases]
    with forged_is_told():
        for case in opened:
            replay.known_of(case)
    found = replay.backtested(opened, policies, binding, replay.arguments_of(arguments), labels)
    if as_json:
        dump(found)
        return
    for item in found:
        _backtest(item)


def _backtest(item: dict[str, Any]) -> None:
    click.secho(safe_text(f"{item['policy']}: {item['judged']} of {item['rollouts']} rollouts judged"), bold=True)
    click.echo(f"  left out       {item['unknown']} unknown, {item['not_replayed']} not replayed or undecidable")
    click.echo(f"  bad rollouts   {item['true_positives']} stopped, {item['false_negatives']} not")
    click.echo(f"  good rollouts  {item['true_negatives']} left alone; {item['false_positives']} false alarms in all")
    for name in ("precision", "recall"):
        share = item[name]
        click.echo(
            f"  {name:<14} "
            + (
                f"{share['value']:.0%} (95 %: {share['low']:.0%} to {share['high']:.0%})"
                if share
                else "nothing to count"
            )
        )
    if item["recall_at_least"] is not None:
        click.echo(f"  all detected   the recall is {item['recall_at_least']:.0%} at least, with 95 % confidence")
    median, late = (
        f"{value:g} s" if value is not None else "never reached"
        for value in (item["seconds_to_detect_median"], item["seconds_to_detect_p90"])
    )
    click.echo(f"  time to detect {median} median, {late} for nine in ten; {item['not_detected']} not detected")
    click.echo(f"  spared         {item['users_saved']:,.0f} users, {item['requests_saved']:,.0f} requests")
    for warning in item["warnings"]:
        click.secho(f"  {warning}", fg="yellow")


@command.command("diff")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--route", default="*", show_default=True, metavar="GLOB", help="Compare only these routes.")
@click.option("--fail-on", type=click.Choice(["difference"]), help="Exit 1 where a difference is told.")
@format_options
@click.pass_context
def diff_command(
    ctx: click.Context, case: Path, route: str, fail_on: str | None, form: str, as_json: bool
) -> None:  # fmt: skip
    """Compare the form of the canary's responses with the baseline's: status, headers, JSON paths and types, pages, patterns.

    Responses to requests of one shape are compared as distributions, against what the baseline differs from itself; answers to the same request one by one.
    """
    from forensics.case import open_case
    from forensics.cli.received import forged_is_told
    from forensics.investigate import replay
    from forensics.replay.responses import COLUMNS

    opened = open_case(case)
    with forged_is_told():
        told = replay.compared(opened, route)
    changes = told["changes"]
    if as_json or form == "json":
        dump(told)
    elif form != "table":
        emit(COLUMNS, [[row[name] for name in COLUMNS] for row in changes], form)
    else:
        _differences(told)
    ctx.exit(1 if fail_on and (changes or told["pairs"]["changes"]) else 0)


def _differences(told: dict[str, Any]) -> None:
    compared, halves, pairs = told["compared"], told["halves"], told["pairs"]
    for arm, counts in compared["responses"].items():
        click.echo(
            f"{arm:<12} {counts['any']:,} responses, {counts['headers']:,} with headers, {counts['body']:,} with bodies that were compared"
        )
    alone = f"{len(compared['canary_alone']):,} of the canary alone, {len(compared['baseline_alone']):,} of the baseline alone"
    click.echo(f"compared     {compared['questions']:,} kinds of request were asked of both; {alone}")
    click.echo(
        f"noise        without it the rules tell {halves['changes']:,} differences between two halves of the baseline; {told['within_noise']:,} of the canary lie within it"
    )
    for name, what in (
        (
            "thin",
            "kinds of request have fewer than five responses on the other side: what is new or dropped there is not told",
        ),
        ("too_large", "bodies are too large to be compared"),
        ("mixed_units", "callers, summed over kinds of request, were answered by both and count on both sides"),
    ):
        if compared[name]:
            click.echo(f"{'':<12} {compared[name]:,} {what}")
    if told["changes"]:
        click.echo()
        emit(("change", "what", "request", "canary", "others", "how sure"), _grouped(told["changes"]), "table")
    else:
        click.echo("\nNo difference is told.")
    count = sum(pairs["counts"].values())
    ways = ", ".join(f"{n:,} by {via}" for via, n in pairs["counts"].items())
    click.echo(
        f"\n{count:,} requests were answered by both ({ways}){_unchecked(pairs)}"
        if count
        else "\nNo request was answered by both: nothing is compared one by one."
    )
    if pairs["changes"]:
        emit(
            ("change", "what", "request", "pairs", "noise", "records"),
            [_pair(row) for row in pairs["changes"]],
            "table",
        )


def _unchecked(pairs: dict[str, Any]) -> str:
    """Say of how many pairs values were not compared, since nothing tells what the baseline differs from itself."""
    n = pairs["without_noise"]
    told = f"; of {n:,} of them only the kind of values is compared: the baseline answered none of these requests twice, so its noise is not known"
    return told if n else ""


def _grouped(changes: list[dict[str, Any]]) -> list[list[Any]]:
    """Return one row for the same difference of many kinds of request."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in changes:
        groups.setdefault((row["change"], row["kind"], row["path"], row["value"]), []).append(row)
    return [_difference(rows) for rows in groups.values()]


def _difference(rows: list[dict[str, Any]]) -> list[Any]:
    first = rows[0]
    more = f", and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    bound, q = first["bound"], first["q"]
    return [
        first["change"], _facet(first), _request(first) + more, f"{first['canary_n']:,} of {first['canary_of']:,}",
        f"{first['baseline_n']:,} of {first['baseline_of']:,}",
        f"below {bound:.1%} at 95 %" if bound is not None else f"q = {q:.2g}",
    ]  # fmt: skip


def _facet(row: dict[str, Any]) -> str:
    return " ".join(part for part in (row["kind"], row["path"], row.get("value", "")) if part)


def _request(row: dict[str, Any]) -> str:
    query = f"?{row['query_names']}" if row["query_names"] else ""
    parts = (row["method"], row["route"] + query, row["principal"], row["request_type"], row.get("status_class", ""))
    return " ".join(part for part in parts if part)


def _pair(row: dict[str, Any]) -> list[Any]:
    noise = f"{row['noisy']:,} of {row['checked']:,}" if row["checked"] else "not known"
    return [
        row["change"], _facet(row), _request(row), f"{row['differing']:,} of {row['pairs']:,}", noise, " ".join(row["records"]),
    ]  # fmt: skip
