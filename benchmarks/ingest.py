"""Ingest beside a bare engine COPY of the same columns, in the same run, each in a process of its own.

    python benchmarks/ingest.py FOLDER [--megabytes 1000] [--repeat 3] [--only envoy]

`copy`         COPY (SELECT the same column expressions FROM read_json) TO parquet (zstd): no hash, no record numbers, no rejects
`copy+sha256`  the same while `sha256sum` reads the file; the time is that of the slower one
`ingest`       this tool: SHA-256, record numbers, offsets, rejects, ledger; `.gz`, `.zst`, `no scan` are variants of it
`typed reader`, `regexp texts`, `regexp parts`, `regexp typed`, `goaccess` are what others do with a Zeek log and an access log
Ratios are times: 1.0 is as fast as that case. The median over the repeats is told with the minimum.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

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
    print(f"{'input':<10} {'case':<14} {'median s':>9} {'min s':>7} {'MB/s':>6} {'cpu s':>6} {'peak MB':>8}")
    for kind in arguments.only.split(","):
        path = arguments.folder / FILES[kind]
        rows = arguments.megabytes * 1_000_000 // LINE_BYTES[kind]
        if not path.exists() or abs(path.stat().st_size / 1e6 - arguments.megabytes) > arguments.megabytes * 0.2:
            generate(arguments.folder, kind, rows)
        if kind == "envoy":
            compress(path)
        measure(kind, path, arguments.repeat)


def measure(kind: str, path: Path, repeat: int) -> None:
    """Run the three cases in turn, `repeat` times, and print their medians and ratios."""
    cases = cases_of(kind)
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
            f"{kind:<10} {name:<14} {medians[name]:>9.2f} {best:>7.2f} {size / medians[name]:>6.0f} {cpu:>6.2f} {peak:>8.0f}"
        )
    for other in (name for name in medians if not name.startswith("ingest")):
        print(f"{kind:<10} {other} / ingest = {medians[other] / medians['ingest']:.2f}", flush=True)
    for other in (name for name in medians if name.startswith("ingest ")):
        print(f"{kind:<10} ingest / {other} = {medians['ingest'] / medians[other]:.2f}", flush=True)


def cases_of(kind: str) -> dict[str, Callable[[str, Path], None]]:
    """Return what is measured for one kind of input; a tool that is not installed is left out with a message."""
    cases: dict[str, Callable[[str, Path], None]] = {"ingest": ingest}
    if kind in ("envoy", "exchange"):
        cases |= {"copy": bare_copy, "copy+sha256": copy_and_hash}
    if kind == "exchange":
        cases["ingest no scan"] = ingest_without_scan
    if kind == "envoy":
        cases |= {"ingest .gz": ingest_gzip, "ingest .zst": ingest_zstd, "ingest 1GB": ingest_in_one_gigabyte}
    if kind == "zeek":
        cases["typed reader"] = typed_reader
    if kind == "combined":
        cases |= {"regexp texts": bare_regexp, "regexp parts": parts_regexp, "regexp typed": typed_regexp}
        if shutil.which("goaccess"):
            cases["goaccess"] = goaccess
        else:
            print("goaccess is not installed: left out")
    return cases


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
    _import()
    start = time.perf_counter()
    call(kind, path)
    wall = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    queue.put((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000))


def _import() -> None:
    """Load what every case may use: imports are not what is measured. pyarrow loads pandas, where it is installed, with its first array (0.3 s)."""
    import pyarrow as pa

    import forensics.ingest
    from forensics.importers import all_importers

    pa.array([0])
    all_importers()
    assert forensics.ingest


def ingest(_kind: str, path: Path) -> None:
    """Run this tool's ingest into a new case."""
    from forensics import ingest as tool
    from forensics.case import create

    folder = Path(tempfile.mkdtemp(dir=path.parent))
    tool.ingest(create(folder / "bench.case"), [path])
    shutil.rmtree(folder)


def ingest_in_one_gigabyte(_kind: str, path: Path) -> None:
    """Run ingest with `--memory 1GB`."""
    from forensics import ingest as tool
    from forensics.case import create

    folder = Path(tempfile.mkdtemp(dir=path.parent))
    tool.ingest(create(folder / "bench.case"), [path], tool.Options(memory="1GB"))
    shutil.rmtree(folder)


def ingest_without_scan(kind: str, path: Path) -> None:
    """Run ingest with the content scan left out."""
    from forensics.ingest import scanning

    scanning.scan = lambda *_: None
    ingest(kind, path)


def ingest_gzip(kind: str, path: Path) -> None:
    """Run ingest of the same file, compressed with gzip."""
    ingest(kind, path.with_name(path.name + ".gz"))


def ingest_zstd(kind: str, path: Path) -> None:
    """Run ingest of the same file, compressed with zstd."""
    ingest(kind, path.with_name(path.name + ".zst"))


def compress(path: Path) -> None:
    """Make the compressed twins of a file where they are missing or older."""
    import gzip

    import zstandard

    packers: dict[str, Callable[[IO[bytes]], Any]] = {
        ".gz": lambda out: gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0),
        ".zst": lambda out: zstandard.ZstdCompressor(level=3).stream_writer(out, closefd=False),
    }
    for suffix, pack in packers.items():
        twin = path.with_name(path.name + suffix)
        if not twin.exists() or twin.stat().st_mtime < path.stat().st_mtime:
            with path.open("rb") as source, twin.open("wb") as out, pack(out) as packed:
                shutil.copyfileobj(source, packed, 1 << 22)


