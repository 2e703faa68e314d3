"""`replay run`: policies over the recorded rollout, by every reading, as plain rows and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from forensics.findings import moment
from forensics.replay import blast
from forensics.replay.backtest import Outcome
from forensics.replay.clocks import estimated_skew, offsets
from forensics.replay.engines import VERSIONS, GateEnd, RunEnd, Tick, replayed
from forensics.replay.labels import Label
from forensics.replay.measure import GateRefusalError, Measurer, checked
from forensics.replay.policies.model import Gate, Policy, Run
from forensics.replay.promql import Bindings, Reading
from forensics.replay.refusal import Place, RefusalError
from forensics.replay.rollout import Episode, Known, episodes
from forensics.replay.verdicts import Lags, Word, decide, lags, worst
from forensics.store import Sandbox

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a replay assumes and does: skew of the clocks in seconds, either way, or None to estimate it; `quick` reads TRUTH alone, and tells no trace."""

    skew: float | None = None
    quick: bool = False


def replay(
    sandbox: Sandbox, policies: Sequence[Policy], bindings: Bindings, known: Known, settings: Settings | None = None
) -> dict[str, Any]:
    """Return the replay of policies over the episodes of a case, with the trace of every tick."""
    chosen = settings or Settings()
    clocks = [] if chosen.quick else offsets(sandbox)
    if chosen.skew is None:
        chosen = replace(chosen, skew=estimated_skew(clocks))
    parts = episodes(sandbox, known)
    found = [_policy(sandbox, policy, bindings, parts, chosen) for policy in policies]
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": worst([item["verdict"] for item in found]),
        "stops": any(run["trigger"] for item in found for run in item["runs"]),
        "onset": moment(known.onset), "onset_from": known.onset_from, "action": moment(known.action), "action_from": known.action_from,
        "contained": moment(known.contained), "outcome": known.outcome,
        "phases": [{"name": s.name, "start": moment(s.start), "end": moment(s.end), "weight": s.weight} for part in parts for s in part.stretches],
        "assumptions": {"query_latency_seconds": 0, "clock_skew_seconds": chosen.skew, "clocks": [asdict(item) for item in clocks], "scrape": _scrape(bindings)},
        "policies": found,
        "radius": [] if chosen.quick else _radius(sandbox, known, found),
    }  # fmt: skip


def outcome(
    sandbox: Sandbox, case: str, policy: Policy, bindings: Bindings, known: Known, label: Label | None
) -> Outcome:
    """Return what a policy would have done over a case, by TRUTH alone. A good rollout has no onset, whatever the detectors say."""
    word = label.label if label else "unknown"
    told = replay(
        sandbox, [policy], bindings, replace(known, onset=None) if word == "good" else known, Settings(quick=True)
    )
    phases, onset = told["phases"], known.onset
    trigger = _first_trigger(told["policies"][0], datetime.min) if told["stops"] else None  # noqa: DTZ901 - table times have no zone
    last = _time(max((phase["end"] for phase in phases), default=""))
    end = trigger or known.action or last
    hours = (last - _time(phases[0]["start"])).total_seconds() / 3600 if phases and last else 0.0
    spared: dict[str, float] = {}
    until = known.contained or last
    if trigger and onset and until and word != "good" and onset <= trigger <= until:
        amounts = blast.saved(blast.radius(sandbox, onset, trigger), blast.radius(sandbox, onset, until))
        spared = {item.name: item.value for item in amounts}
    seconds = (end - onset).total_seconds() if end and onset else None
    return Outcome(
        case,
        word,
        told["verdict"],
        trigger is not None,
        seconds,
        spared.get("users", 0.0),
        spared.get("requests", 0.0),
        hours,
        bool(label and label.chose),
    )


def _time(text: str) -> Any:
    return datetime.fromisoformat(text.removesuffix("Z")) if text else None


def _scrape(bindings: Bindings) -> dict[str, Any]:
    """Return how scraping was emulated."""
    scrape = bindings.scrape
    return {"interval": scrape.interval, "lookback": scrape.lookback, "phases": scrape.phases}


