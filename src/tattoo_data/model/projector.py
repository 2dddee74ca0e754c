"""Projector: many records' items and documents, as `item_of` and `document_of` give them one by one.

Copies of a record share its nested values. What such a value is as JSON is made once and joined to each item and
document, so that a large dataset costs little more than its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import SORT_KEY, index_keys, record_key, split_item_key
from tattoo_data.model.project import document_value, is_field, is_projected, location_of, typed
from tattoo_data.model.records import Kind, Record

K = TypeVar("K")
V = TypeVar("V")
#: How many values are remembered before all are forgotten, and how many forms of records.
_REMEMBERED = 4_096
_LOCATION = "location"
#: A value as an item and as a document has it.
_Both = tuple[bytes, bytes]


class Projector:
    """Projects records one after the other; what it remembers is bounded."""

    def __init__(self) -> None:
        # The values themselves are kept too: an id is that of one object only as long as that lives.
        self._values: dict[int, tuple[object, _Both]] = {}
        self._locations: dict[tuple[int, int], tuple[object, bytes | None]] = {}
        self._fields: dict[tuple[str, ...], list[tuple[str, bool]]] = {}
        self._names: dict[tuple[str, ...], list[tuple[str, bytes]]] = {}

    def item_and_document(self, record: Record) -> tuple[Entry, Entry | None]:
        """A record's item, and its document where it is an artist; both in canonical bytes."""
        key, fields = record_key(record.kind, record.id), record.fields
        item: dict[str, bytes] = {}
        document: dict[str, bytes] = {}
        for name, projected in self._fields_of(tuple(fields)):
            value = fields[name]
            if type(value) is str:
                text = canonical_json(value)
                typed_text = b'{"S":%s}' % text
            else:
                typed_text, text = self._both(value)
            item[name] = typed_text
            if projected:
                document[name] = text
        for name, part in index_keys(record.kind, fields).items():
            item[name] = _text(part)
        item["PK"], item["SK"] = _text(split_item_key(key)[0]), _text(SORT_KEY)
        entry = Entry(key, self._join(item))
        if record.kind is not Kind.ARTIST:
            return entry, None
        if location := self._location(fields):
            document[_LOCATION] = location
        return entry, Entry(record.id, self._join(document))

    def _fields_of(self, names: tuple[str, ...]) -> list[tuple[str, bool]]:
        """The fields among the names, each with whether a document has it."""
        found = self._fields.get(names)
        if found is None:
            found = [(name, is_projected(name)) for name in names if is_field(name)]
            self._fields = _remember(self._fields, names, found)
        return found

    def _both(self, value: object) -> _Both:
        known = self._values.get(id(value))
        if known is None:
            as_typed = typed(value)
            both = canonical_json(as_typed), canonical_json(document_value(as_typed))
            known = value, both
            self._values = _remember(self._values, id(value), known)
        return known[1]

    def _location(self, fields: Mapping[str, object]) -> bytes | None:
        degrees = fields.get("latitude"), fields.get("longitude")
        place = id(degrees[0]), id(degrees[1])
        known = self._locations.get(place)
        if known is None:
            known = degrees, location_of(fields)
            self._locations = _remember(self._locations, place, known)
        return known[1]

    def _join(self, pieces: Mapping[str, bytes]) -> bytes:
        shape = tuple(pieces)
        names = self._names.get(shape)
        if names is None:
            names = [(name, canonical_json(name) + b":") for name in sorted(pieces)]
            self._names = _remember(self._names, shape, names)
        return b"{%s}" % b",".join([begin + pieces[name] for name, begin in names])


def _remember(known: dict[K, V], key: K, value: V) -> dict[K, V]:
    """What is known with one more, or with that one alone where it would become too much."""
    if len(known) >= _REMEMBERED:
        return {key: value}
    known[key] = value
    return known


def _text(value: str) -> bytes:
    return b'{"S":%s}' % canonical_json(value)
