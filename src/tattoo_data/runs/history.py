"""History: what was done to a target, the newest first. Read-only."""

from __future__ import annotations

from dataclasses import dataclass

from tattoo_data.environment import Environment
from tattoo_data.repository.locks import LockSeen, look
from tattoo_data.repository.runs import Run, RunKind, RunStatus
from tattoo_data.runs.session import read_timeline
from tattoo_data.runs.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run, and how it stands now: `done`, `partial`, `running`, `interrupted`, `undone` or `undone in part`."""

    run: Run
    stands: str


def history(env: Environment) -> list[Past]:
    """Every run of the target that is kept."""
    line, lock = observe(env)
    return [Past(run=run, stands=_stands(run, line, lock)) for run in line.runs]


def observe(env: Environment) -> tuple[Timeline, LockSeen | None]:
    """The target's runs, and who holds its lock. A command that ends between the two looks is looked at again."""
    line, lock = read_timeline(env), look(env.repository, env.target.id)
    return (read_timeline(env), lock) if interrupted(line, lock) else (line, lock)


def interrupted(line: Timeline, lock: LockSeen | None) -> Run | None:
    """The newest run, where it did not end and nobody is at work on it."""
    at_work = lock is not None and not lock.is_free
    return None if at_work else line.interrupted


def _stands(run: Run, line: Timeline, lock: LockSeen | None) -> str:
    if run.kind == RunKind.WRITE and run.id in line.undone:
        return "undone"
    if run.status == RunStatus.RUNNING:
        at_work = run is line.interrupted and interrupted(line, lock) is None
        return "running" if at_work else "interrupted"
    return "undone in part" if run.id in line.undone_in_part else str(run.status)
