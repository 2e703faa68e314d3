"""Policies that canary.toml names are copied into the case when its configuration is written, so that a case replays the same wherever it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from forensics.case import Case
from forensics.config import Config, Loaded
from forensics.replay.policies import Policy, Start, load
from forensics.replay.policies.documents import read
from forensics.replay.promql import Bindings
from forensics.replay.promql import load as load_bindings

FOLDER = "policies"


@dataclass(frozen=True, slots=True)
class Kept:
    """The policies of one `[[policy]]` with their bindings."""

    policies: list[Policy]
    bindings: Bindings


def keep_policies(case: Case, loaded: Loaded) -> None:
    """Copy the files that `[[policy]]` names into the case and record their hashes; call it where the configuration is written.

    Raises:
        ConfigError: a file is not there, or is no policy or binding.

    """
    check_policies(loaded)
    folder = loaded.path.parent if loaded.path else Path()
    files = {target: read(folder / name).encode() for target, name in _names(loaded.config)}
    if files:
        case.commit("policies", files)


def check_policies(loaded: Loaded) -> None:
    """Read every file that `[[policy]]` names, relative to the folder of canary.toml; raises `ConfigError`."""
    folder = loaded.path.parent if loaded.path else Path()
    for item in loaded.config.policy:
        load([folder / item.file])
        load_bindings(folder / item.bindings if item.bindings else None)


def kept(case: Case, config: Config) -> list[Kept]:
    """Return the policies of a case in the order of canary.toml; those whose copies are not there are left out.

    Raises:
        ConfigError: a copy cannot be read. IntegrityError: a copy is not what was recorded.

    """
    found = []
    for index, item in enumerate(config.policy):
        file, bindings = _target(index, "file", item.file), _target(index, "bindings", item.bindings)
        if not (case.folder / file).is_file():
            continue
        case.require_recorded(file, *([bindings] if item.bindings else []))
        policies = load([case.folder / file])
        if item.phase:
            policies = [_in_phase(policy, item.phase) for policy in policies]
        found.append(Kept(policies, load_bindings(case.folder / bindings if item.bindings else None)))
    return found


def _in_phase(policy: Policy, phase: str) -> Policy:
    """Begin every run that has no place of its own with a phase."""
    return replace(
        policy,
        runs=tuple(run if run.start != Start() else replace(run, start=Start(phase=phase)) for run in policy.runs),
    )


def _names(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the place in the case and the name in canary.toml of every file."""
    for index, item in enumerate(config.policy):
        for kind, name in (("file", item.file), ("bindings", item.bindings)):
            if name:
                yield _target(index, kind, name), name


def _target(index: int, kind: str, name: str) -> str:
    return f"{FOLDER}/{index + 1}-{kind}-{Path(name).name}"
