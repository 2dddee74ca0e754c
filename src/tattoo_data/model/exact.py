"""Exact: the fields of an item as plain values and back, with nothing lost on either way.

A string set is a set of str, a number set of int and Decimal, a binary set of bytes; binary is bytes, a number an int
or a Decimal, as boto3 has them. `record_fields` gives JSON values instead, where a set is a list.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from tattoo_data.model.canonical import canonical_item, canonical_json, canonical_value, padded
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import is_field, plain_number, typed

#: No double needs more significant digits to be told from all others (IEEE 754).
DIGITS_OF_DOUBLE = 17
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def exact_fields(body: bytes) -> dict[str, Any]:
    """The fields of the item in `body` (DynamoDB JSON), its keys left out. Raises ValueError where it is none."""
    return {name: exact_value(value) for name, value in _decode_item(body).items() if is_field(name)}


def item_with(item: Entry, changes: Mapping[str, Any]) -> Entry:
    """The item with other attributes, in canonical bytes; `None` for one takes it away, and one that is not named stays
    as it is, byte for byte. Values are typed: `{"S": "..."}`."""
    attributes: dict[str, Any] = _decode_item(canonical_item(item.body))
    for name, value in changes.items():
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = canonical_value(value)
    return Entry(item.key, canonical_json(attributes))


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """The fields that differ between two forms of one record, as `item_with` takes them. Raises ValueError for a value
    that an item cannot hold."""
    if _is_like(before, after):
        return {}
    changes: dict[str, dict[str, Any] | None] = {name: None for name in before if name not in after}
    for name, value in after.items():
        if name in before and _is_like(before[name], value):
            continue
        new = typed(value)
        if name not in before or not _is_same(typed(before[name]), new):
            changes[name] = new
    return changes


def exact_value(value: Mapping[str, Any]) -> Any:
    """One typed value as a plain one. Raises ValueError where it is no DynamoDB value."""
    ((tag, inner),) = value.items()
    match tag:
        case "S" | "BOOL":
            return inner
        case "NULL":
            return None
        case "N":
            return plain_number(inner)
        case "B":
            return _binary(inner)
        case "L":
            return [exact_value(member) for member in inner]
        case "M":
            return {name: exact_value(member) for name, member in inner.items()}
        case "SS":
            return set(inner)
        case "NS":
            return set(map(plain_number, inner))
        case "BS":
            return set(map(_binary, inner))
    raise ValueError(f"{tag!r} is not a type of DynamoDB")


def _binary(text: str) -> bytes:
    return b64decode(padded(text))


def _is_like(one: object, other: object) -> bool:
    """Whether two values surely are the same, at a tenth of what typing both costs. Python calls True and 1 equal, JSON
    a text and a Decimal, and none of these two both."""
    try:
        return one == other and _encode(one) == _encode(other)
    except TypeError:
        return False


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one == other or canonical_json(canonical_value(one)) == canonical_json(canonical_value(other))
