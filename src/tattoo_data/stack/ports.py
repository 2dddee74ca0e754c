"""Ports: which are free, who holds one, and whether what answers there is an AWS emulator."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

from tattoo_data.errors import StackFailed
from tattoo_data.stack.state import HOST

_TRIES = 50
# OpenSearch nodes talk to each other on 9300 and up.
_TAKEN_BY_OTHERS = range(9300, 9401)
_EMULATOR_PATHS = ("/_localstack/health", "/_ministack/health")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        # A server on all addresses leaves 127.0.0.1 free to bind on some systems, and would still answer there.
        return not _answers(port)


def free_port(preferred: int) -> int:
    """The preferred port, or the next one that is free."""
    for port in _candidates(preferred):
        if is_free(port):
            return port
    raise StackFailed(reason=f"no port from {preferred} on is free")


def holder(port: int) -> str:
    """Who listens on a port, in words, as far as this user may know."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "another process"


def is_emulator(port: int) -> bool:
    """Whether an AWS emulator answers on the port. Read-only."""
    return _answers(port) and any(_is_health(get_json(port, path)) for path in _EMULATOR_PATHS)


def get_json(port: int, path: str, timeout: float = 1.0) -> Any:
    """The JSON that a local server answers, or None where it answers nothing of the kind."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(1_000_000)
        return json.loads(body) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _is_health(answer: object) -> bool:
    return isinstance(answer, dict) and "services" in answer


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False


def _candidates(preferred: int) -> Iterator[int]:
    following = range(preferred, min(preferred + _TRIES, 65536))
    return (port for port in following if port == preferred or port not in _TAKEN_BY_OTHERS)
