"""Structure: the table's keys and indexes, the index's mapping and settings, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: name -> (partition key, sort key or None); every one projects ALL.
SECONDARY_INDEXES: Mapping[str, tuple[str, str | None]] = {
    "style-geohash-index": ("gsi1pk", "gsi1sk"),
    "artist-name-index": ("gsi2pk", "gsi2sk"),
    "instagram-index": ("gsi3pk", None),
}
STREAM_VIEW = "NEW_AND_OLD_IMAGES"
#: The mark of an index that this tool built and may therefore remove when it was left over.
BUILT_MARK = "tattoo-data"

# Lucene takes terms of at most 32,766 bytes: a longer one would keep its whole document out of the index.
_KEYWORD = {"type": "keyword", "ignore_above": 8191}
_DATE = {"type": "date", "ignore_malformed": True}
_FLOAT = {"type": "float", "ignore_malformed": True}
_INTEGER = {"type": "integer", "ignore_malformed": True}
_BOOLEAN = {"type": "boolean"}
_TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_STORED_ONLY = {"type": "object", "enabled": False}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": dict(properties)}


def _mapping() -> dict[str, Any]:
    keywords = ("artistId", "studioId", "instagramHandle", "styles", "specialties", "geohash", "locationCity")
    properties: dict[str, Any] = dict.fromkeys(keywords, _KEYWORD)
    properties |= dict.fromkeys(("artistName", "locationDisplay", "bio"), _TEXT)
    properties |= dict.fromkeys(("latitude", "longitude", "rating"), _FLOAT)
    properties |= dict.fromkeys(("createdAt", "updatedAt"), _DATE)
    properties |= dict.fromkeys(("contactInfo", "portfolioImages", "socialMedia"), _STORED_ONLY)
    properties |= {
        "location": {"type": "geo_point", "ignore_malformed": True},
        "reviewCount": _INTEGER,
        "studioInfo": _object(studioName=_TEXT, address={"type": "text"}, postcode=_KEYWORD),
        "experience": _object(yearsActive=_INTEGER, apprenticeshipCompleted=_BOOLEAN),
        "pricing": _object(hourlyRate=_INTEGER, minimumCharge=_INTEGER, currency=_KEYWORD),
        "availability": _object(bookingOpen=_BOOLEAN, waitingList=_BOOLEAN, nextAvailable=_DATE),
    }
    return {"dynamic": False, "properties": properties}


#: The index's mapping (formats.md 7). No attribute outside it can keep an artist out of search.
INDEX_MAPPING: Mapping[str, Any] = _mapping()


def key_schema(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    """A DynamoDB KeySchema."""
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    if range_key:
        keys.append({"AttributeName": range_key, "KeyType": "RANGE"})
    return keys


def secondary_index(name: str) -> dict[str, Any]:
    """The DynamoDB definition of one of the secondary indexes."""
    keys = key_schema(*SECONDARY_INDEXES[name])
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}


def table_definition(name: str, like: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What CreateTable takes. With `like`, another table's `table_structure`, the table also has the indexes that that
    one has besides ours, and its view of the stream."""
    like = like or {}
    further = [each for each in like.get("GlobalSecondaryIndexes", ()) if each["IndexName"] not in SECONDARY_INDEXES]
    local = list(like.get("LocalSecondaryIndexes", ()))
    parts = ["PK", "SK", *(part for pair in SECONDARY_INDEXES.values() for part in pair if part)]
    types = dict.fromkeys(parts, "S")
    known = {each["AttributeName"]: each["AttributeType"] for each in like.get("AttributeDefinitions", ())}
    for index in (*further, *local):
        types |= {key["AttributeName"]: known[key["AttributeName"]] for key in index["KeySchema"]} | types
    ours = {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}
    return {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": part, "AttributeType": type_} for part, type_ in types.items()],
        "KeySchema": key_schema("PK", "SK"),
        "GlobalSecondaryIndexes": [*map(secondary_index, SECONDARY_INDEXES), *further],
        **({"LocalSecondaryIndexes": local} if local else {}),
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": like.get("StreamSpecification", ours),
    }


