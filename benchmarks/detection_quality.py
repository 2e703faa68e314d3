"""How well the content patterns tell: on the labelled corpus, on benign bodies, and beside what other tools look for.

    python benchmarks/detection_quality.py [--check] [--bodies 20000]

Writes docs/detection-quality.md but its last part, which benchmarks/access_rollouts.py makes; `--check` writes nothing and says whether the page is what it would write. Takes half a minute.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.benign import bodies
from benchmarks.corpus import Case, cases, found
from benchmarks.quality_page import PAGE, access_part
from forensics.scan import default_scanner, scan_text
from forensics.scan.patterns import builtin_patterns

PEERS = Path(__file__).parent / "peers.toml"
BODIES = 20_000
_JUDGED = frozenset(("critical", "high", "medium"))
_INTRODUCTION = """# Detection quality

Made by `python benchmarks/detection_quality.py`; a test makes it again. Patterns judge one response alone; detectors then report what the
baseline does not show, so that what every response has is not a finding, whatever the figures here.

## Labelled corpus

`tests/corpus/` holds responses with the label of a person, other texts than the examples in the pattern files. A positive is right if a
pattern of its class is found, a negative if none is. The people who wrote the patterns wrote the corpus, too: the figures show what was
thought of, and that it stays so; they are no estimate for traffic that nobody has seen.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and the patterns of its class that were found."""

    case: Case
    patterns: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether something was found exactly where something is."""
        return self.case.positive == bool(self.patterns)


def outcomes() -> list[Outcome]:
    """Judge the whole corpus."""
    return [Outcome(case, tuple(sorted({match.pattern for match in found(case)}))) for case in cases()]


def page(count: int = BODIES) -> str:
    """Return the whole page."""
    return "\n".join([corpus_part(), *_benign(count), *_limits(), *_peers()]).rstrip("\n") + "\n" + access_part()


def corpus_part() -> str:
    """Return what the page says of the corpus: the table, what is missed, what is found where nothing is."""
    judged = outcomes()
    return "\n".join([_INTRODUCTION, *_corpus(judged), *_wrong(judged)])


def _corpus(judged: list[Outcome]) -> Iterator[str]:
    patterns = Counter(pattern.pattern_class for pattern in builtin_patterns())
    yield "| class | patterns | positives | negatives | precision | recall |\n|---|---|---|---|---|---|"
    for name in sorted(patterns):
        yield _row(f"`{name}`", patterns[name], [item for item in judged if item.case.pattern_class == name])
    yield _row("all", patterns.total(), judged)


def _row(name: str, patterns: int, judged: list[Outcome]) -> str:
    right = sum(item.case.positive and item.right for item in judged)
    false = sum(not item.case.positive and not item.right for item in judged)
    positives = sum(item.case.positive for item in judged)
    return f"| {name} | {patterns} | {positives} | {len(judged) - positives} | {_share(right, right + false)} | {_share(right, positives)} |"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def _wrong(judged: list[Outcome]) -> Iterator[str]:
    yield "\n### Missed\n"
    yield from _listed(item for item in judged if item.case.positive and not item.right)
    yield "\n### Found where nothing is\n"
    yield from _listed(item for item in judged if not item.case.positive and not item.right)


def _listed(wrong: Iterable[Outcome]) -> Iterator[str]:
    lines = [
        f"- `{item.case.pattern_class}` case {item.case.number}: {item.case.note}"
        + "".join(f" (`{name}`)" for name in item.patterns)
        for item in wrong
    ]
    yield from lines or ["None."]


def _benign(count: int) -> Iterator[str]:
    hits, all_of_kind = benign_hits(count)
    yield f"\n## Benign bodies\n\n`benchmarks/benign.py` makes {count:,} bodies in which nothing is to be found. Hit by a pattern of severity medium or above:"
    yield f"**{sum(hits.values()):,} of {count:,} ({sum(hits.values()) / count:.2%})**; the aim is 0.5 % at most.\n"
    yield "| kind | bodies | hit |\n|---|---|---|"
    yield from (f"| {kind} | {all_of_kind[kind]:,} | {hits[kind]} |" for kind in sorted(all_of_kind))


