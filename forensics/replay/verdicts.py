"""What a trigger means beside what really happened, and where the time to detect went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from forensics.replay.engines import RunEnd
from forensics.replay.rollout import Known

Word = Literal["AGREES", "LATE-HUMAN", "GATE-BLIND", "FALSE-ROLLBACK", "UNDECIDABLE", "INCOMPLETE"]
# From what needs most attention to least, for the word over several runs.
RANK: tuple[Word, ...] = ("INCOMPLETE", "UNDECIDABLE", "GATE-BLIND", "FALSE-ROLLBACK", "LATE-HUMAN", "AGREES")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word and the reason in one sentence."""

    word: Word
    reason: str


def decide(
    end: RunEnd, trigger: datetime | None, known: Known, tick: float, refused: Sequence[str], flips: bool
) -> Verdict:
    """Return the verdict of a run; `tick` is the longest interval in seconds, `flips` says that the skew of clocks decides whether it triggers."""
    if refused:
        return Verdict("INCOMPLETE", f"not replayed: {'; '.join(refused)}")
    if end.is_cut:
        return Verdict("INCOMPLETE", f"more than {len(end.ticks):,} ticks: the rest was not replayed")
    doubt = "within the skew of the clocks the gate triggers or does not" if flips else _doubt(end)
    if doubt:
        return Verdict("UNDECIDABLE", doubt)
    if trigger is None:
        silent = _silent(known)
        return replace(silent, reason="; ".join([silent.reason, *_by_word(end)]))
    if end.phase == "Error":
        return Verdict(
            "FALSE-ROLLBACK",
            "it stops by errors of its query, not by what the canary did: a healthy rollout would be stopped alike",
        )
    return _triggered(trigger, known, tick)


def _triggered(trigger: datetime, known: Known, tick: float) -> Verdict:
    if known.onset and trigger < known.onset:
        return Verdict(
            "FALSE-ROLLBACK",
            "it triggers before anything bad is known to have happened: a healthy canary would be stopped alike",
        )
    if known.action is None:
        return _unanswered(known)
    delta = (known.action - trigger).total_seconds()
    if abs(delta) <= tick:
        return Verdict("AGREES", "it triggers within one tick of the real action")
    if delta > 0:
        return Verdict("LATE-HUMAN", f"it triggers {delta:g} s before the real action")
    return Verdict("GATE-BLIND", f"it triggers {-delta:g} s after the real action")


def _unanswered(known: Known) -> Verdict:
    if known.onset is not None:
        return Verdict("LATE-HUMAN", "it triggers, and nobody acted")
    if known.outcome == "promoted":
        return Verdict("FALSE-ROLLBACK", "it triggers, and the rollout was promoted with nothing bad known")
    return Verdict("UNDECIDABLE", "it triggers, and neither outcome nor onset is known")


def _silent(known: Known) -> Verdict:
    if known.action is not None:
        return Verdict("GATE-BLIND", "the rollout was rolled back, and the gate never triggers")
    if known.onset is not None:
        return Verdict("GATE-BLIND", "something bad is known to have happened, and the gate never triggers")
    if known.outcome == "unknown":
        return Verdict("UNDECIDABLE", "it never triggers, and the outcome of the rollout is not known")
    return Verdict("AGREES", "it never triggers, and the rollout was not rolled back")


def _doubt(end: RunEnd) -> str:
    """Say that nothing was measured, or which measurement that decides lies in a gap: one of a gate that triggers, or any where none does."""
    if not end.ticks:
        return "nothing was measured before the end"
    deciding = {gate.gate for gate in end.gates if gate.trigger is not None and not gate.dry_run}
    dry = {gate.gate for gate in end.gates if gate.dry_run}
    for tick in end.ticks:
        if not tick.value.gap or tick.gate in dry:
            continue
        counts = tick.phase != "Successful" if deciding else True
        if counts and (not deciding or tick.gate in deciding):
            return f"the window of {tick.gate} at {tick.at:g} s lies in a gap of the evidence"
    unjudged = [] if end.trigger is not None else [gate for gate in end.unjudged if not gate.dry_run]
    return "; ".join(f"{gate.gate} judged nothing: {gate.why}" for gate in unjudged)


def _by_word(end: RunEnd) -> list[str]:
    """Say which gates pass without data because their policy says so, and how often."""
    made = Counter(tick.gate for tick in end.ticks)
    passed = Counter(tick.gate for tick in end.ticks if tick.basis == "policy")
    return [
        f"{gate}: {n:,} of {made[gate]:,} measurements pass without data, as the policy says"
        for gate, n in passed.items()
    ]


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds from the onset to the first event a gate counts, to its first failure, to the trigger, to the action; None where not known."""

    exposure: float | None = None
    window: float | None = None
    limit: float | None = None
    action: float | None = None
    detect: float | None = None


def lags(known: Known, evidence: datetime | None, failed: datetime | None, trigger: datetime | None) -> Lags:
    """Return where the time went. Without the first event the window lag counts from the onset."""
    if known.onset is None or trigger is None or trigger < known.onset:
        return Lags()
    seen = evidence if evidence and failed and known.onset <= evidence <= failed else None
    begin = seen or known.onset
    failed = max(failed, begin) if failed else trigger
    return Lags(
        (seen - known.onset).total_seconds() if seen else None,
        (failed - begin).total_seconds(),
        (trigger - failed).total_seconds(),
        (known.action - trigger).total_seconds() if known.action else None,
        (trigger - known.onset).total_seconds(),
    )


def worst(words: Sequence[Word]) -> Word:
    """Return the word that needs most attention; of none, INCOMPLETE: nothing was replayed."""
    return min(words, key=RANK.index, default="INCOMPLETE")
