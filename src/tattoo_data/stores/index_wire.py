"""What goes to and comes from OpenSearch, as bytes: the lines of a bulk, and the answers with what they mean for us.

A document may hold half a character, which is one of a private plane on this side (`model.half`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from tattoo_data.model.entry import Entry
from tattoo_data.model.half import mark_halves, unmark_halves
from tattoo_data.stores.base import Outcome

#: The one or two lines of a write. They are joined once, with those of the whole bulk: megabytes, copied no oftener.
Lines = tuple[bytes, ...]
#: One write of a bulk: the key, and its lines.
Write = tuple[str, Lines]

#: What of a bulk's answer is read.
OUTCOMES = "errors,items.*._id,items.*.status,items.*.error"
#: The error of a conditional write that lost its race.
CONFLICT = "version_conflict_engine_exception"
_TRANSIENT = frozenset({409, 429, 500, 502, 503, 504})
_ABSENT = msgspec.Raw()
T = TypeVar("T")


class _Document(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    source: msgspec.Raw = msgspec.field(name="_source", default=_ABSENT)
    routing: str | None = msgspec.field(name="_routing", default=None)
    seq_no: int = msgspec.field(name="_seq_no", default=-1)
    primary_term: int = msgspec.field(name="_primary_term", default=0)

    def entry(self) -> Entry:
        """The entry of the document. Its version is what `if_seq_no` and `if_primary_term` take, where the engine
        told it; a document older than sequence numbers has negative ones, which they do not take."""
        version = (self.seq_no, self.primary_term) if self.seq_no >= 0 and self.primary_term > 0 else None
        return Entry(self.id, bytes(self.source) or b"null", self.routing, version=version)


class _Hit(_Document):
    sort: list[Any] = []


class _Total(msgspec.Struct):
    value: int
    relation: str = "eq"


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []
    total: _Total | None = None


class SearchPage(msgspec.Struct):
    """The answer to a search."""

    hits: _Hits
    pit_id: str | None = None


class _Got(_Document):
    found: bool = False


class Found(msgspec.Struct):
    """The answer to an `_mget`."""

    docs: list[_Got] = []

    def entries(self) -> list[Entry]:
        """The entries that are there."""
        return [each.entry() for each in self.docs if each.found]


class _Failure(msgspec.Struct):
    type: str = ""
    reason: str = ""
    caused_by: dict[str, Any] | None = None


class _Item(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    status: int = 200
    error: _Failure | None = None


class Bulk(msgspec.Struct):
    """The answer to a bulk."""

    errors: bool = False
    items: list[dict[str, _Item]] = []

    def outcomes(self, keys: Iterable[str]) -> list[Outcome]:
        """What became of each. One item that failed makes the whole answer say so, and most of the time none did."""
        if not self.errors:
            return [Outcome(key) for key in keys]
        return [_outcome(key, next(iter(item.values()))) for key, item in zip(keys, self.items, strict=True)]


def _reading(decode: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """What reads answers that may hold half characters. Raises what `decode` raises for anything else."""

    def read(answer: bytes) -> T:
        try:
            return decode(answer)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decode(mark_halves(answer))

    return read


# Made here and not where they are used: two threads that make msgspec know a class at the same time crash it.
decode_page = _reading(msgspec.json.Decoder(SearchPage).decode)
decode_found = _reading(msgspec.json.Decoder(Found).decode)
decode_bulk = _reading(msgspec.json.Decoder(Bulk).decode)
decode_any = _reading(msgspec.json.Decoder().decode)


def _outcome(key: str, item: _Item) -> Outcome:
    if item.error is None and (item.status < 300 or item.status == 404):  # a delete of what is not there
        return Outcome(key)
    error = item.error or _Failure(type=f"HTTP {item.status}")
    cause = str((error.caused_by or {}).get("reason", ""))
    message = f"{error.reason} ({cause})" if cause else error.reason
    kind = CONFLICT if item.status == 409 else error.type
    return Outcome(key, kind, message, transient=item.status in _TRANSIENT)


def write_line(entry: Entry, *, create: bool = False, version: object = None) -> Lines:
    """The lines of a bulk that put a document: whatever is there, only where nothing is, or over `version` alone."""
    return _action("create" if create else "index", entry.key, entry.routing, version), _one_line(entry)


def delete_line(key: str, routing: str | None, version: object = None) -> Lines:
    """The line of a bulk that deletes a document: whatever is there, or `version` alone."""
    return (_action("delete", key, routing, version),)


def place(key: str, routing: str | None) -> dict[str, object]:
    """Where a document is, as bulks and `_mget` take it."""
    return {"_id": key} if routing is None else {"_id": key, "routing": routing}


def _action(name: str, key: str, routing: str | None, version: object) -> bytes:
    target = place(key, routing)
    if isinstance(version, tuple):
        target["if_seq_no"], target["if_primary_term"] = version
    return msgspec.json.encode({name: target})


def _one_line(entry: Entry) -> bytes:
    """A document as a bulk needs it; its numbers stay as they are spelled."""
    line = msgspec.json.format(entry.body, indent=-1) if b"\n" in entry.body else entry.body
    return unmark_halves(line)
