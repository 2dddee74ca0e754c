"""Scan: what live stores hold, as digests. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import msgspec

from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.engine.spool import Spool
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import Sum, canonical, digest_canonical
from tattoo_data.model.keys import record_of
from tattoo_data.model.project import document_of, moved_key
from tattoo_data.stores.base import Description, Store, pages
from tattoo_data.stores.live import LiveStores

OTHER = "other"
#: So many `_id`s that documents share are named.
_NAMED = 5
#: Below this many entries one scan is quicker than several beside each other.
_WORTH_SEGMENTS = 2_000


class Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry that a scan found: its key, the digest of its content, and a document's routing."""

    key: str
    digest: bytes
    routing: str | None = None

    @property
    def size(self) -> int:
        """The bytes of its key."""
        return len(self.key)


@dataclass(slots=True, kw_only=True)
class Live:
    """What one store holds: the fingerprint's sum, how many of each kind, and a digest for each key in `held`,
    where those were asked for.

    `artists` is the sum of the index's artist documents, or of the documents that the table's artists give; the
    latter is filled on request only. `routed` says that there are documents with a routing, and `shared` are the
    `_id`s that several documents have, each under a routing of its own.
    """

    store: StoreName
    description: Description | None
    held: Spool[Held]
    total: Sum = field(default_factory=Sum)
    kinds: Counter[str] = field(default_factory=Counter)
    artists: Sum = field(default_factory=Sum)
    routed: bool = False
    shared: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether the store is there at all."""
        return self.description is not None

    @property
    def is_refused(self) -> bool:
        """Whether its structure is another one, so that it was not read."""
        return self.description is not None and bool(self.description.refused)

    def require_one_each(self) -> None:
        """Raise `IntegrityFailed` where several documents share an `_id`: a state has one entry a key, so that all but
        one of them would be lost."""
        if self.shared:
            name = self.description.name if self.description else self.store.value
            raise IntegrityFailed(
                what=f"the index {name} holds {said_of_shared(self.shared)}",
                hint=f"Nothing was written. Delete all but one of each: DELETE /{name}/_doc/ID?routing=ROUTING.",
            )


class _Document(msgspec.Struct):
    artistId: object = None


_decode_document = msgspec.json.Decoder(_Document).decode


#: Takes each entry that a scan found, its body in canonical bytes, with its digest; called from several threads.
Into = Callable[[StoreName, Sequence[tuple[Entry, bytes]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One segment of one store, and what is wanted of it."""

    store: Store
    segment: int
    segments: int
    held: Spool[Held] | None
    project: bool
    into: Into | None = None


def read_all(
    stores: LiveStores,
    pool: Executor,
    *,
    only: Iterable[StoreName] = tuple(StoreName),
    project: bool = False,
    keep: bool = True,
    into: Into | None = None,
    progress: Progress = no_progress,
) -> dict[StoreName, Live]:
    """Scan the stores beside each other; one whose structure is refused is described only, since what it holds may
    have no key of ours. With `project`, the table's `artists` is the sum of the documents that its items give, to be
    compared with the index's; without `keep`, sums and counts are all that is wanted. `into` gets whatever is found."""
    names = list(only)
    found = dict(zip(names, pool.map(lambda name: stores[name].describe(), names), strict=True))
    live = {name: Live(store=name, description=found[name], held=Spool(Held, name)) for name in names}
    units = [
        _Unit(
            store=stores[name],
            segment=segment,
            segments=segments,
            held=live[name].held if keep or may_share(description) else None,
            project=project,
            into=into,
        )
        for name in names
        if (description := found[name]) is not None and not description.refused
        for segments in [segments_of(stores[name], description)]
        for segment in range(segments)
    ]
    for part in pool.map(_read_segment, units):
        _merge(live[part.store], part)
        progress("scanned", sum(each.total.count for each in live.values()), None)
    for each in live.values():
        each.shared = shared(each.held) if each.routed else ()
    return live


