"""Timeline: what a target's runs say together. Pure: which run `undo` takes, which `redo`, which day counts, and which
earlier states the stores come from.

Undo and redo are runs too, and never taken back by `undo`. A redo takes back the last undo, until something new is
written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tattoo_data.repository.runs import Run, RunKind, RunStatus, run_moment

#: The command whose runs say in their arguments what was done with which migration.
MIGRATE = "migrate"
COMMANDS_WITH_DAYS = ("seed", "reset", "restore")
#: How much of a run's id is its day.
_DAY = len("20261122")
#: Moments are kept to the millisecond.
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A run that put the stores back to what they held at an earlier moment: what they held from `since` until it began
    was left behind."""

    run: Run
    since: datetime

    def leaves(self, moment: datetime) -> bool:
        """Whether what the stores held at a moment was left behind."""
        return self.since <= moment < self.run.began


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A target's runs, the newest first.

    `undoable` are the writes that are not undone, `redoable` the undos that are not redone; of both, the first is
    next. `undone` are the ids of the writes that are undone, `undone_in_part` of those of which an undo left keys.
    `interrupted` is the newest run, where it did not end. `damaged` are the ids of runs of which nothing can be read,
    the newest first: whether they are undone, or an undo, is not known.
    """

    runs: tuple[Run, ...]
    undoable: tuple[Run, ...]
    redoable: tuple[Run, ...]
    undone: frozenset[str]
    undone_in_part: frozenset[str]
    damaged: tuple[str, ...] = ()

    @property
    def newest(self) -> Run | None:
        """The newest run."""
        return self.runs[0] if self.runs else None

    @property
    def interrupted(self) -> Run | None:
        """The newest run, where it did not end."""
        return self.newest if self.newest and self.newest.status == RunStatus.RUNNING else None

    @property
    def newest_damaged(self) -> str | None:
        """The newest run's id, where it is damaged."""
        return self.damaged_after(self.newest)

    def damaged_after(self, run: Run | None) -> str | None:
        """The newest damaged run after another one, or of all."""
        return next((each for each in self.damaged if run is None or each > run.id), None)

    @property
    def as_of(self) -> date | None:
        """The day of the newest seed, reset or restore that is not undone."""
        run = self.dated
        return run.as_of if run else None

    @property
    def dated(self) -> Run | None:
        """The newest seed, reset or restore that is not undone."""
        writes = (run for run in self.runs if run.kind == RunKind.WRITE and run.id not in self.undone)
        return next((run for run in writes if run.command in COMMANDS_WITH_DAYS and run.as_of), None)

    @property
    def returns(self) -> tuple[Return, ...]:
        """The runs that put the stores back, the newest first, but for those that were left behind themselves."""
        found: list[Return] = []
        for run in self.runs:
            since = self._since(run)
            if since is not None and not (found and run.began >= found[-1].since):
                found.append(Return(run=run, since=since))
        return tuple(found)

    def descends_from(self, moment: datetime) -> bool:
        """Whether what the stores hold comes from what they held at a moment: they were not put back to before it."""
        return not any(each.leaves(moment) for each in self.returns)

    def applied(self, migration: str) -> tuple[Run, ...]:
        """The runs of a migration that stand, the newest first: they are not undone, and since then it was not rolled
        back, nor was the whole table put into another state."""
        found: list[Run] = []
        rest = deque(self.runs)
        while rest:
            run = rest.popleft()
            if run.kind != RunKind.WRITE or run.id in self.undone:
                continue
            if run.status == RunStatus.DONE and _puts_all(run):
                # A state that was there before, as `with` puts it back: what stood then stands again.
                while rest and (run.fingerprint_after is None or rest[0].fingerprint_after != run.fingerprint_after):
                    rest.popleft()
            elif run.status == RunStatus.DONE and _is_migration(run, "rollback", migration):
                break
            elif _is_migration(run, "run", migration):
                found.append(run)
        return tuple(found)

    @property
    def migrations(self) -> frozenset[str]:
        """The ids of all runs of migrations that stand."""
        names = {run.arguments[1] for run in self.runs if run.command == MIGRATE and len(run.arguments) > 1}
        return frozenset(run.id for name in names for run in self.applied(name))

    def _since(self, run: Run) -> datetime | None:
        """The first moment that a run left behind; None for one that did not put the stores back."""
        if run.kind == RunKind.WRITE:
            return run.restored + _TICK if run.restored else None
        about = next((each for each in self.runs if each.id == run.of), None)
        return about.began if about else run_moment(run.of or "")

    def find(self, run_id: str) -> Run | None:
        """The run of an id, or of the beginning of just one, which has its day at least: less is soon meant by
        mistake, as the number of a row."""
        found = [run for run in self.runs if len(run_id) >= _DAY and run.id.startswith(run_id)]
        exact = [run for run in found if run.id == run_id]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def of(self, run: Run) -> Run | None:
        """The write that an undo or redo is about in the end."""
        there = {each.id: each for each in self.runs}
        about: Run | None = run
        while about is not None and about.kind != RunKind.WRITE:
            about = there.get(about.of or "")
        return about


def _is_migration(run: Run, verb: str, migration: str) -> bool:
    return run.command == MIGRATE and tuple(run.arguments[:2]) == (verb, migration)


def _puts_all(run: Run) -> bool:
    """Whether a run put every item into another state."""
    words = {*run.arguments[run.command != "clear" :]}
    whole = {
        "clear": True,
        "reset": True,
        "restore": "--keys" not in words,
        "import": "--replace" in words,
        "seed": "--only" in words,
    }
    return whole.get(run.command, False) and ("dynamodb" in words or not {"opensearch", "s3"} & words)


def timeline(newest_first: Iterable[Run], damaged: Iterable[str] = ()) -> Timeline:
    """Read the runs of one target, and the ids of its damaged ones."""
    runs = tuple(newest_first)
    writes: list[Run] = []
    undos: list[Run] = []
    standing: list[Run] = []
    for run in reversed(runs):
        if run.kind == RunKind.WRITE:
            writes.append(run)
            undos.clear()
        elif run.kind == RunKind.UNDO:
            undos.append(run)
            standing.append(run)
        elif run.status == RunStatus.DONE:
            undos = [undo for undo in undos if undo.id != run.of]
            standing = [undo for undo in standing if undo.id != run.of]
    undone = {str(undo.of) for undo in standing if undo.status == RunStatus.DONE}
    in_part = {str(undo.of) for undo in standing} - undone
    return Timeline(
        runs=runs,
        undoable=tuple(run for run in reversed(writes) if run.id not in undone),
        redoable=tuple(reversed(undos)),
        undone=frozenset(undone),
        undone_in_part=frozenset(in_part),
        damaged=tuple(damaged),
    )
