"""Counts of both cohorts by phase, flat in arrays: one row a stratum, each of the record it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forensics.statistics.distributions import Floats, Hypergeometric, Index


@dataclass(frozen=True, slots=True)
class Stratum:
    """Events and totals of both cohorts in one phase."""

    canary_n: int
    canary_total: int
    baseline_n: int
    baseline_total: int


@dataclass(frozen=True, slots=True)
class Strata:
    """The strata that have both cohorts, of `records` records; `owner` is the number of the record, ascending."""

    records: int
    owner: Index
    canary_n: Floats
    canary_total: Floats
    baseline_n: Floats
    baseline_total: Floats

    @property
    def distribution(self) -> Hypergeometric:
        """Canary events of each stratum, its margins fixed."""
        return Hypergeometric(self.canary_total, self.baseline_total, self.canary_n + self.baseline_n)

    def of(self, keep: Index) -> Strata:
        """Return some of the strata."""
        columns = (self.canary_n, self.canary_total, self.baseline_n, self.baseline_total)
        return Strata(self.records, self.owner[keep], *(column[keep] for column in columns))

    def sums(self, values: Floats) -> Floats:
        """Return the sum over the strata of each record."""
        return np.bincount(self.owner, values, self.records).astype(float)

    def largest(self, values: Floats) -> Floats:
        """Return the largest value of each record, 0 where it has no stratum."""
        result = np.zeros(self.records)
        np.maximum.at(result, self.owner, values)
        return result


def flat(records: Sequence[Sequence[Stratum]]) -> Strata:
    """Return the strata of all records that have both cohorts; a phase with one cohort compares nothing.

    Raises:
        ValueError: a count is negative or larger than its total.

    """
    rows = [
        (owner, s.canary_n, s.canary_total, s.baseline_n, s.baseline_total)
        for owner, strata in enumerate(records)
        for s in strata
    ]
    table = np.array(rows, dtype=float).reshape(-1, 5)
    _check(table)
    owner, *columns = table[(table[:, 2] > 0) & (table[:, 4] > 0)].T
    return Strata(len(records), owner.astype(np.intp), *columns)


def _check(table: Floats) -> None:
    broken = (table < 0).any(axis=1) | (table[:, 1] > table[:, 2]) | (table[:, 3] > table[:, 4])
    if broken.any():
        _, canary_n, canary_total, baseline_n, baseline_total = table[broken][0].tolist()
        told = f"{canary_n:.0f} of {canary_total:.0f} and {baseline_n:.0f} of {baseline_total:.0f}"
        raise ValueError(f"{told} are no events among totals")
