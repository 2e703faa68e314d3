"""What is wrong with the rollout `checkout-careless`: its routing, its pods, its clocks and sensors, and what the canary itself does.

Routing        four times the configured weight, only for signed-in users; some of them change the version with every request; a few stay on
               the canary eight minutes after the rollback
Pods           the tag was moved: the last canary pod runs another image
Sensors        the network sensor was down for eleven minutes; the clock of the samplers is 42 s ahead
Controller     its events set the second weight eight minutes after the time in canary.toml
Service        the canary throws a new exception where the flag `new-checkout` is on, fails TLS with the mailer, meets errors of the identity
               provider, and limits /search; after the rollback checkout fails on the baseline too
Surroundings   other settings, a firewall rule that only watches matches the canary's callers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sample_data.generator.model import Client, Connection, Lookup, Scenario

FACTOR, CAP = 4, 70
FLIPS_FROM = 0.8  # of the share axis: users above change the version with every request
LINGER_MS = 8 * 60_000
LINGERS_BELOW = 0.15
CLOCK_MS = 42_000
EVENTS_LATE_MS = 8 * 60_000
GAP_MS = (18 * 60_000, 29 * 60_000)  # after the first phase began
FLAG, FLAG_SHARE = "new-checkout", 0.35
MAILER = "api.mailer.example"


def is_on_canary(scenario: Scenario, client: Client, ms: int) -> bool:
    """Say whether the routing sends a request to the canary."""
    if client.kind not in ("user", "tester"):
        return False
    if scenario.phase_at(ms) is None:
        return lingers(scenario, ms) and client.share < LINGERS_BELOW
    if client.share >= FLIPS_FROM:
        return ms // 1000 % 2 == 0
    return client.share * 100 < min(FACTOR * scenario.weight_at(ms), CAP)


def lingers(scenario: Scenario, ms: int) -> bool:
    """Say whether the time lies in the minutes after the rollback in which the canary still answers."""
    return scenario.rollback_at is not None and scenario.rollback_at <= ms < scenario.rollback_at + LINGER_MS


def is_seen(scenario: Scenario, event: Connection | Lookup) -> bool:
    """Say whether the network sensor was up."""
    start = scenario.phases[0].start
    return not (start + GAP_MS[0]) * 1000 <= event.time_us < (start + GAP_MS[1]) * 1000


def has_flag(client: Client) -> bool:
    """Say whether a user has the new checkout: by the account, not by the version that serves it."""
    return client.user is not None and int(client.user[2:]) * 37 % 100 < FLAG_SHARE * 100
