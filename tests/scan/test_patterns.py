"""Every pattern file proves itself; the contract of a file is checked with broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import PatternError
from forensics.resources import tree, walk
from forensics.scan import Pattern, Scanner, default_scanner, load_patterns, scan_text, scanner_for
from forensics.scan.patterns import builtin_patterns, pack_patterns, parse, read_patterns
from forensics.scan.selftest import as_json, failures, found, gate_opens, matches, surroundings

PATTERNS = builtin_patterns()
EVERY = Scanner(PATTERNS)  # also what a country has to ask for
IDS = [pattern.id for pattern in PATTERNS]
each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=IDS)
TRACES = [pattern for pattern in PATTERNS if pattern.pattern_class == "stack_trace"]

VALID = """
title = "Ticket number"
class = "custom"
gate = 'TICKET-[0-9]'
exact = '\\bTICKET-\\d{6}\\b'
severity = "low"
confidence = "high"
mask = "text"
cwe = ["CWE-200"]
true_positives = ["see TICKET-123456"]
false_positives = ["see TICKET-1"]
"""


def ids_in(text: str, content_type: str | None = None) -> set[str]:
    return {match.pattern for match in scan_text(default_scanner(), text, content_type, "body")}


def broken(tmp_path: Path, text: str) -> PatternError:
    with pytest.raises(PatternError) as caught:
        parse(text, "custom/ticket.toml", tmp_path / "custom" / "ticket.toml")
    return caught.value


def test_the_patterns_asked_for_are_there() -> None:
    """The first release looks for these eleven things."""
    assert set(IDS) >= {
        "internal_address.cluster_host",
        "internal_address.private_ip",
        "pii.email",
        "secret.jwt",
        "secret.private_key",
        "sql_error.mysql",
        "sql_error.postgresql",
        "stack_trace.dotnet",
        "stack_trace.java",
        "stack_trace.node",
        "stack_trace.python",
    }


def test_ids_follow_from_paths() -> None:
    """Class and name of a pattern are its folder and file name, and ids are unique."""
    files = [path for path, _ in walk(tree("queries") / "patterns", ".toml") if not path.endswith("/_defaults.toml")]
    paths = [path.removesuffix(".toml").replace("/", ".") for path in files]
    assert paths == IDS
    assert len(set(IDS)) == len(IDS)


@each_pattern
def test_metadata(pattern: Pattern) -> None:
    """A pattern says what weakness it is, where its format is defined, and has examples of both kinds."""
    assert pattern.title
    assert all(cwe.startswith("CWE-") for cwe in pattern.cwe)
    assert pattern.cwe
    assert all(reference.startswith("https://") for reference in pattern.references)
    assert pattern.references
    assert len(pattern.true_positives) >= 3
    assert len(pattern.false_positives) >= 3


@each_pattern
def test_self_test_agrees(pattern: Pattern) -> None:
    """What users' packs are held to holds for our patterns too."""
    assert list(failures(pattern)) == []


@each_pattern
def test_true_positives_are_found_among_all_patterns(pattern: Pattern) -> None:
    """An example is found by the scanner that knows every pattern, alone and inside a JSON string."""
    texts = [*pattern.true_positives, *map(as_json, pattern.true_positives if pattern.in_json else ())]
    assert [
        text for text in texts if pattern.id not in {match.pattern for match in matches(EVERY, pattern, text)}
    ] == []


@each_pattern
def test_gates_let_examples_through(pattern: Pattern) -> None:
    """The set of all gates opens for an example wherever it stands in a mebibyte of other text."""
    position = EVERY.patterns.index(pattern)
    for text in pattern.true_positives:
        for place, surrounded in surroundings(text):
            assert gate_opens(EVERY, surrounded, position), (text, place)


@each_pattern
def test_false_positives_are_not_found(pattern: Pattern) -> None:
    """A counterexample is not reported, alone or inside a JSON string."""
    scanner = Scanner((pattern,))
    texts = [*pattern.false_positives, *map(as_json, pattern.false_positives)]
    assert [text for text in texts if found(scanner, text)] == []


@pytest.mark.parametrize("pattern", TRACES, ids=[pattern.id for pattern in TRACES])
def test_other_languages_traces_are_not_confused(pattern: Pattern) -> None:
    """A stack trace is one language's: no other trace pattern claims it."""
    for text in pattern.true_positives:
        assert {name for name in ids_in(text) if name.startswith("stack_trace.")} == {pattern.id}, text


