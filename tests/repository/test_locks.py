"""Locks: who gets one, who is kept out, who may take over, and who notices."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.errors import Locked, LockLost, StoreUnreachable
from tattoo_data.model.entry import Blob
from tattoo_data.processes import start_of
from tattoo_data.repository import locks
from tattoo_data.repository.locks import Holder, Lock, look
from tattoo_data.stores.bucket import Bucket, Stored
from tattoo_data.stores.retrying import RetryingBucket
from tests.conftest import GetEngine
from tests.stores.conftest import ACCESS, BUCKET_ENGINES, fresh_name

KEY = "locks/target.json"


@dataclass(slots=True)
class Memory:
    """A bucket in memory with a clock of its own. With `honest` False it ignores conditions; `failure` is raised
    instead of any answer."""

    honest: bool = True
    there: bool = True
    now: datetime = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    failure: Exception | None = None
    held: dict[str, tuple[Blob, datetime]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def exists(self) -> bool:
        return self.there

    def create(self) -> None:
        self.there = True

    def read(self, key: str) -> Stored | None:
        self._note("read")
        if key not in self.held:
            return None
        blob, modified = self.held[key]
        return Stored(blob=blob, etag=_etag(blob), modified=modified, now=self.now)

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        self._note("put_if")
        assert self.there
        with self._mutex:
            if self.honest and self._version(key) != match:
                return None
            self.held[key] = blob, self.now
            return _etag(blob)

    def delete_if(self, key: str, etag: str) -> bool:
        self._note("delete_if")
        with self._mutex:
            if self._version(key) == etag:
                del self.held[key]
            return key not in self.held

    def body(self) -> dict[str, object]:
        """The lock as JSON."""
        fields: dict[str, object] = json.loads(self.held[KEY][0].body)
        return fields

    def hold(self, body: bytes) -> None:
        """Somebody's lock, as written now."""
        self.held[KEY] = Blob(body, "application/json"), self.now

    def _version(self, key: str) -> str | None:
        return _etag(self.held[key][0]) if key in self.held else None

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.failure:
            raise self.failure


def _etag(blob: Blob) -> str:
    return hashlib.md5(blob.body, usedforsecurity=False).hexdigest()


