"""Random draws that give the same values on every Python and platform."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POD_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Draw:
    """A named stream of draws, made of nothing but `Random.random()`, whose values Python promises to keep."""

    def __init__(self, seed: int, stream: str) -> None:
        self._random = random.Random(f"{seed}/{stream}")

    def unit(self) -> float:
        """Return a float in [0, 1)."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.unit() < probability

    def between(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        return low + int(self.unit() * (high - low + 1))

    def skewed(self, low: int, high: int) -> int:
        """Return an integer in [low, high] that is mostly near the low end, as latencies are."""
        return low + int(self.unit() ** 3 * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self.unit() * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """Return one option of (option, weight) pairs."""
        left = self.unit() * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Return the options in another order."""
        return [option for _, option in sorted(((self.unit(), o) for o in options), key=lambda pair: pair[0])]

    def text(self, alphabet: str, length: int) -> str:
        """Return a word over an alphabet."""
        return "".join(self.pick(alphabet) for _ in range(length))

    def uuid(self) -> str:
        """Return a version 4 UUID."""
        word = self.text("0123456789abcdef", 30)
        return f"{word[:8]}-{word[8:12]}-4{word[12:15]}-{self.pick('89ab')}{word[15:18]}-{word[18:]}"

    def zeek_uid(self) -> str:
        """Return a connection id as Zeek writes them."""
        return "C" + self.text(BASE62, 17)
