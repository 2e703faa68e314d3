"""Stand-ins: the formula, what is one value, and the key file."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forensics.config import Config
from forensics.config.model import CohortRule
from forensics.errors import UsageError
from forensics.package.configuration import MASKS, masked_config
from forensics.package.extracts import shown_as
from forensics.package.masking import masked_findings, masked_results
from forensics.package.pseudonyms import Keyed, canonical, kind_of, make_key, read_key
from forensics.schema import TABLES
from tests.conftest import Reviewed
from tests.end_to_end.harness import run

KEY = Keyed(bytes(range(32)))


def test_the_formula_by_hand() -> None:
    """HMAC-SHA-256 over kind, 0x00, value with a key of the kind, computed with the padded blocks of RFC 2104."""

    def mac(key: bytes, data: bytes) -> bytes:
        padded = key.ljust(64, b"\0")
        inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + data).digest()
        return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()

    subkey = mac(KEY.key, b"canary-forensics pseudonym 1\0user")
    wanted = "u_" + base64.b32encode(mac(subkey, b"user\0u-14030")).decode()[:16]
    assert KEY.of("user", ["u-14030"]) == {"u-14030": wanted}
    assert re.fullmatch(r"u_[A-Z2-7]{16}", wanted)


def test_kinds_and_keys_do_not_link() -> None:
    other = Keyed(bytes(32))
    seen = {names.of(kind, ["a"])["a"] for names in (KEY, other) for kind in ("user", "session", "address", "x")}
    assert len(seen) == 8
    assert KEY.about["key_id"] != other.about["key_id"]
    assert KEY.key.hex() not in repr(KEY)


@pytest.mark.parametrize(
    ("kind", "one", "same"),
    [
        ("address", "::ffff:192.0.2.1", "192.0.2.1"),
        ("address", "2001:DB8:0:0::1", "2001:db8::1"),
        ("user", "Ada@Mail.Example", "ada@mail.example"),
        ("user", "Na\u0308slund", "N\u00e4slund"),
    ],
)
def test_spellings_of_one_value(kind: str, one: str, same: str) -> None:
    assert canonical(kind, one) == canonical(kind, same)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [("user", "Ada", "ada"), ("session", "A@b", "a@b"), ("address", "192.0.2.1", "192.0.2.10")],
)
def test_other_values_stay_apart(kind: str, one: str, other: str) -> None:
    assert canonical(kind, one) != canonical(kind, other)


def test_any_text_has_a_pseudonym() -> None:
    assert len(set(KEY.of("address", ["", "not an address", "\ud800", "1.2.3.4:80"]).values())) == 4


def test_every_column_that_identifies_has_a_kind_and_is_not_shown() -> None:
    """A column of a later schema is a kind of its own: never shown by oversight."""
    for table in TABLES.values():
        for column in table.columns:
            assert shown_as(column) == {"none": "value", "content": "length"}.get(column.personal, "stand-in")
            assert kind_of(column.name)


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key = make_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path / "key") == key
    assert len(key) == 32


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [("aa" * 32, 0o640, "can be read by others"), ("aa" * 31, 0o600, "no pseudonym key"), ("x" * 64, 0o600, "no pseudonym key"), ("", 0o600, "no pseudonym key"), ("\u00e4", 0o600, "no pseudonym key")],
)  # fmt: skip
def test_key_files_that_are_refused(tmp_path: Path, text: str, mode: int, told: str) -> None:
    (tmp_path / "key").write_text(text)
    (tmp_path / "key").chmod(mode)
    with pytest.raises(UsageError, match=told):
        read_key(tmp_path / "key")


def test_a_pipe_or_a_folder_is_no_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(UsageError):
            read_key(tmp_path / name)


def test_where_keys_may_lie(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    for place in (case / "key", case / "restricted" / ".." / "key", tmp_path / "out" / "key"):
        done = run("package", case, tmp_path / "out", "--key", place)
        assert (done.code, done.out) == (2, "")
        assert "lies in the case or in the package" in done.err
        assert not place.exists()
    made = run("package", case, tmp_path / "out", "--key", tmp_path / "key")
    assert "Made the pseudonym key" in made.err
    again = run("package", case, tmp_path / "again", "--key", tmp_path / "key")
    assert (again.code, again.err) == (0, "")
    assert (tmp_path / "key").read_text().strip() not in "".join(
        path.read_text("utf-8", "replace") for path in (tmp_path / "out").rglob("*") if path.is_file()
    )


# Texts of the configuration that are kept as they are: they name releases, places in the evidence, or rules.
KEPT = {
    "release.service", "release.baseline_version", "release.canary_version", "release.baseline_digest", "release.canary_digest", "release.previous_state",
    "window.outcome", "phase.name", "cohort.cohort", "cohort.table", "cohort.column", "cohort.evidence", "cohort.flag", "identity.address", "identity.pod",
    "identity.version", "identity.cohort", "zone.name", "zone.cidrs", "zone.kind", "allow.destination", "synthetic.name", "suppress.detector", "suppress.entity",
    "role.name", "role.equals", "route.template", "route.owner_param", "policy.phase", "display.time_zone", "display.date_format", "ingest.ignore",
    "privacy.countries", "access.role_claim", "access.tenant_claim", "access.tenant_header", "auth_event.name", "auth_event.columns", "auth_event.logger",
    "auth_event.failure", "list.kind", "list.entries",
}  # fmt: skip
BY_COLUMN = {"cohort.equals", "cohort.in", "cohort.glob", "cohort.re2", "cohort.cidr"}


def _parts(kind: Any) -> Iterator[Any]:
    """Yield a type and what it is made of: `list[str] | None` holds a text."""
    yield kind
    for part in typing.get_args(kind):
        yield from _parts(part)


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and not typing.get_origin(part) and issubclass(part, msgspec.Struct)


def test_every_text_of_the_configuration_is_decided() -> None:
    """A key that is new in the model must be added to one of the lists, after somebody thought about it."""
    texts = set()
    for section in msgspec.structs.fields(Config):
        struct = next(part for part in _parts(section.type) if _is_struct(part))
        for item in msgspec.structs.fields(struct):
            if any(part is str or isinstance(part, str) for part in _parts(item.type)):
                texts.add(f"{section.encode_name}.{item.encode_name}")
    assert texts == KEPT | set(MASKS) | BY_COLUMN


def test_tests_of_a_column_of_people_are_masked() -> None:
    rules = [
        CohortRule("canary", column="user_id", equals="u-1"),
        CohortRule("canary", column="session_id", any_of=["s-1", "s-2"]),
        CohortRule("canary", column="client_address", cidr="198.51.100.7/32"),
        CohortRule("canary", column="user_name", re2="^ada"),
        CohortRule("canary", column="k8s_pod_name", glob="checkout-*"),
    ]
    found = masked_config(Config(cohort=rules), KEY)["cohort"]
    assert found[0]["equals"] == KEY.of("user", ["u-1"])["u-1"]
    assert found[1]["in"] == list(KEY.of("session", ["s-1", "s-2"]).values())
    assert found[2]["cidr"] == "(15 characters, in the case)"
    assert found[3]["re2"] == "(4 characters, in the case)"
    assert found[4]["glob"] == "checkout-*"


def test_masking_by_hand() -> None:
    owner = KEY.of("user", ["Olga, expired on, owner x"])["Olga, expired on, owner x"]
    findings = {
        "case": {"expired_suppressions": ["the suppression of a.b (x=1, owner y), owner Olga, expired on 2026-01-01"]},
        "findings": [{"suppression": {"owner": "Olga, expired on, owner x", "reason": "abc", "expires": "2027-01-01"}}, {"suppression": None}],
    }  # fmt: skip
    masked = masked_findings(findings, KEY)
    assert masked["findings"][0]["suppression"] == {
        "owner": owner,
        "reason": "(3 characters, in the case)",
        "expires": "2027-01-01",
    }
    name = KEY.of("user", ["Olga"])["Olga"]
    assert masked["case"]["expired_suppressions"] == [
        f"the suppression of a.b (x=1, owner y), owner {name}, expired on 2026-01-01"
    ]
    actions = {
        "actions": [{"actor": "ada", "object": "secrets hers", "message": "m"}, {"actor": "rollouts-controller", "object": "checkout", "message": ""}],
        "sentence": "Approved by ada, ben; first 2026-03-03 09:00:00 UTC.",
    }  # fmt: skip
    ada, ben, hers = (
        KEY.of("user", ["ada"])["ada"],
        KEY.of("user", ["ben"])["ben"],
        KEY.of("resource", ["hers"])["hers"],
    )
    found = masked_results({"actions": actions, "other": {"a": 1}}, KEY)
    assert found["other"] == {"a": 1}
    assert found["actions"] == {
        "actions": [{"actor": ada, "object": f"secrets {hers}", "message": ""}, {"actor": "rollouts-controller", "object": "checkout", "message": ""}],
        "sentence": f"Approved by {ada}, {ben}; first 2026-03-03 09:00:00 UTC.",
    }  # fmt: skip
    told = masked_results({"actions": {"actions": [], "sentence": "Something new about ada"}}, KEY)
    assert told["actions"]["sentence"] == ""
