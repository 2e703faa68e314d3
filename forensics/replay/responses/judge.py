"""Which differences between the responses of two cohorts are told.

    new       no response outside of the canary has it, of at least five; the bound says how often it could be there all the same
    dropped   every response of the baseline has it, of at least five, and none of the canary
    more      the canary's callers have it more often (exact test by caller, q at most 0.05 within the shape)
    less      they have it less often

Each must also exceed what the baseline differs from itself, between two halves of its pods, by Diffy's thresholds (relative 20 %, absolute
0.03 %): for `more` and `less` the difference of shares between the halves, for `new` and `dropped` the largest share at which a facet of that kind
is in one half of the baseline and not in the other. Where a half has no response of a shape, its noise is not known, and that is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from forensics.replay.responses.facets import Arms, Count, Facet, Question, Totals
from forensics.statistics import fisher_exact, q_values, zero_event_bound

Key = tuple[Question, str, str]
_ALPHA = 0.05
LEAST = 5  # responses of the other side: fewer leave a rate of 45 % and more possible
_RELATIVE, _ABSOLUTE = 0.20, 0.0003
_NONE = Count(0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference: shares are of responses that could have shown it, `noise` is what the baseline differs from itself (None: not known)."""

    change: str
    facet: Facet
    canary: Count
    canary_of: Count
    baseline: Count
    baseline_of: Count
    noise: float | None
    q: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Differences that are told, and how many more the rules gave that lie within the noise."""

    changes: list[Change]
    within_noise: int


def exceeds(raw: float, noise: float | None) -> bool:
    """Tell whether a share of differences exceeds the noise by both of Diffy's thresholds; an unknown noise holds nothing back."""
    if noise is None:
        return raw > 0
    return raw > noise and (raw - noise) / (raw + noise) > _RELATIVE and raw - noise > _ABSOLUTE


def judged(facets: Sequence[Facet], totals: Mapping[Key, Totals]) -> Judged:
    """Return the differences between canary and baseline, those that say the same twice once."""
    found = candidates(facets, totals, "canary", ("baseline", "other"))
    loud = {id(item) for item in found if exceeds(_size(item), item.noise)}
    quiet = [item for item in found if id(item) not in loud]
    return Judged(_once([item for item in found if id(item) in loud]), len(_once(quiet)))


def between_halves(facets: Sequence[Facet], totals: Mapping[Key, Totals]) -> int:
    """Return how many differences the same rules give, without noise, between one half of the baseline and the other."""
    return len(_once(candidates(facets, totals, "left", ("right",))))


def candidates(facets: Sequence[Facet], totals: Mapping[Key, Totals], arm: str, known: tuple[str, ...]) -> list[Change]:
    """Return differences of `arm` from `known`, whose first is the one that rates are compared with, noise not yet considered."""
    noises = _novelty(facets, totals)
    families: dict[tuple[Question, str], list[Change]] = defaultdict(list)
    found: list[Change] = []
    for facet in facets:
        whole = totals[facet.totals_key].arms
        item = _change(facet, whole, arm, known, noises.get(_kind_key(facet)))
        if item.change:
            found.append(item)
        elif item.canary_of.units and item.baseline_of.units:
            families[facet.question, facet.status_class].append(item)
    found += [item for family in families.values() for item in _tested(family)]
    return sorted(found, key=_order)


def _change(facet: Facet, whole: Arms, arm: str, known: tuple[str, ...], novelty: float | None) -> Change:
    first = known[0]
    mine, of = facet.arms[arm], whole[arm]
    theirs, their_of = _sum(facet.arms, known), _sum(whole, known)
    if mine.n and not theirs.n and their_of.n >= LEAST:
        return Change("new", facet, mine, of, theirs, their_of, novelty, bound=zero_event_bound(their_of.n))
    base, base_of = facet.arms[first], whole[first]
    if of.n and not mine.n and base.n == base_of.n >= LEAST:
        return Change("dropped", facet, mine, of, base, base_of, novelty, bound=zero_event_bound(of.n))
    return Change("", facet, mine, of, base, base_of, _halves(facet, whole))


