"""Work beside the main thread, so that a signal is heard while an engine computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE = 2.0  # seconds that an interrupted statement has to end


def beside(work: Callable[[], _T], stop: Callable[[], None]) -> _T:
    """Return what `work` returns in a thread of its own; a signal stops the work and goes on to the caller."""
    done: list[_T] = []
    failed: list[BaseException] = []
    ended = threading.Event()  # Thread.join() takes a thread for ended once a signal came (Python 3.11)

    def body() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asked
            failed.append(error)
        ended.set()

    threading.Thread(target=body, daemon=True).start()
    try:
        ended.wait()
    except BaseException:
        stop()
        ended.wait(_PATIENCE)
        raise
    if failed:
        raise failed[0]
    return done[0]
