"""Bodies of responses in which nothing is to be found: JSON, HTML, XML, scripts, style sheets, feeds, as services send them.

Each body follows from its number alone. They are full of what looks like a find and is none: UUIDs, 13-digit ids, stamps, prices, integrity
hashes, minified code, path data, base64 images, commit ids, versions, templates for browsers, prose about errors.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

_WORDS = [
    "blue",
    "cotton",
    "shirt",
    "with",
    "long",
    "sleeves",
    "order",
    "shipped",
    "from",
    "our",
    "store",
    "in",
    "two",
    "days",
    "free",
    "returns",
    "within",
    "thirty",
    "days",
    "of",
    "delivery",
    "the",
    "table",
    "is",
    "made",
    "of",
    "solid",
    "oak",
    "and",
    "comes",
    "with",
    "a",
    "warranty",
    "read",
    "more",
    "about",
    "express",
    "delivery",
    "mobile",
    "phone",
    "cases",
    "for",
    "every",
    "model",
    "new",
    "season",
    "sale",
    "tax",
    "included",
    "price",
    "per",
    "unit",
    "add",
    "to",
    "cart",
    "customer",
    "reviews",
    "say",
    "it",
    "fits",
    "well",
    "please",
    "contact",
    "support",
    "if",
    "an",
    "error",
    "occurs",
    "session",
    "expired",
    "sign",
    "in",
    "again",
    "to",
    "continue",
    "your",
    "password",
    "was",
    "changed",
    "account",
    "settings",
    "language",
    "currency",
    "address",
    "book",
    "payment",
    "card",
    "accepted",
    "bank",
    "transfer",
    "passport",
    "holder",
    "wallet",
    "leather",
    "key",
    "ring",
    "token",
    "of",
    "thanks",
    "secret",
    "garden",
    "novel",
    "internal",
    "pocket",
    "server",
    "rack",
    "stack",
    "of",
    "plates",
    "trace",
    "minerals",
    "water",
    "bottle",
    "query",
    "the",
    "catalogue",
    "select",
    "a",
    "size",
    "insert",
    "coin",
    "update",
    "your",
    "profile",
    "delete",
    "item",
    "database",
    "of",
    "recipes",
    "system",
    "status",
    "all",
    "services",
    "run",
    "normally",
    "version",
    "notes",
    "release",
    "candidate",
    "build",
    "debug",
    "mode",
    "exception",
    "to",
    "the",
    "rule",
    "warning",
    "fragile",
    "notice",
    "period",
]
_NAMES = [
    "Aino",
    "Bela",
    "Cem",
    "Dora",
    "Emil",
    "Fatou",
    "Goran",
    "Hana",
    "Ivo",
    "Jana",
    "Kofi",
    "Lena",
    "Mika",
    "Nora",
    "Otto",
    "Pia",
    "Quentin",
    "Rosa",
    "Sven",
    "Tara",
]
_CITIES = [
    "Aarhus",
    "Bergen",
    "Cork",
    "Delft",
    "Erfurt",
    "Faro",
    "Graz",
    "Huelva",
    "Ivrea",
    "Jena",
    "Kaunas",
    "Linz",
    "Malmo",
    "Nantes",
    "Oulu",
    "Porto",
    "Quimper",
    "Riga",
    "Split",
    "Turku",
]
_TYPES = ("shirt", "table", "lamp", "bottle", "novel", "phone-case", "wallet", "rack", "plate", "key-ring")


@dataclass(frozen=True, slots=True)
class Body:
    """A body, what kind it is of, and its media type."""

    kind: str
    content_type: str
    text: str


class _Maker:
    """Draws of one body."""

    def __init__(self, number: int) -> None:
        self.random = Random(f"benign {number}")

    def words(self, low: int, high: int) -> str:
        return " ".join(self.random.choices(_WORDS, k=self.random.randint(low, high)))

    def sentence(self) -> str:
        return self.words(6, 18).capitalize() + "."

    def digits(self, count: int) -> str:
        return str(self.random.randint(1, 9)) + "".join(self.random.choices("0123456789", k=count - 1))

    def hex(self, count: int) -> str:
        return "".join(self.random.choices("0123456789abcdef", k=count))

    def uuid(self) -> str:
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-a{self.hex(3)}-{self.hex(12)}"

    def base64(self, count: int) -> str:
        return base64.b64encode(self.random.randbytes(count)).decode()

    def price(self) -> float:
        return self.random.randint(99, 99_999) / 100

    def stamp(self) -> str:
        draw = self.random.randint
        return f"2026-{draw(1, 12):02}-{draw(1, 28):02}T{draw(0, 23):02}:{draw(0, 59):02}:{draw(0, 59):02}.{draw(0, 999):03}Z"

    def epoch(self) -> int:
        return 1_700_000_000_000 + self.random.randrange(10**11)

    def many(self, make: Callable[[], Any], low: int, high: int) -> list[Any]:
        return [make() for _ in range(self.random.randint(low, high))]

    def pick(self, options: tuple[str, ...] | list[str]) -> str:
        return self.random.choice(options)


def _product(m: _Maker) -> dict[str, Any]:
    return {
        "id": m.uuid(), "sku": f"{m.hex(4).upper()}-{m.digits(6)}", "gtin": m.digits(13), "name": m.words(2, 5).title(), "price": m.price(),
        "currency": "EUR", "stock": m.random.randrange(900), "rating": round(m.random.uniform(1, 5), 1), "updatedAt": m.stamp(),
        "image": f"/img/{m.hex(32)}@2x.webp", "tags": m.many(lambda: m.pick(_TYPES), 1, 4), "dimensions": "10.5x20.25x3.75",
    }  # fmt: skip


def _order(m: _Maker) -> dict[str, Any]:
    return {
        "orderId": m.digits(13), "number": f"{m.random.randint(200000, 269999)}-{m.digits(4)}", "createdAt": m.epoch(), "status": "shipped",
        "items": m.many(lambda: {"productId": m.uuid(), "quantity": 1, "price": f"{m.price():.2f}"}, 1, 4), "total": m.price(),
        "trackingNumber": f"00{m.digits(18)}", "invoice": f"INV-{m.digits(8)}", "externalId": m.digits(16), "etag": f'W/"{m.hex(40)}"',
    }  # fmt: skip


def _user(m: _Maker) -> dict[str, Any]:
    return {
        "id": m.uuid(), "displayName": m.pick(_NAMES), "city": m.pick(_CITIES), "memberSince": m.stamp(), "points": m.random.randrange(9000),
        "avatar": f"https://cdn.shop.example/a/{m.hex(40)}.png", "locale": "fi-FI", "version": f"{m.random.randrange(20)}.{m.random.randrange(20)}.0",
        "lastSeen": m.epoch(), "preferences": {"newsletter": True, "theme": "dark"}, "externalRef": m.digits(11), "mobileApp": True,
    }  # fmt: skip


def _json(make: Callable[[_Maker], dict[str, Any]]) -> Callable[[_Maker], str]:
    def text(m: _Maker) -> str:
        value = {
            "items": m.many(lambda: make(m), 2, 8),
            "page": 1,
            "requestId": m.uuid(),
            "traceparent": f"00-{m.hex(32)}-{m.hex(16)}-01",
        }
        return json.dumps(value, indent=m.random.choice((None, None, 2)))

    return text


def _problem(m: _Maker) -> str:
    titles = (
        "Not found",
        "Session expired",
        "Validation failed",
        "Too many requests",
        "Internal error",
        "The item is sold out",
    )
    return json.dumps(
        {"type": "about:blank", "title": m.pick(titles), "status": 500, "detail": m.sentence(), "instance": f"/orders/{m.digits(13)}", "errorId": m.uuid(), "code": "error.internal"}
    )  # fmt: skip


def _config(m: _Maker) -> str:
    flags = {f"{m.pick(_WORDS)}_{m.pick(_WORDS)}_{number}": m.random.random() < 0.5 for number in range(20)}
    return json.dumps({"flags": flags, "build": m.hex(40), "version": f"2.{m.random.randrange(40)}.{m.random.randrange(9)}", "apiUrl": "https://api.shop.example/v2"})  # fmt: skip


def _geo(m: _Maker) -> str:
    points = m.many(lambda: [round(m.random.uniform(-180, 180), 7), round(m.random.uniform(-85, 85), 7)], 20, 60)
    return json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "LineString", "coordinates": points}}]})  # fmt: skip


def _messages(m: _Maker) -> str:
    keys = (
        "error.internal",
        "error.server.internal",
        "form.password.label",
        "card.number.invalid",
        "iban.help",
        "phone.placeholder",
        "sql.error.title",
    )
    return json.dumps({key: m.sentence() for key in keys} | {f"msg.{m.hex(6)}": m.sentence() for _ in range(15)})


def _page(m: _Maker, inside: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{m.words(2, 5).title()}</title>'
        f'<link rel="stylesheet" href="/css/main.{m.hex(8)}.css" integrity="sha384-{m.base64(48)}" crossorigin="anonymous">'
        f'<script src="/js/app.{m.hex(20)}.js" integrity="sha512-{m.base64(64)}" defer></script><meta name="csrf-token" content="{m.hex(12)}">'
        f'</head><body data-build="{m.hex(40)}"><nav><a href="/">Home</a> <a href="/cart?id={m.digits(13)}">Cart</a></nav>{inside}'
        f"<footer>© 2026 Shop Example, {m.pick(_CITIES)}</footer></body></html>"
    )


def _shop_page(m: _Maker) -> str:
    cards = "".join(
        f'<article class="card" id="p-{m.digits(13)}"><h3>{m.words(2, 4).title()}</h3><p>{m.sentence()}</p><span>{m.price():.2f} €</span>'
        f'<img src="data:image/png;base64,{m.base64(90)}" alt="{m.pick(_TYPES)}" width="320" height="240"></article>'
        for _ in range(m.random.randint(2, 6))
    )
    return _page(m, f"<main>{cards}</main>")


def _article(m: _Maker) -> str:
    parts = "".join(
        f"<h2>{m.words(3, 6).title()}</h2><p>{' '.join(m.many(m.sentence, 2, 5))}</p>"
        for _ in range(m.random.randint(2, 5))
    )
    code = '<pre><code class="language-js">const total = items.reduce((a, b) =&gt; a + b.price, 0);</code></pre>'
    return _page(m, f"<article>{parts}{code}</article>")


def _form(m: _Maker) -> str:
    fields = "".join(f'<label for="f{k}">{name}</label><input id="f{k}" name="{name}" placeholder="{sample}">' for k, (name, sample) in enumerate((
        ("email", "you"), ("phone", "Your number"), ("card", "1234 1234 1234 1234"), ("iban", "DE00 0000 0000 0000 0000 00"), ("birthday", "DD.MM.YYYY"))))  # fmt: skip
    return _page(
        m,
        f'<form method="post" action="/account"><input type="hidden" name="nonce" value="{m.hex(32)}">{fields}</form>',
    )


def _template_page(m: _Maker) -> str:
    template = '<script type="text/template"><% _.each(items, function(item) { %><li><%= item.name %> {{ item.price }}</li><% }); %></script>'
    state = json.dumps({"props": _product(m), "buildId": m.hex(21)})
    return _page(m, f'{template}<div id="app" v-cloak>{{{{ title }}}}</div><script>window.__STATE__={state}</script>')


def _svg(m: _Maker) -> str:
    path = "".join(
        f"{m.pick(tuple('MLCSQTZ'))}{m.random.uniform(0, 200):.3f} {m.random.uniform(0, 200):.3f}"
        for _ in range(m.random.randint(60, 140))
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><path d="{path}" fill="#{m.hex(6)}"/></svg>'


def _css(m: _Maker) -> str:
    rules = (f".{m.pick(_TYPES)}-{m.hex(5)}{{margin:{m.digits(1)}.{m.digits(15)}px -{m.digits(2)}px;color:#{m.hex(6)};width:calc({m.random.uniform(1, 99):.10f}% - 4px)}}" for _ in range(m.random.randint(15, 40)))  # fmt: skip
    return "".join(rules) + f"@font-face{{src:url(data:font/woff2;base64,{m.base64(120)})}}"


def _script(m: _Maker) -> str:
    functions = (
        f'function {m.pick(tuple("abcdefgh"))}{m.hex(2)}(e,t){{var n=e.{m.pick(_WORDS)}||{m.digits(5)};return t&&n>{m.digits(13)}?"{m.hex(8)}":void 0}}'
        for _ in range(m.random.randint(15, 30))
    )
    return f'!function(){{"use strict";{"".join(functions)}}}();\n//# sourceMappingURL=app.{m.hex(8)}.js.map'


def _module(m: _Maker) -> str:
    names = m.random.sample(_WORDS, 8)
    lines = [f'import {{ {name} }} from "./{name}.js";' for name in names[:3]]
    lines += [f"export const {name}Url = (id) => `/api/v1/{name}s/${{id}}?t=${{Date.now()}}`;" for name in names[3:]]
    lines.append('try { await load(); } catch (error) { throw new Error("Could not load: " + error.message); }')
    return "\n".join([*lines, f"// {m.sentence()}"])


def _feed(m: _Maker) -> str:
    items = "".join(
        f'<item><title>{m.words(3, 6)}</title><link>https://blog.example/{m.digits(6)}</link><guid isPermaLink="false">{m.uuid()}</guid>'
        f"<pubDate>Tue, 03 Mar 2026 09:12:{m.random.randrange(10, 60)} +0000</pubDate><description><![CDATA[<p>{m.sentence()}</p>]]></description></item>"
        for _ in range(m.random.randint(3, 8))
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>{m.words(1, 3)}</title>{items}</channel></rss>'


def _sitemap(m: _Maker) -> str:
    urls = "".join(
        f"<url><loc>https://shop.example/p/{m.pick(_TYPES)}-{m.digits(8)}</loc><lastmod>2026-03-0{m.random.randint(1, 9)}</lastmod></url>"
        for _ in range(20)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'


def _soap(m: _Maker) -> str:
    rows = "".join(
        f"<Item><Id>{m.digits(13)}</Id><Ean>{m.digits(13)}</Ean><Qty>{m.random.randrange(9)}</Qty><Net>{m.price()}</Net></Item>"
        for _ in range(8)
    )
    return f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><GetOrderResponse>{rows}</GetOrderResponse></soap:Body></soap:Envelope>'


def _markdown(m: _Maker) -> str:
    parts = [
        f"# {m.words(2, 4).title()}",
        m.sentence(),
        "## Install",
        "    npm install @shop/ui@2.4.1",
        f"See commit {m.hex(40)}.",
        "| size | price |\n|---|---|",
    ]
    parts += [f"| {m.random.randrange(30, 50)} | {m.price()} |" for _ in range(6)] + m.many(m.sentence, 4, 9)
    return "\n\n".join(parts)


def _csv(m: _Maker) -> str:
    rows = (
        f"{m.digits(13)},{m.words(2, 3)},{m.price()},{m.random.randrange(90)},{m.stamp()},{m.digits(11)}"
        for _ in range(m.random.randint(10, 30))
    )
    return "id,name,price,stock,updated,reference\n" + "\n".join(rows)


def _package(m: _Maker) -> str:
    packages = {f"node_modules/{m.pick(_WORDS)}-{k}": {"version": f"{m.random.randrange(9)}.{m.random.randrange(30)}.{m.random.randrange(9)}", "integrity": f"sha512-{m.base64(64)}"} for k in range(8)}  # fmt: skip
    return json.dumps({"name": "shop", "lockfileVersion": 3, "packages": packages}, indent=2)


def _metrics(m: _Maker) -> str:
    points = m.many(lambda: [m.epoch() // 1000, f"{m.random.uniform(0, 1):.9f}"], 10, 40)
    return json.dumps(
        {
            "status": "success",
            "data": {"resultType": "matrix", "result": [{"metric": {"pod": f"shop-{m.hex(10)}"}, "values": points}]},
        }
    )


def _manifest(m: _Maker) -> str:
    return json.dumps(
        {
            f"src/{m.pick(_WORDS)}-{k}.ts": {
                "file": f"assets/{m.hex(8)}.js",
                "src": "main.ts",
                "css": [f"assets/{m.hex(8)}.css"],
            }
            for k in range(15)
        }
    )


# Kind, media type, and how often it comes among a hundred.
_KINDS: tuple[tuple[str, str, int, Callable[[_Maker], str]], ...] = (
    ("products", "application/json", 12, _json(_product)),
    ("orders", "application/json", 12, _json(_order)),
    ("users", "application/json", 8, _json(_user)),
    ("problem", "application/problem+json", 5, _problem),
    ("flags", "application/json", 3, _config),
    ("map", "application/geo+json", 2, _geo),
    ("messages", "application/json", 3, _messages),
    ("shop page", "text/html; charset=utf-8", 10, _shop_page),
    ("article", "text/html", 8, _article),
    ("form", "text/html; charset=utf-8", 4, _form),
    ("page with templates", "text/html", 3, _template_page),
    ("image", "image/svg+xml", 3, _svg),
    ("style sheet", "text/css", 4, _css),
    ("minified script", "application/javascript", 4, _script),
    ("module", "text/javascript", 3, _module),
    ("feed", "application/rss+xml", 3, _feed),
    ("sitemap", "application/xml", 2, _sitemap),
    ("SOAP", "text/xml", 2, _soap),
    ("Markdown", "text/markdown", 2, _markdown),
    ("CSV", "text/csv", 2, _csv),
    ("lock file", "application/json", 2, _package),
    ("metrics", "application/json", 2, _metrics),
    ("manifest", "application/json", 1, _manifest),
)
_LOT = tuple(kind for kind in _KINDS for _ in range(kind[2]))


def bodies(count: int = 20_000) -> Iterator[Body]:
    """Yield the first `count` bodies; the same ones whenever it is called."""
    for number in range(count):
        name, content_type, _, make = _LOT[number * 37 % len(_LOT)]
        yield Body(name, content_type, make(_Maker(number)))
