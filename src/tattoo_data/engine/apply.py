"""Apply: carry a plan out, in an order that never shows a reader a link to what is not there yet.

Puts: images, table, index. Deletes: index, table, images. The index follows the table place by place (for deletes the
table the index), so that both engines are at work: a document is written once its item is. One outcome for every
entry; a refused one keeps no other back, but for the document of an item that was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial

from tattoo_data.engine.derive import ASKED
from tattoo_data.engine.flow import beside, in_flight
from tattoo_data.engine.gate import Gate
from tattoo_data.engine.plan import Plan, Step, StorePlan
from tattoo_data.engine.spool import PLACES, place_of
from tattoo_data.engine.write import Applied, Tools, Writer, puts_of
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_key, record_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import CHANGED, Outcome, Store
from tattoo_data.stores.live import LiveStores

_NO_ITEM = "ItemNotWritten"
Steps = Callable[[int], list[Step]]


def mend_structure(plan: Plan, stores: LiveStores, pool: Executor) -> None:
    """Create and mend what the plan says. Raises `StructureRefused` before anything is changed in any store."""
    names = [name for name, each in plan.stores.items() if each.structure]
    list(in_flight(pool, lambda name: stores[name].ensure(), names))


def apply(plan: Plan, tools: Tools) -> dict[StoreName, Applied]:
    """Carry the plan out and make it visible to every reader."""
    writers = {name: Writer(tools, tools.stores[name], was_empty=each.was_empty) for name, each in plan.stores.items()}
    puts = {name: each.puts for name, each in plan.stores.items() if not each.swap}
    deletes = {
        name: partial(_deletes, each, writers[name].applied) for name, each in plan.stores.items() if not each.swap
    }
    _write(writers, puts, StoreName.IMAGES)
    _write_both(writers, puts, StoreName.TABLE, StoreName.INDEX)
    for name, each in plan.stores.items():
        if each.swap:
            writers[name].swap(each)
    _write_both(writers, deletes, StoreName.INDEX, StoreName.TABLE)
    _write(writers, deletes, StoreName.IMAGES)
    if tools.derive is not None:
        _follow(writers)
    for name in plan.stores:
        tools.stores[name].settle()
    return {name: writer.applied for name, writer in writers.items()}


Writers = dict[StoreName, Writer]
ByStore = Mapping[StoreName, Steps]


def _write(writers: Writers, steps: ByStore, name: StoreName) -> None:
    if name in steps:
        writers[name].write(step for place in range(PLACES) for step in steps[name](place))


def _write_both(writers: Writers, steps: ByStore, leader: StoreName, follower: StoreName) -> None:
    """Write two stores beside each other: the follower writes a place once the leader has written it."""
    if leader not in steps or follower not in steps:
        _write(writers, steps, leader)
        _write(writers, steps, follower)
        return
    gate = Gate()

    def led() -> Iterator[Step]:
        return (step for place in range(PLACES) for step in steps[leader](place))

    def following() -> Iterator[Step]:
        for place in range(PLACES):
            due = steps[follower](place)
            if due:
                gate.wait(place)
                yield from _allowed(due, writers[leader], writers[follower])

    with beside() as thread:
        behind = thread.submit(writers[follower].write, following())
        with gate:
            writers[leader].write(led(), lambda step: gate.reach(place_of(leader, step.key)))
        behind.result()


def _follow(writers: Writers) -> None:
    """Make the documents again of which the item was made again or was not taken, and those that somebody wrote during
    a swap: the item as it is now may give another document than the plan has."""
    table, index = writers.get(StoreName.TABLE), writers.get(StoreName.INDEX)
    if index is None:
        return
    found = (record_of(key) for key in (*table.applied.remade, *table.applied.failed)) if table else ()
    keys = {each.id for each in found if each and each.kind is Kind.ARTIST} | set(index.applied.drifted)
    index.write(Step(key, ASKED, None, None) for key in sorted(keys))


def _deletes(plan: StorePlan, applied: Applied, place: int) -> list[Step]:
    """The deletes of a place. The old form of a record stays where its new one was refused."""
    steps = plan.deletes(place)
    for step in steps:
        refused = applied.failed.get(step.moved_to or "")
        if refused is not None:
            applied.failed[step.key] = Outcome(step.key, str(refused.error), "its new form was refused, so it stays")
    return [step for step in steps if step.moved_to not in applied.failed]


def _allowed(steps: list[Step], leader: Writer, follower: Writer) -> Iterator[Step]:
    """The steps but for documents whose item was not written: who finds one by search would find no artist."""
    for step in steps:
        item = record_key(Kind.ARTIST, step.key) if leader.name is StoreName.TABLE else ""
        refused = leader.applied.failed.get(item) if step.put else None
        if refused is not None and refused.error != CHANGED:
            message = f"its item was not written: {refused.message}"
            follower.applied.failed[step.key] = Outcome(step.key, _NO_ITEM, message)
        else:
            yield step


def write_entries(store: Store, entries: Iterator[Entry], pool: Executor) -> Iterator[Outcome]:
    """Put entries into a store in batches; their outcomes, in order."""
    for outcomes in in_flight(pool, store.put, puts_of(store, entries)):
        yield from outcomes
