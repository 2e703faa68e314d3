"""Write the sample rollouts: `python sample_data/generate.py [--out FOLDER]`; the same bytes on every run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it runs as a script, too

from sample_data.generator import (
    access,
    config,
    exchanges,
    kubernetes,
    operations,
    policies,
    sbom,
    scenarios,
    truth,
    zeek,
)
from sample_data.generator.model import Scenario, World
from sample_data.generator.outbound import Outbound
from sample_data.generator.traffic import Traffic

WRITERS = (config, truth, access, zeek, exchanges, kubernetes, sbom, operations, policies)


def build(scenario: Scenario) -> World:
    """Return all that happened in a rollout."""
    world = World(scenario, scenarios.pods(scenario))
    traffic = Traffic(scenario, world.pods)
    world.requests, world.tester = traffic.requests()
    world.garbage = traffic.garbage()
    world.lookups, world.connections = Outbound(scenario, world.pods).build()
    world.sampled = exchanges.sample(world)
    return world


def write(world: World, folder: Path) -> None:
    """Write every file of a rollout."""
    for writer in WRITERS:
        for name, content in writer.files(world).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all rollouts into a folder, by default the one this file is in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out: Path = parser.parse_args(arguments).out
    for scenario in scenarios.SCENARIOS:
        write(build(scenario), out / scenario.name)


if __name__ == "__main__":
    main()
