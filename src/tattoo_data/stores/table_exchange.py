"""Conditional writes of items, one by one or together.

A transaction saves the client most of its work and costs the engine twice a batch's; on one of ours it costs the whole
table's size each time. So a few go one by one, and of many the way that turns out to be the quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tattoo_data.clock import Clock
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, TransientError
from tattoo_data.stores.table_condition import LOST_RACE, Write, conditional_write
from tattoo_data.stores.table_transact import SendAll, write_together

#: So many are written one by one before a transaction is tried, and so many in transactions before they are compared.
_FEW, _TRIED = 200, 50


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an item was not written."""

    code: str
    message: str


#: Sends the body of a PutItem or DeleteItem; None where it was made.
SendOne = Callable[[Write], Refused | None]
Get = Callable[[Sequence[str]], list[Entry]]


@dataclass(slots=True)
class _Spent:
    entries: int = 0
    seconds: float = 0.0

    @property
    def each(self) -> float:
        return self.seconds / self.entries if self.entries else 0.0


@dataclass(slots=True)
class Ways:
    """What each way has cost one table so far."""

    clock: Clock
    singly: _Spent = field(default_factory=_Spent)
    together: _Spent = field(default_factory=_Spent)

    def is_together(self) -> bool:
        """Whether the next ones go in a transaction."""
        if self.singly.entries < _FEW:
            return False
        return self.together.entries < _TRIED or self.together.each < self.singly.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanger:
    """How a table is asked."""

    table: str
    send: SendOne
    send_all: SendAll
    get: Get
    ways: Ways

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        """One outcome for each exchange, in their order."""
        writes = [conditional_write(self.table, each) for each in exchanges]
        outcomes = self._judge([each.exchange for each in writes if not each.whole])
        outcomes |= self._write([each for each in writes if each.key not in outcomes])
        lost = [each for each in exchanges if outcomes[each.key].error == LOST_RACE]
        # One that is again as it was read keeps its outcome, which is transient: it may be sent once more.
        outcomes |= self._judge(lost)
        return [outcomes[each.key] for each in exchanges]

    def _write(self, writes: Sequence[Write]) -> Mapping[str, Outcome]:
        together = self.ways.is_together()
        spent = self.ways.together if together else self.ways.singly
        start = self.ways.clock.monotonic()
        outcomes = write_together(writes, self.send_all) if together else {each.key: self._one(each) for each in writes}
        spent.entries += len(writes)
        spent.seconds += self.ways.clock.monotonic() - start
        return outcomes

    def _one(self, write: Write) -> Outcome:
        try:
            refused = self.send(write)
        except TransientError as error:
            return Outcome(write.key, error.id, error.message, transient=True)
        if refused is None:
            return Outcome(write.key)
        return Outcome(write.key, refused.code, refused.message, transient=refused.code == LOST_RACE)

    def _judge(self, exchanges: Sequence[Exchange]) -> dict[str, Outcome]:
        """The outcomes of those that the table does not hold as they were read."""
        held = {entry.key: entry for entry in self.get([each.key for each in exchanges])} if exchanges else {}
        outcomes: dict[str, Outcome] = {}
        for each in exchanges:
            there = _digest(held.get(each.key))
            if there == _digest(each.after):
                outcomes[each.key] = Outcome(each.key)
            elif there != _digest(each.before):
                outcomes[each.key] = Outcome(each.key, CHANGED, "it is not as it was read")
        return outcomes


def _digest(entry: Entry | None) -> bytes | None:
    return None if entry is None else digest(StoreName.TABLE, entry)
