"""The table's door: DynamoDB items as raw JSON, from the wire and to it.

What makes and describes a table goes through botocore. What carries items passes it by, signed and nothing more,
because checking, serialising and parsing every attribute costs it hundreds of times what the wire does.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError, StructureRefused
from tattoo_data.guard import Endpoint
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key_of
from tattoo_data.model.structure import (
    STREAM_VIEW,
    lacks_stream,
    missing_indexes,
    table_definition,
    table_difference,
    table_structure,
)
from tattoo_data.stores.aws import Access, AwsClient, code_of, message_of
from tattoo_data.stores.base import (
    NOT_ROUTED,
    Description,
    Exchange,
    Limits,
    Outcome,
    Page,
    PartlyRead,
    Routing,
    Target,
)
from tattoo_data.stores.table_condition import Write
from tattoo_data.stores.table_exchange import Exchanger, Refused, Ways
from tattoo_data.stores.table_transact import Cancelled, Reason

#: BatchWriteItem takes 25 items and 16 MB; BatchGetItem 100 keys (API reference of DynamoDB).
LIMITS = Limits(entries=25, size=14_000_000, segments=4)
_GET_KEYS = 100
_WAIT_SECONDS = 300.0
_POLL_SECONDS = 0.2
_GONE = ("ResourceNotFoundException",)
_REFUSED = ("ConditionalCheckFailedException", "ValidationException", "TransactionCanceledException")
_BUSY = ("ResourceInUseException", "LimitExceededException")


class _Scan(msgspec.Struct, omit_defaults=True):
    TableName: str
    ConsistentRead: bool | None = None
    Segment: int | None = None
    TotalSegments: int | None = None
    ExclusiveStartKey: object = None


class _Page(msgspec.Struct):
    Items: list[msgspec.Raw] = []
    LastEvaluatedKey: dict[str, Any] | None = None


class _Keys(msgspec.Struct):
    Keys: list[msgspec.Raw]
    ConsistentRead: bool = True


class _Fetched(msgspec.Struct):
    Responses: dict[str, list[msgspec.Raw]] = {}
    UnprocessedKeys: dict[str, _Keys] = {}


class _Put(msgspec.Struct):
    Item: msgspec.Raw


class _Delete(msgspec.Struct):
    Key: msgspec.Raw


class _Request(msgspec.Struct):
    PutRequest: _Put | None = None
    DeleteRequest: _Delete | None = None


class _Written(msgspec.Struct):
    UnprocessedItems: dict[str, list[_Request]] = {}


_NO_KEYS = _Keys([])
_decode_page = msgspec.json.Decoder(_Page).decode
_decode_fetched = msgspec.json.Decoder(_Fetched).decode
_decode_written = msgspec.json.Decoder(_Written).decode


class TableStore:
    """The DynamoDB table. A `Store`."""

    name = StoreName.TABLE
    limits = LIMITS

    def __init__(self, table: str, endpoint: Endpoint, access: Access, clock: Clock) -> None:
        self.table = table
        self._definition = table_definition(table)
        self._clock = clock
        self._aws = AwsClient("dynamodb", endpoint, access, self.name)
        self._client = self._aws.client
        self._exchanger = Exchanger(
            table=table, send=self._write_one, send_all=self._transact, get=self.get, ways=Ways(clock)
        )

    def describe(self) -> Description | None:
        live = self._describe()
        if live is None:
            return None
        missing = [f"the index {name}" for name in missing_indexes(live, self._definition)]
        if lacks_stream(live):
            missing.append("the stream")
        return Description(
            name=self.table,
            engine=self._aws.engine,
            count=int(live.get("ItemCount", 0)),
            refused=tuple(table_difference(live)),
            missing=tuple(missing),
            structure=table_structure(live),
        )

    def ensure(self) -> None:
        live = self._describe()
        if live is None:
            self._create()
            live = self._wait_until_active()
        if difference := table_difference(live):
            raise StructureRefused(
                store="table",
                name=self.table,
                difference="; ".join(difference),
                variable="DYNAMODB_TABLE_NAME or --table",
            )
        for index in missing_indexes(live, self._definition):
            self._add_index(index)
        if lacks_stream(live):
            stream = {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}
            self._update({"StreamSpecification": stream})

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        request = _Scan(self.table, ConsistentRead=True, ExclusiveStartKey=cursor)
        if segments > 1:
            request.Segment, request.TotalSegments = segment, segments
        body = self._read("Scan", request)
        if body is None:
            return Page(())
        page = _decode_page(body)
        items = map(bytes, page.Items)
        return Page([Entry(item_key_of(item), item) for item in items], page.LastEvaluatedKey)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        found: list[Entry] = []
        left: list[str] = []
        for start in range(0, len(keys), _GET_KEYS):
            wanted = [msgspec.Raw(key) for key in keys[start : start + _GET_KEYS]]
            body = self._read("BatchGetItem", {"RequestItems": {self.table: _Keys(wanted)}})
            if body is None:
                return []
            answer = _decode_fetched(body)
            items = map(bytes, answer.Responses.get(self.table, ()))
            found += (Entry(item_key_of(item), item) for item in items)
            left += (item_key_of(bytes(key)) for key in answer.UnprocessedKeys.get(self.table, _NO_KEYS).Keys)
        if left:
            raise self._partly(found, left, len(keys))
        return found

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        requests = [(each.key, b'{"PutRequest":{"Item":%s}}' % each.body) for each in entries]
        return self._write(requests)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        requests = [(each.key, b'{"DeleteRequest":{"Key":%s}}' % each.key.encode()) for each in targets]
        return self._write(requests)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        """The condition compares every attribute of `before`, and that what `after` has besides is not there; an item
        with more attributes than an expression takes (150, or fewer where many are added) is also read just before
        it is written. What no condition can say: that nobody added an attribute which neither of the two has."""
        return self._exchanger.exchange(exchanges)

    def settle(self) -> None:
        """Nothing to do: the table is read consistently, and its indexes follow by themselves."""

    def shaped(self, structure: Mapping[str, Any]) -> TableStore:
        other = copy.copy(self)
        other._definition = table_definition(self.table, structure)
        return other

    def close(self) -> None:
        self._aws.close()

    # What passes botocore by.

    def _read(self, operation: str, request: object) -> bytes | None:
        try:
            with self._aws.errors(operation):
                return self._aws.send(operation, msgspec.json.encode(request))
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise self._aws.unexpected(error, operation) from error

    def _partly(self, found: Sequence[Entry], left: Sequence[str], asked: int) -> PartlyRead:
        return PartlyRead(
            found=found,
            left=left,
            service="dynamodb",
            endpoint=self._aws.endpoint.url,
            operation="BatchGetItem",
            reason=f"{len(left)} of {asked} keys were not read",
        )

    def _write(self, requests: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """One batch. A validation error fails a batch whole and names nobody, so it is halved until the culprit
        stands alone."""
        if not requests:
            return []
        name = msgspec.json.encode(self.table)
        body = b'{"RequestItems":{%s:[%s]}}' % (name, b",".join([body for _, body in requests]))
        try:
            with self._aws.errors("BatchWriteItem"):
                answer = self._aws.send("BatchWriteItem", body)
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise self._aws.unexpected(error, "BatchWriteItem") from error
            if len(requests) == 1:
                return [Outcome(requests[0][0], code_of(error), message_of(error))]
            half = len(requests) // 2
            return self._write(requests[:half]) + self._write(requests[half:])
        left = _unprocessed(answer, self.table)
        return [_outcome(key, left) for key, _ in requests]

    def _write_one(self, write: Write) -> Refused | None:
        error = self._send_ready(f"{write.operation}Item", write.body)
        return Refused(code_of(error), message_of(error)) if error else None

    def _transact(self, body: bytes) -> Cancelled | None:
        error = self._send_ready("TransactWriteItems", body)
        if error is None:
            return None
        reasons = error.response.get("CancellationReasons", ())
        spelled = [Reason(str(each.get("Code", "")), str(each.get("Message", ""))) for each in reasons]
        return Cancelled(code_of(error), message_of(error), spelled)

    def _send_ready(self, operation: str, body: bytes) -> ClientError | None:
        """Send a ready body; the error where it was refused for what is in it."""
        try:
            with self._aws.errors(operation):
                self._aws.send(operation, body)
        except ClientError as error:
            if code_of(error) not in _REFUSED:
                raise self._aws.unexpected(error, operation) from error
            return error
        return None

    def _describe(self) -> dict[str, Any] | None:
        try:
            with self._aws.errors("describe_table"):
                table: dict[str, Any] = self._client.describe_table(TableName=self.table)["Table"]
                return table
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise self._aws.unexpected(error, "describe_table") from error

    def _create(self) -> None:
        try:
            with self._aws.errors("create_table"):
                self._client.create_table(**self._definition)
        except ClientError as error:
            if code_of(error) not in _BUSY:  # another command makes it just now
                raise self._aws.unexpected(error, "create_table") from error

    def _add_index(self, name: str) -> None:
        index = next(each for each in self._definition["GlobalSecondaryIndexes"] if each["IndexName"] == name)
        parts = {"PK", "SK", *(key["AttributeName"] for key in index["KeySchema"])}
        attributes = self._definition["AttributeDefinitions"]
        self._update(
            {
                "AttributeDefinitions": [each for each in attributes if each["AttributeName"] in parts],
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
            }
        )

    def _update(self, change: Mapping[str, Any]) -> None:
        try:
            with self._aws.errors("update_table"):
                self._client.update_table(TableName=self.table, **change)
        except ClientError as error:
            raise self._aws.unexpected(error, "update_table") from error
        self._wait_until_active()

    def _wait_until_active(self) -> dict[str, Any]:
        """The table once it and all its indexes are ACTIVE."""
        end = self._clock.monotonic() + _WAIT_SECONDS
        while self._clock.monotonic() < end:
            live = self._describe()
            if live is not None and all(status == "ACTIVE" for status in _statuses(live)):
                return live
            self._clock.sleep(_POLL_SECONDS)
        raise StoreError(
            service="dynamodb",
            endpoint=self._aws.endpoint.url,
            operation="describe_table",
            reason=f"the table {self.table} was not ready within {_WAIT_SECONDS:.0f} s",
        )


def _statuses(live: Mapping[str, Any]) -> Iterator[str]:
    yield live.get("TableStatus", "ACTIVE")
    for index in live.get("GlobalSecondaryIndexes") or ():
        yield index.get("IndexStatus", "ACTIVE")


def _unprocessed(answer: bytes, table: str) -> frozenset[str]:
    """The keys of what a BatchWriteItem did not take."""
    requests = _decode_written(answer).UnprocessedItems.get(table, ())
    return frozenset(_requested_key(request) for request in requests)


def _requested_key(request: _Request) -> str:
    if request.PutRequest is not None:
        return item_key_of(bytes(request.PutRequest.Item))
    if request.DeleteRequest is not None:
        return item_key_of(bytes(request.DeleteRequest.Key))
    raise ValueError("an unprocessed request neither puts nor deletes")


def _outcome(key: str, unprocessed: frozenset[str]) -> Outcome:
    if key not in unprocessed:
        return Outcome(key)
    return Outcome(key, "UnprocessedItems", "DynamoDB did not take it", transient=True)
