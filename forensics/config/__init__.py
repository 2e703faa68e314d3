"""canary.toml: its declaration, and how it is read and checked."""

from forensics.config.load import FILE_NAME, Loaded, Problem, check, empty, json_schema, load, parse
from forensics.config.model import Config, Enrich

__all__ = ["FILE_NAME", "Config", "Enrich", "Loaded", "Problem", "check", "empty", "json_schema", "load", "parse"]