class Machine:
    """One machine's clock, `off` from the store's; its sleep lets both go on, and nobody waits."""

    def __init__(self, bucket: Memory, off: timedelta = timedelta(0)) -> None:
        self.bucket = bucket
        self.off = off
        self.seconds = 1000.0
        self.waits: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.clock = Clock(now=lambda: bucket.now + self.off, monotonic=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passes(seconds)
        self.on_sleep()

    def passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.bucket.now += timedelta(seconds=seconds)

    def lock(self, command: str = "reset fresh", wait_seconds: float = 0.0) -> Lock:
        return Lock(self.bucket, "target", self.clock, command, wait_seconds=wait_seconds)


@pytest.fixture
def bucket() -> Memory:
    return Memory()


@pytest.fixture
def machine(bucket: Memory) -> Machine:
    return Machine(bucket)


def other_host(**changes: object) -> bytes:
    """The lock of a command on another machine."""
    fields: dict[str, object] = {
        "format": 1,
        "token": "theirs",
        "host": "elsewhere",
        "boot": "b",
        "namespace": None,
        "pid": 4711,
        "started": 1.0,
        "command": "seed",
        "since": "2026-11-22T10:30:00.000Z",
        "heldSeconds": 0.0,
    }
    return json.dumps(fields | changes).encode()


def test_a_lock_says_who_holds_it_and_is_gone_at_the_end(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        body = bucket.body()
        assert list(body) == list(json.loads(other_host()))
        assert (body["format"], body["token"], body["command"]) == (1, lock.token, "reset fresh")
        assert body["since"] == "2026-11-22T10:30:00.000Z"
        lock.check()
        assert not lock.weak
        assert lock.taken_over is None
    assert bucket.held == {}


def test_a_missing_bucket_is_made() -> None:
    bucket = Memory(there=False)
    with Machine(bucket).lock():
        assert bucket.there


def test_looking_changes_nothing(bucket: Memory, machine: Machine) -> None:
    assert look(bucket, "target") is None
    with machine.lock() as lock:
        machine.passes(7)
        bucket.asked.clear()
        seen = look(bucket, "target")
        assert bucket.asked == ["read"]
    assert seen is not None
    assert seen.holder is not None
    assert seen.holder.token == lock.token
    assert (seen.age, seen.expired, seen.dead, seen.is_free) == (7, False, False, False)


def test_another_is_kept_out_and_told_by_whom(machine: Machine) -> None:
    with machine.lock() as lock:
        machine.passes(3)
        with pytest.raises(Locked, match=r"locked by `reset fresh` \(pid \d+ on .+\) for 3 s") as caught:
            machine.lock("seed").take()
        lock.check()
    assert caught.value.exit_code == 11
    assert "--wait" in caught.value.hint
    assert caught.value.fields["command"] == "reset fresh"


def test_the_age_counts_from_the_taking_however_often_it_was_renewed(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        for _ in range(6):
            machine.passes(15)
            lock.renew()
        machine.passes(2)
        assert bucket.body()["heldSeconds"] == 90
        with pytest.raises(Locked, match="for 92 s"):
            machine.lock().take()


def test_of_two_at_once_one_wins() -> None:
    for _ in range(50):
        bucket = Memory()
        assert _winners(bucket, Machine(bucket).clock) == 1


def test_of_two_at_once_one_takes_over_what_expired() -> None:
    for _ in range(50):
        bucket = Memory()
        bucket.hold(other_host())
        machine = Machine(bucket)
        machine.passes(61)
        assert _winners(bucket, machine.clock) == 1


def test_of_two_at_once_one_wins_where_conditions_are_ignored_and_both_settle() -> None:
    for _ in range(50):
        bucket, both_wrote = Memory(honest=False), threading.Barrier(2)

        def settle(seconds: float, both_wrote: threading.Barrier = both_wrote) -> None:
            with suppress(threading.BrokenBarrierError):  # the other saw a lock, and wrote none
                both_wrote.wait(10)

        clock = replace(Machine(bucket).clock, sleep=settle)
        assert _winners(bucket, clock, on_locked=both_wrote.abort) == 1


def _winners(objects: locks.Objects, clock: Clock, on_locked: Callable[[], None] = lambda: None) -> int:
    """How many of two who take a lock at once get it."""
    start = threading.Barrier(2)
    both = [Lock(objects, "target", clock, "seed") for _ in range(2)]

    def take(lock: Lock) -> bool:
        start.wait()
        try:
            lock.take()
        except Locked:
            on_locked()
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(take, both))
    for lock in both:
        lock.release()
    return sum(won)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_it_expires_by_the_stores_clock_whatever_this_machine_thinks(bucket: Memory, hours: int) -> None:
    bucket.hold(other_host())
    machine = Machine(bucket, off=timedelta(hours=hours))
    machine.passes(60)
    with pytest.raises(Locked, match=r"`seed` \(pid 4711 on elsewhere\) for 60 s"):
        machine.lock().take()
    machine.passes(1)
    with machine.lock() as lock:
        assert lock.taken_over is not None
        assert (lock.taken_over.token, lock.taken_over.command) == ("theirs", "seed")


def test_a_renewed_lock_does_not_expire(machine: Machine) -> None:
    with machine.lock() as lock:
        for _ in range(10):
            machine.passes(15)
            lock.renew()
            with pytest.raises(Locked):
                machine.lock().take()
        lock.check()


def child() -> subprocess.Popen[str]:
    """A process that lives until its input is closed."""
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def lock_of(process: subprocess.Popen[str], **changes: object) -> bytes:
    """The lock of a process of this machine."""
    host, boot, namespace = locks._system()
    here = {"host": host, "boot": boot, "namespace": namespace, "pid": process.pid}
    return other_host(**{**here, "started": start_of(process.pid), **changes})


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with child() as process:
        yield process
        process.kill()


def test_a_living_process_keeps_its_lock(bucket: Memory, machine: Machine, process: subprocess.Popen[str]) -> None:
    bucket.hold(lock_of(process))
    with pytest.raises(Locked, match=f"pid {process.pid} on"):
        machine.lock().take()


@pytest.mark.parametrize("reaped", [True, False])
def test_the_lock_of_a_dead_process_is_taken_over_at_once(
    bucket: Memory, machine: Machine, process: subprocess.Popen[str], reaped: bool
) -> None:
    body = lock_of(process)
    bucket.hold(body)
    process.kill()
    if reaped:
        process.wait()
    else:
        assert process.stdout
        process.stdout.read()  # it ends when the process does
    # A killed process is a zombie only a moment after its files were closed.
    assert any(seen.dead for _ in range(10_000) if (seen := look(bucket, "target")))
    with machine.lock() as lock:
        assert lock.taken_over is not None
        assert lock.taken_over.token == "theirs"


def test_another_process_that_got_the_pid_is_not_the_holder(
    bucket: Memory, machine: Machine, process: subprocess.Popen[str]
) -> None:
    bucket.hold(lock_of(process, started=start_of(process.pid) - 60))
    with machine.lock() as lock:
        assert lock.taken_over is not None


@pytest.mark.parametrize("elsewhere", ["host", "boot", "namespace"])
def test_a_pid_of_another_system_says_nothing(
    bucket: Memory, machine: Machine, process: subprocess.Popen[str], elsewhere: str
) -> None:
    bucket.hold(lock_of(process, **{elsewhere: "another"}))
    process.kill()
    process.wait()
    with pytest.raises(Locked):
        machine.lock().take()
    machine.passes(61)
    with machine.lock():
        pass


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'"x"',
        b"{}",
        other_host(format=2),
        other_host(pid=0),
        other_host(pid=2**70),
        other_host(host=1),
    ],
)
def test_a_lock_that_cannot_be_read_is_held_until_it_expires(bucket: Memory, machine: Machine, body: bytes) -> None:
    bucket.hold(body)
    machine.passes(5)
    with pytest.raises(Locked, match="locked by another program for 5 s"):
        machine.lock().take()
    machine.passes(56)
    with machine.lock() as lock:
        assert lock.taken_over is None
        lock.check()


