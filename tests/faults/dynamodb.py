"""DynamoDB's batches: requests that stay unprocessed, and items that are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

import msgspec

from tattoo_data.model.keys import item_key_of
from tests.faults.damage import Damage
from tests.faults.errors import cancelled_transaction, json_answer, validation_error
from tests.faults.messages import Request, Service
from tests.faults.rates import FaultRates

_decode = msgspec.json.decode
_encode = msgspec.json.encode
# Raw: what is handed on keeps its spelling, numbers above all.
Fields = dict[str, msgspec.Raw]
Entries = dict[str, list[msgspec.Raw]]


def damage(request: Request, operation: str, rates: FaultRates, random: Random) -> Damage | None:
    """What becomes of a request of `operation`; None where no entry of it is hit. Raises ValueError or KeyError
    where it cannot be read."""
    hurt = _OPERATIONS.get(operation)
    return hurt(request, rates, random) if hurt else None


def _batch_write(request: Request, rates: FaultRates, random: Random) -> Damage | None:
    body = _decode(request.body, type=Fields)
    entries = _decode(body["RequestItems"], type=Entries)
    requests = [_decode(each, type=dict[str, Fields]) for those in entries.values() for each in those]
    if refused := _refusal([key for each in requests for key in map(_key_of, each.values())], rates):
        return refused
    kept, left = _split(entries, rates.unprocessed, random)

    def merge(answer: bytes) -> bytes:
        document = _decode(answer, type=Fields)
        own = _decode(document.get("UnprocessedItems", b"{}"), type=Entries)
        return _encode({**document, "UnprocessedItems": _joined(own, left)})

    return _partly(request, {**body, "RequestItems": kept} if kept else None, merge, _count(left))


def _batch_get(request: Request, rates: FaultRates, random: Random) -> Damage | None:
    body = _decode(request.body, type=Fields)
    tables = _decode(body["RequestItems"], type=dict[str, Fields])
    kept, left = _split(_keys_of(tables), rates.unprocessed, random)

    def merge(answer: bytes) -> bytes:
        document = _decode(answer, type=Fields)
        own = _decode(document.get("UnprocessedKeys", b"{}"), type=dict[str, Fields])
        unprocessed = _with_keys(tables, _joined(_keys_of(own), left))
        return _encode({"Responses": {}, **document, "UnprocessedKeys": unprocessed})

    return _partly(request, {**body, "RequestItems": _with_keys(tables, kept)} if kept else None, merge, _count(left))


def _single_write(request: Request, rates: FaultRates, random: Random) -> Damage | None:
    return _refusal([_key_of(_decode(request.body, type=Fields))], rates)


def _transaction(request: Request, rates: FaultRates, random: Random) -> Damage | None:
    parts = _decode(_decode(request.body, type=Fields)["TransactItems"], type=list[dict[str, Fields]])
    if refused := _refusal([_key_of(about) for part in parts for about in part.values()], rates):
        return refused
    hit = [random.random() < rates.unprocessed for _ in parts]
    return Damage(answer=cancelled_transaction(hit, random), counts={"unprocessed": sum(hit)}) if any(hit) else None


_OPERATIONS: Mapping[str, Callable[[Request, FaultRates, Random], Damage | None]] = {
    "BatchWriteItem": _batch_write,
    "BatchGetItem": _batch_get,
    "PutItem": _single_write,
    "UpdateItem": _single_write,
    "DeleteItem": _single_write,
    "TransactWriteItems": _transaction,
}


def _partly(request: Request, body: object, merge: Callable[[bytes], bytes], count: int) -> Damage | None:
    """A batch of which the engine gets `body` alone, if it is anything."""
    if not count:
        return None
    counts = {"unprocessed": count}
    if body is None:
        answer = json_answer(Service.DYNAMODB, 200, {})
        return Damage(answer=answer.with_body(merge(answer.body)), counts=counts)
    return Damage(forwarded=request.with_body(_encode(body)), merge=merge, counts=counts)


def _refusal(keys: Sequence[str], rates: FaultRates) -> Damage | None:
    refused = [key for key in keys if rates.refuses(key)]
    return Damage(answer=validation_error(refused[0]), counts={"refused": len(refused)}) if refused else None


def _key_of(about: Fields) -> str:
    return item_key_of(bytes(about["Item"] if "Item" in about else about["Key"]))


def _split(tables: Entries, rate: float, random: Random) -> tuple[Entries, Entries]:
    """The entries that the engine gets and those that it does not; a table without any is left out."""
    kept: Entries = {}
    left: Entries = {}
    for name, entries in tables.items():
        for entry in entries:
            (left if random.random() < rate else kept).setdefault(name, []).append(entry)
    return kept, left


def _joined(one: Entries, other: Entries) -> Entries:
    return {name: [*one.get(name, ()), *other.get(name, ())] for name in {**one, **other}}


def _count(entries: Entries) -> int:
    return sum(map(len, entries.values()))


def _keys_of(tables: Mapping[str, Fields]) -> Entries:
    return {name: _decode(about["Keys"], type=list[msgspec.Raw]) for name, about in tables.items()}


def _with_keys(tables: Mapping[str, Fields], keys: Entries) -> dict[str, dict[str, object]]:
    return {name: {**tables[name], "Keys": those} for name, those in keys.items()}
