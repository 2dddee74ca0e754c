"""Undo and redo: take back what a run did, key by key, only where live still is what it wrote."""

from __future__ import annotations

from dataclasses import dataclass, field

from tattoo_data.engine.make_equal import Change
from tattoo_data.environment import Environment
from tattoo_data.errors import CannotUndo, IntegrityFailed, NothingToUndo, UnknownName, UsageError
from tattoo_data.repository.runs import Run, RunKind
from tattoo_data.runs.session import Command, Session, WriteOptions, as_change, is_damaged, writing
from tattoo_data.runs.timeline import Timeline

_FORCE = "--force"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOptions:
    """`run` picks one by its id or the beginning of it; None is the newest that is not undone. With `force`, keys
    that somebody else changed since are taken back too."""

    run: str | None = None
    force: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        return None if self.write.dry_run else f"undo {self.run or 'of the last run'} puts back what was there before"

    @property
    def redo_question(self) -> str | None:
        """The same before a redo."""
        return None if self.write.dry_run else "redo takes back the last undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The run that was taken back, and what that changed."""

    run: Run
    change: Change


def undo(env: Environment, options: UndoOptions) -> Undone:
    """Take back the target's newest run that is not undone, or the one that is named.

    Raises `NothingToUndo`, `UnknownName`, `CannotUndo` where no before-images were kept, and `IntegrityFailed` where
    they or the run itself are damaged, before anything is written.
    """
    named = (options.run,) if options.run else ()
    command = Command(name="undo", arguments=(*named, *((_FORCE,) if options.force else ())))
    with writing(env, command, options.write) as session:
        if ended := session.finished:
            return Undone(run=session.timeline.of(ended) or ended, change=as_change(ended))
        run = _continued(session) or _chosen(env, session.timeline, options.run)
        return Undone(run=run, change=session.take_back(_kept(run), RunKind.UNDO, force=options.force))


def redo(env: Environment, options: UndoOptions) -> Undone:
    """Take back the last undo, if nothing new was written since. Raises as `undo` does."""
    command = Command(name="redo", arguments=(_FORCE,) if options.force else ())
    with writing(env, command, options.write) as session:
        if ended := session.finished:
            return Undone(run=session.timeline.of(ended) or ended, change=as_change(ended))
        run = _continued(session) or _redoable(env, session.timeline)
        change = session.take_back(_kept(run), RunKind.REDO, force=options.force)
        return Undone(run=session.timeline.of(run) or run, change=change)


def _continued(session: Session) -> Run | None:
    """What an undo or redo of the same words, which was interrupted, is about."""
    begun = session.continued
    return next((run for run in session.timeline.runs if begun is not None and run.id == begun.of), None)


def _chosen(env: Environment, line: Timeline, name: str | None) -> Run:
    if name is None:
        newest = next(iter(line.undoable), None)
        if run_id := line.damaged_after(newest):
            raise _damaged(env, run_id)
        if newest is None:
            raise NothingToUndo(verb="undo")
        return newest
    run = line.find(name)
    if run is None:
        if run_id := next((each for each in line.damaged if name and each.startswith(name)), None):
            raise _damaged(env, run_id)
        raise UnknownName(kind="run", name=name, known=[each.id for each in line.runs])
    if run.kind != RunKind.WRITE:
        raise UsageError(
            what=f"{run.id} is {'an undo' if run.kind == RunKind.UNDO else 'a redo'}, which undo does not take back",
            hint="`tattoo-data redo` takes back the last undo.",
        )
    return run


def _redoable(env: Environment, line: Timeline) -> Run:
    last = next(iter(line.redoable), None)
    if run_id := line.damaged_after(last or next((run for run in line.runs if run.kind == RunKind.WRITE), None)):
        raise _damaged(env, run_id)
    if last is None:
        raise NothingToUndo(verb="redo")
    return last


def _damaged(env: Environment, run_id: str) -> IntegrityFailed:
    """An older run instead is not what was asked for."""
    return IntegrityFailed(
        what=f"{is_damaged(env, run_id)}, so what it did cannot be taken back",
        hint="`tattoo-data undo RUN` takes back another one that `tattoo-data history` lists. "
        "Once that object is deleted, it is passed over.",
    )


def _kept(run: Run) -> Run:
    if not run.undoable:
        raise CannotUndo(run=run.id, command=run.words, reason="no before-images of it are kept")
    return run
