"""Look: on which artists table and index disagree, held against the last sync point. Read-only.

Both are read once, as digests of the document that they say; only what disagrees is read again and looked at, so that
a write which came in between is no conflict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tattoo_data.backups.catalogue import Snapshot
from tattoo_data.engine.flow import in_flight, slices
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest_canonical
from tattoo_data.model.keys import SORT_KEY
from tattoo_data.stores.base import Routing
from tattoo_data.sync.base import Bases
from tattoo_data.sync.conflict import Conflict, find
from tattoo_data.sync.pair import (
    AT_ONCE,
    BROKEN,
    NAMELESS,
    Other,
    Pair,
    Shape,
    pairs,
    seen_item,
    shape_of,
    writer_of,
)
from tattoo_data.sync.point import newest_point
from tattoo_data.validation.stream import Stream


class Unread(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record that cannot be compared: the store and key of the entry to blame, and why."""

    store: str
    key: str
    message: str


class _Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of an artist: the id, the digest of the document that it says, and what is known beside. `writer` is
    that of a document of another shape."""

    key: str
    digest: bytes
    is_own_form: bool = True
    routing: str | None = None
    shape: str = Shape.ARTIST.value
    writer: str = ""

    @property
    def size(self) -> int:
        """The bytes of its key."""
        return len(self.key)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Artists to be read again."""

    ids: Sequence[str]
    routing: Routing


@dataclass(slots=True)
class Look:
    """One look at both stores: what a scan finds goes into `take`, then `conflicts` compares it, once.

    `checked` is how many artists there are, `held` how many each side has. `unread` could not be compared, and
    `others` are documents of other shapes. Without a `point` two sides are compared and not three.
    """

    env: Environment
    checked: int = 0
    held: Counter[StoreName] = field(default_factory=Counter)
    unread: Stream[Unread] = field(default_factory=lambda: Stream(Unread))
    others: Stream[Other] = field(default_factory=lambda: Stream(Other))
    point: Snapshot | None = field(init=False)
    bases: Bases = field(init=False)
    _routing: dict[str, str] = field(default_factory=dict)
    _table: Spool[_Seen] = field(default_factory=lambda: Spool(_Seen, StoreName.INDEX))
    _index: Spool[_Seen] = field(default_factory=lambda: Spool(_Seen, StoreName.INDEX))

    def __post_init__(self) -> None:
        self.point = newest_point(self.env)
        self.bases = Bases(self.env, self.point)

    def take(self, store: StoreName, found: Sequence[Entry]) -> None:
        """A page of a scan, in canonical bytes. Safe from several threads."""
        if store is StoreName.TABLE:
            self._table.add([seen for item in found if (seen := _seen_item(item)) is not None])
        elif store is StoreName.INDEX:
            self._index.add([_seen_document(document) for document in found])

    def conflicts(self) -> Iterator[Conflict]:
        """Every artist on whom both disagree, in no order. What cannot be read goes into `unread`."""
        for found in in_flight(self.env.pool, self._read, self._due()):
            for pair in found:
                try:
                    conflict = self.compare(pair)
                except BROKEN as error:
                    self._blame(pair, str(error))
                else:
                    if conflict is not None:
                        yield conflict

    def compare(self, pair: Pair) -> Conflict | None:
        """How two sides disagree; None where they do not. Raises one of `BROKEN` where one of them cannot be read."""
        return find(self.bases.of(pair.id), pair.item, pair.document)

    def now(self, ids: Sequence[str], routing: Routing) -> list[Pair]:
        """Both sides of at most `AT_ONCE` artists, as they are now."""
        return pairs(self.env.stores, ids, {**self._routing, **routing})

    def _read(self, unit: _Unit) -> list[Pair]:
        return pairs(self.env.stores, unit.ids, unit.routing)

    def _due(self) -> Iterator[_Unit]:
        """The artists whose sides are not the same."""
        for place in range(PLACES):
            # Of two forms of one record the application's own comes last, and counts
            forms = sorted(self._table.part(place), key=lambda seen: seen.is_own_form)
            items = {seen.key: seen.digest for seen in forms}
            documents = {seen.key: seen for seen in self._index.part(place)}
            due = [key for key in items if key not in documents]
            for key, seen in documents.items():
                if items.get(key) == seen.digest:
                    continue
                if key in items or seen.shape == Shape.ARTIST or self.bases.has(key):
                    due.append(key)
                else:
                    self._leave(seen)
            artists = {key for key, seen in documents.items() if seen.shape == Shape.ARTIST}
            self.checked += len(items.keys() | artists)
            self.held.update({StoreName.TABLE: len(items), StoreName.INDEX: len(artists)})
            routing = {key: each for key in due if key in documents and (each := documents[key].routing) is not None}
            self._routing.update(routing)
            yield from (_Unit(part, routing) for part in slices(sorted(due), AT_ONCE))

    def _leave(self, seen: _Seen) -> None:
        """Note a document that is no artist's."""
        if seen.shape == Shape.NAMELESS:
            self.unread.add(Unread(StoreName.INDEX.value, seen.key, NAMELESS))
        else:
            self.others.add(Other(seen.key, seen.writer))

    def _blame(self, pair: Pair, why: str) -> None:
        if pair.item is not None:
            message = f"its item gives no document: {why}"
            self.unread.add(Unread(StoreName.TABLE.value, pair.item.key, message))
        else:
            self.unread.add(Unread(StoreName.INDEX.value, pair.id, why))


def _seen_item(item: Entry) -> _Seen | None:
    if (seen := seen_item(item)) is None:
        return None
    record, digest = seen
    return _Seen(record.id, digest, record.sort_key == SORT_KEY)


def _seen_document(document: Entry) -> _Seen:
    digest = digest_canonical(document.key, document.body)
    shape = shape_of(document)
    writer = writer_of(document) if shape is Shape.OTHER else ""
    return _Seen(document.key, digest, True, document.routing, shape.value, writer)
