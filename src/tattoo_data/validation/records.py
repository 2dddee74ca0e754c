"""Records: one artist, studio or style held against its rules, as a file, an item or a document has it. Pure.

What is right is seen by decoding it as the types that its fields have, in C; only what is not is walked through in
Python, where every problem gets its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from tattoo_data.model.canonical import canonical_number, padded
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import NODE_SORT_KEY, RecordKey, index_keys, record_of
from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Problem
from tattoo_data.validation.rules.cross import INDEX_KEY, NODE_KEY, OTHER_ID, SHARD
from tattoo_data.validation.rules.entity import Facts, text, texts
from tattoo_data.validation.rules.every import ENTITIES
from tattoo_data.validation.rules.shared import Fields
from tattoo_data.validation.rules.stores import LOCATION, NO_SOURCE, SHAPE, UNREADABLE
from tattoo_data.validation.shapes import Binary

KEYS = ("PK", "SK")
INDEX_KEYS = ("gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3pk")
_SHARD = "#SHARD#"
#: How the ids of documents begin that the application's stream function writes.
FOREIGN = "ARTIST#"
#: What decoding raises for a body that is none, or not of the fields' types.
UNDECODED = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one record: its problems, and where it is one, what it says of others."""

    facts: Facts | None
    problems: list[Problem]


OTHER = Checked(None, [])


class _Text(msgspec.Struct, gc=False):
    S: str


class _Location(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    lat: float
    lon: float


_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode
decode_plain: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=Decimal).decode


def check_item(item: Entry) -> Checked:
    """An item of the table. One that is no record has no problems and no facts."""
    record = record_of(item.key)
    if record is None:
        return OTHER
    entity = ENTITIES[record.kind]
    try:
        fine = _DECODE_ITEM[record.kind](item.body)
    except UNDECODED:
        return _item_slowly(item, record)
    facts = entity.facts(fine, _inner)
    if (
        facts.id != record.id
        or record.sort_key == NODE_SORT_KEY
        or not entity.is_fine(fine, _inner)
        or not _has_right_keys(fine, record.kind, facts)
    ):
        return _item_slowly(item, record)
    return Checked(facts, [])


def check_document(document: Entry) -> Checked:
    """A document of the index."""
    try:
        fine = _decode_document(document.body)
    except UNDECODED:
        return _document_slowly(document)
    entity = ENTITIES[Kind.ARTIST]
    facts = entity.facts(fine, _same)
    if facts.id != document.key or not entity.is_fine(fine, _same) or not _has_right_location(fine):
        return _document_slowly(document)
    return Checked(facts, [])


def check_plain(kind: Kind, body: bytes) -> Checked:
    """A record of a file, in JSON. Raises one of `UNDECODED` where it is no JSON."""
    entity = ENTITIES[kind]
    try:
        fine = _DECODE_PLAIN[kind](body)
    except UNDECODED:
        return check_fields(kind, decode_plain(body))
    if not entity.is_fine(fine, _same):
        return check_fields(kind, decode_plain(body))
    return Checked(entity.facts(fine, _same), [])


def check_fields(kind: Kind, fields: Mapping[str, object]) -> Checked:
    """A record of plain values, numbers as int and Decimal; the keys that the Node tool's exports have beside them are
    held against it."""
    own = {name: value for name, value in fields.items() if name not in KEYS and name not in INDEX_KEYS}
    problems = list(ENTITIES[kind].problems(own))
    facts = _facts_of(kind, own)
    if isinstance(fields.get("PK"), str):
        record = RecordKey(kind, str(fields["PK"]).partition("#")[2], text(fields.get("SK")))
        given = {name: fields[name] for name in INDEX_KEYS if name in fields}
        problems += _key_problems(record, facts, own, given)
    return Checked(facts, problems)


def plain_value(value: Mapping[str, Any]) -> object:
    """A typed DynamoDB value as a plain one, binary told from text. Raises ValueError where it is none."""
    ((tag, inner),) = value.items()
    match tag:
        case "S" | "BOOL":
            return inner
        case "N":
            return _number(inner)
        case "NULL":
            return None
        case "B":
            return Binary(padded(inner))
        case "L":
            return [plain_value(member) for member in inner]
        case "M":
            return {name: plain_value(member) for name, member in inner.items()}
        case "SS":
            return sorted(inner)
        case "BS":
            return [Binary(padded(member)) for member in sorted(inner)]
        case "NS":
            return [_number(member) for member in sorted(inner, key=Decimal)]
    raise ValueError(f"{tag!r} is not a type of DynamoDB")


def _number(digits: str) -> int | Decimal:
    plain = canonical_number(digits)
    return Decimal(plain) if "." in plain else int(plain)


# Slowly, with names.


def _item_slowly(item: Entry, record: RecordKey) -> Checked:
    try:
        attributes = {name: plain_value(value) for name, value in _decode_item(item.body).items()}
    except (*UNDECODED, TypeError, AttributeError) as error:
        return Checked(None, [Problem(UNREADABLE, "", None, _first_line(error))])
    own = {name: value for name, value in attributes.items() if name not in KEYS and name not in INDEX_KEYS}
    facts = _facts_of(record.kind, own, record.id)
    problems = list(ENTITIES[record.kind].problems(own))
    given = {name: attributes[name] for name in INDEX_KEYS if name in attributes}
    return Checked(facts, problems + list(_key_problems(record, facts, own, given)))