def _tested(family: list[Change]) -> Iterable[Change]:
    """Return those of one shape whose rates differ by the exact test, callers counted once each."""
    tables = [
        (
            item.canary.units, item.canary_of.units - item.canary.units,
            item.baseline.units, item.baseline_of.units - item.baseline.units,
        )
        for item in family
    ]  # fmt: skip
    tested = fisher_exact(*zip(*tables, strict=True))
    qs = q_values(list(map(float, tested.two_sided)), list(map(float, tested.attainable)), _ALPHA)
    for item, q in zip(family, qs, strict=True):
        if q is not None and q <= _ALPHA:
            word = "more" if _share(item.canary, item.canary_of) > _share(item.baseline, item.baseline_of) else "less"
            yield replace(item, change=word, q=q)


def _novelty(facets: Sequence[Facet], totals: Mapping[Key, Totals]) -> dict[tuple[Question, str, str], float]:
    """Return the largest share of a half of the baseline that has a facet which the other half lacks, by shape and kind."""
    noises: dict[tuple[Question, str, str], float] = {}
    for facet in facets:
        whole = totals[facet.totals_key].arms
        if not (whole["left"].n and whole["right"].n):
            continue
        key = _kind_key(facet)
        noises.setdefault(key, 0.0)
        left, right = facet.arms["left"], facet.arms["right"]
        if bool(left.n) != bool(right.n):
            noises[key] = max(noises[key], _share(left, whole["left"]), _share(right, whole["right"]))
    return noises


def _halves(facet: Facet, whole: Arms) -> float | None:
    if not (whole["left"].n and whole["right"].n):
        return None
    return abs(_share(facet.arms["left"], whole["left"]) - _share(facet.arms["right"], whole["right"]))


def _once(found: list[Change]) -> list[Change]:
    """Leave out what follows from another difference: values of a path that is told, properties of an object that is told, and the other side of a shift."""
    told = {(item.change, *_place(item.facet)) for item in found if not item.facet.value}
    gained = {_place(item.facet) for item in found if item.change in ("new", "more")}
    return [
        item for item in found if not _follows(item, told) and not (_is_loss(item) and _place(item.facet) in gained)
    ]


def _follows(item: Change, told: set[tuple[str, Question, str, str, str]]) -> bool:
    question, status_class, kind, path = _place(item.facet)
    above = _parents(path) if kind == "json" else ()
    paths = (*above, path) if item.facet.value else above
    return any((item.change, question, status_class, kind, one) in told for one in paths)


def _is_loss(item: Change) -> bool:
    return bool(item.facet.value) and item.change in ("dropped", "less")


def _parents(path: str) -> list[str]:
    """Return the places above a JSON path: `$.a[].b` has `$.a[]` and `$.a`."""
    return [path[:index] for index, sign in enumerate(path) if index > 1 and sign in ".["]


def _place(facet: Facet) -> tuple[Question, str, str, str]:
    return facet.question, facet.status_class, facet.kind, facet.path


def _kind_key(facet: Facet) -> tuple[Question, str, str]:
    return facet.question, facet.status_class, facet.kind


def _size(item: Change) -> float:
    return abs(_share(item.canary, item.canary_of) - _share(item.baseline, item.baseline_of))


def _share(count: Count, of: Count) -> float:
    return count.n / of.n if of.n else 0.0


def _sum(arms: Arms, names: tuple[str, ...]) -> Count:
    counts = [arms.get(name, _NONE) for name in names]
    return Count(sum(count.n for count in counts), sum(count.units for count in counts))


def _order(item: Change) -> tuple[int, float, float, Question, str, str, str, str]:
    facet = item.facet
    return (
        ("new", "dropped", "more", "less").index(item.change), -_size(item), item.bound or item.q or 0.0,
        facet.question, facet.status_class, facet.kind, facet.path, facet.value,
    )  # fmt: skip
