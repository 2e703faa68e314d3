"""Which gates cost the automaton of all gates most: CPU time of its first pass with each left out in turn.

    python benchmarks/gates.py [--bodies 4000] [--show 15]

The first pass builds the states; a gate that multiplies those of the others shows here long before it shows in a long run. What to
change in such a gate stands in `queries/patterns/README.md`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bodies import bodies
from forensics.scan import load_patterns
from forensics.scan.regex import GateSet


def main() -> None:
    """Measure all gates together, then without each; print what saves most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=4000)
    parser.add_argument("--show", type=int, default=15)
    arguments = parser.parse_args()
    sent = [body.encode() for _, body in bodies(arguments.bodies, [])]
    gates = {pattern.id: pattern.gate for pattern in load_patterns()}
    whole = min(first_pass(list(gates.values()), sent) for _ in range(3))
    print(f"{len(gates)} gates: {sum(map(len, sent)) / 1e6 / whole:.0f} MB/s in the first pass, {whole * 1000:.0f} ms")
    saved = {name: whole - first_pass([gate for other, gate in gates.items() if other != name], sent) for name in gates}
    for name in sorted(saved, key=lambda name: -saved[name])[: arguments.show]:
        print(f"{saved[name] * 1000:>7.1f} ms less without {name}")


def first_pass(gates: list[str], sent: list[bytes]) -> float:
    """Return CPU seconds of searching the bodies with a new automaton."""
    automaton = GateSet(gates)
    began = time.process_time()
    for body in sent:
        automaton.candidates(body)
    return time.process_time() - began


if __name__ == "__main__":
    main()
