"""No network, ever."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.end_to_end.harness import ROOT, SAMPLES, run

CLIENTS = {"requests", "urllib3", "httpx", "aiohttp", "boto3", "ftplib", "smtplib"}


def test_a_whole_review_with_sockets_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked for")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    case = tmp_path / "a.case"
    assert run("review", SAMPLES / "checkout-thin", "--case", case).code == 0
    assert run("report", case, "--format", "markdown").code == 0
    assert run("init", SAMPLES / "checkout-thin").code == 0


def test_no_network_client_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from forensics.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit as end: assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    arguments = [
        sys.executable,
        "-c",
        code,
        "review",
        str(SAMPLES / "checkout-thin"),
        "--case",
        str(tmp_path / "a.case"),
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)
    assert not CLIENTS & set(done.stderr.split())
