"""The declaration of canary.toml: one struct a section; the published JSON Schema follows from these."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct, field

Outcome = Literal["promoted", "rolled_back", "unknown"]
Cohort = Literal["canary", "baseline"]
Zone = Literal["internal", "datastore", "external", "metadata"]


class _Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section refuses keys that it does not know."""


class Release(_Section, frozen=True):
    """What was released over what."""

    service: str = ""
    baseline_version: str = ""
    canary_version: str = ""
    baseline_digest: str = ""
    canary_digest: str = ""
    previous_state: str = ""


class Window(_Section, frozen=True):
    """From when to when the canary took traffic, and how it ended."""

    start: datetime | None = None
    end: datetime | None = None
    rollback_at: datetime | None = None
    outcome: Outcome = "unknown"


class Phase(_Section, frozen=True):
    """A stretch of the rollout with one weight (percent of the traffic)."""

    name: str
    start: datetime
    end: datetime
    weight: float


class CohortRule(_Section, frozen=True):
    """Rows that match belong to the cohort; the first rule that matches wins. `from`/`to` bound the time."""

    cohort: Cohort
    table: str = "*"
    column: str = ""
    evidence: str = ""
    flag: str = ""
    equals: str | None = None
    any_of: list[str] | None = field(default=None, name="in")
    glob: str | None = None
    re2: str | None = None
    cidr: str | None = None
    start: datetime | None = field(default=None, name="from")
    stop: datetime | None = field(default=None, name="to")


class Identity(_Section, frozen=True):
    """Which pod, version or cohort held an address, from when to when."""

    address: str
    pod: str = ""
    version: str = ""
    cohort: Cohort | None = None
    start: datetime | None = field(default=None, name="from")
    stop: datetime | None = field(default=None, name="to")


class ZoneRule(_Section, frozen=True):
    """Networks that belong together; of zones that hold an address the one with the most specific network counts."""

    name: str
    cidrs: list[str]
    kind: Zone


class Allow(_Section, frozen=True):
    """A destination that is expected: `host:port`, `*.example.com:443` or `cidr:port`."""

    destination: str
    owner: str
    reason: str
    expires: date | None = None


class ListRule(_Section, frozen=True):
    """Destinations of a kind, in addition to those of queries/lists/destinations or (`replace`) in place of them: names, addresses, `:port`."""

    kind: str
    entries: list[str]
    replace: bool = False
    dated: date | None = field(default=None, name="date")


class Synthetic(_Section, frozen=True):
    """Checks and scans by the team itself: a User-Agent (glob), the client's address or network, or both together."""

    name: str
    user_agent: str = ""
    client: str = ""


class Suppress(_Section, frozen=True):
    """Findings that were judged and accepted; they stay countable. `entity` is a glob over the finding's entity text."""

    detector: str
    owner: str
    reason: str
    expires: date
    entity: str = "*"


class Role(_Section, frozen=True):
    """A role by claim or group."""

    name: str
    equals: list[str] = field(default_factory=list)


class Route(_Section, frozen=True):
    """A route template, e.g. `/orders/{id}`."""

    template: str
    sensitive: bool = False
    owner_param: str = ""


class Access(_Section, frozen=True):
    """Where role and tenant of a caller stand beyond the usual places: top-level claims of tokens, a request header."""

    role_claim: str = ""
    tenant_claim: str = ""
    tenant_header: str = ""


class AuthEvent(_Section, frozen=True):
    """Application log records that tell of sign-ins and decisions: `columns` maps columns of `auth_events` to columns or attributes of the log.

    Records without `event_action` are none. Actions that a glob of `failure` fits failed, whatever `event_outcome` says.
    """

    name: str
    columns: dict[str, str]
    logger: str = ""
    failure: list[str] = field(default_factory=lambda: ["*_ERROR", "*error*", "*fail*"])


class Policy(_Section, frozen=True):
    """A gate policy to replay."""

    file: str
    bindings: str = ""
    phase: str = ""


class Thresholds(_Section, frozen=True):
    """Limits of the stable/canary table; shares are 0 to 1. p95 may be worse than stable by the share given before it asks for a rollback."""

    error_rate: float = 0.01
    latency_ms: float = 500.0
    rollback_error_rate_above_stable: float = 0.001
    rollback_p95_above_stable: float = 0.0


class Display(_Section, frozen=True):
    """How people want to read times; data stay ISO 8601 UTC."""

    time_zone: str = "UTC"
    date_format: Literal["iso", "uk"] = "iso"


class Ingest(_Section, frozen=True):
    """What to leave out and how much may fail (share of records, 0 to 1)."""

    ignore: list[str] = field(default_factory=list)
    max_reject_share: float = 0.01


class Enrich(_Section, frozen=True):
    """MaxMind DB files (GeoLite2 or of the same fields) that tell country and network operator; paths from the folder of canary.toml."""

    country_file: str = ""
    asn_file: str = ""


class Privacy(_Section, frozen=True):
    """Countries (`us`, `gb`) whose numbers without a check digit are looked for too, when evidence is ingested; see the patterns' `opt_in`."""

    countries: list[str] = field(default_factory=list)


class Retention(_Section, frozen=True):
    """How long the case may be kept."""

    days: int | None = None
    reason: str = ""


class Config(_Section, frozen=True):
    """canary.toml."""

    release: Release = field(default_factory=Release)
    window: Window = field(default_factory=Window)
    phase: list[Phase] = field(default_factory=list)
    cohort: list[CohortRule] = field(default_factory=list)
    identity: list[Identity] = field(default_factory=list)
    zone: list[ZoneRule] = field(default_factory=list)
    allow: list[Allow] = field(default_factory=list)
    listed: list[ListRule] = field(default_factory=list, name="list")
    synthetic: list[Synthetic] = field(default_factory=list)
    suppress: list[Suppress] = field(default_factory=list)
    role: list[Role] = field(default_factory=list)
    route: list[Route] = field(default_factory=list)
    access: Access = field(default_factory=Access)
    auth_event: list[AuthEvent] = field(default_factory=list)
    policy: list[Policy] = field(default_factory=list)
    thresholds: Thresholds = field(default_factory=Thresholds)
    display: Display = field(default_factory=Display)
    ingest: Ingest = field(default_factory=Ingest)
    enrich: Enrich = field(default_factory=Enrich)
    privacy: Privacy = field(default_factory=Privacy)
    retention: Retention = field(default_factory=Retention)
