"""Rates over phases: exact conditional tests, their normal form, and the difference with its interval. Phases are never pooled.

With all margins of all phases fixed, the canary's events are a sum of independent hypergeometric counts (Mehta, Patel and Gray 1985; R's
mantelhaen.test(exact = TRUE)). The exact distribution is convolved from windows of the phases' own ones: beyond a window lies less than
exp(-60) of the chance, by Bernstein's inequality, which holds since a hypergeometric count is a sum of independent indicators (Vatutin and
Mikhailov 1982). So p-values down to 1e-15 are exact, and smaller ones are given as 1e-15. Where the windows of a record hold more than 4,000
counts, the Cochran-Mantel-Haenszel normal form is used; the criterion of Mantel and Fleiss (1980), at least five events expected above and
below what is possible, is then met many times over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from forensics.statistics.distributions import Floats, Index
from forensics.statistics.intervals import newcombe_interval
from forensics.statistics.strata import Strata, Stratum, flat
from forensics.statistics.tails import TIE, exact_tests
from forensics.text import plural

MAX_SUPPORT = 4000
UNSEEN = 1e-15  # p-values over phases are not resolved below
_DROP = 60.0
_MOST_EXACT = 1e10  # variance of one table beyond which its tails are too long to be summed: 10 million terms
_CELLS = 1 << 22  # of a batch of convolutions: 32 MB


@dataclass(frozen=True, slots=True)
class Test:
    """P-values: two-sided, for the canary's rate being lower or higher, and mid-p of the two-sided one.

    `attainable_lower` and `attainable_higher` are the two-sided p-values of the lowest and the highest count of canary events that the
    margins allow: no outcome in that direction could have had a smaller one.
    """

    two_sided: float
    lower: float
    higher: float
    mid_p: float
    attainable_lower: float
    attainable_higher: float
    method: str


def stratified_test(strata: Sequence[Stratum]) -> Test:
    """Return the exact conditional test over the phases of one record; with one phase it is Fisher's."""
    return stratified_tests([strata])[0]


def stratified_tests(records: Sequence[Sequence[Stratum]]) -> list[Test]:
    """Return the test of each record; see `stratified_test`.

    Raises:
        ValueError: a count is negative or larger than its total.

    """
    strata = flat(records)
    table = np.ones((len(records), 6))
    by_one, by_many, by_normal = _ways(strata)
    table[by_one] = _single(strata, by_one)
    for chosen in _batches(strata, by_many):
        table[chosen] = _convolved(strata, chosen)
    table[by_normal] = _mantel_haenszel(strata, by_normal)
    normal = np.isin(np.arange(len(records)), by_normal).tolist()
    methods = map(_method, np.bincount(strata.owner, minlength=len(records)).tolist(), normal)
    columns = (column.tolist() for column in table.T)
    return [Test(*row) for row in zip(*columns, methods, strict=True)]


def _method(phases: int, is_normal: bool) -> str:
    if not phases:
        return "no stratum has both cohorts"
    if is_normal:
        return f"Cochran-Mantel-Haenszel over {plural(phases, 'phase')}"
    return "Fisher exact" if phases == 1 else f"exact conditional over {phases} phases"


def _ways(strata: Strata) -> tuple[Index, Index, Index]:
    """Return the records for Fisher's test (one phase that can vary), for the exact sum over phases, and for the normal form."""
    count = strata.distribution
    varying = strata.sums((count.high > count.low).astype(float))
    huge = strata.sums(count.variance) > _MOST_EXACT
    one = (strata.sums(np.ones_like(strata.canary_n)) > 0) & (varying <= 1) & ~huge
    start, stop = _window(strata)
    many = (varying > 1) & (strata.sums(stop - start + 1) <= MAX_SUPPORT)
    normal = (varying > 0) & ~one & ~many
    return np.flatnonzero(one), np.flatnonzero(many), np.flatnonzero(normal)


def _single(strata: Strata, records: Index) -> Floats:
    """Return the rows of Fisher's test of the one phase that can vary, or of any if none can."""
    count = strata.distribution
    order = np.lexsort((count.high == count.low, strata.owner))
    owners, first = np.unique(strata.owner[order], return_index=True)
    chosen = order[first[np.isin(owners, records)]]
    members = count.take(chosen)
    found = exact_tests(members, strata.canary_n[chosen])
    ends = [exact_tests(members, end).two_sided for end in (members.low, members.high)]
    return np.column_stack([found.two_sided, found.lower, found.higher, found.mid_p, *ends])


def _window(strata: Strata) -> tuple[Floats, Floats]:
    """Return first and last count of each phase that matters, the observed one among them."""
    count = strata.distribution
    reach = _DROP / 3 + np.sqrt(_DROP * _DROP / 9 + 2 * _DROP * count.variance)
    start = np.minimum(np.maximum(count.low, np.floor(count.mean - reach)), strata.canary_n)
    stop = np.maximum(np.minimum(count.high, np.ceil(count.mean + reach)), strata.canary_n)
    return start, stop


