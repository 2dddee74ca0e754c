"""Rollback: what a step's runs changed, put back attribute by attribute from their before-images.

An item that still is what the run wrote becomes, to the byte, what the run found. Of any other, each attribute is put
back that still is what the step made of it; one that was changed since is left and named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tattoo_data.engine.back import Images, merged
from tattoo_data.engine.derive import Made
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired, Wanted
from tattoo_data.engine.scan import Live
from tattoo_data.engine.spool import PLACES, Spool, place_of
from tattoo_data.environment import Environment
from tattoo_data.errors import CannotRollBack, NothingToUndo, StepBroken
from tattoo_data.migrations.advance import Changes, RecordFailed, changes_of, index_changes
from tattoo_data.migrations.documents import document_or_none, documents_now
from tattoo_data.migrations.pictures import live_context
from tattoo_data.migrations.step import Context, Step
from tattoo_data.model.before import AttributesMade, BeforeImage, attribute_digests, attributes_made
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.exact import exact_fields, item_with
from tattoo_data.model.fingerprint import digest
from tattoo_data.model.keys import record_of
from tattoo_data.model.project import is_field, moved_key
from tattoo_data.model.records import Kind
from tattoo_data.repository.runs import Run, RunStatus
from tattoo_data.runs.session import Command, Session, WriteOptions, as_change, read_images, writing
from tattoo_data.runs.timeline import MIGRATE
from tattoo_data.stores.base import CHANGED, Outcome, Store

_TABLE, _INDEX = StoreName.TABLE, StoreName.INDEX
_decode = msgspec.json.Decoder(dict[str, Any]).decode
#: What reading an item raises that is none.
_UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError)
#: No digest of any value: of an attribute of which it is not known what the step made of it.
_UNKNOWN = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback did, and the runs that it took back."""

    step: Step
    change: Change
    runs: tuple[Run, ...] = ()


def roll_back(env: Environment, step: Step, steps: Sequence[Step], write: WriteOptions) -> RolledBack:
    """Put back what the step's runs changed. `steps` are all there are, in the order of versions.

    Raises `NothingToUndo` where it has no run that stands, `CannotRollBack` where a step of a later version wrote the
    same attribute since or a run kept no before-images, `IntegrityFailed` where these are damaged, `StoreMissing`
    without a table; nothing is written then.
    """
    with writing(env, Command(name=MIGRATE, arguments=("rollback", step.id)), write) as session:
        if (ended := session.finished) and ended.status == RunStatus.DONE:
            return RolledBack(step=step, change=as_change(ended))
        env.target.require_readable({_TABLE: env.stores.table.describe()})
        runs = _runs(session, step, steps)
        back = _Back(
            step=step,
            table=env.stores.table,
            layers=tuple(
                _Layer(context=live_context(env, run.as_of or session.as_of), images=read_images(env, run))
                for run in runs
            ),
        )
        desired = Desired(
            stores=(_TABLE, _INDEX),
            wanted=back.gathered,
            derive=back,
            prune=True,
            scope=lambda store, key: store is _INDEX and key in back.gone,
            unmade=back.unmade,
        )
        change = session.carry_out(desired, settles=True)
    return RolledBack(step=step, change=change, runs=runs)


