"""Conditional writes of many items at once: transactions.

A transaction is all or nothing, so one that was cancelled says whose fault it was, and goes again without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tattoo_data.stores.base import Outcome, TransientError
from tattoo_data.stores.table_condition import LOST_RACE, Write

#: A transaction takes 100 items and 4 MB (API reference of DynamoDB).
_ITEMS = 100
_BYTES = 3_000_000
_BLAMELESS = "None"
_CHECK_FAILED = "ConditionalCheckFailed"
_TRANSIENT = frozenset({LOST_RACE, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


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
SendAll = Callable[[bytes], Cancelled | None]


def write_together(writes: Iterable[Write], send: SendAll) -> dict[str, Outcome]:
    """The outcome of each write, by key."""
    outcomes: dict[str, Outcome] = {}
    for part in _parts(writes):
        try:
            outcomes |= _transact(part, send)
        except TransientError as error:
            outcomes |= {each.key: Outcome(each.key, error.id, error.message, transient=True) for each in part}
    return outcomes


def _parts(writes: Iterable[Write]) -> Iterator[list[Write]]:
    part: list[Write] = []
    size = 0
    for each in writes:
        if part and (len(part) == _ITEMS or size + len(each.body) > _BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each.body)
    if part:
        yield part


def _transact(writes: Sequence[Write], send: SendAll) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    left = list(writes)
    while left:
        items = b",".join(b'{"%s":%s}' % (each.operation.encode(), each.body) for each in left)
        cancelled = send(b'{"TransactItems":[%s]}' % items)
        if cancelled is None:
            return outcomes | {each.key: Outcome(each.key) for each in left}
        blamed = _blamed(left, cancelled)
        if not blamed:
            return outcomes | _halves(left, cancelled, send)
        outcomes |= blamed
        left = [each for each in left if each.key not in blamed]
    return outcomes


def _blamed(writes: Sequence[Write], cancelled: Cancelled) -> dict[str, Outcome]:
    if len(cancelled.reasons) != len(writes):
        return {}
    return {
        each.key: _outcome(each.key, reason)
        for each, reason in zip(writes, cancelled.reasons, strict=True)
        if reason.code != _BLAMELESS
    }


def _outcome(key: str, reason: Reason) -> Outcome:
    code = LOST_RACE if reason.code == _CHECK_FAILED else reason.code
    return Outcome(key, code, reason.message, transient=code in _TRANSIENT)


def _halves(writes: Sequence[Write], cancelled: Cancelled, send: SendAll) -> dict[str, Outcome]:
    """A transaction that fails and names nobody, in two, until the culprit stands alone."""
    if len(writes) == 1:
        return {writes[0].key: Outcome(writes[0].key, cancelled.code, cancelled.message)}
    half = len(writes) // 2
    return _transact(writes[:half], send) | _transact(writes[half:], send)