def benign_hits(count: int) -> tuple[Counter[str], Counter[str]]:
    """Return, by kind, how many benign bodies are hit at severity medium or above, and how many there are."""
    scanner, hits, all_of_kind = default_scanner(), Counter[str](), Counter[str]()
    for body in bodies(count):
        all_of_kind[body.kind] += 1
        hits[body.kind] += any(match.severity in _JUDGED for match in scan_text(scanner, body.text, body.content_type))
    return hits, all_of_kind


def _limits() -> Iterator[str]:
    asked = sorted({pattern.opt_in for pattern in builtin_patterns() if pattern.opt_in})
    yield f"""
## What cannot be told

- A page that teaches shows what a page that fails shows: a whole stack trace or database message in an article is found like any other.
  Only the baseline, which has the same article, tells them apart.
- In JSON each string is looked at by itself. A number that is no string (`{{"pan": 4000001234567899}}`) is not looked at, and what shows
  only in several properties together (`"version": "2.0"` beside `"paths"`) is found by the property that is typical alone.
- Numbers with a check digit but without a form of their own (PESEL, BSN, CNP, tax numbers) count only beside their name: every tenth or
  eleventh order number would pass. A general name (`nationalId`) is not enough.
- Numbers without a check digit (US SSN, passports, ...) are looked for only where canary.toml asks for the country, beside their name:
  `[privacy] countries = ["us"]`. There are: {", ".join(f"`{name}`" for name in asked)}.
- A telephone number is checked against its country's numbering plan only after `+CC`. In national form it counts beside its name only, at
  confidence low: the same digits are an order number elsewhere.
- A script that is meant to be fetched (`curl ... | sh`) begins like a script that should not be there.
- Configuration and environment files are not looked for in HTML: pages that show them are tutorials. A server that sends one as
  `text/html` is missed.
- Keys that pages carry on purpose are of severity low: Google keys beside `authDomain` or in the address of a script, key ids in signed URLs,
  Stripe's client secrets. In JSON a Google key stands alone in its string and stays at medium.
- A provider's key without a form of its own shows by its name only: `NAME_SECRET_KEY=...` in text; in JSON under `apiKey`, `accessToken` and
  the like, or where the name has the word secret or password. A compound such as `vendorApiKey` is missed.
- Traces in JSON: a frame that is an object shows by a Java source file as its file name, a class that runs others, or PHP's `"type":"->"`; a
  frame that is a string only under a name such as `stackTrace` or `stack`. A property with one of these values that is no trace is found, too.
- Hosts under `.local` count with two names before it, a scheme or a port, `.corp.`, `.intranet.`, `.internal.` and `.lan.` in the middle of a
  name only before a common ending: `printer.local` alone and `labels.corp.title` look the same as settings and message keys.
- A shell history shows by four known commands from its first line on, or by its times; `.svn/entries` only up to Subversion 1.6, since 1.7
  it holds one number. Binary files (`.git/index`, `.DS_Store`) show where the evidence keeps their first bytes.
- A number of a telephone after `00` counts with a space, hyphen or bracket after the country code: `0049301234567` may be an order.
- Contacts of security.txt are left out, and addresses of roles (`security@`, `abuse@`, ...): they are published on purpose.
- `X-Powered-By: Express` and other names without a version are not reported where the bare word would open the gate for ordinary pages."""


def _peers() -> Iterator[str]:
    yield "\n## What other tools look for\n\nBy pattern or detector here, or the reason why not. Lists: `benchmarks/peers.toml`."
    for peer in tomllib.loads(PEERS.read_text(encoding="utf-8"))["peer"]:
        yield f"\n### {peer['name']}\n\n| rule | here |\n|---|---|"
        yield from (f"| {rule} | {answer} |" for rule, answer in peer["rules"])


def main() -> int:
    """Write the page, or with --check say whether it differs and return 1 if it does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page differs")
    parser.add_argument("--bodies", type=int, default=BODIES, help="benign bodies to make")
    arguments = parser.parse_args()
    text = page(arguments.bodies)
    if arguments.check:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("The page is up to date." if same else f"{PAGE.name} differs: run this without --check.")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
