"""Bodies of about 2 KB as services send them: JSON, HTML, XML, scripts. Deterministic; some hold a given text."""

from __future__ import annotations

import base64
import itertools
import json
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

SIZE = 2048
WORDS = """
    account address after again amount archive article available balance basket because before blue branch browser button cache
    calendar canary card category change checkout circle client cloud color comment company contact content cookie cotton country
    coupon currency customer dark date default delivery detail device discount display document domain double download driver early
    element empty engine event every factory feature field filter final folder forest format forward frame free garden general glass
    global green group handle header history holiday icon image index input invoice island item journey kitchen label language large
    latest layout leather letter level light limit linen list local location market master material medium member message metal
    method minute model moment monitor month mountain name network night normal notice number object offer office option orange
    order original package page paper parcel partner pattern payment percent period phone picture plain planet player point policy
    position postal preview price print private process product profile project public purple quality quantity query quick random
    range rating reason record region release remote report request result return review river round route sample schedule screen
    search season section select series server service session shadow shipping shirt silver simple single small social source space
    special standard station status stock storage store street style subject summer support surface switch system table target
    theme ticket title today token total track traffic travel update upload value vendor version video view visitor voucher
    warehouse water weather website weight white window winter wooden yellow
    """.split()  # noqa: SIM905 - a list of words reads better as words


def bodies(count: int, texts: Sequence[str], seed: int = 0, one_in: int = 100) -> Iterator[tuple[str, str]]:
    """Yield (content type, body) `count` times; one in `one_in` holds the next of `texts`, each kind of body in turn."""
    draw, makers, planted = random.Random(seed), tuple(_MAKERS.items()), itertools.cycle(texts)
    for number in range(count):
        content_type, make = makers[(number + number // one_in) % len(makers)]
        yield content_type, make(draw, next(planted) if texts and number % one_in == one_in - 1 else "")


def _words(draw: random.Random, count: int) -> str:
    return " ".join(draw.choices(WORDS, k=count))


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _record(draw: random.Random) -> dict[str, Any]:
    stamp = draw.randrange(1_600_000_000, 1_800_000_000)
    name, other, third = draw.choices(WORDS, k=3)
    return {
        "id": draw.randrange(10**12, 10**13),
        "uuid": _uuid(draw),
        f"{name}Id": draw.randrange(10**6),
        f"{other}_at": stamp,
        "createdAt": f"2026-0{draw.randrange(1, 9)}-1{draw.randrange(9)}T0{draw.randrange(9)}:15:00Z",
        "price": {"amount": draw.randrange(10**5) / 100, "currency": draw.choice(("EUR", "USD"))},
        third: _words(draw, 6),
        "active": draw.random() < 0.5,
        "href": f"https://shop.example/api/v2/{other}/{draw.randrange(10**6)}?page={draw.randrange(9)}&sort={name}",
        "etag": f"{draw.getrandbits(128):032x}",
    }


def _json(draw: random.Random, text: str) -> str:
    """One document in four has escapes, as writers that escape slashes, quotes or other scripts leave them."""
    records = [_record(draw) for _ in range(6)]
    if draw.random() < 0.25:
        records[0]["note"] = f'{_words(draw, 5)}\n"{_words(draw, 2)}" größer'
    if text:
        records[2]["detail"] = text
    return json.dumps({"items": records, "next": _uuid(draw)}, separators=(",", ":"))


def _html(draw: random.Random, text: str) -> str:
    digest = base64.b64encode(draw.randbytes(48)).decode()
    rows = "\n".join(
        f'<li class="{word} col-{draw.randrange(12)}"><a href="/{word}/{draw.randrange(10**6)}">{_words(draw, 6)}</a></li>'
        for word in draw.choices(WORDS, k=16)
    )
    head = f'<script src="/app.{draw.getrandbits(32):08x}.js" integrity="sha384-{digest}"></script>'
    return f"<!doctype html><html><head><title>{_words(draw, 3)}</title>{head}</head><body><ul>{rows}</ul><pre>{text}</pre></body></html>"


def _xml(draw: random.Random, text: str) -> str:
    items = "".join(
        f"<item><title>{_words(draw, 4)}</title><link>https://shop.example/{_uuid(draw)}</link>"
        f"<pubDate>Tue, 0{draw.randrange(1, 9)} Mar 2026 09:{draw.randrange(10, 60)}:00 GMT</pubDate><description>{_words(draw, 9)}</description></item>"
        for _ in range(8)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}<note>{text}</note></channel></rss>'


def _script(draw: random.Random, text: str) -> str:
    parts = [
        f'function {draw.choice("abcdefgh")}{draw.randrange(99)}(e,t){{return e.{word}&&(t={draw.randrange(999)},e["{other}"]=t>>>{draw.randrange(31)}),t}}'
        f"var {other}={{{word}:{draw.random():.4f},c:'#{draw.getrandbits(24):06x}',r:/^[a-z]+\\s*$/i}};"
        for word, other in zip(draw.choices(WORDS, k=14), draw.choices(WORDS, k=14), strict=True)
    ]
    return "".join(parts) + (f"\n/* {text} */" if text else "") + "//# sourceMappingURL=app.js.map"


_MAKERS: dict[str, Callable[[random.Random, str], str]] = {
    "application/json": _json,
    "text/html; charset=utf-8": _html,
    "application/json; charset=utf-8": _json,
    "application/xml": _xml,
    "application/javascript": _script,
}
