"""docs/detection-quality.md has two parts, made by two commands of which one takes half a minute and the other an hour; each keeps the other's."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "detection-quality.md"
_ACCESS = "\n## Access control\n"


def content_part() -> str:
    """Return what stands there on content."""
    return PAGE.read_text(encoding="utf-8").partition(_ACCESS)[0]


def access_part() -> str:
    """Return what stands there on access control."""
    _, heading, text = PAGE.read_text(encoding="utf-8").partition(_ACCESS)
    return heading + text


def write_access(text: str) -> None:
    """Replace what stands there on access control."""
    PAGE.write_text(f"{content_part().rstrip(chr(10))}\n{_ACCESS}\n{text}\n", encoding="utf-8")
