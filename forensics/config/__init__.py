"""canary.toml: its declaration, and how it is read and checked."""

from forensics.config.load import FILE_NAME, Loaded, Problem, check, empty, json_schema, load, load_as, parse
from forensics.config.model import AuthEvent, Config, Enrich

__all__ = [
    "FILE_NAME",
    "AuthEvent",
    "Config",
    "Enrich",
    "Loaded",
    "Problem",
    "check",
    "empty",
    "json_schema",
    "load",
    "load_as",
    "parse",
]
