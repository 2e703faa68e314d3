"""What the pods connected to: the same destinations on both cohorts, but for the planted phone-home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sample_data.generator import careless
from sample_data.generator.draw import Draw
from sample_data.generator.model import Connection, Lookup, Pod, Scenario, at

CACHE_US = 600 * 1_000_000
Range = tuple[int, int]


@dataclass(frozen=True)
class Destination:
    """Something the service talks to; sizes in bytes, times in seconds."""

    name: str
    address: str
    port: int
    service: str
    every: int
    lasts: Range
    sent: Range
    received: Range
    tls: bool = False
    external: bool = False


@dataclass(frozen=True)
class Flow:
    """What one connection carried and how it ended."""

    duration_us: int
    sent: int
    received: int
    state: str = "SF"
    is_established: bool = True


@dataclass(frozen=True)
class Question:
    """What one lookup asked for and got."""

    query: str
    qtype: str = "A"
    rcode: str = "NOERROR"
    answers: tuple[str, ...] = ()


NORMAL = (
    Destination("inventory-db-0.inventory-db.shop.svc.cluster.local", "10.60.0.10", 5432, "-", 520, (120, 480),
                (9_000, 60_000), (20_000, 180_000)),
    Destination("redis.shop.svc.cluster.local", "10.60.0.20", 6379, "-", 560, (120, 480),
                (4_000, 20_000), (6_000, 40_000)),
    Destination("inventory.shop.svc.cluster.local", "10.43.20.15", 8080, "http", 330, (5, 60),
                (1_200, 6_000), (3_000, 24_000)),
    Destination("otel-collector.observability.svc.cluster.local", "10.43.30.40", 4317, "-", 540, (240, 300),
                (30_000, 90_000), (900, 2_000)),
    Destination("api.payments.example", "203.0.113.20", 443, "ssl", 360, (1, 8),
                (2_000, 6_000), (4_000, 9_000), tls=True, external=True),
    Destination("api.mailer.example", "198.51.100.25", 443, "ssl", 600, (1, 5),
                (3_000, 9_000), (2_500, 5_000), tls=True, external=True),
)  # fmt: skip

COLLECTOR = Destination(
    "collect.pixel-sync.example", "203.0.113.77", 443, "ssl", 0, (0, 0), (0, 0), (0, 0), tls=True, external=True
)


@dataclass(frozen=True)
class PhoneHome:
    """One planted connection to the collector."""

    time: int
    sent: int
    received: int
    duration_us: int


PHONE_HOME = (
    PhoneHome(at("09:17:42"), sent=48_213, received=1_402, duration_us=2_310_417),
    PhoneHome(at("09:47:42"), sent=52_087, received=1_388, duration_us=2_471_902),
)


class Outbound:
    """Builds lookups and connections of all pods."""

    def __init__(self, scenario: Scenario, pods: list[Pod]) -> None:
        self.scenario = scenario
        self.pods = pods
        self.draw = Draw(scenario.seed, "outbound")
        self.lookups: list[Lookup] = []
        self.connections: list[Connection] = []
        self._known: dict[tuple[str, str], int] = {}

    def build(self) -> tuple[list[Lookup], list[Connection]]:
        """Return all lookups and connections."""
        for pod in self.pods:
            for time_us, destination in self._schedule(pod):
                self._connect(pod, time_us, destination)
        if self.scenario.faulty:
            self._phone_home(next(pod for pod in self.pods if pod.cohort == "canary"))
        if self.scenario.careless:
            self.lookups = [lookup for lookup in self.lookups if careless.is_seen(self.scenario, lookup)]
            self.connections = [
                connection for connection in self.connections if careless.is_seen(self.scenario, connection)
            ]
        return self.lookups, self.connections

    def _schedule(self, pod: Pod) -> list[tuple[int, Destination]]:
        """Return when a pod connects to what, by time, so that its DNS cache works."""
        pairs = [(time, destination) for destination in NORMAL for time in self._times(pod, destination)]
        return sorted(pairs, key=lambda pair: pair[0])

    def _times(self, pod: Pod, destination: Destination) -> Iterator[int]:
        """Yield connection times: a pod that starts connects at once, then at a jittered pace."""
        pace = int(destination.every * self.scenario.outbound_pace * 1_000_000)
        first, last = self._seen_from(pod), self._seen_until(pod)
        fresh = pod.start >= self.scenario.start
        time = first + (self.draw.between(1_500_000, 6_000_000) if fresh else self.draw.between(500_000, pace))
        while time < last - 10_000_000:
            yield time
            time += pace * self.draw.between(60, 140) // 100

    def _seen_from(self, pod: Pod) -> int:
        return max(pod.start, self.scenario.start) * 1000

    def _seen_until(self, pod: Pod) -> int:
        return min(pod.end, self.scenario.end) * 1000

    def _connect(self, pod: Pod, time_us: int, destination: Destination) -> None:
        self._look_up(pod, time_us, destination)
        wanted = self.draw.between(destination.lasts[0] * 1_000_000, destination.lasts[1] * 1_000_000)
        duration = min(wanted, self._seen_until(pod) - time_us - self.draw.between(100_000, 2_000_000))
        sent, received = self.draw.between(*destination.sent), self.draw.between(*destination.received)
        state = "RSTO" if self.draw.chance(0.03) else "SF"
        fails = (
            self.scenario.careless
            and pod.cohort == "canary"
            and destination.name == careless.MAILER
            and self.draw.chance(0.7)
        )
        flow = Flow(400_000, 517, 7, "RSTR", is_established=False) if fails else Flow(duration, sent, received, state)
        self._add_connection(pod, time_us, destination, flow)

    def _add_connection(self, pod: Pod, time_us: int, to: Destination, flow: Flow) -> None:
        self.connections.append(
            Connection(
                time_us=time_us,
                uid=self.draw.zeek_uid(),
                pod=pod,
                port=self.draw.between(32768, 60999),
                destination=to.name,
                address=to.address,
                destination_port=to.port,
                service=to.service,
                duration_us=flow.duration_us,
                sent=flow.sent,
                received=flow.received,
                state=flow.state,
                server_name=to.name if to.tls else None,
                is_established=flow.is_established,
            )
        )

    def _look_up(self, pod: Pod, time_us: int, destination: Destination) -> None:
        """Ask for a name the pod has not in its cache; some libraries try the search domain or IPv6 first."""
        key = (pod.name, destination.name)
        if time_us - self._known.get(key, -CACHE_US) < CACHE_US:
            return
        self._known[key] = time_us
        if destination.external and self.draw.chance(0.4):
            searched = Question(f"{destination.name}.shop.svc.cluster.local", rcode="NXDOMAIN")
            self._add_lookup(pod, time_us - 24_000, searched)
        if self.draw.chance(0.15):
            self._add_lookup(pod, time_us - 15_000, Question(destination.name, "AAAA"))
        self._add_lookup(pod, time_us - 8_000, Question(destination.name, answers=(destination.address,)))

    def _add_lookup(self, pod: Pod, time_us: int, question: Question) -> None:
        self.lookups.append(
            Lookup(
                time_us=time_us - self.draw.between(0, 900),
                uid=self.draw.zeek_uid(),
                pod=pod,
                port=self.draw.between(32768, 60999),
                query=question.query,
                qtype=question.qtype,
                rcode=question.rcode,
                answers=question.answers,
                ttl=30 if question.query.endswith("cluster.local") else 300,
                rtt_us=self.draw.between(300, 5_000),
                trans_id=self.draw.between(1, 65_535),
            )
        )

    def _phone_home(self, pod: Pod) -> None:
        """Plant the two connections of the new dependency, each after a lookup."""
        for call in PHONE_HOME:
            time_us = call.time * 1000 + self.draw.between(200_000, 900_000)
            self._add_lookup(pod, time_us - 8_000, Question(COLLECTOR.name, answers=(COLLECTOR.address,)))
            self._add_connection(pod, time_us, COLLECTOR, Flow(call.duration_us, call.sent, call.received))
