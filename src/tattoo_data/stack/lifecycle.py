"""Start and stop: one stack for each home, whoever asks and however often."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tattoo_data.clock import Clock
from tattoo_data.errors import StackFailed
from tattoo_data.stack import servers, state
from tattoo_data.stack.ports import free_port, holder, is_emulator, is_free
from tattoo_data.stack.state import Options, Server, ServerName, Stack

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_PORT_TRIES = 3
#: A start is known as seconds after the boot, whose own time two processes may round differently by one.
_SAME_START = 3.0
_TABLE_LOST = (
    "The stack was not stopped in an orderly way: its table may be lost, its objects are not. "
    "`tattoo-data reset fresh` fills it again."
)


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
                started[name] = _ready(options, started[name], notes, clock)
            state.write(options, alive | started)
        except BaseException:
            for server in started.values():
                _end(server, clock, signal.SIGKILL)
            raise
        return Stack(
            servers=tuple((alive | started)[name] for name in ServerName),
            started=tuple(started),
            notes=tuple(notes),
            index_lost=ServerName.OPENSEARCH in started,
            table_lost=table_lost,
        )


def down(options: Options, clock: Clock) -> tuple[Server, ...]:
    """Stop what runs, in an orderly way, so that the table is kept. Returns the servers that were stopped; raises
    `StackFailed` where one had to be killed."""
    if not options.folder.is_dir():
        return ()
    with _lock(options):
        alive = _alive(options)
        killed = [server for server in alive.values() if not _end(server, clock, signal.SIGTERM)]
        if ServerName.AWS in alive and not killed:
            state.mark_clean(options)
    if killed:
        names = ", ".join(server.name for server in killed)
        raise StackFailed(reason=f"{names} did not stop within {_STOP_SECONDS:.0f} s and was killed", hint=_TABLE_LOST)
    return tuple(alive.values())


def wipe(options: Options, clock: Clock) -> tuple[Server, ...]:
    """Stop the stack and remove its data and logs; nothing else in the home is touched."""
    stopped = down(options, clock)
    shutil.rmtree(options.folder, ignore_errors=False) if options.folder.is_dir() else None
    return stopped


def is_alive(server: Server) -> bool:
    """Whether the very process that was started still runs; another one with its pid is not it."""
    import psutil

    try:
        process = psutil.Process(server.pid)
        return abs(process.create_time() - server.created) < _SAME_START and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _alive(options: Options) -> dict[ServerName, Server]:
    return {name: server for name, server in state.read(options).items() if is_alive(server)}


@contextmanager
def _lock(options: Options) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(options.home / "stack.lock", timeout=2 * _READY_SECONDS):
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
    if name is ServerName.AWS:
        state.mark_running(options)
    pid = servers.spawn(options, name, port)
    try:
        created = psutil.Process(pid).create_time()
    except psutil.Error:
        created = 0.0  # it ended already; waiting for it says why
    return Server(name=name, pid=pid, created=created, port=port)


def _ready(options: Options, server: Server, notes: list[str], clock: Clock) -> Server:
    """The server once it answers. A port may be taken between looking and listening: a server that ended while
    another process holds its port is started on the next one."""
    for _ in range(_PORT_TRIES):
        try:
            _wait_until_ready(options, server, clock)
            return server
        except StackFailed:
            if is_alive(server) or is_free(server.port):
                raise
            server = _start(options, server.name, notes)
    _wait_until_ready(options, server, clock)
    return server


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


def _end(server: Server, clock: Clock, how: signal.Signals) -> bool:
    """End one server; False where it had to be killed."""
    import psutil

    if not is_alive(server):
        return True
    try:
        psutil.Process(server.pid).send_signal(how)
        end = clock.monotonic() + _STOP_SECONDS
        while is_alive(server):
            if clock.monotonic() > end:
                psutil.Process(server.pid).kill()
                return False
            clock.sleep(_POLL_SECONDS)
    except psutil.NoSuchProcess:
        pass
    return True