def test_who_waits_gets_it_when_it_is_let_go(machine: Machine) -> None:
    first = machine.lock()
    first.take()

    def let_go() -> None:
        if len(machine.waits) == 6:
            first.release()

    machine.on_sleep = let_go
    with machine.lock(wait_seconds=30):
        assert machine.waits == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_who_waits_too_long_is_told(bucket: Memory, machine: Machine) -> None:
    bucket.hold(other_host())
    with pytest.raises(Locked, match="for 5 s"):
        machine.lock(wait_seconds=5).take()
    assert sum(machine.waits) == pytest.approx(5)
    assert bucket.body()["token"] == "theirs"


def test_a_lost_race_is_looked_at_again(bucket: Memory, machine: Machine) -> None:
    class Raced(Memory):
        def read(self, key: str) -> Stored | None:
            found = Memory.read(self, key)
            if self.asked == ["read"]:
                self.hold(other_host())
            return found

    raced = Raced()
    with pytest.raises(Locked, match="`seed`"):
        Machine(raced).lock().take()
    assert raced.body()["token"] == "theirs"


def test_a_store_that_always_refuses_does_not_keep_us_for_ever(machine: Machine) -> None:
    class Refusing(Memory):
        def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
            return None

    with pytest.raises(Locked, match="another program"):
        Machine(Refusing()).lock().take()


def test_a_store_that_ignores_conditions_is_found_and_waited_for() -> None:
    bucket = Memory(honest=False)
    machine = Machine(bucket)
    with machine.lock() as lock:
        assert lock.weak
        assert machine.waits == [1.0]
        lock.renew()
        lock.check()
        with pytest.raises(Locked):
            machine.lock().take()
    assert bucket.held == {}


def test_on_a_store_that_ignores_conditions_the_last_writer_has_it() -> None:
    bucket = Memory(honest=False)
    machine = Machine(bucket)
    machine.on_sleep = lambda: bucket.hold(other_host())
    with pytest.raises(Locked, match="`seed`"):
        machine.lock().take()
    assert bucket.body()["token"] == "theirs"


@pytest.mark.parametrize("honest", [True, False])
def test_a_lock_that_was_taken_over_is_noticed_and_left_alone(honest: bool) -> None:
    bucket = Memory(honest=honest)
    with Machine(bucket).lock() as lock:
        bucket.hold(other_host())
        lock.check()
        lock.renew()
        with pytest.raises(LockLost, match=r"`seed` \(pid 4711 on elsewhere\) took it over") as caught:
            lock.check()
        assert caught.value.exit_code == 11
        assert "same command again" in caught.value.hint
    assert bucket.body()["token"] == "theirs"


