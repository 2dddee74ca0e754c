"""Keys: how the application's single table names its items, and which of them are records.

The names and forms are those of the application's own data layer, whose queries must find what is seeded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.records import Kind

SORT_KEY = "METADATA"
#: The sort key under which the Node tools wrote the same records.
NODE_SORT_KEY = "PROFILE"
SHARDS = 10

_PREFIX = {Kind.ARTIST: "ARTIST#", Kind.STUDIO: "STUDIO#", Kind.STYLE: "STYLE#"}
_KIND = {prefix: kind for kind, prefix in _PREFIX.items()}
_NOT_IN_NAME_KEY = re.compile(r"[^a-z0-9]")


class _Text(msgspec.Struct, gc=False):
    S: str


class _Key(msgspec.Struct, gc=False):
    PK: _Text
    SK: _Text


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The key of an item that is a record."""

    kind: Kind
    id: str
    sort_key: str


_decode_key = msgspec.json.Decoder(_Key).decode
_encode_key = msgspec.json.Encoder().encode
#: How an item begins whose attributes are sorted, as ours are. What is not escaped is canonical already.
_KEY_FIRST = re.compile(rb'\{"PK": ?\{"S": ?"([^"\\]*)"\}, ?"SK": ?\{"S": ?"([^"\\]*)"\}[,}]')


def item_key(pk: str, sk: str) -> str:
    """The key of an item as an entry has it: the canonical JSON of PK and SK."""
    return canonical_json({"PK": {"S": pk}, "SK": {"S": sk}}).decode()


def item_key_of(body: bytes) -> str:
    """The key of the item in `body` (DynamoDB JSON). Raises ValueError where PK or SK is missing or no string."""
    if key := _KEY_FIRST.match(body):
        return (b'{"PK":{"S":"%s"},"SK":{"S":"%s"}}' % key.groups()).decode()
    return _encode_key(_decode_key(body)).decode()


def split_item_key(key: str) -> tuple[str, str]:
    """PK and SK of an item's key."""
    parts = _decode_key(key)
    return parts.PK.S, parts.SK.S


def record_key(kind: Kind, record_id: str, sort_key: str = SORT_KEY) -> str:
    """The key of a record's item."""
    return item_key(_PREFIX[kind] + record_id, sort_key)


def artist_keys(ids: Iterable[str]) -> list[str]:
    """The keys of artists' items in both forms: of each artist the application's, then the Node tools'."""
    return [record_key(Kind.ARTIST, each, form) for each in ids for form in (SORT_KEY, NODE_SORT_KEY)]


def record_of(key: str) -> RecordKey | None:
    """Which record an item's key names; None for every other item."""
    pk, sk = split_item_key(key)
    prefix, separator, record_id = pk.partition("#")
    kind = _KIND.get(prefix + separator)
    if kind is None or not record_id or sk not in (SORT_KEY, NODE_SORT_KEY):
        return None
    return RecordKey(kind, record_id, sk)


def index_keys(kind: Kind, fields: Mapping[str, object]) -> dict[str, str]:
    """The attributes that put a record into the table's secondary indexes; a key part that is unknown is left out.

    DynamoDB leaves an item without both parts out of that index, and refuses one whose part is an empty string.
    """
    pairs = {
        Kind.ARTIST: _artist_index_keys,
        Kind.STUDIO: _studio_index_keys,
        Kind.STYLE: _style_index_keys,
    }[kind](fields)
    return {name: value for name, value in pairs.items() if value}


def shard(artist_id: str) -> int:
    """The shard of an artist, 0 to 9. The application draws it at random and asks all ten; ours is a hash of the
    id, so that the same record always gives the same item."""
    return int.from_bytes(hashlib.sha256(artist_id.encode()).digest()[:8], "big") % SHARDS


def _artist_index_keys(fields: Mapping[str, object]) -> dict[str, str]:
    artist_id = str(fields["artistId"])
    styles = fields.get("styles")
    style = str(styles[0]).lower() if isinstance(styles, list | tuple) and styles else ""
    name = _NOT_IN_NAME_KEY.sub("", str(fields.get("artistName", "")).lower())
    handle = str(fields.get("instagramHandle") or "").lower().removeprefix("@")
    geohash = fields.get("geohash")
    return {
        "gsi1pk": f"STYLE#{style}#SHARD#{shard(artist_id)}" if style else "",
        "gsi1sk": f"GEOHASH#{geohash}#ARTIST#{artist_id}" if geohash else "",
        "gsi2pk": f"ARTISTNAME#{name}",
        "gsi2sk": f"ARTIST#{artist_id}",
        "gsi3pk": f"INSTAGRAM#{handle}" if handle else "",
    }


def _studio_index_keys(fields: Mapping[str, object]) -> dict[str, str]:
    name, geohash, postcode = (str(fields.get(field) or "") for field in ("studioName", "geohash", "postcode"))
    return {
        "gsi1pk": f"LOCATION#{geohash}" if geohash else "",
        "gsi1sk": name,
        "gsi2pk": f"POSTCODE#{postcode}" if postcode else "",
        "gsi2sk": name,
    }


def _style_index_keys(fields: Mapping[str, object]) -> dict[str, str]:
    difficulty = fields.get("difficulty")
    return {
        "gsi1pk": f"STYLE_CATEGORY#{difficulty}" if difficulty else "",
        "gsi1sk": str(fields.get("styleName") or ""),
    }
