"""Start and stop: one stack for each home, whoever asks and however often."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tattoo_data.clock import Clock
from tattoo_data.errors import StackFailed
from tattoo_data.processes import boot_id, is_running, start_of
from tattoo_data.stack import servers, state
from tattoo_data.stack.ports import free_port, holder, is_emulator, is_free
from tattoo_data.stack.state import Options, Server, ServerName, Stack

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_PORT_TRIES = 3
_TABLE_LOST = (
    "The stack was not stopped in an orderly way: its table may be lost, its objects are not. "
    "`tattoo-data reset fresh` fills it again."
)
_NOTHING_LOST = "Nothing is lost: the next start rebuilds the index from the table."


def running(options: Options) -> Stack | None:
    """The stack, if both its servers run. Read-only, and quick: it asks the system, not the servers."""
    alive = _alive(options)
    return Stack(servers=tuple(alive.values())) if len(alive) == len(ServerName) else None


def foreign_emulator(options: Options) -> bool:
    """Whether an AWS emulator that is not ours answers on our port. Read-only."""
    alive = _alive(options).get(ServerName.AWS)
    return (alive is None or alive.port != options.aws_port) and is_emulator(options.aws_port)


def up(options: Options, clock: Clock) -> Stack:
    """Start what does not run, and return when both servers answer. Idempotent; two calls at once start one stack.

    Raises `StackFailed`, after ending whatever this call started.
    """
    state.make_folders(options)
    with _lock(options):
        alive = _alive(options)
        notes: list[str] = []
        table_lost = ServerName.AWS not in alive and not state.is_clean(options)
        if table_lost:
            notes.append(_TABLE_LOST)
        started: dict[ServerName, Server] = {}
        try:
            for name in ServerName:
                if name not in alive:
                    started[name] = _start(options, name, notes)
                    state.write(options, alive | started)
            for name in started:
                _make_ready(options, name, started, notes, clock)
            state.write(options, alive | started)
        except BaseException:
            for server in started.values():
                _ends(server, signal.SIGKILL, clock)
            raise
        return Stack(
            servers=tuple((alive | started)[name] for name in ServerName),
            started=tuple(started),
            notes=tuple(notes),
            table_lost=table_lost,
        )


@contextmanager
def rebuilding(options: Options) -> Iterator[bool]:
    """Whether the caller is to rebuild the index from the table. It counts as rebuilt when the block ends without an
    error; until then all others wait, and none restarts a server."""
    if not state.is_index_lost(options):
        yield False
        return
    with _lock(options, seconds=-1):  # for ever: a large table takes its time
        lost = state.is_index_lost(options)  # the one that was waited for may have rebuilt it
        yield lost
        if lost:
            state.mark_index_rebuilt(options)


def down(options: Options, clock: Clock) -> tuple[Server, ...]:
    """Stop what runs, in an orderly way, so that the table is kept. Returns the servers that were stopped; raises
    `StackFailed` where one had to be killed."""
    if not options.folder.is_dir():
        return ()
    with _lock(options):
        alive = _alive(options)
        killed = _stop(options, alive, clock)
    if killed:
        raise StackFailed(
            reason=f"{', '.join(killed)} did not stop within {_STOP_SECONDS:.0f} s and was killed",
            hint=_TABLE_LOST if ServerName.AWS in killed else _NOTHING_LOST,
        )
    return tuple(alive.values())


def wipe(options: Options, clock: Clock) -> tuple[Server, ...]:
    """Stop the stack, by force where it must be, and remove its data and logs; nothing else in the home is touched."""
    if not options.folder.is_dir():
        return ()
    with _lock(options):
        alive = _alive(options)
        _stop(options, alive, clock)
        shutil.rmtree(options.folder)
    return tuple(alive.values())


def is_alive(server: Server) -> bool:
    """Whether the very process that was started still runs; another one with its pid is not it."""
    return server.boot == boot_id() and is_running(server.pid, server.started) is True


def _alive(options: Options) -> dict[ServerName, Server]:
    return {name: server for name, server in state.read(options).items() if is_alive(server)}


@contextmanager
def _lock(options: Options, seconds: float = 2 * _READY_SECONDS) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(options.home / "stack.lock", timeout=seconds):
            yield
    except Timeout:
        raise StackFailed(reason=f"another command holds {options.home / 'stack.lock'}") from None


def _start(options: Options, name: ServerName, notes: list[str]) -> Server:
    """Start one server on its port, or on the next free one."""
    import psutil

    preferred = options.port(name)
    port = free_port(preferred)
    if port != preferred:
        notes.append(f"Port {preferred} is taken by {holder(preferred)}; {name} listens on {port}.")
    mark = state.mark_running if name is ServerName.AWS else state.mark_index_lost
    mark(options)
    pid = servers.spawn(options, name, port)
    try:
        started = start_of(pid)
    except psutil.Error:
        started = 0.0  # it ended already; waiting for it says why
    return Server(name=name, pid=pid, boot=boot_id(), started=started, port=port)


def _make_ready(
    options: Options, name: ServerName, started: dict[ServerName, Server], notes: list[str], clock: Clock
) -> None:
    """Wait until a server answers. A port may be taken between looking and listening: a server that ended while
    another process holds its port is started on the next one, and takes its place in `started`."""
    for _ in range(_PORT_TRIES):
        server = started[name]
        try:
            _wait_until_ready(options, server, clock)
            return
        except StackFailed:
            if is_alive(server) or is_free(server.port):
                raise
            started[name] = _start(options, name, notes)
    _wait_until_ready(options, started[name], clock)


def _wait_until_ready(options: Options, server: Server, clock: Clock) -> None:
    end = clock.monotonic() + _READY_SECONDS
    while not (_listens(server) and servers.is_ready(server.name, server.port)):
        if not is_alive(server) or clock.monotonic() > end:
            log = options.log(server.name)
            what = "ended at once" if not is_alive(server) else f"did not answer within {_READY_SECONDS:.0f} s"
            raise StackFailed(reason=f"{server.name} {what}; the end of {log}:\n{servers.tail(log, 8)}")
        clock.sleep(_POLL_SECONDS)


def _listens(server: Server) -> bool:
    """Whether it is this process that listens on the port, and not another server of the same kind."""
    import psutil

    try:
        connections = psutil.Process(server.pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(
        each.status == psutil.CONN_LISTEN and getattr(each.laddr, "port", None) == server.port for each in connections
    )


def _stop(options: Options, running: Mapping[ServerName, Server], clock: Clock) -> list[ServerName]:
    """Stop servers, and note whether the AWS server was in an orderly way. Returns those that had to be killed."""
    killed = [name for name, server in running.items() if not _ends(server, signal.SIGTERM, clock)]
    for name in killed:
        _ends(running[name], signal.SIGKILL, clock)
    if ServerName.AWS in running and ServerName.AWS not in killed:
        state.mark_clean(options)
    return killed


def _ends(server: Server, how: signal.Signals, clock: Clock) -> bool:
    """Send a signal to a server that runs. Returns whether it has ended in time."""
    end = clock.monotonic() + _STOP_SECONDS
    try:
        if is_alive(server):
            os.kill(server.pid, how)
        while is_alive(server):
            if clock.monotonic() > end:
                return False
            clock.sleep(_POLL_SECONDS)
    except ProcessLookupError:
        pass  # it ended between the look and the signal
    return True
