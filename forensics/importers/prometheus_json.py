"""Answer of the Prometheus HTTP API to a query, instant or over a range, one a file or one a line.

Prometheus, Thanos, Mimir and VictoriaMetrics answer `/api/v1/query` and `/api/v1/query_range` so; defined in
prometheus.io/docs/prometheus/latest/querying/api. One row a sample, `record_no` counts samples. The result of an expression has no name. Native
histograms are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forensics.importers._series import sample, series
from forensics.importers._values import epoch, mapping, text
from forensics.importers.contract import Head, Item, Reject, Row, Skip

NAME = "prometheus-json"
TABLES = ("metrics",)
OBSERVER = "prometheus"
TIME_RULE = "seconds since 1970 in each sample"


def recognise(head: Head) -> int:
    """Certain by the kind of result, or by the two keys of an error."""
    if head.mentions(r"^\s*\{", r'"resultType"\s*:\s*"(matrix|vector|scalar|string)"', r'"result"\s*:\s*\['):
        return 97
    return 95 if head.mentions(r'^\s*\{\s*"status"\s*:\s*"error"', r'"errorType"\s*:', r'"error"\s*:') else 0


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a sample; an answer that is no list of series is one rejected record."""
    try:
        answers = _answers(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        yield Reject(1, f"not JSON: {type(error).__name__}", data)
        return
    number = 0
    for answer in answers:
        for item in _items(answer, number):
            number = item.record_no
            yield item


def _answers(content: str) -> list[Any]:
    """Return one document, or one a line."""
    try:
        return [json.loads(content)]
    except ValueError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]


def _items(answer: Any, number: int) -> Iterator[Item]:
    found = mapping(mapping(answer).get("data"))
    result = found.get("result")
    if mapping(answer).get("status") == "error":
        told = f"{text(answer.get('errorType')) or 'error'}: {text(answer.get('error')) or 'no reason'}"
        yield Reject(number + 1, f"the query failed: {told[:200]}", _raw(answer))
    elif found.get("resultType") not in ("matrix", "vector") or not isinstance(result, list):
        yield Reject(number + 1, "no matrix and no vector", _raw(answer))
    elif not result:
        yield Skip(number + 1, "empty result")
    else:
        for entry in result:
            for item in _series(entry, number):
                number = item.record_no
                yield item


def _series(entry: Any, number: int) -> Iterator[Item]:
    """Yield the samples of one series, numbered on from `number`."""
    labels, values = mapping(entry).get("metric"), _listed(entry, "value", "values")
    histograms = _listed(entry, "histogram", "histograms")
    if not isinstance(labels, dict) or not (values or histograms):
        yield Reject(number + 1, "a series without labels or samples", _raw(entry))
        return
    shared = {"observer": OBSERVER, **series(labels)}
    for count, pair in enumerate(values, number + 1):
        yield _sample(count, pair, shared)
    for count, _ in enumerate(histograms, number + len(values) + 1):
        yield Skip(count, "native histogram")


def _listed(entry: Any, one: str, many: str) -> list[Any]:
    """Return the samples of a vector's or a matrix's series."""
    found = mapping(entry)
    values = found.get(many)
    return values if isinstance(values, list) else [found[one]] if one in found else []


def _sample(number: int, pair: Any, shared: dict[str, Any]) -> Item:
    stamp = text(pair[0]) if isinstance(pair, list) and len(pair) == 2 else None
    moment = epoch(stamp)
    if moment is None:
        return Reject(number, "a sample without a time", _raw(pair))
    return Row("metrics", number, {**shared, "time": moment, "time_raw": stamp, **sample(pair[1])})


def _raw(thing: Any) -> bytes:
    try:
        return json.dumps(thing).encode()
    except (ValueError, RecursionError):  # Python refuses to write whole numbers of more than 4,300 digits
        return b""
