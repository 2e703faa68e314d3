"""Read and check gdpr.toml, and tell what is still blank in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.config.load import Problem, line_of, parse_as, read_text, size_problems, zone_problems
from forensics.gdpr.model import FILE_NAME, Human
from forensics.resources import tree

HOURS = timedelta(hours=72)  # plain hours: Article 33(1)
_HINT = "canary-forensics gdpr --template prints every key with its meaning."


@dataclass(frozen=True, slots=True)
class Given:
    """A valid gdpr.toml with its text."""

    human: Human
    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """A field that people must fill in before the documents can be final: its key, what belongs there, which rule asks, its line."""

    key: str
    what: str
    article: str
    line: int | None = None


def template() -> str:
    """Return an empty gdpr.toml with every key explained."""
    return tree("reports").joinpath("gdpr", FILE_NAME).read_text(encoding="utf-8")


def load(path: Path) -> Given:
    """Return the gdpr.toml at `path`.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or breaks a rule; with file, line and key.

    """
    return parse(read_text(path), path)


def parse(text: str, path: Path) -> Given:
    """Return the gdpr.toml in `text`; raises `ConfigError` like `load`."""
    return Given(parse_as(text, path, Human, _problems, _HINT), text)


def kept(case: Case) -> Given:
    """Return what the case holds; where no gdpr.toml was given everything is blank.

    Raises:
        IntegrityError: gdpr.toml is not the one that was given.

    """
    case.require_recorded(FILE_NAME)
    path = case.folder / FILE_NAME
    return load(path) if path.exists() else Given(Human(), "")


def keep(case: Case, given: Given) -> None:
    """Keep gdpr.toml in the case, pinned by the custody log; the caller holds the case."""
    data, path = given.text.encode(), case.folder / FILE_NAME
    if not path.exists() or path.read_bytes() != data:
        case.commit("gdpr configuration", {FILE_NAME: data})


def due(aware_at: datetime | None) -> datetime | None:
    """Return the end of the 72 hours: plain hours, counted in UTC, whatever clocks do in between."""
    return aware_at.astimezone(UTC) + HOURS if aware_at else None


def late(human: Human) -> bool:
    """Say whether the authority was notified after the 72 hours."""
    end, notified = due(human.clock.aware_at), human.clock.notified_at
    return end is not None and notified is not None and notified > end


def _problems(human: Human) -> Iterator[Problem]:
    yield from size_problems(human)
    zones = list(zone_problems(human))
    yield from zones
    for key in ("people", "records"):
        if (getattr(human.nature, key) or 0) < 0:
            yield Problem(f"nature.{key}", "A number of people or records is not negative.")
    names = [category.name for category in human.category]
    for index, name in enumerate(names):
        if not name.strip() or name in names[:index]:
            yield Problem(f"category[{index}].name", "Each category needs a name of its own.")
    clock = human.clock
    if not zones and clock.aware_at and clock.notified_at and clock.notified_at < clock.aware_at:
        yield Problem("clock.notified_at", "The authority cannot have been notified before the controller was aware.")


def _eu(human: Human) -> bool:
    return human.jurisdiction.law == "eu"


def _numbers(human: Human) -> bool:
    return human.nature.people is not None or human.nature.records is not None


# Key, what belongs there, the rule that asks for it, and when it is asked for at all.
_WANTED: tuple[tuple[str, str, str, Callable[[Human], bool] | None], ...] = (
    ("jurisdiction.law", 'the law that applies: "eu" or "uk"', "3", None),
    ("jurisdiction.authority", "the competent supervisory authority", "33(1), 55, 56", _eu),
    ("jurisdiction.cross_border", "whether people in more than one member state are concerned", "4(23), 56", _eu),
    ("controller.name", "who the controller is", "33(1)", None),
    ("contact.name", "name of the data protection officer or another contact point", "33(3)(b)", None),
    ("contact.email", "how the contact point is reached (an e-mail address or a telephone number)", "33(3)(b)", lambda human: not human.contact.phone.strip()),
    ("category", "the categories of people concerned", "33(3)(a)", None),
    ("data.categories", "the categories of data concerned", "33(3)(a)", None),
    ("data.special_categories", "whether special categories of data are among them", "9", None),
    ("data.criminal_offences", "whether data on criminal convictions and offences are among them", "10", None),
    ("data.children", "whether children are among the people concerned", "33(3)(a), Recital 38", None),
    ("nature.basis", "what the number of people or records given by you rests on", "33(3)(a)", _numbers),
    ("consequences.likely", "the likely consequences for the people concerned", "33(3)(c)", None),
    ("measures.proposed", "the measures proposed, also to mitigate the effects", "33(3)(d)", None),
    ("clock.aware_at", "when the controller became aware", "33(1)", None),
    ("clock.aware_by", "who says so", "33(1), 5(2)", None),
    ("clock.aware_reason", "why from that moment", "33(1), 5(2)", None),
    ("clock.delay_reason", "why the authority was notified after the 72 hours", "33(1)", late),
    ("decision.notify_authority", "whether the authority is notified", "33(1)", None),
    ("decision.notify_reason", "the reasons for that", "33(5)", None),
    ("decision.tell_people", "whether the people concerned are told", "34(1)", None),
    ("decision.tell_reason", "the reasons for that", "33(5), 34", None),
    ("decision.approver", "who approved the decision", "5(2), 33(5)", None),
)  # fmt: skip


def blanks(given: Given) -> list[Blank]:
    """Return what a human must still fill in, in the order of gdpr.toml."""
    return [
        Blank(key, what, article, line_of(given.text, key))
        for key, what, article, when in _WANTED
        if (when is None or when(given.human)) and _is_blank(given.human, key)
    ]


def _is_blank(human: Human, key: str) -> bool:
    value: Any = human
    for part in key.split("."):
        value = getattr(value, part)
    if isinstance(value, list):
        return not any(item.strip() if isinstance(item, str) else item for item in value)
    return value is None or (isinstance(value, str) and not value.strip())
