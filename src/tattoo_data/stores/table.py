"""The table's door: DynamoDB items as raw JSON, from the wire and to it.

boto3 keeps credentials, signing and endpoints; the two bodies that matter pass it by, because checking,
serialising and parsing every attribute costs it hundreds of times what the wire does. `before-call` hands a ready
body to BatchWriteItem and TransactWriteItems, `before-parse` takes the page of a Scan or BatchGetItem away unread.
"""

from __future__ import annotations

import threading
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
    secondary_index,
    table_definition,
    table_difference,
)
from tattoo_data.stores.aws import Access, AwsClient, code_of, message_of
from tattoo_data.stores.base import NOT_ROUTED, Description, Exchange, Limits, Outcome, Page, Routing, Target
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
_EMPTY = b"{}"


class _Page(msgspec.Struct):
    Items: list[msgspec.Raw] = []
    LastEvaluatedKey: dict[str, Any] | None = None


class _Fetched(msgspec.Struct):
    Responses: dict[str, list[msgspec.Raw]] = {}
    UnprocessedKeys: dict[str, dict[str, Any]] = {}


class _Put(msgspec.Struct):
    Item: msgspec.Raw


class _Delete(msgspec.Struct):
    Key: msgspec.Raw


class _Request(msgspec.Struct):
    PutRequest: _Put | None = None
    DeleteRequest: _Delete | None = None


class _Written(msgspec.Struct):
    UnprocessedItems: dict[str, list[_Request]] = {}


class TableStore:
    """The DynamoDB table. A `Store`."""

    name = StoreName.TABLE
    limits = LIMITS

    def __init__(self, table: str, endpoint: Endpoint, access: Access, clock: Clock) -> None:
        self.table = table
        self._clock = clock
        self._aws = AwsClient("dynamodb", endpoint, access, self.name)
        self._client = self._aws.client
        self._call = threading.local()
        self._exchanger = Exchanger(
            table=table, send=self._write_one, send_all=self._transact, get=self.get, ways=Ways(clock)
        )
        events = self._client.meta.events
        for operation in ("BatchWriteItem", "PutItem", "DeleteItem", "TransactWriteItems"):
            events.register(f"before-call.dynamodb.{operation}", self._give_body)
        for operation in ("Scan", "BatchGetItem", "BatchWriteItem"):
            events.register(f"before-parse.dynamodb.{operation}", self._take_body)

    def describe(self) -> Description | None:
        live = self._describe()
        if live is None:
            return None
        missing = [f"the index {name}" for name in missing_indexes(live)]
        if lacks_stream(live):
            missing.append("the stream")
        return Description(
            name=self.table,
            engine=self._aws.engine,
            count=int(live.get("ItemCount", 0)),
            refused=tuple(table_difference(live)),
            missing=tuple(missing),
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
        for index in missing_indexes(live):
            self._add_index(index)
        if lacks_stream(live):
            stream = {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}
            self._update({"StreamSpecification": stream})

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        parameters: dict[str, Any] = {"TableName": self.table, "ConsistentRead": True}
        if segments > 1:
            parameters |= {"Segment": segment, "TotalSegments": segments}
        if cursor is not None:
            parameters["ExclusiveStartKey"] = cursor
        body = self._read("scan", parameters)
        if body is None:
            return Page(())
        page = msgspec.json.decode(body, type=_Page)
        items = map(bytes, page.Items)
        return Page([Entry(item_key_of(item), item) for item in items], page.LastEvaluatedKey)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        found: list[Entry] = []
        for start in range(0, len(keys), _GET_KEYS):
            wanted: list[Any] = [msgspec.json.decode(key) for key in keys[start : start + _GET_KEYS]]
            while wanted:
                request = {self.table: {"Keys": wanted, "ConsistentRead": True}}
                body = self._read("batch_get_item", {"RequestItems": request})
                if body is None:
                    return []
                answer = msgspec.json.decode(body, type=_Fetched)
                items = (bytes(raw) for raw in answer.Responses.get(self.table, ()))
                found += (Entry(item_key_of(item), item) for item in items)
                left = answer.UnprocessedKeys.get(self.table, {}).get("Keys", [])
                if len(left) == len(wanted):
                    raise self._aws.busy("batch_get_item", f"none of {len(left)} keys was read")
                wanted = left
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

    def close(self) -> None:
        self._aws.close()

    # The bodies that pass boto3 by. A call and its events run in one thread.

    def _give_body(self, params: dict[str, Any], **_: object) -> None:
        params["body"] = self._call.body

    def _take_body(self, response_dict: dict[str, Any], **_: object) -> None:
        if response_dict["status_code"] == 200:
            self._call.answer = response_dict["body"]
            response_dict["body"] = _EMPTY

    def _read(self, operation: str, parameters: Mapping[str, Any]) -> bytes | None:
        try:
            with self._aws.errors(operation):
                getattr(self._client, operation)(**parameters)
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise self._aws.unexpected(error, operation) from error
        answer: bytes = self._call.answer
        return answer

    def _write(self, requests: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """One batch. A validation error fails a batch whole and names nobody, so it is halved until the culprit
        stands alone."""
        if not requests:
            return []
        self._call.body = b'{"RequestItems":{%s:[%s]}}' % (
            msgspec.json.encode(self.table),
            b",".join(body for _, body in requests),
        )
        try:
            with self._aws.errors("batch_write_item"):
                self._client.batch_write_item(RequestItems={})
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise self._aws.unexpected(error, "batch_write_item") from error
            if len(requests) == 1:
                return [Outcome(requests[0][0], code_of(error), message_of(error))]
            half = len(requests) // 2
            return self._write(requests[:half]) + self._write(requests[half:])
        left = _unprocessed(self._call.answer, self.table)
        return [_outcome(key, left) for key, _ in requests]

    def _write_one(self, write: Write) -> Refused | None:
        error = self._send_ready(f"{write.operation.lower()}_item", write.body, TableName=self.table)
        return Refused(code_of(error), message_of(error)) if error else None

    def _transact(self, body: bytes) -> Cancelled | None:
        error = self._send_ready("transact_write_items", body, TransactItems=[])
        if error is None:
            return None
        reasons = error.response.get("CancellationReasons", ())
        spelled = [Reason(str(each.get("Code", "")), str(each.get("Message", ""))) for each in reasons]
        return Cancelled(code_of(error), message_of(error), spelled)

    def _send_ready(self, operation: str, body: bytes, **parameters: Any) -> ClientError | None:
        """Send a ready body; the error where it was refused for what is in it."""
        self._call.body = body
        try:
            with self._aws.errors(operation):
                getattr(self._client, operation)(**parameters)
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
                self._client.create_table(**table_definition(self.table))
        except ClientError as error:
            if code_of(error) not in _BUSY:  # another command makes it just now
                raise self._aws.unexpected(error, "create_table") from error

    def _add_index(self, name: str) -> None:
        definition = table_definition(self.table)["AttributeDefinitions"]
        parts = {"PK", "SK", *(key["AttributeName"] for key in secondary_index(name)["KeySchema"])}
        self._update(
            {
                "AttributeDefinitions": [each for each in definition if each["AttributeName"] in parts],
                "GlobalSecondaryIndexUpdates": [{"Create": secondary_index(name)}],
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
    requests = msgspec.json.decode(answer, type=_Written).UnprocessedItems.get(table, ())
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
