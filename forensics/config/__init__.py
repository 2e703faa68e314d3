"""canary.toml: its declaration, and how it is read and checked; other TOML files are checked by the same means."""

from forensics.config.load import (
    FILE_NAME,
    Loaded,
    Problem,
    check,
    checked,
    empty,
    json_schema,
    load,
    located,
    parse,
    read,
    refusal,
    size_problems,
    zone_problems,
)
from forensics.config.model import Config, Enrich

__all__ = [
    "FILE_NAME",
    "Config",
    "Enrich",
    "Loaded",
    "Problem",
    "check",
    "checked",
    "empty",
    "json_schema",
    "load",
    "located",
    "parse",
    "read",
    "refusal",
    "size_problems",
    "zone_problems",
]
