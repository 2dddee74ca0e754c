"""Faults: put between tool and engine, they change nothing of what a command ends in, or just what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tattoo_data.engine.make_equal import Change
from tattoo_data.environment import Environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import record_of
from tattoo_data.seeding.reset import ResetOptions, reset
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, expect, same
from tattoo_data.stores.base import Store, scan
from tattoo_data.stores.faulty import FaultyStore, Rates
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.retrying import Patience, RetryingStore

_STATE = "search-ready"
#: At these rates a dozen attempts in a row may fail; nobody waits between them.
_PATIENT = Patience(attempts=80)


@dataclass(slots=True)
class _Faulty:
    """The scratch stores behind faults and patience; `waits` are the pauses that nobody made."""

    env: Environment
    waits: list[float] = field(default_factory=list)

    def with_rates(self, rates: Rates) -> Environment:
        """The same target, its stores failing at these rates."""
        clock = replace(self.env.clock, sleep=self.waits.append)

        def faulty(number: int, store: Store) -> Store:
            inner = store.inner if isinstance(store, RetryingStore) else store
            return RetryingStore(FaultyStore(inner, replace(rates, seed=rates.seed + number)), clock, _PATIENT)

        table, index, images = (faulty(number, store) for number, store in enumerate(self.env.stores))
        return replace(self.env, stores=LiveStores(table=table, index=index, images=images))


def _throttled(bench: Bench) -> None:
    _ends_right(bench, Rates(throttled=0.4, seed=11))


def _dropped(bench: Bench) -> None:
    _ends_right(bench, Rates(dropped_before=0.25, dropped_after=0.25, seed=22))


def _unprocessed(bench: Bench) -> None:
    _ends_right(bench, Rates(unprocessed=0.4, seed=33))


def _ends_right(bench: Bench, rates: Rates) -> None:
    wanted = bench.hold(_STATE)
    keys = _keys(bench.env)
    bench.hold("clean")
    faulty = _Faulty(bench.env)
    change = _reset(faulty.with_rates(rates))
    same("the entries that failed in spite of all patience", len(change.failures), 0)
    same("the fingerprint in spite of faults", change.fingerprint, wanted)
    same("the keys in spite of faults", _keys(bench.env), keys)
    same("the fingerprint read without faults", bench.hold(_STATE), wanted)
    expect(faulty.waits, "no fault was met, so that nothing is proven")


def _refused(bench: Bench) -> None:
    wanted = bench.hold(_STATE)
    keys = _keys(bench.env)
    bench.hold("clean")
    change = _reset(_Faulty(bench.env).with_rates(Rates(refused=0.2, seed=44)))
    failed = {name: {each.key for each in change.failures if each.store is name} for name in StoreName}
    there = _keys(bench.env)
    expect(failed[StoreName.TABLE], "no item was refused, so that nothing is proven")
    lost = {record.id for key in failed[StoreName.TABLE] if (record := record_of(key)) is not None}
    for name in StoreName:
        # The document of an item that was refused is not written, and the item is what is named
        named = failed[name] | (lost & keys[name] if name is StoreName.INDEX else set())
        missing = keys[name] - there[name]
        expect(missing <= named, f"{name}: missing and not named: {', '.join(sorted(missing - named))}")
        expect(not failed[name] & there[name], f"{name}: named as failed, and there")
    same("the fingerprint after the same command without faults", bench.hold(_STATE), wanted)


def _reset(env: Environment) -> Change:
    return reset(env, ResetOptions(state=_STATE)).change


def _keys(env: Environment) -> Mapping[StoreName, set[str]]:
    return {store.name: {entry.key for entry in scan(store)} for store in env.stores}


CHECKS = (
    Check(
        category=Category.FAULTS,
        name="throttled",
        proves="a command ends right although four requests in ten are refused for load",
        act=_throttled,
    ),
    Check(
        category=Category.FAULTS,
        name="dropped",
        proves="a command ends right although connections break, before and after a write was taken",
        act=_dropped,
    ),
    Check(
        category=Category.FAULTS,
        name="unprocessed",
        proves="a command ends right although batches are taken in part",
        act=_unprocessed,
    ),
    Check(
        category=Category.FAULTS,
        name="refused",
        proves="just the entries that were refused are missing and named, and the next run mends them",
        act=_refused,
    ),
)
