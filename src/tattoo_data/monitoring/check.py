"""Check: what the stores of a target are and hold at this moment, and whether table and index agree. Read-only.

Whatever a store does, a check ends: what cannot be asked is unhealthy, with the error as its problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.monitoring.comparison import Comparison
from tattoo_data.monitoring.glance import Walk, glance
from tattoo_data.monitoring.reading import Reading, store_sample, tried
from tattoo_data.monitoring.requests import Recorder
from tattoo_data.monitoring.sample import Consistency, Sample, StoreSample
from tattoo_data.stores.retrying import Patience
from tattoo_data.views.recognise import Content

#: With how much patience an environment is opened for checks: a store that is down is to be told within seconds.
PATIENCE = Patience(attempts=3, first_wait=0.05, longest_wait=0.5, read_seconds=10.0)
#: So many requests to each store give percentiles that say something; a small store is scanned with fewer.
REQUESTS = 5

#: Gives the name of a content, where it has one.
Naming = Callable[[Content], str | None]


def check(
    env: Environment,
    recorder: Recorder,
    *,
    light: bool = False,
    walk: Walk | None = None,
    naming: Naming | None = None,
    name_all: bool = False,
) -> Sample:
    """One check. `recorder` is the trace that `env` was opened with.

    It passes once over all three stores: exact counts by kind, and each artist's document held against its item on
    every field. With `name_all` every artist that differs is named, else the first hundred. A `light` one is a glance
    instead, which goes on where `walk` is.
    """
    at, start = env.clock.now(), env.clock.monotonic()
    recorder.take()  # what was asked before is no part of it
    if light:
        read, consistency = glance(env, walk or Walk())
    else:
        read, consistency = _pass_over(env, recorder, name_all=name_all)
    requests = recorder.take()
    return Sample(
        at=at,
        seconds=env.clock.monotonic() - start,
        light=light,
        stores={name: store_sample(env, each, requests[name]) for name, each in read.items()},
        consistency=consistency,
        state=_state(read, naming) if naming else None,
        notes=tuple(_notes(consistency)),
    )


def unreached(error: TattooDataError, at: datetime, seconds: float, *, light: bool) -> Sample:
    """The check of a target that cannot even be opened."""
    store = StoreSample(reachable=False, healthy=False, problems=(error.message,))
    return Sample(at=at, seconds=seconds, light=light, stores=dict.fromkeys(StoreName, store))


def _pass_over(
    env: Environment, recorder: Recorder, *, name_all: bool
) -> tuple[Mapping[StoreName, Reading], Consistency]:
    comparison = Comparison(name_all=name_all)
    with ThreadPoolExecutor(len(StoreName)) as beside:
        scan = partial(_scan, env, recorder, comparison)
        read = dict(zip(StoreName, beside.map(scan, StoreName), strict=True))
    both = read[StoreName.TABLE], read[StoreName.INDEX]
    if all(each.is_whole for each in both) and any(each.is_there for each in both):
        return read, comparison.finish(env.stores)
    return read, Consistency()


def _scan(env: Environment, recorder: Recorder, comparison: Comparison, name: StoreName) -> Reading:
    """One store, passed over once, and asked some more where that took few requests."""

    def scan() -> Reading:
        found = read_all(env.stores, env.pool, only=[name], keep=False, into=comparison.take, progress=env.progress)
        live = found[name]
        for _ in range(recorder.count(name), REQUESTS):
            env.stores[name].describe()
        return Reading(description=live.description, live=live, count=None if live.is_refused else live.total.count)

    return tried(scan)


def _state(read: Mapping[StoreName, Reading], naming: Naming) -> str | None:
    """The name of what the stores hold, where all of it was read."""
    live = {name: each.live for name, each in read.items() if each.is_there and each.live is not None}
    if len(live) < len(StoreName):
        return None
    content = Content(
        kinds=live[StoreName.TABLE].kinds,
        documents=live[StoreName.INDEX].total.count,
        images=live[StoreName.IMAGES].total.count,
        fingerprint=state_fingerprint({name: each.total.hex() for name, each in live.items()}),
    )
    try:
        return naming(content)
    except TattooDataError:
        return None  # what is kept in the bucket of backups is not what a check is about


def _notes(found: Consistency) -> Sequence[str]:
    named = len(found.differences)
    if found.differing <= named:
        return ()
    where = "`tattoo-data validate consistency` names all"
    return (f"{named} of the {found.differing:,} artists that differ are named; {where}",)
