"""Status: what the live stores hold, and which state that is. Read-only."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from tattoo_data.backups.catalogue import BEFORE_WITH, NodeArchive, Snapshot, newest_backup, newest_that, readable
from tattoo_data.engine.scan import OTHER, Live, read_all, said_of_shared
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.model.records import Kind
from tattoo_data.repository.locks import LockSeen
from tattoo_data.repository.runs import Run
from tattoo_data.runs.history import interrupted, observe
from tattoo_data.runs.session import is_damaged
from tattoo_data.runs.timeline import Timeline, timeline
from tattoo_data.stores.base import Description
from tattoo_data.views.recognise import Content, recognise

if TYPE_CHECKING:
    from tattoo_data.migrations.pending import Pending


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
    """Everything that `status` says, None where it could not be read. `state` is a reset state, else a scenario, else
    the newest snapshot that is the same. `schema_version` is that of the last migration of an unbroken row with nothing
    to do, and `pending_migrations` are those that have; there is no version where there is no item. `unreachable` is
    the error of the first store that does not answer, `notes` are why something is not known or not as it was to be
    left, and `hints` what to type for some of them."""

    state: str | None
    fingerprint: str | None
    stores: Mapping[StoreName, StoreStatus]
    records: Mapping[str, int] | None
    consistent: bool | None
    as_of: date | None
    last_backup: Snapshot | NodeArchive | None
    last_run: Run | None
    interrupted: Run | None
    lock: LockSeen | None
    schema_version: str | None = None
    pending_migrations: tuple[str, ...] | None = None
    unreachable: TattooDataError | None = None
    notes: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)


def status(env: Environment) -> Status:
    """Read all three stores and say what they hold. A store that cannot be reached is part of the answer."""
    line, lock = _runs(env)
    schema = _Schema(env, line.as_of or env.clock.today())
    live, errors = _read(env, schema)
    told = schema.told() if _is_read(live.get(StoreName.TABLE)) else _Told()
    hints = _damaged(env, line) | _kept_by_with(env)
    whole = len(live) == len(StoreName) and not any(each.is_refused for each in live.values())
    sums = {name: each.total.hex() for name, each in live.items()}
    fingerprint = state_fingerprint(sums) if whole else None
    return Status(
        state=_state(env, live, fingerprint, line.as_of or env.clock.today()) if fingerprint else None,
        fingerprint=fingerprint,
        stores={name: _store(env, live.get(name), errors.get(name)) for name in StoreName},
        records=_records(live.get(StoreName.TABLE)),
        consistent=_consistent(live),
        as_of=line.as_of,
        last_backup=_last_backup(env),
        last_run=line.newest,
        interrupted=interrupted(line, lock),
        lock=lock,
        schema_version=told.version,
        pending_migrations=told.pending,
        unreachable=next(iter(errors.values()), None),
        notes=(*told.notes, *_shared(live), *hints),
        hints=hints,
    )


def _read(env: Environment, schema: _Schema) -> tuple[dict[StoreName, Live], dict[StoreName, TattooDataError]]:
    """What each store holds, or why that is not known."""
    live: dict[StoreName, Live] = {}
    errors: dict[StoreName, TattooDataError] = {}
    for name in StoreName:
        into = schema.take if name is StoreName.TABLE else None
        try:
            live |= read_all(
                env.stores, env.pool, only=[name], project=True, keep=False, into=into, progress=env.progress
            )
        except TattooDataError as error:
            errors[name] = error
    return live, errors


def _shared(live: Mapping[StoreName, Live]) -> tuple[str, ...]:
    index = live.get(StoreName.INDEX)
    return (f"the index holds {said_of_shared(index.shared)}",) if index is not None and index.shared else ()


def _is_read(table: Live | None) -> bool:
    return table is not None and table.exists and not table.is_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    version: str | None = None
    pending: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


class _Schema:
    """Which migrations have something to do to what a scan finds. Nothing of them is loaded before there is an item;
    that a file of the project is broken is a note, and no error."""

    def __init__(self, env: Environment, day: date) -> None:
        self._env = env
        self._day = day
        self._lock = threading.Lock()
        self._pending: Pending | None = None
        self._error: TattooDataError | None = None

    def take(self, store: StoreName, found: Sequence[tuple[Entry, bytes]]) -> None:
        """A page of the table."""
        with self._lock:
            if found and self._pending is None and self._error is None:
                self._load()
        if self._pending is None or self._error is not None:
            return
        try:
            self._pending.take(entry for entry, _ in found)
        except TattooDataError as error:  # an image could not be read, which is not what status is about
            self._error = error

    def told(self) -> _Told:
        """What was found."""
        if self._error is not None:
            return _Told(notes=(f"the migrations that are pending are not known: {self._error.message}",))
        if self._pending is None:
            return _Told(pending=())
        return _Told(version=self._pending.version, pending=self._pending.names)

    def _load(self) -> None:
        from tattoo_data.migrations.load import load_steps
        from tattoo_data.migrations.pending import Pending
        from tattoo_data.migrations.pictures import live_context

        try:
            self._pending = Pending(load_steps(self._env.settings.migrations), live_context(self._env, self._day))
        except TattooDataError as error:
            self._error = error


def _runs(env: Environment) -> tuple[Timeline, LockSeen | None]:
    try:
        return observe(env)
    except TattooDataError:
        return timeline(()), None  # the store that cannot be reached is reported as such


def _damaged(env: Environment, line: Timeline) -> dict[str, str]:
    """The damaged runs, each with what to type."""
    hint = "`tattoo-data undo RUN` takes back another; once that object is deleted, the run is passed over."
    return {is_damaged(env, run_id): hint for run_id in line.damaged}


def _kept_by_with(env: Environment) -> dict[str, str]:
    """The newest snapshot that a `with` took of this target and has not removed yet. Whether one is at work cannot be
    known: it may be another machine's."""
    try:
        listed = [each for each in env.manifests.listed() if each.name == BEFORE_WITH]
        read = (each for _, each in readable(env, listed) if isinstance(each, Snapshot))
        found = next((each.reference for each in read if each.manifest.target == env.target.id), None)
    except TattooDataError:
        return {}
    if found is None:
        return {}
    hint = f"tattoo-data restore {found}"
    note = (
        f"the snapshot {found} is kept: a `with` is running, or was killed; `{hint}` puts back what was there, "
        f"and `tattoo-data backups delete {found}` forgets it"
    )
    return {note: hint}


def _last_backup(env: Environment) -> Snapshot | NodeArchive | None:
    try:
        return newest_backup(env)
    except TattooDataError:
        return None  # a repository that cannot be reached, or read, is not what status is about


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
    if table is None or index is None or table.is_refused or index.is_refused:
        return None
    return table.artists == index.artists and table.exists == index.exists


def _state(env: Environment, live: Mapping[StoreName, Live], fingerprint: str, day: date) -> str | None:
    """The name of what the stores hold."""
    if any(not each.exists for each in live.values()):
        return None
    content = Content(
        kinds=live[StoreName.TABLE].kinds,
        documents=live[StoreName.INDEX].total.count,
        images=live[StoreName.IMAGES].total.count,
        fingerprint=fingerprint,
    )
    if name := recognise(env, content, day):
        return name
    try:
        same = newest_that(env, lambda manifest: manifest.fingerprint == fingerprint)
    except TattooDataError:
        return None
    return same.stored.name if same else None
