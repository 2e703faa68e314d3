"""Peak memory of a long stream: Envoy lines are repeated into a .zst file as they are made, then ingested in a process of its own.

    python benchmarks/stream.py FOLDER [--gigabytes 10]

One block of 50 MB is made and written again and again, so the plain bytes never lie on the disk. Tells seconds and peak resident memory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.generate import LINE_BYTES, generate
from benchmarks.ingest import apart, ingest

_BLOCK_MEGABYTES = 50


def main() -> None:
    """Read the arguments, write the stream, ingest it, print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    arguments = parser.parse_args()
    packed, size = stream(arguments.folder, arguments.gigabytes)
    wall, cpu, peak = apart(ingest, "envoy", packed)
    print(f"{size / 1e9:.1f} GB in {wall:.1f} s, CPU {cpu:.1f} s, peak {peak:.0f} MB")


def stream(folder: Path, gigabytes: float) -> tuple[Path, int]:
    """Write about so many gigabytes of lines into a .zst file at level 1; return it and the bytes inside."""
    import zstandard

    block = generate(folder / "block", "envoy", _BLOCK_MEGABYTES * 1_000_000 // LINE_BYTES["envoy"]).read_bytes()
    path, size = folder / "stream.ndjson.zst", 0
    with path.open("wb") as out, zstandard.ZstdCompressor(level=1).stream_writer(out) as packed:
        while size < gigabytes * 1e9:
            packed.write(block)
            size += len(block)
    return path, size


if __name__ == "__main__":
    main()
