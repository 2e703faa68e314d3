"""Signed packages of a sample, made once for all workers, and keys to sign with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forensics.case import open_case
from forensics.package import Options, create
from tests.conftest import Reviewed

SAMPLE = "checkout-careless"  # all tables, people who act in the cluster, and findings of every family


@dataclass(frozen=True)
class Sealed:
    """A signed package as folder and as zip, the signer's key files, another signer's, and the pseudonym key."""

    folder: Path
    zip: Path
    signer: Path
    private: Path
    other: Path
    other_private: Path
    key: Path

    def copy(self, target: Path) -> Path:
        """Return a copy of the folder that a test may change."""
        shutil.copytree(self.folder, target)
        return target


def write_key(path: Path, seed: int) -> Path:
    """Write a key pair, OpenSSH format; return the private key's file."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" auditor@example\n")
    return path


def _sealed(folder: Path) -> Sealed:
    return Sealed(
        folder / "package", folder / "package.zip", folder / "signer.pub", folder / "signer", folder / "other.pub",
        folder / "other", folder / "pseudonyms.key",
    )  # fmt: skip


@pytest.fixture(scope="session")
def sealed(reviewed: Reviewed) -> Sealed:
    """Return the packages; read them only, or take a copy."""

    def build(folder: Path) -> None:
        made = folder.with_name(f"{folder.name}.building")
        made.mkdir()
        at = _sealed(made)
        write_key(at.private, 1)
        write_key(at.other_private, 2)
        case = open_case(reviewed.copy(SAMPLE, made / f"{SAMPLE}.case"))
        create(case, at.folder, Options(at.key, at.private))
        create(case, at.zip, Options(at.key, at.private))
        made.rename(folder)

    return _sealed(reviewed.make("sealed", build))
