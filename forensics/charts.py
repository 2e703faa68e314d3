"""Charts as static SVG text: declared with altair, drawn by vl-convert without a browser, a script or a network.

Every chart is a pure function of its rows. Sizes are fixed and nothing is laid out by measuring text, so the bytes do not depend
on the fonts of the machine; ids are given a prefix of the chart, because the renderer counts them up per process.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import altair as alt
import vl_convert

from forensics.text import bytes_text, plural, safe_text

WIDTH = 760
POINTS = 180  # per cohort; more are added up into longer steps
BARS = 24
LABEL = 80
COHORTS = ("canary", "baseline", "prior", "unknown")
# Mid tones with a contrast of at least 3:1 on white and on #14171c, and apart for the common kinds of colour blindness.
COLOURS = ("#c8691c", "#3f83c4", "#7d8794", "#9a7bb5")
DASHES = ([1, 0], [5, 3], [2, 2], [1, 3])
NEUTRAL = "#7d8794"
STEPS = (1, 5, 15, 60, 240, 1440)

MINUTE = 60_000  # milliseconds

Row = Mapping[str, Any]
Count = tuple[datetime, str, int]  # time, cohort, how many
Phase = tuple[str, datetime, datetime]  # name, start, end
Tick = tuple[str, datetime, str]  # gate, time, phase of the measurement
Mark = tuple[str, datetime]  # name, time


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and the sentence that says what was left out or added up; `svg` is empty where there is nothing to draw."""

    svg: str
    note: str = ""


def per_minute(counts: Sequence[Count], phases: Sequence[Phase], prefix: str, most: int = POINTS) -> Chart:
    """Draw counts over time, one line per cohort, with the phases as bands behind them; at most `most` points a line."""
    if not counts:
        return Chart("")
    points, step = _points(counts, most)
    span = (points[0]["time"], points[-1]["time"])
    chart = _frame(
        [*_bands(phases, span), _line(points, span)], 190, {"left": 52, "right": 12, "top": 24, "bottom": 26}
    )
    return Chart(_svg(chart, prefix), "Counts per minute." if step == 1 else f"Counts per {step} minutes.")


def uploads(rows: Sequence[Row], prefix: str) -> Chart:
    """Draw the bytes the canary sent to each destination; a destination the baseline never used says NEW and carries a diamond."""
    ranked = sorted(
        rows, key=lambda row: (-(row.get("canary_bytes_up") or 0), str(row.get("name")), str(row.get("address")))
    )
    bars = [_bar(order, row) for order, row in enumerate(ranked[:BARS])]
    if not bars:
        return Chart("")
    left = len(ranked) - len(bars)
    note = f"{plural(left, 'more destination')} with smaller uploads only in the table." if left else ""
    chart = _frame(
        _bar_layers(bars), 38 * len(bars), {"left": 8, "right": 96, "top": 6, "bottom": 6}, width=WIDTH - 104
    )
    return Chart(_svg(chart, prefix), note)


def gates(ticks: Sequence[Tick], marks: Sequence[Mark], phases: Sequence[Phase], prefix: str) -> Chart:
    """Draw the measurements of gates, a lane each, over phases, with onset, trigger, action and containment as lines; at most 24 lanes."""
    names = list(dict.fromkeys(gate for gate, _, _ in ticks))
    if not names:
        return Chart("")
    moments = (
        [at for _, at, _ in ticks] + [at for _, at in marks] + [at for _, start, end in phases for at in (start, end)]
    )
    span = (int(min(moments).timestamp() * 1000), int(max(moments).timestamp() * 1000) + MINUTE)
    lanes = names[:BARS]
    bottom = 34 * len(lanes) + 22
    height = bottom + 14 * len(marks) + 6
    chart = _frame(
        [*_bands(phases, span), *_lanes(ticks, lanes, span), *_marks(marks, span, bottom)],
        height,
        {"left": 12, "right": 12, "top": 24, "bottom": 26},
    )
    left = f" {plural(len(names) - BARS, 'more gate')} only in the table." if len(names) > BARS else ""
    return Chart(_svg(chart, prefix), f"Low tick: success; high tick: failure, error or inconclusive.{left}")


def _lanes(ticks: Sequence[Tick], lanes: Sequence[str], span: tuple[int, int]) -> list[alt.Chart]:
    """Return the ticks of each lane below its name: what is no success is higher, so that colour alone tells nothing."""
    rows = [
        {"time": int(at.timestamp() * 1000), "low": 34 * lanes.index(gate) + 46, "high": 34 * lanes.index(gate) + (40 if phase == "Successful" else 30), "kind": "good" if phase == "Successful" else "bad"}
        for gate, at, phase in _spread(ticks)
        if gate in lanes
    ]  # fmt: skip
    names = [
        {"time": span[0], "low": 34 * index + 22, "label": safe_text(gate, LABEL)} for index, gate in enumerate(lanes)
    ]
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["bad", "good"], range=[COLOURS[0], NEUTRAL]))
    drawn = (
        _rows(rows)
        .mark_rule(strokeWidth=2, clip=True)
        .encode(x=_time("time", span), y=alt.Y("low:Q", scale=None, axis=None), y2="high:Q", color=colour)
    )
    return [
        drawn,
        _label(_rows(names), 2, 0).encode(
            x=_time("time", span), y=alt.Y("low:Q", scale=None, axis=None), text="label:N"
        ),
    ]


