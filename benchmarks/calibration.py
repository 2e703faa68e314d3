"""How often the statistics raise a false alarm, and how soon a true one: simulations with fixed seeds.

    python benchmarks/calibration.py [--runs 10000] [--write]

Prints the tables of docs/statistics.md, `--write` puts them there. Every share has its 95 % interval (Clopper and Pearson), which is the
error of the simulation. A false alarm is p <= 0.05 although both cohorts fail at the same rate; "any minute" is an alarm at any of the looks.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from forensics import statistics as st

ALPHA = 0.05
RATE = 0.02
CANARY, BASELINE = 20, 380  # requests a minute of a canary with 5 %
WEIGHTS = (0.01, 0.05, 0.25, 0.5)
USERS, CANARY_USERS, PER_USER = 4000, 200, 20
PAGE = Path(__file__).parent.parent / "docs" / "statistics.md"

Alarms = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One line of a table: what was simulated, how it was judged, which runs alarmed."""

    case: str
    method: str
    alarms: Alarms


def alarms(p_values: NDArray[np.float64]) -> Alarms:
    """Return which p-values are alarms."""
    return np.asarray(p_values <= ALPHA)


def minutes(rng: np.random.Generator, runs: int, length: int, ratio: float = 1.0) -> tuple[Counts, Counts]:
    """Return failures of each minute of both cohorts; the canary fails `ratio` times as often."""
    return rng.binomial(CANARY, RATE * ratio, (runs, length)), rng.binomial(BASELINE, RATE, (runs, length))


def fisher_each_minute(canary: Counts, baseline: Counts) -> NDArray[np.float64]:
    """Return p of Fisher's test of all requests so far, after each minute."""
    a, c, passed = canary.cumsum(axis=1), baseline.cumsum(axis=1), np.arange(1, canary.shape[1] + 1)
    first, second = np.broadcast_to(CANARY * passed, a.shape), np.broadcast_to(BASELINE * passed, c.shape)
    tables = (x.ravel() for x in (a, first - a, c, second - c))
    return st.fisher_exact(*tables).two_sided.reshape(a.shape)


