"""canary.toml: what is valid, and that each message names file, line, key and what to write instead."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.config import check, empty, json_schema, load, parse
from forensics.errors import ConfigError

SAMPLES = sorted((Path(__file__).parent.parent / "sample_data").glob("*/canary.toml"))
RULE = '[[cohort]]\ncohort = "canary"\n'
HELD = '[[identity]]\naddress = "10.0.0.1"\npod = "a"\n'
PHASE = '[[phase]]\nname = "a"\nstart = 2026-03-03T09:00:00Z\nend = 2026-03-03T10:00:00Z\nweight = 5\n'


def problems(text: str) -> list[tuple[str, int | None, str]]:
    return [(problem.key, problem.line, problem.message) for problem in check(text)[1]]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_the_samples_are_valid(path: Path) -> None:
    loaded = load(path)
    assert loaded.config.cohort
    assert parse(loaded.text).sha256 == loaded.sha256


def test_nothing_is_valid() -> None:
    assert problems("") == []
    assert empty().config.window.outcome == "unknown"


def test_values_of_every_section() -> None:
    text = PHASE + RULE + 'column = "k8s_pod_name"\nin = ["a"]\nfrom = 2026-03-03T09:00:00+02:00\n'
    text += '[[suppress]]\ndetector = "d"\nowner = "o"\nreason = "r"\nexpires = 2026-12-31\n[window]\noutcome = "rolled_back"\n[retention]\ndays = 30\n'
    config = parse(text).config
    assert config.phase[0].start == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert config.cohort[0].start == datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert config.cohort[0].any_of == ["a"]
    assert config.suppress[0].expires == date(2026, 12, 31)
    assert (config.window.outcome, config.retention.days) == ("rolled_back", 30)


@pytest.mark.parametrize(
    ("text", "key", "line", "words"),
    [
        ("\n[releas]\n", "releas", 2, "did you mean `release`?"),
        ("x = 1\n", "x", 1, "known here: release, window"),
        (
            '[release]\nservice = "s"\ncanary_verson = "1"\n',
            "release.canary_verson",
            3,
            "did you mean `canary_version`?",
        ),
        (RULE + 'colum = "time"\n', "cohort[0].colum", 3, "did you mean `column`?"),
        (
            RULE + 'column = "user_id"\nequals = "a"\n\n' + RULE + 'tabel = "x"\n',
            "cohort[1].tabel",
            8,
            "did you mean `table`?",
        ),
        (RULE + 'any_of = ["x"]\n', "cohort[0].any_of", 3, "known here"),
        ('[[cohort]]\ncohort = "canari"\n', "cohort[0].cohort", 2, "Invalid enum value 'canari'"),
        ('[retention]\ndays = "x"\n', "retention.days", 2, "Expected `int | null`"),
        (PHASE.replace("weight = 5", 'weight = "5"'), "phase[0].weight", 5, "Expected `float`, got `str`"),
        ("[[phase]]\nname = 'a'\n", "phase[0]", 1, "missing required field `start`"),
        (RULE + 'column = "user_idd"\nequals = "a"\n', "cohort[0].column", 3, "did you mean `user_id`?"),
        (
            RULE + 'table = "conections"\ncolumn = "time"\nequals = "a"\n',
            "cohort[0].table",
            3,
            "did you mean `connections`?",
        ),
        (
            RULE + 'table = "connections"\ncolumn = "url_path"\nequals = "a"\n',
            "cohort[0].column",
            4,
            "is not a column of connections",
        ),
        (RULE, "cohort[0].column", 1, "names a `column`, a `flag`, or `evidence`"),
        (RULE + 'column = "user_id"\n', "cohort[0].column", 3, "exactly one of"),
        (RULE + 'column = "user_id"\nequals = "a"\nglob = "b"\n', "cohort[0].column", 3, "exactly one of"),
        (RULE + 'column = "user_id"\nflag = "f"\nequals = "a"\n', "cohort[0].column", 3, "not both"),
        (RULE + 'evidence = "a"\nin = ["a"]\n', "cohort[0].in", 4, "needs no test"),
        (RULE + 'flag = "f"\ncidr = "10.0.0.0/8"\n', "cohort[0].cidr", 4, "A flag's variant is no address"),
        (
            RULE + 'column = "client_address"\ncidr = "10.0.0/33"\n',
            "cohort[0].cidr",
            4,
            "`10.0.0/33` is not an address or network",
        ),
        (RULE + 'column = "user_id"\nre2 = "(?=x)"\n', "cohort[0].re2", 4, "not a valid RE2 pattern"),
        (
            PHASE.replace("09:00:00Z", "09:00:00"),
            "phase[0].start",
            3,
            "This time has no zone; write it as 2026-03-03T09:00:00Z.",
        ),
        (RULE + 'column = "user_id"\nequals = "a"\nfrom = 2026-03-03T09:00:00\n', "cohort[0].from", 5, "has no zone"),
        ("[window]\nstart = 2026-03-03T09:00:00\n", "window.start", 2, "has no zone"),
        (PHASE.replace("10:00:00Z", "09:00:00Z"), "phase[0].end", 4, "Phase `a` ends before it starts."),
        (PHASE.replace("= 5", "= 101"), "phase[0].weight", 5, "percentage from 0 to 100"),
        (PHASE.replace("= 5", "= nan"), "phase[0].weight", 5, "percentage from 0 to 100"),
        (
            "[window]\nstart = 2026-03-03T09:00:00Z\nend = 2026-03-03T09:00:00Z\n",
            "window.end",
            3,
            "The window ends before it starts.",
        ),
        (
            '[[zone]]\nname = "a"\nkind = "internal"\ncidrs = ["10.0.0.0/8", "x"]\n',
            "zone[0].cidrs",
            4,
            "`x` is not an address or network",
        ),
        ('[[zone]]\nname = "a"\nkind = "inside"\ncidrs = []\n', "zone[0].kind", 3, "Invalid enum value 'inside'"),
        ('[[identity]]\naddress = "shop"\n', "identity[0].address", 2, "`shop` is not an address"),
        ('[[identity]]\naddress = "10.0.0.0/8"\n', "identity[0].address", 2, "`10.0.0.0/8` is not an address"),
        (HELD + HELD.replace('"a"', '"b"'), "identity[1].address", 5, "is held by another at that time (identity[0])"),
        (
            HELD + HELD.replace('"a"', '"b"') + "from = 2026-03-03T09:00:00Z\n",
            "identity[1].address",
            5,
            "write until when",
        ),
        (
            HELD + HELD.replace('"a"', '"b"').replace("10.0", "::ffff:10.0"),
            "identity[1].address",
            5,
            "`10.0.0.1` is held by another",
        ),
        (
            '[[list]]\nkind = "nope"\nentries = ["x.example"]\n',
            "list[0].kind",
            2,
            "write address_echo, encrypted_dns, miner, paste, tor, webhook",
        ),
        *(
            (f'[[list]]\nkind = "miner"\nentries = ["ok.example", {text}]\n', "list[0].entries", 3, words)
            for text, words in [
                ('""', "can never match"),
                ('"a b.example"', "write a name"),
                ('"https://evil.example"', "write a name"),
                ('"10.0.0.0/8"', "write a name"),
                ('":99999"', "from 1 to 65535"),
                ('":"', "from 1 to 65535"),
                ('"*.example"', "write a name"),
                ('"evil.example:443"', "write a name"),
                ('"\\u0430pple.com"', "write xn--pple-43d.com"),
            ]
        ),
        *(
            (f'[[allow]]\nowner = "o"\nreason = "r"\ndestination = {text}\n', "allow[0].destination", 4, words)
            for text, words in [
                ('""', "without blanks"),
                ('" api.example:443"', "without blanks"),
                ('"https://api.example"', "this is a URL"),
                ('"b\\u00fccher.example:443"', "write xn--bcher-kva.example:443"),
            ]
        ),
        ('[display]\ntime_zone = "Mars/Olympus"\n', "display.time_zone", 2, "is not a time zone"),
        (
            '[[suppress]]\ndetector = "d"\nowner = "o"\nreason = "r"\nexpires = "soon"\n',
            "suppress[0].expires",
            5,
            "Invalid RFC3339 encoded date",
        ),
        (
            '[[suppress]]\ndetector = "d"\nowner = "o"\nreason = "r"\n',
            "suppress[0]",
            1,
            "missing required field `expires`",
        ),
        (
            '[[suppress]]\ndetector = "d"\nowner = "o"\nreason = "r"\nexpires = 2026-03-03T00:00:00Z\n',
            "suppress[0].expires",
            5,
            "Expected `date`",
        ),
        ('release = "x"\n', "release", 1, "Expected `object`, got `str`"),
        ("[cohort]\n", "cohort", 1, "Expected `array`"),
        ("a = \n", "", 1, "This is not valid TOML"),
        ("\n\n[x\n", "", 3, "This is not valid TOML"),
    ],
)
def test_messages(text: str, key: str, line: int, words: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0][:2] == (key, line)
    assert words in found[0][2]


def test_all_problems_are_listed() -> None:
    text = PHASE.replace("09:00:00Z", "09:00:00") + "[window]\nend = 2026-03-03T09:00:00\n" + RULE
    assert [key for key, _, _ in problems(text)] == ["cohort[0].column", "window.end", "phase[0].start"]


def test_the_error_names_the_file_the_line_and_the_key(tmp_path: Path) -> None:
    path = tmp_path / "canary.toml"
    path.write_text(RULE + "[releas]\n[windo]\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value.location) == f"{path}:3 (releas)"
    assert caught.value.message == "`releas` is not a key of canary.toml; did you mean `release`? (and 1 more)"
    assert f"config validate {path}" in caught.value.hint


@pytest.mark.parametrize(("data", "words"), [(None, "cannot be read: No such file"), (b"a = '\xff'", "is not UTF-8")])
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "canary.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        load(path)


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "canary.toml"
    path.write_bytes(b"\xef\xbb\xbf[release]\nservice = 's'\n")
    assert load(path).config.release.service == "s"


def plain(value: Any) -> Any:
    """TOML as JSON: times are text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def test_the_schema() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in SAMPLES:
        validator.validate(plain(tomllib.loads(path.read_text())))
    for text in ("[releas]\n", RULE.replace("canary", "x"), "[retention]\ndays = 'x'\n"):
        assert list(validator.iter_errors(plain(tomllib.loads(text))))