def test_code_and_media_are_not_scanned_for_personal_data() -> None:
    """Style sheets, scripts and images are full of @ and dots; only secrets are looked for in scripts."""
    text = "jane@example.com at 10.1.2.3"
    for content_type in ("text/css", "application/javascript; charset=utf-8", "TEXT/JavaScript"):
        assert not ids_in(text, content_type)
    assert not ids_in(f"<svg><text>{text}</text></svg>", "image/svg+xml")
    assert ids_in(text, "text/html; charset=utf-8") == {"pii.email", "internal_address.private_ip"}
    key = next(pattern for pattern in PATTERNS if pattern.id == "secret.private_key").true_positives[0]
    assert ids_in(key, "application/javascript") == {"secret.private_key"}


def test_a_valid_pattern_is_read(tmp_path: Path) -> None:
    """The name comes from the file, the rest from its keys."""
    pattern = parse(VALID, "custom/ticket.toml", tmp_path)
    assert pattern.id == "custom.ticket"
    assert pattern.parts == ["body", "header"]


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('title = "Ticket number"', "title = 1", "title", "Expected `str`"),
        ("mask = ", "masked = ", "masked", "unknown field"),
        ('mask = "text"', 'mask = "blue"', "mask", "Invalid enum value"),
        ('class = "custom"', 'class = "other"', "class", "should be <class>/<name>.toml"),
        ("cwe =", 'validator = "luhn"\ncwe =', "validator", "No validator is called luhn"),
        ("'TICKET-[0-9]'", "'TICKET-(?=x)'", "gate", "not an RE2 expression"),
        ("'TICKET-[0-9]'", "'TICKET-[0-9]{1,9}'", "gate", "8 at most"),
        ("'TICKET-[0-9]'", "'^TICKET'", "gate", "no anchors"),
        ("'\\bTICKET-\\d{6}\\b'", "'(TICKET)?'", "exact", "matches the empty text"),
        ("'\\bTICKET-\\d{6}\\b'", "'{nowhere}'", "define", "{nowhere} is not defined"),
        ("cwe =", "allow = ['(']\ncwe =", "allow", "not an RE2 expression"),
        ('["see TICKET-1"]', "[]", "true_positives", "at least one"),
    ],
)
def test_broken_files_name_file_and_key(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    """Whatever is wrong in a file, the error says what, in which file and under which key."""
    error = broken(tmp_path, VALID.replace(old, new))
    assert words in error.message
    assert error.location is not None
    assert error.location.path.name == "ticket.toml"
    assert error.location.key == key


def test_no_toml(tmp_path: Path) -> None:
    """A file that is not TOML is refused with its name."""
    error = broken(tmp_path, "title = ")
    assert "not valid TOML" in error.message
    assert str(error.location).endswith("ticket.toml")


def pack(tmp_path: Path, text: str) -> Path:
    (tmp_path / "custom").mkdir()
    (tmp_path / "custom" / "ticket.toml").write_text(text, "utf-8")
    return tmp_path


def test_packs_are_loaded_beside_ours(tmp_path: Path) -> None:
    """A pack adds its patterns and they find something."""
    patterns = load_patterns([pack(tmp_path, VALID)])
    assert len(patterns) == len(load_patterns()) + 1
    assert [match.pattern for match in scan_text(Scanner(patterns), "TICKET-123456")] == ["custom.ticket"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("'TICKET-[0-9]'", "'TOCKET-[0-9]'", "true positive 1 is not found by itself"),
        ('"see TICKET-1"', '"see TICKET-654321"', "false positive 1 is found"),
    ],
)
def test_packs_are_proven_when_loaded(tmp_path: Path, old: str, new: str, words: str) -> None:
    """A pack whose examples contradict its expressions is refused, naming the pattern and the example."""
    with pytest.raises(PatternError, match=words) as caught:
        pack_patterns(pack(tmp_path, VALID.replace(old, new)))
    assert str(caught.value.location).endswith("ticket.toml")


def test_a_class_shares_defaults(tmp_path: Path) -> None:
    """Keys of `_defaults.toml` count where a file has none; definitions, stop words and allowed values add up."""
    own = VALID.replace('severity = "low"\n', "").replace("'\\bTICKET-\\d{6}\\b'", "'{start}TICKET-\\d{6}\\b'")
    folder = pack(tmp_path, own + 'stop_words = ["-99"]\n')
    (folder / "custom" / "_defaults.toml").write_text(
        'severity = "high"\nconfidence = "low"\nstop_words = ["-00"]\ndefine.start = \'\\b\'\n', "utf-8"
    )
    (pattern,) = pack_patterns(folder)
    assert (pattern.severity, pattern.confidence) == ("high", "high")
    assert pattern.stop_words == ["-00", "-99"]
    assert pattern.exact == "(?:\\b)TICKET-\\d{6}\\b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sevrity = 'low'", "unknown field"),
        ("severity = 'none'", "Invalid enum value"),
        ("severity =", "not valid TOML"),
    ],
)
def test_broken_defaults_are_named(tmp_path: Path, text: str, words: str) -> None:
    """A fault in what a class shares is told with that file, not with the first pattern that meets it."""
    folder = pack(tmp_path, VALID)
    (folder / "custom" / "_defaults.toml").write_text(text, "utf-8")
    with pytest.raises(PatternError, match=words) as caught:
        pack_patterns(folder)
    assert caught.value.location is not None
    assert caught.value.location.path.name == "_defaults.toml"


