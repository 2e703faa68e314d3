"""Ingest beside a bare engine COPY of the same columns, in the same run, each in a process of its own.

    python benchmarks/ingest.py FOLDER [--megabytes 1000] [--repeat 3] [--only envoy]

`copy`         COPY (SELECT the same column expressions FROM read_json or read_csv) TO parquet (zstd): no hash, no record numbers, no rejects
`copy+sha256`  the same while `sha256sum` reads the file; the time is that of the slower one
`ingest`       this tool: SHA-256, record numbers, offsets, rejects, ledger
Ratios are copy / ingest: 1.0 would be free. The median over the repeats is told with the minimum.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.generate import FILES, LINE_BYTES, generate


def main() -> None:
    """Read the arguments, make the inputs, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(FILES))
    arguments = parser.parse_args()
    print(f"{'input':<10} {'case':<13} {'median s':>9} {'min s':>7} {'MB/s':>6} {'cpu s':>6} {'peak MB':>8}")
    for kind in arguments.only.split(","):
        path = arguments.folder / FILES[kind]
        rows = arguments.megabytes * 1_000_000 // LINE_BYTES[kind]
        if not path.exists() or abs(path.stat().st_size / 1e6 - arguments.megabytes) > arguments.megabytes * 0.2:
            generate(arguments.folder, kind, rows)
        measure(kind, path, arguments.repeat)


def measure(kind: str, path: Path, repeat: int) -> None:
    """Run the three cases in turn, `repeat` times, and print their medians and ratios."""
    cases: dict[str, Callable[[str, Path], None]] = {"copy": bare_copy, "copy+sha256": copy_and_hash, "ingest": ingest}
    subprocess.run(["cksum", str(path)], check=True, stdout=subprocess.DEVNULL)  # the page cache is warm for every case
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in cases}
    for _ in range(repeat):
        for name, call in cases.items():
            seen[name].append(apart(call, kind, path))
    size = path.stat().st_size / 1e6
    medians = {name: statistics.median(wall for wall, _, _ in runs) for name, runs in seen.items()}
    for name, runs in seen.items():
        cpu, peak = statistics.median(run[1] for run in runs), max(run[2] for run in runs)
        best = min(run[0] for run in runs)
        print(
            f"{kind:<10} {name:<13} {medians[name]:>9.2f} {best:>7.2f} {size / medians[name]:>6.0f} {cpu:>6.2f} {peak:>8.0f}"
        )
    bare, beside = medians["copy"] / medians["ingest"], medians["copy+sha256"] / medians["ingest"]
    print(f"{kind:<10} ratio to bare copy {bare:.2f}, to copy beside sha256sum {beside:.2f}", flush=True)


def apart(call: Callable[[str, Path], None], kind: str, path: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak resident MB of a call in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_timed, args=(call, kind, path, queue))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{call.__name__} failed on {path}")
    result: tuple[float, float, float] = queue.get()
    return result


def _timed(
    call: Callable[[str, Path], None], kind: str, path: Path, queue: multiprocessing.Queue[tuple[float, float, float]]
) -> None:
    import forensics.ingest  # noqa: F401 - imports are not what is measured

    start = time.perf_counter()
    call(kind, path)
    wall = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    queue.put((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000))


def ingest(_kind: str, path: Path) -> None:
    """Run this tool's ingest into a new case."""
    from forensics import ingest as tool
    from forensics.case import create

    folder = Path(tempfile.mkdtemp(dir=path.parent))
    tool.ingest(create(folder / "bench.case"), [path])
    shutil.rmtree(folder)


def bare_copy(kind: str, path: Path) -> None:
    """Let the engine alone write the same columns, with the same number of threads and memory at its own choice."""
    from forensics.evidence import Source
    from forensics.importers import recognise
    from forensics.ingest import head_of, prepare
    from forensics.ingest.columns import columns_sql
    from forensics.store import open_ingest

    head = head_of(Source(path, path.name, named=True))
    importer = recognise(head)
    assert importer is not None
    plan = importer.call("plan", head, path)
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    engine = open_ingest(folder)
    prepare(engine)
    engine.execute("set memory_limit = '8GB'")
    table = next(iter(plan.tables))
    source = _source(kind, path, plan.fields)
    for stage in plan.stages:
        source = f"select record_no, record_offset, section, salvaged, unnest([{stage}]) as f from ({source})"
    engine.execute(
        f"copy (select {columns_sql(plan, table)} from ({source})) to '{folder}/out.parquet' (format parquet, compression zstd)"
    )
    shutil.rmtree(folder)


def _source(kind: str, path: Path, fields: str) -> str:
    """Native reader for JSON lines; whole lines through the CSV reader for text, parsed by the same expressions."""
    extra = "0::bigint as record_no, 0::bigint as record_offset, 0 as section, false as salvaged"
    if kind in ("envoy", "exchange"):
        structure = fields.split("from_json(line, '")[1].rsplit("'))", 1)[0]
        import json

        names = json.loads(structure.replace("''", "'"))
        row = ", ".join(f'"{key}" := "{key}"' for key in names)
        types = ", ".join(f"'{key}': '{_type(kind)}'" for key, kind in names.items())
        return f"select {extra}, struct_pack({row}) as f from read_json('{path}', format = 'newline_delimited', ignore_errors = true, columns = {{{types}}})"
    lines = f"read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false, strict_mode = false, auto_detect = false)"
    return f"select {extra}, unnest([{fields}]) as f from (select line, 0 as section from {lines})"


def _type(kind: object) -> str:
    if isinstance(kind, dict):
        inner = ", ".join(f'"{key}" {_type(value)}' for key, value in kind.items())
        return f"STRUCT({inner})"
    return f"{_type(kind[0])}[]" if isinstance(kind, list) else str(kind)


def copy_and_hash(kind: str, path: Path) -> None:
    """Run the bare COPY with `sha256sum` at its side; done when both are."""
    hasher = subprocess.Popen(["sha256sum", str(path)], stdout=subprocess.DEVNULL)
    bare_copy(kind, path)
    hasher.wait()


if __name__ == "__main__":
    main()
