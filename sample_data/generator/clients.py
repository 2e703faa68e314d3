"""The people, browsers, monitors and scanners that send requests."""

from __future__ import annotations

from sample_data.generator.draw import Draw
from sample_data.generator.model import Client, Scenario

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
APPS = ("ShopApp/5.2.1 (iOS 18.3)", "ShopApp/5.2.1 (Android 15)")
SCANNERS = ("Mozilla/5.0 zgrab/0.x", "python-requests/2.32.3", "curl/8.5.0")
FIRST = ("ada", "ben", "carla", "dev", "elif", "finn", "gita", "hugo", "ines", "jon", "kira", "liam", "mona")
LAST = ("adler", "brandt", "costa", "dietz", "ekström", "fischer", "garcia", "holm", "ito", "jensen", "khan", "lind")
ADMIN_RANKS = (2, 11, 27, 60, 95, 128)
MONITORS = SCANNER_COUNT = 20


def users(scenario: Scenario) -> list[Client]:
    """Return the signed-in users, spread evenly over the share axis in a random order."""
    draw = Draw(scenario.seed, "users")
    numbers = draw.shuffled(range(scenario.users))
    return [_user(draw, scenario, rank, number) for rank, number in enumerate(numbers)]


def _user(draw: Draw, scenario: Scenario, rank: int, number: int) -> Client:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    mobile = draw.chance(0.4)
    return Client(
        kind="user",
        share=_share(rank, scenario.users),
        address=f"192.0.2.{1 + number % 240}",
        user_agent=draw.pick(APPS if mobile else BROWSERS),
        authn="bearer" if mobile else "cookie",
        user=f"u-{10000 + scenario.seed % 10 * 1000 + number}",
        role="admin" if rank in ADMIN_RANKS else "user",
        session=None if mobile else f"s-{draw.text('0123456789abcdef', 10)}",
        name=f"{first.title()} {last.title()}",
        email=f"{first}.{last.replace('ö', 'o')}{number}@mail.example",
    )


def anonymous(scenario: Scenario) -> list[Client]:
    """Return visitors who are not signed in."""
    draw = Draw(scenario.seed, "anonymous")
    numbers = draw.shuffled(range(scenario.anonymous))
    return [
        Client("anonymous", _share(rank, scenario.anonymous), f"198.51.100.{100 + number}", draw.pick(BROWSERS))
        for rank, number in enumerate(numbers)
    ]


def monitors(scenario: Scenario) -> list[Client]:
    """Return the uptime probes of a monitoring provider."""
    numbers = Draw(scenario.seed, "monitors").shuffled(range(MONITORS))
    return [
        Client("monitor", _share(rank, MONITORS), f"203.0.113.{130 + number}", "ExampleMonitor/2.1")
        for rank, number in enumerate(numbers)
    ]


def scanners(scenario: Scenario) -> list[Client]:
    """Return the internet's usual scanners."""
    draw = Draw(scenario.seed, "scanners")
    numbers = draw.shuffled(range(SCANNER_COUNT))
    return [
        Client("scanner", _share(rank, SCANNER_COUNT), f"203.0.113.{200 + number}", draw.pick(SCANNERS))
        for rank, number in enumerate(numbers)
    ]


def tester(scenario: Scenario) -> Client:
    """Return the tester whose browser wrote the HAR; raising the weight moves that browser to the canary."""
    return Client("tester", scenario.tester_share, "192.0.2.250", BROWSERS[0])


def _share(rank: int, total: int) -> float:
    return (rank + 0.5) / total
