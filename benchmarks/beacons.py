"""How well timers are found, and how fast pairs are scored.

    python benchmarks/beacons.py truth [--page docs/beacons.md]
    python benchmarks/beacons.py speed FOLDER [--rows 3600000] [--pairs 88000]

`truth` draws timers (periods 10 s to 6 h, jitter 0 to 40 %, loss 0 to 30 %) and benign pairs into windows of 15 minutes to 24 hours, runs the
detector and writes recall by period and window, and false positives per 1,000 benign pairs, into the page between its two marks. `speed` makes a
case and scores all its pairs by both presets.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import duckdb
import pyarrow as pa

from benchmarks import detect
from benchmarks.generate import MACROS
from forensics import views
from forensics.case import Case, create
from forensics.config import parse
from forensics.detectors import load
from forensics.detectors.front import by_id
from forensics.store import Sandbox, lock, open_memory

PERIODS = (10, 60, 249, 900, 3600, 21600)
JITTERS = (0.0, 0.1, 0.2, 0.4)
LOSSES = (0.0, 0.1, 0.3)
WINDOWS = {"15 min": 900, "30 min": 1800, "1 h": 3600, "4 h": 14400, "24 h": 86400}
REPEATS = 5
BENIGN = 1000
START = 1_772_528_400  # 2026-03-03 09:00 UTC
MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of `period` seconds whose waits vary by `jitter` (share, either way) and that misses `loss` of its beats."""

    period: int
    jitter: float
    loss: float


def beats(timer: Timer, window: int, draw: random.Random) -> list[float]:
    """Return the moments of a timer in a window, seconds from its beginning."""
    moments, moment = [], draw.random() * min(timer.period, window)
    while moment < window:
        if draw.random() >= timer.loss:
            moments.append(moment)
        moment += timer.period * (1 + timer.jitter * (2 * draw.random() - 1))
    return moments


def benign(kind: str, window: int, draw: random.Random) -> list[float]:
    """Return the moments of a benign pair: requests of users (Poisson), sessions, a day's rise and fall, jobs that are started by hand, retries."""
    mean = math.exp(draw.uniform(math.log(5), math.log(300)))
    if kind == "users":
        return sorted(draw.random() * window for _ in range(_poisson(mean, draw)))
    if kind == "sessions":
        starts = [draw.random() * window for _ in range(1 + _poisson(mean / 8, draw))]
        return sorted(at + wait for at in starts for wait in _session(draw) if at + wait < window)
    if kind == "rise":
        return sorted(window * math.sqrt(draw.random()) for _ in range(_poisson(mean, draw)))
    if kind == "retries":
        at, wait, found = draw.random() * window / 2, draw.uniform(0.5, 4), []
        for _ in range(draw.randint(5, 9)):
            found.append(at)
            at, wait = at + wait, wait * draw.uniform(1.6, 2.4)
        return [moment for moment in found if moment < window]
    pauses = [draw.lognormvariate(math.log(window / mean), 1.2) for _ in range(int(mean))]
    moments, at = [], 0.0
    for pause in pauses:
        at += pause
        moments.append(at)
    return [moment for moment in moments if moment < window]


KINDS = ("users", "sessions", "rise", "retries", "pauses")


def _session(draw: random.Random) -> Iterator[float]:
    at = 0.0
    for _ in range(draw.randint(2, 20)):
        yield at
        at += draw.expovariate(1 / 6)


def _poisson(mean: float, draw: random.Random) -> int:
    return max(0, round(draw.gauss(mean, math.sqrt(mean)))) if mean > 30 else _small_poisson(mean, draw)


def _small_poisson(mean: float, draw: random.Random) -> int:
    limit, product, count = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        count += 1
    return count


def drawn(window: int, draw: random.Random) -> Iterator[tuple[str, list[float]]]:
    """Yield names and moments of all timers and benign pairs of a window."""
    for period in PERIODS:
        for jitter in JITTERS:
            for loss in LOSSES:
                for repeat in range(REPEATS):
                    name = f"t-{period}-{int(jitter * 100)}-{int(loss * 100)}-{repeat}.example"
                    yield name, beats(Timer(period, jitter, loss), window, draw)
    for number in range(BENIGN):
        kind = KINDS[number % len(KINDS)]
        yield f"b-{kind}-{number}.example", benign(kind, window, draw)


def sandbox_of(window: int, draw: random.Random) -> tuple[Sandbox, Counter[str]]:
    """Return a store with the connections of a window, and how many each destination has."""
    found = [(name, moment) for name, moments in drawn(window, draw) for moment in moments]
    sizes = {name: draw.choice([None, 300]) for name in sorted({name for name, _ in found})}
    table = pa.table({
        "destination_domain": [name for name, _ in found],
        "seconds": [START + moment for _, moment in found],
        "source_bytes": pa.array([None if sizes[name] is None else 300 + draw.randrange(200) for name, _ in found], pa.int64()),
    })  # fmt: skip
    sandbox = open_memory()
    views.load_rows(sandbox, {})
    sandbox.register("given", table)
    sandbox.execute(
        "insert into facts.connections by name select 'test' as evidence_id, row_number() over () as record_no, 'test:' || row_number() over () as record_id, "
        "destination_domain, source_bytes, make_timestamp((seconds * 1000000)::bigint) as time, '2.4.0' as service_version, 'pod-1' as k8s_pod_name, "
        "'10.42.9.1' as source_address, 443 as destination_port, true as is_established from given"
    )
    sandbox.unregister("given")
    views.derive(sandbox, parse(detect.CONFIG).config, [])
    lock(sandbox)
    return sandbox, Counter(name for name, _ in found)


