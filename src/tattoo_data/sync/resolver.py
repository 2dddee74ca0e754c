"""Resolver: derives both sides of every artist on whom they disagree from what is decided on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tattoo_data.engine.derive import Derive, Made
from tattoo_data.engine.flow import slices
from tattoo_data.engine.scan import Live
from tattoo_data.errors import SourceEmpty
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import CHANGED, Outcome
from tattoo_data.sync.conflict import Conflict
from tattoo_data.sync.decide import Decision, decide
from tattoo_data.sync.look import Look
from tattoo_data.sync.pair import AT_ONCE, BROKEN, UNFIT, Pair, artist_of
from tattoo_data.sync.plan_file import Plan, decide_by
from tattoo_data.sync.policy import Policy
from tattoo_data.validation.stream import Stream

_TABLE, _INDEX = StoreName.TABLE, StoreName.INDEX
_MEANWHILE = "it changed meanwhile, and what is to be done now needs another run"


class Decided(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decision, for people: which artist, what the conflict was, what becomes of item and document (`created`,
    `changed`, `deleted`, `kept`, `none`), and why. `left` says that somebody has to decide."""

    id: str
    kind: str
    item: str
    document: str
    reason: str
    left: bool


@dataclass(slots=True, kw_only=True)
class Resolver(Derive):
    """Decides by a policy, and before that by a plan where there is one. Where a side holds no artist at all, nothing
    goes from the other one, unless `allow_empty`: it was more likely lost than emptied. `planned` are the ids of the
    plan's that are in conflict."""

    look: Look
    policy: Policy
    plan: Plan | None = None
    allow_empty: bool = False
    decisions: Stream[Decided] = field(default_factory=lambda: Stream(Decided))
    kinds: Counter[str] = field(default_factory=Counter)
    left: int = 0
    planned: set[str] = field(default_factory=set)
    _gone: dict[StoreName, set[str]] = field(default_factory=lambda: {_TABLE: set(), _INDEX: set()})  # artists

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        self.look.take(store, entries)
        return iter(())

    def finish(self, live: Mapping[StoreName, Live]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        """What is wanted, once both stores are read. Raises `SourceEmpty`."""
        for conflict in self.look.conflicts():
            decision = self._decide(conflict)
            self._tell(decision)
            if self.plan and conflict.id in self.plan:
                self.planned.add(conflict.id)
            if not decision.is_left:
                yield from self._entries(decision)
        self._require_sources()
        for unread in self.look.unread:
            yield StoreName(unread.store), Outcome(unread.key, UNFIT, unread.message)

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        made: dict[str, Made] = {}
        for keys in slices(found, AT_ONCE):
            ids = {record.id if (record := artist_of(key)) else "": key for key in keys} if store is _TABLE else {}
            ids = ids or {key: key for key in keys}
            routing = {key: entry.routing for key in keys if (entry := found[key]) and entry.routing is not None}
            for pair in self.look.now(list(ids), routing if store is _INDEX else {}):
                self._again(store, ids[pair.id], pair, made)
        return made

    def goes(self, store: StoreName, key: str) -> bool:
        """Whether an entry was decided to go."""
        record = artist_of(key) if store is _TABLE else None
        return (record.id if record else key) in self._gone[store]

    def _again(self, store: StoreName, key: str, pair: Pair, made: dict[str, Made]) -> None:
        """Decide anew by what is there now. What would have to be written in the other store too, which is done
        already, is left and named: nobody's write is lost by that."""
        try:
            conflict = self.look.compare(pair)
        except BROKEN as error:
            made[key] = Outcome(key, UNFIT, str(error))
            return
        if conflict is None:
            return
        decision = self._decide(conflict)
        if decision.is_left:
            made[key] = Outcome(key, CHANGED, f"it changed meanwhile: {decision.reason}")
        elif store is _INDEX:
            is_done = _is_same(decision.item, pair.item)
            made[key] = decision.document if is_done else Outcome(key, CHANGED, _MEANWHILE)
        elif decision.item is not None and (pair.id in self._gone[_TABLE] or decision.item.key != key):
            made[key] = Outcome(key, CHANGED, _MEANWHILE)
        else:
            made[key] = decision.item

    def _require_sources(self) -> None:
        for store, other in ((_TABLE, _INDEX), (_INDEX, _TABLE)):
            if self._gone[other] and not self.look.held[store] and not self.allow_empty:
                raise SourceEmpty(store=store.value, name=self.look.env.target.place_of(store)[0])

    def _decide(self, conflict: Conflict) -> Decision:
        return decide(conflict, self.policy) if self.plan is None else decide_by(self.plan, conflict, self.policy)

    def _entries(self, decision: Decision) -> Iterator[tuple[StoreName, Entry]]:
        conflict = decision.conflict
        for store, before, after in (
            (_TABLE, conflict.item, decision.item),
            (_INDEX, conflict.document, decision.document),
        ):
            if after is not None:
                yield store, after
            elif before is not None:
                self._gone[store].add(conflict.id)

    def _tell(self, decision: Decision) -> None:
        conflict = decision.conflict
        self.kinds[conflict.kind.value] += 1
        self.left += decision.is_left
        item = _words(conflict.item, decision.item)
        document = _words(conflict.document, decision.document)
        told = Decided(conflict.id, conflict.kind.value, item, document, decision.reason, decision.is_left)
        self.decisions.add(told)


def _is_same(one: Entry | None, other: Entry | None) -> bool:
    return (one and one.body) == (other and other.body)


def _words(before: Entry | None, after: Entry | None) -> str:
    if before is None:
        return "none" if after is None else "created"
    if after is None:
        return "deleted"
    return "kept" if before.body == after.body else "changed"
