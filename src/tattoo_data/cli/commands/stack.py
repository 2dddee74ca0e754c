"""`stack up|down|status|logs|wipe`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data import stack as room


def _epilog(touches: str, example: str, exits: str) -> str:
    return f"\b\nTouches: {touches}\n\n\b\nExample:\n  {example}\n\n\b\nExit status:\n{exits}"


_EXITS = "  0  done\n  14 a server did not start, or did not stop"


def _options(invocation: Invocation) -> room.Options:
    from tattoo_data import stack as room

    return room.options_of(invocation.settings)


def _document(invocation: Invocation, **fields: Any) -> dict[str, Any]:
    return {**invocation.envelope(**fields), "command": f"stack {invocation.command}"}


@click.group("stack", epilog=_epilog("the local servers and their state folder.", "tattoo-data stack up", _EXITS))
def command() -> None:
    """Start, stop and inspect the local servers."""


@command.command(
    "up", epilog=_epilog("starts the local servers; rebuilds a lost index.", "tattoo-data stack up", _EXITS)
)
@common
def up(invocation: Invocation) -> int:
    """Start the local servers in the background."""
    from tattoo_data.environment import start_local

    stack, rebuilt = start_local(invocation.settings, invocation.clock)
    if invocation.output.json:
        servers = [{"name": each.name, "pid": each.pid, "url": each.url} for each in stack.servers]
        told = [*stack.notes, *([str(rebuilt)] if rebuilt and rebuilt.refused else [])]
        notes = {"started": list(stack.started), "notes": told, "indexRebuilt": rebuilt is not None}
        invocation.output.document(_document(invocation, servers=servers, tableLost=stack.table_lost, **notes))
        return 0
    for server in stack.servers:
        how = "started" if server.name in stack.started else "runs already"
        invocation.output.line(f"{server.name:11} {server.url}  pid {server.pid}  {how}")
    for note in stack.notes:
        invocation.output.say(f"note: {note}")
    if rebuilt:
        invocation.output.line(str(rebuilt))
    return 0


@command.command("down", epilog=_epilog("stops the local servers; their data stays.", "tattoo-data stack down", _EXITS))
@common
def down(invocation: Invocation) -> int:
    """Stop the local servers; the table and the objects are kept."""
    from tattoo_data import stack as room

    stopped = room.down(_options(invocation), invocation.clock)
    return _show_stopped(invocation, stopped, "nothing was running")


@command.command(
    "wipe", epilog=_epilog("stops the servers, removes all their data.", "tattoo-data stack wipe --yes", _EXITS)
)
@click.option("-y", "--yes", is_flag=True, default=None, help="Answer yes to the question.")
@common
def wipe(invocation: Invocation) -> int:
    """Stop the local servers and remove their data, backups included."""
    from tattoo_data import stack as room
    from tattoo_data.cli.confirm import ask

    ask(
        invocation, "stack wipe removes every table, image and backup of the local stack", str(invocation.settings.home)
    )
    stopped = room.wipe(_options(invocation), invocation.clock)
    return _show_stopped(invocation, stopped, "nothing was running; the data is removed")


@command.command("status", epilog=_epilog("nothing.", "tattoo-data stack status", "  0  whatever was found"))
@common
def status(invocation: Invocation) -> int:
    """Show the local servers: process, address, memory, logs."""
    from tattoo_data import stack as room

    report = room.status(_options(invocation))
    if invocation.output.json:
        servers = [
            {
                "name": each.name,
                "running": each.running,
                "pid": each.pid,
                "url": each.url,
                "since": _moment(each.since),
                "memoryBytes": each.memory_bytes,
                "log": str(each.log),
            }
            for each in report.servers
        ]
        invocation.output.document(
            _document(invocation, servers=servers, folder=str(report.folder), unclean=report.unclean)
        )
        return 0
    rows = [
        [
            each.name,
            "running" if each.running else "stopped",
            str(each.pid or "-"),
            each.url or "-",
            _moment(each.since) or "-",
            f"{(each.memory_bytes or 0) / 2**20:.0f} MiB" if each.running else "-",
        ]
        for each in report.servers
    ]
    invocation.output.table(["server", "status", "pid", "address", "since", "memory"], rows)
    invocation.output.line(f"State is kept in {report.folder}")
    if report.unclean:
        invocation.output.line(
            "It was not stopped in an orderly way: the table may be lost, objects are not. "
            "`tattoo-data reset fresh` fills it again."
        )
    return 0


@command.command("logs", epilog=_epilog("nothing.", "tattoo-data stack logs aws -n 50", "  0  printed"))
@click.argument("server", required=False, type=click.Choice(["aws", "opensearch"]))
@click.option(
    "-n", "--lines", type=click.IntRange(1, 100_000), default=40, show_default=True, help="How many lines of each."
)
@common
def logs(invocation: Invocation, server: str | None, lines: int) -> int:
    """Print the last lines that the local servers said."""
    from tattoo_data import stack as room

    only = room.ServerName(server) if server else None
    found = room.logs(_options(invocation), only, lines)
    if invocation.output.json:
        invocation.output.document(_document(invocation, logs={name.value: text for name, text in found.items()}))
        return 0
    for name, text in found.items():
        if only is None:
            invocation.output.line(f"== {name} ==")
        invocation.output.line(text)
    return 0


def _show_stopped(invocation: Invocation, stopped: tuple[Any, ...], nothing: str) -> int:
    if invocation.output.json:
        invocation.output.document(_document(invocation, stopped=[each.name for each in stopped]))
    else:
        invocation.output.line(f"Stopped {', '.join(each.name for each in stopped)}." if stopped else f"{nothing}.")
    return 0


def _moment(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None
