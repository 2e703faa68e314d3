"""Cross-Origin-Opener-Policy, -Embedder-Policy (HTML standard, 7.1.3 and 7.1.4) and -Resource-Policy (Fetch standard, 3.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict, Response

_STEPS: Mapping[str, tuple[str, Mapping[str, int]]] = MappingProxyType({
    "cross-origin-opener-policy": (
        "coop",
        {"unsafe-none": 0, "same-origin-allow-popups": 1, "noopener-allow-popups": 2, "same-origin": 3},
    ),
    "cross-origin-embedder-policy": ("coep", {"unsafe-none": 0, "credentialless": 1, "require-corp": 2}),
    "cross-origin-resource-policy": ("corp", {"cross-origin": 0, "same-site": 1, "same-origin": 2}),
})  # fmt: skip
HEADERS = frozenset(_STEPS)
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    header: {f"{short}-not-implemented": 0, f"{short}-header-invalid": 0}
    | {f"{short}-implemented-with-{value}": rank for value, rank in steps.items()}
    for header, (short, steps) in _STEPS.items()
})  # fmt: skip


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge each of the three; parameters (`; report-to=...`) change nothing."""
    for header, (short, steps) in _STEPS.items():
        verdict = f"{short}-{_meaning(response.all(header), steps)}"
        yield HeaderVerdict(header, verdict, RANKS[header][verdict])


def _meaning(values: list[str], steps: Mapping[str, int]) -> str:
    """Browsers take a repeated or unknown value for none."""
    if not values:
        return "not-implemented"
    value = values[0].partition(";")[0].strip().lower()
    return f"implemented-with-{value}" if len(values) == 1 and value in steps else "header-invalid"
