"""beacon_scores: RITA's parts against cases computed by hand and against a plain reading of its rules, and what the adaptive preset adds."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from forensics.config import parse
from forensics.detectors.testing import DEFAULT_CONFIG, fill
from forensics.errors import QueryError
from forensics.store import open_memory

START = datetime(2026, 3, 3, 0, 0)  # noqa: DTZ001 - table times have no zone
DAY = 86_400
Row = dict[str, Any]


def connection(second: float, name: str | None = "c2.example", **values: Any) -> Row:
    row = {
        "time": START + timedelta(seconds=second), "service_version": "2.4.0", "source_address": "10.0.0.1", "destination_domain": name,
        "destination_address": "203.0.113.7", "destination_port": 443, "source_ip_bytes": 500, **values,
    }  # fmt: skip
    return {key: value for key, value in row.items() if value is not None}


def at(seconds: list[float], name: str | None = "c2.example", **values: Any) -> list[Row]:
    return [connection(second, name, **values) for second in seconds]


def by_gaps(gaps: list[int], **values: Any) -> list[Row]:
    return at([float(sum(gaps[:index])) for index in range(len(gaps) + 1)], **values)


def whole_day() -> list[Row]:
    """A destination contacted at both ends of the day, too rarely to be scored: the window is 24 hours."""
    return at([0, DAY], "edge.example", destination_address="203.0.113.250")


def scores(rows: list[Row], preset: str = "rita", **tables: list[Row]) -> list[Row]:
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parse(DEFAULT_CONFIG).config, {"connections": rows, **tables}, "beacon_scores")
        return sandbox.select(f"select * from beacon_scores('{preset}')")


def score(rows: list[Row], preset: str = "rita", **tables: list[Row]) -> Row:
    found = scores(rows, preset, **tables)
    assert len(found) == 1, [(row["source"], row["destination"]) for row in found]
    return found[0]


def hours(counts: dict[int, int]) -> list[Row]:
    """So many connections in each hour of the day, 7 seconds apart from its half on."""
    return at([hour * 3600 + 1800 + 7 * index for hour, n in sorted(counts.items()) for index in range(n)])


TIMINGS = [
    # quartiles 15 30 60: (15 + 60 - 60) / 45; deviations 10 10 20 50; ((1 - 1/3) + (30 - 15) / 30) / 2
    ([10, 20, 40, 80], 1 / 3, 15.0, 0.583),
    # odd, the middle is in no half: quartiles 15 30 80; deviations 0 10 20 30 70; ((1 - 35/65) + (30 - 20) / 30) / 2
    ([100, 10, 30, 20, 60], 35 / 65, 20.0, 0.397),
    # the same turned round: quartiles 20 70 85 of 0 is no gap, so 20 40 70 80 90: 30 70 85: -25/55; deviations 0 10 20 30 50
    ([20, 90, 40, 70, 80], -25 / 55, 20.0, 0.63),
    # three gaps: quartiles are the gaps 100 110 130: (100 + 130 - 220) / 30; deviations 0 10 20: (2/3 + 100/110) / 2
    ([100, 130, 110], 1 / 3, 10.0, 0.788),
    # q3 - q1 = 9 is below 10: no skew; deviations 0 1 9: (1 + 59/60) / 2
    ([60, 61, 69], 0.0, 1.0, 0.992),
    # q3 - q1 = 10 is not: (60 + 70 - 122) / 10; (0.2 + 60/61) / 2
    ([60, 61, 70], 0.8, 1.0, 0.592),
    # the median is the lower quartile: no skew, whatever the upper one
    ([60, 60, 60, 120, 600], 0.0, 0.0, 1.0),
    # the median is the upper quartile
    ([10, 20, 60, 60, 60], 0.0, 0.0, 1.0),
    # deviation beyond the median counts as none: 1 1 2 100 100: quartiles 1 2 100: 97/99; deviations 0 1 1 98 98
    ([1, 1, 2, 100, 100], 97 / 99, 1.0, 0.26),
]


@cache
def timed() -> list[Row]:
    """All of them at once: a pair's timing depends on nothing else."""
    rows = [
        by_gaps(gaps, name=f"{case}.example", destination_address=f"203.0.113.{case}")
        for case, (gaps, *_) in enumerate(TIMINGS)
    ]
    return scores([row for group in rows for row in group])


