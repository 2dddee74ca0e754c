"""Migrate: every record taken through a step, table and index in one run, each only where it still is what was read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tattoo_data.engine.derive import Made
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.engine.scan import Live, second_items
from tattoo_data.engine.spool import PLACES
from tattoo_data.environment import Environment
from tattoo_data.errors import NotFound, StepBroken, StoreError
from tattoo_data.migrations.advance import RecordFailed, advanced, is_pending, reason_left
from tattoo_data.migrations.documents import Behind, document_or_none, documents_now, written_by_unfinished
from tattoo_data.migrations.pictures import live_context
from tattoo_data.migrations.step import Context, Step
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_of
from tattoo_data.model.pattern import Matches, matching
from tattoo_data.model.structure import mapping_difference, mapping_like
from tattoo_data.repository.runs import RunStatus
from tattoo_data.runs.session import Command, Session, WriteOptions, as_change, read_images, writing
from tattoo_data.runs.timeline import MIGRATE
from tattoo_data.stores.base import Description, Outcome, Store

FAILED = "StepFailed"
#: What OpenSearch says of a mapping that it cannot take. It refuses an index for other reasons too: its own limits.
_NO_MAPPING = ("mapper_parsing_exception", "illegal_argument_exception", "parse_exception")
_BOTH = (StoreName.TABLE, StoreName.INDEX)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateOptions:
    """`keys` narrows it to items whose PK a pattern matches, `limit` to so many records that it changes."""

    keys: str | None = None
    limit: int | None = None
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def arguments(self) -> tuple[str, ...]:
        """As they are typed."""
        keys = ("--keys", self.keys) if self.keys is not None else ()
        return (*keys, *(("--limit", str(self.limit)) if self.limit is not None else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Why records were left as they are, how many, and one of them."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a step did. `earlier` are steps before it that still have something to do."""

    step: Step
    change: Change
    left: tuple[Left, ...] = ()
    earlier: tuple[str, ...] = ()


def migrate(env: Environment, step: Step, options: MigrateOptions, before: Sequence[Step] = ()) -> Migrated:
    """Take every record through a step. `before` are the steps of earlier versions.

    Raises `StoreMissing` without a table, `StepBroken` before anything is written, `NotFound` where no item is among
    those that it is narrowed to, and as every writing command does. A record to which the step cannot be done is a
    failure of the change; the rest is done.
    """
    command = Command(name=MIGRATE, arguments=("run", step.id, *options.arguments), as_of=env.settings.as_of)
    with writing(env, command, options.write) as session:
        if (ended := session.finished) and ended.status == RunStatus.DONE:
            return Migrated(step=step, change=as_change(ended))
        about = {name: env.stores[name].describe() for name in _BOTH}
        env.target.require_readable({StoreName.TABLE: about[StoreName.TABLE]})
        structures = _structures(env, step, about)
        if structures and not options.write.dry_run:
            _try_mapping(env, step, structures[StoreName.INDEX])
        day = _day(session)
        context, matches = live_context(env, day), matching(options.keys) if options.keys is not None else None
        run = _Migration(
            step=step,
            context=context,
            table=env.stores.table,
            matches=matches,
            limit=options.limit,
            every_document=about[StoreName.INDEX] is None,
            before=tuple(before),
            chosen=_begun(session) if options.limit is not None else set(),
        )
        behind = Behind(
            step=step,
            context=context,
            table=env.stores.table,
            index=env.stores.index,
            matches=matches,
            images=() if run.every_document else written_by_unfinished(session, step),
        )

        def documents(live: Mapping[StoreName, Live]) -> Iterable[tuple[StoreName, Entry | Outcome]]:
            _require_match(options.keys, live[StoreName.TABLE])
            return behind.documents(live)

        desired = Desired(stores=_BOTH, derive=run, finish=documents, canonical=True, structures=structures)
        change = session.carry_out(desired, as_of=day)
    return Migrated(step=step, change=change, left=run.left, earlier=run.earlier)


def migrate_all(env: Environment, steps: Iterable[Step], write: WriteOptions) -> Iterator[Migrated]:
    """Every step, in their order, up to the first that fails; a dry run plans each on what is there now. Raises as
    `migrate` does."""
    for step in steps:
        done = migrate(env, step, MigrateOptions(write=write))
        yield done
        if done.change.failures and not write.dry_run:
            return


def _require_match(pattern: str | None, table: Live) -> None:
    if pattern is None:
        return
    matches = matching(pattern)
    if not any(matches(StoreName.TABLE, held.key) for part in table.held.parts() for held in part):
        hint = "Such are 'ARTIST#00*' for items by their PK. Nothing was written."
        raise NotFound(what=f"no key of the table is like {pattern!r}", hint=hint)


