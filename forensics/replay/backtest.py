"""`replay backtest`: what a policy would have done over many rollouts whose outcome is known.

Rollouts that are not known, or that could not be replayed, are left out and counted. Times to detect are censored where a bad rollout was never
stopped (Kaplan and Meier), so that what was missed does not make the median smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forensics.replay.labels import Word
from forensics.statistics import wilson_interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rollout under one policy. Seconds count from the onset to the trigger, or to the end of the rollout where it never triggers.

    `verdict` is that of the replay; `saved_users` and `saved_requests` are those that the trigger would have spared.
    """

    case: str
    label: Word
    verdict: str
    triggered: bool
    seconds: float | None = None
    saved_users: float = 0.0
    saved_requests: float = 0.0
    hours: float = 0.0
    chose: bool = False


def summary(policy: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return counts, precision and recall with Wilson intervals, time to detect, what was saved, and what to be careful about."""
    judged = [
        item for item in outcomes if item.label != "unknown" and item.verdict not in ("INCOMPLETE", "UNDECIDABLE")
    ]
    bad, good = [item for item in judged if item.label != "good"], [item for item in judged if item.label == "good"]
    hits, missed = [item for item in bad if _detects(item)], [item for item in bad if not _detects(item)]
    false = [item for item in good if item.triggered] + [item for item in missed if item.triggered]
    times = [(item.seconds or 0.0, True) for item in hits] + [(item.seconds or 0.0, False) for item in missed]
    return {
        "policy": policy, "rollouts": len(outcomes), "judged": len(judged),
        "unknown": sum(item.label == "unknown" for item in outcomes),
        "not_replayed": sum(item.label != "unknown" and item.verdict in ("INCOMPLETE", "UNDECIDABLE") for item in outcomes),
        "true_positives": len(hits), "false_positives": len(false), "false_negatives": len(missed), "true_negatives": len(good) - sum(i.triggered for i in good),
        "precision": _share(len(hits), len(hits) + len(false)), "recall": _share(len(hits), len(bad)),
        "recall_security": _share(sum(item.label == "bad-security" for item in hits), sum(item.label == "bad-security" for item in bad)),
        "recall_at_least": 0.05 ** (1 / len(bad)) if bad and not missed else None,
        "seconds_to_detect_median": _quantile(times, 0.5), "seconds_to_detect_p90": _quantile(times, 0.9), "not_detected": len(missed),
        "users_saved": sum(item.saved_users for item in hits), "requests_saved": sum(item.saved_requests for item in hits),
        "false_rollbacks_per_100_hours": 100 * len(false) / hours if (hours := sum(item.hours for item in judged)) else None,
        "warnings": _warnings(outcomes, bad, good),
    }  # fmt: skip


def _detects(item: Outcome) -> bool:
    """Say whether a bad rollout was stopped for what it did: a trigger before the onset is a false alarm, whatever came later."""
    return item.triggered and item.verdict != "FALSE-ROLLBACK"


def _share(k: int, n: int) -> dict[str, float] | None:
    interval = wilson_interval(k, n)
    return {"value": k / n, "low": interval[0], "high": interval[1], "n": n} if interval else None


def _quantile(times: Sequence[tuple[float, bool]], level: float) -> float | None:
    """Return the time by which a share of the bad rollouts was detected, by Kaplan and Meier; None where it was never reached."""
    left, survival = len(times), 1.0
    for seconds, is_event in sorted(times, key=lambda item: (item[0], not item[1])):
        if is_event:
            survival *= 1 - 1 / left
            if survival <= 1 - level + 1e-12:
                return seconds
        left -= 1
    return None


def _warnings(outcomes: Sequence[Outcome], bad: Sequence[Outcome], good: Sequence[Outcome]) -> list[str]:
    told = []
    if any(item.chose for item in outcomes):
        told.append(
            f"chosen in-sample: {sum(item.chose for item in outcomes)} of these rollouts helped to choose the policy"
        )
    if len(bad) < 20:
        told.append(f"only {len(bad)} bad rollouts: look at the interval of the recall")
    if not good:
        told.append("no good rollout: the precision says nothing about false alarms")
    return told
