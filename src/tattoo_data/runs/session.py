"""One writing command from its lock to the end of its run.

Under the lock it reads what was done before: the same command that was interrupted goes on as the same run, an
interrupted undo is finished first, any other interrupted run is closed, to be undone as a run of its own.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from tattoo_data.clock import timestamp
from tattoo_data.engine.back import Images
from tattoo_data.engine.flow import StillAtWork
from tattoo_data.engine.make_equal import Change, How, make_equal, take_back
from tattoo_data.engine.plan import Counts, Desired, Plan
from tattoo_data.engine.spool import Spool
from tattoo_data.engine.verify import Verify
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, TattooDataError
from tattoo_data.model.before import BeforeImage
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.locks import Lock
from tattoo_data.repository.runs import Run, RunKind, RunStatus, new_run_id, run_key
from tattoo_data.repository.who import who
from tattoo_data.runs.journal import RunJournal
from tattoo_data.runs.retention import forget_old_runs
from tattoo_data.runs.timeline import Timeline, timeline

#: How many keys that an interrupted undo leaves are named.
_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What every writing command can be told. `undo` False keeps no before-images; `wait` is how many seconds to
    wait for the lock."""

    dry_run: bool = False
    verify: Verify = Verify.KEYS
    undo: bool = True
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What was asked: the verb and its arguments, and for a command that resolves dates the day that is set."""

    name: str
    arguments: tuple[str, ...] = ()
    as_of: date | None = None

    @property
    def words(self) -> str:
        """As it can be typed: `reset fresh`."""
        return shlex.join((self.name, *self.arguments))

    def began(self, run: Run) -> bool:
        """Whether a run is of this command. One whose day is not set goes on with the day of the run."""
        same = (run.command, tuple(run.arguments)) == (self.name, self.arguments)
        return same and self.as_of in (None, run.as_of)


class Session:
    """A writing command that holds the lock; with `dry_run`, one that holds nothing and writes nothing."""

    def __init__(self, env: Environment, command: Command, options: WriteOptions, lock: Lock | None) -> None:
        self.env = env
        self.command = command
        self.options = options
        self.timeline = read_timeline(env)
        self.made: RunJournal | None = None
        self._lock = lock

    @property
    def continued(self) -> Run | None:
        """The interrupted run of this very command."""
        run = self.timeline.interrupted
        return run if run is not None and self.command.began(run) else None

    @property
    def as_of(self) -> date:
        """The day of a catalogue's dates: that of the run that goes on, else what is set, else today (UTC)."""
        run = self.continued
        return (run.as_of if run else None) or self.command.as_of or self.env.clock.today()

    @property
    def finished(self) -> Run | None:
        """The run of this very command whose process died after the last write and before it could say so."""
        run, dead = self.timeline.newest, self._lock.taken_over if self._lock else None
        ended = run is not None and dead is not None and run.lock == dead.token and run.status != RunStatus.RUNNING
        return run if ended and run is not None and self.command.began(run) else None

    def carry_out(
        self, desired: Desired, *, as_of: date | None = None, settles: bool = False, restored: datetime | None = None
    ) -> Change:
        """Make the live stores equal `desired`, and keep the run where anything changed; with `settles` also where
        nothing had to, because that has to be known. `restored` is the moment to which they are put back."""
        journal = self._journal(RunKind.WRITE, None, as_of, restored)
        change = make_equal(self.env.stores, desired, journal, self.env.pool, self._how())
        return self._closed(journal, change, settles=settles)

    def take_back(self, run: Run, kind: RunKind, *, force: bool = False) -> Change:
        """Put back what a run found, as an undo or redo. Raises `IntegrityFailed` before anything is written where
        a before-image is damaged."""
        images = read_images(self.env, run)
        journal = self._journal(kind, run.id, None)
        fetch = self.env.bodies.fetch
        change = take_back(self.env.stores, images, fetch, journal, self.env.pool, self._how(), force=force)
        return self._closed(journal, change)

    def settle_the_past(self) -> None:
        """Finish an undo that another command interrupted, or close any other interrupted run. The command's own is
        left: it goes on."""
        run = self.timeline.interrupted
        if run is None or self.continued:
            return
        about = next((each for each in self.timeline.runs if each.id == run.of), None)
        if run.kind == RunKind.WRITE or about is None or not self._finish(run, about):
            ended = timestamp(self.env.clock.now())
            self.env.runs.write(replace(run, status=RunStatus.PARTIAL, ended_at=ended))
        self.timeline = read_timeline(self.env)

    def _finish(self, run: Run, about: Run) -> bool:
        """Finish an interrupted undo or redo, and say what it leaves. Returns False where its images are damaged."""
        self.env.say(f"Finishing the {run.words} that was interrupted.")
        command = Command(name=run.command, arguments=tuple(run.arguments))
        session = Session(self.env, command, self.options, self._lock)
        try:
            change = session.take_back(about, RunKind(run.kind), force="--force" in run.arguments)
        except IntegrityFailed as error:
            self.env.say(f"note: {run.words} could not be finished: {error.message}")
            return False
        for failure in change.failures[:_TOLD]:
            self.env.say(f"note: {run.words} left {failure.store} {failure.key}: {failure.message}")
        if len(change.failures) > _TOLD:
            self.env.say(f"note: ... and {len(change.failures) - _TOLD} more")
        return True

    def _journal(
        self, kind: RunKind, of: str | None, as_of: date | None, restored: datetime | None = None
    ) -> RunJournal:
        assert self._lock is not None or self.options.dry_run
        newest = self.timeline.newest
        run = self.continued or Run(
            id=new_run_id(self.env.clock, self.timeline.newest_damaged or (newest.id if newest else None)),
            kind=kind,
            of=of,
            command=self.command.name,
            arguments=self.command.arguments,
            target=self.env.target.id,
            status=RunStatus.RUNNING,
            started_at=timestamp(self.env.clock.now()),
            as_of=as_of,
            undoable=self.options.undo,
            by=who(),
            restored=restored,
        )
        return RunJournal(self.env, self._lock, run)

    def _closed(self, journal: RunJournal, change: Change, *, settles: bool = False) -> Change:
        if change.dry_run:
            return change
        if journal.begun:
            journal.close(change)
            self.made = journal
        elif self.continued:
            # It was killed after its last write: all that was missing was to say so.
            journal.close(replace(change, counts={name: Counts() for name in StoreName}))
            self.made = journal
            return replace(change, run=journal.run.id)
        elif settles and not change.failures:
            journal.close(change)
        elif journal.run.of and journal.run.of not in self.timeline.undone and not change.failures:
            # All of it is as it was before already; that it is undone has to be known all the same.
            journal.close(change)
        return change

    def _how(self) -> How:
        return How(
            dry_run=self.options.dry_run,
            verify=self.options.verify,
            swap=self.env.settings.index_swap != "never",
            progress=self.env.progress,
        )


