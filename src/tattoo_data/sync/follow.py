"""Follow: the index kept in step with the table, from the table's stream.

A record of the stream says that an item was written; what the index is to hold, the table says as it is now. So a
record that is read twice, or late, does no harm, and what counts is that none is missed: where one may have been,
everything is compared. Only documents are written, under the target's lock, and no run is made: they can be derived
again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tattoo_data.clock import timestamp
from tattoo_data.engine.journal import Kept
from tattoo_data.engine.make_equal import How, make_equal
from tattoo_data.engine.plan import Desired, Plan
from tattoo_data.environment import Environment
from tattoo_data.errors import Locked, LockLost, StoreMissing, StoreUnreachable, StreamMissing
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.checkpoints import Checkpoint, Checkpoints
from tattoo_data.repository.locks import Lock
from tattoo_data.runs.session import left_while_at_work
from tattoo_data.stores.base import Outcome, TransientError
from tattoo_data.stores.streams import IteratorExpired, Record, StreamGone
from tattoo_data.sync.across import ToIndex, require_source
from tattoo_data.sync.batch import Written, write_documents
from tattoo_data.sync.pair import artist_of
from tattoo_data.sync.shards import RecordsLost, Shards, Stream

#: Records of one batch: a lock, a checkpoint.
BATCH = 1_000
_IDLE_SECONDS, _LONGEST_PAUSE = 0.25, 15.0
_LOCKED_SECONDS, _LOOK_SECONDS = 0.5, 5.0
#: How often nothing new has to come until a stream counts as read to its end.
_QUIET_READS = 3
#: DynamoDB keeps a stream's records for 24 hours. What may be older is not asked for: that it is gone would not show
#: in a shard of which nothing was read yet.
_KEPT = timedelta(hours=20)
#: What is over once a service is itself again.
_PASSING = (StoreUnreachable, TransientError, LockLost, IteratorExpired, StreamGone, StreamMissing, StoreMissing)
_LOST = "the stream may not reach back to where it was left"
_WRITTEN = "a command wrote meanwhile"
_NO_INDEX = "there is no index"


class Stop(Protocol):
    """Tells when to stop; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds, or until to stop; returns whether to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """`once` ends when nothing new comes. A table without an artist is refused at first, unless `allow_empty`."""

    once: bool = False
    allow_empty: bool = False

    @property
    def question(self) -> str:
        """What is asked before, on a target that is not local."""
        return "sync follow removes documents of no artist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Following begins; with `resumed`, after what was followed before."""

    stream: str
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Everything was compared, because of `reason`."""

    reason: str
    done: Written
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One batch: so many records of the stream, and how long after the newest of them was written, and after the batch
    was begun, the index had it (seconds)."""

    records: int
    done: Written
    lag: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Another command holds the lock."""

    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A service does not answer, or not as it should; it is asked again."""

    message: str


Event = Begun | Compared | Applied | Waiting | Trouble


def follow(env: Environment, options: FollowOptions, stop: Stop) -> Iterator[Event]:
    """Keep the index in step with the table until `stop`; an event for whatever happens.

    Raises `StoreMissing` without a table, `StreamMissing` where it has no stream, `SourceEmpty` where it holds no
    artist, and what a store raises before following begins; later, that one does not answer is an event, and it is
    tried again.
    """
    stream = env.open_stream()
    follower = _Follower(env, options, stop, stream)
    try:
        yield from follower.events()
    finally:
        follower.close()
        stream.close()


@dataclass(slots=True)
class _Unkept:
    """The journal of a change that makes no run: it asks whether the lock is still held, and keeps nothing."""

    lock: Lock
    keeps_images: bool = False

    def begin(self, plan: Plan, fingerprint_before: str | None) -> str:
        return ""

    def keep(self, store: StoreName, changes: Sequence[Kept], *, instead: bool = False) -> None:
        self.lock.check()


