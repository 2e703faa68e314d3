"""Configuration of nginx."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from forensics.importers import nginx_conf
from forensics.importers.contract import Reject, Row
from tests.ingest.helpers import Loaded, load

CONF = r"""user nginx;
events { worker_connections 1024; }
http {
    # a comment { ; }
    include /etc/nginx/mime.types;
    log_format main '$remote_addr "$request" '
                    '$status';
    upstream backend {
        server 10.0.0.1:80 weight=5;
        server 10.0.0.2:80;
    }
    server {
        listen 80;
        listen [::]:80;
        server_name shop.example www.shop.example;
        add_header X-Frame-Options "DENY" always;
        add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'";
        location /api { proxy_pass http://backend; proxy_set_header Authorization "Basic YWRtaW46aHVudGVyMjI="; }
        location ~ "^/a{2}\.php$" { return 404; }
        if ($http_x_api_key = "hunter22") { set $secret_key hunter22; set $a ${b}c; }
    }
    server { listen 81; }
    map $http_apikey $client { default ""; "hunter22" one; }
}
"""


def settings(loaded: Loaded) -> dict[str, str]:
    assert loaded.entry.format == "nginx-conf"
    return {row["configuration_key"]: row["configuration_value"] for row in loaded.rows("configuration")}


def test_a_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, CONF)
    shop = "http.server[shop.example]"
    assert settings(loaded) == {
        "user": "nginx",
        "events.worker_connections": "1024",
        "http.include": "/etc/nginx/mime.types",
        "http.log_format": "main '$remote_addr \"$request\" ' $status",
        "http.upstream[backend].server": "10.0.0.1:80 weight=5",
        "http.upstream[backend].server (2)": "10.0.0.2:80",
        f"{shop}.listen": "80",
        f"{shop}.listen (2)": "[::]:80",
        f"{shop}.server_name": "shop.example www.shop.example",
        f"{shop}.add_header[X-Frame-Options]": "DENY always",
        f"{shop}.add_header[Content-Security-Policy]": "\"default-src 'self'; frame-ancestors 'none'\"",
        f"{shop}.location[/api].proxy_pass": "http://backend",
        f"{shop}.location[/api].proxy_set_header[Authorization]": "[masked, 28 characters]",
        f"{shop}.location[~ ^/a{{2}}\\.php$].return": "404",
        f"{shop}.if[($http_x_api_key = [masked, 8 characters] )].set[$secret_key]": "[masked, 8 characters]",
        f"{shop}.if[($http_x_api_key = [masked, 8 characters] )].set[$a]": "${b}c",
        "http.server.listen": "81",
        "http.map[$http_apikey $client].[masked, 7 characters]": "",
        "http.map[$http_apikey $client].[masked, 8 characters]": "one",
    }
    lines = {row["configuration_key"]: row["record_no"] for row in loaded.rows("configuration")}
    assert (lines["user"], lines["http.log_format"], lines[f"{shop}.listen (2)"], lines["http.server.listen"]) == (
        1,
        6,
        14,
        22,
    )
    assert "hunter22" not in str(settings(loaded))


def test_everything_at_once(tmp_path: Path) -> None:
    """`nginx -T`: a fault in one file leaves the others."""
    text = "# configuration file /etc/nginx/nginx.conf:\nhttp {\n  include conf.d/*.conf;\n}\n"
    text += "# configuration file /etc/nginx/conf.d/a.conf:\nserver {\n  listen 80;\n\n# configuration file /etc/nginx/b.conf:\nlisten 81; # x {\n"
    loaded = load(tmp_path, text)
    assert [
        (row["source_document"], row["configuration_key"], row["record_no"]) for row in loaded.rows("configuration")
    ] == [
        ("/etc/nginx/nginx.conf", "http.include", 3),
        ("/etc/nginx/conf.d/a.conf", "server.listen", 7),
        ("/etc/nginx/b.conf", "listen", 10),
    ]
    assert loaded.reasons() == [(6, "not nginx's language: a block or directive that does not end")]
    assert loaded.row("rejects")["raw"] == b"server {"


def test_lua(tmp_path: Path) -> None:
    text = "http {\n  init_by_lua_block {\n    local t = { a = '\"' }\n  }\n  server { listen 80; server_name a; }\n}\n"
    loaded = load(tmp_path, text)
    assert settings(loaded) == {
        "http.init_by_lua_block": "local t = { a = '\"' }",
        "http.server[a].listen": "80",
        "http.server[a].server_name": "a",
    }
    assert loaded.numbers("configuration") == [2, 5, 5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a b", "a block or directive that does not end"),
        ("a {", "a block or directive that does not end"),
        ("}", "a brace that closes nothing"),
        ("a }", "a brace that closes nothing"),
        (";", "a semicolon or block without a directive"),
        ("{ }", "a semicolon or block without a directive"),
        ("a {" * 200, "nested too deeply"),
    ],
)
def test_what_is_not_the_language(text: str, reason: str) -> None:
    items = list(nginx_conf.records(f"x 1;\n{text}\n".encode()))
    rejects = [item for item in items if isinstance(item, Reject)]
    assert [item.reason for item in rejects] == [f"not nginx's language: {reason}"]
    assert [item.values["configuration_key"] for item in items if isinstance(item, Row)] in (["x"], ["x", "a"])


def test_no_directive() -> None:
    assert list(nginx_conf.records(b"# nothing\n")) == [Reject(1, "no directive", b"# nothing\n")]


def test_many_directives_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx_conf, "MAX_DIRECTIVES", 3)
    items = list(nginx_conf.records(b"a 1;\nb 1;\nc 1;\nd 1;\ne 1;\n"))
    assert [item.record_no for item in items] == [1, 2, 3, 4]
    assert isinstance(items[-1], Reject)


def test_hostile_text_takes_no_quadratic_time() -> None:
    start = time.process_time()
    for part in (
        "${",
        '"',
        "'",
        "\\",
        "x_by_lua_block {",
        "# configuration file /x:\n",
        "{",
        "}",
        ";",
        "a;",
        "\n",
        '\\"',
    ):
        list(nginx_conf.records((part * (100_000 // len(part))).encode()))
    assert time.process_time() - start < 10
