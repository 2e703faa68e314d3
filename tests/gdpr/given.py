"""A gdpr.toml in which nothing is blank, and short ways to documents."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from forensics.case import open_case
from forensics.gdpr import documents, parse
from forensics.gdpr.model import FILE_NAME

FULL = """
[jurisdiction]
law = "eu"
authority = "Data Protection Commission"
cross_border = false
reference = "BN-1"

[controller]
name = "Shop Ltd"
address = "1 High Street"

[[processor]]
name = "Cloud SA"
role = "hosts the service"
told_controller_at = 2026-03-03T11:00:00Z

[contact]
name = "Dana Officer"
role = "data protection officer"
email = "dpo@shop.example"

[[category]]
name = "administrators"
roles = ["admin"]

[[category]]
name = "customers"
user = "u-*"

[data]
categories = ["e-mail addresses", "orders"]
special_categories = false
criminal_offences = false
children = false

[nature]
description = "A release showed order contacts.\\nIt was rolled back."

[consequences]
likely = "Unwanted mail."

[measures]
taken = ["Rolled back."]
proposed = ["Review of new properties."]

[clock]
aware_at = 2026-03-27T23:30:00+01:00
aware_by = "Dana Officer"
aware_reason = "the findings were confirmed by hand"
triaged_at = 2026-03-27T22:00:00+01:00
triaged_by = "Ira Responder"
notified_at = 2026-03-30T22:30:00Z

[risk]
severity = "low"

[decision]
notify_authority = true
notify_reason = "a risk cannot be ruled out"
tell_people = false
tell_reason = "the risk is not high"
approver = "Chris Chief"
approved_at = 2026-03-28T10:00:00Z
"""
UK = FULL.replace('law = "eu"', 'law = "uk"').replace('authority = "Data Protection Commission"\ncross_border = false\n', "")  # fmt: skip


def made(case: Path, text: str = "", *, final: bool = False) -> dict[str, bytes]:
    """Return the documents of a case folder for a gdpr.toml."""
    return documents(open_case(case), parse(text, Path(FILE_NAME)), final=final)


def notification(case: Path, text: str = "") -> dict[str, Any]:
    """Return the Article 33 notification as JSON."""
    found: dict[str, Any] = json.loads(made(case, text)["art33-notification.json"])
    return found


def numbers(case: Path, text: str = "") -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Return the numbers of a case by detector (or total), measure, bound and class."""
    found = notification(case, text)
    names = {item["id"]: item["detector"] for item in found["nature"]["findings"]} | {"total": "total"}
    return {(names[n["about"]], n["measure"], n["bound"], n["data_class"]): n for n in found["numbers"]}


def filled(text: str, values: list[str]) -> str:
    """Return gdpr.toml with the texts that are free replaced one after another, written as JSON writes them."""
    lines, rest = [], iter(values * 20)
    fixed = {"law", "user", "roles"}
    for line in text.splitlines():
        key, _, value = line.partition(" = ")
        free = key not in fixed and value.startswith('"')
        lines.append(f"{key} = {json.dumps(next(rest))}" if free else line)
    told = "\n".join(lines)
    tomllib.loads(told)
    return told
