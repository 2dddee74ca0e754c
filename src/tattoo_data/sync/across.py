"""Across: one store made to say what the other one says. Nothing but artists is touched."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tattoo_data.engine.derive import Derive, Made
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.engine.scan import second_items
from tattoo_data.environment import Environment
from tattoo_data.errors import SourceEmpty
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_key
from tattoo_data.model.records import Kind
from tattoo_data.runs.session import Command, WriteOptions, as_change, writing
from tattoo_data.stores.base import Outcome, pages
from tattoo_data.stores.live import LiveStores
from tattoo_data.sync.backward import item_from
from tattoo_data.sync.form import as_canonical, projected
from tattoo_data.sync.pair import (
    BROKEN,
    NAMELESS,
    UNFIT,
    Other,
    Shape,
    artist_of,
    documents_of,
    items_of,
    shape_of,
    writer_of,
)
from tattoo_data.validation.stream import Stream

_TABLE, _INDEX = StoreName.TABLE, StoreName.INDEX


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """`delete` takes away what the source does not have (always, towards the index). A source without an artist is
    refused, unless `allow_empty`."""

    delete: bool = False
    allow_empty: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)

    def question(self, towards: StoreName) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        if self.write.dry_run or (towards is StoreName.TABLE and not self.delete):
            return None
        if towards is StoreName.INDEX:
            return "sync dynamo-to-os removes documents of no artist"
        return "sync os-to-dynamo --delete removes artists"

    @property
    def arguments(self) -> tuple[str, ...]:
        """As they are typed."""
        return (*(("--delete",) if self.delete else ()), *(("--allow-empty",) if self.allow_empty else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync did; `others` are documents that are no artist's, which were left alone."""

    change: Change
    others: Stream[Other] = field(default_factory=lambda: Stream(Other))


def table_to_index(env: Environment, options: SyncOptions) -> Synced:
    """Make the index hold the documents that the table's artists give, and no other artist's.

    Raises `StoreMissing` without a table, `SourceEmpty` where it holds no artist, and as every writing command does.
    """
    command = Command(name="sync", arguments=("dynamo-to-os", *options.arguments))
    with writing(env, command, options.write) as session:
        if ended := session.finished:
            return Synced(change=as_change(ended))
        require_source(env, _TABLE, allow_empty=options.allow_empty)
        towards = ToIndex(env.stores)
        desired = Desired(stores=(_INDEX,), derive=towards, prune=True, scope=towards.goes, canonical=True)
        return Synced(change=session.carry_out(desired), others=towards.others)


def index_to_table(env: Environment, options: SyncOptions) -> Synced:
    """Make the table hold what the index's artists say: just the attributes whose projection differs are written, in
    the item's own types and form. Items without a document go with `delete` only. A document that is not just what its
    item then gives is written too.

    Raises as `table_to_index` does, of the index.
    """
    command = Command(name="sync", arguments=("os-to-dynamo", *options.arguments))
    with writing(env, command, options.write) as session:
        if ended := session.finished:
            return Synced(change=as_change(ended))
        require_source(env, _INDEX, allow_empty=options.allow_empty)
        towards = ToTable(env.stores, delete=options.delete)
        desired = Desired(stores=(_TABLE, _INDEX), derive=towards, prune=options.delete, scope=towards.goes)
        return Synced(change=session.carry_out(desired), others=towards.others)


def require_source(env: Environment, name: StoreName, *, allow_empty: bool) -> None:
    """Raise `StoreMissing` where a side is not there, and `SourceEmpty` where it holds no artist, unless that is
    allowed: the other side would lose all of its own."""
    store = env.stores[name]
    env.target.require_readable({name: store.describe()})
    if allow_empty:
        return
    for entries in pages(store, 0, 1):
        if any(artist_of(each.key) if name is _TABLE else shape_of(each) is Shape.ARTIST for each in entries):
            return
    raise SourceEmpty(store=name.value, name=env.target.place_of(name)[0])


def document_of_item(item: Entry) -> Entry | Outcome:
    """The document that an artist's item gives, in canonical bytes, or why it gives none."""
    record = artist_of(item.key)
    assert record is not None
    try:
        return projected(item)
    except BROKEN as error:
        return Outcome(record.id, UNFIT, f"its item gives no document: {error}")


