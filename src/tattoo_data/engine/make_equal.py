"""The one act of every writing command: make the live stores equal a desired state."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from tattoo_data.engine.apply import apply, mend_structure
from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.engine.plan import Desired, Plan, StorePlan, make_plan
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.verify import Failure, Verify, failed_keys, verify
from tattoo_data.errors import StructureRefused
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, state_fingerprint
from tattoo_data.stores.live import LiveStores

_VARIABLES = {StoreName.TABLE: "DYNAMODB_TABLE_NAME or --table"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the entries of one store."""

    created: int = 0
    replaced: int = 0
    deleted: int = 0
    moved: int = 0
    unchanged: int = 0
    failed: int = 0

    @property
    def changed(self) -> int:
        """How many entries are other than before."""
        return self.created + self.replaced + self.deleted + self.moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a writing command did, or with `dry_run` would do."""

    plan: Plan
    dry_run: bool
    counts: Mapping[StoreName, Counts]
    failures: tuple[Failure, ...] = ()
    fingerprint_before: str | None = None
    fingerprint: str | None = None
    run: str | None = None
    removed: Mapping[str, int] = field(default_factory=dict)


class Journal(Protocol):
    """Keeps what a writing command did. It is begun before the first write, and ended after the last."""

    def begin(self, plan: Plan, fingerprint_before: str) -> str:
        """Keep that a command begins to write, and return the run's id."""

    def end(self, change: Change) -> None:
        """Keep how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How the change is made."""

    dry_run: bool = False
    verify: Verify = Verify.KEYS
    swap: bool = True
    progress: Progress = no_progress


def make_equal(stores: LiveStores, desired: Desired, journal: Journal, pool: Executor, how: How) -> Change:
    """Scan, plan, apply, verify. Where live equals desired already, nothing is sent but reads.

    Raises `StructureRefused` before anything is written where a store's structure cannot be mended.
    """
    live = read_all(stores, pool, progress=how.progress)
    _refuse(live)
    plan = make_plan(desired, live, swap=how.swap)
    before = _fingerprint({name: each.total for name, each in live.items()})
    if how.dry_run or plan.is_empty:
        counts = {name: _planned(plan.stores.get(name)) for name in StoreName}
        fingerprint = None if how.dry_run else before
        return Change(
            plan=plan,
            dry_run=how.dry_run,
            counts=counts,
            fingerprint_before=before,
            fingerprint=fingerprint,
            removed=plan.removed(),
        )
    run = journal.begin(plan, before)
    mend_structure(plan, stores, pool)
    applied = apply(plan, stores, pool, how.progress)
    verified = verify(plan, live, applied, stores, pool, how.verify, how.progress)
    sums = {name: each.total for name, each in live.items()} | verified.sums
    change = Change(
        plan=plan,
        dry_run=False,
        counts={name: _counted(plan.stores.get(name), failed_keys(verified.failures, name)) for name in StoreName},
        failures=tuple(verified.failures),
        fingerprint_before=before,
        fingerprint=_fingerprint(sums),
        run=run,
        removed=plan.removed(),
    )
    journal.end(change)
    return change


def _refuse(live: Mapping[StoreName, Live]) -> None:
    for name, each in live.items():
        if each.description and each.description.refused:
            raise StructureRefused(
                store=name.value,
                name=each.description.name,
                difference="; ".join(each.description.refused),
                variable=_VARIABLES.get(name, "the settings"),
            )


def _fingerprint(sums: Mapping[StoreName, Sum]) -> str:
    return state_fingerprint({name: sums[name].hex() for name in StoreName})


def _planned(plan: StorePlan | None) -> Counts:
    return _counted(plan, set())


def _counted(plan: StorePlan | None, failed: set[str]) -> Counts:
    """Counts of a plan of which `failed` keys were not done. A record that moved is counted once, as moved."""
    if plan is None:
        return Counts()
    moved = {old: new for old, new in plan.moved.items() if old not in failed and new not in failed}
    arrived = set(moved.values())
    done = failed | arrived
    return Counts(
        created=sum(entry.key not in done for entry in plan.create),
        replaced=sum(entry.key not in done for entry in plan.replace),
        deleted=sum(target.key not in failed and target.key not in moved for target in plan.delete),
        moved=len(moved),
        unchanged=plan.unchanged,
        failed=len(failed),
    )
