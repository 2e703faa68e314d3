"""Policies: one file a kind; `load` reads files of any of them. Providers and forms that cannot be replayed stay as gates with a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from forensics.errors import ConfigError, Location
from forensics.replay.policies import argo_rollout, argo_template, flagger, own
from forensics.replay.policies.documents import Document, read_documents
from forensics.replay.policies.model import Compare, Gate, Policy, Run, Start

MAX_GATES = 200
_READERS = {kind: module.read for module in (argo_template, argo_rollout, flagger) for kind in module.KINDS}

__all__ = ["Compare", "Gate", "Policy", "Run", "Start", "load"]


def load(paths: Sequence[Path], arguments: Mapping[str, str] | None = None) -> list[Policy]:
    """Return the policies of files; templates that a Rollout or Canary among them refers to are no policy of their own.

    Raises:
        ConfigError: a file is no policy, or one that cannot be read.

    """
    toml = [path for path in paths if path.suffix == ".toml"]
    library = [document for path in paths if path not in toml for document in read_documents(path)]
    found = [_READERS[item.kind](item, library, arguments or {}) for item in _leading(library)]
    found += [own.read(path) for path in toml]
    if not found:
        kinds = ", ".join(_READERS)
        raise ConfigError(
            f"There is no policy in {', '.join(map(str, paths)) or 'what was named'}.",
            hint=f"A policy is a TOML file of kind policy, or YAML of kind {kinds}.",
            location=Location(paths[0]) if paths else None,
        )
    _require_few(found)
    return found


def _leading(library: list[Document]) -> list[Document]:
    """Return the documents that are policies: a Rollout that names templates takes their place."""
    roots = [item for item in library if item.kind in ("Rollout", "Canary")]
    templates = [item for item in library if item.kind in argo_template.KINDS]
    return roots or templates


def _require_few(policies: list[Policy]) -> None:
    for policy in policies:
        count = sum(len(run.gates) for run in policy.runs)
        if count > MAX_GATES:
            raise ConfigError(f"The policy has {count:,} gates; {MAX_GATES} at most.", location=Location(policy.path))
