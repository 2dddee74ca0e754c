"""Comparison: on which artists table and index disagree, on every field, out of one pass over both. Read-only.

Both sides are a digest for each artist, spooled by place; only what disagrees is read again, to name the fields, so
that a write which came in between is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tattoo_data.engine.flow import slices
from tattoo_data.engine.scan import OTHER, kind_of
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.errors import TattooDataError
from tattoo_data.model.difference import fields_of, spell_path
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import SORT_KEY
from tattoo_data.monitoring.sample import Compared, Consistency, Difference
from tattoo_data.stores.live import LiveStores
from tattoo_data.sync.form import projected
from tattoo_data.sync.pair import AT_ONCE, BROKEN, pairs, seen_item

#: So many artists that disagree are named, and read again, where not all are wanted.
NAMED = 100
_MISSING, _EXTRA, _DIFFERENT = "missing", "extra", "different"


class _Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of an artist. `counts` is that an item is in the application's own form, or that a document is an
    artist's by its ids."""

    key: str
    digest: bytes
    counts: bool = True
    routing: str | None = None

    @property
    def size(self) -> int:
        """The bytes of its key."""
        return len(self.key)


@dataclass(frozen=True, slots=True)
class _Found:
    """An artist that disagrees, with the routing of its document; `twice` is one that has two of them."""

    difference: Difference
    routing: str | None = None
    twice: bool = False


@dataclass(slots=True)
class Comparison:
    """What a scan finds goes into `take`, from several threads; then `finish` compares it, once. With `name_all` all
    artists that disagree are named, else the first of them."""

    name_all: bool = False
    _table: Spool[_Seen] = field(default_factory=lambda: Spool(_Seen, StoreName.INDEX))
    _index: Spool[_Seen] = field(default_factory=lambda: Spool(_Seen, StoreName.INDEX))
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((_MISSING, _EXTRA, _DIFFERENT), 0))
    _named: list[_Found] = field(default_factory=list)
    _artists: int = 0

    def take(self, store: StoreName, found: Sequence[tuple[Entry, bytes]]) -> None:
        """A page of a scan, in canonical bytes with digests."""
        if store is StoreName.TABLE:
            self._table.add([seen for item, _ in found if (seen := _seen_item(item)) is not None])
        elif store is StoreName.INDEX:
            self._index.add(
                [
                    _Seen(document.key, digest, kind_of(store, document) != OTHER, document.routing)
                    for document, digest in found
                ]
            )

    def finish(self, stores: LiveStores) -> Consistency:
        """Hold both sides against each other. Reads what is named once more from both stores."""
        for place in range(PLACES):
            self._compare(place)
        named = [each for each in self._named if each.twice]
        for part in slices([each for each in self._named if not each.twice], AT_ONCE):
            named += self._again(stores, part)
        return Consistency(
            compared=Compared.FULL,
            artists=self._artists,
            consistent=not any(self._counts.values()),
            **self._counts,
            differences=tuple(sorted((each.difference for each in named), key=lambda each: each.key)),
        )

    def _compare(self, place: int) -> None:
        # Of two forms of one record the application's own comes last, and counts
        items = {seen.key: seen.digest for seen in sorted(self._table.part(place), key=lambda seen: seen.counts)}
        met: set[str] = set()
        for seen in self._index.part(place):
            if seen.key not in items:
                if seen.counts:
                    self._note(seen.key, _EXTRA, seen.routing)
            elif seen.key in met:
                self._note(seen.key, _EXTRA, seen.routing, twice=True)
            elif items[seen.key] != seen.digest:
                self._note(seen.key, _DIFFERENT, seen.routing)
            if seen.counts or seen.key in items:
                met.add(seen.key)
        for key in items.keys() - met:
            self._note(key, _MISSING)
        self._artists += len(items.keys() | met)

    def _note(self, key: str, kind: str, routing: str | None = None, *, twice: bool = False) -> None:
        self._counts[kind] += 1
        if self.name_all or len(self._named) < NAMED:
            self._named.append(_Found(Difference(key=key, kind=kind), routing, twice))

    def _again(self, stores: LiveStores, part: Sequence[_Found]) -> Iterator[_Found]:
        """Those that still disagree, and how; the counts follow. Where they cannot be read again, as they were."""
        routing = {each.difference.key: each.routing for each in part if each.routing is not None}
        try:
            now = pairs(stores, [each.difference.key for each in part], routing)
        except TattooDataError:
            yield from part
            return
        for each, pair in zip(part, now, strict=True):
            self._counts[each.difference.kind] -= 1
            still = difference_of(pair.id, pair.item, pair.document)
            if still is not None:
                self._counts[still.kind] += 1
                yield _Found(still)


def difference_of(key: str, item: Entry | None, document: Entry | None) -> Difference | None:
    """How an artist's item and document disagree; None where they do not."""
    if item is None:
        return Difference(key=key, kind=_EXTRA) if document is not None else None
    if document is None:
        return Difference(key=key, kind=_MISSING)
    try:
        changes = fields_of(StoreName.INDEX, document.body, projected(item).body)
    except BROKEN:
        return Difference(key=key, kind=_DIFFERENT)
    fields = tuple(spell_path(change.path) for change in changes)
    return Difference(key=key, kind=_DIFFERENT, fields=fields) if fields else None


def _seen_item(item: Entry) -> _Seen | None:
    if (seen := seen_item(item)) is None:
        return None
    record, digest = seen
    return _Seen(record.id, digest, record.sort_key == SORT_KEY)
