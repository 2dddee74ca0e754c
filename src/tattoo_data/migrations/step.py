"""Step: one change of the schema, as a pure function from a record to a record, and what it says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from tattoo_data.model.records import Kind

T = TypeVar("T")
#: A record's fields: str, bool, None, int, Decimal, bytes, sets of these, lists and dicts. Never a float.
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What an image file says of itself: `width` and `height` in pixels."""

    width: int
    height: int
    content_type: str


def no_picture(url: str) -> Picture | None:
    """The context's `picture` where no images can be read."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a step is given beside the record: the day (UTC), and `picture`, which gives the facts of the image behind
    a url, or None where there is no such image or it cannot be read."""

    as_of: date
    picture: Callable[[str], Picture | None] = no_picture

    def choice(self, seed: str, options: Sequence[T]) -> T:
        """One of the options, always the same for the same seed (a record's id, say)."""
        digest = hashlib.sha256(seed.encode()).digest()
        return options[int.from_bytes(digest[:8], "big") % len(options)]


Up = Callable[[Fields, Context], Fields]
Left = Callable[[Fields], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `up` gets a copy that is its own, may change it, and returns the record as it is to be; doing it twice
    is doing it once. `writes` are the fields that it may change and `reads` those that it looks at besides, all at top
    level. `mapping` has properties that the index's mapping gets. `left` says why a record is left as it is, where
    somebody should look at it. `path` is the file that it is in."""

    id: str
    version: str
    description: str
    up: Up
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    kinds: frozenset[Kind] = frozenset({Kind.ARTIST})
    mapping: Mapping[str, Any] = field(default_factory=dict)
    left: Left | None = None
    path: str = ""