def test_a_lock_that_was_deleted_is_lost(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        bucket.held.clear()
        lock.renew()
        with pytest.raises(LockLost):
            lock.check()
    assert bucket.held == {}


def test_a_renewal_whose_answer_was_lost_is_no_lost_lock(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        machine.passes(15)
        bucket.hold(json.dumps(bucket.body() | {"heldSeconds": 15.0}).encode())
        machine.passes(15)
        lock.renew()
        machine.passes(50)
        lock.check()
        assert bucket.body()["heldSeconds"] == 30


def test_a_lock_that_cannot_be_renewed_is_lost_when_it_expires(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        machine.passes(15)
        lock.renew()
        machine.passes(60)
        lock.check()
        machine.passes(1)
        with pytest.raises(LockLost, match="could not be renewed for 61 s"):
            lock.check()


def test_checking_asks_nobody(bucket: Memory, machine: Machine) -> None:
    with machine.lock() as lock:
        bucket.asked.clear()
        lock.check()
        assert bucket.asked == []


class Quick(Lock):
    """A lock that is renewed all the time."""

    renew_seconds = 0.001


def test_the_lock_renews_itself_through_failures_and_ends_at_once(bucket: Memory, machine: Machine) -> None:
    renewed = threading.Semaphore(0)

    class Noted(Quick):
        def renew(self) -> None:
            try:
                super().renew()
            finally:
                renewed.release()

    lock = Noted(bucket, "target", machine.clock, "seed")
    lock.take()
    for failure in (None, ValueError("a fault of ours"), StoreUnreachable, None):
        bucket.failure = _unreachable() if failure is StoreUnreachable else failure  # type: ignore[assignment]
        for _ in range(3):
            assert renewed.acquire(timeout=10)
    lock.check()
    lock.release()
    assert bucket.held == {}
    assert [each for each in threading.enumerate() if each.name == "tattoo-data-lock"] == []


def test_what_kept_it_from_being_renewed_is_told(bucket: Memory, machine: Machine) -> None:
    failed = threading.Event()

    class Noted(Quick):
        def renew(self) -> None:
            if bucket.failure:
                failed.set()
            super().renew()

    lock = Noted(bucket, "target", machine.clock, "seed")
    lock.take()
    bucket.failure = ValueError("a fault of ours")
    assert failed.wait(10)
    lock._ended.set()
    assert lock._thread
    lock._thread.join(10)
    machine.passes(61)
    with pytest.raises(LockLost, match="a fault of ours"):
        lock.check()
    bucket.failure = None
    lock.release()


def _unreachable() -> StoreUnreachable:
    return StoreUnreachable(service="s3", endpoint="memory", reason="refused", variable="AWS_ENDPOINT_URL")


def test_a_store_that_is_gone_at_the_end_is_no_error(bucket: Memory, machine: Machine) -> None:
    with machine.lock():
        bucket.failure = _unreachable()


def test_a_store_that_fails_after_the_taking_leaves_no_lock(machine: Machine) -> None:
    class Failing(Memory):
        def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
            if self.asked.count("put_if") == 1:
                self.asked.append("put_if")
                raise _unreachable()
            return Memory.put_if(self, key, blob, match=match)

    bucket = Failing()
    with pytest.raises(StoreUnreachable):
        Machine(bucket).lock().take()
    assert bucket.held == {}


def test_a_lock_that_is_not_held_is_not_checked_in_vain(machine: Machine) -> None:
    lock = machine.lock()
    with pytest.raises(LockLost, match="not held"):
        lock.check()
    lock.release()
    with lock:
        lock.check()
    with pytest.raises(LockLost, match="not held"):
        lock.check()
    lock.release()


def test_targets_have_locks_of_their_own(bucket: Memory, machine: Machine) -> None:
    with machine.lock(), Lock(bucket, "another", machine.clock, "seed"):
        assert sorted(bucket.held) == ["locks/another.json", KEY]


def test_a_holder_is_told_in_words() -> None:
    holder = locks._decode(other_host())
    assert isinstance(holder, Holder)
    assert str(holder) == "`seed` (pid 4711 on elsewhere)"


@pytest.fixture(params=BUCKET_ENGINES)
def real(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[RetryingBucket]:
    """A bucket that does not exist yet, on an engine."""
    made = RetryingBucket(Bucket(fresh_name(), guard.check(get_engine(request.param).url), ACCESS), Clock())
    yield made
    made.close()


def test_on_an_engine_a_lock_is_taken_renewed_seen_and_let_go(real: RetryingBucket) -> None:
    assert look(real, "target") is None
    with Lock(real, "target", Clock(), "reset fresh") as lock:
        assert not lock.weak
        lock.renew()
        lock.renew()
        lock.check()
        seen = look(real, "target")
        assert seen is not None
        assert seen.holder is not None
        assert seen.holder.token == lock.token
        assert not seen.is_free
        assert seen.age < 30
        with pytest.raises(Locked, match="`reset fresh`"):
            Lock(real, "target", Clock(), "seed").take()
    assert look(real, "target") is None


def test_on_an_engine_one_of_two_at_once_wins(real: RetryingBucket) -> None:
    for _ in range(50):
        assert _winners(real, Clock()) == 1


_HOLD = """
import sys
from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.repository.locks import Lock
from tattoo_data.stores.aws import Access
from tattoo_data.stores.bucket import Bucket

access = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
lock = Lock(Bucket(sys.argv[2], guard.check(sys.argv[1]), access), "target", Clock(), "seed")
lock.take()
print(lock.token, flush=True)
sys.stdin.read()
"""


def test_on_an_engine_the_lock_of_a_killed_command_is_taken_over_at_once(get_engine: GetEngine) -> None:
    url, name = get_engine("ministack").url, fresh_name()
    bucket = RetryingBucket(Bucket(name, guard.check(url), ACCESS), Clock())
    with subprocess.Popen([sys.executable, "-c", _HOLD, url, name], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout
        token = process.stdout.readline().strip()
        with pytest.raises(Locked, match=f"pid {process.pid} on"):
            Lock(bucket, "target", Clock(), "reset fresh").take()
        process.kill()
    with Lock(bucket, "target", Clock(), "reset fresh") as lock:
        assert lock.taken_over is not None
        assert lock.taken_over.token == token
    bucket.close()
