"""A place to fight at: a target whose three engines stand behind fault proxies, and a way to read it directly."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from tattoo_data.clock import Clock
from tattoo_data.engine.scan import read_all
from tattoo_data.environment import open_environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.settings import resolve
from tests.faults.messages import Seen, Service
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.tool import TARGETS, Tool, names

Url = Callable[[str], str]
_VARIABLES = {
    Service.DYNAMODB: "AWS_ENDPOINT_URL_DYNAMODB",
    Service.OPENSEARCH: "OPENSEARCH_ENDPOINT",
    Service.S3: "AWS_ENDPOINT_URL_S3",
}


@dataclass(slots=True, kw_only=True)
class Place:
    """`tool` runs commands through the proxies, `direct` past them."""

    kind: str
    tool: Tool
    direct: Tool
    proxies: dict[Service, FaultProxy]
    _passed: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def fingerprint(self) -> str:
        """What the live stores hold now, read past the proxies and the command line."""
        settings = resolve({}, self.direct.variables(), self.direct.cwd)
        with open_environment(settings, Clock()) as env:
            live = read_all(env.stores, env.pool, keep=False)
        return state_fingerprint({name: live[name].total.hex() for name in StoreName})

    def requests(self, *arguments: str) -> int:
        """Run a command to its end, and count its requests."""
        before = self._count()
        self.tool.ok(*arguments)
        return self._count() - before

    def kill(self, number: int, *arguments: str, answered: bool) -> bool:
        """Run a command and kill it at its request of a number, before it is passed on, or once it is answered.
        Returns whether it got so far."""
        self._passed = 0
        killed = threading.Event()
        process: list[subprocess.Popen[str]] = []
        begun = threading.Event()

        def hook(_: int, seen: Seen) -> None:
            begun.wait()
            with self._lock:
                self._passed += 1
                if self._passed != number:
                    return
            os.kill(process[0].pid, signal.SIGKILL)
            process[0].wait()
            killed.set()

        for proxy in self.proxies.values():
            proxy.on_request, proxy.on_answer = (None, hook) if answered else (hook, None)
        process.append(self.tool.start(*arguments))
        begun.set()
        process[0].communicate()
        for proxy in self.proxies.values():
            proxy.on_request = proxy.on_answer = None
        return killed.is_set()

    def _count(self) -> int:
        return sum(proxy.requests for proxy in self.proxies.values())


class Writing(Protocol):
    """An application that writes until it is stopped."""

    stopped: threading.Event

    def run(self) -> None:
        """Write until stopped."""


W = TypeVar("W", bound=Writing)


@contextmanager
def writing(writer: W) -> Iterator[W]:
    """Have it write in a thread of its own until the block ends."""
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        yield writer
    finally:
        writer.stopped.set()
        thread.join()


@contextmanager
def place(kind: str, url: Url, folder: Path) -> Iterator[Place]:
    """A target of the engines that `url` names, with a table, an index and buckets of its own."""
    table, index, objects = (url(name) for name in TARGETS[kind])
    urls = {Service.DYNAMODB: table, Service.OPENSEARCH: index, Service.S3: objects}
    common = {
        "TATTOO_DATA_HOME": str(folder / "state"),
        "TATTOO_DATA_AS_OF": "2026-11-24",
        **names(),
    }
    with ExitStack() as stack:
        proxies = {service: stack.enter_context(fault_proxy(each, service)) for service, each in urls.items()}
        through = {_VARIABLES[service]: proxy.url for service, proxy in proxies.items()}
        past = {_VARIABLES[service]: each for service, each in urls.items()}
        yield Place(
            kind=kind,
            tool=Tool({**common, **through}, folder),
            direct=Tool({**common, **past}, folder, forked=True),
            proxies=proxies,
        )
