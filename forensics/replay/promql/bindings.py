"""The binding file: which rows of the case a metric of Prometheus counts, and where its labels stand.

`where`, labels and values are SQL expressions; they run in the sandbox, so a file of others reads nothing but the case's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from forensics.config.load import Problem, load_as
from forensics.errors import ConfigError
from forensics.replay.policies.documents import seconds
from forensics.replay.refusal import Place

_TABLE = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
MAX_LABELS = 20


class _Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section refuses keys that it does not know."""


class Metric(_Section, frozen=True):
    """One metric. `counter` counts rows (or adds up `value`), `gauge` has the last `value`, `exists` is 1 while there are rows, `latency` has raw values.

    `instance` is the column of the pod that would export it, `sample_rate` a column with the share of rows that were kept,
    `known_at` an expression for when a row was known.
    """

    name: str
    table: str
    where: str = "true"
    labels: dict[str, str] = field(default_factory=dict)
    kind: Literal["counter", "gauge", "exists", "latency"] = "counter"
    value: str = ""
    instance: str = "k8s_pod_name"
    sample_rate: str = ""
    known_at: str = ""
    unit: str = ""


class Scrape(_Section, frozen=True):
    """How Prometheus would have collected: interval, how far it looks back for a sample, how many phases of the interval are tried."""

    interval: str = "15s"
    lookback: str = "5m"
    phases: int = 4


class BindingFile(_Section, frozen=True):
    """bindings.toml."""

    metric: list[Metric] = field(default_factory=list)
    scrape: Scrape = field(default_factory=Scrape)


@dataclass(frozen=True, slots=True)
class Bindings:
    """Metrics by their name, and how they would have been scraped."""

    metric: Mapping[str, Metric]
    scrape: Scrape


@dataclass(frozen=True, slots=True)
class Times:
    """Scrape interval and lookback in seconds, and the number of phases."""

    interval: float
    lookback: float
    phases: int


def load(path: Path | None) -> Bindings:
    """Return the bindings of a file, none without a file.

    Raises:
        ConfigError: it cannot be read, has unknown keys, or a name that is none.

    """
    found = load_as(path, BindingFile, _problems) if path else BindingFile()
    return Bindings({metric.name: metric for metric in found.metric}, found.scrape)


def scrape_times(bindings: Bindings) -> Times:
    """Return the times of scraping in seconds."""
    scrape = bindings.scrape
    return Times(seconds(scrape.interval, Place()) or 15.0, seconds(scrape.lookback, Place()) or 300.0, scrape.phases)


def _problems(bindings: BindingFile) -> Iterator[Problem]:
    """Yield what a type cannot say."""
    seen: set[str] = set()
    for index, metric in enumerate(bindings.metric):
        key = f"metric[{index}]"
        if not _NAME.fullmatch(metric.name) or metric.name in seen:
            yield Problem(f"{key}.name", f"{metric.name!r} is no name of a metric, or is there twice.")
        seen.add(metric.name)
        if not _TABLE.fullmatch(metric.table):
            yield Problem(f"{key}.table", f"{metric.table!r} is no name of a table.")
        if len(metric.labels) > MAX_LABELS or not all(map(_LABEL.fullmatch, metric.labels)):
            yield Problem(f"{key}.labels", f"Labels are names, {MAX_LABELS} at most.")
        if metric.kind in ("gauge", "latency") and not metric.value:
            yield Problem(f"{key}.value", f"A {metric.kind} needs a value.")
    yield from _scrape_problems(bindings.scrape)


def _scrape_problems(scrape: Scrape) -> Iterator[Problem]:
    for name in ("interval", "lookback"):
        try:
            value = seconds(getattr(scrape, name), Place())
        except ConfigError as error:
            yield Problem(f"scrape.{name}", error.message)
            continue
        if value is None or value < 1 or value != round(value):
            yield Problem(f"scrape.{name}", f"{name} is a whole number of seconds.")
            return
    if not 1 <= scrape.phases <= 20 or round((seconds(scrape.interval, Place()) or 0) * 1000) % scrape.phases:
        yield Problem(
            "scrape.phases", "From 1 to 20 phases are tried, which divide the interval into whole milliseconds."
        )
