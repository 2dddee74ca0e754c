"""The one act of every writing command: make the live stores equal a desired state, or what a run found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

from tattoo_data.engine.apply import apply, mend_structure
from tattoo_data.engine.back import Fetch, Images, plan_back
from tattoo_data.engine.derive import Gather
from tattoo_data.engine.flow import Progress, beside, no_progress
from tattoo_data.engine.journal import Journal
from tattoo_data.engine.plan import Counts, Desired, Plan, StorePlan, count, gather, in_order, make_plan, removed
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.verify import Failure, Verify, left_over, verify
from tattoo_data.engine.write import Tools
from tattoo_data.errors import StructureRefused
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, state_fingerprint
from tattoo_data.stores.live import LiveStores

#: How another store is named instead of one whose structure is refused.
VARIABLES = {
    StoreName.TABLE: "DYNAMODB_TABLE_NAME or --table",
    StoreName.INDEX: "OPENSEARCH_INDEX or --index",
    StoreName.IMAGES: "IMAGE_BUCKET or --image-bucket",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a writing command did, or with `dry_run` would do. `drifted` are keys that somebody else wrote while the
    command ran: what they held then is kept in the run. `fingerprints` are those of the stores that are known."""

    plan: Plan
    dry_run: bool
    counts: Mapping[StoreName, Counts]
    failures: tuple[Failure, ...] = ()
    drifted: Mapping[StoreName, tuple[str, ...]] = field(default_factory=dict)
    fingerprint_before: str | None = None
    fingerprint: str | None = None
    fingerprints: Mapping[StoreName, str] = field(default_factory=dict)
    run: str | None = None
    removed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How the change is made."""

    dry_run: bool = False
    verify: Verify = Verify.KEYS
    swap: bool = True
    progress: Progress = no_progress


def make_equal(stores: LiveStores, desired: Desired, journal: Journal, pool: Executor, how: How) -> Change:
    """Scan, plan, apply, verify. Where live equals desired already, nothing is sent but reads.

    Raises before anything is written: `StructureRefused` where the structure of a store that is touched, or read for
    it, cannot be mended, and `IntegrityFailed` where documents of the index share an `_id`.
    """

    stores = stores.shaped(desired.structures)
    tools = Tools(
        stores=stores,
        pool=pool,
        journal=journal,
        progress=how.progress,
        compare=desired.derive is not None,
        derive=desired.derive,
    )
    made = Gather(desired) if desired.derive and not desired.wanted else None
    with _gathered(desired, how.progress) as gathered:

        def plan(live: Mapping[StoreName, Live]) -> Plan:
            return make_plan(made.whole(live) if made else gathered(), live, swap=how.swap, progress=how.progress)

        return _change(tools, plan, how, StoreName if desired.derive else desired.stores, made)


@contextmanager
def _gathered(desired: Desired, progress: Progress) -> Iterator[Callable[[], Desired]]:
    """Gather a desired state that is only its entries beside the scan, which waits for its servers. What is yielded
    gives the state once it is whole, or raises what making it raised."""
    if desired.derive or desired.wanted:
        yield lambda: desired
        return
    stopped = Event()
    with beside() as thread:
        begun = thread.submit(gather, desired, progress, lambda: not stopped.is_set())

        def whole() -> Desired:
            spools = begun.result()
            return replace(desired, wanted=lambda live, stores: spools)

        try:
            yield whole
        finally:
            stopped.set()


def take_back(
    stores: LiveStores, images: Images, fetch: Fetch, journal: Journal, pool: Executor, how: How, *, force: bool = False
) -> Change:
    """Put before-images back, each only where live still is what the run wrote, or with `force` whatever it is. What
    is left is among the failures, as `ChangedSince`. Raises as `make_equal` does."""

    def plan(live: Mapping[StoreName, Live]) -> Plan:
        return plan_back(images, live, fetch, force=force)

    tools = Tools(stores=stores, pool=pool, journal=journal, progress=how.progress, compare=True, force=force)
    return _change(tools, plan, how, [name for name, spool in images.items() if spool.count])


Make = Callable[[Mapping[StoreName, Live]], Plan]


def _change(tools: Tools, make: Make, how: How, needed: Iterable[StoreName], made: Gather | None = None) -> Change:
    into = made.take if made else None
    live = read_all(tools.stores, tools.pool, into=into, progress=how.progress)
    _refuse([live[name] for name in needed])
    plan = make(live)
    sums = _sums(live)
    before = _fingerprint(sums)
    if how.dry_run or plan.is_empty:
        return Change(
            plan=plan,
            dry_run=how.dry_run,
            counts={name: plan.stores[name].counts if name in plan.stores else Counts() for name in StoreName},
            failures=tuple(left_over(plan)),
            fingerprint_before=before,
            fingerprint=None if how.dry_run else before,
            fingerprints={} if how.dry_run else _known(sums),
            removed=in_order(each.removed for each in plan.stores.values()),
        )
    return _carried_out(tools, plan, live, before, how)


def _carried_out(tools: Tools, plan: Plan, live: Mapping[StoreName, Live], before: str | None, how: How) -> Change:
    run = tools.journal.begin(plan, before)
    mend_structure(plan, tools.stores, tools.pool)
    applied = apply(plan, tools)
    verified = verify(plan, live, applied, tools, how.verify)
    sums = _sums(live) | verified.sums
    done = {name: _done(each, verified.failures) for name, each in plan.stores.items()}
    return Change(
        plan=plan,
        dry_run=False,
        counts={name: done[name][0] if name in done else Counts() for name in StoreName},
        failures=tuple(verified.failures),
        drifted={name: tuple(each.drifted) for name, each in applied.items() if each.drifted},
        fingerprint_before=before,
        fingerprint=_fingerprint(sums),
        fingerprints=_known(sums),
        run=run,
        removed=in_order(gone for _, gone in done.values()),
    )


def _refuse(needed: Iterable[Live]) -> None:
    for each in needed:
        if each.description and each.description.refused:
            raise StructureRefused(
                store=each.store.value,
                name=each.description.name,
                difference="; ".join(each.description.refused),
                variable=VARIABLES[each.store],
            )
        each.require_one_each()


def _sums(live: Mapping[StoreName, Live]) -> dict[StoreName, Sum | None]:
    """None for a store that was not read."""
    return {name: None if each.is_refused else each.total for name, each in live.items()}


def _fingerprint(sums: Mapping[StoreName, Sum | None]) -> str | None:
    """None where a store could not be read back, so that nothing is known of the state."""
    known = _known(sums)
    return state_fingerprint(known) if len(known) == len(StoreName) else None


def _known(sums: Mapping[StoreName, Sum | None]) -> dict[StoreName, str]:
    return {name: each.hex() for name, each in sums.items() if each is not None}


def _done(plan: StorePlan, failures: list[Failure]) -> tuple[Counts, Counter[str]]:
    """What became of the entries of one store, and how many of which kind are gone."""
    # What was written of a key of which not all can be made is counted as written, and the key as failed.
    unmade = {(key, outcome.message) for key, outcome in plan.unmade.items()}
    of_store = (each for each in failures if each.store is plan.store)
    failed = {each.key for each in of_store if (each.key, each.message) not in unmade}
    counts, gone = Counts(), Counter[str]()
    for part in plan.parts():
        counts += count(part, failed)
        gone += removed(plan.store, part, failed)
    return counts + Counts(failed=len(plan.unmade)), gone