def _spread(ticks: Sequence[Tick]) -> Sequence[Tick]:
    """Return the ticks, of very many every n-th success: what failed is always drawn."""
    step = -(-len(ticks) // 2000)
    return [tick for index, tick in enumerate(ticks) if index % step == 0 or tick[2] != "Successful"]


def _marks(marks: Sequence[Mark], span: tuple[int, int], bottom: int) -> list[alt.Chart]:
    """Return a line a moment, in order of time, each with its name in a row of its own below the lanes."""
    rows: list[dict[str, Any]] = [
        {"time": int(at.timestamp() * 1000), "low": bottom + 14 * index + 10, "label": name} for index, (name, at) in enumerate(sorted(marks, key=lambda mark: mark[1]))
    ]  # fmt: skip
    if not rows:
        return []
    line = _rows(rows).mark_rule(strokeWidth=1.4, strokeDash=[4, 2], color="currentColor", clip=True)
    left = [row for row in rows if 2 * row["time"] < span[0] + span[1]]
    return [
        line.encode(x=_time("time", span)),
        *_named(left, "left", span),
        *_named([row for row in rows if row not in left], "right", span),
    ]


def _named(rows: Sequence[Row], align: Literal["left", "right"], span: tuple[int, int]) -> list[alt.Chart]:
    marked = _rows(rows).mark_text(
        align=align, baseline="middle", dx=4 if align == "left" else -4, fontSize=11, color="currentColor"
    )
    return (
        [marked.encode(x=_time("time", span), y=alt.Y("low:Q", scale=None, axis=None), text="label:N")] if rows else []
    )


def _points(counts: Sequence[Count], most: int) -> tuple[list[dict[str, Any]], int]:
    """Add the counts up to steps that fit; a minute without a count inside a cohort's time is a minute without requests."""
    minutes = [int(at.timestamp()) // 60 for at, _, _ in counts]
    step = _step(max(minutes) - min(minutes) + 1, most)
    sums: dict[str, Counter[int]] = defaultdict(Counter)
    for minute, (_, cohort, count) in zip(minutes, counts, strict=True):
        sums[cohort if cohort in COHORTS else "unknown"][minute // step] += count
    points = [
        {"time": at * step * MINUTE, "cohort": cohort, "count": line[min(at, max(line))]}
        for cohort, line in sums.items()
        for at in range(min(line), max(line) + 2)  # once more at its end, so that the last step has a width
    ]
    return sorted(points, key=lambda point: (point["time"], point["cohort"])), step


def _step(minutes: int, most: int) -> int:
    return next((step for step in STEPS if minutes / step <= most), -(-minutes // most))


def _bands(phases: Sequence[Phase], span: tuple[int, int]) -> list[alt.Chart]:
    values = [band for index, phase in enumerate(phases) for band in _band(index, phase, span)]
    if not values:
        return []
    base = _rows(values)
    box = base.mark_rect(color=NEUTRAL, clip=True).encode(
        x=_time("start", span), x2="end:T", opacity=alt.Opacity("shade:Q", scale=None, legend=None)
    )
    label = base.mark_text(align="left", baseline="bottom", dx=3, fontSize=11, color="currentColor").encode(
        x=_time("start", span), y=alt.value(-5), text="label:N"
    )
    return [box, label]


def _band(index: int, phase: Phase, span: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the part of a phase inside the drawing, its name cut to the width of the band; nothing where it lies outside."""
    name, begin, finish = phase
    start, end = max(int(begin.timestamp() * 1000), span[0]), min(int(finish.timestamp() * 1000), span[1])
    if start >= end:
        return []
    room = int((end - start) / (span[1] - span[0]) * WIDTH / 6.5)
    return [
        {
            "start": start,
            "end": end,
            "label": safe_text(name, max(2, min(LABEL, room))),
            "shade": 0.10 if index % 2 else 0.20,
        }
    ]


def _line(points: Sequence[Row], span: tuple[int, int]) -> alt.Chart:
    domain, top = list(COHORTS), max(point["count"] for point in points)
    drawn: alt.Chart = (
        _rows(points)
        .mark_line(strokeWidth=1.8, interpolate="step-after")
        .encode(
            x=_time("time", span),
            y=alt.Y("count:Q", title=None, scale=alt.Scale(domain=[0, max(1, top)], nice=True), axis=_count_axis(top)),
            color=alt.Color("cohort:N", legend=None, scale=alt.Scale(domain=domain, range=list(COLOURS))),
            strokeDash=alt.StrokeDash("cohort:N", legend=None, scale=alt.Scale(domain=domain, range=list(DASHES))),
        )
    )
    return drawn


def _time(field: str, span: tuple[int, int]) -> alt.X:
    """Return the time axis; UTC whatever the zone of the machine."""
    pattern = "%H:%M" if span[1] - span[0] <= 86_400_000 else "%d %b %H:%M"
    axis = alt.Axis(format=pattern, tickCount=6, labelOverlap=False, title=None, grid=False)
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc", domain=list(span), nice=False), axis=axis)


def _count_axis(top: int) -> alt.Axis:
    return alt.Axis(
        tickCount=min(4, max(1, top)), format=",d", labelOverlap=False, title=None, domain=False, ticks=False
    )


def _bar(order: int, row: Row) -> dict[str, Any]:
    new = bool(row.get("is_new"))
    name = row.get("name") or row.get("address") or "unnamed"
    label = safe_text(f"{name}:{row['port']}" if row.get("port") is not None else name, LABEL)
    size = row.get("canary_bytes_up") or 0
    return {
        "order": order,
        "label": f"NEW  {label}" if new else label,
        "bytes": size,
        "text": bytes_text(size),
        "kind": "new" if new else "known",
    }


def _bar_layers(bars: Sequence[Row]) -> list[alt.Chart]:
    base = _rows(bars)
    row = alt.Y("order:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    size = alt.X("bytes:Q", axis=None, scale=alt.Scale(domain=[0, max(1, *(bar["bytes"] for bar in bars))], nice=False))
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["new", "known"], range=[COLOURS[0], NEUTRAL]))
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=["new", "known"], range=["diamond", "circle"]))
    return [
        base.mark_bar(size=10, yOffset=8, y2Offset=8).encode(x=size, y=row, color=colour),
        base.mark_point(filled=True, size=70, yOffset=8, opacity=1).encode(x=size, y=row, color=colour, shape=shape),
        _label(base, 10, 8).encode(x=size, y=row, text="text:N"),
        _label(base, 0, -8).encode(x=alt.value(0), y=row, text="label:N"),
    ]


def _rows(rows: Sequence[Row]) -> alt.Chart:
    """Start a chart over rows that stand in the specification; field names are fixed here and never come from data."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def _label(base: alt.Chart, right: int, down: int) -> alt.Chart:
    marked: alt.Chart = base.mark_text(
        align="left", baseline="middle", fontSize=12, color="currentColor", dx=right, yOffset=down
    )
    return marked


def _frame(
    layers: Sequence[alt.Chart], height: int, padding: dict[str, int], width: int = WIDTH - 64
) -> alt.LayerChart:
    """Return a chart of fixed size: `autosize none` keeps the renderer from measuring text."""
    chart = alt.layer(*layers).properties(
        width=width, height=height, padding=padding, autosize=alt.AutoSizeParams(type="none", contains="content")
    )
    axis = alt.AxisConfig(
        labelColor="currentColor",
        domainColor=NEUTRAL,
        tickColor=NEUTRAL,
        gridColor=NEUTRAL,
        gridOpacity=0.25,
        labelFontSize=11,
    )
    framed: alt.LayerChart = chart.configure(
        background="transparent", font="system-ui, sans-serif", aria=False, axis=axis, view=alt.ViewConfig(stroke=None)
    )
    return framed


def _svg(chart: alt.LayerChart, prefix: str) -> str:
    """Render, and make the text fit for standing inside HTML: no namespaces, ids of this chart only, hidden from screen readers."""
    spec = json.dumps(chart.to_dict(validate=False), sort_keys=True)  # its parts were validated when they were made
    drawing: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return _open_tag(_own_ids(drawing, prefix))


def _own_ids(drawing: str, prefix: str) -> str:
    """Rename ids in order of appearance; the table beside the chart is what screen readers get."""
    names: dict[str, str] = {}
    for found in re.findall(r'\bid="([^"]+)"', drawing):
        names.setdefault(found, f"{prefix}-{len(names)}")
    for old, new in names.items():
        drawing = drawing.replace(f'id="{old}"', f'id="{new}"').replace(f"url(#{old})", f"url(#{new})")
    return drawing


def _open_tag(drawing: str) -> str:
    size = re.match(r'<svg [^>]*viewBox="([0-9. -]+)">', drawing)
    if size is None:
        raise ValueError("the renderer returned something that is not an SVG drawing")
    return f'<svg class="chart" viewBox="{size[1]}" aria-hidden="true" focusable="false">{drawing[size.end() :]}'
