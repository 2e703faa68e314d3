"""Work beside the main thread, so that a signal is heard while an engine computes, and within memory that the kernel counts."""

from __future__ import annotations

import re
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE = 2.0  # seconds that an interrupted statement has to end


def beside(work: Callable[[], _T], stop: Callable[[], None], seconds: float | None = None) -> _T:
    """Return what `work` returns in a thread of its own; a signal stops the work and goes on to the caller.

    Raises:
        TimeoutError: the work was stopped after `seconds`. Whatever else `work` raises.

    """
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
        in_time = ended.wait(seconds)
        if not in_time:
            stop()
            ended.wait()
    except BaseException:
        stop()
        ended.wait(_PATIENCE)
        raise
    if failed and not in_time:
        raise TimeoutError from failed[0]
    if failed:
        raise failed[0]
    return done[0]


@contextmanager
def bounded_memory(more: int) -> Iterator[None]:
    """Let the process allocate no more than `more` bytes beyond what it has: one value may be larger than the engine's own limit.

    The engine's limit is for what it keeps in blocks; `repeat('x', 4000000000)` took 7.9 GB beside it. Linux counts private memory (RLIMIT_DATA);
    elsewhere the engine's limit stands alone.
    """
    status = Path("/proc/self/status")
    used = re.search(r"VmData:\s+(\d+) kB", status.read_text()) if status.exists() else None
    if used is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int(used[1]) * 1024 + more
    limits = [limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
