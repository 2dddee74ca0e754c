"""Projections: a record as an item, an item as a document, an item as plain values.

Items travel as typed DynamoDB values and never through floats: 38-digit numbers, sets, binary, empty strings and
nulls survive.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from typing import Any

import msgspec

from tattoo_data.model.canonical import canonical_json, canonical_number, canonical_object, canonical_value, padded
from tattoo_data.model.entry import Blob, Entry
from tattoo_data.model.keys import SORT_KEY, index_keys, item_key_of, record_key, record_of
from tattoo_data.model.records import Image, Kind, Record

_MAX_DIGITS = 38
_decode = msgspec.json.Decoder().decode
_decode_attributes = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def typed(value: object) -> dict[str, Any]:
    """A plain value as a typed DynamoDB value in canonical form: JSON's, bytes, and sets of strings, numbers or bytes.

    Raises ValueError for any other, a float, an empty or mixed set, and a number of more than 38 digits.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _exact_number(value)}
        case list() | tuple():
            return {"L": [typed(member) for member in value]}
        case Mapping():
            return {"M": {str(name): typed(member) for name, member in value.items()}}
        case bytes():
            return {"B": b64encode(value).decode()}
        case Set():
            return _typed_set(value)
    raise ValueError(f"{value!r} ({type(value).__name__}) is no value of DynamoDB")


def _typed_set(value: Set[object]) -> dict[str, Any]:
    members = [typed(member) for member in value]
    tags = {tag for member in members for tag in member}
    if len(tags) != 1 or not tags <= {"S", "N", "B"}:
        raise ValueError(f"{value!r} is no set of DynamoDB: it has strings only, numbers only, or bytes only")
    (tag,) = tags
    return canonical_value({f"{tag}S": [member[tag] for member in members]})


def item_of(record: Record) -> Entry:
    """A record as the table's entry: its fields at top level, its keys beside them, in canonical bytes."""
    key = record_key(record.kind, record.id)
    item = {name: typed(value) for name, value in record.fields.items() if is_field(name)}
    item |= {name: {"S": value} for name, value in index_keys(record.kind, record.fields).items()}
    return Entry(key, canonical_json(item | _decode(key)))


def image_entry(image: Image) -> Entry:
    """An image as the image store's entry; its body is read when it is written."""

    def load() -> Blob:
        return Blob(image.read(), image.content_type)

    return Entry(image.key, canonical_object(image.md5, image.size), load=load)


def document_of(item: Entry) -> Entry | None:
    """The document of an artist's item; None for every other item.

    Every attribute but PK, SK, gsi* and `location`, plus `location {lat, lon}` where latitude and longitude are
    both valid. A set becomes a sorted array, binary its base64, a number a JSON number with all its digits.
    Raises ValueError where the item is no DynamoDB JSON.
    """
    record = record_of(item.key)
    if record is None or record.kind is not Kind.ARTIST:
        return None
    attributes = _decode_attributes(item.body)
    document = {name: document_value(value) for name, value in attributes.items() if is_projected(name)}
    if location := _location(attributes):
        document["location"] = location
    return Entry(record.id, canonical_json(document))


def record_fields(body: bytes) -> dict[str, Any]:
    """The fields of an item's record as plain values: keys left out, numbers as int or Decimal, sets as lists."""
    attributes = _decode_attributes(body)
    return {name: _plain(value) for name, value in attributes.items() if is_field(name)}


def record_from_item(body: bytes) -> Record | None:
    """The record that an item holds; None for every other item."""
    found = record_of(item_key_of(body))
    if found is None:
        return None
    return Record(kind=found.kind, fields=record_fields(body) | {found.kind.id_field: found.id})


def moved_key(key: str) -> str | None:
    """The METADATA key of a record that an item of the Node tools holds under another; None for every other."""
    found = record_of(key)
    return record_key(found.kind, found.id) if found and found.sort_key != SORT_KEY else None


def _exact_number(value: int | Decimal) -> str:
    text = canonical_number(str(value))
    if "E" in text:
        raise ValueError(f"{value} is out of DynamoDB's range")
    if len(text.lstrip("-").replace(".", "").strip("0")) > _MAX_DIGITS:
        raise ValueError(f"{value} has more than the {_MAX_DIGITS} digits that DynamoDB keeps")
    return text


def is_field(name: str) -> bool:
    """Whether an attribute is a field of the record, and no key."""
    return name not in ("PK", "SK") and not name.startswith("gsi")


def is_projected(name: str) -> bool:
    """Whether an attribute is in the document as it is."""
    return name != "location" and is_field(name)


def location_of(fields: Mapping[str, object]) -> bytes | None:
    """The `location` of a record's fields in canonical bytes, where latitude and longitude are both valid."""
    degrees = {name: typed(fields[name]) for name in ("latitude", "longitude") if name in fields}
    location = _location(degrees)
    return canonical_json(location) if location else None


def _location(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    latitude = _degrees(attributes.get("latitude"), 90)
    longitude = _degrees(attributes.get("longitude"), 180)
    return {"lat": latitude, "lon": longitude} if latitude and longitude else None


def _degrees(value: Mapping[str, Any] | None, limit: int) -> msgspec.Raw | None:
    if not value or "N" not in value or abs(Decimal(value["N"])) > limit:
        return None
    return _number(value["N"])


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(canonical_number(text).encode())


def document_value(value: Mapping[str, Any]) -> object:
    """A typed value as a document has it. Raises ValueError where it is no DynamoDB value."""
    ((tag, inner),) = value.items()
    match tag:
        case "S" | "BOOL":
            return inner
        case "N":
            return _number(inner)
        case "NULL":
            return None
        case "B":
            return padded(inner)
        case "L":
            return [document_value(member) for member in inner]
        case "M":
            return {name: document_value(member) for name, member in inner.items()}
        case "SS":
            return sorted(inner)
        case "BS":
            return sorted(map(padded, inner))
        case "NS":
            return [_number(member) for member in sorted(inner, key=Decimal)]
    raise ValueError(f"{tag!r} is not a type of DynamoDB")


def _plain(value: Mapping[str, Any]) -> object:
    ((tag, inner),) = value.items()
    match tag:
        case "N":
            return plain_number(inner)
        case "L":
            return [_plain(member) for member in inner]
        case "M":
            return {name: _plain(member) for name, member in inner.items()}
        case "NS":
            return [plain_number(member) for member in sorted(inner, key=Decimal)]
    return document_value(value)


def plain_number(text: str) -> int | Decimal:
    """A number of DynamoDB, all its digits kept."""
    plain = canonical_number(text)
    return Decimal(plain) if "." in plain else int(plain)


def documents_of(items: Iterator[Entry]) -> Iterator[Entry]:
    """The documents of all artists among `items`."""
    for item in items:
        document = document_of(item)
        if document is not None:
            yield document