def kind_of(store: StoreName, entry: Entry) -> str:
    """How counts call an entry: `artists`, `studios`, `styles`, `images`, or `other` for what is no record."""
    if store is StoreName.IMAGES:
        return "images"
    if store is StoreName.TABLE:
        return kind_of_item(entry.key)
    try:
        is_artist = _decode_document(entry.body).artistId == entry.key
    except msgspec.ValidationError:
        is_artist = False
    return "artists" if is_artist else OTHER


def kind_of_item(key: str) -> str:
    """How counts call the item of a key."""
    record = record_of(key)
    return record.kind.plural if record else OTHER


def read_held(store: Store) -> Spool[Held]:
    """The digests of one store, or of one index of several."""
    held = Spool(Held, store.name)
    _read_segment(_Unit(store=store, segment=0, segments=1, held=held, project=False))
    return held


def shared(held: Spool[Held]) -> tuple[str, ...]:
    """The keys that several entries have."""
    return tuple(key for part in held.parts() for key, times in Counter(each.key for each in part).items() if times > 1)


def said_of_shared(keys: Sequence[str]) -> str:
    """In words that several documents share each of these `_id`s."""
    more = f" and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
    return f"several documents of one `_id`, under several routings: {', '.join(keys[:_NAMED])}{more}"


def segments_of(store: Store, description: Description) -> int:
    """In how many segments beside each other a store is best read."""
    return store.limits.segments if description.count > _WORTH_SEGMENTS else 1


def second_items(table: Store, keys: Collection[str]) -> set[str]:
    """Those of some keys that are the Node tools' form of a record which the table holds in the application's own
    form too: of two items of one artist, that one alone gives the document."""
    known = frozenset(keys)
    ours = {key: new for key in keys if (new := moved_key(key)) is not None}
    asked = [new for new in ours.values() if new not in known]
    there = {item.key for item in table.get(asked)} if asked else frozenset()
    return {key for key, new in ours.items() if new in known or new in there}


def _read_segment(unit: _Unit) -> Live:
    name = unit.store.name
    part = Live(store=name, description=None, held=Spool(Held, name))
    for entries in pages(unit.store, unit.segment, unit.segments):
        found = [_read(name, entry) for entry in entries]
        project = unit.project and name is StoreName.TABLE
        hidden = second_items(unit.store, [each.key for each in entries]) if project else frozenset()
        held = _count(part, found, hidden, project=project)
        if unit.held is not None:
            unit.held.add(held)
        if unit.into is not None:
            unit.into(name, found)
    return part


def _read(store: StoreName, entry: Entry) -> tuple[Entry, bytes]:
    """An entry with its body in canonical bytes, and its digest."""
    body = canonical(store, entry.body)
    same = Entry(entry.key, body, entry.routing, entry.load, entry.version, entry.modified)
    return same, digest_canonical(entry.key, body)


def _count(
    live: Live, entries: Sequence[tuple[Entry, bytes]], hidden: Collection[str] = frozenset(), *, project: bool
) -> list[Held]:
    """Count entries; with `project` the documents of items too, but for those that are `hidden`."""
    found: list[Held] = []
    for entry, entry_digest in entries:
        kind = kind_of(live.store, entry)
        found.append(Held(entry.key, entry_digest, entry.routing))
        live.total.add(entry_digest)
        live.kinds[kind] += 1
        live.routed |= entry.routing is not None
        if live.store is StoreName.INDEX and kind != OTHER:
            live.artists.add(entry_digest)
        elif project and entry.key not in hidden and (document := document_of(entry)) is not None:
            live.artists.add(digest_canonical(document.key, document.body))
    return found


def _merge(live: Live, part: Live) -> None:
    live.total.join(part.total)
    live.artists.join(part.artists)
    live.kinds += part.kinds
    live.routed |= part.routed


def may_share(description: Description) -> bool:
    """Whether documents may share an `_id`: those of one shard cannot, so that most indexes need not be looked at."""
    return int(description.structure.get("settings", {}).get("index", {}).get("number_of_shards", 1)) > 1
