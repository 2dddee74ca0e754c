"""Trial: a step done and rolled back on a copy of live records, in stores of its own that are removed afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from tattoo_data.catalog import Context, load
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.migrations.documents import document_or_none
from tattoo_data.migrations.migrate import MigrateOptions, migrate
from tattoo_data.migrations.rollback import roll_back
from tattoo_data.migrations.step import Step
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.project import item_of, moved_key
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.selftest.scratch import scratch_target
from tattoo_data.stores.base import pages

_BOTH = (StoreName.TABLE, StoreName.INDEX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a trial went: `records` were copied, so many of them `changed`; `broken` says what is not as it must be."""

    step: Step
    records: int
    changed: int
    broken: tuple[str, ...]


def try_step(env: Environment, step: Step, steps: Sequence[Step], limit: int) -> Trial:
    """Copy up to `limit` live items (the catalogue's where there are none), do the step twice and roll it back.

    Raises `StepBroken` where the step itself is at fault.
    """
    items = list(islice(_items(env), limit))
    with scratch_target(env) as scratch:
        copy = _with_pictures(scratch.env, env)
        before = _fill(copy, items)
        done = migrate(copy, step, MigrateOptions())
        broken = [f"{each.store} {each.key}: {each.message}" for each in done.change.failures]
        if migrate(copy, step, MigrateOptions()).change.run:
            broken.append("a second time it has something to do again")
        broken += _unlike(copy)
        if done.change.run:
            back = roll_back(copy, step, steps, WriteOptions())
            broken += [f"rolled back, {each.store} {each.key}: {each.message}" for each in back.change.failures]
            if _held(back.change) != before:
                broken.append("rolled back, the stores do not hold what they held before")
    changed = done.change.counts[StoreName.TABLE].replaced
    return Trial(step=step, records=len(items), changed=changed, broken=tuple(broken))


def _with_pictures(copy: Environment, env: Environment) -> Environment:
    """The copy, to be read with the images that the records link to. No step writes one."""
    settings = replace(copy.settings, image_bucket=env.settings.image_bucket)
    return replace(copy, settings=settings, stores=replace(copy.stores, images=env.stores.images))


def _fill(copy: Environment, items: Sequence[Entry]) -> dict[StoreName, str | None]:
    """Put items and their documents there; the fingerprints of both stores."""
    keys = {item.key for item in items}
    counting = (item for item in items if moved_key(item.key) not in keys)  # of two items of one artist METADATA
    documents = (each for each in map(document_or_none, counting) if each is not None)
    content = [
        *((StoreName.TABLE, item) for item in items),
        *((StoreName.INDEX, document) for document in documents),
    ]
    with writing(copy, Command(name="import"), WriteOptions()) as session:
        return _held(session.carry_out(Desired(stores=_BOTH, entries=lambda: content)))


def _held(change: Change) -> dict[StoreName, str | None]:
    return {name: change.fingerprints.get(name) for name in _BOTH}


def _items(env: Environment) -> Iterator[Entry]:
    table = env.stores.table
    about = table.describe()
    found = (item for entries in pages(table, 0, 1) for item in entries) if about and not about.refused else iter(())
    first = next(found, None)
    if first is not None:
        return chain([first], found)
    settings = env.settings
    base, bucket = settings.images_base_url, settings.image_bucket
    dataset = load(Context(as_of=env.clock.today(), images_base_url=base, image_bucket=bucket))
    return (item_of(record) for record in dataset.records.values())


def _unlike(env: Environment) -> list[str]:
    live = read_all(env.stores, env.pool, project=True, keep=False)
    same = live[StoreName.TABLE].artists == live[StoreName.INDEX].artists
    return [] if same else ["documents are not what their items give"]
