"""Every pattern file keeps its promises; a file that does not is refused with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import PatternError
from forensics.resources import tree, walk
from forensics.scan import Scanner, default_scanner, load_patterns, scan_text
from forensics.scan.json_strings import looks_like_json, unescape_body
from forensics.scan.patterns import Pattern, parse
from forensics.scan.regex import encode
from forensics.scan.selftest import as_json, failures, found, surroundings

PATTERNS = load_patterns()
TRUE = [pytest.param(pattern, text, id=f"{pattern.id}-{number}") for pattern in PATTERNS for number, text in enumerate(pattern.true_positives)]
FALSE = [pytest.param(pattern, text, id=f"{pattern.id}-{number}") for pattern in PATTERNS for number, text in enumerate(pattern.false_positives)]

GOOD = """
title = "Word"
class = "demo"
gate = 'secretword'
exact = 'secretword-[0-9]{12}'
severity = "low"
confidence = "low"
mask = "secret"
cwe = ["CWE-200"]
true_positives = ["secretword-123456789012"]
false_positives = ["secretword"]
"""


def test_the_eleven_patterns_are_there_and_named_after_their_files() -> None:
    paths = [path for path, _ in walk(tree("queries") / "patterns", ".toml")]
    assert [pattern.id for pattern in PATTERNS] == [path.removesuffix(".toml").replace("/", ".") for path in paths]
    assert len(PATTERNS) >= 11


@pytest.mark.parametrize(("pattern", "text"), TRUE)
def test_true_positive_is_found(pattern: Pattern, text: str) -> None:
    scanner = Scanner((pattern,))
    assert found(scanner, text)
    assert found(scanner, as_json(text))


@pytest.mark.parametrize(("pattern", "text"), TRUE)
def test_gate_of_all_patterns_together_opens_inside_a_large_body(pattern: Pattern, text: str) -> None:
    index = PATTERNS.index(pattern)
    for place, surrounded in surroundings(unescape_body(text) if looks_like_json(text) else text):
        assert index in default_scanner().candidates(encode(surrounded)), place


@pytest.mark.parametrize(("pattern", "text"), FALSE)
def test_false_positive_is_not_found(pattern: Pattern, text: str) -> None:
    assert not found(Scanner((pattern,)), text)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_masked_values_do_not_hold_the_value(pattern: Pattern) -> None:
    matches = [match for text in pattern.true_positives for match in scan_text(Scanner((pattern,)), text)]
    assert matches
    assert all(match.value not in match.masked for match in matches)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("gate = 'secretword'", "gate = 'secretword[0-9]{9}'", "gate"),
        ("gate = 'secretword'", "gate = '^secretword'", "gate"),
        ("gate = 'secretword'", "gate = 'x*'", "gate"),
        ("exact = 'secret", "exact = '(secret", "exact"),
        ("exact = 'secretword-", "exact = '(?=x)", "exact"),
        ('class = "demo"', 'class = "other"', "class"),
        ('mask = "secret"', 'mask = "secret"\nvalidator = "none"', "validator"),
        ('mask = "secret"', 'mask = "secret"\ncolour = "red"', "colour"),
        ('mask = "secret"', 'mask = "rot13"', "mask"),
        ('true_positives = ["secretword-123456789012"]', "true_positives = []", "true_positives"),
        ('mask = "secret"', "mask = secret", None),
    ],
)
def test_a_bad_file_is_refused_with_file_and_key(before: str, after: str, key: str | None) -> None:
    assert before in GOOD
    with pytest.raises(PatternError) as caught:
        parse(GOOD.replace(before, after), "demo/word.toml", Path("demo/word.toml"))
    assert caught.value.location is not None
    assert (caught.value.location.path, caught.value.location.key) == (Path("demo/word.toml"), key)


def test_a_users_pack_is_loaded_and_proven(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "word.toml").write_text(GOOD)
    assert load_patterns([tmp_path])[-1].id == "demo.word"
    (folder / "word.toml").write_text(GOOD.replace('["secretword"]', '["secretword-000000000000"]'))
    with pytest.raises(PatternError, match="false positive 1"):
        load_patterns([tmp_path])


def test_selftest_names_a_gate_that_hides_its_example() -> None:
    pattern = parse(GOOD.replace("gate = 'secretword'", "gate = 'otherword'"), "demo/word.toml", Path("word.toml"))
    assert list(failures(pattern)) == ["true positive 1 is not found by itself."]
