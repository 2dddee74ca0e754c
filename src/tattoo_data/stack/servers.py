"""The two servers: how each is started, and when it is ready."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tattoo_data.errors import StackFailed
from tattoo_data.stack.ports import get_json
from tattoo_data.stack.state import HOST, Options, ServerName

_KEEP_LOG_BYTES = 4_000_000
_SERVICES = "dynamodb,dynamodbstreams,s3"


def spawn(options: Options, name: ServerName, port: int) -> int:
    """Start a server in the background and return its pid. It outlives this command and its terminal."""
    log = options.log(name)
    if log.exists() and log.stat().st_size > _KEEP_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            _COMMANDS[name](options, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(options, name, port),
            cwd=options.folder,
            start_new_session=True,
        )
    # It is not ours to wait for: without this, its end would be reported as a forgotten child.
    process.returncode = 0
    return process.pid


def is_ready(name: ServerName, port: int) -> bool:
    """Whether the server answers as itself."""
    if name is ServerName.AWS:
        answer = get_json(port, "/_ministack/health")
        return isinstance(answer, dict) and "services" in answer
    answer = get_json(port, "/")
    return isinstance(answer, dict) and "version" in answer


def tail(path: Path, lines: int) -> str:
    """The last lines of a log."""
    try:
        return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _aws_command(options: Options, port: int) -> list[str]:
    _require("ministack")
    return [sys.executable, "-m", "ministack"]


def _opensearch_command(options: Options, port: int) -> list[str]:
    _require("osmem_server")
    from osmem_server import resolve_binary

    return [str(resolve_binary()), "-addr", f"{HOST}:{port}", "-no-ja", "-no-stdin-watch"]


_COMMANDS: Mapping[ServerName, Callable[[Options, int], list[str]]] = {
    ServerName.AWS: _aws_command,
    ServerName.OPENSEARCH: _opensearch_command,
}


def _environment(options: Options, name: ServerName, port: int) -> dict[str, str]:
    """Made from nothing, so that no credential and no proxy of the user reaches a server."""
    environment = {key: os.environ[key] for key in ("PATH", "LANG", "LD_LIBRARY_PATH") if key in os.environ}
    environment |= {"HOME": str(options.folder), "TMPDIR": str(options.folder)}
    if name is ServerName.AWS:
        environment |= {
            "BIND_HOST": HOST,  # without it, ministack listens on every interface
            "GATEWAY_PORT": str(port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(options.data),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(options.data / "s3"),
            "SERVICES": _SERVICES,
            "LOG_LEVEL": "WARNING",
        }
    return environment


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise StackFailed(
            reason=f"{module} is not installed",
            hint="pip install 'tattoo-data[local]', or name a running target with AWS_ENDPOINT_URL.",
        )
