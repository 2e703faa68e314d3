"""Which lines of a text log begin with a date and a time: told by numpy for all lines of a block, 1 GB/s and more."""

from __future__ import annotations

from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

_SHAPE = "0000-00-00T00:00"
_DIGITS = np.flatnonzero([letter == "0" for letter in _SHAPE])
_ACCESS = "[00/Aaa/"
_NEAR = 256
# So many lines at once: a block of the shortest lines would take 0.3 GB.
_AT_ONCE = 1 << 16
_BRACKET, _COMMA, _BRACE, _QUOTE = b'[,{"'


def begins(data: Bytes, starts: Numbers, ends: Numbers) -> Flags:
    """Say which lines begin a record.

    Those that begin with a stamp, with one in brackets, or as Ruby's logger writes it (`E, [` before it). A line that begins as a JSON object
    does, or has the stamp of an access log, is another logger's record, on no account the rest of the one before.
    """
    found = np.zeros(len(starts), dtype=bool)
    lengths, firsts = ends - starts, data[np.minimum(starts, len(data) - 1)]
    second = data[np.minimum(starts + 1, len(data) - 1)]
    found[(lengths > 2) & (firsts == _BRACE) & (second == _QUOTE)] = True
    is_ruby = (second == _COMMA) & (data[np.minimum(starts + 3, len(data) - 1)] == _BRACKET)
    found[_accesses(data, starts, ends)] = True
    skipped = np.where(firsts == _BRACKET, 1, np.where(is_ruby, 4, 0))
    likely = np.flatnonzero(lengths - skipped >= len(_SHAPE))
    likely = likely[_is_digit(data[starts[likely] + skipped[likely]])]
    for begin in range(0, len(likely), _AT_ONCE):
        rows = likely[begin : begin + _AT_ONCE]
        found[rows] |= _are_stamps(data, starts[rows] + skipped[rows])
    return found


def _accesses(data: Bytes, starts: Numbers, ends: Numbers) -> Numbers:
    """Return the lines, but indented ones, with `[03/Mar/` near their beginning."""
    places = (
        np.flatnonzero(data[: 1 - len(_ACCESS)] == _BRACKET)
        if len(data) >= len(_ACCESS)
        else np.empty(0, dtype=np.int64)
    )
    for step, kind in enumerate(_ACCESS[1:], 1):
        letters = data[places + step]
        places = places[
            _is_digit(letters) if kind == "0" else letters == ord("/") if kind == "/" else letters > ord("9")
        ]
    rows = np.searchsorted(starts, places, side="right") - 1
    is_near = (rows >= 0) & (places < ends[rows]) & (places - starts[rows] < _NEAR) & (data[starts[rows]] > ord(" "))
    return np.asarray(rows[is_near])


def _is_digit(letters: Bytes) -> Flags:
    return np.asarray((letters - np.uint8(48)) < 10)


def _are_stamps(data: Bytes, places: Numbers) -> Flags:
    letters = data[places[:, None] + np.arange(len(_SHAPE))]
    between, clock, colon = letters[:, 4], letters[:, 10], letters[:, 13]
    fits = _is_digit(letters[:, _DIGITS]).all(axis=1) & (colon == ord(":")) & (letters[:, 7] == between)
    return np.asarray(
        fits & ((between == ord("-")) | (between == ord("/"))) & ((clock == ord("T")) | (clock == ord(" ")))
    )
