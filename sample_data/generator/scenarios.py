"""The rollouts and the pods they ran on."""

from __future__ import annotations

from dataclasses import replace

from sample_data.generator import careless
from sample_data.generator.draw import POD_ALPHABET, Draw
from sample_data.generator.model import HASHES, Phase, Pod, Scenario, at

WEIGHT_5 = Phase("weight-5", at("09:00:00"), at("09:30:00"), 5)
WEIGHT_25 = Phase("weight-25", at("09:30:00"), at("10:10:00"), 25)
WEIGHT_100 = Phase("weight-100", at("10:10:00"), at("10:25:00"), 100)
WEIGHT_10 = Phase("weight-10", at("09:00:00"), at("09:35:00"), 10)
WEIGHT_20 = Phase("weight-20", at("09:35:00"), at("10:00:00"), 20)
WEIGHT_1 = Phase("weight-1", at("09:00:00"), at("09:12:00"), 1)

COMPROMISED = Scenario(
    name="checkout-compromised",
    seed=20260434,
    outcome="rolled_back",
    start=at("08:30:00"),
    end=at("10:40:00"),
    phases=(WEIGHT_5, WEIGHT_25),
    created=at("08:59:20"),
    steps=("setWeight: 5", "pause: 30m", "setWeight: 25", "pause: 1h", "setWeight: 100"),
    requests=4300,
    users=160,
    anonymous=80,
    admin_probes={
        "baseline/before": 16, "baseline/weight-5": 24, "baseline/weight-25": 30, "baseline/after": 12,
        "canary/weight-5": 2, "canary/weight-25": 10,
    },
    tester_share=0.15,
    tester_baseline=at("09:27:10"),
    tester_canary=at("09:34:05"),
    plain_share=0.025,
    faulty=True,
    rollback_at=at("10:10:00"),
)  # fmt: skip

CLEAN = Scenario(
    name="checkout-clean",
    seed=20260307,
    outcome="promoted",
    start=at("08:30:00"),
    end=at("10:40:00"),
    phases=(WEIGHT_5, WEIGHT_25, WEIGHT_100),
    created=at("08:59:20"),
    steps=("setWeight: 5", "pause: 30m", "setWeight: 25", "pause: 40m", "setWeight: 100", "pause: 15m"),
    requests=4000,
    users=140,
    anonymous=100,
    admin_probes={
        "baseline/before": 14, "baseline/weight-5": 22, "baseline/weight-25": 27,
        "canary/weight-5": 2, "canary/weight-25": 9, "canary/weight-100": 12, "canary/after": 11,
    },
    tester_share=0.15,
    tester_baseline=at("09:21:40"),
    tester_canary=at("09:41:15"),
    wishlist=True,
    completed_at=at("10:25:00"),
    operations=True,
    sampled_alike=True,
)  # fmt: skip

THIN = Scenario(
    name="checkout-thin",
    seed=20260351,
    outcome="rolled_back",
    start=at("08:58:00"),
    end=at("09:14:00"),
    phases=(WEIGHT_1,),
    created=at("08:58:20"),
    steps=("setWeight: 1", "pause: 30m", "setWeight: 10", "pause: 1h", "setWeight: 100"),
    requests=1500,
    users=200,
    anonymous=100,
    admin_probes={"baseline/weight-1": 18},
    tester_share=0.003,
    tester_baseline=at("08:58:50"),
    tester_canary=at("09:05:30"),
    rollback_at=at("09:12:00"),
    sampled_by_route=False,
    outbound_pace=0.5,
)

CARELESS = Scenario(
    name="checkout-careless",
    seed=20260412,
    outcome="rolled_back",
    start=at("08:35:00"),
    end=at("10:20:00"),
    phases=(WEIGHT_10, WEIGHT_20),
    created=at("08:59:20"),
    steps=("setWeight: 10", "pause: 35m", "setWeight: 20", "pause: 1h", "setWeight: 100"),
    requests=2600,
    users=160,
    anonymous=60,
    outbound_pace=1.1,
    admin_probes={"baseline/weight-10": 12, "baseline/weight-20": 10},
    tester_share=0.15,
    tester_baseline=at("08:41:40"),
    tester_canary=at("09:41:15"),
    rollback_at=at("10:00:00"),
    careless=True,
    operations=True,
)

SCENARIOS = (COMPROMISED, CLEAN, THIN, CARELESS)


def pods(scenario: Scenario) -> list[Pod]:
    """Return six baseline pods and the canary pods each weight needs."""
    draw = Draw(scenario.seed, "pods")
    end = scenario.end
    baseline_end = scenario.completed_at + 30_000 if scenario.completed_at else end
    lingers = careless.LINGER_MS if scenario.careless else 0
    canary_end = scenario.rollback_at + lingers + 30_000 if scenario.rollback_at else end
    starts = [at("00:00:00") - 7 * 86_400_000] * 6
    found = [_pod(draw, "baseline", 11 + i, start, baseline_end) for i, start in enumerate(starts)]
    found += [_pod(draw, "canary", 17 + i, s, canary_end) for i, s in enumerate(_canary_starts(scenario))]
    return [*found[:-1], replace(found[-1], moved_tag=scenario.careless)]


def _canary_starts(scenario: Scenario) -> list[int]:
    """Return when each canary pod started: a weight needs its share of six pods, rounded up."""
    starts: list[int] = []
    for phase in scenario.phases:
        wanted = -(-6 * phase.weight // 100)
        first = scenario.created + 4_000 if not starts else phase.start + 3_000
        starts += [first] * (wanted - len(starts))
    return starts


def _pod(draw: Draw, cohort: str, last_octet: int, start: int, end: int) -> Pod:
    name = f"checkout-{HASHES[cohort]}-{draw.text(POD_ALPHABET, 5)}"
    return Pod(name, cohort, f"10.42.1.{last_octet}", start, end)
