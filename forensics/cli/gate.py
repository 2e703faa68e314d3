"""The option that turns findings into an exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from forensics.findings import SEVERITIES


def fail_on_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--fail-on` to a command."""
    return click.option(
        "--fail-on",
        type=click.Choice([*reversed(SEVERITIES)]),
        help="Exit 1 on an active finding of this severity or above, 3 when inconclusive.",
    )(function)
