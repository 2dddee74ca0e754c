"""Forks: a command line in a process of its own that does not have to start.

Most of what a short command takes is the start of Python and the loading of modules. Here a server that has loaded all
of them forks for each command, so that this has an exit code, streams, an environment and a folder of its own, as any
other process. That a command loads what it needs, those show that are started as a user starts them: all in
`tests/cli`, the commands of the guides and of the Node tools' document.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.connection import Client
from pathlib import Path
from tempfile import TemporaryDirectory

TIMEOUT = 900
_ROOT = Path(__file__).parents[2]


def run(program: str, arguments: Sequence[str], variables: Mapping[str, str], cwd: Path) -> tuple[int, str, str]:
    """Run a program of the product to its end, without a terminal: exit code, stdout and stderr. The code of a process
    that a signal ended is the negative of its number."""
    with TemporaryDirectory(prefix="forks-") as folder, Client(_address()) as server:
        out, err = Path(folder) / "stdout", Path(folder) / "stderr"
        line = [program, *arguments]
        server.send((line, dict(variables), str(cwd), str(out), str(err)))
        pid = server.recv()
        if not server.poll(TIMEOUT):
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(line, TIMEOUT)
        return server.recv(), out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


@cache
def _address() -> str:
    """Start this process's server; it ends once this process does."""
    folder = TemporaryDirectory(prefix="forks-")
    address = f"{folder.name}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forks.server", address], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(folder.cleanup)
    atexit.register(server.communicate)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return address
