"""Retention: how long runs and their before-images are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from tattoo_data.environment import Environment
from tattoo_data.repository.runs import PREFIX, Run, run_moment
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
    as it is applied, so that it can be rolled back. The newest of them with a day stays without its before-images:
    `status` goes by it once those after it are undone."""
    keys = [each.key for each in env.repository.objects(PREFIX)]
    there = {key.removeprefix(PREFIX).partition("/")[0] for key in keys if key.endswith("/run.json")}
    gone: set[str] = {name for key in keys if (name := key.removeprefix(PREFIX).partition("/")[0]) not in there}
    old = expired(line.runs, line.migrations)
    dated = (run for run in old if run.as_of and run.command in COMMANDS_WITH_DAYS)
    day = next((run for run in dated if run.id not in line.undone), None)
    gone |= {run.id for run in old}
    if day is not None:
        if day.undoable:
            env.runs.write(replace(day, undoable=False))
        keys = [key for key in keys if key != f"{PREFIX}{day.id}/run.json"]
    doomed = [key for key in keys if key.removeprefix(PREFIX).partition("/")[0] in gone]
    # A run without its run.json is known to be nothing; one without its images would promise what it cannot keep.
    env.repository.delete(sorted(doomed, key=lambda key: not key.endswith("/run.json")))
