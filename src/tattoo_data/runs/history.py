"""History: what was done to a target, the newest first. Read-only."""

from __future__ import annotations

from dataclasses import dataclass

from tattoo_data.clock import timestamp
from tattoo_data.environment import Environment
from tattoo_data.repository.locks import LockSeen, look
from tattoo_data.repository.runs import Run, RunKind, RunStatus, run_moment
from tattoo_data.runs.session import is_damaged, read_timeline
from tattoo_data.runs.timeline import Timeline

DAMAGED = "damaged"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run, and how it stands now: `done`, `partial`, `running`, `interrupted`, `undone` or `undone in part`; of one
    that is `damaged` nothing is known but when it began."""

    run: Run
    stands: str


def history(env: Environment) -> list[Past]:
    """Every run of the target that is kept; says which are damaged."""
    line, lock = observe(env)
    for run_id in line.damaged:
        env.say(f"note: {is_damaged(env, run_id)}.")
    found = [Past(run=run, stands=_stands(run, line, lock)) for run in line.runs]
    found += [Past(run=_unknown(run_id, env.target.id), stands=DAMAGED) for run_id in line.damaged]
    return sorted(found, key=lambda past: past.run.id, reverse=True)


def observe(env: Environment) -> tuple[Timeline, LockSeen | None]:
    """The target's runs, and who holds its lock. A command that ends between the two looks is looked at again."""
    line, lock = read_timeline(env), look(env.repository, env.target.id)
    return (read_timeline(env), lock) if interrupted(line, lock) else (line, lock)


def interrupted(line: Timeline, lock: LockSeen | None) -> Run | None:
    """The newest run, where it did not end and nobody is at work on it."""
    at_work = lock is not None and not lock.is_free
    return None if at_work else line.interrupted


def _unknown(run_id: str, target: str) -> Run:
    """What stands for a damaged run."""
    began = run_moment(run_id)
    return Run(
        id=run_id,
        kind=_UNKNOWN,
        command=_UNKNOWN,
        target=target,
        status=DAMAGED,
        started_at=timestamp(began) if began else "",
    )


def _stands(run: Run, line: Timeline, lock: LockSeen | None) -> str:
    if run.kind == RunKind.WRITE and run.id in line.undone:
        return "undone"
    if run.status == RunStatus.RUNNING:
        at_work = run is line.interrupted and interrupted(line, lock) is None
        return "running" if at_work else "interrupted"
    return "undone in part" if run.id in line.undone_in_part else str(run.status)
