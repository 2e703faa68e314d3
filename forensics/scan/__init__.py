"""Find what a response should not hold: secrets, personal data, stack traces, internal addresses; judge its headers."""

from __future__ import annotations

from forensics.scan.engine import Match, Scanner, default_scanner, scan_text
from forensics.scan.headers import HeaderVerdict, header_verdicts
from forensics.scan.hiding import hide_values, value_matches
from forensics.scan.patterns import Pattern, load_patterns
from forensics.scan.rows import Exchange, content_rows
from forensics.scan.selection import packs_in, scanner_for
from forensics.scan.stream import scan_lines

__all__ = [
    "Exchange",
    "HeaderVerdict",
    "Match",
    "Pattern",
    "Scanner",
    "content_rows",
    "default_scanner",
    "header_verdicts",
    "hide_values",
    "load_patterns",
    "packs_in",
    "scan_lines",
    "scan_text",
    "scanner_for",
    "value_matches",
]