@pytest.mark.parametrize("case", range(len(TIMINGS)))
def test_timing(case: int) -> None:
    _, skew, deviation, timing = TIMINGS[case]
    found = next(row for row in timed() if row["name"] == f"{case}.example")
    assert found["gap_skew"] == pytest.approx(skew)
    assert found["gap_deviation"] == deviation
    assert found["timing_score"] == timing


def test_connections_of_one_second_are_one_sighting_but_all_have_sizes() -> None:
    rows = [*at([0, 60, 120, 180.9]), *at([60.2, 60.8], source_ip_bytes=900)]
    found = score(rows)
    assert (found["connections"], found["sightings"], found["period_seconds"], found["timing_score"]) == (6, 4, 60, 1)
    # sizes 500 500 500 500 900 900: quartiles 500 500 900, median is the lower one; deviations 0 0 0 0 400 400
    assert (found["typical_bytes"], found["size_score"]) == (500, 1)


@pytest.mark.parametrize(
    ("sizes", "size_score"),
    [
        ([0, 0, 0, 0], 0.5),  # a median below 1 has no steadiness, and no skew: (1 + 0) / 2
        ([100, 200, 400, 800], 0.583),  # quartiles 150 300 600: (150 + 600 - 600) / 450; deviations 100 100 200 500
        ([None, 500, 500, 500], 1.0),  # unknown counts as nothing: 0 500 500 500: quartiles 250 500 500
    ],
)
def test_sizes(sizes: list[int | None], size_score: float) -> None:
    assert score([connection(60 * i, source_ip_bytes=n) for i, n in enumerate(sizes)])["size_score"] == size_score


@pytest.mark.parametrize(
    ("counts", "bars", "histogram"),
    [
        (dict.fromkeys(range(24), 3), 24, 1.0),  # flat
        (dict.fromkeys(range(0, 20, 2), 1), 10, 0.0),  # cv = sqrt(14/10) > 1, and ten bars are too few for modes
        (dict.fromkeys(range(0, 22, 2), 1), 11, 1.0),  # eleven bars of one height: 11 / (11 - 1), at most 1
        # mean 1.25, variance (18 * 1 + 6 * 4) / 24 - 1.5625: cv 0.3464; heights 1 and 2, all bars in two: 24 / 23
        ({hour: 1 + (hour >= 18) for hour in range(24)}, 24, 1.0),
        # 12 bars: 1 2 3 and nine of 20: bucket ceil(1.0) = 1, (9 + 1) / 11; cv > 0.9
        ({0: 1, 2: 2, 4: 3, **dict.fromkeys(range(6, 24, 2), 20)}, 12, 0.909),
        # bucket ceil(0.05 * 40) = 2: 4 and 5 are one, 6 and 7 another, 8, 12, 16, 20, 30, 40 alone: (2 + 2) / (11 - 1)
        ({0: 4, 1: 5, 2: 6, 3: 7, 5: 8, 7: 12, 9: 16, 11: 20, 13: 30, 15: 40, 17: 36}, 11, 0.4),
        # twelve neighbours of three: mean 1.5, deviation 1.5: cv exactly 1
        (dict.fromkeys(range(10), 3), 10, 0.0),
    ],
)
def test_histogram(counts: dict[int, int], bars: int, histogram: float) -> None:
    found = score([*hours(counts), *whole_day()])
    assert (found["bars"], found["histogram_score"]) == (bars, histogram)


def test_variation_of_the_histogram() -> None:
    """18 bars of 2 and 6 of 1 and none empty would fit two modes; of 7 heights they do not: cv of 1..24 is sqrt(575/12) / 12.5."""
    found = score([*hours({hour: hour + 1 for hour in range(24)}), *whole_day()])
    assert found["histogram_score"] == round(1 - math.sqrt(575 / 12) / 12.5, 3)


@pytest.mark.parametrize(
    ("occupied", "run", "duration"),
    [
        ([5, 6, 7, 8, 9], 5, 0.0),  # five bars are too few
        ([5, 6, 7, 8, 9, 10], 6, 0.5),  # 6 of 12; the span is 5 of 24 hours
        ([0, 1, 2, 21, 22, 23], 6, 0.959),  # the run goes round midnight; 23 of 24 hours, rounded up
        ([3, 4, 6, 7, 9, 10, 12], 2, 0.376),  # 9 of 24 hours = 0.375 and 1/86400 of rounding below; 2 of 12 is less
        (list(range(6, 19)), 13, 1.0),  # more than 12 in a row
        (list(range(24)), 24, 1.0),
    ],
)
def test_duration(occupied: list[int], run: int, duration: float) -> None:
    rows = [*hours(dict.fromkeys(occupied, 1)), *whole_day()]
    if occupied[0] == 3:
        rows.append(connection(12 * 3600 + 1801))
    found = score(rows)
    assert (found["bars"], found["longest_run"], found["duration_score"]) == (len(occupied), run, duration)


