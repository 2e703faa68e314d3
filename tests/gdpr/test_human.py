"""gdpr.toml: what is valid, that each message names file, line and key, what is blank, and the 72 hours."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from forensics.errors import ConfigError
from forensics.gdpr import blanks, parse, template
from forensics.gdpr.human import due, late
from forensics.gdpr.model import Clock, Human
from tests.gdpr.given import FULL, UK

PLACE = Path("gdpr.toml")


def keys(text: str) -> list[str]:
    return [blank.key for blank in blanks(parse(text, PLACE))]


def test_the_template_is_an_empty_draft() -> None:
    given = parse(template(), PLACE)
    assert given.human == Human()
    assert keys(template()) == keys("")


def test_the_template_explains_every_key() -> None:
    """Without its comments it holds each key of each section once."""
    lines = [line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line for line in template().splitlines()]  # fmt: skip
    text = "\n".join(line for line in lines if not line.startswith("# ") or '"""' in line)
    told = tomllib.loads(text.replace("# What happened", "What happened"))
    for section in msgspec.structs.fields(Human):
        given: Any = told[section.encode_name]
        kind: Any = section.type
        shape = kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else kind.__args__[0]
        wanted = {item.encode_name for item in msgspec.structs.fields(shape)}
        assert set(given[0] if isinstance(given, list) else given) == wanted, section.name


@pytest.mark.parametrize("text", [FULL, UK])
def test_what_is_full_has_no_blank(text: str) -> None:
    assert keys(text) == []


def test_the_united_kingdom_needs_no_name_of_its_authority() -> None:
    empty = '[jurisdiction]\nlaw = "{}"\n'
    assert set(keys(empty.format("eu"))) - set(keys(empty.format("uk"))) == {
        "jurisdiction.authority",
        "jurisdiction.cross_border",
    }


def test_blanks_name_their_line() -> None:
    text = '[controller]\nname = " "\n\n[clock]\naware_by = ""\n'
    told = {blank.key: blank.line for blank in blanks(parse(text, PLACE))}
    assert (told["controller.name"], told["clock.aware_by"], told["clock.aware_at"]) == (2, 5, 4)
    assert told["decision.approver"] is None


@pytest.mark.parametrize(
    ("change", "blank"),
    [
        (("tell_people = false\n", ""), "decision.tell_people"),
        (('email = "dpo@shop.example"\n', ""), "contact.email"),
        (('email = "dpo@shop.example"\n', 'phone = " "\n'), "contact.email"),
        (('proposed = ["Review of new properties."]', 'proposed = [" "]'), "measures.proposed"),
        (("notified_at = 2026-03-30T22:30:00Z", "notified_at = 2026-03-30T22:30:00.000001Z"), "clock.delay_reason"),
        (("[nature]\n", "[nature]\npeople = 12\n"), "nature.basis"),
    ],
)  # fmt: skip
def test_one_blank_is_found(change: tuple[str, str], blank: str) -> None:
    assert change[0] in FULL
    assert keys(FULL.replace(*change)) == [blank]


def test_a_telephone_number_is_enough() -> None:
    assert keys(FULL.replace('email = "dpo@shop.example"', 'phone = "+44 20"')) == []


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[controler]\n", 1, "controler", "did you mean `controller`?"),
        ("\n[clock]\nnotifed_at = 2026-03-03T09:00:00Z\n", 3, "clock.notifed_at", "did you mean `notified_at`?"),
        ("[clock]\naware_at = 2026-03-03T09:00:00\n", 2, "clock.aware_at", "has no zone"),
        ("[clock]\naware_at = 2026-03-03\n", 2, "clock.aware_at", "Expected `datetime"),
        ("[[processor]]\ntold_controller_at = 2026-03-03T09:00:00\n", 2, "processor[0].told_controller_at", "has no zone"),
        ("[clock]\naware_at = 1969-03-03T09:00:00Z\n", 2, "clock.aware_at", "between 1970 and 2200"),
        ("[clock]\naware_at = 2026-03-03T09:00:00Z\nnotified_at = 2026-03-03T08:59:59Z\n", 3, "clock.notified_at", "before the controller was aware"),
        ('[jurisdiction]\nlaw = "us"\n', 2, "jurisdiction.law", "Invalid enum value 'us'"),
        ('[decision]\ntell_people = "no"\n', 2, "decision.tell_people", "Expected `bool | null`"),
        ("[nature]\npeople = -1\n", 2, "nature.people", "is not negative"),
        ("[nature]\npeople = 1.5\n", 2, "nature.people", "Expected `int | null`"),
        ('[[category]]\nname = "a"\n[[category]]\nname = "a"\n', 4, "category[1].name", "a name of its own"),
        ("[[category]]\nroles = []\n", 1, "category[0]", "missing required field `name`"),
        ('[controller]\nname = "a\\u0000"\n', None, None, "NUL"),
        ("[controller\n", 1, None, "not valid TOML"),
    ],
)  # fmt: skip
def test_messages_name_line_and_key(text: str, line: int | None, key: str | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, PLACE)
    error = caught.value
    assert words in error.message
    assert "\n" not in error.message
    assert error.location is not None
    assert (error.location.path, error.location.line, error.location.key or None) == (PLACE, line, key)
    assert "--template" in error.hint


def test_everything_of_one_kind_is_bounded() -> None:
    with pytest.raises(ConfigError, match=r"more than 1,000 entries"):
        parse("[[processor]]\n" * 1001, PLACE)


# The clocks of Paris go forward in the night to 29 March 2026 and back in that to 25 October 2026.
@pytest.mark.parametrize(
    ("aware", "ends"),
    [
        ("2026-03-03T12:00:00Z", "2026-03-06T12:00:00Z"),
        ("2026-03-27T23:30:00+01:00", "2026-03-30T22:30:00Z"),
        ("2026-10-23T23:30:00+02:00", "2026-10-26T21:30:00Z"),
        ("2026-12-30T23:59:59.999999-11:00", "2027-01-03T10:59:59.999999Z"),
        ("2028-02-27T00:00:00Z", "2028-03-01T00:00:00Z"),
    ],
)
def test_due_is_72_plain_hours_later(aware: str, ends: str) -> None:
    given = parse(f"[clock]\naware_at = {aware}\n", PLACE)
    assert due(given.human.clock.aware_at) == datetime.fromisoformat(ends)


@pytest.mark.parametrize("day", [(2026, 3, 27), (2026, 10, 23)])
def test_wall_clocks_do_not_move_the_end(day: tuple[int, int, int]) -> None:
    aware = datetime(*day, 23, 30, tzinfo=ZoneInfo("Europe/Paris"))
    end = due(aware)
    assert end is not None
    assert end - aware.astimezone(UTC) == timedelta(hours=72)
    assert end.astimezone(ZoneInfo("Europe/Paris")).hour != aware.hour  # 72 hours are not three days by the wall


def test_nobody_aware_nothing_due() -> None:
    assert due(None) is None
    assert not late(Human())


@pytest.mark.parametrize(("microseconds", "is_late"), [(-1, False), (0, False), (1, True)])
def test_late_is_after_the_last_moment(microseconds: int, is_late: bool) -> None:
    aware = datetime(2026, 3, 27, 22, 30, tzinfo=UTC)
    notified = aware + timedelta(hours=72, microseconds=microseconds)
    assert late(Human(clock=Clock(aware_at=aware, notified_at=notified))) == is_late