def _policy(
    sandbox: Sandbox, policy: Policy, bindings: Bindings, parts: Sequence[Episode], settings: Settings
) -> dict[str, Any]:
    runs = [
        _run(sandbox, policy, checked(run, bindings), bindings, part, settings) | {"episode": number}
        for number, part in enumerate(parts, 1)
        for run in policy.runs
    ]
    if not parts:
        runs = [_not_replayed(run, "the case has no phases: give them in canary.toml") for run in policy.runs]
    heads = [
        _headline([run for run in runs if run["episode"] == number])
        for number in sorted({run["episode"] for run in runs})
    ]
    return {
        "name": policy.name, "engine": policy.engine, "engine_version": VERSIONS[policy.engine], "kind": policy.kind, "file": policy.path.name,
        "verdict": worst([word for word, _ in heads]), "reason": "; ".join(reason for _, reason in heads if reason),
        "notes": list(policy.notes), "runs": runs,
    }  # fmt: skip


def _headline(runs: Sequence[dict[str, Any]]) -> tuple[Word, str]:
    """Return the verdict over the runs of an episode: that of the run which stops the rollout first; what could not be replayed before it leaves it open.

    Runs that begin later never came to anything, and those that ended before it did not stop it: both are told beside.
    """
    first = min((run for run in runs if run["trigger"]), key=lambda run: run["trigger"], default=None)
    if first is None:
        return worst([run["verdict"] for run in runs]), ""
    others = [run for run in runs if run is not first]
    is_open = any(run["verdict"] == "INCOMPLETE" and run["came"] and run["start"] <= first["trigger"] for run in others)
    beside = ", ".join(f"{run['run']} {run['verdict']}" for run in others)
    told = f"{first['run']} stops the rollout at {first['trigger']}; beside it: {beside}" if others else ""
    return "INCOMPLETE" if is_open else first["verdict"], told


def _place(place: Place) -> str:
    """Return a place without the folder of its file: the same case gives the same bytes wherever it lies."""
    return str(replace(place, file=Path(place.file.name) if place.file else None))


def _refused(gate: Gate, why: str) -> dict[str, Any]:
    """Return the row of a gate that was not replayed; its own refusal says more than the reason for the whole run."""
    told, code = (gate.refusal.message, gate.refusal.code) if gate.refusal else (why, "")
    place = gate.refusal.place if gate.refusal else gate.place
    return {"gate": gate.name, "state": "NOT REPLAYED", "why": told, "code": code, "place": _place(place)}


def _not_replayed(run: Run, why: str, *, came: bool = True) -> dict[str, Any]:
    """Return the row of a run that was not replayed; `came` is False where the rollout never came to it."""
    gates = [_refused(gate, why) for gate in run.gates]
    return {
        "came": came,
        "run": run.name, "is_inline": run.is_inline, "start": "", "end": "", "verdict": "INCOMPLETE", "reason": why, "phase": "", "trigger": "", "effect": "",
        "gates": gates, "readings": [], "lags": asdict(Lags()), "trace": [], "episode": 0,
    }  # fmt: skip


def _run(
    sandbox: Sandbox, policy: Policy, run: Run, bindings: Bindings, part: Episode, settings: Settings
) -> dict[str, Any]:
    begin, stop = part.beginning(run), part.stop(run)
    if begin is None:
        where = f"phase {run.start.phase}" if run.start.phase else f"weight {run.start.weight:g} %"
        return _not_replayed(run, f"the rollout never came to {where}", came=False)
    if run.rejected:
        return _not_replayed(run, f"{policy.engine} rejects it: {run.rejected}")
    if begin >= stop:
        return _not_replayed(run, "the rollout ended before this run began", came=False)
    longest = max((gate.interval or 0.0 for gate in _left(run).gates), default=0.0)
    extra = longest if part.known.action and stop == part.known.action else 0.0
    seconds = (stop - begin).total_seconds() + extra
    run = _on_one_grid(run, lambda gates: Measurer(sandbox, bindings, begin, seconds, gates))
    if not _left(run).gates:
        return _not_replayed(run, f"not replayed: {'; '.join(_codes(run))}")
    measurer = Measurer(sandbox, bindings, begin, seconds, _left(run).gates)
    while True:
        try:
            return _told(policy, run, part.known, measurer, settings, longest)
        except GateRefusalError as error:
            run = _without(run, error)


