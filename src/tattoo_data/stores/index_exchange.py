"""Conditional writes of documents: the version decides at once, and where it does not hold any more, the content.

A document that was written anew with the same content has another version, and is still what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, Target
from tattoo_data.stores.index_wire import CONFLICT, Lines, Write, delete_line, write_line

Bulk = Callable[[Sequence[Write]], list[Outcome]]
Look = Callable[[Sequence[Target]], list[Entry]]
#: What loses that many races in a row is left to the patience of the caller.
_ROUNDS = 3


def exchange_documents(exchanges: Sequence[Exchange], bulk: Bulk, look: Look) -> list[Outcome]:
    """One outcome for each exchange, in their order. What has no version, or lost its race, is looked at and sent
    with the version that was found."""
    outcomes: dict[str, Outcome] = {}
    unknown = [each for each in exchanges if not _has_condition(each)]
    ready = [each for each in exchanges if _has_condition(each)]
    for _ in range(_ROUNDS):
        for judged in _judge_all(unknown, look):
            if isinstance(judged, Outcome):
                outcomes[judged.key] = judged
            else:
                ready.append(judged)
        outcomes |= {outcome.key: outcome for outcome in _send(ready, bulk)}
        unknown, ready = [each for each in exchanges if outcomes[each.key].error == CONFLICT], []
        if not unknown:
            break
    return [outcomes[each.key] for each in exchanges]


def _has_condition(exchange: Exchange) -> bool:
    """Whether a bulk can say what must be there: nothing, or a version."""
    return exchange.before is None or isinstance(exchange.before.version, tuple)


def _judge_all(exchanges: Sequence[Exchange], look: Look) -> list[Exchange | Outcome]:
    if not exchanges:
        return []
    found: dict[str, list[Entry]] = {each.key: [] for each in exchanges}
    for entry in look([place for each in exchanges for place in _places(each)]):
        found[entry.key].append(entry)
    return [_judge(each, found[each.key]) for each in exchanges]


def _places(exchange: Exchange) -> list[Target]:
    """Where the document may be: a routing leads to a shard."""
    routings = {entry.routing for entry in (exchange.before, exchange.after) if entry is not None}
    return [Target(exchange.key, routing) for routing in routings]


def _judge(exchange: Exchange, found: Sequence[Entry]) -> Exchange | Outcome:
    """What is to be sent for what was found, or the outcome."""
    before, after = exchange.before, exchange.after
    if after is None and not found:
        return Outcome(exchange.key)
    if after is not None and any(each.routing == after.routing and _is_same(each, after) for each in found):
        return Outcome(exchange.key)
    if before is None and not found:
        return exchange
    for each in found:
        if before is not None and _is_same(each, before):
            return Exchange(each, after)
    return Outcome(exchange.key, CHANGED, "it is not as it was read")


def _is_same(one: Entry, other: Entry) -> bool:
    return digest(StoreName.INDEX, one) == digest(StoreName.INDEX, other)


def _send(exchanges: Sequence[Exchange], bulk: Bulk) -> list[Outcome]:
    stay = [each for each in exchanges if not _moves(each)]
    return bulk([(each.key, _line(each)) for each in stay]) + _move([each for each in exchanges if _moves(each)], bulk)


def _moves(exchange: Exchange) -> bool:
    before, after = exchange.before, exchange.after
    return before is not None and after is not None and before.routing != after.routing


def _line(exchange: Exchange) -> Lines:
    before, after = exchange.before, exchange.after
    if after is None:
        assert before is not None
        return delete_line(before.key, before.routing, before.version)
    if before is None:
        return write_line(after, create=True)
    return write_line(after, version=before.version)


def _move(exchanges: Sequence[Exchange], bulk: Bulk) -> list[Outcome]:
    """Delete at one routing and create at another. They may be two shards, which know nothing of each other, so
    where one half failed the other is undone; in one shard the second half fails with the first."""
    pairs = [(each.before, each.after) for each in exchanges if each.before is not None and each.after is not None]
    writes: list[Write] = []
    for before, after in pairs:
        writes.append((before.key, delete_line(before.key, before.routing, before.version)))
        writes.append((after.key, write_line(after, create=True)))
    halves = bulk(writes)
    undo: list[Write] = []
    outcomes: dict[str, Outcome] = {}
    for (before, after), gone, made in zip(pairs, halves[::2], halves[1::2], strict=True):
        outcomes[gone.key] = gone if gone.error else made
        if gone.error and not made.error:
            undo.append((after.key, delete_line(after.key, after.routing)))
        elif made.error and not gone.error and made.error != CONFLICT:  # a conflict is somebody's newer document
            undo.append((before.key, write_line(before, create=True)))
    for failed in (outcome for outcome in bulk(undo) if outcome.error):
        reason = f"{outcomes[failed.key].message}; and what was there could not be put back: {failed.message}"
        outcomes[failed.key] = Outcome(failed.key, outcomes[failed.key].error, reason)
    return list(outcomes.values())
