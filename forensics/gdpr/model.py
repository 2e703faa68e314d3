"""The declaration of gdpr.toml: what only people can say about a breach. Every key may be left out in a draft."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

FILE_NAME = "gdpr.toml"

LawName = Literal["eu", "uk"]
BreachType = Literal["confidentiality", "integrity", "availability"]


class _Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section refuses keys that it does not know."""


class Jurisdiction(_Section, frozen=True):
    """Which law applies, and whom it says to notify. `cross_border` asks for people in more than one member state (EU only)."""

    law: LawName | None = None
    authority: str = ""
    cross_border: bool | None = None
    reference: str = ""


class Controller(_Section, frozen=True):
    """Who decides about the processing."""

    name: str = ""
    address: str = ""
    registration: str = ""


class Processor(_Section, frozen=True):
    """Who processes for the controller, what they do, and when they told the controller (Article 33(2))."""

    name: str = ""
    role: str = ""
    told_controller_at: datetime | None = None


class Contact(_Section, frozen=True):
    """The data protection officer or another contact point."""

    name: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""


class Category(_Section, frozen=True):
    """A category of people: accounts of one of these roles, or whose id fits the glob. Without either it is only named."""

    name: str
    roles: list[str] = field(default_factory=list)
    user: str = ""


class Data(_Section, frozen=True):
    """Which data, and whether any of it is protected further."""

    categories: list[str] = field(default_factory=list)
    special_categories: bool | None = None
    criminal_offences: bool | None = None
    children: bool | None = None
    remarks: str = ""


class Nature(_Section, frozen=True):
    """What happened, in the words of people; numbers where people know better than the logs."""

    description: str = ""
    breach_types: list[BreachType] = field(default_factory=list)
    people: int | None = None
    records: int | None = None
    basis: str = ""


class Consequences(_Section, frozen=True):
    """What the people concerned may have to expect."""

    likely: str = ""


class Measures(_Section, frozen=True):
    """What was done and what is proposed, also to mitigate the effects."""

    taken: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)


class Clock(_Section, frozen=True):
    """The times that only people know. The tool never sets `aware_at`."""

    triaged_at: datetime | None = None
    triaged_by: str = ""
    aware_at: datetime | None = None
    aware_by: str = ""
    aware_reason: str = ""
    notified_at: datetime | None = None
    delay_reason: str = ""


class Risk(_Section, frozen=True):
    """How people assess each factor; all are optional."""

    type_of_breach: str = ""
    nature_of_data: str = ""
    identification: str = ""
    severity: str = ""
    individuals: str = ""
    controller: str = ""
    number_of_people: str = ""


class Decision(_Section, frozen=True):
    """What people decided. Every breach is documented; notifying and telling people are decided here."""

    notify_authority: bool | None = None
    notify_reason: str = ""
    tell_people: bool | None = None
    tell_reason: str = ""
    approver: str = ""
    approved_at: datetime | None = None


class Human(_Section, frozen=True):
    """gdpr.toml."""

    jurisdiction: Jurisdiction = field(default_factory=Jurisdiction)
    controller: Controller = field(default_factory=Controller)
    processor: list[Processor] = field(default_factory=list)
    contact: Contact = field(default_factory=Contact)
    category: list[Category] = field(default_factory=list)
    data: Data = field(default_factory=Data)
    nature: Nature = field(default_factory=Nature)
    consequences: Consequences = field(default_factory=Consequences)
    measures: Measures = field(default_factory=Measures)
    clock: Clock = field(default_factory=Clock)
    risk: Risk = field(default_factory=Risk)
    decision: Decision = field(default_factory=Decision)