def _on_one_grid(run: Run, measurer: Callable[[Sequence[Gate]], Measurer]) -> Run:
    """Refuse the gates whose windows and intervals have no common measure: those that have none by themselves, else all."""
    error = _refusal_of(measurer, _left(run).gates)
    if error is None or not _left(run).gates:
        return run
    found = {gate.name for gate in _left(run).gates if _refusal_of(measurer, [gate])}
    culprits = found or {gate.name for gate in run.gates}
    gates = [
        replace(gate, refusal=gate.refusal or _coarse(gate, error)) if gate.name in culprits else gate
        for gate in run.gates
    ]
    return _on_one_grid(replace(run, gates=tuple(gates)), measurer)


def _refusal_of(measurer: Callable[[Sequence[Gate]], Measurer], gates: Sequence[Gate]) -> RefusalError | None:
    try:
        measurer(gates)
    except RefusalError as error:
        return error
    return None


def _coarse(gate: Gate, error: RefusalError) -> RefusalError:
    """Return the refusal of a gate at its first window, or at its interval where it has none."""
    column = gate.query.find("[") + 1 or None
    told = RefusalError(error.code, error.plain, hint=error.hint, column=column)
    return told.located(gate.place.at("query" if column else "interval"))


def _without(run: Run, refused: GateRefusalError) -> Run:
    """Return a run with one more gate that was not replayed: the others are replayed without it."""
    gates = (replace(gate, refusal=refused.refusal) if gate.name == refused.gate.name else gate for gate in run.gates)
    return replace(run, gates=tuple(gates))


def _codes(run: Run) -> list[str]:
    """Return the gates that were not replayed, each with its code."""
    return [f"{gate.name} ({gate.refusal.code})" for gate in run.gates if gate.refusal]


def _left(run: Run) -> Run:
    """Return a run with the gates that can be replayed."""
    return replace(run, gates=tuple(gate for gate in run.gates if gate.refusal is None))


def _readings(policy: Policy, run: Run, measurer: Measurer, *, quick: bool) -> dict[str, RunEnd]:
    """Return the end of a run by each reading; a reading that cannot read one of the gates leaves that gate out."""
    readings = measurer.readings()
    chosen = {"truth": readings["truth"]} if quick else readings
    return {title: _by_reading(policy, run, measurer, title, reading) for title, reading in chosen.items()}


def _by_reading(policy: Policy, run: Run, measurer: Measurer, title: str, reading: Reading) -> RunEnd:
    left = list(run.gates)
    for gate in run.gates:
        try:
            measurer.value(gate, 0.0, title, reading)
        except GateRefusalError as error:
            if error.refusal.code != "E-PROMQL-TRUTH":
                raise
            left.remove(gate)
    return replayed(
        policy,
        replace(run, gates=tuple(left)),
        lambda gate, now: measurer.value(gate, now, title, reading),
        measurer.end,
    )


