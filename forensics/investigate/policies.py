"""Lint and conversion of policy files, with the numbers of a case where one is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics import views
from forensics.case import Case
from forensics.investigate.replay import known_of
from forensics.replay.convert import converted
from forensics.replay.lint import lint
from forensics.replay.lint.evidence import traffic_of
from forensics.replay.measure import checked
from forensics.replay.policies import load
from forensics.replay.promql import load as load_bindings
from forensics.replay.promql import scrape_times
from forensics.replay.rollout import episodes


def linted(
    files: Sequence[Path], case: Case | None, binding: Path | None, arguments: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the issues of policies, worst first: {rule, level, file, line, gate, key, message, reason, fix, evidence}.

    Raises:
        ConfigError: a file cannot be read, or holds no policy.

    """
    policies, bindings = load(files, arguments), load_bindings(binding)
    if binding:
        policies = [replace(policy, runs=tuple(checked(run, bindings) for run in policy.runs)) for policy in policies]
    scrape = scrape_times(bindings).interval
    if case is None:
        return lint(policies, scrape, {})
    with views.opened(case) as sandbox:
        return lint(policies, scrape, traffic_of(sandbox, policies, bindings, episodes(sandbox, known_of(case))))


def convert(files: Sequence[Path], arguments: Mapping[str, str]) -> str:
    """Return policies as one of our own; raises like `linted`."""
    return converted(load(files, arguments))