def anytime(canary: Counts, baseline: Counts, share: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the anytime p after each minute."""
    return st.anytime_p(st.e_process(canary, baseline, share))


def peeking(rng: np.random.Generator, runs: int) -> list[Row]:
    """Two hours, a look each minute."""
    canary, baseline = minutes(rng, runs, 120)
    fisher = fisher_each_minute(canary, baseline)
    case = "a look each minute for two hours"
    return [
        Row(case, "Fisher, any minute", alarms(fisher.min(axis=1))),
        Row(case, "Fisher, once at the end", alarms(fisher[:, -1])),
        Row(case, "**e-process, any minute**", alarms(anytime(canary, baseline, CANARY / (CANARY + BASELINE))[:, -1])),
    ]


def ramp(rng: np.random.Generator, runs: int, drift: float) -> list[Row]:
    """Weights 1, 5, 25 and 50 % for an hour each, 400 requests a minute; the base rate rises from 1 - drift to 1 + drift times 2 %."""
    weight = np.repeat(WEIGHTS, 60)
    rate = RATE * np.linspace(1 - drift, 1 + drift, weight.size)
    first = rng.binomial(CANARY + BASELINE, weight, (runs, weight.size))
    second = CANARY + BASELINE - first
    canary, baseline = rng.binomial(first, rate), rng.binomial(second, rate)
    share = first / (first + second)
    phases = [part.reshape(runs, len(WEIGHTS), 60).sum(axis=2).tolist() for part in (canary, first, baseline, second)]
    records = [[st.Stratum(*cell) for cell in zip(*run, strict=True)] for run in zip(*phases, strict=True)]
    pooled = [x.sum(axis=1) for x in (canary, first - canary, baseline, second - baseline)]
    case = f"weights 1, 5, 25, 50 %, base rate drifts by ±{drift:.0%}"
    return [
        Row(case, "Fisher, phases pooled", alarms(st.fisher_exact(*pooled).two_sided)),
        Row(
            case,
            "**exact conditional by phase**",
            alarms(np.array([test.two_sided for test in st.stratified_tests(records)])),
        ),
        Row(case, "**e-process, any minute**", alarms(anytime(canary, baseline, share)[:, -1])),
    ]


def clustered(rng: np.random.Generator, runs: int) -> list[Row]:
    """4,000 users, 5 % of them on the canary, 20 requests each in two hours; all requests of 2 % of the users fail."""
    bad = rng.random((runs, USERS)) < RATE
    canary, baseline = bad[:, :CANARY_USERS].sum(axis=1), bad[:, CANARY_USERS:].sum(axis=1)
    others = (CANARY_USERS - canary, USERS - CANARY_USERS - baseline)
    events = np.stack([_user_minutes(rng, row) for row in bad])
    requests, firsts, active = events[:, 0], events[:, 1], events[:, 2]
    share = active[:, 0] / np.maximum(active.sum(axis=1), 1)
    case = f"{PER_USER} requests a user, all or none fail"
    return [
        Row(case, "Fisher over requests", alarms(_by_request(canary, baseline))),
        Row(case, "e-process over requests, any minute", _anytime(requests, CANARY_USERS / USERS)),
        Row(case, "**Fisher over users**", alarms(st.fisher_exact(canary, others[0], baseline, others[1]).two_sided)),
        Row(case, "**e-process over first failures, any minute**", _anytime(firsts, share)),
    ]


def _by_request(canary: Counts, baseline: Counts) -> NDArray[np.float64]:
    first, second = CANARY_USERS * PER_USER, (USERS - CANARY_USERS) * PER_USER
    a, c = canary * PER_USER, baseline * PER_USER
    return st.fisher_exact(a, first - a, c, second - c).two_sided


def _anytime(events: Counts, share: float | NDArray[np.float64]) -> Alarms:
    return alarms(anytime(events[:, 0], events[:, 1], share)[:, -1])


def _user_minutes(rng: np.random.Generator, bad: Alarms) -> Counts:
    """Return failing requests, first failures and users at risk of one, by cohort and minute, of one run.

    At risk is who asks in that minute and has not failed before: a user who failed is no longer exposed to a first failure.
    """
    when = np.sort(rng.integers(0, 120, (bad.size, PER_USER)), axis=1)
    is_first = np.diff(when, axis=1, prepend=-1) > 0
    at_risk = is_first & (~bad[:, None] | (np.arange(PER_USER) == 0))
    result = np.zeros((3, 2, 120), dtype=np.int64)
    for cohort, users in enumerate((slice(None, CANARY_USERS), slice(CANARY_USERS, None))):
        asked, failing = when[users], bad[users]
        result[0, cohort] = np.bincount(asked[failing].ravel(), minlength=120)
        result[1, cohort] = np.bincount(asked[failing, 0], minlength=120)
        result[2, cohort] = np.bincount(asked[at_risk[users]], minlength=120)
    return result


@dataclass(frozen=True)
class Detection:
    """How soon a difference is seen by the e-process; `minute` is NaN where it was not within the time."""

    ratio: float
    minute: NDArray[np.float64]
    fisher: Alarms


def detection(rng: np.random.Generator, runs: int, ratio: float, length: int = 480) -> Detection:
    """Let the canary fail `ratio` times as often from the first minute on; Fisher's test looks once, after two hours."""
    canary, baseline = minutes(rng, runs, length, ratio)
    seen = alarms(anytime(canary, baseline, CANARY / (CANARY + BASELINE)))
    minute = np.where(seen.any(axis=1), seen.argmax(axis=1) + 1.0, np.nan)
    return Detection(ratio, minute, alarms(fisher_each_minute(canary[:, :120], baseline[:, :120])[:, -1]))


def false_alarms(runs: int) -> list[Row]:
    """Return all rows of the table of false alarms; each simulation has a seed of its own."""
    simulations: list[Callable[[np.random.Generator], list[Row]]] = [
        lambda rng: peeking(rng, runs),
        *(lambda rng, drift=drift: ramp(rng, runs, drift) for drift in (0.0, 0.2, 0.5)),
        lambda rng: clustered(rng, runs // 2),
    ]
    return [row for seed, simulate in enumerate(simulations) for row in simulate(np.random.default_rng(seed))]


def detections(runs: int) -> list[Detection]:
    """Return how soon each ratio is seen."""
    return [
        detection(np.random.default_rng(100 + index), runs // 2, ratio)
        for index, ratio in enumerate((0.0, 0.25, 2.0, 5.0))
    ]


def share_text(alarms: Alarms) -> str:
    """Return `2.3 % (1.9 to 2.8)`."""
    low, high = (100 * float(end[0]) for end in st.clopper_pearson(int(alarms.sum()), alarms.size))
    return f"{100 * alarms.mean():.1f} % ({low:.1f} to {high:.1f})"


def tables(runs: int) -> str:
    """Return both tables as Markdown."""
    lines = ["| no difference | method | false alarms at 5 % | runs |", "|---|---|---|---|"]
    lines += [
        f"| {row.case} | {row.method} | {share_text(row.alarms)} | {row.alarms.size:,} |" for row in false_alarms(runs)
    ]
    lines += [
        "",
        "| the canary fails | median minute of the e-process | 90 % by | seen within 2 h | Fisher, once after 2 h |",
        "|---|---|---|---|---|",
    ]
    for item in detections(runs):
        reached = np.where(np.isnan(item.minute), np.inf, item.minute)
        median, most = np.quantile(reached, [0.5, 0.9], method="inverted_cdf")
        lines.append(
            f"| {item.ratio:g} times as often | {median:.0f} | {most:.0f} | {share_text(reached <= 120)} | {share_text(item.fisher)} |"
        )
    return "\n".join(lines)


def put(script: str, text: str) -> None:
    """Put text between the marks of a script in docs/statistics.md."""
    begin, end = f"<!-- begin: python benchmarks/{script} --write -->", "<!-- end -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def main() -> None:
    """Print the tables, and write them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=int, default=10_000, help="runs of each simulation; half of them where a run is large"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    arguments = parser.parse_args()
    start = time.perf_counter()
    text = tables(arguments.runs)
    print(f"{text}\n\n{time.perf_counter() - start:.0f} s")
    if arguments.write:
        put("calibration.py", text)


if __name__ == "__main__":
    main()
