"""Cases of the three samples, built once for all workers, and the command line as a function."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics.review import Options, review

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # workers fill the cores; more threads of the engine cost a quarter more CPU over the samples
    os.environ.setdefault("CANARY_THREADS", "1")

SAMPLES = Path(__file__).parent.parent / "sample_data"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Reviewed:
    """Cases of the samples, made when they are first asked for; read them only, or take a copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def case(self, name: str) -> Path:
        """Return the case of a sample."""
        folder = self._folder / f"{name}.case"
        with _alone(self._folder / f"{name}.lock"):
            done = self._folder / f"{name}.done"
            if not done.exists():
                review([SAMPLES / name], None, folder, Options())
                done.touch()
        return folder

    def make(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return a folder that is built once for all workers."""
        folder = self._folder / name
        with _alone(self._folder / f"{name}.lock"):
            if not folder.exists():
                build(folder)
        return folder

    def copy(self, name: str, target: Path) -> Path:
        """Return a copy of the case that a test may change."""
        shutil.copytree(self.case(name), target)
        return target


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Reviewed:
    """Return the cases of the samples."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "samples"
    folder.mkdir(exist_ok=True)
    return Reviewed(folder)
