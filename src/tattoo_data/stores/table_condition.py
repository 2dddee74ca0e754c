"""Conditions: an exchange of items as DynamoDB takes it, comparing the attributes with those that were read."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tattoo_data.stores.base import Exchange

#: An expression takes 4,096 bytes and 300 operators, each AND among them (API reference of DynamoDB).
_EXPRESSION = 4_096
_CLAUSES = 150
_AND = " AND "
#: The code of a condition that does not hold.
LOST_RACE = "ConditionalCheckFailedException"
_attributes = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Write:
    """An exchange as it is sent: `operation` is Put or Delete. `whole` where its condition holds all that is to be
    compared."""

    exchange: Exchange
    operation: str
    body: bytes
    whole: bool

    @property
    def key(self) -> str:
        """The key of both entries."""
        return self.exchange.key


def conditional_write(table: str, exchange: Exchange) -> Write:
    """What is sent for an exchange."""
    condition, whole = _condition(exchange)
    name = msgspec.json.encode(table)
    if exchange.after is None:
        body = b'{"TableName":%s,"Key":%s,%s}' % (name, exchange.key.encode(), condition)
        return Write(exchange, "Delete", body, whole)
    body = b'{"TableName":%s,"Item":%s,%s}' % (name, exchange.after.body, condition)
    return Write(exchange, "Put", body, whole)


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