class _Towards(Derive):
    """What both ways share: documents that are no artist's are noted and left alone."""

    def __init__(self, stores: LiveStores) -> None:
        self.others: Stream[Other] = Stream(Other)
        self._stores = stores
        self._noted: set[int] = set()  # a million keys as numbers fit
        self._lock = threading.Lock()

    def _note(self, documents: Sequence[Entry]) -> None:
        """Note documents of other shapes, which no item is to give."""
        with self._lock:
            for document in documents:
                self._noted.add(hash(document.key))
                nameless = shape_of(document) is Shape.NAMELESS
                self.others.add(Other(document.key, NAMELESS if nameless else writer_of(document)))

    def _is_noted(self, key: str) -> bool:
        return hash(key) in self._noted


class ToIndex(_Towards):
    """Documents of items."""

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        if store is _INDEX:
            foreign = [each for each in entries if shape_of(each) is not Shape.ARTIST]
            items = items_of(self._stores.table, [each.key for each in foreign]) if foreign else {}
            self._note([each for each in foreign if each.key not in items])
        elif store is _TABLE:
            yield from ((_INDEX, document_of_item(item)) for item in self._counting(entries))

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        items = items_of(self._stores.table, list(found))
        made: dict[str, Made] = {}
        for key, document in found.items():
            if key in items:
                made[key] = document_of_item(items[key][0])
            elif document is not None and shape_of(document) is Shape.ARTIST:
                made[key] = None
        return made

    def goes(self, store: StoreName, key: str) -> bool:
        """Whether a document goes that no item gives."""
        return not self._is_noted(key)

    def _counting(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """The artists' items; one of the Node tools' form only where there is no other of the same artist."""
        found = [item for item in entries if artist_of(item.key) is not None]
        hidden = second_items(self._stores.table, [item.key for item in found])
        return (item for item in found if item.key not in hidden)


class ToTable(_Towards):
    """Items of documents, and the documents that these items give."""

    def __init__(self, stores: LiveStores, *, delete: bool) -> None:
        super().__init__(stores)
        self._delete = delete
        self._routing: dict[str, str] = {}

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        if store is not _INDEX:
            return
        self._routing.update((each.key, each.routing) for each in entries if each.routing is not None)
        items = items_of(self._stores.table, [document.key for document in entries])
        for document in entries:
            mine = items.get(document.key, [])
            if not mine and (shape := shape_of(document)) is not Shape.ARTIST:
                if shape is Shape.NAMELESS:
                    yield _INDEX, Outcome(document.key, UNFIT, NAMELESS)
                else:
                    self._note([document])
                continue
            yield from ((_TABLE, other) for other in mine[1:])  # of an artist that has a document nothing goes
            made = _item(mine[0] if mine else None, document)
            yield _TABLE, made
            if isinstance(made, Entry):
                yield _INDEX, _in_form(document, made)

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        if store is _INDEX:
            return dict(self._in_form(found))
        return dict(self._items(found))

    def goes(self, store: StoreName, key: str) -> bool:
        """Whether an item goes that has no document."""
        return store is _TABLE and artist_of(key) is not None

    def _in_form(self, found: Mapping[str, Entry | None]) -> Iterator[tuple[str, Made]]:
        """Documents, each as an item gives it that says what the document says: what somebody wrote into it stays."""
        items = items_of(self._stores.table, list(found))
        for key, document in found.items():
            if document is not None and (key in items or shape_of(document) is Shape.ARTIST):
                made = _item(items[key][0] if key in items else None, document)
                if isinstance(made, Entry):
                    yield key, _in_form(document, made)

    def _items(self, found: Mapping[str, Entry | None]) -> Iterator[tuple[str, Made]]:
        ids = {key: record.id for key in found if (record := artist_of(key)) is not None}
        documents = documents_of(self._stores.index, list(ids.values()), self._routing)
        items = items_of(self._stores.table, list(ids.values()))
        for key, artist in ids.items():
            document = documents.get(artist)
            first = next(iter(items.get(artist, ())), None)
            if document is None:
                if self._delete:
                    yield key, None
            elif first is not None and first.key != key:
                continue  # it is the form that does not count
            elif found[key] is not None or shape_of(document) is Shape.ARTIST:
                yield key, _item(found[key], document)


def _item(item: Entry | None, document: Entry) -> Entry | Outcome:
    try:
        return item_from(item, document)
    except BROKEN as error:
        key = item.key if item else record_key(Kind.ARTIST, document.key)
        return Outcome(key, UNFIT, f"no item can give its document: {error}")


def _in_form(document: Entry, item: Entry) -> Entry:
    """The document, as it is where it is what the item gives."""
    right = projected(item)
    return document if as_canonical(document) == right.body else replace(right, routing=document.routing)
