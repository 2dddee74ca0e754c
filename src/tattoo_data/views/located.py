"""Located: what a key means, and what the live stores hold under it. Read-only.

A key is what a person has at hand: the id of a record, an item's PK, PK and SK, the `_id` of a document, the key or url
of an image. Whatever it may mean is asked of each store by its whole key; nothing is scanned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from urllib.parse import unquote

from tattoo_data.environment import Environment
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import NODE_SORT_KEY, SORT_KEY, item_key, item_key_of, record_key, record_of, split_item_key
from tattoo_data.model.records import Kind
from tattoo_data.settings import Settings

_SORT_KEYS = (SORT_KEY, NODE_SORT_KEY)
#: How the application's stream function calls the document of an artist.
_FOREIGN = "ARTIST#"
#: How many bytes a part of a key can have at all: longer ones are refused, not merely absent.
_PK_BYTES, _SK_BYTES, _ID_BYTES, OBJECT_BYTES = 2048, 1024, 512, 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """All keys that a text may mean, by store; `partition` is how the key of every item begins whose PK it is."""

    text: str
    items: frozenset[str]
    documents: frozenset[str]
    images: frozenset[str]
    partition: str

    def matches(self, store: StoreName, key: str) -> bool:
        """Whether an entry is one that is meant."""
        if store is StoreName.TABLE:
            return key in self.items or key.startswith(self.partition)
        return key in (self.documents if store is StoreName.INDEX else self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What the live stores hold of it."""

    items: tuple[Entry, ...] = ()
    documents: tuple[Entry, ...] = ()
    images: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items or self.documents or self.images)

    @property
    def entries(self) -> Iterator[tuple[StoreName, Entry]]:
        """All of it, each with its store."""
        stores = zip(StoreName, (self.items, self.documents, self.images), strict=True)
        return ((name, entry) for name, entries in stores for entry in entries)


def image_base(settings: Settings) -> str:
    """What the url of an image in the target's bucket begins with."""
    return f"{settings.images_base_url}/{settings.image_bucket}/"


def seek(settings: Settings, text: str) -> Sought:
    """What a text may mean. Pure."""
    items = frozenset(_item_keys(text))
    records = [record for key in items if (record := record_of(key)) is not None and record.kind is Kind.ARTIST]
    ids = {text, *(record.id for record in records)}
    documents = ids | {f"{_FOREIGN}{each}" for each in ids if not each.startswith(_FOREIGN)}
    image = text.removeprefix(image_base(settings))
    return Sought(
        text=text,
        items=items,
        documents=_fitting(documents, _ID_BYTES),
        images=_fitting({image, unquote(image)}, OBJECT_BYTES),
        partition=f'{{"PK":{{"S":{canonical_json(text).decode()}}},"SK":',
    )


def locate(env: Environment, sought: Sought) -> Located:
    """What the stores hold under these keys. The index is asked for an `_id` whatever routing it was written with."""
    return Located(
        items=_sorted(env.stores.table.get(sorted(sought.items))),
        documents=_sorted(documents_of(env, sought.documents)),
        images=_sorted(env.stores.images.get(sorted(sought.images))),
    )


def documents_of(env: Environment, ids: Iterable[str]) -> list[Entry]:
    """The documents of these ids."""
    wanted = sorted(ids)
    found = env.stores.index.get(wanted)
    missing = sorted(set(wanted) - {entry.key for entry in found})
    routing = _routing(env, missing) if missing else {}
    return found + (env.stores.index.get(sorted(routing), routing) if routing else [])


def _routing(env: Environment, ids: list[str]) -> dict[str, str]:
    """The routing of those documents that were written with one: only a search finds them without it."""
    env.stores.index.settle()
    body = {"query": {"ids": {"values": ids}}, "_source": False, "size": len(ids)}
    hits = env.index.search(body)["hits"]["hits"]
    return {hit["_id"]: hit["_routing"] for hit in hits if hit.get("_routing") is not None}


def _item_keys(text: str) -> Iterator[str]:
    """The keys of items that a text may name: a record's id, a PK, PK/SK wherever the slash is, or the key as JSON."""
    ids = (split_item_key(record_key(kind, text, sort_key)) for kind in Kind for sort_key in _SORT_KEYS)
    partition = ((text, sort_key) for sort_key in _SORT_KEYS)
    slashes = (place for place, each in enumerate(text) if each in "/ ")
    pairs = ((text[:place], text[place + 1 :]) for place in slashes if 0 < place < len(text) - 1)
    for pk, sk in chain(ids, partition, pairs):
        if len(pk.encode()) <= _PK_BYTES and len(sk.encode()) <= _SK_BYTES:
            yield item_key(pk, sk)
    if text.startswith("{"):
        try:
            yield item_key_of(text.encode())
        except ValueError:
            return  # it begins as JSON does, and is none


def _fitting(names: Iterable[str], size: int) -> frozenset[str]:
    return frozenset(name for name in names if name and len(name.encode()) <= size)


def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.key))
