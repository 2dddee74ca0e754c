"""Usable: what a store can hold, as an entry in canonical bytes, and else the reason why it cannot.

Limits are DynamoDB's and OpenSearch's own. One walk over the values checks them and makes them canonical.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from tattoo_data.model.canonical import canonical_document, canonical_json, canonical_number, padded
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.model.structure import SECONDARY_INDEXES

MAX_ITEM = 400 * 1024
MAX_PK, MAX_SK = 2048, 1024
MAX_DOCUMENT_ID = 512
#: The keys of the table's indexes, every one a string: the index that each is of, and its limit in bytes.
_INDEX_KEYS: Mapping[str, tuple[str, int]] = {
    part: (index, limit)
    for index, parts in SECONDARY_INDEXES.items()
    for part, limit in zip(parts, (MAX_PK, MAX_SK), strict=True)
    if part
}
_MAX_DIGITS = 38
_EXPONENTS = range(-130, 126)
_MAX_DEPTH = 32
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ESCAPED_QUOTE = b"\\u0022"
_ESCAPE = re.compile(rb"\\(?:u0022|.)", re.DOTALL)

Item = dict[str, Any]


class Unusable(ValueError):
    """Why a record cannot be used, and in which of its attributes, the outermost first."""

    def __init__(self, reason: str, *attributes: str) -> None:
        self.reason = reason
        self.attributes = attributes
        super().__init__(f"{'.'.join(attributes)}: {reason}" if attributes else reason)


def item_entry(item: object) -> Entry:
    """The entry of an item in DynamoDB JSON, decoded; `item` is made canonical in place. Raises `Unusable`."""
    if not isinstance(item, dict):
        raise Unusable("the item is no object")
    pk, sk = _key_part(item, "PK", MAX_PK), _key_part(item, "SK", MAX_SK)
    _check_attributes(item, 0)
    _check_index_keys(item)
    body = canonical_json(item)
    if len(body) > MAX_ITEM and (size := item_size(item)) > MAX_ITEM:
        raise Unusable(f"the item has {size} bytes, and DynamoDB takes {MAX_ITEM}")
    return Entry(item_key(pk, sk), body)


def document_entry(key: object, source: bytes, routing: object = None) -> Entry:
    """The entry of a document, whose `source` is JSON. Raises `Unusable`, and a decoder's error where it is none."""
    if key is None:
        raise Unusable("the document has no _id")
    if not isinstance(key, str):
        raise Unusable("its _id is no string")
    if not key:
        raise Unusable("its _id is empty")
    if len(key.encode()) > MAX_DOCUMENT_ID:
        raise Unusable(f"its _id has over {MAX_DOCUMENT_ID} bytes")
    if routing is not None and not isinstance(routing, str):
        raise Unusable("its _routing is no text")
    if not source.lstrip().startswith(b"{"):
        raise Unusable("its _source is no object")
    body = canonical_document(source)
    if not same_names(source, body):
        raise Unusable("an object in it has the same name twice")
    return Entry(key, body, routing=routing)


def check_names(document: bytes) -> None:
    """Raise `Unusable` where a field of a document has a name that OpenSearch takes in none: it reads dots as a path,
    whose parts cannot be blank. Whether it takes the values, the engine alone can tell."""
    for name in _decode_names(document):
        parts = name.rstrip(".").split(".")
        if not name or ("." in name and not all(map(str.strip, parts))):
            raise Unusable(f"OpenSearch takes no field that is called {name!r}")


def same_names(text: bytes, body: bytes, more: int = 0) -> bool:
    """Whether nothing was dropped between `text` and `body`, its canonical bytes: of two members with one name a
    decoder keeps the last without a word. Seen from the quotes that bound strings; `text` has `more` of them."""
    if _ESCAPED_QUOTE not in text:
        return text.count(b'"') == body.count(b'"') + more
    return _bounds(text) == _bounds(body) + more


