"""Backward: a document as the item that gives it, in the types that the item has. Pure.

JSON has fewer types than DynamoDB: an array may have been a set, a text binary. What the item's attribute is decides,
wherever the document's value still fits it. Numbers keep all digits and are never floats; one that is just the item's
number as a double is the item's number.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tattoo_data.formats.usable import MAX_PK, MAX_SK, item_entry
from tattoo_data.model.canonical import canonical_item, canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import item_with
from tattoo_data.model.half import holds_half
from tattoo_data.model.keys import index_keys, record_of
from tattoo_data.model.project import document_value, item_of, record_fields, typed
from tattoo_data.model.records import Kind, Record
from tattoo_data.sync.form import Form, as_canonical, fields_in, projected, with_digits

Typed = dict[str, Any]
#: The type of a set -> the type that its members have in a list, before they are read as members.
_MEMBERS = {"SS": "S", "NS": "N", "BS": "S"}
_ID = Kind.ARTIST.id_field
_decode_plain = msgspec.json.Decoder(float_hook=Decimal).decode
_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def item_from(item: Entry | None, document: Entry) -> Entry:
    """The artist's item that gives `document`: `item` with just those attributes changed whose projection differs, in
    its own types and under its own key. Without an item, a new one.

    A set stays a set, binary binary, and so inside of maps and lists; what does not fit any more takes JSON's type. An
    attribute that the document does not have goes. Keys and `location` are never taken from a document; the keys of
    secondary indexes follow the fields that they are made of where these change. Everything else stays as it is.

    `document_of` gives the document again, but for what an item cannot say: the order of a set and members that are in
    it twice, and a `location` or keys of the document's own; and for digits that only the item has. Raises ValueError
    for a document that no item can give, and where `item` is not the artist's.
    """
    try:
        return _changed(item, document) if item is not None else _new(document)
    except RecursionError:
        raise ValueError("it is nested too deep for an item") from None


def _new(document: Entry) -> Entry:
    fields = fields_in(as_canonical(document))
    _check_id(document, fields)
    _check_whole(fields)
    plain = {name: _decode_plain(value) for name, value in fields.items()}
    item = item_of(Record(kind=Kind.ARTIST, fields=plain))
    _check_index_keys(index_keys(Kind.ARTIST, plain))
    return _usable(item)


def _changed(item: Entry, document: Entry) -> Entry:
    right = projected(item)
    if right.key != document.key:
        raise ValueError(f"the item is that of {right.key}, the document that of {document.key}")
    before = fields_in(right.body)
    after = with_digits(fields_in(as_canonical(document)), before)
    if before == after:
        return item
    _check_id(document, after)
    attributes = _decode_item(item.body)
    changes: dict[str, Typed | None] = dict.fromkeys(before.keys() - after.keys())
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    _check_whole(changed)
    for name, value in changed.items():
        new = typed(_decode_plain(value))
        changes[name] = _shaped(attributes[name], new) if name in before else new
    made = item_with(item, changes)
    if made.body == canonical_item(item.body):
        return item
    keys = _index_changes(item, made := _usable(made))
    return _usable(item_with(made, keys)) if keys else made


def _check_id(document: Entry, fields: Form) -> None:
    if not document.key:
        raise ValueError("its _id is empty")
    if fields.get(_ID) != canonical_json(document.key):
        said = fields[_ID].decode() if _ID in fields else "missing"
        raise ValueError(f"its {_ID} is {said}, and its _id {document.key!r}")


def _check_whole(fields: Form) -> None:
    if any(holds_half(name.encode()) or holds_half(value) for name, value in fields.items()):
        raise ValueError("the document holds half a character, which no item can")


def _index_changes(before: Entry, after: Entry) -> dict[str, Typed | None]:
    """The keys of secondary indexes whose fields changed; one that the application made otherwise stays."""
    old, new = _index_keys(before), _index_keys(after)
    changed = {name: new.get(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    _check_index_keys({name: text for name, text in changed.items() if text is not None})
    return {name: None if text is None else {"S": text} for name, text in changed.items()}


def _index_keys(item: Entry) -> Mapping[str, str]:
    record = record_of(item.key)
    assert record is not None, "it was projected"
    return index_keys(Kind.ARTIST, record_fields(item.body) | {_ID: record.id})


def _check_index_keys(keys: Mapping[str, str]) -> None:
    for name, text in keys.items():
        limit = MAX_PK if name.endswith("pk") else MAX_SK
        if len(text.encode()) > limit:
            raise ValueError(f"{name}, a key of a secondary index, would have over {limit} bytes")


def _usable(item: Entry) -> Entry:
    return item_entry(_decode_item(item.body))


def _shaped(old: Typed, new: Typed) -> Typed:
    """A value of JSON's types in the types of the one that it takes the place of, as far as it fits."""
    ((was, inner),), ((tag, value),) = old.items(), new.items()
    match was, tag:
        case "M", "M":
            return {"M": {name: _shaped(inner[name], each) if name in inner else each for name, each in value.items()}}
        case "L", "L":
            return {"L": _members(inner, value)}
        case "B", "S" if _is_base64(value):
            return {"B": value}
        case (("SS" | "NS" | "BS"), "L"):
            return _set(was, value) or new
    return new


def _set(tag: str, members: Sequence[Typed]) -> Typed | None:
    """A set of these members; None where there are none, or one is of another type."""
    texts = [str(member[_MEMBERS[tag]]) for member in members if _MEMBERS[tag] in member]
    if not texts or len(texts) < len(members) or (tag == "BS" and not all(map(_is_base64, texts))):
        return None
    return {tag: list(dict.fromkeys(texts))}


def _members(old: Sequence[Typed], new: Sequence[Typed]) -> list[Typed]:
    """A list's members, each as the very one that it was, wherever that stood, and else in the types of the one in its
    place: where one is put in at the front, those behind it are not taken for changed."""
    was, now = list(map(_bytes, old)), list(map(_bytes, new))
    made = {place: old[place] for place in range(min(len(old), len(new))) if was[place] == now[place]}
    free: dict[bytes, list[int]] = {}
    for place in range(len(old) - 1, -1, -1):
        if place not in made:
            free.setdefault(was[place], []).append(place)
    taken = set(made)
    for place, each in enumerate(now):
        if place not in made and free.get(each):
            taken.add(source := free[each].pop())
            made[place] = old[source]
    for place, value in enumerate(new):
        if place not in made:
            made[place] = _shaped(old[place], value) if place < len(old) and place not in taken else value
    return [made[place] for place in range(len(new))]


def _bytes(value: Typed) -> bytes:
    return canonical_json(document_value(value))


def _is_base64(text: str) -> bool:
    """Whether it is how a document spells binary."""
    try:
        return b64encode(b64decode(text, validate=True)).decode() == text
    except (Base64Error, ValueError):
        return False
