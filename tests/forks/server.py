"""The server: it loads every module of the product, and forks for each command, until its stdin ends."""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
from importlib.metadata import entry_points
from multiprocessing.connection import Connection

from tattoo_data.selftest.bench import module_names

_PROGRAMS = {each.name: each.load for each in entry_points(group="console_scripts") if "tattoo_data" in each.value}


def _load() -> None:
    for name in module_names():
        if not name.startswith("tattoo_data.testing"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _serve(address: str) -> Connection:
    """Fork for each client. Returns in the fork, with the connection."""
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(address)
        waiting.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([sys.stdin, waiting], [], [])
            if sys.stdin in ready:
                sys.exit()
            client, _ = waiting.accept()
            if os.fork() == 0:
                return Connection(client.detach())
            client.close()


def _become(variables: dict[str, str], cwd: str, out: str, err: str) -> None:
    """What a shell and the start of Python do before a program begins."""
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(path, flags | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _load()
    client = _serve(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line, *place = client.recv()
    if pid := os.fork():
        client.send(pid)
        client.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    client.close()
    _become(*place)
    sys.argv = line
    _PROGRAMS[line[0]]()()


_main()
