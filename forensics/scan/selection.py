"""Which patterns a scanner has: those with `opt_in` only where a country asks for them."""

from __future__ import annotations

from functools import cache

from forensics.scan.engine import Scanner, default_scanner
from forensics.scan.patterns import load_patterns


@cache
def scanner_for(countries: tuple[str, ...] = ()) -> Scanner:
    """Return a scanner that also looks for identifiers of these countries (`us`) which no check digit confirms."""
    return Scanner(load_patterns(countries=countries)) if countries else default_scanner()
