"""Which patterns a scanner has: those with `opt_in` only where a country asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from forensics.scan.engine import Scanner, default_scanner
from forensics.scan.patterns import load_patterns


def scanner_for(countries: tuple[str, ...] = (), packs: tuple[Path, ...] = ()) -> Scanner:
    """Return a scanner that also looks for identifiers of these countries (`us`) which no check digit confirms, and for what packs describe.

    Raises:
        PatternError: see `load_patterns` and `pack_patterns`.

    """
    if packs:  # files that may be changed while a process runs
        return Scanner(load_patterns(packs, countries))
    return _of_countries(countries) if countries else default_scanner()


@cache
def _of_countries(countries: tuple[str, ...]) -> Scanner:
    return Scanner(load_patterns(countries=countries))


def packs_in(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders of patterns in users' folders of queries (`DIR/patterns`)."""
    return tuple(folder / "patterns" for folder in folders if (folder / "patterns").is_dir())