def test_the_score_is_the_mean_of_the_parts() -> None:
    found = score([*hours({5: 1, 6: 1, 7: 2, 8: 1, 9: 1, 10: 1}), *whole_day()])
    parts = [found[f"{part}_score"] for part in ("timing", "size", "histogram", "duration")]
    assert found["score"] == pytest.approx(round(sum(parts) / 4, 3))


def test_three_seconds_are_not_scored() -> None:
    assert scores(at([0, 60, 120, 120.5])) == []
    assert len(scores(at([0, 60, 120, 121]))) == 1


def test_pairs_by_name_explain_their_addresses() -> None:
    named, bare = at([0, 60, 120, 180]), at([30, 90], None)
    assert [(row["name"], row["destination"], row["connections"]) for row in scores([*named, *bare])] == [
        ("c2.example", "c2.example", 4)
    ]
    few = at([0, 60, 120])
    found = score([*few, *bare])
    assert (found["name"], found["destination"], found["connections"]) == (None, "203.0.113.7", 5)
    long = at([0, 60, 120], duration_ms=1_200_000)
    assert scores([*long, *bare]) == []
    assert len(scores([*at([0, 60, 120], duration_ms=1_199_000), *bare])) == 1


def test_a_name_that_only_dns_tells_makes_no_named_pair() -> None:
    dns = [
        {
            "time": START, "service_version": "2.4.0", "client_address": "10.0.0.1", "dns_question_name": "told.example",
            "dns_answers": [{"type": "A", "data": "203.0.113.7", "ttl": 60.0}],
        }
    ]  # fmt: skip
    rows = at([0, 60, 120, 180], None)
    assert (score(rows, dns_queries=dns)["name"], score(rows, "adaptive", dns_queries=dns)["name"]) == (
        None,
        "told.example",
    )


def test_sources_are_apart_and_pods_are_workloads() -> None:
    rows = [*at([0, 60, 120, 180]), *at([10, 70, 130, 190], source_address="10.0.0.2")]
    assert [row["source"] for row in scores(rows)] == ["10.0.0.1", "10.0.0.2"]
    pods = [{**row, "k8s_pod_name": "pod-1"} for row in rows]
    assert [(row["source"], row["connections"]) for row in scores(pods, "adaptive")] == [("pod-1", 8)]


def test_what_makes_no_pair() -> None:
    beat = [0.0, 60, 120, 180]
    assert scores(at(beat, None, destination_address="10.0.0.9")) == []
    assert scores(at(beat, network_direction="inbound")) == []
    assert scores(at(beat, is_aggregated=True)) == []
    assert len(scores(at(beat, is_established=False))) == 1


def test_the_last_24_hours_from_the_beginning_of_an_hour() -> None:
    """The last connection is at 30:30, so the window begins at 06:30 and rows are taken from 06:00 on."""
    last = 30 * 3600 + 1800
    early, late = at([5 * 3600, 5 * 3600 + 3599]), at([6 * 3600, 6 * 3600 + 60, 6 * 3600 + 120, 6 * 3600 + 180])
    found = score([*early, *late, connection(last, "edge.example", destination_address="203.0.113.250")])
    assert (found["connections"], found["bars"]) == (4, 1), "what lies before the window is in its first bar"


def test_a_strobe_is_no_beacon() -> None:
    from forensics import views

    for count, found in ((86_399, 1), (86_400, 0)):
        with closing(open_memory(1)) as sandbox:
            views.load_rows(sandbox, {"connections": at([0])})
            sandbox.execute(
                "insert into facts.connections by name select c.* replace (c.time + to_milliseconds((500 * t.i)::bigint) as time) "
                f"from facts.connections c, range(1, {count}) t(i)"
            )
            views.derive(sandbox, parse(DEFAULT_CONFIG).config, [])
            assert len(sandbox.rows("select 1 from beacon_scores('rita') where name is not null")) == found


def test_an_unknown_preset_is_told() -> None:
    with pytest.raises(QueryError, match="rita and adaptive, not reta: write beacon_scores"):
        scores(at([0, 60, 120, 180]), "reta")