def _day(session: Session) -> date:
    """The day of a run that goes on, else the one that is set, else that of the data, else today."""
    fixed = session.continued or session.command.as_of
    return session.as_of if fixed else session.timeline.as_of or session.as_of


def _begun(session: Session) -> set[str]:
    """The items that a run which goes on has chosen already: they count among those that it may change."""
    run = session.continued
    images = read_images(session.env, run)[StoreName.TABLE] if run else None
    return {image.key for place in range(PLACES) for image in images.part(place)} if images else set()


def _structures(
    env: Environment, step: Step, about: Mapping[StoreName, Description | None]
) -> dict[StoreName, Mapping[str, Any]]:
    """The index's structure as it is, or as it is made where it is missing or spoilt, with what the step's mapping
    adds; nothing where it has that already."""
    index = about[StoreName.INDEX]
    structure = index.structure if index else {}
    mapping = mapping_like(structure)
    wanted = {**mapping, "properties": {**mapping["properties"], **step.mapping}}
    lacking = mapping_difference(structure.get("mappings", {}), {**wanted, "properties": step.mapping})
    if not step.mapping or (index and not lacking):
        return {}
    if index and env.settings.index_swap == "never":
        env.say(f"note: index.swap is never, so the index stays as it is: {'; '.join(lacking)}")
        return {}
    return {StoreName.INDEX: {**structure, "mappings": wanted}}


def _try_mapping(env: Environment, step: Step, structure: Mapping[str, Any]) -> None:
    """Make an index of this mapping and remove it. Raises `StepBroken` where it is not taken, before anything is
    written."""
    door = env.stores.index_door
    if door is None:
        return
    wanted = door.shaped(structure)
    try:
        built = wanted.build().index
    except StoreError as error:
        reason = str(error.fields.get("reason"))
        if any(each in reason for each in _NO_MAPPING):
            raise StepBroken(path=step.path, reason=f"OpenSearch refuses its MAPPING: {reason}") from error
        raise
    wanted.remove(built)


@dataclass(slots=True, kw_only=True)
class _Migration:
    """Derives items from items, and documents from what the items are to be."""

    step: Step
    context: Context
    table: Store
    matches: Matches | None
    limit: int | None
    every_document: bool
    before: tuple[Step, ...]
    chosen: set[str]
    _left: dict[str, tuple[int, str]] = field(default_factory=dict)
    _earlier: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left(self) -> tuple[Left, ...]:
        """What the step says of records that it leaves, the most frequent first."""
        found = (Left(reason=reason, count=count, example=key) for reason, (count, key) in self._left.items())
        return tuple(sorted(found, key=lambda each: (-each.count, each.reason)))

    @property
    def earlier(self) -> tuple[str, ...]:
        """The earlier steps that have something to do."""
        return tuple(step.id for step in self.before if step.id in self._earlier)

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        if store is not StoreName.TABLE:
            return
        documents: dict[str, Entry] = {}
        for item in entries:
            made = self._made(item)
            if isinstance(made, Outcome):
                yield StoreName.TABLE, made
                continue
            if self._is_meant(item):
                self._note(item)
            yield StoreName.TABLE, made
            if (made is not item or self.every_document) and (document := document_or_none(made)) is not None:
                documents[item.key] = document
        hidden = second_items(self.table, documents)
        yield from ((StoreName.INDEX, each) for key, each in documents.items() if key not in hidden)

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        if store is StoreName.TABLE:
            return {key: self._made(item) for key, item in found.items() if item is not None}
        return documents_now(self.table, found)

    def _made(self, item: Entry) -> Entry | Outcome:
        if not self._is_meant(item):
            return item
        try:
            made = advanced(self.step, self.context, item)
        except RecordFailed as error:
            return Outcome(item.key, FAILED, str(error))
        return made if made is item or self._is_chosen(item.key) else item

    def _is_meant(self, item: Entry) -> bool:
        record = record_of(item.key)
        if record is None or record.kind not in self.step.kinds:
            return False
        return self.matches is None or self.matches(StoreName.TABLE, item.key)

    def _is_chosen(self, key: str) -> bool:
        if self.limit is None:
            return True
        with self._lock:
            if len(self.chosen) < self.limit:
                self.chosen.add(key)
            return key in self.chosen

    def _note(self, item: Entry) -> None:
        """Note what the step leaves, and which earlier steps are not done."""
        record = record_of(item.key)
        assert record is not None
        if reason := reason_left(self.step, item):
            with self._lock:
                count, example = self._left.get(reason, (0, record.id))
                self._left[reason] = (count + 1, min(example, record.id))
        for step in self.before:
            if step.id not in self._earlier and is_pending(step, self.context, item):
                self._earlier.add(step.id)
