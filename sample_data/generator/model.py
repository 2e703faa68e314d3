"""The nouns of a sample rollout; times are integer milliseconds since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sample_data.generator import careless

BASELINE_VERSION, CANARY_VERSION = "2.3.9", "2.4.0"
BASELINE_HASH, CANARY_HASH = "7c9d5b8f6d", "5f6b7d9c84"
VERSIONS = {"baseline": BASELINE_VERSION, "canary": CANARY_VERSION}
HASHES = {"baseline": BASELINE_HASH, "canary": CANARY_HASH}
SUBSETS = {"baseline": "stable", "canary": "canary"}
HOST = "shop.example"


def at(clock: str) -> int:
    """Return the milliseconds of a clock time on the day of the rollouts, 2026-03-03."""
    return int(datetime.fromisoformat(f"2026-03-03T{clock}+00:00").timestamp()) * 1000


def moment(ms: int) -> datetime:
    """Return a time of the model as a datetime."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def iso_seconds(ms: int) -> str:
    """Return a time as Kubernetes writes it."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(ms: int) -> str:
    """Return a time as Envoy and browsers write it."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


@dataclass(frozen=True)
class Phase:
    """A stretch of the rollout with one weight."""

    name: str
    start: int
    end: int
    weight: int


@dataclass(frozen=True)
class Pod:
    """A pod of the service; `end` is when it stopped."""

    name: str
    cohort: str
    address: str
    start: int
    end: int
    moved_tag: bool = False


@dataclass(frozen=True)
class Client:
    """Somebody who sends requests; `share` in [0, 1) decides the cohort, so a client stays where it is."""

    kind: str
    share: float
    address: str
    user_agent: str
    authn: str = "anon"
    user: str | None = None
    role: str | None = None
    session: str | None = None
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Scenario:
    """Everything one rollout is made from; `faulty` plants the five faults on the canary, `careless` those of the rollout itself.

    `operations` adds what the service and its surroundings logged; `sampled_alike` keeps as much of the baseline as of the canary.
    """

    name: str
    seed: int
    outcome: str
    start: int
    end: int
    phases: tuple[Phase, ...]
    created: int
    steps: tuple[str, ...]
    requests: int
    users: int
    anonymous: int
    admin_probes: dict[str, int]
    tester_share: float
    tester_baseline: int
    tester_canary: int
    plain_share: float = 0.0
    faulty: bool = False
    wishlist: bool = False
    rollback_at: int | None = None
    completed_at: int | None = None
    sampled_by_route: bool = True
    outbound_pace: float = 1.35
    careless: bool = False
    operations: bool = False
    sampled_alike: bool = False

    def phase_at(self, ms: int) -> Phase | None:
        """Return the phase a time falls into."""
        return next((phase for phase in self.phases if phase.start <= ms < phase.end), None)

    def weight_at(self, ms: int) -> int:
        """Return the canary weight at a time; a completed rollout stays at 100."""
        phase = self.phase_at(ms)
        if phase:
            return phase.weight
        return 100 if self.completed_at and ms >= self.completed_at else 0

    def period(self, ms: int) -> str:
        """Return the phase name of a time, or before, or after."""
        phase = self.phase_at(ms)
        if phase:
            return phase.name
        return "before" if ms < self.phases[0].start else "after"

    def cohort_of(self, client: Client, ms: int) -> str:
        """Return the cohort that serves a client at a time."""
        if self.careless:
            return "canary" if careless.is_on_canary(self, client, ms) else "baseline"
        return "canary" if client.share * 100 < self.weight_at(ms) else "baseline"


@dataclass(frozen=True)
class Request:
    """One request with its whole answer, as only the application knows it."""

    time: int
    id: str
    client: Client
    cohort: str
    pod: Pod
    method: str
    path: str
    route: str
    status: int
    authn: str
    user: str | None
    role: str | None
    session: str | None
    body: str
    content_type: str
    request_body: str
    duration: int
    gateway: int
    from_gateway: bool = False

    @property
    def reached_pod(self) -> bool:
        """Tell whether the pod gave the answer and not the gateway."""
        return not self.from_gateway


@dataclass(frozen=True)
class Lookup:
    """A DNS lookup by a pod."""

    time_us: int
    uid: str
    pod: Pod
    port: int
    query: str
    qtype: str
    rcode: str
    answers: tuple[str, ...]
    ttl: int
    rtt_us: int
    trans_id: int


@dataclass(frozen=True)
class Connection:
    """A TCP connection of a pod; `server_name` is set when it carries TLS."""

    time_us: int
    uid: str
    pod: Pod
    port: int
    destination: str
    address: str
    destination_port: int
    service: str
    duration_us: int
    sent: int
    received: int
    state: str
    server_name: str | None
    is_established: bool = True


@dataclass
class World:
    """All that happened in one rollout."""

    scenario: Scenario
    pods: list[Pod]
    requests: list[Request] = field(default_factory=list)
    garbage: list[int] = field(default_factory=list)
    tester: list[Request] = field(default_factory=list)
    sampled: list[tuple[Request, float]] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