_LINES = [
    RULE,
    PHASE,
    "[window]\n",
    "start = 2026-03-03T09:00:00Z\n",
    "end = 1\n",
    "[[zone]]\n",
    "x.y = 1\n",
    'cidrs = ["10.0.0.0/8"]\n',
    "[cohort]\n",
    '"a b" = {c = 1}\n',
    "expires = 2026-01-01\n",
    "[[allow]]\n",
    "zone = [[1]]\n",
    "phase = [1]\n",
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_LINES), max_size=8).map("".join)))
def test_any_text(text: str) -> None:
    config, found = check(text)
    assert (config is not None) or found
    for problem in found:
        assert problem.message.endswith((".", "?"))
        assert problem.line is None or 1 <= problem.line <= text.count("\n") + 1


def test_phases_that_overlap_are_told() -> None:
    def phase(name: str, start: str, end: str) -> str:
        return f'[[phase]]\nname = "{name}"\nstart = 2026-03-03T{start}:00Z\nend = 2026-03-03T{end}:00Z\nweight = 5\n'

    _, problems = check(phase("b", "09:10", "10:00") + phase("a", "09:00", "09:35"))
    assert [problem.message for problem in problems] == ["Phase `b` begins before phase `a` ends."]
    _, fine = check(phase("b", "09:35", "10:00") + phase("a", "09:00", "09:35"))
    assert fine == []


@pytest.mark.parametrize(
    "text",
    [
        HELD + HELD,
        HELD + "to = 2026-03-03T09:00:00Z\n" + HELD.replace('"a"', '"b"') + "from = 2026-03-03T09:00:00Z\n",
        '[[list]]\nkind = "x_our_proxies"\nentries = ["proxy.example"]\n',
        '[[list]]\nkind = "tor"\nentries = [".evil.example", "evil.example.", "_x.evil.example", "203.0.113.7", "fd00::7", ":3333", "collector2"]\n',
        '[[allow]]\nowner = "o"\nreason = "r"\ndestination = "*"\n',
        '[[allow]]\nowner = "o"\nreason = "r"\ndestination = "[fd00::/8]:443"\n',
        '[[allow]]\nowner = "o"\nreason = "r"\ndestination = "API.Example:443"\n',
    ],
)
def test_addresses_and_destinations_that_are_valid(text: str) -> None:
    assert problems(text) == []
