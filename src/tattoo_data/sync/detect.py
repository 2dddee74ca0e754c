"""Detect: every artist on whom table and index disagree, field by field, against the last sync point. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.sync.conflict import Changed, Conflict, Kind
from tattoo_data.sync.look import Look, Unread
from tattoo_data.sync.pair import Other
from tattoo_data.validation.stream import Stream

BOTH = (StoreName.TABLE, StoreName.INDEX)
_WORDS = {
    Changed.TABLE: "the table changed it",
    Changed.INDEX: "the index changed it",
    Changed.BOTH: "both sides changed it",
    Changed.UNKNOWN: "nobody knows which side changed it",
}


class FoundField(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A field on which both disagree; canonical JSON, or None where a side or the sync point does not have it."""

    name: str
    changed: str
    table: bytes | None
    index: bytes | None
    base: bytes | None

    @property
    def words(self) -> str:
        """Who changed it."""
        return _WORDS[Changed(self.changed)]

    @property
    def values(self) -> Mapping[str, bytes]:
        """What is there, by whose it is."""
        every = {"table": self.table, "index": self.index, "base": self.base}
        return {whose: value for whose, value in every.items() if value is not None}


class Found(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A conflict, to be shown."""

    id: str
    kind: str
    fields: tuple[FoundField, ...]

    @property
    def words(self) -> str:
        """What it is as a sentence says it."""
        return Kind(self.kind).words


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was found among `checked` artists. `point` is the sync point; without one, two sides were compared and not
    three. `unread` could not be compared, and `others` are documents of other shapes."""

    point: str | None
    checked: int
    conflicts: Stream[Found]
    kinds: Mapping[str, int]
    findings: int
    unread: Stream[Unread]
    others: Stream[Other]

    @property
    def errors(self) -> int:
        """How many findings say that something is wrong: a field each, or the whole record."""
        return self.findings + self.unread.count


def detect(env: Environment) -> Detected:
    """Compare table and index. Raises `StoreMissing` where one of them is not there, and `IntegrityFailed` where the
    sync point is damaged."""
    look = Look(env)
    conflicts, kinds, findings = Stream(Found), Counter[str](), 0
    for conflict in look_at(env, look):
        conflicts.add(_found(conflict))
        kinds[conflict.kind.value] += 1
        findings += max(1, len(conflict.fields))
    return Detected(
        point=look.point.reference if look.point else None,
        checked=look.checked,
        conflicts=conflicts,
        kinds=kinds,
        findings=findings,
        unread=look.unread,
        others=look.others,
    )


def look_at(env: Environment, look: Look) -> Iterator[Conflict]:
    """Read both stores and compare them. Raises `StoreMissing` where one of them is not there."""
    env.target.require_readable({name: env.stores[name].describe() for name in BOTH})

    def take(store: StoreName, found: Sequence[tuple[Entry, bytes]]) -> None:
        look.take(store, [entry for entry, _ in found])

    read_all(env.stores, env.pool, only=BOTH, keep=False, into=take, progress=env.progress)
    yield from look.conflicts()


def _found(conflict: Conflict) -> Found:
    fields = tuple(
        FoundField(each.name, each.changed.value, each.table, each.index, each.base) for each in conflict.fields
    )
    return Found(conflict.id, conflict.kind.value, fields)
