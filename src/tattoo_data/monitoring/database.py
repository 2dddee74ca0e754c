"""The database of alerts and history: one SQLite file in the state folder, shared by processes and threads.

Where the folder cannot be written, what was kept is read into memory and nothing is kept any more. Where the file is
damaged, it is moved aside and a new one begun. Either is said once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from tattoo_data.clock import Clock
from tattoo_data.errors import IntegrityFailed, Locked

T = TypeVar("T")

FILE = "monitoring.sqlite"
FORMAT = 1
_BUSY_SECONDS = 20.0
_WAL_BYTES = 4 * 2**20
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL, cause TEXT NOT NULL, severity TEXT NOT NULL, closed_at TEXT, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_open ON alerts (target, cause) WHERE closed_at IS NULL;
CREATE INDEX IF NOT EXISTS alerts_of ON alerts (target, closed_at);
CREATE TABLE IF NOT EXISTS causes (
    target TEXT NOT NULL, cause TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (target, cause)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of ON events (target, id);
CREATE TABLE IF NOT EXISTS checks (id INTEGER PRIMARY KEY, target TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS checks_of ON checks (target, at);
CREATE TABLE IF NOT EXISTS minutes (
    target TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL, PRIMARY KEY (target, at)
) WITHOUT ROWID;
"""


class Database:
    """An open database. Its transactions follow each other, whoever begins them."""

    def __init__(self, home: Path, clock: Clock, say: Callable[[str], None]) -> None:
        self.path = home / FILE
        self._clock = clock
        self._say = say
        self._turn = threading.RLock()
        self._file: int | None = None
        self._connection = self._open()

    @property
    def is_kept(self) -> bool:
        """Whether what is written outlives this process."""
        return self._file is not None

    def close(self) -> None:
        """Give the file back."""
        with self._turn:
            self._connection.close()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let `work` read, all of it as of one moment."""
        return self._run("BEGIN", work)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let `work` read and write, with nobody else writing from its beginning on. It is done once more from the
        start where the file turned out to be damaged or could not be written."""
        return self._run("BEGIN IMMEDIATE", work)

    def _run(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            if self._was_moved():
                self._connection.close()
                self._connection = self._open()
            try:
                return self._transact(begin, work)
            except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
                self._recover(error)
            return self._transact(begin, work)

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with _transaction(self._connection, begin):
            return work(self._connection)

    def _was_moved(self) -> bool:
        """Whether another process put the file aside and began a new one."""
        if self._file is None:
            return False
        try:
            return self.path.stat().st_ino != self._file
        except OSError:
            return True

    def _recover(self, error: sqlite3.DatabaseError | msgspec.MsgspecError) -> None:
        """Go on with another connection, where that can help. Raises the error, or ours, where it cannot."""
        code = _code(error)
        if code in _BUSY:
            raise self._locked("writes") from error
        if self._file is None or isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise error
        self._connection.close()
        self._connection = self._in_memory(str(error)) if code in _UNWRITABLE else self._open(damaged=str(error))

    def _locked(self, does: str) -> Locked:
        return Locked(
            holder=f"another command that {does} {self.path}",
            age=int(_BUSY_SECONDS),
            hint="Run it again; if it stays, another command on this state folder hangs: end that one.",
        )

    def _open(self, *, damaged: str = "") -> sqlite3.Connection:
        """The file, made where it is not there. That which was open until now is moved aside where it is `damaged`,
        unless somebody did so already."""
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock"), timeout=_BUSY_SECONDS):
                if damaged and not self._was_moved():
                    self._move_aside(damaged)
                connection = self._opened()
                self._file = self.path.stat().st_ino
        except Timeout as error:
            raise self._locked("opens") from error
        except OSError as error:
            return self._in_memory(error.strerror or str(error))
        except sqlite3.DatabaseError as error:
            if _code(error) not in _UNWRITABLE:
                raise
            return self._in_memory(str(error))
        return connection

    def _opened(self) -> sqlite3.Connection:
        """The file, while nobody else opens it."""
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if _code(error) in _UNWRITABLE | _BUSY:
                raise
            self._move_aside(str(error))
        return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        connection = _connect(str(self.path))
        try:
            found = _format(connection, self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            if found < FORMAT:
                with _transaction(connection, "BEGIN IMMEDIATE"):
                    _make(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _move_aside(self, reason: str) -> None:
        moment = self._clock.now().strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"{FILE}.corrupt-{moment}")
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(FILE + suffix).rename(aside.with_name(aside.name + suffix))
        self._say(f"note: {self.path} is damaged ({reason}): it was moved to {aside}, and a new one begun.")

    def _in_memory(self, reason: str) -> sqlite3.Connection:
        self._say(f"note: {self.path} cannot be written ({reason}): alerts and history are not kept.")
        self._file = None
        memory = _connect(":memory:")
        if self.path.is_file():
            self._copy(memory)
        with _transaction(memory, "BEGIN IMMEDIATE"):
            _make(memory)
        return memory

    def _copy(self, memory: sqlite3.Connection) -> None:
        """Take over what was kept, as far as it can be read: where no log can be written beside the file, without the
        last changes in it."""
        for how in ("mode=ro", "mode=ro&immutable=1"):
            try:
                with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?{how}", uri=True)) as there:
                    _format(there, self.path)
                    there.execute("SELECT count(*) FROM alerts")
                    there.backup(memory)
                    return
            except sqlite3.DatabaseError as error:
                unread = error
        self._say(f"note: what {self.path} holds cannot be read either ({unread}).")


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # the first error says more
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _make(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _format(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a file, 0 of a new one. Raises `IntegrityFailed` where it is newer than ours."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise IntegrityFailed(
            what=f"{path} is of format {found}, and this version knows {FORMAT} and older",
            hint="A newer version wrote it. Use that one, or name another folder with TATTOO_DATA_HOME.",
        )
    return found


def read_format(path: Path) -> int:
    """The format of a file, read beside whoever writes it. Raises `IntegrityFailed` where it is newer than ours, and
    sqlite3.DatabaseError for what is no database or cannot be opened."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as there:
        return _format(there, path)


def _code(error: Exception) -> int:
    """SQLite's code of an error without its details; that of a damaged file where it has none."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF
