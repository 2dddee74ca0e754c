"""Verify: read back what was written, and move the first scan's fingerprint on by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum

from tattoo_data.engine.derive import Derive, judge
from tattoo_data.engine.flow import in_flight, slices
from tattoo_data.engine.plan import Plan, Step, StorePlan
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.spool import PLACES
from tattoo_data.engine.write import Applied, Tools
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest
from tattoo_data.stores.base import CHANGED, Outcome, Store

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

    @property
    def is_conflict(self) -> bool:
        """Whether it was left because somebody else changed it."""
        return self.error == CHANGED


@dataclass(slots=True, kw_only=True)
class Verified:
    """The fingerprint's sum of each store after the change, None where it could not be read, or was not and something
    went wrong; and every failure."""

    sums: dict[StoreName, Sum | None] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """A step, and the digest that its key has now. `misled` says that it has another routing than was written."""

    step: Step
    now: bytes | None
    misled: bool = False


def verify(
    plan: Plan,
    live: Mapping[StoreName, Live],
    applied: Mapping[StoreName, Applied],
    tools: Tools,
    how: Verify,
) -> Verified:
    """Compare what is there now with what the plan wrote. An entry that is not as it should be is named by the failure
    of its write, else as `NotAsWritten`; where a store cannot be read back, every key of it is named, for nothing is
    counted that was not seen. What is made of what is there is right where it would be made the same again."""
    stores, pool = tools.stores, tools.pool
    verified = Verified(failures=list(left_over(plan)))
    for name, each in plan.stores.items():
        full = how is Verify.FULL or (how is Verify.KEYS and _needs_all(each, live[name], applied[name]))
        try:
            now = read_all(stores, pool, only=[name], progress=tools.progress)[name] if full else None
            read = _read(each, now, applied[name], stores[name], pool, how)
            total, failures = _taken_in(name, read, live[name].total.copy(), applied[name])
            if tools.derive is not None:
                failures = _still_wrong(tools.derive, stores[name], failures)
        except TattooDataError as error:
            verified.sums[name] = None
            verified.failures += _unread(each, applied[name], error)
        else:
            believed = how is Verify.NONE and (applied[name].failed or applied[name].drifted)
            verified.sums[name] = now.total if now else None if believed else total
            verified.failures += failures
    return verified


def left_over(plan: Plan) -> Iterator[Failure]:
    """What the plan leaves as it is, because somebody else changed it or nobody can say what it is to be."""
    message = "it was changed since the run wrote it, and is left as it is"
    for name, each in plan.stores.items():
        yield from (Failure(store=name, key=key, error=CHANGED, message=message) for key in each.left)
        yield from (_failure(name, outcome) for outcome in each.unmade.values())


def _needs_all(plan: StorePlan, live: Live, applied: Applied) -> bool:
    """Whether so much was written that one scan is quicker than reading key by key, or other than the plan says."""
    return bool(applied.beside) or (plan.size > 1_000 and plan.size * 2 > live.total.count + plan.counts.created)


def _read(
    plan: StorePlan, now: Live | None, applied: Applied, store: Store, pool: Executor, how: Verify
) -> Iterator[_Read]:
    if now is not None:
        return _of_scan(plan, now)
    return _by_key(plan, store, pool) if how is Verify.KEYS else _believed(plan, applied)


def _of_scan(plan: StorePlan, now: Live) -> Iterator[_Read]:
    for place in range(PLACES):
        there = {held.key: held for held in now.held.part(place)}
        for step in plan.part(place).steps:
            held = there.get(step.key)
            misled = bool(held and step.put and held.routing != step.put.routing)
            yield _Read(step, held.digest if held else None, misled)


def _by_key(plan: StorePlan, store: Store, pool: Executor) -> Iterator[_Read]:
    def read(steps: Sequence[Step]) -> list[_Read]:
        routing = {step.key: each for step in steps if (each := _routing(step)) is not None}
        found = {entry.key: digest(plan.store, entry) for entry in store.get([step.key for step in steps], routing)}
        return [_Read(step, found.get(step.key)) for step in steps]

    for part in in_flight(pool, read, slices(plan.steps(), _KEYS)):
        yield from part


def _believed(plan: StorePlan, applied: Applied) -> Iterator[_Read]:
    """Without reading: what was written is there, what failed is as it was."""
    return (_Read(step, step.before if step.key in applied.failed else step.after) for step in plan.steps())


def _routing(step: Step) -> str | None:
    return step.put.routing if step.put else step.routing


def _taken_in(name: StoreName, read: Iterator[_Read], total: Sum, applied: Applied) -> tuple[Sum, list[Failure]]:
    """The sum moved on by what is there, and what is not as it should be."""
    failures: list[Failure] = []
    failed = dict(applied.failed)
    for each in read:
        outcome = failed.pop(each.step.key, None)
        if each.step.before is not None:
            total.remove(each.step.before)
        if each.now is not None:
            total.add(each.now)
        if (each.now == each.step.after and not each.misled) or (
            each.now and each.now == applied.remade.get(each.step.key)
        ):
            continue  # where an answer was lost the write may have been taken all the same
        if outcome:
            failures.append(_failure(name, outcome))
        else:
            message = _spell(each.step.after, each.now)
            failures.append(Failure(store=name, key=each.step.key, error=_NOT_AS_WRITTEN, message=message))
    return total, failures + [_failure(name, outcome) for outcome in failed.values()]


def _still_wrong(derive: Derive, store: Store, failures: list[Failure]) -> list[Failure]:
    """The failures but for those of keys that hold what they are to hold, by what is there now. One of which nothing is
    said is right as it is, unless it was our write that failed."""
    wrong: list[Failure] = []
    for part in slices(failures, _KEYS):
        found = {entry.key: entry for entry in store.get([failure.key for failure in part])}
        right = judge(derive, store.name, {failure.key: found.get(failure.key) for failure in part})
        wrong += [each for each in part if not right.get(each.key, each.error == _NOT_AS_WRITTEN)]
    return wrong


def _unread(plan: StorePlan, applied: Applied, error: TattooDataError) -> Iterator[Failure]:
    for step in plan.steps():
        outcome = applied.failed.get(step.key)
        message = f"it was sent, and could not be read back: {error.message}"
        yield _failure(plan.store, outcome or Outcome(step.key, error.id, message))


def _failure(name: StoreName, outcome: Outcome) -> Failure:
    return Failure(store=name, key=outcome.key, error=str(outcome.error), message=outcome.message)


def _spell(wanted: bytes | None, read: bytes | None) -> str:
    if wanted is None:
        return "it was deleted, and is there"
    return "it was written, and is not there" if read is None else "it was written, and reads otherwise"
