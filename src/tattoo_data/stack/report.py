"""What the stack's servers are doing, for a person. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tattoo_data.stack import servers, state
from tattoo_data.stack.lifecycle import is_alive
from tattoo_data.stack.state import Options, ServerName


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """One server: `memory_bytes` is its resident memory, `since` seconds since 1970."""

    name: ServerName
    running: bool
    pid: int | None
    url: str | None
    since: float | None
    memory_bytes: int | None
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReport:
    """Both servers, the folder of their state, and whether the last stop was no orderly one."""

    servers: tuple[ServerReport, ...]
    folder: Path
    unclean: bool


def status(options: Options) -> StackReport:
    """Both servers as they are now."""
    reports = tuple(_report(options, name) for name in ServerName)
    aws = reports[0]
    return StackReport(servers=reports, folder=options.folder, unclean=not aws.running and not state.is_clean(options))


def logs(options: Options, only: ServerName | None, lines: int) -> dict[ServerName, str]:
    """The last lines that each server said."""
    names = [only] if only else list(ServerName)
    return {name: servers.tail(options.log(name), lines) for name in names}


def _report(options: Options, name: ServerName) -> ServerReport:
    import psutil

    server = state.read(options).get(name)
    alive = server is not None and is_alive(server)
    since = memory = None
    if alive and server:
        try:
            process = psutil.Process(server.pid)
            since, memory = process.create_time(), process.memory_info().rss
        except psutil.Error:
            alive = False
    return ServerReport(
        name=name,
        running=alive,
        pid=server.pid if alive and server else None,
        url=server.url if alive and server else None,
        since=since,
        memory_bytes=memory,
        log=options.log(name),
    )
