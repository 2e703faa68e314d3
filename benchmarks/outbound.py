"""10 million connections through the views and all outbound detectors.

    python benchmarks/outbound.py FOLDER [--rows 10000000] [--pairs 88000]

A day of connections of 22 pods, at random moments, spread evenly over the pairs of pod and destination; half of the destinations have a name. The
baseline named beside it is one full scan of the table that counts rows by source.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.beacons import speed_case
from benchmarks.detect import scan
from forensics import views
from forensics.config import parse
from forensics.detectors import load, run
from forensics.detectors.run import Context
from forensics.detectors.testing import DAY


def main() -> None:
    """Make the case, build its views, run each detector; print seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--pairs", type=int, default=88_000)
    arguments = parser.parse_args()
    case = speed_case(arguments.folder / "outbound.case", arguments.rows, arguments.pairs)
    baseline = scan(case, [("connections", "source_address")])
    start, cpu = time.perf_counter(), time.process_time()
    views.ensure(case)
    built = time.perf_counter()
    print(f"{arguments.rows:,} connections in {arguments.pairs:,} pairs; one scan {baseline:.1f} s")
    print(f"views             {built - start:.1f} s, {time.process_time() - cpu:.1f} s of CPU")
    context = Context(parse("").config, DAY)
    with views.opened(case) as sandbox:
        for detector in load():
            if detector.family == "outbound":
                begun = time.perf_counter()
                state = run(sandbox, detector, context).state
                print(f"  {detector.id:<34}{time.perf_counter() - begun:5.1f} s  {state.state}")
    done = time.perf_counter()
    print(f"detectors         {done - built:.1f} s")
    print(
        f"both              {done - start:.1f} s, {time.process_time() - cpu:.1f} s of CPU, {(done - start) / baseline:.1f} times the scan"
    )
    print(f"peak memory       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB")


if __name__ == "__main__":
    main()
