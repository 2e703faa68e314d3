"""Named checks of secrets: checksums that providers put into their tokens, and what tells a random value from a word.

A checksum needs no network: a value that carries the right one was issued by its provider, whatever stands around it.
"""

from __future__ import annotations

import base64
import binascii
import math
import string
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE36 = string.digits + string.ascii_lowercase
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # BIP 173, "Checksum"

_MIN_DIFFERENT = (
    8  # of the last 24 characters; random hexadecimal digits have 13 on average, fewer than 8 once in 10^4 tokens
)
_MIN_BITS_PER_CHAR = 3.0  # 12 different characters have 3.6; words, dates and numbers of this length mostly less than 3


def varied(value: str) -> bool:
    """Tell whether the end of the value has many different characters: not `xxxxxxxx`, not `00000000`."""
    return len(set(value[-24:])) >= min(_MIN_DIFFERENT, len(value) // 2)


def random_like(value: str) -> bool:
    """Tell whether the value looks drawn by chance: letters, at least two digits, and at least 3 bits a character (Shannon)."""
    digits = sum(char.isdigit() for char in value)
    return digits > 1 and any(char.isalpha() for char in value) and entropy(value) >= _MIN_BITS_PER_CHAR


def entropy(value: str) -> float:
    """Return the Shannon entropy of the characters of `value`, in bits a character."""
    counts, total = Counter(value).values(), len(value)
    return -sum(count / total * math.log2(count / total) for count in counts) if total else 0.0


def crc32_base62(value: str) -> bool:
    """Tell whether the last 6 characters are the CRC-32 of those between prefix and them, in base 62 (GitHub 2021, npm 2021)."""
    body = value.rpartition("_")[2]
    return len(body) > 6 and body[-6:] == _in_base(zlib.crc32(body[:-6].encode()), _BASE62).rjust(6, "0")


def gitlab_token(value: str) -> bool:
    """Tell whether a routable GitLab token ends with the CRC-32 of all before it, in base 36; older ones are only `varied`."""
    head, dot, tail = value.rpartition(".")
    if not dot:
        return varied(value)
    checked = f"{head}.{tail[:-7]}"
    return tail[-7:] == _in_base(zlib.crc32(checked.encode()), _BASE36).rjust(7, "0")


def grafana_token(value: str) -> bool:
    """Tell whether `gl.._secret_checksum` ends with the CRC-32 of all before it, least byte first, as hexadecimal digits."""
    head, _, checksum = value.rpartition("_")
    return checksum == zlib.crc32(head.encode()).to_bytes(4, "little").hex()


def bech32(value: str) -> bool:
    """Tell whether the checksum of a Bech32 text (BIP 173) is right: age identities, Nostr keys."""
    if value not in (value.lower(), value.upper()):
        return False
    prefix, _, data = value.lower().rpartition("1")
    if not prefix or any(char not in _BECH32 for char in data):
        return False
    expanded = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    return _polymod([*expanded, *(_BECH32.index(char) for char in data)]) == 1


def discord_token(value: str) -> bool:
    """Tell whether the first part is the number of an account in base64, as Discord's tokens begin."""
    decoded = decoded_base64(value.partition(".")[0])
    return decoded is not None and decoded.isdigit() and 15 <= len(decoded) <= 20 and varied(value)


def base64_private_key(value: str) -> bool:
    """Tell whether the value is a private key in PEM form, once more in base64 (kubeconfig, environment variables)."""
    decoded = decoded_base64(value[: len(value) // 4 * 4])
    return decoded is not None and b"PRIVATE KEY-----" in decoded[:64] and len(set(decoded)) > 24


def base64_credentials(value: str) -> bool:
    """Tell whether the value is `user:password` in base64 (RFC 7617), printable, with a password of some length."""
    decoded = decoded_base64(value)
    user, colon, password = (decoded or b"").partition(b":")
    return bool(user and colon) and len(password) >= 3 and all(32 <= byte < 127 for byte in decoded or b"")


def decoded_base64(text: str) -> bytes | None:
    """Return the bytes of base64 or base64url with or without padding, or None."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


TOKEN_VALIDATORS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "base64_credentials": base64_credentials,
        "base64_private_key": base64_private_key,
        "bech32": bech32,
        "crc32_base62": crc32_base62,
        "discord_token": discord_token,
        "gitlab_token": gitlab_token,
        "grafana_token": grafana_token,
        "random_like": random_like,
        "varied": varied,
    }
)


def _in_base(number: int, digits: str) -> str:
    text = ""
    while number:
        number, rest = divmod(number, len(digits))
        text = digits[rest] + text
    return text


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            checksum ^= step if top >> bit & 1 else 0
    return checksum