@pytest.mark.parametrize("rows", [[], at([0, 60, 120, 180])], ids=["nothing", "rows"])
def test_no_preset_is_told(rows: list[Row]) -> None:
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parse(DEFAULT_CONFIG).config, {"connections": rows})
        with pytest.raises(QueryError, match="not NULL: write beacon_scores"):
            sandbox.select("select * from beacon_scores(null)")


# A plain reading of the rules, for many random pairs at once.


def median(values: list[float]) -> float:
    return float(statistics.median(values))


def spread(values: list[float], default: float) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    low, middle, high = median(ordered[:half]), median(ordered), median(ordered[-half:])
    skewed = high - low >= 10 and middle not in (low, high)
    skew = (low + high - 2 * middle) / (high - low) if skewed else 0.0
    deviation = median([abs(value - middle) for value in ordered])
    steady = max(0.0, (middle - deviation) / middle) if middle >= 1 else default
    return math.floor((1 - abs(skew) + steady) / 2 * 1000 + 0.5) / 1000


def longest_run(counts: list[int]) -> int:
    longest = run = 0
    for count in counts * 2:
        run = run + 1 if count else 0
        longest = max(longest, run)
    return min(longest, len(counts))


def rita(moments: list[tuple[int, int]], start: int, stop: int) -> tuple[float, ...]:
    seconds = sorted({second for second, _ in moments})
    gaps = [float(after - before) for before, after in pairwise(seconds)]
    counts = [0] * 24
    for second, _ in moments:
        counts[min(23, max(0, (second - start) * 24 // (stop - start)))] += 1
    cv = statistics.pstdev(counts) / statistics.fmean(counts)
    flat = 0.0 if cv > 1 else round(1 - cv, 3)
    bars = [count for count in counts if count]
    bucket = math.ceil(max(bars) * 0.05)
    top = sum(n for _, n in Counter(count // bucket for count in bars).most_common(2))
    modes = min(1.0, round(top / (len(bars) - 1), 3)) if len(bars) >= 11 else 0.0
    spans = ((seconds[-1] - seconds[0]) / (stop - start), longest_run(counts) / 12)
    duration = max(min(1.0, math.ceil(span * 1000) / 1000) for span in spans) if len(bars) >= 6 else 0.0
    return spread(gaps, 1), spread([float(size) for _, size in moments], 0), max(flat, modes), duration


def test_many_random_pairs() -> None:
    draw = random.Random(7)  # noqa: S311 - deterministic draws, not cryptography
    wanted: dict[str, tuple[float, ...]] = {}
    rows = whole_day()
    for number in range(60):
        period, jitter, n = draw.choice([40, 300, 900, 3000]), draw.random(), draw.randint(5, 60)
        begin, second = draw.randrange(DAY // 2), 0.0
        moments = []
        for _ in range(n):
            moments.append((begin + int(second), draw.choice([300, 310, draw.randrange(20000)])))
            second += period * (1 + jitter * (draw.random() - 0.5)) * draw.choice([1, 1, 1, 2, 0])
        moments = [(moment, size) for moment, size in moments if moment <= DAY]
        if len({moment for moment, _ in moments}) < 4:
            continue
        address = f"203.0.113.{number}"
        begin_of_all = int((START - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001 - table times have no zone
        wanted[address] = rita(
            [(begin_of_all + moment, size) for moment, size in moments], begin_of_all, begin_of_all + DAY
        )
        rows += [connection(s, None, destination_address=address, source_ip_bytes=size) for s, size in moments]
    parts = ("timing_score", "size_score", "histogram_score", "duration_score")
    found = {row["destination"]: tuple(row[part] for part in parts) for row in scores(rows)}
    assert len(wanted) > 40
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, abs=0.0011), key


# The adaptive preset.


def test_missed_beats_are_folded() -> None:
    """Every third beat of 60 s is lost: gaps 60 120 60 120 ...; folded they are 60."""
    seconds = [60.0 * beat for beat in range(30) if beat % 3]
    found = score(at(seconds), "adaptive")
    assert (found["timing_score"], found["duration_score"]) == (1.0, round(19 / 28, 3))


def test_a_burst_is_not_buried_in_a_long_window() -> None:
    """46 minutes of a timer of 11 s inside 24 hours: RITA's bins see one or two bars, bins of the pair's span see it whole."""
    burst = at([40_000 + 11.5 * beat for beat in range(240)])
    rows = [*burst, *whole_day()]
    assert score(rows)["score"] < 0.6
    assert score(rows, "adaptive")["score"] > 0.9
