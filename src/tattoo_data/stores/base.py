"""The door to a live store: what every store promises, whatever engine is behind it.

A door moves bytes. It knows nothing of plans, counts or progress, and it neither retries nor runs anything at the
same time: that is what the wrappers and the engine are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Entry, StoreName


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of a batch: `error` is None when it was done.

    `transient` says that the same entry may be taken when it is sent again.
    """

    key: str
    error: str | None = None
    message: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One entry to delete: its key, and the routing that a document was written with."""

    key: str
    routing: str | None = None


#: The error of an exchange whose `before` is not what the store holds any more.
CHANGED = "ChangedSince"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One conditional write: `after` is to be there, where the store still holds `before`. None is nothing: an
    exchange without `before` creates, one without `after` deletes. `before` is an entry as `get` gave it."""

    before: Entry | None
    after: Entry | None

    @property
    def key(self) -> str:
        """The key of both."""
        entry = self.after or self.before
        assert entry is not None, "an exchange of nothing for nothing"
        return entry.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a store is, read without its content.

    `refused` are differences of structure that cannot be mended in place, `missing` such as `ensure` mends, and
    `rebuild` such as need a new index. `name` is the table's, index's or bucket's own; `count` is an estimate, used
    to choose how to scan and never reported. `structure` is the store's own account of how it is made: enough to
    make it anew (the table's as CreateTable takes it; the index's `mappings`, `settings` and `aliases`; nothing for a
    bucket).
    """

    name: str
    engine: str
    count: int = 0
    refused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    rebuild: tuple[str, ...] = ()
    structure: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large one batch may be: entries and bytes of their bodies."""

    entries: int
    size: int
    segments: int = 1


def _nothing() -> None:
    """Most scans hold nothing in a store."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a scan, and the cursor of the next part: None at the end. Who does not go on to the end calls `end`,
    which lets go of what the store holds for the scan and raises nothing."""

    entries: Sequence[Entry]
    next: object = None
    end: Callable[[], None] = _nothing


#: Document key -> the routing that it was written with.
Routing = Mapping[str, str]
NOT_ROUTED: Routing = MappingProxyType({})


class TransientError(StoreError):
    """The request may succeed when it is sent again: throttled, refused for load, or the connection broke. Where it
    stays so in spite of all patience, the service is not to be reached."""

    exit_code = 14


class PartlyRead(TransientError):
    """A read of several keys of which not all were answered: `found` is what came, `left` are the keys to ask again."""

    def __init__(self, *, found: Sequence[Entry], left: Sequence[str], **fields: str) -> None:
        super().__init__(**fields)
        self.found = found
        self.left = left


class Store(Protocol):
    """A live store. Every method raises `StoreUnreachable` where nothing answers, `CredentialsRefused` where the
    credentials are refused, `TransientError` where the same call may succeed later, and `StoreError` else."""

    @property
    def name(self) -> StoreName:
        """Which of the three stores it is."""

    @property
    def limits(self) -> Limits:
        """How large one batch of `put` and `delete` may be, and in how many segments a scan may be split."""

    def describe(self) -> Description | None:
        """What is there, or None where the store does not exist. Read-only."""

    def ensure(self) -> None:
        """Create the store, or what its structure lacks. Idempotent. Raises `StructureRefused` where its
        structure cannot be mended in place; never drops anything."""

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        """The next entries of a scan, from the beginning where `cursor` is None. Following `next` gives every
        entry once, in no order, as a consistent read of all writes that ended before the first page. A missing
        store is one empty page. `segments` scans of a store together give all of it."""

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        """Those of `keys` that are there, in no order, as a consistent read. `routing` has that of the documents
        that were written with one. Raises `PartlyRead` where the store answered for some of them only."""

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Create or replace a batch within `limits` with no key twice; one outcome for each entry, in their
        order. Idempotent. An entry that is refused does not keep the others out."""

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        """Delete a batch likewise; an entry that is not there is deleted already. Idempotent."""

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        """Write a batch within `limits` conditionally; one outcome for each, in their order.

        Where the store does not hold `before` any more, nothing is written and the error is `CHANGED`; where it holds
        `after` already, the exchange is done, so that one may be sent again. A lost race keeps no other out."""

    def settle(self) -> None:
        """Make all writes before it visible to every reader: searches too."""

    def shaped(self, structure: Mapping[str, Any]) -> Store:
        """The same store, to be made and mended such that it has all that another had whose `Description.structure`
        this is, and all of ours in any case. Both share their connections."""

    def close(self) -> None:
        """Give connections back. Idempotent."""


def scan(store: Store, segment: int = 0, segments: int = 1) -> Iterator[Entry]:
    """Every entry of a store, or of one of its segments."""
    for entries in pages(store, segment, segments):
        yield from entries


def pages(store: Store, segment: int = 0, segments: int = 1) -> Iterator[Sequence[Entry]]:
    """The same, page by page."""
    page = store.page(segment, segments, None)
    try:
        yield page.entries
        while page.next is not None:
            page = store.page(segment, segments, page.next)
            yield page.entries
    finally:
        if page.next is not None:
            page.end()
