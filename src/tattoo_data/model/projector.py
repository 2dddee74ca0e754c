"""Projector: many records' items and documents, as `item_of` and `document_of` give them one by one.

Copies of a record share its nested values. What such a value is as JSON is made once and joined to each item and
document, so that a large dataset costs little more than its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import SORT_KEY, index_keys, record_key, split_item_key
from tattoo_data.model.project import document_value, is_field, is_projected, location_of, typed
from tattoo_data.model.records import Kind, Record

#: How many nested values are remembered before all are forgotten.
_REMEMBERED = 4_096
_LOCATION = "location"


class Projector:
    """Projects records one after the other; what it remembers is bounded."""

    def __init__(self) -> None:
        # The value itself is kept too: an id is that of one object only as long as that lives.
        self._nested: dict[int, tuple[object, bytes, bytes]] = {}
        self._names: dict[tuple[str, ...], list[str]] = {}

    def item_and_document(self, record: Record) -> tuple[Entry, Entry | None]:
        """A record's item, and its document where it is an artist; both in canonical bytes."""
        key = record_key(record.kind, record.id)
        pieces = {name: self._json(value) for name, value in record.fields.items() if is_field(name)}
        item = {name: both[0] for name, both in pieces.items()}
        item |= {name: _text(value) for name, value in index_keys(record.kind, record.fields).items()}
        item["PK"], item["SK"] = _text(split_item_key(key)[0]), _text(SORT_KEY)
        entry = Entry(key, self._join(item))
        if record.kind is not Kind.ARTIST:
            return entry, None
        document = {name: both[1] for name, both in pieces.items() if is_projected(name)}
        if location := location_of(record.fields):
            document[_LOCATION] = location
        return entry, Entry(record.id, self._join(document))

    def _json(self, value: object) -> tuple[bytes, bytes]:
        """A field's value as an item and as a document has it."""
        if isinstance(value, str):
            text = canonical_json(value)
            return b'{"S":%s}' % text, text
        if not isinstance(value, list | tuple | Mapping):
            return _both(value)
        known = self._nested.get(id(value))
        if known is None:
            if len(self._nested) >= _REMEMBERED:
                self._nested.clear()
            known = self._nested[id(value)] = (value, *_both(value))
        return known[1], known[2]

    def _join(self, pieces: Mapping[str, bytes]) -> bytes:
        names = self._names.get(shape := tuple(pieces))
        if names is None:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            names = self._names[shape] = sorted(pieces)
        return b"{%s}" % b",".join([b"%s:%s" % (canonical_json(name), pieces[name]) for name in names])


def _both(value: object) -> tuple[bytes, bytes]:
    as_typed = typed(value)
    return canonical_json(as_typed), canonical_json(document_value(as_typed))


def _text(value: str) -> bytes:
    return b'{"S":%s}' % canonical_json(value)
