"""Text of unknown origin, made safe to show."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

from forensics.text import bytes_text, safe_text, shell_word

WORDS = [
    *("plain", "two words", "it's", "a$b`c`", "", "\\x41", "back\\slash '"),
    *("a\nb", "\x1b]52;c;aGk=\x07", "\x1b1", "\u202egnp.exe", "\u00851", os.fsdecode(b"\xff\xfe7")),
    "'\\\n$(id)\x1b'",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_the_word_that_was_meant_and_a_terminal_sees_no_control_character(word: str) -> None:
    shown = shell_word(word)
    assert safe_text(shown) == shown
    done = subprocess.run(["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)


def test_a_word_without_control_characters_is_quoted_as_every_shell_reads_it() -> None:
    assert [shell_word(word) for word in WORDS[:7]] == [shlex.quote(word) for word in WORDS[:7]]


@pytest.mark.parametrize(
    ("count", "told"),
    [(999, "999 B"), (1_500_000, "1.5 MB"), (2 * 10**12, "2.0 TB"), (3 * 10**15, "3.0 PB"), (10**18, "1.0 EB"), (None, "unknown")],
)  # fmt: skip
def test_sizes_in_decimal_units(count: int | None, told: str) -> None:
    assert bytes_text(count) == told
