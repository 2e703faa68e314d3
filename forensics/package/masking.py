"""Findings and results without what names people: accounts become stand-ins, free text is left out.

Almost all of them name nobody already. Those that do, do so because an investigator must know: who acted on the rollout (actions, timeline,
review) and who owns a suppression. Text that people write in their own words (messages, reasons) is never searched for names: it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from forensics.package.pseudonyms import Names

Json = dict[str, Any]
# Accounts of software are no people: names of the cluster's own parts, and of controllers that report events.
_SOFTWARE = re.compile(r"system:\S*|[a-z0-9-]+-controller")
_APPROVED = re.compile(r"Approved by (.+); (first .*)", re.DOTALL)
_NOBODY = ("", "somebody whom no record names")


def masked_findings(findings: Mapping[str, Any], names: Names) -> Json:
    """Return findings.json with stand-ins for owners of suppressions, and without their reasons."""
    case = {**findings["case"]}
    case["expired_suppressions"] = [_expired(text, names) for text in case.get("expired_suppressions", [])]
    return {**findings, "case": case, "findings": [_finding(item, names) for item in findings["findings"]]}


def masked_results(results: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Json]:
    """Return results/*.json with stand-ins for accounts, and without messages."""
    return {name: _MASKS.get(name, _as_it_is)(result, names) for name, result in results.items()}


def account(name: str, names: Names) -> str:
    """Return the stand-in of an account; software keeps its name."""
    return name if name in _NOBODY or _SOFTWARE.fullmatch(name) else names.of("user", [name])[name]


def left_out(text: str) -> str:
    """Return what stands in place of free text."""
    return f"({len(text):,} characters, in the case)" if text else ""


def _as_it_is(result: Mapping[str, Any], _names: Names) -> Json:
    return dict(result)


def _finding(item: Json, names: Names) -> Json:
    rule = item.get("suppression")
    if not rule:
        return item
    return {**item, "suppression": {**rule, "owner": account(rule["owner"], names), "reason": left_out(rule["reason"])}}


def _expired(text: str, names: Names) -> str:
    """Mask `the suppression of DETECTOR (ENTITY), owner OWNER, expired on DAY`; both may hold anything, so the last of each is taken."""
    head, _, tail = text.rpartition(", expired on ")
    what, _, owner = head.rpartition(", owner ")
    return f"{what}, owner {account(owner, names)}, expired on {tail}"


def _actions(result: Mapping[str, Any], names: Names) -> Json:
    rows = [_action(row, names) for row in result["actions"]]
    return {**result, "actions": rows, "sentence": _sentence(result["sentence"], names)}


def _action(row: Json, names: Names) -> Json:
    kind, _, name = row["object"].partition(" ")
    named = f"{kind} {names.of('resource', [name])[name]}" if name else row["object"]
    return {**row, "actor": account(row["actor"], names), "object": named, "message": ""}


def _sentence(text: str, names: Names) -> str:
    """Keep a sentence that names nobody, mask the one that does, drop what is neither."""
    if text.startswith("No record"):
        return text
    found = _APPROVED.fullmatch(text)
    if not found:
        return ""
    who = (account(name, names) for name in found[1].split(", "))
    return f"Approved by {', '.join(who)}; {found[2]}"


def _timeline(result: Mapping[str, Any], _names: Names) -> Json:
    events = [event | ({"detail": ""} if event["kind"] == "action" else {}) for event in result["events"]]
    return {**result, "events": events}


def _review(result: Mapping[str, Any], _names: Names) -> Json:
    actions = [{**action, "text": action["text"].partition(":")[0]} for action in result["actions"]]
    return {**result, "actions": actions}


_MASKS: dict[str, Callable[[Mapping[str, Any], Names], Json]] = {
    "actions": _actions,
    "timeline": _timeline,
    "review": _review,
}
