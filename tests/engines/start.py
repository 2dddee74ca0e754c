"""Starts one engine on free ports of loopback, and waits until it answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.engines import install
from tests.engines.install import EngineMissing

_READY_SECONDS = 120.0
#: The runner takes no HTTP port over 9299, and looks for its node's ports itself: each engine has its own range.
_NODE_PORTS = {"opensearch-3": range(9231, 9260), "opensearch-2": range(9261, 9290)}
_RUNNER = "org.codelibs.opensearch.runner.OpenSearchRunner"
#: An answer of any kind from these shows that the server is there.
_ANY = range(100, 600)


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    name: str
    url: str
    pid: int

    def stop(self) -> None:
        """End it, and its children, by their process group."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, how)
            except ProcessLookupError:
                return
            end = time.monotonic() + 10
            while time.monotonic() < end and _runs(self.pid):
                time.sleep(0.05)

    def to_json(self) -> str:
        """For another process of the same test session."""
        return json.dumps(asdict(self))


def start(name: str, folder: Path) -> Engine:
    """Start an engine with its data and log in `folder`. Raises EngineMissing with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    command, port, environment, statuses = _COMMANDS[name](folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    pid, process.returncode = process.pid, 0  # it may outlive this process
    engine = Engine(name, f"http://127.0.0.1:{port}", pid)
    path = "/_ministack/health" if name == "ministack" else "/"
    end = time.monotonic() + _READY_SECONDS
    while not _answers(engine.url + path, statuses):
        if not _runs(pid) or time.monotonic() > end:
            engine.stop()
            said = (folder / "log").read_text(errors="replace")[-1500:]
            raise EngineMissing(f"{name} did not start: {said}")
        time.sleep(0.1)
    return engine


Command = tuple[list[str], int, dict[str, str], range]


def _dynamodb_local(folder: Path) -> Command:
    place, port = install.dynamodb_local(), free_port()
    command = [install.java("dynamodb-local"), f"-Djava.library.path={place}/DynamoDBLocal_lib"]
    command += ["-jar", str(place / "DynamoDBLocal.jar"), "-inMemory", "-disableTelemetry", "-port", str(port)]
    return command, port, {}, _ANY


def _opensearch(name: str) -> Callable[[Path], Command]:
    def command(folder: Path) -> Command:
        lib, port = install.opensearch(name), _free_port_of(_NODE_PORTS[name])
        java = [install.java(name), "-Xms384m", "-Xmx768m", "-cp", f"{lib}/*", _RUNNER]
        # Nodes of one name find each other over loopback, and one that loses the other hangs: a name for each.
        cluster = f"{folder.name}-{uuid.uuid4().hex[:12]}"
        options = ["-basePath", "data", "-numOfNode", "1", "-baseHttpPort", str(port - 1), "-clusterName", cluster]
        return java + options, port, {}, range(200, 201)

    return command


def _seaweedfs(folder: Path) -> Command:
    ports = [free_port() for _ in range(4)]
    names = ("s3.port", "filer.port", "volume.port", "master.port")
    command = [str(install.seaweedfs()), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-admin.ui=false"]
    # Every bucket takes volumes of its own, and every test buckets of its own.
    command += ["-volume.max=5000", "-master.volumeSizeLimitMB=32"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    return command, ports[0], {"TMPDIR": str(folder)}, range(200, 500)


def _ministack(folder: Path) -> Command:
    port = free_port()
    services = "dynamodb,dynamodbstreams,s3"
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": services, "PERSIST_STATE": "0"}
    return [sys.executable, "-m", "ministack"], port, environment, range(200, 201)


def _osmem(folder: Path) -> Command:
    from osmem_server import resolve_binary

    port = free_port()
    command = [str(resolve_binary()), "-addr", f"127.0.0.1:{port}", "-no-ja", "-no-stdin-watch"]
    return command, port, {}, range(200, 201)


_COMMANDS: Mapping[str, Callable[[Path], Command]] = {
    "dynamodb-local": _dynamodb_local,
    "opensearch-3": _opensearch("opensearch-3"),
    "opensearch-2": _opensearch("opensearch-2"),
    "seaweedfs": _seaweedfs,
    "ministack": _ministack,
    "osmem": _osmem,
}


def free_port() -> int:
    """A port that is free now, out of OpenSearch's ranges."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if not 9200 <= port <= 9500 and port < 55_000:  # weed adds 10,000 to a port for its gRPC
            return port


def _free_port_of(ports: range) -> int:
    for port in ports:
        if _is_free(port):
            return port
    raise EngineMissing(f"no port of {ports} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _answers(url: str, statuses: range) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status in statuses
    except urllib.error.HTTPError as error:
        error.close()
        return error.code in statuses
    except (OSError, ValueError):
        return False


def _runs(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
