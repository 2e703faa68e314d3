"""What the service answers: the same shapes on both cohorts, but for the planted faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sample_data.generator.draw import Draw
from sample_data.generator.model import Client

JSON, HTML, SCRIPT = "application/json; charset=utf-8", "text/html; charset=utf-8", "text/javascript; charset=utf-8"
SCRIPT_SIZE = 48211
PRODUCTS = ("Ceramic mug", "Linen towel", "Oak tray", "Wool blanket", "Glass carafe", "Desk lamp")
ERRORS = {
    400: "bad_request",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}
DATABASE = "inventory-db-0.inventory-db.shop.svc.cluster.local:5432"
STACK_TRACE = f"""Error: could not reserve stock on {DATABASE}: connect ETIMEDOUT 10.60.0.10:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
    at async StockRepository.reserve (/app/dist/stock/repository.js:88:20)
    at async CheckoutService.place (/app/dist/checkout/service.js:141:7)
    at async /app/dist/checkout/routes.js:36:18"""


def compact(document: object) -> str:
    """Return a document as the service writes JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def error_body(status: int) -> str:
    """Return the body of a refusal or a failure."""
    return compact({"error": ERRORS[status]})


def stack_trace_body() -> str:
    """Return the planted 500: the same one property, with a stack trace in it."""
    return compact({"error": STACK_TRACE})


def content_type(route: str, status: int) -> str:
    """Return the content type of an answer."""
    if status >= 400:
        return JSON
    return {"/": HTML, "/static/app.js": SCRIPT}.get(route, JSON)


def answer(route: str, path: str, client: Client, draw: Draw, *, leaks_contact: bool) -> str:
    """Return the body of a successful answer."""
    if route == "/orders/{id}":
        return compact(_order(path, client, draw, leaks_contact=leaks_contact))
    build = BUILDERS.get(route)
    return build(path, client, draw) if build else ""


def _home(_path: str, _client: Client, _draw: Draw) -> str:
    head = '<!doctype html><html lang="en"><head><title>Shop</title><script src="/static/app.js" defer></script></head>'
    return head + "<body><main><h1>Welcome</h1></main></body></html>"


def _product(number: str, draw: Draw) -> dict[str, Any]:
    price = 250 * draw.between(2, 40)
    return {"id": number, "name": draw.pick(PRODUCTS), "priceMinor": price, "currency": "GBP", "inStock": True}


def _products(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"products": [_product(f"p-{1000 + draw.between(0, 99)}", draw) for _ in range(3)], "page": 1})


def _one_product(path: str, _client: Client, draw: Draw) -> str:
    return compact(_product(path.rsplit("/", 1)[1], draw) | {"description": "Made to last."})


def _search(_path: str, _client: Client, draw: Draw) -> str:
    hits = [{"id": f"p-{1000 + draw.between(0, 99)}", "name": draw.pick(PRODUCTS)} for _ in range(2)]
    return compact({"hits": hits, "total": draw.between(2, 30)})


def _lines(draw: Draw) -> list[dict[str, Any]]:
    lines = range(draw.between(1, 2))
    return [{"sku": f"p-{1000 + draw.between(0, 99)}", "quantity": draw.between(1, 3)} for _ in lines]


def _cart(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"items": _lines(draw), "totalMinor": 250 * draw.between(2, 60)})


def _added(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"added": True, "cartSize": draw.between(1, 6)})


def _checkout(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"orderId": f"o-{50000 + draw.between(0, 9999)}", "status": "accepted"})


def _order(path: str, client: Client, draw: Draw, *, leaks_contact: bool) -> dict[str, Any]:
    order: dict[str, Any] = {"id": path.rsplit("/", 1)[1], "status": draw.pick(("paid", "packed", "shipped"))}
    order["items"] = _lines(draw)
    order |= {"totalMinor": 250 * draw.between(2, 60), "placedAt": f"2026-03-0{draw.between(1, 2)}T17:20:11Z"}
    return order | ({"customerContact": {"email": client.email}} if leaks_contact else {})


def _profile(_path: str, client: Client, _draw: Draw) -> str:
    return compact({"id": client.user, "name": client.name, "email": client.email, "locale": "en-GB"})


def _login(_path: str, _client: Client, _draw: Draw) -> str:
    return compact({"status": "ok"})


def _reports(_path: str, _client: Client, draw: Draw) -> str:
    days = ("2026-02-28", "2026-03-01", "2026-03-02")
    rows = [
        {"date": d, "orders": draw.between(300, 500), "revenueMinor": draw.between(900_000, 1_900_000)} for d in days
    ]
    return compact({"report": "daily-revenue", "rows": rows})


def _admin_users(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"users": [{"id": f"u-{10000 + draw.between(0, 99)}", "role": "user"}], "total": 160})


def _wishlist(_path: str, _client: Client, draw: Draw) -> str:
    return compact({"items": [{"sku": f"p-{1000 + draw.between(0, 99)}", "addedOn": "2026-03-03"}], "shared": False})


BUILDERS: dict[str, Callable[[str, Client, Draw], str]] = {
    "/": _home,
    "/products": _products,
    "/products/{id}": _one_product,
    "/search": _search,
    "/cart": _cart,
    "/cart/items": _added,
    "/checkout": _checkout,
    "/api/v1/profile": _profile,
    "/api/v1/wishlist": _wishlist,
    "/login": _login,
    "/healthz": lambda _path, _client, _draw: compact({"status": "ok"}),
    "/admin/reports": _reports,
    "/admin/users": _admin_users,
}
