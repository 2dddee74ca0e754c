"""Entries: an item, a document or an object as the engine sees it, a key and a body of bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StoreName(StrEnum):
    """The three live stores, in the order in which a state's fingerprint takes them."""

    TABLE = "table"
    INDEX = "index"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Blob:
    """The body of an object."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a store.

    | store | key | body |
    | --- | --- | --- |
    | table | canonical JSON of PK and SK | the item's DynamoDB JSON |
    | index | the document's `_id` | the document's `_source` |
    | images | the object's key | `{"md5":"...","size":...}` |

    `routing` is a document's `_routing`, where it has one. `load` reads an object's body: an image that is to be
    written has it, and one that `get` found. `version` is what `get` and `page` know of the write that made it, for
    `exchange`: only the store that gave it can read it. `modified` is when an object was written, by the store's clock.
    """

    key: str
    body: bytes
    routing: str | None = None
    load: Callable[[], Blob] | None = field(default=None, compare=False)
    version: object = field(default=None, compare=False)
    modified: datetime | None = field(default=None, compare=False)