def measure(window: int) -> tuple[set[str], Counter[str]]:
    """Return the destinations that the detector reports, and the connections of each destination."""
    detector = by_id(load(), "outbound.beacon")
    # weights and limits were chosen on the draws of seed `window`: these are others
    sandbox, counts = sandbox_of(window, random.Random(window + 1))
    with closing(sandbox):
        return {row["destination"] for row in sandbox.select(detector.sql, detector.parameters)}, counts


def truth() -> str:
    """Return the tables of recall and false positives as Markdown."""
    results = {title: measure(seconds) for title, seconds in WINDOWS.items()}
    lines = ["| period | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for period in PERIODS:
        cells = [_recall(rf"t-{period}-\d+-\d+-", *result) for result in results.values()]
        lines.append(f"| {_words(period)} | " + " | ".join(cells) + " |")
    lines += ["", "| jitter, loss | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for jitter in JITTERS:
        for loss in LOSSES:
            pattern = rf"t-\d+-{int(jitter * 100)}-{int(loss * 100)}-"
            cells = [_recall(pattern, *result) for result in results.values()]
            lines.append(f"| {jitter:.0%}, {loss:.0%} | " + " | ".join(cells) + " |")
    lines += ["", "| benign | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for kind in KINDS:
        cells = [
            str(sum(name.startswith(f"b-{kind}-") for name in found) * len(KINDS)) for found, _ in results.values()
        ]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    total = [f"{sum(name.startswith('b-') for name in found) * 1000 / BENIGN:g}" for found, _ in results.values()]
    lines.append("| all | " + " | ".join(total) + " |")
    return "\n".join(lines)


def _recall(pattern: str, found: set[str], counts: Counter[str]) -> str:
    """Say which share of the timers with at least six connections was found; a dash where there is none."""
    able = [name for name, count in counts.items() if re.match(pattern, name) and count >= 6]
    return f"{sum(name in found for name in able) / len(able):.0%} of {len(able)}" if able else "-"


def _words(seconds: int) -> str:
    return (
        f"{seconds // 3600} h"
        if seconds % 3600 == 0
        else f"{seconds // 60} min"
        if seconds % 60 == 0
        else f"{seconds} s"
    )


def speed_case(folder: Path, rows: int, pairs: int) -> Case:
    """Write a case of `rows` connections at random moments of a day, spread evenly over `pairs` pairs of source and destination."""
    shutil.rmtree(folder, ignore_errors=True)
    case = create(folder)
    case.write_config(parse(detect.CONFIG))
    connection = duckdb.connect()
    connection.execute(MACROS)
    connection.execute(f"create table ids as select row_number() over () - 1 as i, * from ({detect.IDENTITIES})")
    pod, host = f"(i % {pairs} % 22)", f"(i % {pairs} // 22)"
    columns = detect.CONNECTIONS | {
        "source_address": f"case when {pod} < 20 then '10.42.1.' || ({pod} + 1) else '10.42.9.' || ({pod} - 19) end",
        "destination_address": f"'198.' || (51 + {host} // 65536) || '.' || ({host} // 256 % 256) || '.' || ({host} % 256)",
        "destination_domain": f"case when {host} % 2 = 0 then 'h' || {host} || '.example.co.uk' end",
        "time": "timestamp '2026-03-03 00:00:00' + to_microseconds((hash(i) % 86400000000)::bigint)",
        "source_ip_bytes": "r(i, 11, 20000)",
    }  # fmt: skip
    pick = {"address": "address", "k8s_pod_name": "pod", "service_version": "version"}
    pick = {column: f"(select {source} from ids where ids.i = t.i)" for column, source in pick.items()}
    case.finish_ingest([
        detect.write(connection, case, "connections", columns, rows), detect.write(connection, case, "identities", pick, 22),
    ])  # fmt: skip
    return case


def speed(folder: Path, rows: int, pairs: int) -> None:
    """Print seconds of the views and of both presets."""
    case = speed_case(folder / "beacons.case", rows, pairs)
    start = time.perf_counter()
    views.ensure(case)
    print(f"{rows:,} connections in {pairs:,} pairs")
    print(f"views             {time.perf_counter() - start:.1f} s")
    with views.opened(case) as sandbox:
        for preset in ("rita", "adaptive"):
            start, cpu = time.perf_counter(), time.process_time()
            count = sandbox.select(f"select count(*) as n, avg(score) as mean from beacon_scores('{preset}')")[0]["n"]
            took, used = time.perf_counter() - start, time.process_time() - cpu
            print(f"{preset:<18}{took:.1f} s, {used:.1f} s of CPU, {count:,} pairs")
    print(f"peak memory       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    true = commands.add_parser("truth")
    true.add_argument("--page", type=Path)
    fast = commands.add_parser("speed")
    fast.add_argument("folder", type=Path)
    fast.add_argument("--rows", type=int, default=3_600_000)
    fast.add_argument("--pairs", type=int, default=88_000)
    arguments = parser.parse_args()
    if arguments.command == "speed":
        speed(arguments.folder, arguments.rows, arguments.pairs)
        return
    tables = truth()
    if arguments.page:
        before, _, rest = arguments.page.read_text(encoding="utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        arguments.page.write_text(f"{before}{MARKS[0]}\n{tables}\n{MARKS[1]}{after}", encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
