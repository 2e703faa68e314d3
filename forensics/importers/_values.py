"""Values of documents, checked: hostile documents put anything anywhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def text(value: Any) -> str | None:
    """Return a string or a number as text; anything else is None. Lone surrogates become visible escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return str(value)
    except ValueError:  # Python refuses to write more than 4,300 digits
        return None


def integer(value: Any, bits: int = 64) -> int | None:
    """Return a whole number that fits a signed column of `bits`, else None."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return None
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    limit = 2 ** (bits - 1)
    return whole if -limit <= whole < limit else None


def number(value: Any) -> float | None:
    """Return a finite number as float, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def text_time(value: Any) -> datetime | None:
    """Return an ISO 8601 time between 1990 and 2100 with its zone (without one: UTC), else None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if abs(moment.utcoffset() or timedelta()) >= timedelta(hours=19):
        return None
    return moment if _FIRST <= moment < _LAST else None


def epoch(stamp: str | None, unit: float = 1.0) -> datetime | None:
    """Return the time of seconds since 1970 (times `unit`) between 1990 and 2100, UTC without zone, else None."""
    try:
        seconds = float(stamp or "") * unit
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return utc(moment) if _FIRST <= moment < _LAST else None


def utc(moment: datetime | None) -> datetime | None:
    """Return the time in UTC without zone, as tables hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def mapping(value: Any) -> dict[str, Any]:
    """Return the value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, else an empty list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
