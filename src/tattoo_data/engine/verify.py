"""Verify: read back what was written, and move the first scan's fingerprint on by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum

from tattoo_data.engine.apply import Applied
from tattoo_data.engine.flow import Progress, in_flight
from tattoo_data.engine.plan import Plan, StorePlan
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest
from tattoo_data.stores.live import LiveStores

_KEYS = 100
_NOT_AS_WRITTEN = "NotAsWritten"


class Verify(StrEnum):
    """How much is read back: the keys written, everything, or nothing."""

    KEYS = "keys"
    FULL = "full"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One entry that is not as it should be."""

    store: StoreName
    key: str
    error: str
    message: str


@dataclass(slots=True, kw_only=True)
class Verified:
    """The fingerprint's sum of each store after the change, and every failure by key."""

    sums: dict[StoreName, Sum] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def verify(
    plan: Plan,
    live: Mapping[StoreName, Live],
    applied: Mapping[StoreName, Applied],
    stores: LiveStores,
    pool: Executor,
    how: Verify,
    progress: Progress,
) -> Verified:
    """Compare what is there now with what the plan wrote. An entry whose write failed is named by that failure, one
    that was written and reads otherwise as `NotAsWritten`."""
    verified = Verified()
    full = [
        name for name, each in plan.stores.items() if how is Verify.FULL or (how is Verify.KEYS and _large(each, live))
    ]
    rescanned = read_all(stores, pool, only=full, progress=progress) if full else {}
    for name, each in plan.stores.items():
        written = _written(each)
        if name in rescanned:
            now = rescanned[name].digests
            read = {key: now.get(key) for key in written}
            total = rescanned[name].total
        else:
            read = _read(stores, pool, each) if how is Verify.KEYS else _believed(written, applied[name], live[name])
            total = _moved_on(live[name], read)
        verified.sums[name] = total
        verified.failures += _failures(name, written, read, applied[name])
    return verified


def _large(plan: StorePlan, live: Mapping[StoreName, Live]) -> bool:
    """Whether so much was written that one scan is quicker than reading key by key."""
    return plan.size > 1_000 and plan.size * 2 > live[plan.store].total.count + len(plan.create)


def _written(plan: StorePlan) -> dict[str, bytes | None]:
    """Each key that changes -> the digest it is to have, None where it is to be gone."""
    wanted: dict[str, bytes | None] = {target.key: None for target in plan.delete}
    wanted.update((entry.key, digest(plan.store, entry)) for entry in plan.puts)
    return wanted


def _read(stores: LiveStores, pool: Executor, plan: StorePlan) -> dict[str, bytes | None]:
    store = stores[plan.store]
    keys = list(_written(plan))
    parts = (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))
    read: dict[str, bytes | None] = dict.fromkeys(keys)
    for entries in in_flight(pool, store.get, parts):
        read.update((entry.key, digest(plan.store, entry)) for entry in entries)
    return read


def _believed(written: Mapping[str, bytes | None], applied: Applied, live: Live) -> dict[str, bytes | None]:
    """Without reading: what was written is there, what failed is as it was."""
    failed = {outcome.key for outcome in applied.failures()}
    return {key: live.digests.get(key) if key in failed else wanted for key, wanted in written.items()}


def _moved_on(live: Live, read: Mapping[str, bytes | None]) -> Sum:
    total = live.total.copy()
    for key, now in read.items():
        if before := live.digests.get(key):
            total.remove(before)
        if now is not None:
            total.add(now)
    return total


def _failures(
    name: StoreName, written: Mapping[str, bytes | None], read: Mapping[str, bytes | None], applied: Applied
) -> Iterator[Failure]:
    failed = {outcome.key: outcome for outcome in applied.failures()}
    for key, wanted in written.items():
        if outcome := failed.get(key):
            yield Failure(store=name, key=key, error=str(outcome.error), message=outcome.message)
        elif read[key] != wanted:
            yield Failure(store=name, key=key, error=_NOT_AS_WRITTEN, message=_spell(wanted, read[key]))


def _spell(wanted: bytes | None, read: bytes | None) -> str:
    if wanted is None:
        return "it was deleted, and is there"
    return "it was written, and is not there" if read is None else "it was written, and reads otherwise"


def failed_keys(failures: Sequence[Failure], store: StoreName) -> set[str]:
    """The keys of one store that failed."""
    return {failure.key for failure in failures if failure.store is store}
