"""Conditional writes of items: transactions whose conditions compare the attributes with those that were read.

A transaction is all or nothing, so one that was cancelled says whose fault it was, and goes again without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import CHANGED, Exchange, Outcome

#: A transaction takes 100 items and 4 MB; an expression 4,096 bytes and 300 operators, each AND among them (API
#: reference of DynamoDB).
_ITEMS = 100
_BYTES = 3_000_000
_EXPRESSION = 4_096
_CLAUSES = 150
_AND = " AND "
_BLAMELESS = "None"
_LOST_RACE = "ConditionalCheckFailed"
_TRANSIENT = frozenset({_LOST_RACE, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_attributes = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Reason:
    """What one item has to do with the end of its transaction."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Why a transaction was not made. One that is not valid has no reasons: it names nobody."""

    code: str
    message: str
    reasons: Sequence[Reason]


#: Sends the body of a TransactWriteItems; None where it was made.
Send = Callable[[bytes], Cancelled | None]
Get = Callable[[Sequence[str]], list[Entry]]


@dataclass(frozen=True, slots=True)
class _Write:
    """An exchange as a transaction takes it; `whole` where its condition holds all that is to be compared."""

    exchange: Exchange
    body: bytes
    whole: bool

    @property
    def key(self) -> str:
        return self.exchange.key


def exchange_items(table: str, exchanges: Sequence[Exchange], send: Send, get: Get) -> list[Outcome]:
    """One outcome for each exchange, in their order."""
    writes = [_write(table, each) for each in exchanges]
    outcomes = _judge([each.exchange for each in writes if not each.whole], get)
    for part in _parts(each for each in writes if each.key not in outcomes):
        outcomes |= _transact(part, send)
    lost = [each for each in exchanges if outcomes[each.key].error == _LOST_RACE]
    # One that is again as it was read keeps its outcome, which is transient: it may be sent once more.
    outcomes |= _judge(lost, get)
    return [outcomes[each.key] for each in exchanges]


def _judge(exchanges: Sequence[Exchange], get: Get) -> dict[str, Outcome]:
    """The outcomes of those that the table does not hold as they were read."""
    held = {entry.key: entry for entry in get([each.key for each in exchanges])} if exchanges else {}
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


def _parts(writes: Iterable[_Write]) -> Iterator[list[_Write]]:
    part: list[_Write] = []
    size = 0
    for each in writes:
        if part and (len(part) == _ITEMS or size + len(each.body) > _BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each.body)
    if part:
        yield part


def _transact(writes: Sequence[_Write], send: Send) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    left = list(writes)
    while left:
        cancelled = send(b'{"TransactItems":[%s]}' % b",".join(each.body for each in left))
        if cancelled is None:
            return outcomes | {each.key: Outcome(each.key) for each in left}
        blamed = _blamed(left, cancelled)
        if not blamed:
            return outcomes | _halves(left, cancelled, send)
        outcomes |= blamed
        left = [each for each in left if each.key not in blamed]
    return outcomes


def _blamed(writes: Sequence[_Write], cancelled: Cancelled) -> dict[str, Outcome]:
    if len(cancelled.reasons) != len(writes):
        return {}
    return {
        each.key: Outcome(each.key, reason.code, reason.message, transient=reason.code in _TRANSIENT)
        for each, reason in zip(writes, cancelled.reasons, strict=True)
        if reason.code != _BLAMELESS
    }


def _halves(writes: Sequence[_Write], cancelled: Cancelled, send: Send) -> dict[str, Outcome]:
    """A transaction that fails and names nobody, in two, until the culprit stands alone."""
    if len(writes) == 1:
        return {writes[0].key: Outcome(writes[0].key, cancelled.code, cancelled.message)}
    half = len(writes) // 2
    return _transact(writes[:half], send) | _transact(writes[half:], send)


def _write(table: str, exchange: Exchange) -> _Write:
    condition, whole = _condition(exchange)
    name = msgspec.json.encode(table)
    if exchange.after is None:
        body = b'{"Delete":{"TableName":%s,"Key":%s,%s}}' % (name, exchange.key.encode(), condition)
    else:
        body = b'{"Put":{"TableName":%s,"Item":%s,%s}}' % (name, exchange.after.body, condition)
    return _Write(exchange, body, whole)


def _condition(exchange: Exchange) -> tuple[bytes, bool]:
    """That every attribute is as it was read, and that none is there which would be overwritten unread; and whether
    the condition holds all of that. Names have placeholders, because any word may be reserved."""
    if exchange.before is None:
        return b'"ConditionExpression":"attribute_not_exists(PK)"', True
    before = _attributes(exchange.before.body)
    after = _attributes(exchange.after.body) if exchange.after is not None else {}
    names = [*before, *(name for name in after if name not in before)]
    clauses = [f"#{n}=:{n}" if name in before else f"attribute_not_exists(#{n})" for n, name in enumerate(names)]
    fitting = _fitting(clauses)
    used = list(enumerate(names[: len(fitting)]))
    condition = {
        "ConditionExpression": _AND.join(fitting),
        "ExpressionAttributeNames": {f"#{n}": name for n, name in used},
        "ExpressionAttributeValues": {f":{n}": before[name] for n, name in used if name in before},
    }
    return msgspec.json.encode(condition)[1:-1], len(fitting) == len(clauses)


def _fitting(clauses: list[str]) -> list[str]:
    """As many of the clauses, from the first, as one expression takes."""
    size = -len(_AND)
    for number, clause in enumerate(clauses[:_CLAUSES]):
        size += len(_AND) + len(clause)
        if size > _EXPRESSION:
            return clauses[:number]
    return clauses[:_CLAUSES]
