"""Retention: how long runs and their before-images are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from tattoo_data.environment import Environment
from tattoo_data.repository.runs import PREFIX, Run, run_key, run_moment
from tattoo_data.runs.timeline import COMMANDS_WITH_DAYS, Timeline

KEPT_RUNS = 20
KEPT_FOR = timedelta(days=7)


def expired(newest_first: Iterable[Run], kept: Collection[str] = ()) -> list[Run]:
    """The runs of a target that are not kept: all but the last 20, and those that began more than 7 days before the
    newest, except for those whose ids are `kept`. Pure; it goes by the ids, so no clock has to be right."""
    runs = list(newest_first)
    newest = run_moment(runs[0].id) if runs else None
    return [
        run
        for number, run in enumerate(runs)
        if run.id not in kept
        and (
            number >= KEPT_RUNS
            or (newest is not None and (moment := run_moment(run.id)) is not None and newest - moment > KEPT_FOR)
        )
    ]


def forget_old_runs(env: Environment, line: Timeline) -> None:
    """Remove the expired runs among the target's, and files that a removal left over; a migration's runs stay as long
    as it is applied, so that it can be rolled back. Without its before-images stays the newest of them with a day, by
    which `status` goes once those after it are undone, and so does one that left behind what a snapshot holds."""
    keys = [each.key for each in env.repository.objects(PREFIX)]
    there = {_id_of(key) for key in keys if key.endswith("/run.json")}
    gone = {_id_of(key) for key in keys} - there
    old = expired(line.runs, line.migrations)
    dated = (run for run in old if run.as_of and run.command in COMMANDS_WITH_DAYS)
    day = next((run for run in dated if run.id not in line.undone), None)
    gone |= {run.id for run in old}
    bare = {run_key(run.id): run for run in (day, *_returns(env, line, old)) if run is not None}
    for run in bare.values():
        if run.undoable:
            env.runs.write(replace(run, undoable=False))
    keys = [key for key in keys if key not in bare]
    # A run without its run.json is known to be nothing; one without its images would promise what it cannot keep.
    heads = [key for key in keys if _id_of(key) in gone and key.endswith("/run.json")]
    gone -= {_id_of(each.key) for each in env.repository.delete(heads) if each.error}
    env.repository.delete([key for key in keys if _id_of(key) in gone and key not in heads])


def _returns(env: Environment, line: Timeline, old: Collection[Run]) -> list[Run]:
    """Those among the old runs without which a sync point that was left behind would count again."""
    if not old:
        return []
    taken, ids = [each.created_at for each in env.manifests.listed()], {run.id for run in old}
    return [each.run for each in line.returns if each.run.id in ids and any(map(each.leaves, taken))]


def _id_of(key: str) -> str:
    """The run that a file is of."""
    return key.removeprefix(PREFIX).partition("/")[0]
