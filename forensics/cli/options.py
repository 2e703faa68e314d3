"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click


def _memory(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Accept what the engine accepts; less than 256 MB does not hold the blocks of one file."""
    match = re.fullmatch(r"(\d{1,6}) ?(MB|GB)", value.strip().upper()) if value else None
    if value and (match is None or int(match[1]) * {"MB": 1, "GB": 1000}[match[2]] < 256):
        raise click.BadParameter("give at least 256MB, such as 512MB or 2GB.")
    return f"{match[1]}{match[2]}" if match else ""


def seconds_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--seconds` to a command that runs detectors."""
    return click.option(
        "--seconds", default=600.0, show_default=True, type=click.FloatRange(0.1), help="Time at most for one detector."
    )(function)


def memory_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--memory` to a command."""
    return click.option(
        "--memory",
        default="",
        metavar="SIZE",
        callback=_memory,
        help="Memory of the engine while it reads, such as 1GB.",
    )(function)
