"""Numbers, times and comparisons in words that people without statistics can read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import floor, log10
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "info")
CONFIDENCES = ("high", "medium", "low")
UNKNOWN = "not known"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")

MEANING = {
    "block": "Do not promote this canary.",
    "review": "A person has to look before this canary is promoted.",
    "pass": "Nothing that was evaluated speaks against promotion.",
    "inconclusive": "The evidence does not allow a verdict.",
}
NOVELTY = {
    "new": "new in the canary",
    "rate_up": "more often than in the baseline",
    "rate_down": "less often than in the baseline",
    "changed": "changed against the baseline",
    "pre_existing": "the baseline does it too",
}


def moment(value: object) -> datetime | None:
    """Return a point in time in UTC; a text without a zone is UTC; None where the text is no time."""
    try:
        at = datetime.fromisoformat(str(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def time_text(value: object) -> str:
    """Return `2026-03-03 09:17:42 UTC`; a text that is no time stays as it is."""
    at = moment(value)
    if at is None:
        return UNKNOWN if value in (None, "") else str(value)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def time_attribute(value: object) -> str:
    """Return `2026-03-03T09:17:42Z` for machines, or nothing where the text is no time."""
    at = moment(value)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def number(value: object) -> str:
    """Return a number with thousands separators and at most four significant digits after the point."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else _decimal(value)


def _decimal(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def percent(part: float | None) -> str:
    """Return a share of one as `9.2 %`, small ones with two digits that count, never rounded down to nothing."""
    if part is None:
        return UNKNOWN
    if part in (0, 1):
        return f"{part * 100:.0f} %"
    if abs(part) < 1e-6:
        return "below 0.0001 %" if part > 0 else "above -0.0001 %"
    places = 1 if abs(part) >= 0.01 else 1 - floor(log10(abs(part * 100)))
    return f"{part * 100:.{places}f} %"


def share(part: Any, whole: Any) -> str:
    """Return `37 of 404 (9.2 %)`, or just the count where no total is known."""
    if part is None:
        return UNKNOWN
    return f"{number(part)} of {number(whole)} ({percent(part / whole)})" if whole else number(part)


def words(name: object) -> str:
    """Return a field name as words: `bytes_up` becomes `bytes up`."""
    return str(name).replace("_", " ")


def value(item: Any) -> str:
    """Return any JSON value as one readable line; ports and status codes get no separators."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if item is None:
        return "none"
    if isinstance(item, int | float):
        return str(item) if isinstance(item, int) and abs(item) < 100_000 else number(item)
    if isinstance(item, list):
        return ", ".join(value(entry) for entry in item) or "none"
    return json.dumps(item, ensure_ascii=False, sort_keys=True) if isinstance(item, dict) else _text_or_time(str(item))


def _text_or_time(text: str) -> str:
    """Return a record's time in the house form with its fraction of a second kept; other text as it is."""
    at = moment(text) if _STAMP.fullmatch(text) else None
    if at is None:
        return text
    fraction = f".{at:%f}".rstrip("0") if at.microsecond else ""
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction} UTC"


def counts(item: Any) -> str:
    """Return the sum of counts by reason, with the reasons: `9 (header)`; a number stays one."""
    if not isinstance(item, Mapping):
        return number(item or 0)
    total = number(sum(item.values()))
    return f"{total} ({', '.join(words(reason) for reason in sorted(item))})" if item else total


def unit_value(item: Any, unit: str) -> str:
    """Return a measured value with its unit; a `share` is written in percent."""
    if item is None or isinstance(item, str):
        return item or UNKNOWN
    return percent(item) if unit == "share" else f"{number(item)} {words(unit)}".strip()


def delta(item: Any, unit: str) -> str:
    """Return a difference with its sign; of shares it is counted in percentage points."""
    if item is None or isinstance(item, str):
        return item or UNKNOWN
    sign = "+" if item > 0 else ""
    return f"{sign}{percent(item).removesuffix(' %')} points" if unit == "share" else f"{sign}{unit_value(item, unit)}"


def interval_text(interval: Any, unit: str) -> str:
    """Return `+1.3 to +5.2 points`: the unit stands once."""
    if not isinstance(interval, list) or len(interval) != 2:
        return UNKNOWN
    low, high = (delta(edge, unit) for edge in interval)
    word = "points" if unit == "share" else words(unit)
    return f"{low.removesuffix(f' {word}')} to {high}"


def difference(finding: Mapping[str, Any]) -> str:
    """Say how large the difference is, with its 95 % interval."""
    effect = finding["effect"]
    if effect is None:
        return ""
    way = "more" if effect >= 0 else "less"
    text = f"{_points(abs(effect))} percentage points {way} in the canary than in the baseline"
    if finding["interval"]:
        low, high = (_points(edge) for edge in finding["interval"])
        text += f" (95 % interval: {low} to {high})"
    return f"{text}."


def _points(part: float) -> str:
    return f"{part * 100:.2g}" if abs(part) < 0.1 else f"{part * 100:.1f}"


def chance(p_value: float | None) -> str:
    """Say what the p-value means: how often chance alone would do this."""
    if p_value is None:
        return ""
    return f"If both versions behaved alike, chance would produce a difference this large {_often(p_value)} (p {_small(p_value)})."


def _often(p_value: float) -> str:
    if p_value < 0.0001:
        return "less than once in 10,000 comparisons"
    if p_value < 0.015:
        return f"about once in {round(1 / p_value):,} comparisons"
    return f"about {round(p_value * 100)} times in 100 comparisons"


def corrected(q_value: float | None) -> str:
    """Say what is left after correcting for the number of comparisons."""
    return "" if q_value is None else f"Corrected for the number of comparisons made: q {_small(q_value)}."


def _small(part: float) -> str:
    return "< 0.0001" if part < 0.0001 else f"= {part:.2g}"
