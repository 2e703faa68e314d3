"""Detectors: loaded from SQL files, run in the sandbox, judged by the engine."""

from forensics.detectors.corroboration import with_corroboration
from forensics.detectors.front import Detector, by_id, load
from forensics.detectors.incidents import group, with_changed_components
from forensics.detectors.run import CUT, Context, Outcome, run
from forensics.detectors.suppressions import entity_text, expired

__all__ = [
    "CUT",
    "Context",
    "Detector",
    "Outcome",
    "by_id",
    "entity_text",
    "expired",
    "group",
    "load",
    "run",
    "with_changed_components",
    "with_corroboration",
]