def item_size(item: Mapping[str, Any]) -> int:
    """The bytes that DynamoDB counts for an item: its names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _bounds(text: bytes) -> int:
    escapes: list[bytes] = _ESCAPE.findall(text)
    return text.count(b'"') - escapes.count(b'\\"')


def _key_part(item: Item, name: str, limit: int) -> str:
    value = item.get(name)
    text = value.get("S") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(text, str):
        raise Unusable(f"{name} is no string" if name in item else f"it has no {name}")
    if not text:
        raise Unusable(f"{name} is empty")
    if len(text) * 4 > limit and len(text.encode()) > limit:
        raise Unusable(f"{name} has over {limit} bytes")
    return text


def _check_index_keys(item: Item) -> None:
    """DynamoDB takes no item of which an index could not hold the keys; one that lacks them is only not in it."""
    for name, (index, limit) in _INDEX_KEYS.items():
        if name not in item:
            continue
        ((tag, text),) = item[name].items()
        if tag != "S":
            raise Unusable(f"a key of {index} has to be a string (S), and it is {tag}", name)
        if not text:
            raise Unusable(f"a key of {index} cannot be empty", name)
        if len(text) * 4 > limit and len(text.encode()) > limit:
            raise Unusable(f"a key of {index} has at most {limit} bytes, and it has more", name)


def _check_attributes(attributes: Item, depth: int) -> None:
    for name, value in attributes.items():
        if not name:
            raise Unusable("an attribute has no name")
        if _is_string(value):
            continue
        try:
            _check(value, depth)
        except Unusable as problem:
            raise Unusable(problem.reason, name, *problem.attributes) from None


def _check(value: object, depth: int) -> None:
    if not isinstance(value, dict) or len(value) != 1:
        raise Unusable("it is no DynamoDB value, which has one type")
    ((tag, inner),) = value.items()
    if tag == "S":
        if not isinstance(inner, str):
            raise Unusable("S is no string")
    elif tag == "N":
        value["N"] = _number(inner)
    elif tag == "M":
        _check_attributes(_object(inner), _deeper(depth))
    elif tag == "L":
        deeper = _deeper(depth)
        for member in _array(inner):
            if not _is_string(member):
                _check(member, deeper)
    else:
        rest = _REST.get(tag)
        if rest is None:
            raise Unusable(f"{tag!r} is not a type of DynamoDB")
        value[tag] = rest(inner)


def _is_string(value: object) -> bool:
    """The quick way for what nearly all values are."""
    return type(value) is dict and len(value) == 1 and type(value.get("S")) is str


def _deeper(depth: int) -> int:
    if depth >= _MAX_DEPTH:
        raise Unusable(f"it is nested more than {_MAX_DEPTH} levels deep")
    return depth + 1


def _object(inner: object) -> Item:
    if not isinstance(inner, dict):
        raise Unusable("M is no object")
    return inner


def _array(inner: object) -> list[object]:
    if not isinstance(inner, list):
        raise Unusable("a list or set is no array")
    return inner


def _number(text: object) -> str:
    if not isinstance(text, str):
        raise Unusable("N is no string")
    return _exact(text)


@lru_cache(maxsize=65_536)
def _exact(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise Unusable(f"{text[:60]!r} is no number")
    if len(text) > 1000:
        raise Unusable("the number has over 1000 characters")
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent that no decimal has
        raise Unusable(f"{text[:60]} is out of DynamoDB's range") from None
    if number and number.adjusted() not in _EXPONENTS:
        raise Unusable(f"{text[:60]} is out of DynamoDB's range")
    plain = canonical_number(text)
    if len(plain.lstrip("-").replace(".", "").strip("0")) > _MAX_DIGITS:
        raise Unusable(f"{text[:60]} has more than the {_MAX_DIGITS} digits that DynamoDB keeps")
    return plain


def _string(inner: object) -> str:
    if not isinstance(inner, str):
        raise Unusable("a member of SS is no string")
    return inner


def _binary(inner: object) -> str:
    if not isinstance(inner, str):
        raise Unusable("B is no string")
    try:
        return b2a_base64(a2b_base64(padded(inner), strict_mode=True), newline=False).decode()
    except (Base64Error, ValueError):
        raise Unusable(f"{inner[:60]!r} is no base64") from None


def _boolean(inner: object) -> bool:
    if not isinstance(inner, bool):
        raise Unusable("BOOL is neither true nor false")
    return inner


def _null(inner: object) -> bool:
    if inner is not True:
        raise Unusable("NULL is not true")
    return True


def _set_of(member: Callable[[object], str]) -> Callable[[object], list[str]]:
    def checked(inner: object) -> list[str]:
        members = sorted(map(member, _array(inner)), key=canonical_json)
        if not members:
            raise Unusable("a set is empty")
        if len(set(members)) != len(members):
            raise Unusable("a set has a member twice")
        return members

    return checked


_REST: Mapping[str, Callable[[object], object]] = {
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": _set_of(_string),
    "NS": _set_of(_number),
    "BS": _set_of(_binary),
}


def _value_size(value: Mapping[str, Any]) -> int:
    ((tag, inner),) = value.items()
    match tag:
        case "S":
            return len(inner.encode())
        case "N":
            return _number_size(inner)
        case "B":
            return len(a2b_base64(inner))
        case "SS":
            return sum(len(member.encode()) for member in inner)
        case "NS":
            return sum(map(_number_size, inner))
        case "BS":
            return sum(len(a2b_base64(member)) for member in inner)
        case "L":
            return 3 + sum(1 + _value_size(member) for member in inner)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(member) for name, member in inner.items())
    return 1


def _number_size(text: str) -> int:
    digits = len(text.lstrip("-").replace(".", "").strip("0"))
    return (digits + 1) // 2 + 1 + text.startswith("-")
