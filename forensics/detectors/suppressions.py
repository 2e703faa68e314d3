"""Suppressions: findings somebody owns until a day; they stay countable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from forensics.config import Config


def entity_text(entity: Mapping[str, Any]) -> str:
    """Return an entity as one line: `destination=collect.example destination_port=443`."""
    return " ".join(f"{key}={value}" for key, value in entity.items())


def suppression_of(config: Config, detector: str, entity: Mapping[str, Any], as_of: date) -> dict[str, str] | None:
    """Return owner, reason and expiry of the first suppression that fits and has not expired on `as_of`."""
    text = entity_text(entity)
    for rule in config.suppress:
        values = [text, *(str(value) for value in entity.values())]
        fits = fnmatchcase(detector, rule.detector) and any(fnmatchcase(value, rule.entity) for value in values)
        if fits and rule.expires >= as_of:
            return {"owner": rule.owner, "reason": rule.reason, "expires": rule.expires.isoformat()}
    return None


def expired(config: Config, as_of: date) -> list[str]:
    """Return a sentence for every suppression that has expired on `as_of`."""
    return [
        f"the suppression of {rule.detector} ({rule.entity}), owner {rule.owner}, expired on {rule.expires.isoformat()}"
        for rule in config.suppress
        if rule.expires < as_of
    ]
