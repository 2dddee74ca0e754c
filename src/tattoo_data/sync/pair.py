"""Pair: the item and the document of one artist in live stores, by the artist's id. Read-only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from tattoo_data.engine.flow import slices
from tattoo_data.engine.scan import OTHER, kind_of
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest_canonical
from tattoo_data.model.keys import RecordKey, artist_keys, record_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import NOT_ROUTED, Routing, Store
from tattoo_data.stores.live import LiveStores
from tattoo_data.sync.form import as_canonical, fields_in, projected

#: The error of a record that the other side cannot have.
UNFIT = "CannotBeProjected"
#: What reading a damaged record raises.
BROKEN = (ValueError, TypeError, AttributeError)
#: The digest of an item that gives no document: no document has it.
NO_DOCUMENT = b""
#: So many artists are read at once: a hundred keys, for there are two forms.
AT_ONCE = 50
NAMELESS = "it has no artistId, so nothing says whose it is"
_STREAM = "the application's stream function, whose ids are ARTIST#<artistId>"
_PROGRAM = "another program: its artistId is not its _id"
_KEYED = "another program: it has no artistId, and its _id is a key"


class Shape(StrEnum):
    """What a document is, by its ids: an artist's, another program's, or one of which nothing says what it is."""

    ARTIST = "artist"
    OTHER = "other"
    NAMELESS = "nameless"


class Other(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A document of another shape, and who likely wrote it."""

    key: str
    writer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both stores hold of one artist; None where one does not have it."""

    id: str
    item: Entry | None
    document: Entry | None


def artist_of(key: str) -> RecordKey | None:
    """The artist that an item's key names; None for every other item."""
    record = record_of(key)
    return record if record is not None and record.kind is Kind.ARTIST else None


def seen_item(item: Entry) -> tuple[RecordKey, bytes] | None:
    """The artist whose item it is, with the digest of the document that it gives, or `NO_DOCUMENT`; None for any other
    item."""
    record = artist_of(item.key)
    if record is None:
        return None
    try:
        return record, digest_canonical(record.id, projected(item).body)
    except BROKEN:
        return record, NO_DOCUMENT


def pairs(stores: LiveStores, ids: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Pair]:
    """Both sides of at most `AT_ONCE` artists, as they are now; `routing` is that of documents."""
    items = items_of(stores.table, ids)
    documents = documents_of(stores.index, ids, routing)
    return [Pair(id=each, item=next(iter(items.get(each, ())), None), document=documents.get(each)) for each in ids]


def items_of(table: Store, ids: Collection[str]) -> dict[str, list[Entry]]:
    """The items of those of some artists that have any. Of two forms the application's own comes first: it counts."""
    found: dict[str, list[Entry]] = {}
    for part in slices(ids, AT_ONCE):
        keys = artist_keys(part)
        there = {item.key: item for item in table.get(keys)}
        for key in keys:
            if key in there and (record := artist_of(key)) is not None:
                found.setdefault(record.id, []).append(there[key])
    return found


def documents_of(index: Store, ids: Sequence[str], routing: Routing = NOT_ROUTED) -> dict[str, Entry]:
    """The documents under some ids."""
    known = {each: routing[each] for each in ids if each in routing}
    return {entry.key: entry for entry in index.get(ids, known)}


def shape_of(document: Entry) -> Shape:
    """What a document is. A key as its `_id` is a name, though no artist's."""
    try:
        if kind_of(StoreName.INDEX, document) != OTHER:  # read without all the rest
            return Shape.ARTIST
        said = fields_in(as_canonical(document)).get(Kind.ARTIST.id_field)
    except (ValueError, RecursionError):
        return Shape.NAMELESS
    if said == canonical_json(document.key):
        return Shape.ARTIST
    return Shape.NAMELESS if said is None and "#" not in document.key else Shape.OTHER


def writer_of(document: Entry) -> str:
    """Who likely wrote a document of another shape."""
    if document.key.startswith("ARTIST#"):
        return _STREAM
    return _KEYED if "#" in document.key else _PROGRAM