def table_structure(live: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateTable takes to make a live table (DescribeTable's `Table`) anew: keys, attributes, indexes, stream and
    billing, without its name."""
    stream = live.get("StreamSpecification") or {}
    definition: dict[str, Any] = {
        "AttributeDefinitions": sorted(live.get("AttributeDefinitions", ()), key=lambda each: each["AttributeName"]),
        "KeySchema": live["KeySchema"],
        **_indexes(live, "GlobalSecondaryIndexes"),
        **_indexes(live, "LocalSecondaryIndexes"),
        "BillingMode": (live.get("BillingModeSummary") or {}).get("BillingMode", "PAY_PER_REQUEST"),
    }
    if stream.get("StreamEnabled"):
        definition["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.get("StreamViewType")}
    return definition


def _indexes(live: Mapping[str, Any], kind: str) -> dict[str, Any]:
    parts = ("IndexName", "KeySchema", "Projection")
    there = sorted(live.get(kind) or (), key=lambda index: str(index["IndexName"]))
    return {kind: [{part: index[part] for part in parts} for index in there]} if there else {}


def mapping_like(structure: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping of an index that is to be made like another: that one's, where it holds all of ours."""
    mapping: Mapping[str, Any] = structure.get("mappings", {})
    return INDEX_MAPPING if mapping_difference(mapping) else mapping


#: What an engine says of an index that would be another in a new one (formats.md 4).
_INDEX_OWN = ("uuid", "creation_date", "provided_name", "version", "blocks")


def index_structure(live: Mapping[str, Any]) -> dict[str, Any]:
    """How an index is made, from the engine's account of it: its mapping, settings and aliases."""
    settings = {
        name: value for name, value in live.get("settings", {}).get("index", {}).items() if name not in _INDEX_OWN
    }
    mapping = {name: value for name, value in live.get("mappings", {}).items() if name != "_meta"}
    return {"mappings": mapping, "settings": {"index": settings}, "aliases": live.get("aliases", {})}


def table_difference(live: Mapping[str, Any]) -> list[str]:
    """What of a live table (DescribeTable's `Table`) cannot be mended in place, in words; empty when nothing."""
    types = {each["AttributeName"]: each["AttributeType"] for each in live.get("AttributeDefinitions", ())}
    found = list(_key_difference("the table", live["KeySchema"], key_schema("PK", "SK"), types))
    for index in live.get("GlobalSecondaryIndexes") or ():
        if wanted := SECONDARY_INDEXES.get(index["IndexName"]):
            name = f"the index {index['IndexName']}"
            found += _key_difference(name, index["KeySchema"], key_schema(*wanted), types)
    return found


def missing_indexes(live: Mapping[str, Any], definition: Mapping[str, Any]) -> list[str]:
    """The secondary indexes of a table's definition that a live one lacks."""
    there = {index["IndexName"] for index in live.get("GlobalSecondaryIndexes") or ()}
    names = (str(index["IndexName"]) for index in definition["GlobalSecondaryIndexes"])
    return [name for name in names if name not in there]


def lacks_stream(live: Mapping[str, Any]) -> bool:
    """Whether a live table has no stream at all. One with another view is the application's choice."""
    return not (live.get("StreamSpecification") or {}).get("StreamEnabled", False)


def mapping_difference(live: Mapping[str, Any], wanted: Mapping[str, Any] = INDEX_MAPPING) -> list[str]:
    """Where a live mapping lacks or contradicts `wanted`, as dotted paths; one that holds all of it and more
    does not differ."""
    found = [] if _dynamic(live) == _dynamic(wanted) else [f"dynamic is {_dynamic(live)}"]
    return found + list(_property_difference("", live.get("properties", {}), wanted["properties"]))


def _dynamic(mapping: Mapping[str, Any]) -> str:
    return str(mapping.get("dynamic", "true")).lower()


def _property_difference(path: str, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for name, field in wanted.items():
        there = live.get(name)
        if there is None:
            yield f"{path}{name} is not mapped"
            continue
        for option, value in field.items():
            if option in ("properties", "fields"):
                yield from _property_difference(f"{path}{name}.", there.get(option, {}), value)
            elif _differs(there, option, value):
                yield f"{path}{name}: {option} is {there.get(option)}, not {value}"


def _differs(there: Mapping[str, Any], option: str, value: object) -> bool:
    default = "object" if option == "type" else None
    return str(there.get(option, default)).lower() != str(value).lower()


def _key_difference(
    what: str, live: list[dict[str, str]], wanted: list[dict[str, str]], types: Mapping[str, str]
) -> Iterator[str]:
    spelled = _spell_keys(live, types)
    expected = _spell_keys(wanted, {})
    if spelled != expected:
        yield f"{what} has the keys {spelled}, not {expected}"


def _spell_keys(schema: list[dict[str, str]], types: Mapping[str, str]) -> str:
    ordered = sorted(schema, key=lambda key: key["KeyType"])
    return ", ".join(
        f"{key['AttributeName']} ({types.get(key['AttributeName'], 'S')}, {key['KeyType'].lower()})" for key in ordered
    )
