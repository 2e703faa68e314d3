"""What the parts of a package are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.case import Case
from forensics.detectors import Detector
from forensics.package.pseudonyms import Names
from forensics.store import Sandbox

Files = dict[str, bytes]  # by path below data/


@dataclass(frozen=True, slots=True)
class Source:
    """An open case, its findings and results without what names people, the stand-ins for names, and the detectors at hand."""

    case: Case
    sandbox: Sandbox
    names: Names
    findings: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    originals: Mapping[str, Mapping[str, Any]]  # the same as they are in the case, by path
    detectors: Sequence[Detector]