def test_ours_keep_the_contract_of_packs() -> None:
    """They are not checked when they are loaded."""
    assert read_patterns(tree("queries") / "patterns") == builtin_patterns()


def test_an_id_may_not_be_taken_twice(tmp_path: Path) -> None:
    """A pack cannot silently replace one of our patterns."""
    folder = tmp_path / "pii"
    folder.mkdir()
    (folder / "email.toml").write_text(VALID.replace('"custom"', '"pii"'), "utf-8")
    with pytest.raises(PatternError, match="there twice"):
        load_patterns([tmp_path])


def test_a_pack_must_be_a_folder(tmp_path: Path) -> None:
    """A wrong path is told, not ignored."""
    with pytest.raises(PatternError, match="not a folder"):
        load_patterns([tmp_path / "missing"])


def test_a_country_asks_for_its_numbers(tmp_path: Path) -> None:
    """What no check digit confirms is looked for only where a country is named; the others stay."""
    asked = VALID.replace("cwe =", 'opt_in = "us"\ncwe =')
    folder = pack(tmp_path, asked)
    assert "custom.ticket" not in {pattern.id for pattern in load_patterns([folder])}
    assert "custom.ticket" in {pattern.id for pattern in load_patterns([folder], ["gb", "us"])}
    assert {pattern.opt_in for pattern in load_patterns()} == {""}
    assert {"us", "gb", "dk"} < {pattern.opt_in for pattern in PATTERNS}


def test_a_country_without_such_numbers_is_told() -> None:
    """A setting that would do nothing is an error that names what there is."""
    with pytest.raises(PatternError, match=r"asked for by xx; there are al, .*us") as caught:
        load_patterns(countries=["us", "xx"])
    assert "check digit" in (caught.value.hint or "")


def test_scanners_of_countries() -> None:
    """The scanner of a country finds its numbers, the default one does not."""
    text = '{"applicant":{"ssn":"512-34-6789"}}'
    assert not ids_in(text)
    assert [match.pattern for match in scan_text(scanner_for(("us",)), text)] == ["national_id.us_ssn"]
    assert scanner_for() is default_scanner()


def test_patterns_of_a_whole_body_look_at_its_start() -> None:
    """A shebang counts at offset 0 only; further down, or in a JSON string, it is an example."""
    assert "source_code.shebang" in ids_in("#!/bin/sh\necho 1\n")
    assert "source_code.shebang" not in ids_in("Write:\n#!/bin/sh\n")
    assert "source_code.shebang" not in ids_in('{"a":"x\\n","b":"#!/bin/sh"}')


def test_examples_of_header_patterns_are_headers() -> None:
    """A pattern for headers only is proven with `name: value`, and the name counts."""
    pattern = next(pattern for pattern in PATTERNS if pattern.id == "version_banner.server")
    assert matches(EVERY, pattern, "Server: nginx/1.18.0")
    assert not matches(EVERY, pattern, "X-Other: nginx/1.18.0")


def test_json_keys_and_context_ask_for_a_word_nearby(tmp_path: Path) -> None:
    """With hints, a number counts only under a fitting property or after a fitting word; whole words, not parts of them."""
    hinted = VALID.replace("cwe =", 'json_keys = ["ticket"]\ncontext = ["support"]\ncwe =')
    scanner = Scanner((parse(hinted, "custom/ticket.toml", tmp_path),))
    assert scan_text(scanner, '{"ticketNo":"TICKET-123456"}')
    assert scan_text(scanner, '{"support_ticket":["TICKET-123456"]}')
    assert scan_text(scanner, "call support about TICKET-123456")
    assert not scan_text(scanner, '{"ticketing":"TICKET-123456"}')
    assert not scan_text(scanner, "unsupported TICKET-123456")


def test_allow_and_stop_words_silence_values(tmp_path: Path) -> None:
    """Values that are known to mean nothing are never reported: whole values by `allow`, parts of them by `stop_words`."""
    silent = VALID.replace("cwe =", "allow = ['TICKET-000000']\nstop_words = [\"-99\"]\ncwe =")
    scanner = Scanner((parse(silent, "custom/ticket.toml", tmp_path),))
    assert not scan_text(scanner, "TICKET-000000 TICKET-991234")
    assert len(scan_text(scanner, "TICKET-000001")) == 1
