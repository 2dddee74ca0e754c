"""Status: what the live stores hold, and which state that is. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tattoo_data.catalog import Dataset, Selection, load, scenario_names, states
from tattoo_data.catalog.copies import copies
from tattoo_data.catalog.lookup import select
from tattoo_data.engine.scan import OTHER, Live, read_all
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical, state_fingerprint
from tattoo_data.model.records import Kind
from tattoo_data.repository.locks import LockSeen
from tattoo_data.repository.runs import Run
from tattoo_data.runs.history import interrupted, observe
from tattoo_data.runs.timeline import Timeline, timeline
from tattoo_data.seeding.content import context_of, entries_of
from tattoo_data.seeding.reset import content_of
from tattoo_data.stores.base import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """One store: `healthy` is that it answers and its structure is right; `problems` say what is not."""

    count: int | None
    fingerprint: str | None
    engine: str | None
    healthy: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that `status` says, None where it could not be read. `unreachable` is the error of the first store
    that does not answer."""

    state: str | None
    fingerprint: str | None
    stores: Mapping[StoreName, StoreStatus]
    records: Mapping[str, int] | None
    consistent: bool | None
    as_of: date | None
    last_run: Run | None
    interrupted: Run | None
    lock: LockSeen | None
    unreachable: TattooDataError | None = None


def status(env: Environment) -> Status:
    """Read all three stores and say what they hold. A store that cannot be reached is part of the answer."""
    live: dict[StoreName, Live] = {}
    errors: dict[StoreName, TattooDataError] = {}
    for name in StoreName:
        try:
            live |= read_all(env.stores, env.pool, only=[name], project=True, keep=False, progress=env.progress)
        except TattooDataError as error:
            errors[name] = error
    line, lock = _runs(env)
    whole = len(live) == len(StoreName) and not any(each.is_refused for each in live.values())
    sums = {name: each.total.hex() for name, each in live.items()}
    fingerprint = state_fingerprint(sums) if whole else None
    return Status(
        state=_recognise(env, live, sums, line.as_of or env.clock.today()) if whole else None,
        fingerprint=fingerprint,
        stores={name: _store(env, live.get(name), errors.get(name)) for name in StoreName},
        records=_records(live.get(StoreName.TABLE)),
        consistent=_consistent(live),
        as_of=line.as_of,
        last_run=line.newest,
        interrupted=interrupted(line, lock),
        lock=lock,
        unreachable=next(iter(errors.values()), None),
    )


def _runs(env: Environment) -> tuple[Timeline, LockSeen | None]:
    try:
        return observe(env)
    except TattooDataError:
        return timeline(()), None  # the store that cannot be reached is reported as such


def _store(env: Environment, live: Live | None, error: TattooDataError | None) -> StoreStatus:
    if live is None:
        return StoreStatus(count=None, fingerprint=None, engine=None, healthy=False, problems=(str(error),))
    about = live.description
    if about is None:
        return StoreStatus(
            count=0, fingerprint=live.total.hex(), engine=None, healthy=False, problems=("it does not exist",)
        )
    wrong = [*about.refused, *about.rebuild, *(f"{what} is missing" for what in about.missing)]
    readable = not live.is_refused
    return StoreStatus(
        count=live.total.count if readable else None,
        fingerprint=live.total.hex() if readable else None,
        engine=_engine(env, about),
        healthy=not wrong,
        problems=tuple(wrong),
    )


def _engine(env: Environment, about: Description) -> str:
    # Our own server does not say in its headers what it is, and we know it.
    return "ministack" if env.target.embedded and about.engine in ("DynamoDB", "S3") else about.engine


def _records(table: Live | None) -> dict[str, int] | None:
    if table is None or table.is_refused:
        return None
    kinds = [kind.plural for kind in Kind] + [OTHER]
    return {kind: table.kinds[kind] for kind in kinds}


def _consistent(live: Mapping[StoreName, Live]) -> bool | None:
    """Whether the index holds just the documents that the table's artists give; documents of other shapes aside."""
    table, index = live.get(StoreName.TABLE), live.get(StoreName.INDEX)
    if table is None or index is None or table.is_refused:
        return None
    return table.artists == index.artists and table.exists == index.exists


def _recognise(
    env: Environment, live: Mapping[StoreName, Live], sums: Mapping[StoreName, str], day: date
) -> str | None:
    """The reset state, else the scenario, that the content equals. What has other counts is not computed."""
    if any(not each.exists for each in live.values()):
        return None
    dataset = load(context_of(env, day))
    for name, selection in _candidates(env, dataset, live):
        if _same_counts(selection, live) and _same_content(selection, sums):
            return name
    return None


def _candidates(env: Environment, dataset: Dataset, live: Mapping[StoreName, Live]) -> Iterator[tuple[str, Selection]]:
    for state in states():
        if state.source == "copies":
            originals = len(dataset.artists)
            count, rest = divmod(live[StoreName.TABLE].kinds[Kind.ARTIST.plural], originals)
            if count > 1 and not rest:
                yield state.name, copies(dataset, count - 1)
        elif state.source != "backup":
            yield state.name, content_of(state, dataset)[1]
    for scenario in scenario_names(env.settings.scenarios, env.settings.config_path).values():
        try:
            yield scenario.name, select(scenario, dataset)
        except TattooDataError:
            continue  # a broken scenario of the user's equals nothing; `seed` says what is wrong with it


def _same_counts(selection: Selection, live: Mapping[StoreName, Live]) -> bool:
    kinds = live[StoreName.TABLE].kinds
    return (
        not kinds[OTHER]
        and all(kinds[kind.plural] == selection.counts.get(kind, 0) for kind in Kind)
        and live[StoreName.INDEX].total.count == selection.counts.get(Kind.ARTIST, 0)
        and live[StoreName.IMAGES].total.count == len(selection.images)
    )


def _same_content(selection: Selection, sums: Mapping[StoreName, str]) -> bool:
    totals = {name: Sum() for name in StoreName}
    for name, entry in entries_of(selection):
        totals[name].add(digest_canonical(entry.key, entry.body))
    return all(totals[name].hex() == sums[name] for name in StoreName)
