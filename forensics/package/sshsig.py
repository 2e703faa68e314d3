"""OpenSSH's signature files and public keys for Ed25519, as bytes (PROTOCOL.sshsig of openssh-portable; RFC 4253 section 6.6, RFC 8709).

Only what this tool writes is read: one algorithm, one namespace, no options. A file therefore has one form, and any other is a change.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator

NAMESPACE = "evidence-package@canary-forensics"
KEY_TYPE = b"ssh-ed25519"
_MAGIC, _VERSION, _HASH = b"SSHSIG", 1, b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70  # characters of a line, as ssh-keygen breaks them


def _packed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield the strings of a blob; what is left at its end is yielded too short and fails where it is compared."""
    while data:
        size = struct.unpack_from(">I", data.ljust(4, b"\0"))[0]
        yield data[4 : 4 + size]
        data = data[4 + size :]


def signed_data(message: bytes) -> bytes:
    """Return what is signed in place of a message."""
    return _MAGIC + _packed(NAMESPACE.encode(), b"", _HASH, hashlib.sha512(message).digest())


def encode(public: bytes, signature: bytes) -> bytes:
    """Return the signature file of a raw public key and a raw signature over `signed_data`."""
    blob = _MAGIC + struct.pack(">I", _VERSION)
    blob += _packed(key_blob(public), NAMESPACE.encode(), b"", _HASH, _packed(KEY_TYPE, signature))
    text = base64.b64encode(blob).decode()
    lines = (text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH))
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def decode(data: bytes) -> tuple[bytes, bytes] | None:
    """Return raw public key and raw signature of a signature file; None where it is not what `encode` writes."""
    text = data.decode("ascii", "replace").removeprefix(_BEGIN).partition(_END)[0]
    try:
        blob = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    parts = list(_unpacked(blob[len(_MAGIC) + 4 :]))
    if len(parts) != 5:
        return None
    public, signature = parts[0][-32:], parts[4][-64:]
    return (public, signature) if encode(public, signature) == data else None


def key_blob(public: bytes) -> bytes:
    """Return a raw public key as OpenSSH encodes it."""
    return _packed(KEY_TYPE, public)


def key_line(public: bytes) -> bytes:
    """Return a public key file, without a comment: it would name somebody."""
    return KEY_TYPE + b" " + base64.b64encode(key_blob(public)) + b"\n"


def parse_blob(text: str) -> bytes | None:
    """Return the raw public key of the base64 part of a key line; None where it is no Ed25519 key."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    public = blob[-32:]
    return public if len(public) == 32 and key_blob(public) == blob else None


def fingerprint(public: bytes) -> str:
    """Return the fingerprint of a raw public key as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key_blob(public)).digest()).decode().rstrip("=")
