"""run/config.json: canary.toml as it was applied, without what identifies people.

Every text of the configuration is decided here, by its key: what is not named is kept, and a test compares the lists with the model, so that a new
key cannot slip in undecided. Tests of a cohort rule follow the class of the column that they test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import msgspec

from forensics.config import Config
from forensics.package.masking import account, left_out
from forensics.package.pseudonyms import Names, kind_of
from forensics.schema import TABLES

Mask = Callable[[str, Names], str]


def _client(text: str, names: Names) -> str:
    return names.of("address", [text])[text] if text else ""


def _hidden(text: str, _names: Names) -> str:
    return left_out(text)


def _file(text: str, _names: Names) -> str:
    """Return a file's name: its folder may be somebody's."""
    return PurePath(text).name


MASKS: dict[str, Mask] = {
    "allow.owner": account,
    "allow.reason": _hidden,
    "suppress.owner": account,
    "suppress.reason": _hidden,
    "synthetic.user_agent": _hidden,
    "synthetic.client": _client,
    "retention.reason": _hidden,
    "policy.file": _file,
    "policy.bindings": _file,
    "enrich.country_file": _file,
    "enrich.asn_file": _file,
}
_PATTERNS = ("glob", "re2", "cidr")


def masked_config(config: Config, names: Names) -> dict[str, Any]:
    """Return the configuration as plain objects."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    for key, mask in MASKS.items():
        section, _, leaf = key.partition(".")
        for entry in _entries(plain.get(section)):
            if entry.get(leaf):
                entry[leaf] = mask(entry[leaf], names)
    plain["cohort"] = [_rule(rule, names) for rule in plain.get("cohort", [])]
    return plain


def _entries(section: Any) -> list[dict[str, Any]]:
    return section if isinstance(section, list) else [section] if section else []


def _rule(rule: dict[str, Any], names: Names) -> dict[str, Any]:
    """Mask the values that a rule tests a column of people for."""
    column = rule.get("column", "")
    if not identifies(column):
        return rule
    kind, masked = kind_of(column), dict(rule)
    if rule.get("equals"):
        masked["equals"] = names.of(kind, [rule["equals"]])[rule["equals"]]
    if rule.get("in"):
        masked["in"] = list(names.of(kind, rule["in"]).values())
    return masked | {test: left_out(rule[test]) for test in _PATTERNS if rule.get(test)}


def identifies(column: str) -> bool:
    """Say whether any table has a column of this name that may hold personal data."""
    return any(item.name == column and item.personal != "none" for table in TABLES.values() for item in table.columns)
