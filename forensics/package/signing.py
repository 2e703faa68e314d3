"""Ed25519 signatures with the user's own key, by `cryptography` (extra `seal`): signing, and checking against a signer's public key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import Location, UsageError
from forensics.package import sshsig
from forensics.package.bag import SEAL, SIGNATURES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SSH, RAW = f"{SIGNATURES}{SEAL}.sig", f"{SIGNATURES}{SEAL}.ed25519"
SSH_KEY, PEM_KEY = f"{SIGNATURES}public-key.pub", f"{SIGNATURES}public-key.pem"
FILES = (PEM_KEY, SSH_KEY, RAW, SSH)
_MAX_KEY = 100_000  # bytes of a key file or a list of signers
_MAKE_ONE = "Make a key with: ssh-keygen -t ed25519 -f FILE"
_NAMESPACES = re.compile(r'(?i:namespaces)="([^"!]*)"')

Passphrase = Callable[[], bytes]


def require_library() -> None:
    """Raise `UsageError` where the optional library is not installed."""
    if not has_library():
        raise UsageError("Signatures need an optional part.", hint="Install it: pip install 'canary-forensics[seal]'")


def has_library() -> bool:
    """Say whether the optional library is installed."""
    try:
        import cryptography.hazmat.primitives.serialization  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def private_key(path: Path, passphrase: Passphrase) -> Ed25519PrivateKey:
    """Return the private key in an OpenSSH or PEM file; the passphrase is asked for only where the key is encrypted.

    Raises:
        UsageError: it cannot be read, is no private key, is of another type, or the passphrase is wrong.

    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = _read(path)
    if b"PRIVATE KEY-----" not in data:
        what = "a public key" if data.startswith((b"ssh-", b"ecdsa-", b"-----BEGIN PUBLIC")) else "no private key"
        raise UsageError(f"{path} is {what}.", hint="Name the private key: OpenSSH format or PEM, Ed25519.")
    key = _loaded(data, path, passphrase)
    if not isinstance(key, Ed25519PrivateKey):
        kind = re.sub(r"_|PrivateKey$", "", type(key).__name__)
        raise UsageError(f"{path} holds a key of type {kind}; packages are signed with Ed25519.", hint=_MAKE_ONE)
    return key


def _loaded(data: bytes, path: Path, passphrase: Passphrase) -> Any:
    """Try without a passphrase first: the library says with a TypeError, or in words, that one is needed."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        try:
            return load(data, None)
        except TypeError:
            return load(data, passphrase())
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{path} holds a key of a kind that cannot sign here.", hint=_MAKE_ONE) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{path} cannot be opened: the passphrase is wrong, or the file is damaged.",
            hint="Check it: ssh-keygen -y -f FILE",
        ) from error


def sign(message: bytes, key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Return the files of `signatures/` over the tag manifest."""
    public = key.public_key().public_bytes_raw()
    return {
        SSH: sshsig.encode(public, key.sign(sshsig.signed_data(message))),
        RAW: key.sign(message),
        SSH_KEY: sshsig.key_line(public),
        PEM_KEY: pem(public),
    }


def pem(public: bytes) -> bytes:
    """Return a raw public key as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Ed25519PublicKey.from_public_bytes(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signers(path: Path) -> list[bytes]:
    """Return the raw Ed25519 keys of an allowed_signers file, an OpenSSH public key or a PEM.

    Raises:
        UsageError: it cannot be read or names no key that can be used.

    """
    data = _read(path)
    found = [_pem_key(data)] if b"-----BEGIN" in data else list(_lines(data))
    keys = [key for key in found if key is not None]
    if not keys:
        raise UsageError(
            f"{path} names no Ed25519 key that may sign packages.",
            hint="Give an ssh .pub file, an allowed_signers line (without valid-before or valid-after: ssh-keygen judges those), or a PEM.",
            location=Location(path),
        )
    return keys


def _pem_key(data: bytes) -> bytes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def _lines(data: bytes) -> Iterator[bytes | None]:
    """Yield the key of each line: `[principals [options]] ssh-ed25519 BASE64 [comment]` (ALLOWED SIGNERS of ssh-keygen(1))."""
    for line in data.decode("utf-8", "replace").splitlines():
        head, found, tail = f" {line.strip()}".partition(f" {sshsig.KEY_TYPE.decode()} ")
        if found and not line.startswith("#") and _may_sign(head.strip()):
            yield sshsig.parse_blob((tail.split() or [""])[0])


def _may_sign(head: str) -> bool:
    """Say whether the principals and options before a key let it sign packages; an option that is not known here lets it not."""
    options = head.partition(" ")[2].strip()
    known = _NAMESPACES.fullmatch(options)
    patterns = known[1].split(",") if known else []
    return not options or any(fnmatchcase(sshsig.NAMESPACE, pattern) for pattern in patterns)


def check(files: Mapping[str, bytes], message: bytes, wanted: Sequence[bytes] | None) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) of the signature files; `wanted` are the keys that may have signed, None for any."""
    decoded = sshsig.decode(files[SSH])
    if decoded is None:
        yield SSH, "is not a signature file of this package's form"
        return
    public, signature = decoded
    if not _is_signed(public, signature, sshsig.signed_data(message)):
        yield SSH, f"is not a signature over {SEAL}"
    if not _is_signed(public, files[RAW], message):
        yield RAW, f"is not a signature over {SEAL} by the key of {SSH}"
    for name, form in ((SSH_KEY, sshsig.key_line), (PEM_KEY, pem)):
        if files[name] != form(public):
            yield name, f"is not the key of {SSH}"
    if wanted is not None and public not in wanted:
        given = ", ".join(map(sshsig.fingerprint, wanted[:3]))
        yield SSH, f"is by the key {sshsig.fingerprint(public)}, not by the signer given ({given})"


def _is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(f"{path} is no file.", hint="Name a key file.")
        with path.open("rb") as file:
            return file.read(_MAX_KEY)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint="Name a key file.") from error
