"""The class `secret` as a whole: how many providers, what placeholders do, what the corpus holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from benchmarks.bodies import bodies
from benchmarks.scan import differences
from forensics.scan import Scanner, default_scanner, load_patterns, scan_text
from forensics.scan.engine import Match, unshadowed

SECRETS = tuple(pattern for pattern in load_patterns() if pattern.pattern_class == "secret")
CORPUS = Path(__file__).parent.parent / "corpus" / "secret.toml"
PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
KINDS = {"hex", "base62", "base64", "base64url", "digits", "upper", "lower", "upper_alnum", "alnum"}


def test_there_are_many_providers() -> None:
    assert len(SECRETS) >= 120


@pytest.mark.parametrize(
    "name", ["github", "npm", "grafana_service_account", "gitlab_personal", "age_key", "nostr_key"]
)
def test_what_proves_itself_is_sure(name: str) -> None:
    """A pattern whose values carry a documented checksum checks it and says so."""
    pattern = next(pattern for pattern in SECRETS if pattern.name == name)
    assert pattern.confidence == "high"
    assert pattern.validator not in ("", "varied", "random_like")


def secrets(text: str, content_type: str | None = None) -> list[Match]:
    return [match for match in scan_text(default_scanner(), text, content_type) if match.pattern_class == "secret"]


@pytest.mark.parametrize(
    "value",
    [
        "<password>",
        "${DB_PASSWORD}",
        "{{ password }}",
        "%s",
        "[secret]",
        "******",
        "$DB_PASSWORD",
        "xxxxxxxx",
        "changeme1234",
    ],
)
def test_placeholders_are_no_passwords(value: str) -> None:
    """What documentation and templates put in place of a password, in every place that could hold one."""
    for text in (
        f"postgres://app:{value}@db/orders",
        f"Server=a;Uid=b;Pwd={value};",
        f"//r.example/:_authToken={value}",
    ):
        assert not secrets(text), text


def test_guesses_give_way() -> None:
    """A value that a provider's pattern knows is not reported as a guess too; another value beside it is."""
    text = 'API_KEY="SG.AlfaBravoCharlieDelta7.AlfaBravoCharlieDeltaEchoFoxtrotGolfHotelI7"'
    assert [match.pattern for match in secrets(text)] == ["secret.sendgrid"]
    assert {match.pattern for match in secrets(text + "\nDB_PASSWORD=Alfa7bravo31Echo")} == {
        "secret.sendgrid",
        "secret.generic_assignment",
    }


def match(name: str, confidence: str, start: int, end: int) -> Match:
    return Match(f"{name}.x", name, confidence, "low", start, end, "", "", "")  # type: ignore[arg-type] # short of it


def test_only_a_surer_match_of_the_same_class_hides() -> None:
    """Other classes, matches side by side and matches of middle confidence stay."""
    low, sure = match("secret", "low", 5, 9), match("secret", "high", 0, 6)
    assert unshadowed([sure, low]) == [sure]
    assert unshadowed([low]) == [low]
    for others in (
        [match("secret", "high", 0, 5), low],
        [low, match("secret", "high", 9, 12)],
        [match("pii", "high", 0, 9), low],
        [sure, match("secret", "medium", 5, 9)],
    ):
        assert unshadowed(others) == others
    wide = [match("secret", "high", 0, 20), match("secret", "high", 1, 2), low]
    assert unshadowed(wide) == wide[:2]


def test_many_guesses_among_many_sure_matches_take_linear_time() -> None:
    sure = [match("secret", "high", start, start + 1) for start in range(0, 200_000, 2)]
    low = [match("secret", "low", start + 1, start + 2) for start in range(0, 200_000, 2)]
    both = [item for pair in zip(sure, low, strict=True) for item in pair]
    assert unshadowed(both) == both


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_all_patterns_together_find_what_each_finds_alone(count: int) -> None:
    """On bodies of every kind, every second with an example of some pattern, gates change nothing."""
    patterns = load_patterns()
    sent = list(bodies(count, [pattern.true_positives[0] for pattern in patterns], seed=7, one_in=2))
    assert sum(bool(scan_text(default_scanner(), body, kind)) for kind, body in sent) > count // 4
    assert differences(Scanner(patterns), sent) == 0


def test_ordinary_bodies_hold_no_secret() -> None:
    assert not [body for kind, body in bodies(1000, [], seed=3) if secrets(body, kind)]


def test_the_corpus_is_well_formed() -> None:
    """160 cases of each label and more, all different, with placeholders that a reader knows how to fill."""
    cases = tomllib.loads(CORPUS.read_text("utf-8"))["case"]
    labels = [case["label"] for case in cases]
    assert set(labels) == {"positive", "negative"}
    assert min(labels.count("positive"), labels.count("negative")) >= 160
    assert len({case["body"] for case in cases}) == len(cases)
    for case in cases:
        assert set(case) == {"label", "content_type", "body", "note"}
        assert "/" in case["content_type"]
        assert case["note"]
        for placeholder in PLACEHOLDER.findall(case["body"]):
            kind, _, size = placeholder.partition(":")
            assert kind in KINDS, placeholder
            assert size.isdigit(), placeholder
