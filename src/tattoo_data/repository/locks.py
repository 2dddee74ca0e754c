"""Locks: `locks/<target id>.json`, who writes to a target now.

A lock is an object that its holder renews. Whether it has expired, the store's own clock says: the machines that share
a store need not agree on the time. It keeps out only who asks for it; the engine asks `check` before each chunk.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.errors import Locked, LockLost, TattooDataError
from tattoo_data.model.entry import Blob
from tattoo_data.processes import boot_id, is_running, start_of

FORMAT = 1
EXPIRE_SECONDS = 60.0
_JSON = "application/json"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
#: In which time two writers who saw no lock have both written theirs, where the store ignores conditions.
_SETTLE_SECONDS = 1.0
#: How often in a row a race for the lock may be lost before it counts as held.
_LOOKS = 5
#: How long the end of a command waits for a renewal that is on its way.
_JOIN_SECONDS = 5.0


class Kept(Protocol):
    """An object as it was read."""

    @property
    def blob(self) -> Blob:
        """Body and content type."""

    @property
    def etag(self) -> str:
        """What tells this write of the object from others."""

    @property
    def modified(self) -> datetime:
        """When it was written, by the store's clock."""

    @property
    def now(self) -> datetime:
        """When it was read, by the same clock."""


class Objects(Protocol):
    """What a lock needs of a bucket."""

    def exists(self) -> bool:
        """Whether the bucket is there."""

    def create(self) -> None:
        """Create the bucket. Idempotent."""

    def read(self, key: str) -> Kept | None:
        """An object, or None."""

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        """Create an object where `match` is None, else replace the one whose ETag it is. Returns the new ETag, or
        None where the condition does not hold."""

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete an object if it still has this ETag. Returns whether it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock. `boot` and `namespace` (of process ids, where there are such) say on which system `pid` is
    a process, and `started` tells it from another that got its id. `since`, by the holder's clock, is for people."""

    token: str
    host: str
    boot: str
    namespace: str | None
    pid: Annotated[int, msgspec.Meta(gt=0, lt=2**31)]
    started: float
    command: str
    since: str
    held_seconds: float = 0.0

    def __str__(self) -> str:
        return f"`{self.command}` (pid {self.pid} on {self.host})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSeen:
    """A lock as it was found. Without `holder` its body cannot be read: a newer tool's, say. `age` is in seconds since
    it was taken, or since it was written last where only that is known; `dead` says that its process has ended."""

    holder: Holder | None
    age: float = 0.0
    expired: bool = False
    dead: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it may be taken over."""
        return self.expired or self.dead

    def error(self) -> Locked:
        """The error of a command that it keeps out."""
        holder, age = self.holder, round(self.age)
        if holder is None:
            return Locked(holder="another program", age=age)
        return Locked(holder=str(holder), age=age, command=holder.command, pid=holder.pid, host=holder.host)


def look(objects: Objects, target: str) -> LockSeen | None:
    """The lock of a target, or None. Read-only."""
    stored = objects.read(_key(target))
    return _judge(stored) if stored else None


class Lock:
    """The lock of one target, from `take` to `release`; a context manager.

    `weak` says that the store ignores conditions, so that two writers are not fully kept apart. `taken_over` is the
    dead or silent holder whose lock this one replaced, if it could be read.
    """

    renew_seconds: ClassVar[float] = 15.0

    def __init__(self, objects: Objects, target: str, clock: Clock, command: str, *, wait_seconds: float = 0.0) -> None:
        self.weak = False
        self.taken_over: Holder | None = None
        self._objects = objects
        self._key = _key(target)
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._holder = _this_process(clock, command)
        self._etag: str | None = None
        self._taken = self._renewed = clock.monotonic()
        self._lost = "it is not held"
        self._other: Holder | None = None
        self._failure: Exception | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Lock:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def token(self) -> str:
        """What tells this lock from all others; a successor finds it in `taken_over`."""
        return self._holder.token

    def take(self) -> None:
        """Take the lock and keep renewing it. Raises `Locked` where another still holds it after `wait_seconds`, and
        what the store raises."""
        try:
            self._take_in_time()
        except BaseException:
            self.release()
            raise
        self._lost = ""
        self._ended.clear()
        self._thread = threading.Thread(target=self._keep_renewing, name="tattoo-data-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `LockLost` where writing must stop. Asks nobody, so it is cheap enough for every chunk."""
        if self._lost:
            raise LockLost(reason=self._lost)
        silent = self._clock.monotonic() - self._renewed
        if silent > EXPIRE_SECONDS:
            why = f" ({self._failure})" if self._failure else ""
            raise LockLost(reason=f"it could not be renewed for {silent:.0f} s{why}") from self._failure

    def renew(self) -> None:
        """Renew the lock once, or note that it is lost: `check` says so then. Raises what the store raises; the lock
        is held on until it expires, then."""
        assert self._etag is not None, "only a lock that was taken is renewed"
        held = not self.weak or self._find()
        if held and not self._write(self._etag):
            # A renewal whose answer was lost changed the ETag: the token tells
            held = self._find()
            if held:
                self._write(self._etag)
        if not held:
            self._lost = f"{self._other} took it over" if self._other else "another took it over, or deleted it"

    def release(self) -> None:
        """Stop renewing, and delete the lock where it still is this one. Idempotent. A store that does not answer is
        no error: the lock expires."""
        self._stop_renewing()
        if self._etag is None:
            return
        with suppress(TattooDataError):
            if not self._objects.delete_if(self._key, self._etag) and self._find():
                self._objects.delete_if(self._key, self._etag)
        self._etag = None
        self._lost = "it is not held"

    def leave(self) -> None:
        """Stop renewing, and leave the lock where it is: it keeps others out until this process is dead, or the lock
        has expired."""
        self._stop_renewing()
        self._etag = None
        self._lost = "it is not held"

    def _stop_renewing(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            self._thread = None

    def _take_in_time(self) -> None:
        end = self._clock.monotonic() + self._wait_seconds
        pause = _FIRST_PAUSE
        while (in_the_way := self._try()) is not None:
            left = end - self._clock.monotonic()
            if left <= 0:
                raise in_the_way.error()
            self._clock.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _try(self) -> LockSeen | None:
        """Take the lock, unless another is in the way: then that one."""
        for _ in range(_LOOKS):
            stored = self._objects.read(self._key)
            seen = _judge(stored) if stored else None
            if seen and not seen.is_free:
                return seen
            if stored is None and not self._objects.exists():
                self._objects.create()
            self._taken = self._clock.monotonic()
            if self._write(stored.etag if stored else None) and self._is_kept():
                self.taken_over = seen.holder if seen else None
                return None
        return LockSeen(holder=None)

    def _is_kept(self) -> bool:
        """Whether the lock just written stays. A store that creates it once more ignores conditions: there, whoever
        wrote last has it."""
        # Another body than the lock's own, lest a wrapper that repeats a broken request takes the refusal for success
        again = Blob(self._body().body + b"\n", _JSON)
        if self._objects.put_if(self._key, again, match=None) is None:
            return True
        self.weak = True
        self._clock.sleep(_SETTLE_SECONDS)
        if self._find():
            return True
        self._etag = None
        return False

    def _write(self, match: str | None) -> bool:
        sent = self._clock.monotonic()
        etag = self._objects.put_if(self._key, self._body(), match=match)
        if etag is None:
            return False
        # From before it was sent: never later than the store's own time of it
        self._etag, self._renewed, self._failure = etag, sent, None
        return True

    def _find(self) -> bool:
        """Whether the lock in the store is this one, whatever its ETag is by now."""
        stored = self._objects.read(self._key)
        holder = _decode(stored.blob.body) if stored else None
        if stored is None or holder is None or holder.token != self.token:
            self._other = holder
            return False
        self._etag = stored.etag
        return True

    def _keep_renewing(self) -> None:
        while not self._ended.wait(self.renew_seconds) and not self._lost:
            try:
                self.renew()
            except Exception as error:  # noqa: BLE001  whatever it is, `check` tells it when the lock has expired for it
                self._failure = error

    def _body(self) -> Blob:
        return Blob(_encode(self._holder, self._clock.monotonic() - self._taken), _JSON)


def _key(target: str) -> str:
    return f"locks/{target}.json"


def _judge(stored: Kept) -> LockSeen:
    holder = _decode(stored.blob.body)
    silent = (stored.now - stored.modified).total_seconds()
    return LockSeen(
        holder=holder,
        age=max(0.0, silent + (holder.held_seconds if holder else 0.0)),
        expired=silent > EXPIRE_SECONDS,
        dead=holder is not None and _is_dead(holder),
    )


def _encode(holder: Holder, held_seconds: float) -> bytes:
    fields = {
        "format": FORMAT,
        "token": holder.token,
        "host": holder.host,
        "boot": holder.boot,
        "namespace": holder.namespace,
        "pid": holder.pid,
        "started": holder.started,
        "command": holder.command,
        "since": holder.since,
        "heldSeconds": round(held_seconds, 3),
    }
    return msgspec.json.format(msgspec.json.encode(fields), indent=2)


# Made here and not where it is used: two threads that make msgspec know a class at the same time crash it.
_decode_holder = msgspec.json.Decoder(Holder).decode


def _decode(body: bytes) -> Holder | None:
    try:
        fields = msgspec.json.decode(body)
        if fields["format"] != FORMAT:
            return None
        return _decode_holder(msgspec.json.encode({**fields, "held_seconds": fields["heldSeconds"]}))
    except (KeyError, TypeError, ValueError):
        return None


def _this_process(clock: Clock, command: str) -> Holder:
    host, boot, namespace = _system()
    return Holder(
        token=clock.token(8),
        host=host,
        boot=boot,
        namespace=namespace,
        pid=os.getpid(),
        started=start_of(os.getpid()),
        command=command,
        since=timestamp(clock.now()),
    )


def _system() -> tuple[str, str, str | None]:
    """Where a process id means one process: host, boot and namespace."""
    boot = boot_id()
    if boot is None:
        import psutil

        boot = f"{psutil.boot_time():.0f}"
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = None
    return socket.gethostname(), boot, namespace


def _is_dead(holder: Holder) -> bool:
    """Whether the holder's process has surely ended. Of another system nothing is known."""
    here = (holder.host, holder.boot, holder.namespace) == _system()
    return here and is_running(holder.pid, holder.started) is False
