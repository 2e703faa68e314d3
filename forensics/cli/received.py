"""A case may come from someone else: results that this tool would not write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from forensics.errors import IntegrityError


@contextmanager
def forged_is_told() -> Iterator[None]:
    """Tell a result of another shape than this tool writes as an integrity error, not as a defect; raises `IntegrityError`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            "findings.json or results/ are not what this tool writes.",
            hint="Write them again with: canary-forensics detect CASE.",
        ) from error