def _batches(strata: Strata, records: Index) -> Iterator[Index]:
    """Yield records with windows of about the same width, so many that their padded windows fit the memory."""
    start, stop = _window(strata)
    widths = np.exp2(np.ceil(np.log2(np.maximum(strata.largest(stop - start + 1), 1))))[records]
    phases = np.bincount(strata.owner, minlength=strata.records)[records]
    for width in np.unique(widths).tolist():
        chosen = records[widths == width]
        size = max(1, int(_CELLS // (width * phases[widths == width].max())))
        yield from (chosen[begin : begin + size] for begin in range(0, chosen.size, size))


def _convolved(strata: Strata, records: Index) -> Floats:
    """Return the rows of the exact test over phases."""
    part = strata.of(np.flatnonzero(np.isin(strata.owner, records)))
    density, low = _density(part, records)
    place = (part.sums(part.canary_n) - part.sums(low))[records, None]
    grid = np.arange(density.shape[1])
    seen = np.take_along_axis(density, place.astype(np.intp), axis=1)
    tied = np.abs(density - seen) <= TIE * seen
    sides = [density <= seen * (1 + TIE), grid <= place, grid >= place]
    two_sided, lower, higher = (np.where(side, density, 0.0).sum(axis=1) for side in sides)
    mid_p = two_sided - 0.5 * np.where(tied, density, 0.0).sum(axis=1)
    count = part.distribution
    ends = [np.exp(part.sums(count.log_chance(end)))[records] for end in (count.low, count.high)]
    both = [np.maximum(end, np.where(density <= end[:, None] * (1 + TIE), density, 0.0).sum(axis=1)) for end in ends]
    return _resolved(two_sided, lower, higher, mid_p, *both)


def _density(part: Strata, records: Index) -> tuple[Floats, Floats]:
    """Return the distribution of the sum of each record's windows (rows padded with zeros), and where each window begins."""
    start, stop = _window(part)
    width = int((stop - start).max()) + 1
    counts = start[:, None] + np.arange(width)
    inside = counts <= stop[:, None]
    members = part.distribution.take(np.arange(start.size)[:, None])
    windows = np.where(inside, np.exp(members.log_chance(np.minimum(counts, stop[:, None]))), 0.0)
    row = np.searchsorted(records, part.owner)
    turn = np.arange(start.size) - np.searchsorted(part.owner, part.owner)
    density, length = np.ones((records.size, 1)), np.ones(records.size, dtype=np.intp)
    for phase in range(int(turn.max()) + 1):
        side = np.zeros((records.size, width))
        side[:, 0] = 1.0  # a record with fewer phases stays as it is
        side[row[turn == phase]] = windows[turn == phase]
        length[row[turn == phase]] += (stop - start)[turn == phase].astype(np.intp)
        density = _product(density, side)[:, : int(length.max())]
    return density, start


def _product(left: Floats, right: Floats) -> Floats:
    """Return the convolution of each row with its partner; a transform would lose the digits of small tails."""
    result = np.zeros((left.shape[0], left.shape[1] + right.shape[1] - 1))
    for shift in range(right.shape[1]):
        result[:, shift : shift + left.shape[1]] += left * right[:, shift, None]
    return result


def _mantel_haenszel(strata: Strata, records: Index) -> Floats:
    """Return the rows of the normal form, without continuity correction."""
    count = strata.distribution
    variance = strata.sums(count.variance)[records]
    z = strata.sums(strata.canary_n - count.mean)[records] / np.sqrt(variance)
    tails = [_upper_tail(np.abs(z)) * 2, _upper_tail(-z), _upper_tail(z)]
    ends = [np.exp(strata.sums(count.log_chance(end)))[records] for end in (count.low, count.high)]
    return _resolved(*tails, tails[0], *ends)


def _resolved(*p_values: Floats) -> Floats:
    rows: Floats = np.clip(np.column_stack(p_values), UNSEEN, 1.0)
    return rows


def _upper_tail(z: Floats) -> Floats:
    return np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in z.tolist()])


def stratified_differences(records: Sequence[Sequence[Stratum]]) -> list[float | None]:
    """Return the Mantel-Haenszel weighted difference of the rates of each record, canary minus baseline; None without both cohorts."""
    strata = flat(records)
    weights = strata.canary_total * strata.baseline_total / (strata.canary_total + strata.baseline_total)
    differences = strata.canary_n / strata.canary_total - strata.baseline_n / strata.baseline_total
    totals, sums = strata.sums(weights), strata.sums(weights * differences)
    return [part / total if total else None for part, total in zip(sums.tolist(), totals.tolist(), strict=True)]


def stratified_difference(strata: Sequence[Stratum]) -> float | None:
    """Return the difference of one record; see `stratified_differences`."""
    return stratified_differences([strata])[0]


def stratified_interval(strata: Sequence[Stratum]) -> tuple[float, float] | None:
    """Return the interval of `stratified_difference`: Newcombe's of each phase, put together by MOVER (Zou and Donner 2008)."""
    parts = []
    for s in strata:
        interval = newcombe_interval(s.canary_n, s.canary_total, s.baseline_n, s.baseline_total)
        if interval:
            difference = s.canary_n / s.canary_total - s.baseline_n / s.baseline_total
            weight = s.canary_total * s.baseline_total / (s.canary_total + s.baseline_total)
            parts.append((weight, difference, *interval))
    total = sum(weight for weight, *_ in parts)
    if not total:
        return None
    centre = sum(weight * difference for weight, difference, *_ in parts) / total
    below = math.sqrt(sum((weight * (difference - low)) ** 2 for weight, difference, low, _ in parts)) / total
    above = math.sqrt(sum((weight * (high - difference)) ** 2 for weight, difference, _, high in parts)) / total
    return centre - below, centre + above
