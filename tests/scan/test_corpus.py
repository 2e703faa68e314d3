"""The labelled corpus is well formed, is what the page says of it, and the classes stay as good as they are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks import benign, corpus, detection_quality, quality_page
from forensics.detectors import load
from forensics.scan.patterns import builtin_patterns

CASES = tuple(corpus.cases())
CLASSES = sorted({pattern.pattern_class for pattern in builtin_patterns()})
PAGE = quality_page.PAGE.read_text(encoding="utf-8")


def test_there_are_enough_cases() -> None:
    """Each class has positives and negatives, all together 600 of each, and no body stands twice in one."""
    counts = Counter((case.pattern_class, case.positive) for case in CASES)
    assert all(counts[name, label] >= 25 for name in CLASSES for label in (True, False))
    assert sum(count for (_, label), count in counts.items() if label) >= 600
    assert sum(count for (_, label), count in counts.items() if not label) >= 600
    assert len({(case.pattern_class, case.body, case.headers) for case in CASES}) == len(CASES)


def test_every_case_says_why_it_is_there() -> None:
    """A note, and something to look at."""
    assert all(case.note and (case.body or case.headers) for case in CASES)


def test_no_case_is_an_example_of_a_pattern_file() -> None:
    """The corpus measures other texts than those the patterns were written with."""
    examples = {text for pattern in builtin_patterns() for text in (*pattern.true_positives, *pattern.false_positives)}
    assert not [f"{case.pattern_class} {case.number}" for case in CASES if case.body in examples]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_keep_their_quality(name: str) -> None:
    """Precision and recall of each class on the corpus; what is wrong today is listed on the page."""
    judged = [(case.positive, bool(corpus.found(case))) for case in CASES if case.pattern_class == name]
    found, positives, right = (
        sum(hit for _, hit in judged),
        sum(label for label, _ in judged),
        judged.count((True, True)),
    )
    assert right >= 0.97 * found
    assert right >= 0.95 * positives


def test_the_page_tells_of_the_corpus_as_it_is() -> None:
    """Table, misses and false finds follow from the corpus; the benign bodies are counted by the slow test."""
    assert PAGE.partition("\n\n## Benign bodies")[0] == detection_quality.corpus_part()


@pytest.mark.slow
def test_the_whole_page_is_up_to_date() -> None:
    """All 20,000 benign bodies again."""
    assert detection_quality.page() == PAGE


def test_few_benign_bodies_are_hit() -> None:
    """At most one in two hundred is hit by a pattern of severity medium or above."""
    hits, bodies = detection_quality.benign_hits(2_000)
    assert hits.total() <= 0.005 * bodies.total()


def test_benign_bodies_are_the_same_each_time() -> None:
    """They follow from their number alone, and all kinds come."""
    first, again = list(benign.bodies(300)), list(benign.bodies(300))
    assert first == again
    assert len({body.text for body in first}) == len(first)
    assert {body.kind for body in first} == {kind for kind, *_ in benign._KINDS}


def test_what_covers_a_rule_exists() -> None:
    """Patterns and detectors named beside other tools' rules are there."""
    known = {pattern.id for pattern in builtin_patterns()} | {pattern.pattern_class for pattern in builtin_patterns()}
    known |= {detector.id for detector in load()}
    families = {detector.family for detector in load()}
    words = "|".join([*CLASSES, "secret", *sorted(families)])
    named = re.findall(rf"\b(?:{words})\.\w+", detection_quality.PEERS.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= known


def seeded() -> Random:
    return Random("x")  # noqa: S311 - the same draws each time


def test_placeholders() -> None:
    """They are filled the same way each time, with the characters they name."""
    first, again = (corpus.fill("{{hex:32}} {{digits:12}} {{upper:16}} {{nothing}}", seeded()) for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32} [0-9]{12} [A-Z]{16} \{\{nothing\}\}", first)
    assert first == again
    with pytest.raises(KeyError):
        corpus.fill("{{octal:3}}", seeded())


@pytest.mark.parametrize(
    "text", ["[[case]]\nlabel = 'maybe'\nbody = 'x'\nnote = 'n'", "[[case]]\nlabel = 'positive'\nbody = 'x'"]
)
def test_broken_cases_are_refused(tmp_path: Path, text: str) -> None:
    """A label that is none, or a case without a note, is an error and not a case less."""
    (tmp_path / "pii.toml").write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, KeyError)):
        list(corpus.cases(tmp_path))