_CONN = {
    "ts": "DOUBLE", "uid": "VARCHAR", "orig_h": "VARCHAR", "orig_p": "INTEGER", "resp_h": "VARCHAR", "resp_p": "INTEGER",
    "proto": "VARCHAR", "service": "VARCHAR", "duration": "DOUBLE", "orig_bytes": "BIGINT", "resp_bytes": "BIGINT",
    "conn_state": "VARCHAR", "local_orig": "VARCHAR", "local_resp": "VARCHAR", "missed_bytes": "BIGINT", "history": "VARCHAR",
    "orig_pkts": "BIGINT", "orig_ip_bytes": "BIGINT", "resp_pkts": "BIGINT", "resp_ip_bytes": "BIGINT",
}  # fmt: skip
_COMBINED = r'^(\S+) \S+ (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d+) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$'
_PARTS = _COMBINED.replace(r'"((?:[^"\\]|\\.)*)"', r'"(\S+) (\S+) ([^"]+)"', 1)
_GROUPS = ["address", "account", "stamp", "request", "status", "size", "referer", "agent"]


def typed_reader(_kind: str, path: Path) -> None:
    """Let the engine's own reader cut and type the cells; unsafe on hostile bytes."""
    _plain_copy(
        path,
        f"select * from read_csv('{path}', delim = '\t', header = false, comment = '#', nullstr = '-', quote = '', escape = '',"
        f" columns = {_CONN}, store_rejects = true, auto_detect = false)",
    )


def bare_regexp(_kind: str, path: Path) -> None:
    """Take whole lines apart with one expression, every value a text."""
    _plain_copy(path, _expression(path, _COMBINED, _GROUPS))


def parts_regexp(_kind: str, path: Path) -> None:
    """Take lines apart with one expression into the parts that this tool writes: also method, target and protocol, every value a text."""
    groups = [*_GROUPS[:3], "method", "target", "protocol", *_GROUPS[4:]]
    _plain_copy(path, _expression(path, _PARTS, groups))


def typed_regexp(_kind: str, path: Path) -> None:
    """Take lines apart and make what every question needs: a time, numbers, method, path and query."""
    columns = (
        "address, account, stamp, try_strptime(stamp, '%d/%b/%Y:%H:%M:%S %z')::timestamp as time, split_part(request, ' ', 1) as method, "
        "split_part(split_part(request, ' ', 2), '?', 1) as path, split_part(split_part(request, ' ', 2), '?', 2) as query, "
        "try_cast(status as integer) as status, try_cast(size as bigint) as size, referer, agent"
    )
    _plain_copy(path, f"select {columns} from ({_expression(path, _COMBINED, _GROUPS)})")


def _expression(path: Path, expression: str, groups: list[str]) -> str:
    lines = f"read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false, auto_detect = false)"
    return f"select unnest(regexp_extract(line, '{expression}', {groups})) from {lines}"


def _plain_copy(path: Path, select: str) -> None:
    import duckdb

    folder = Path(tempfile.mkdtemp(dir=path.parent))
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"copy ({select}) to '{folder}/out.parquet' (format parquet, compression zstd)").fetchall()
    shutil.rmtree(folder)


def goaccess(_kind: str, path: Path) -> None:
    """Run GoAccess, which keeps counters and no rows; its CPU and memory are those of a child and not in the table."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [
            "goaccess",
            str(path),
            "--log-format=COMBINED",
            "--no-global-config",
            "--no-progress",
            "-o",
            out.name,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def bare_copy(_kind: str, path: Path) -> None:
    """Let the engine alone write the same columns, with the same number of threads and memory at its own choice."""
    from forensics.evidence import Source
    from forensics.importers import recognise
    from forensics.ingest import head_of, prepare
    from forensics.ingest.columns import select_sql
    from forensics.store import open_ingest

    head = head_of(Source(path, path.name, named=True))
    importer = recognise(head)
    assert importer is not None
    plan = replace(importer.call("plan", head, path), keys="", raw={})
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    engine = open_ingest(folder)
    prepare(engine)
    engine.execute("set memory_limit = '8GB'")
    table = next(iter(plan.tables))
    source = _source(path, plan.fields)
    select = select_sql(plan, table, source, "true")
    engine.execute(f"copy ({select}) to '{folder}/out.parquet' (format parquet, compression zstd)")
    shutil.rmtree(folder)


def _source(path: Path, fields: str) -> str:
    """Return the engine's own reader of JSON lines, with the same keys and types."""
    structure = fields.split("from_json(line, '")[1].rsplit("'))", 1)[0]
    names = json.loads(structure.replace("''", "'"))
    row = ", ".join(f'"{key}" := "{key}"' for key in names)
    types = ", ".join(f"'{key}': '{_type(kind)}'" for key, kind in names.items())
    extra = "0::bigint as record_no, 0::bigint as record_offset, 0 as section, false as salvaged, null as k"
    return f"select {extra}, struct_pack({row}) as f from read_json('{path}', format = 'newline_delimited', ignore_errors = true, columns = {{{types}}})"


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
