"""Loading detectors: what breaks the contract is told with the file; user packs; templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.detectors import by_id, load
from forensics.detectors.front import Detector, parse
from forensics.detectors.testing import run_tests, start
from forensics.errors import DetectorError

FRONT = """title = "A title"
severity = "low"
confidence = "low"
compare = "new_in_canary"
unit = "request"
why = "w"
recommendation = "r"
false_positives = ["f"]
references = ["CWE-1"]
personal_data = false
gdpr = []
fingerprint = ["route"]
[needs]
tables = ["http_requests"]
[params]
least = 1
"""
SQL = "select route from requests where 1 >= $least order by route"


def text(front: str = FRONT, sql: str = SQL) -> str:
    return f"/*\n{front}*/\n{sql}\n"


def detector(front: str = FRONT, sql: str = SQL) -> Detector:
    return parse(text(front, sql), "mine", "one", "pack/mine/one.sql")


def test_a_detector_is_parsed() -> None:
    found = detector()
    assert found.id == "mine.one"
    assert found.sql == SQL
    assert found.parameters == {"least": 1}
    assert found.front.needs.baseline_rows == 1


def test_the_hash_covers_words_and_sql() -> None:
    hashes = {
        detector().version_hash,
        detector(FRONT.replace("A title", "B title")).version_hash,
        detector(sql=SQL + ", 1").version_hash,
    }
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (SQL, "begins with a /* ... */ comment"),
        ("-- title\n" + SQL, "begins with a /* ... */ comment"),
        (text("title = \n"), "not valid TOML"),
        (text(FRONT.replace('why = "w"\n', "")), "missing required field `why`"),
        (text('colour = "red"\n' + FRONT), "unknown field `colour`"),
        (text(FRONT.replace('"low"', '"lowest"', 1)), "Invalid enum value 'lowest'"),
        (text(sql=SQL + "; select 1"), "2 statements"),
        (text(sql=""), "0 statements"),
        (text(sql="copy (select $least) to '/tmp/x'"), "Only SELECT is allowed"),
        (text(sql="insert into requests select $least"), "Only SELECT is allowed"),
        (text(sql="attach '/tmp/x' as y"), "Only SELECT is allowed"),
        (text(sql="set threads = 1"), "Only SELECT is allowed"),
        (text(sql="select from where"), "syntax error"),
        (text(sql="select 1"), "differ: least"),
        (text(sql="select $least, $most"), "differ: most"),
        (text(FRONT.replace("http_requests", "requests")), "not known: requests"),
        (text(FRONT.replace('["http_requests"]', "[]")), "none given"),
    ],
)
def test_what_breaks_the_contract_is_told_with_the_file(given: str, message: str) -> None:
    with pytest.raises(DetectorError) as error:
        parse(given, "mine", "one", "pack/mine/one.sql")
    assert message in error.value.message
    assert error.value.location is not None
    assert error.value.location.path == Path("pack/mine/one.sql")


def pack(folder: Path, family: str, stem: str, content: str) -> Path:
    path = folder / family / f"{stem}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_a_pack_adds_and_overrides(tmp_path: Path) -> None:
    pack(tmp_path, "mine", "one", text())
    pack(tmp_path, "outbound", "beacon", text())
    pack(tmp_path, "macros", "ignored", "no detector")
    built_in = load()
    found = load([tmp_path])
    assert len(found) == len(built_in) + 1
    assert by_id(found, "mine.one").file == str(tmp_path / "mine" / "one.sql")
    assert by_id(found, "outbound.beacon").sql == SQL
    assert [item.id for item in found] == sorted(item.id for item in found)


def test_a_later_pack_wins(tmp_path: Path) -> None:
    pack(tmp_path / "a", "mine", "one", text())
    pack(tmp_path / "b", "mine", "one", text(FRONT.replace("A title", "B title")))
    assert by_id(load([tmp_path / "a", tmp_path / "b"]), "mine.one").front.title == "B title"


def test_a_pack_that_is_no_folder_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="is not a folder"):
        load([tmp_path / "absent"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one.sql").write_bytes(b"/*\xff*/ select 1")
    with pytest.raises(DetectorError, match="UTF-8"):
        load([tmp_path])


def test_the_nearest_id_is_named() -> None:
    with pytest.raises(DetectorError) as error:
        by_id(load(), "outbound.beacn")
    assert "outbound.beacon" in error.value.hint
    with pytest.raises(DetectorError) as error:
        by_id(load(), "zzz")
    assert "detectors list" in error.value.hint


def test_a_started_detector_runs_and_passes_its_tests(tmp_path: Path) -> None:
    paths = start("mine.failing_routes", tmp_path)
    assert [path.name for path in paths] == ["failing_routes.sql", "failing_routes.test.toml"]
    results = list(run_tests(by_id(load([tmp_path]), "mine.failing_routes")))
    assert len(results) == 5
    assert [result.message for result in results if not result.passed] == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one.test.toml").write_text("mine")
    with pytest.raises(DetectorError, match="is there already"):
        start("mine.one", tmp_path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["one.test.toml"]


@pytest.mark.parametrize(
    "bad",
    ["one", "", "a.b.c", "../x.y", "a./b", "A.b", "a.1", "mine.one\n", "views.mine", "macros.x", "a.b/../c", "a.ö"],
)
def test_ids_that_are_no_ids_are_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(DetectorError, match="is no detector id"):
        start(bad, tmp_path)
    assert list(tmp_path.iterdir()) == []


def results(tmp_path: Path, tests: str | None) -> list[tuple[bool, str]]:
    path = pack(
        tmp_path, "mine", "one", text(sql="select route, 1 as canary_n from requests where 1 >= $least order by route")
    )
    if tests is not None:
        path.with_suffix(".test.toml").write_text(tests, encoding="utf-8")
    return [(result.passed, result.message) for result in run_tests(by_id(load([tmp_path]), "mine.one"))]


ONE = '[[test]]\nname = "n"\nkind = "positive"\n'


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (None, "is missing: a detector without tests"),
        ("", "holds no [[test]]"),
        ("[[test", "not a valid test file"),
        (ONE, "missing required field `expect`"),
        (ONE.replace("positive", "maybe") + "expect = []\nrows = {}", "Invalid enum value 'maybe'"),
        (ONE + "expect = []\nrows.requests = [{}]", "which is no table"),
        (ONE + "expect = []\nrows.http_requests = [{colour = 1}]", "columns that do not exist: colour"),
        (ONE + "expect = []\nrows.http_requests = [{time = 'yesterday'}]", "ConversionException"),
        (ONE + "expect = []\nrows = {}\nconfig = 'colour = 1'", "`colour` is not a key"),
        (ONE + "expect = [{route = '/a'}]\nrows = {}", "0 rows, expected 1"),
        (ONE + "expect = []\nrows.http_requests = [{url_path = '/a'}]", "1 rows, expected 0"),
        (
            ONE + "expect = [{route = '/b'}]\nrows.http_requests = [{url_path = '/a'}]",
            "row 1: route is '/a', expected '/b'",
        ),
        (ONE + "expect = [{colour = 1}]\nrows.http_requests = [{url_path = '/a'}]", "row 1 has no colour"),
        (ONE + "expect = [{route = {null = true}}]\nrows.http_requests = [{url_path = '/a'}]", "route is '/a'"),
        (
            ONE + "expect = []\nrows = {}\nstate = 'clean'",
            "state is not_evaluated (there is no http_requests evidence), expected clean",
        ),
    ],
)
def test_a_test_that_fails_says_why(tmp_path: Path, tests: str | None, message: str) -> None:
    [(passed, told)] = results(tmp_path, tests)
    assert not passed
    assert message in told


def test_repeat_numbers_its_copies(tmp_path: Path) -> None:
    tests = (
        ONE
        + "expect = [{route = '/x01'}, {route = '/x02'}, {route = {null = true}}]\nrows.http_requests = [{url_path = '/x{n:02}', repeat = 2}, {}]"
    )
    assert results(tmp_path, tests) == [(True, "")]