def _told(
    policy: Policy,
    run: Run,
    known: Known,
    measurer: Measurer,
    settings: Settings,
    longest: float,
) -> dict[str, Any]:
    ends = _readings(policy, _left(run), measurer, quick=settings.quick)
    truth = ends["truth"]
    trigger = _moment(measurer.start, truth.trigger)
    refused = _codes(run)
    seen = {end.gate for end in truth.gates}
    refused += [f"{gate.name} (E-PROMQL-TRUTH)" for gate in _left(run).gates if gate.name not in seen]
    verdict = decide(truth, trigger, known, longest, refused, _flips(policy, run, measurer, settings, truth))
    alone = {} if settings.quick else {gate.name: _alone(policy, run, gate, measurer) for gate in _left(run).gates}
    traced = [(title, end) for title, end in ends.items() if title in ("truth", "then", "scrape 0")] + [
        ("alone", end) for end in alone.values()
    ]
    return {
        "came": True,
        "run": run.name, "is_inline": run.is_inline, "start": moment(measurer.start), "end": moment(measurer.start + timedelta(seconds=measurer.end)),
        "verdict": verdict.word, "reason": verdict.reason, "phase": truth.phase, "trigger": moment(trigger), "effect": _effect(truth),
        "gates": [_gate(gate, truth, ends, alone.get(gate.name), measurer) for gate in run.gates],
        "readings": _reading_rows(measurer, ends, known),
        "lags": asdict(_lags(run, known, measurer, truth)),
        "trace": [] if settings.quick else [_row(measurer, title, tick) for title, end in traced for tick in end.ticks],
    }  # fmt: skip


def _alone(policy: Policy, run: Run, gate: Gate, measurer: Measurer) -> RunEnd:
    """Return how a gate goes by itself: in the run the first that stops hides what the others would have done."""
    return _by_reading(policy, replace(run, gates=(gate,)), measurer, "truth", measurer.readings()["truth"])


def _flips(policy: Policy, run: Run, measurer: Measurer, settings: Settings, truth: RunEnd) -> bool:
    """Say whether the skew of clocks decides that the run triggers at all."""
    if not settings.skew:
        return False
    moved = [_by_shifted(policy, _left(run), measurer, sign * settings.skew) for sign in (-1, 1)]
    return any((other.trigger is None) != (truth.trigger is None) for other in moved)


def _by_shifted(policy: Policy, run: Run, measurer: Measurer, shift: float) -> RunEnd:
    """Return how the run goes by TRUTH where the records have another clock."""
    other = Measurer(measurer.sandbox, measurer.bindings, measurer.start, measurer.end, measurer.gates, shift)
    return _by_reading(policy, run, other, "truth", other.readings()["truth"])


def _effect(end: RunEnd) -> str:
    """Argo pauses on Inconclusive and rolls back on Failed and Error."""
    if end.trigger is None:
        return ""
    return "pause" if end.phase == "Inconclusive" else "rollback"


