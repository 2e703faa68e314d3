"""What a result is made of."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.case import Case
from forensics.config import Config
from forensics.detectors import Detector
from forensics.findings import Result
from forensics.store import Sandbox


@dataclass(frozen=True, slots=True)
class Context:
    """The open case with its findings and the detectors that made them."""

    case: Case
    config: Config
    sandbox: Sandbox
    result: Result
    detectors: list[Detector]
