"""A stub of DynamoDB: tables whose keys are PK and SK, items as the raw JSON they came in.

A field of a request that it does not know is refused, lest a client measures what was not done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bench.stub.http import Reply, Request
from bench.stub.rows import BUCKETS, Rows, Rule

_PAGE_BYTES = 1_000_000
_BATCH = 25
_TYPE = "com.amazonaws.dynamodb.v20120810#"
_AND = " AND "
_ABSENT = "attribute_not_exists("
_NOTHING = msgspec.Raw()


class Refused(Exception):
    """An answer that is an error: its code, and what it says."""


class _Text(msgspec.Struct):
    S: str


class _Key(msgspec.Struct):
    PK: _Text
    SK: _Text


class _Scan(msgspec.Struct, forbid_unknown_fields=True):
    TableName: str
    ConsistentRead: bool = False
    Segment: int = 0
    TotalSegments: int = 1
    ExclusiveStartKey: _Key | None = None


class _Keys(msgspec.Struct, forbid_unknown_fields=True):
    Keys: list[_Key]
    ConsistentRead: bool = False


class _BatchGet(msgspec.Struct, forbid_unknown_fields=True):
    RequestItems: dict[str, _Keys]


class _Put(msgspec.Struct):
    Item: msgspec.Raw


class _Delete(msgspec.Struct):
    Key: _Key


class _Write(msgspec.Struct):
    PutRequest: _Put | None = None
    DeleteRequest: _Delete | None = None


class _BatchWrite(msgspec.Struct, forbid_unknown_fields=True):
    RequestItems: dict[str, list[_Write]]


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    TableName: str
    Item: msgspec.Raw = _NOTHING
    Key: _Key | None = None
    ConditionExpression: str = ""
    ExpressionAttributeNames: dict[str, str] = {}
    ExpressionAttributeValues: dict[str, Any] = {}


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    Put: _Change | None = None
    Delete: _Change | None = None
    ConditionCheck: _Change | None = None

    def change(self) -> _Change:
        change = self.Put or self.Delete or self.ConditionCheck
        assert change is not None, "one of the three"
        return change


class _Transaction(msgspec.Struct, forbid_unknown_fields=True):
    TransactItems: list[_Step]
    ClientRequestToken: str = ""


_decode_key = msgspec.json.Decoder(_Key).decode
_decode_scan = msgspec.json.Decoder(_Scan).decode
_decode_get = msgspec.json.Decoder(_BatchGet).decode
_decode_write = msgspec.json.Decoder(_BatchWrite).decode
_decode_change = msgspec.json.Decoder(_Change).decode
_decode_transaction = msgspec.json.Decoder(_Transaction).decode
_encode = msgspec.json.encode


class Tables:
    """Every table, by name. Called with a request, it gives the reply."""

    def __init__(self) -> None:
        self._tables: dict[str, Rows] = {}
        self._definitions: dict[str, dict[str, Any]] = {}
        self._operations: Mapping[str, Callable[[bytes], bytes]] = {
            "ListTables": self._list,
            "DescribeTable": self._describe,
            "CreateTable": self._create,
            "UpdateTable": self._update,
            "Scan": self._scan,
            "BatchGetItem": self._get,
            "BatchWriteItem": self._write,
            "PutItem": self._put,
            "DeleteItem": self._delete,
            "TransactWriteItems": self._transact,
        }

    def __call__(self, request: Request) -> Reply:
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = self._operations.get(name)
        try:
            if operation is None:
                raise Refused("UnknownOperationException", f"no operation {name}")
            return Reply(200, operation(request.body))
        except Refused as refused:
            code, message, *more = refused.args
            return Reply(400, _encode({"__type": _TYPE + code, "message": message, **dict(more)}))
        except msgspec.ValidationError as error:
            return Reply(400, _encode({"__type": _TYPE + "ValidationException", "message": str(error)}))

    def make(self, definition: dict[str, Any], rule: Rule) -> None:
        """A table that holds the rows of a rule."""
        name = definition["TableName"]
        self._definitions[name] = definition
        self._tables[name] = Rows(rule)

    def _list(self, _: bytes) -> bytes:
        return _encode({"TableNames": sorted(self._tables)})

    def _describe(self, body: bytes) -> bytes:
        return _encode({"Table": self._description(msgspec.json.decode(body)["TableName"])})

    def _create(self, body: bytes) -> bytes:
        definition = msgspec.json.decode(body)
        if definition["TableName"] in self._tables:
            raise Refused("ResourceInUseException", "the table is there")
        self.make(definition, Rule.none())
        return _encode({"TableDescription": self._description(definition["TableName"])})

    def _update(self, body: bytes) -> bytes:
        change = msgspec.json.decode(body)
        name = change["TableName"]
        self._rows(name)
        definition = self._definitions[name]
        known = {each["AttributeName"]: each for each in definition["AttributeDefinitions"]}
        known |= {each["AttributeName"]: each for each in change.get("AttributeDefinitions", ())}
        definition["AttributeDefinitions"] = list(known.values())
        created = [each["Create"] for each in change.get("GlobalSecondaryIndexUpdates", ())]
        definition["GlobalSecondaryIndexes"] = [*(definition.get("GlobalSecondaryIndexes") or ()), *created]
        if stream := change.get("StreamSpecification"):
            definition["StreamSpecification"] = stream
        return _encode({"TableDescription": self._description(name)})

    def _scan(self, body: bytes) -> bytes:
        request = _decode_scan(body)
        rows = self._rows(request.TableName)
        start, end = (BUCKETS * (request.Segment + more) // request.TotalSegments for more in (0, 1))
        if request.ExclusiveStartKey is not None:
            start = rows.bucket_of(_row_key(request.ExclusiveStartKey)) + 1
        found: list[bytes] = []
        size, last = 0, ""
        for number in range(start, end):
            bucket = rows.bucket(number)
            bodies = [rows.body(row) for row in bucket]
            size += sum(map(len, bodies))
            if found and size > _PAGE_BYTES:
                return _page(found, last)
            found += bodies
            last = bucket[-1][0] if bucket else last
        return _page(found, "")

    def _get(self, body: bytes) -> bytes:
        answers = []
        for name, wanted in _decode_get(body).RequestItems.items():
            rows = self._rows(name)
            found = (rows.get(_row_key(key)) for key in wanted.Keys)
            answers.append(b"%s:[%s]" % (_encode(name), b",".join(item for item in found if item is not None)))
        return b'{"Responses":{%s},"UnprocessedKeys":{}}' % b",".join(answers)

    def _write(self, body: bytes) -> bytes:
        for name, requests in _decode_write(body).RequestItems.items():
            rows = self._rows(name)
            writes = [_written(request) for request in requests]
            if not writes or len(writes) > _BATCH or len({key for key, _ in writes}) != len(writes):
                raise Refused("ValidationException", f"not 1 to {_BATCH} requests, or two of one key")
            for key, item in writes:
                rows.delete(key) if item is None else rows.put(key, item)
        return b'{"UnprocessedItems":{}}'

    def _put(self, body: bytes) -> bytes:
        change = _decode_change(body)
        rows, key = self._rows(change.TableName), _changed_key(change)
        self._require(change, key)
        rows.put(key, bytes(change.Item))
        return b"{}"

    def _delete(self, body: bytes) -> bytes:
        change = _decode_change(body)
        rows, key = self._rows(change.TableName), _changed_key(change)
        self._require(change, key)
        rows.delete(key)
        return b"{}"

    def _require(self, change: _Change, key: str) -> None:
        if not self._holds(change, key):
            raise Refused("ConditionalCheckFailedException", "The conditional request failed")

    def _transact(self, body: bytes) -> bytes:
        steps = _decode_transaction(body).TransactItems
        keys = [_changed_key(each.change()) for each in steps]
        held = [self._holds(each.change(), key) for each, key in zip(steps, keys, strict=True)]
        if not all(held):
            reasons = [{"Code": "None" if each else "ConditionalCheckFailed"} for each in held]
            raise Refused("TransactionCanceledException", "a condition does not hold", ("CancellationReasons", reasons))
        for each, key in zip(steps, keys, strict=True):
            if each.Put is not None:
                self._rows(each.Put.TableName).put(key, bytes(each.Put.Item))
            elif each.Delete is not None:
                self._rows(each.Delete.TableName).delete(key)
        return b"{}"

    def _holds(self, change: _Change, key: str) -> bool:
        """Whether a condition of `A = B` and `attribute_not_exists(A)`, joined by AND, holds."""
        item = self._rows(change.TableName).get(key)
        there: dict[str, Any] = msgspec.json.decode(item) if item is not None else {}
        names, values = change.ExpressionAttributeNames, change.ExpressionAttributeValues
        for clause in change.ConditionExpression.split(_AND) if change.ConditionExpression else ():
            name, _, value = clause.removeprefix(_ABSENT).removesuffix(")").partition("=")
            if not value and not clause.startswith(_ABSENT):
                raise Refused("ValidationException", f"the stub knows no condition {clause}")
            if there.get(names.get(name, name)) != values.get(value):
                return False
        return True

    def _rows(self, name: str) -> Rows:
        rows = self._tables.get(name)
        if rows is None:
            raise Refused("ResourceNotFoundException", f"no table {name}")
        return rows

    def _description(self, name: str) -> dict[str, Any]:
        rows = self._rows(name)
        definition = self._definitions[name]
        indexes = [{**each, "IndexStatus": "ACTIVE"} for each in definition.get("GlobalSecondaryIndexes") or ()]
        return {**definition, "TableStatus": "ACTIVE", "ItemCount": rows.count, "GlobalSecondaryIndexes": indexes}


def row_key(pk: str, sk: str) -> str:
    """The key of an item's row."""
    return f"{pk}\0{sk}"


def _row_key(key: _Key) -> str:
    return f"{key.PK.S}\0{key.SK.S}"


def _written(request: _Write) -> tuple[str, bytes | None]:
    if request.PutRequest is not None:
        item = bytes(request.PutRequest.Item)
        return _row_key(_decode_key(item)), item
    assert request.DeleteRequest is not None, "a put or a delete"
    return _row_key(request.DeleteRequest.Key), None


def _changed_key(change: _Change) -> str:
    return _row_key(_decode_key(change.Item) if change.Key is None else change.Key)


def _page(items: list[bytes], last: str) -> bytes:
    """A page of a scan, and where the next one begins unless `last` is empty."""
    pk, _, sk = last.partition("\0")
    after = b',"LastEvaluatedKey":%s' % _encode({"PK": {"S": pk}, "SK": {"S": sk}}) if last else b""
    count = len(items)
    return b'{"Items":[%s],"Count":%d,"ScannedCount":%d%s}' % (b",".join(items), count, count, after)
