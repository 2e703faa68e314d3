"""What people said and what the evidence shows cannot both be true: told in drafts, and no final document holds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from forensics.config.load import line_of
from forensics.gdpr.counting import TOTAL
from forensics.gdpr.facts import Facts
from forensics.gdpr.human import Blank, Given


def contradictions(given: Given, known: Facts) -> Iterator[Blank]:
    """Yield numbers below what the evidence shows at least, and an awareness before anything had happened."""
    for measure in ("people", "records"):
        said, shown = getattr(given.human.nature, measure), _least(known, measure)
        if said is not None and shown is not None and said < shown:
            key = f"nature.{measure}"
            yield Blank(
                key,
                f"a number that is not below the {shown:,} {measure} that the evidence shows",
                "33(3)(a)",
                line_of(given.text, key),
            )
    aware, first = (
        given.human.clock.aware_at,
        min((item["first_seen"] for item in known.counted if item["first_seen"]), default=""),
    )
    if aware and first and aware < datetime.fromisoformat(first):
        key = "clock.aware_at"
        yield Blank(
            key, f"a moment that does not lie before the first event, {first}", "33(1)", line_of(given.text, key)
        )


def _least(known: Facts, measure: str) -> int | float | None:
    """Return the lower bound over all findings."""
    found = [
        number.value
        for number in known.numbers
        if (number.about, number.measure) == (TOTAL, measure) and number.bound in ("lower", "exact")
    ]
    return max((value for value in found if value is not None), default=None)
