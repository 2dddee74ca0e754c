"""Engines of one test alone, whose index may be killed and started again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.start import Engine, free_port, start


class Osmem:
    """An index engine of this test alone, which is killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._log = (folder / "osmem.log").open("wb")
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Start it; the tool waits for it by itself."""
        from osmem_server import resolve_binary

        command = [str(resolve_binary()), "-addr", f"127.0.0.1:{self._port}", "-no-ja", "-no-stdin-watch"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._log.close()


@pytest.fixture
def osmem(tmp_path: Path) -> Iterator[Osmem]:
    """An index engine that may be killed."""
    engine = Osmem(tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def ministack(tmp_path: Path) -> Iterator[Engine]:
    """A table and buckets of this test alone."""
    engine = start("ministack", tmp_path / "ministack")
    yield engine
    engine.stop()