class _Follower:
    """Reads, writes, and keeps how far it is. `_reason` is why everything has to be compared, empty where nothing has;
    `_read` are records whose documents are not written yet."""

    def __init__(self, env: Environment, options: FollowOptions, stop: Stop, stream: Stream) -> None:
        self._env = env
        self._options = options
        self._stop = stop
        self._stream = stream
        self._checkpoints = Checkpoints(env.repository)
        self._shards = Shards(stream, "")
        self._read: list[Record] = []
        self._run: str | None = None
        self._reason = ""
        self._looked = env.clock.monotonic()
        self._read_at = env.clock.now()

    def events(self) -> Iterator[Event]:
        """What happens, until it is time to stop."""
        yield self._begin()
        quiet, pause, doubtful = 0, _IDLE_SECONDS, False
        while not self._stop.is_set():
            quiet += 1
            try:
                if doubtful:
                    self._reopen()
                for event in self._step():
                    yield event
                    quiet = 0
                doubtful, pause = False, _IDLE_SECONDS
            except _PASSING as error:
                yield Trouble(message=error.message)
                doubtful, quiet, pause = True, 0, min(2 * pause, _LONGEST_PAUSE)
            if self._options.once and quiet >= _QUIET_READS:
                break
            if quiet or doubtful:
                self._stop.wait(pause)
        self._env.stores.index.settle()

    def close(self) -> None:
        """End what is read ahead."""
        self._shards.close()

    def _begin(self) -> Begun:
        self._shards = Shards(self._stream, self._find())
        self._run = _newest_run(self._env)
        self._reason = self._why_compare()
        if self._reason:
            require_source(self._env, StoreName.TABLE, allow_empty=self._options.allow_empty)
        return Begun(stream=self._shards.arn, resumed=not self._reason)

    def _find(self) -> str:
        """The stream that is on."""
        env = self._env
        if (arn := self._stream.find()) is not None:
            return arn
        env.target.require_readable({StoreName.TABLE: env.stores.table.describe()})
        raise StreamMissing(name=env.target.table, endpoint=env.target.aws_endpoint)

    def _why_compare(self) -> str:
        found = self._checkpoints.read(self._shards.arn, self._env.target.id)
        if found is None:
            return "this stream was not followed before"
        if found.run != self._run:
            return _WRITTEN
        if self._env.stores.index.describe() is None:
            return _NO_INDEX
        if self._env.clock.now() - datetime.fromisoformat(found.at) > _KEPT:
            return _LOST
        try:
            self._shards.start_after(found.shards)
        except RecordsLost:
            return _LOST
        return ""

    def _reopen(self) -> None:
        """Find the way back after a trouble: the servers may be others by now."""
        if not self._is_renewed() and not self._reason:
            try:
                self._shards.reopen()
            except RecordsLost:
                self._reason = _LOST

    def _is_renewed(self) -> bool:
        """Whether the table was made anew: what is written by now is in another stream, which is the one from here on.
        Raises `StoreMissing` and `StreamMissing`."""
        if (arn := self._find()) == self._shards.arn:
            return False
        self._shards.close()
        self._shards, self._read = Shards(self._stream, arn), []
        self._reason = self._reason or "the table has another stream"
        return True

    def _step(self) -> Iterator[Event]:
        """One batch, or one look at everything; nothing where nothing is new."""
        if not (self._reason or self._read):
            self._read_on()
        if not (self._reason or self._read or self._is_outrun()):
            return
        lock = Lock(self._env.repository, self._env.target.id, self._env.clock, "sync follow")
        if not (yield from self._take(lock)):
            return
        try:
            with left_while_at_work(lock):
                self._look_at_index()
                done = self._compare(lock) if self._reason else self._apply(lock)
                lock.check()
                self._save()
        finally:
            lock.release()
        yield done

    def _read_on(self) -> None:
        before, self._read_at = self._read_at, self._env.clock.now()
        try:
            if self._read_at - before > _KEPT:  # the machine was asleep
                raise RecordsLost
            self._read = self._shards.read(BATCH)
        except RecordsLost:
            self._reason = _LOST

    def _is_outrun(self) -> bool:
        """Whether something happened that no record of the stream tells: the table was made anew, or a command wrote,
        to the index alone maybe. Looked at now and then."""
        now = self._env.clock.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        return self._is_renewed() or _newest_run(self._env) != self._run

    def _look_at_index(self) -> None:
        """Have everything compared where a command wrote to the index, or it is gone: the engine would make another
        one for what is written, of a structure that it guesses."""
        run = _newest_run(self._env)
        if run != self._run:
            self._run, self._reason = run, self._reason or _WRITTEN
        if not self._reason and self._env.stores.index.describe() is None:
            self._reason = _NO_INDEX

    def _take(self, lock: Lock) -> Generator[Event, None, bool]:
        """Take the lock as soon as it is free. Returns whether it is held: it may be time to stop."""
        told = False
        while not self._stop.is_set():
            try:
                lock.take()
                return True
            except Locked as error:
                if not told:
                    yield Waiting(holder=str(error.fields["holder"]))
                told = True
                self._stop.wait(_LOCKED_SECONDS)
        return False

    def _compare(self, lock: Lock) -> Compared:
        env, began = self._env, self._env.clock.monotonic()
        self._is_renewed()
        self._shards.start_at_end()
        self._read = []
        towards = ToIndex(env.stores)
        desired = Desired(stores=(StoreName.INDEX,), derive=towards, prune=True, scope=towards.goes, canonical=True)
        how = How(swap=env.settings.index_swap != "never", progress=env.progress)
        change = make_equal(env.stores, desired, _Unkept(lock), env.pool, how)
        counts = change.counts[StoreName.INDEX]
        failures = tuple(Outcome(each.key, each.error, each.message) for each in change.failures)
        done = Written(
            artists=counts.created + counts.replaced + counts.deleted + counts.unchanged + counts.failed,
            written=counts.created + counts.replaced,
            deleted=counts.deleted,
            failures=failures,
        )
        reason, self._reason = self._reason, ""
        return Compared(reason=reason, done=done, seconds=env.clock.monotonic() - began)

    def _apply(self, lock: Lock) -> Applied:
        clock, began = self._env.clock, self._env.clock.monotonic()
        records = self._read
        lock.check()
        self._shards.begin(BATCH)
        done = write_documents(self._env, _artists(records))
        self._read = []
        lag = clock.now().timestamp() - max(each.at for each in records)
        return Applied(records=len(records), done=done, lag=max(0.0, lag), seconds=clock.monotonic() - began)

    def _save(self) -> None:
        """Keep how far it is, now that the index has it."""
        self._checkpoints.write(
            Checkpoint(
                stream=self._shards.arn,
                target=self._env.target.id,
                run=self._run,
                shards=self._shards.places(),
                at=timestamp(self._env.clock.now()),
            )
        )


def _artists(records: Sequence[Record]) -> list[str]:
    """The artists among what was written, each once."""
    found = (artist_of(each.key) for each in records)
    return list(dict.fromkeys(record.id for record in found if record is not None))


def _newest_run(env: Environment) -> str | None:
    """What tells the newest run of the target, as it stands, from all others: one that goes on has another lock."""
    for run_id in reversed(env.runs.ids()):
        run = env.runs.read(run_id)
        if run is not None and run.target == env.target.id:
            return f"{run.id} {run.lock} {run.status}"
    return None
