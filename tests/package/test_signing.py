"""Keys that sign, keys that do not, and who a package may be by."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from forensics.errors import UsageError
from forensics.package import signing, sshsig, verify
from tests.conftest import Reviewed
from tests.end_to_end.harness import run
from tests.package.conftest import Sealed

SECRET = b"a passphrase"


def never() -> bytes:
    raise AssertionError("nobody should be asked")


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_keys_that_sign(form: PrivateFormat, tmp_path: Path) -> None:
    key, path = ed25519.Ed25519PrivateKey.generate(), tmp_path / "key"
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert signing.private_key(path, never).private_bytes_raw() == key.private_bytes_raw()
    path.write_bytes(key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(SECRET)))
    assert signing.private_key(path, lambda: SECRET).private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(UsageError, match="passphrase is wrong"):
        signing.private_key(path, lambda: b"another")


def keys() -> dict[str, bytes]:
    def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
        return key.private_bytes(Encoding.PEM, form, NoEncryption())  # type: ignore[attr-defined,no-any-return] # three kinds of key

    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return {
        "type RSA": pem(rsa.generate_private_key(65537, 2048)),
        "type EC": pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.OpenSSH),
        "public key": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "a public key": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "no private key": b"hello",
        "file is damaged": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "or the file is damaged": b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n",
    }


@pytest.mark.parametrize(
    "told",
    [
        "type RSA",
        "type EC",
        "public key",
        "a public key",
        "no private key",
        "file is damaged",
        "or the file is damaged",
    ],
)
def test_keys_that_do_not_sign_get_one_sentence(told: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(keys()[told])
    with pytest.raises(UsageError, match=told):
        signing.private_key(tmp_path / "key", never)


def test_through_the_command_line(reviewed: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(SECRET))
    )
    (tmp_path / "key.pub").write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    monkeypatch.delenv("CANARY_PASSPHRASE", raising=False)
    refused = run("package", case, tmp_path / "out", "--sign", tmp_path / "key")
    assert (refused.code, (tmp_path / "out").exists()) == (2, False)
    assert "CANARY_PASSPHRASE" in refused.err
    monkeypatch.setenv("CANARY_PASSPHRASE", SECRET.decode())
    done = run("package", case, tmp_path / "out.zip", "--sign", tmp_path / "key")
    assert done.code == 0, done.err
    assert SECRET.decode() not in done.out + done.err + (case / "access.jsonl").read_text()
    checked = run("verify", tmp_path / "out.zip", "--signer", tmp_path / "key.pub")
    assert (checked.code, checked.err) == (0, "")
    assert "by the signer given, SHA256:" in checked.out
    assert run("package", case, tmp_path / "b", "--sign", tmp_path / "none").code == 2
    shutil.copy(tmp_path / "key", case / "key")
    assert "lies in the case" in run("package", case, tmp_path / "b", "--sign", case / "key").err


def test_unsigned_and_signed_packages_say_what_they_show(sealed: Sealed, tmp_path: Path) -> None:
    done = run("verify", sealed.folder)
    assert (done.code, done.err) == (0, "")
    assert "Not shown  who signed: the key SHA256:" in done.out
    folder = sealed.copy(tmp_path / "package")
    shutil.rmtree(folder / "signatures")
    assert "Not shown  unsigned: detects accident, not an attacker" in run("verify", folder).out
    failed = run("verify", folder, "--signer", sealed.signer)
    assert (failed.code, failed.out) == (4, "signatures/: is missing: the package is not signed\n")
    assert failed.err == "1 failure: this is not the package as it was sealed.\n"


def test_another_signer(sealed: Sealed) -> None:
    done = run("verify", sealed.folder, "--signer", sealed.other)
    assert done.code == 4
    assert "not by the signer given" in done.out


@pytest.mark.parametrize(
    ("line", "usable"),
    [
        ("{key}", True),
        ("auditor@example,b {key} with a comment", True),
        ('auditor namespaces="evidence-package@canary-forensics" {key}', True),
        ('auditor namespaces="file,evidence-*" {key}', True),
        ('auditor NAMESPACES="*" {key}', True),
        ('auditor namespaces="file" {key}', False),
        ('auditor namespaces="*,!evidence-package@canary-forensics" {key}', False),
        ('auditor valid-before="20200101" {key}', False),
        ("auditor cert-authority {key}", False),
        ("# auditor {key}", False),
        ("auditor ssh-rsa AAAA", False),
        ("auditor ssh-ed25519 AAAA", False),
        ("auditor ssh-ed25519", False),
        ("", False),
    ],
)
def test_lines_of_allowed_signers(line: str, usable: bool, sealed: Sealed, tmp_path: Path) -> None:
    key = " ".join(sealed.signer.read_text().split()[:2])
    (tmp_path / "allowed").write_text("\n# somebody\n" + line.format(key=key) + "\n")
    if usable:
        assert verify(sealed.folder, tmp_path / "allowed").failures == []
    else:
        with pytest.raises(UsageError, match="names no Ed25519 key"):
            verify(sealed.folder, tmp_path / "allowed")


def test_a_pem_names_a_signer(sealed: Sealed, tmp_path: Path) -> None:
    shutil.copy(sealed.folder / "signatures" / "public-key.pem", tmp_path / "signer.pem")
    assert verify(sealed.folder, tmp_path / "signer.pem").failures == []
    public = rsa.generate_private_key(65537, 2048).public_key()
    for data in (public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), b"-----BEGIN x", b"\xff\xfe"):
        (tmp_path / "signer.pem").write_bytes(data)
        with pytest.raises(UsageError, match="names no Ed25519 key"):
            verify(sealed.folder, tmp_path / "signer.pem")


def test_a_signature_that_ssh_keygen_made_is_what_we_write(sealed: Sealed, tmp_path: Path) -> None:
    """Ed25519 has one signature for a key and a message, and the file has one form."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    shutil.copy(sealed.folder / "tagmanifest-sha256.txt", tmp_path / "seal")
    shutil.copy(sealed.private, tmp_path / "key")
    (tmp_path / "key").chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / "key", "-n", sshsig.NAMESPACE, tmp_path / "seal"],
        check=True,
    )
    assert (tmp_path / "seal.sig").read_bytes() == (sealed.folder / signing.SSH).read_bytes()


def test_signature_files_of_another_form(sealed: Sealed) -> None:
    data = (sealed.folder / signing.SSH).read_bytes()
    assert sshsig.decode(data) is not None
    for odd in (
        b"",
        b"\xff",
        data[:-1],
        data + b"\n",
        data.replace(b"\n", b"\r\n"),
        data[:100],
        os.urandom(300),
        data.replace(b"SSH", b"PGP"),
    ):
        assert sshsig.decode(odd) is None


def test_without_the_library(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "has_library", lambda: False)
    checked = verify(sealed.folder)
    assert checked.failures == []
    assert any("not checked, install canary-forensics[seal]" in text for text in checked.not_shown)
    done = run("verify", sealed.folder, "--signer", sealed.signer)
    assert (done.code, "canary-forensics[seal]" in done.err) == (2, True)