def _moment(start: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else start + timedelta(seconds=seconds)


def _gate(
    gate: Gate, truth: RunEnd, ends: dict[str, RunEnd], alone: RunEnd | None, measurer: Measurer
) -> dict[str, Any]:
    if gate.refusal is not None:
        return _refused(gate, "")
    found = {title: next((item for item in end.gates if item.gate == gate.name), None) for title, end in ends.items()}
    own = found["truth"] or GateEnd(gate.name, "Pending", None, None, measurer.refused[gate.name].message)
    state = "JUDGED NOTHING" if own in truth.unjudged else own.phase if found["truth"] else "NOT REPLAYED"
    place = gate.place if found["truth"] else measurer.refused[gate.name].place
    scraped = [item for title, item in found.items() if title.startswith("scrape") and item and gate.query]
    ticks = [tick for tick in truth.ticks if tick.gate == gate.name]
    return {
        "gate": gate.name, "state": state, "why": own.why, "dry_run": gate.dry_run, "language": "sql" if gate.sql else "promql",
        "first_failed": moment(_moment(measurer.start, own.first_failed)), "trigger": moment(_moment(measurer.start, own.trigger)),
        "trigger_alone": moment(_moment(measurer.start, alone.gates[0].trigger)) if alone and alone.gates else "",
        "ticks": len(ticks), "most_series": max((len(tick.value.numbers) for tick in ticks), default=0),
        "scrape_sees": sum(item.first_failed is not None for item in scraped), "scrape_phases": len(scraped),
        "query_hash": measurer.digest(gate), "place": _place(place), "code": "" if found["truth"] else measurer.refused[gate.name].code,
    }  # fmt: skip


def _reading_rows(measurer: Measurer, ends: dict[str, RunEnd], known: Known) -> list[dict[str, Any]]:
    """Return a row a reading; the phases of scraping are one row with the earliest and the latest trigger."""
    rows = []
    for title, name in (("truth", "TRUTH, as known now"), ("then", "TRUTH, as known then")):
        if title in ends:
            rows.append(_reading_row(name, [ends[title]], measurer, known))
    scraped = [end for title, end in ends.items() if title.startswith("scrape")]
    return [*rows, _reading_row("SCRAPE", scraped, measurer, known)] if scraped else rows


def _reading_row(name: str, ends: list[RunEnd], measurer: Measurer, known: Known) -> dict[str, Any]:
    triggers = [end.trigger for end in ends if end.trigger is not None]
    early, late = (_moment(measurer.start, pick(triggers)) if triggers else None for pick in (min, max))
    return {
        "reading": name, "phase": ends[0].phase, "earliest": moment(early), "latest": moment(late), "triggering": len(triggers), "of": len(ends),
        "seconds_before_action": (known.action - late).total_seconds() if known.action and late else None,
        "seconds_after_onset": (late - known.onset).total_seconds() if known.onset and late else None,
    }  # fmt: skip


def _lags(run: Run, known: Known, measurer: Measurer, truth: RunEnd) -> Lags:
    stopped = next(
        (
            item
            for item in truth.gates
            if item.trigger is not None and item.trigger == truth.trigger and not item.dry_run
        ),
        None,
    )
    gate = next((gate for gate in run.gates if stopped and gate.name == stopped.gate), None)
    if stopped is None or gate is None or known.onset is None:
        return Lags()
    since = (known.onset - measurer.start).total_seconds()
    evidence = _moment(measurer.start, measurer.first_event(gate, since))
    return lags(
        known, evidence, _moment(measurer.start, stopped.first_failed), _moment(measurer.start, stopped.trigger)
    )


def _row(measurer: Measurer, reading: str, tick: Tick) -> dict[str, Any]:
    numbers = tick.value.numbers
    finite = [number for number in numbers if math.isfinite(number)]
    return {
        "reading": reading, "time": moment(_moment(measurer.start, tick.at)), "gate": tick.gate, "state": tick.value.state,
        "value": None if not numbers else _plain(numbers[0]), "series": len(numbers), "least": min(finite, default=None), "most": max(finite, default=None),
        "n": tick.value.n, "k": tick.value.k, "phase": tick.phase, "failed": tick.counts.failed, "error": tick.counts.error,
        "inconclusive": tick.counts.inconclusive, "count": tick.counts.count, "metric_phase": tick.metric_phase, "why": tick.why,
    }  # fmt: skip


def _plain(number: float) -> float | str:
    return number if math.isfinite(number) else "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def _radius(sandbox: Sandbox, known: Known, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the blast radius until the earliest trigger of each policy, the action, and the end of the canary."""
    if known.onset is None:
        return []
    moments = [(f"trigger of {item['name']}", _first_trigger(item, known.onset)) for item in policies]
    moments += [("action", known.action), ("containment", known.contained)]
    found = {
        title: blast.radius(sandbox, known.onset, until) for title, until in moments if until and until >= known.onset
    }
    last = found.get("containment") or found.get("action")
    rows = [
        {"until": title, "time": moment(dict(moments)[title]), "amounts": _amounts(items)}
        for title, items in found.items()
    ]
    spared = [
        {
            "until": f"saved by {title.removeprefix('trigger of ')}",
            "time": "",
            "amounts": _amounts(blast.saved(items, last)),
        }
        for title, items in found.items()
        if last and title.startswith("trigger of")
    ]
    return rows + spared


def _first_trigger(policy: dict[str, Any], onset: datetime) -> datetime | None:
    """Return the first trigger that is no false alarm: not before the onset."""
    times = [datetime.fromisoformat(run["trigger"].removesuffix("Z")) for run in policy["runs"] if run["trigger"]]
    return min((time for time in times if time >= onset), default=None)


def _amounts(items: Sequence[blast.Amount]) -> dict[str, Any]:
    return {
        item.name: {key: value for key, value in asdict(item).items() if key != "name" and value is not None}
        for item in items
    }
