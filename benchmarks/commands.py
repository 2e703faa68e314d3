"""Seconds that each command of an investigation takes on a case of 10 million requests, warm, in a process of its own.

    python benchmarks/commands.py FOLDER [--rows 10000000] [--files 20] [--repeat 3]

Makes access logs of Envoy in as many files and 1 million connections, reviews them once, then calls every command `repeat` times behind one
call that warms the page cache. The baseline is `status --help`: what starting the program takes. Told are the median and the worst.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import duckdb

from benchmarks import generate
from benchmarks.detect import CONFIG

CONNECTIONS = 1_000_000
# The cluster tells the cohort of an access log; of the 40 last requests all are answers that the baseline refuses.
COHORTS = "".join(
    f'[[cohort]]\ncohort = "{cohort}"\ntable = "http_requests"\ncolumn = "upstream_cluster"\nglob = "*|{subset}|*"\n'
    for cohort, subset in (("canary", "canary"), ("baseline", "stable"))
)
FLIPPED = "regexp_replace(path, '^[^?]*', '/admin/reports') as path, 200 as response_code, 'anon' as authn, null as user_id, 'outbound|8080|canary|x' as upstream_cluster"


def main() -> None:
    """Read the arguments, make the case where it is not there, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    case = arguments.folder / "commands.case"
    if not (case / "findings.json").exists():
        evidence = make(arguments.folder / "evidence", arguments.rows, arguments.files)
        seconds = call("review", evidence, "--case", case)
        print(f"{'review':<34} {seconds:7.2f} s, once")
    print(f"{'command':<34} {'median s':>9} {'worst s':>8}")
    for title, command in commands(case).items():
        call(*command)
        times = [call(*command) for _ in range(arguments.repeat)]
        print(f"{title:<34} {statistics.median(times):9.2f} {max(times):8.2f}", flush=True)


def make(folder: Path, rows: int, files: int) -> Path:
    """Write the logs and a canary.toml; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "canary.toml").write_text(CONFIG + COHORTS)
    connection = duckdb.connect()
    connection.execute(generate.MACROS)
    each = rows // files
    for number in range(files):
        lines = generate.ENVOY.replace("range({n})", f"range({number * each}, {(number + 1) * each})")
        connection.execute(f"copy ({lines}) to '{folder}/access-{number:02}.ndjson' (format json)")
    last = generate.ENVOY.replace("range({n})", f"range({rows - 40}, {rows})")
    connection.execute(f"copy (select * replace ({FLIPPED}) from ({last})) to '{folder}/flipped.ndjson' (format json)")
    generate.generate(folder, "zeek", CONNECTIONS)
    return folder


def commands(case: Path) -> dict[str, list[str | Path]]:
    """Return a title for each call."""
    found = json.loads((case / "findings.json").read_text())
    finding = found["findings"][0]["id"]
    evidence = next(entry["id"] for entry in found["evidence"] if entry["format"] == "envoy-json")
    record = f"{evidence}:250000"
    user, minute = "u-77", "2026-03-03T12:00:00Z"
    cohorts = "select cohort, count(*), count(distinct user_id) from requests group by all order by all"
    return {
        "status --help (baseline)": ["status", "--help"],
        "status": ["status", case],
        "findings": ["findings", case],
        "explain": ["explain", case, finding],
        "show": ["show", case, record],
        "show --raw --context 3": ["show", case, record, "--raw", "--context", "3"],
        "timeline --around record": ["timeline", case, "--around", record, "--minutes", "0.05"],
        "timeline --around finding": ["timeline", case, "--around", finding],
        "timeline --from --to": ["timeline", case, "--from", minute, "--to", "2026-03-03T12:00:05Z"],
        "timeline": ["timeline", case],
        "pivot --user": ["pivot", case, "--user", user],
        "pivot --ip": ["pivot", case, "--ip", "203.0.113.7"],
        "pivot --pod": ["pivot", case, "--pod", "checkout-5f6b7d9c84-0"],
        "pivot --destination": ["pivot", case, "--destination", "198.51.7.9"],
        "pivot --host": ["pivot", case, "--host", "shop.example"],
        "pivot --request": ["pivot", case, "--request", "0" * 32],
        "sql": ["sql", case, cohorts],
        "revocations": ["revocations", case],
        "tag": ["tag", case, finding, "seen"],
        "diff with itself": ["diff", case, case],
        "report --format json": ["report", case, "--format", "json", "-o", case.parent / "out.json", "--force"],
    }


def call(*arguments: str | Path) -> float:
    """Return the seconds of a call of the command line."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "forensics", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"{arguments}: exit {done.returncode}: {done.stderr}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