def _document_slowly(document: Entry) -> Checked:
    if document.body.strip() == b"null":
        return Checked(None, [Problem(NO_SOURCE)])
    try:
        fields = decode_plain(document.body)
    except UNDECODED as error:
        return Checked(None, [Problem(UNREADABLE, "", None, _first_line(error))])
    if not isinstance(fields, dict):
        return Checked(None, [Problem(UNREADABLE, "", fields, "it is no object")])
    if document.key.startswith(FOREIGN):
        return Checked(None, [Problem(SHAPE, "", document.key)])
    location = fields.pop("location", None)
    problems = list(ENTITIES[Kind.ARTIST].problems(fields))
    facts = _facts_of(Kind.ARTIST, fields, document.key)
    if isinstance(fields.get("artistId"), str) and fields["artistId"] != document.key:
        problems.append(Problem(OTHER_ID, "artistId", fields["artistId"], f"its _id is {document.key}"))
    problems += _location_problems(fields, location)
    return Checked(facts, problems)


def _facts_of(kind: Kind, fields: Fields, key_id: str = "") -> Facts:
    """What is known of a record whose fields may be of any type; its key names it, where it has one."""
    studio = fields.get("studioInfo")
    return Facts(
        kind=kind,
        id=key_id or text(fields.get(kind.id_field)),
        handle=text(fields.get("instagramHandle")) if kind is Kind.ARTIST else "",
        studio=text(studio.get("studioId")) if kind is Kind.ARTIST and isinstance(studio, Mapping) else "",
        styles=texts(fields.get("styles")) if kind is Kind.ARTIST else (),
        artists=texts(fields.get("artists")) if kind is Kind.STUDIO else (),
    )


def _key_problems(record: RecordKey, facts: Facts, fields: Fields, given: Mapping[str, object]) -> Iterator[Problem]:
    kind = record.kind
    own_id = fields.get(kind.id_field)
    if isinstance(own_id, str) and own_id != record.id:
        yield Problem(OTHER_ID, kind.id_field, own_id, f"its key says {record.id}")
    if record.sort_key == NODE_SORT_KEY:
        yield Problem(NODE_KEY, "SK", record.sort_key)
    if not isinstance(own_id, str):
        return
    wanted = index_keys(kind, fields)
    for name in INDEX_KEYS:
        there, right = given.get(name), wanted.get(name)
        if there == right:
            continue
        if name == "gsi1pk" and _differ_in_shard(there, right):
            yield Problem(SHARD, name, there, f"ours is {right}")
        else:
            yield Problem(INDEX_KEY, name, there, f"the record gives {right}" if right else "the record gives none")


def _differ_in_shard(there: object, right: str | None) -> bool:
    if not isinstance(there, str) or not right or _SHARD not in right:
        return False
    style, _, number = there.rpartition(_SHARD)
    return style == right.rpartition(_SHARD)[0] and number.isascii() and number.isdigit() and len(number) == 1


def _location_problems(fields: Fields, location: object) -> Iterator[Problem]:
    latitude, longitude = (_degrees(fields.get(name), limit) for name, limit in _LIMITS)
    right = None if latitude is None or longitude is None else {"lat": latitude, "lon": longitude}
    if location != right:
        yield Problem(LOCATION, "location", location)


_LIMITS = (("latitude", 90), ("longitude", 180))


def _degrees(value: object, limit: int) -> int | Decimal | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and -limit <= value <= limit:
        return value
    return None


def _first_line(error: BaseException) -> str:
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0]


# Quickly: whether there is nothing to name.


def _same(value: Any) -> Any:
    return value


def _inner(value: Any) -> Any:
    """What a typed value holds; None for a null and for one that is not there."""
    return None if value is None else value.inner


def _has_right_keys(item: Any, kind: Kind, facts: Facts) -> bool:
    right = index_keys(kind, _key_fields(item, kind, facts))
    there = {name: key.S for name in INDEX_KEYS if (key := getattr(item, name)) is not None}
    return right == there


def _key_fields(item: Any, kind: Kind, facts: Facts) -> dict[str, object]:
    names = _KEY_FIELDS[kind]
    return {**{name: _inner(getattr(item, name)) for name in names}, "styles": facts.styles}


#: The fields that the keys of the secondary indexes are made of, beside an artist's styles.
_KEY_FIELDS: Mapping[Kind, Iterable[str]] = {
    Kind.ARTIST: ("artistId", "artistName", "instagramHandle", "geohash"),
    Kind.STUDIO: ("studioName", "geohash", "postcode"),
    Kind.STYLE: ("styleName", "difficulty"),
}


def _has_right_location(document: Any) -> bool:
    location, latitude, longitude = document.location, document.latitude, document.longitude
    if latitude is None or longitude is None:
        return location is None
    return location is not None and location.lat == latitude and location.lon == longitude


def _item_decoder(kind: Kind) -> Callable[[bytes], Any]:
    more = [(name, _Text) for name in (*KEYS, *INDEX_KEYS)]
    # Numbers are strings in an item: they are read as the numbers that they spell.
    return msgspec.json.Decoder(ENTITIES[kind].fields.struct(typed=True, more=more), strict=False).decode


def _document_decoder() -> Callable[[bytes], Any]:
    more = [("location", _Location)]
    return msgspec.json.Decoder(ENTITIES[Kind.ARTIST].fields.struct(typed=False, more=more)).decode


def _plain_decoder(kind: Kind) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(ENTITIES[kind].fields.struct(typed=False)).decode


# Made here and not where they are used: two threads that make msgspec know a class at the same time crash it.
_DECODE_ITEM = {kind: _item_decoder(kind) for kind in Kind}
_DECODE_PLAIN = {kind: _plain_decoder(kind) for kind in Kind}
_decode_document = _document_decoder()