@contextmanager
def writing(env: Environment, command: Command, options: WriteOptions) -> Iterator[Session]:
    """Take the lock and settle what was interrupted; let go of it at the end. With `dry_run` neither is done.

    Raises `Locked` where another command holds it longer than the options wait.
    """
    if options.dry_run:
        yield Session(env, command, options, None)
        return
    lock = Lock(env.repository, env.target.id, env.clock, command.words, wait_seconds=options.wait)
    with lock, left_while_at_work(lock):
        if lock.weak:
            env.say("note: the backup bucket's store ignores conditions: two writers are not fully kept apart.")
        session = Session(env, command, options, lock)
        if lock.taken_over or session.timeline.interrupted:
            _remove_orphans(env)
        session.settle_the_past()
        if run_id := session.timeline.newest_damaged:
            env.say(f"note: {is_damaged(env, run_id)}; `undo` does not take it back.")
        yield session
        if session.made:
            _forget(env, session.made.run, session.timeline)


@contextmanager
def left_while_at_work(lock: Lock) -> Iterator[None]:
    """Leave the lock where an interruption did not wait for all that writes: no other command is to meet it."""
    try:
        yield
    except StillAtWork:
        lock.leave()
        raise


def _forget(env: Environment, made: Run, before: Timeline) -> None:
    try:
        forget_old_runs(env, timeline([made, *(run for run in before.runs if run.id != made.id)]))
    except TattooDataError as error:  # the command's own work is done
        env.say(f"note: old runs could not be removed: {error.message}")


def _remove_orphans(env: Environment) -> None:
    """Remove the indexes that a killed command was building. Under the lock nobody builds one now."""
    env.stores.index.describe()  # nothing else is sent before it is known to be OpenSearch
    for name in env.index.orphans():
        env.index.remove(name)


def read_timeline(env: Environment) -> Timeline:
    """What the target's runs say. Read-only."""
    found = env.runs.newest_first(env.target.id, env.pool)
    return timeline(found.runs, found.damaged)


def is_damaged(env: Environment, run_id: str) -> str:
    """In words that nothing is known of a run, and which object it is."""
    return f"the run {run_id} is damaged: {run_key(run_id)} in {env.target.backup_bucket} cannot be read"


def read_images(env: Environment, run: Run) -> Images:
    """A run's before-images, spooled: every one is read and checked before any is used."""
    spools = {name: Spool(BeforeImage, name) for name in StoreName}
    for name, images in env.before_images.read(run.id, run.files):
        spools[name].add(images)
        blobs = [image.blob for image in images if image.blob]
        list(env.pool.map(env.bodies.check, blobs))
    return spools


def as_change(run: Run) -> Change:
    """What a run that has ended did, as its result."""
    counts = {name: Counts(**run.counts.get(name.value, {})) for name in StoreName}
    return Change(
        plan=Plan(stores={}),
        dry_run=False,
        counts=counts,
        fingerprint_before=run.fingerprint_before,
        fingerprint=run.fingerprint_after,
        run=run.id,
    )
