"""The configuration of audits: where services drop their evidence, where the audits keep what they know, what fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from forensics.config import Problem, load_as
from forensics.findings import Severity

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class _Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    drop: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    service: list[_Service]
    state: str = "audit"
    fail_on: Severity = "high"


@dataclass(frozen=True, slots=True)
class Service:
    """A service and the folder into which its evidence is dropped, one subfolder with a canary.toml a rollout."""

    name: str
    drop: Path


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """Services in the order of the file; `state` holds cases, record, overview; findings of `fail_on` and above are exit 1."""

    services: list[Service]
    state: Path
    fail_on: Severity

    def home(self, service: Service) -> Path:
        """Return the folder of the cases of a service."""
        return self.state / "cases" / service.name


def load(path: Path) -> AuditConfig:
    """Return the configuration in `path`; its folders are relative to it.

    Raises:
        ConfigError: it cannot be read or breaks a rule; see `forensics.config.load`.

    """
    given = load_as(path, _File, _problems)
    folder = path.absolute().parent
    services = [Service(item.name, folder / item.drop) for item in given.service]
    return AuditConfig(services, folder / given.state, given.fail_on)


def _problems(given: _File) -> Iterator[Problem]:
    if not given.service:
        yield Problem("service", "There is no [[service]] to audit.")
    seen: set[str] = set()
    for index, item in enumerate(given.service):
        if not _NAME.fullmatch(item.name):
            yield Problem(
                f"service[{index}].name", "A name is made of letters, digits and . _ -, 64 at most; it names a folder."
            )
        if item.name.casefold() in seen:
            yield Problem(f"service[{index}].name", f"There are two services `{item.name}`.")
        seen.add(item.name.casefold())
        if "\0" in item.drop or not item.drop:
            yield Problem(f"service[{index}].drop", "Name the folder into which the evidence is dropped.")
    if "\0" in given.state or not given.state:
        yield Problem("state", "Name a folder.")