def _runs(session: Session, step: Step, steps: Sequence[Step]) -> tuple[Run, ...]:
    runs = session.timeline.applied(step.id)
    if not runs:
        raise NothingToUndo(verb=f"roll back of {step.id}")
    for run in runs:
        if not run.undoable:
            raise CannotRollBack(step=step.id, reason=f"its run {run.id} kept no before-images")
    # Only those of later versions: were it any, two steps could each wait for the other to be rolled back first.
    for other in steps[steps.index(step) + 1 :]:
        both = sorted(set(other.writes) & set(step.writes))
        later = [run for run in session.timeline.applied(other.id) if run.id > runs[-1].id]
        if both and later:
            raise CannotRollBack(step=step.id, reason=f"{other.id} wrote {', '.join(both)} later; roll that back first")
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One run: what it found, and the context in which it did the step."""

    context: Context
    images: Images

    def part(self, store: StoreName, place: int) -> dict[str, BeforeImage]:
        """The before-images of one place, by key."""
        return {image.key: image for image in merged(self.images[store].part(place))}


_Found = Sequence[tuple[_Layer, BeforeImage]]


@dataclass(slots=True, kw_only=True)
class _Back:
    """Derives what was there before the runs of `layers`, the newest first. `gone` are documents that these runs made,
    `unmade` items of which not all could be put back."""

    step: Step
    table: Store
    layers: tuple[_Layer, ...]
    gone: set[str] = field(default_factory=set)
    unmade: dict[StoreName, dict[str, Outcome]] = field(default_factory=lambda: {_TABLE: {}, _INDEX: {}})

    def gathered(
        self, live: Mapping[StoreName, Live], stores: Collection[StoreName]
    ) -> Mapping[StoreName, Spool[Wanted]]:
        """What is wanted of both stores, place by place; items that are not what a run wrote are read."""
        wanted = {name: Spool(Wanted, name) for name in stores}
        for place in range(PLACES):
            images = self._images(_TABLE, place)
            there = {held.key: held.digest for held in live[_TABLE].held.part(place) if held.key in images}
            documents = {held.key: held.digest for held in live[_INDEX].held.part(place)}
            items = dict(self._items(images, there))
            wanted[_TABLE].add(_wanted(_TABLE, items))
            keys = {held.key for held in live[_TABLE].held.part(place)} if items else set()
            counting = {item: as_it_was for item, as_it_was in items.items() if moved_key(item.key) not in keys}
            wanted[_INDEX].add(_wanted(_INDEX, self._documents(counting, self._images(_INDEX, place), documents)))
        return wanted

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        return iter(())

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        if store is _TABLE:
            return {
                key: self._rolled(item, self._images(_TABLE, place_of(_TABLE, key)).get(key, ()))
                for key, item in found.items()
                if item is not None
            }
        return documents_now(self.table, found)

    def _images(self, store: StoreName, place: int) -> dict[str, list[tuple[_Layer, BeforeImage]]]:
        found: dict[str, list[tuple[_Layer, BeforeImage]]] = {}
        for layer in self.layers:
            for key, image in layer.part(store, place).items():
                found.setdefault(key, []).append((layer, image))
        return found

    def _items(self, images: Mapping[str, _Found], there: Mapping[str, bytes]) -> Iterator[tuple[Entry, bool]]:
        """The items of one place as they were, and whether they are so to the byte; one that is gone is nobody's any
        more."""
        other: list[str] = []
        for key, now in there.items():
            body = _chain(_TABLE, now, images[key])
            if body is None:
                other.append(key)
            else:
                yield Entry(key, body), True
        for start in range(0, len(other), 100):
            for item in self.table.get(other[start : start + 100]):
                yield self._rolled(item, images[item.key]), False

    def _rolled(self, item: Entry, images: _Found) -> Entry:
        """An item with each attribute put back that still is what the step made of it."""
        left: set[str] = set()
        why = "was changed since, and is left as it is"
        for layer, image in images:
            if image.body is None or digest(_TABLE, item) == image.after:
                item = Entry(item.key, image.body or item.body)
                continue
            made = image.made
            if made is None:
                made = self._made_today(item, layer.context, image)
            if _UNKNOWN in made.values():
                why = "may be an edit or the step's, which its run did not keep, and is left as it is"
            back, others = _put_back(item, image.body, made)
            item = item_with(item, back) if back else item
            left |= others
        if left:
            self.unmade[_TABLE][item.key] = Outcome(item.key, CHANGED, f"{', '.join(sorted(left))} {why}")
        return item

    def _made_today(self, item: Entry, context: Context, image: BeforeImage) -> AttributesMade:
        """What the step makes today of what a run found, where the run of an older version did not keep what it made.
        Where that is not the very item that the run wrote, any attribute of `item` may be its work."""
        assert image.body is not None
        found, made = Entry(image.key, image.body), AttributesMade()
        try:
            new = item_with(found, changes_of(self.step, context, found))
            made = attributes_made(found.body, new.body)
            if digest(_TABLE, new) == image.after:
                return made
        except (RecordFailed, StepBroken, *_UNREADABLE):
            pass  # the step is another by now
        return dict.fromkeys(attribute_digests(found.body) | attribute_digests(item.body), _UNKNOWN) | made

    def _documents(
        self, items: Mapping[Entry, bool], images: Mapping[str, _Found], there: Mapping[str, bytes]
    ) -> Iterator[Entry]:
        """The documents of those items: as they were, or where somebody wrote item or document since, as the items give
        them."""
        for item, as_it_was in items.items():
            record = record_of(item.key)
            if record is None or record.kind is not Kind.ARTIST or record.id not in there:
                continue
            of_key = images.get(record.id, ())
            if of_key and of_key[-1][1].body is None and there[record.id] == of_key[0][1].after:
                self.gone.add(record.id)
                continue
            body = _chain(_INDEX, there[record.id], of_key) if as_it_was else None
            document = Entry(record.id, body) if body is not None else document_or_none(item)
            if document is not None:
                yield document


def _chain(store: StoreName, now: bytes, images: _Found) -> bytes | None:
    """What a key held before all runs, where each found what the one before it left; None where it is not so."""
    body: bytes | None = None
    for _, image in images:
        if image.body is None:
            return None
        before = digest(store, Entry(image.key, image.body))
        if now not in (image.after, before):
            return None
        now, body = before, image.body
    return body


def _put_back(item: Entry, before: bytes, made: AttributesMade) -> tuple[Changes, set[str]]:
    """The attributes to put back, and the fields that hold something else by now. Those of the secondary indexes go
    with the fields: where one of either is something else, they are what the fields give."""
    live, was, values = attribute_digests(item.body), attribute_digests(before), _decode(before)
    back: Changes = {name: values.get(name) for name, value in made.items() if live.get(name) == value}
    other = {name for name in made if name not in back and live.get(name) != was.get(name)}
    if other:
        back = {name: value for name, value in back.items() if is_field(name)}
        record = record_of(item.key)
        assert record is not None
        back |= index_changes(record, exact_fields(item.body), exact_fields(item_with(item, back).body))
    return back, {name for name in other if is_field(name)}


def _wanted(store: StoreName, entries: Iterable[Entry]) -> Iterator[Wanted]:
    return (Wanted(entry.key, digest(store, entry), entry.body, entry.routing) for entry in entries)
