"""The door to a table's stream: which items were written, shard by shard, for the 24 hours that DynamoDB keeps them.

A record's images are not looked at: it says which item was written, and what that holds now the table says. (API
reference of DynamoDB Streams: DescribeStream, GetShardIterator, GetRecords.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tattoo_data.errors import StoreError
from tattoo_data.guard import Endpoint
from tattoo_data.model.keys import item_key_of
from tattoo_data.stores.aws import Access, AwsClient, code_of

#: GetRecords gives at most so many, and 1 MB.
MOST_RECORDS = 1_000
_NAME = "stream"
_GONE = "ResourceNotFoundException"


class StreamGone(StoreError):
    """The stream, or a shard of it, is not there any more: what it held cannot be read."""


class RecordsTrimmed(StoreError):
    """The records that were asked for are older than the stream keeps any."""


class IteratorExpired(StoreError):
    """An iterator is valid for 15 minutes; this one is older."""


_MEANINGS: dict[str, type[StoreError]] = {
    _GONE: StreamGone,
    "TrimmedDataAccessException": RecordsTrimmed,
    "ExpiredIteratorException": IteratorExpired,
}


class Start(StrEnum):
    """Where reading of a shard begins."""

    OLDEST = "TRIM_HORIZON"
    END = "LATEST"
    AFTER = "AFTER_SEQUENCE_NUMBER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A part of a stream. A closed one gets no more records; its children go on."""

    id: str
    parent: str | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One write: the item's key, its number within the shard, and about when it was (seconds since 1970, UTC)."""

    key: str
    sequence: str
    at: float


@dataclass(frozen=True, slots=True)
class Records:
    """What a shard holds after an iterator, and the iterator that goes on; None at the end of a closed shard."""

    records: Sequence[Record]
    next: str | None


class _Change(msgspec.Struct):
    Keys: msgspec.Raw
    SequenceNumber: str
    ApproximateCreationDateTime: float = 0.0


class _Record(msgspec.Struct):
    dynamodb: _Change


class _Answer(msgspec.Struct):
    Records: list[_Record] = []
    NextShardIterator: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class TableStream:
    """The stream of one table. Read-only; every method raises as a `Store`'s does."""

    def __init__(self, table: str, tables: Endpoint, streams: Endpoint, access: Access) -> None:
        self.table = table
        self._tables = AwsClient("dynamodb", tables, access, _NAME)
        self._streams = AwsClient("dynamodbstreams", streams, access, _NAME)

    def find(self) -> str | None:
        """The ARN of the stream that is on; None where the table, or its stream, is not."""
        try:
            answer = self._ask(self._tables, "DescribeTable", TableName=self.table)
        except StreamGone:
            return None
        about = answer["Table"]
        on = about.get("StreamSpecification", {}).get("StreamEnabled")
        return str(about["LatestStreamArn"]) if on and about.get("LatestStreamArn") else None

    def shards(self, stream: str) -> list[Shard]:
        """Every shard that the stream still has. Raises `StreamGone`."""
        shards: list[Shard] = []
        more: dict[str, str] = {}
        while True:
            about = self._ask(self._streams, "DescribeStream", StreamArn=stream, **more)["StreamDescription"]
            shards += map(_shard, about.get("Shards", ()))
            if not about.get("LastEvaluatedShardId"):
                return shards
            more = {"ExclusiveStartShardId": about["LastEvaluatedShardId"]}

    def iterator(self, stream: str, shard: str, start: Start, after: str | None = None) -> str:
        """Where reading of a shard begins; `after` is a record's number. Raises `RecordsTrimmed` where that is too
        old, and `StreamGone`."""
        more = {} if after is None else {"SequenceNumber": after}
        answer = self._ask(
            self._streams, "GetShardIterator", StreamArn=stream, ShardId=shard, ShardIteratorType=start.value, **more
        )
        return str(answer["ShardIterator"])

    def records(self, iterator: str, limit: int = MOST_RECORDS) -> Records:
        """The next records, in the order of writing. Idempotent. Raises `IteratorExpired`, `RecordsTrimmed` and
        `StreamGone`."""
        body = msgspec.json.encode({"ShardIterator": iterator, "Limit": limit})
        answer = _decode(self._send(self._streams, "GetRecords", body))
        found = (each.dynamodb for each in answer.Records)
        records = [
            Record(item_key_of(bytes(each.Keys)), each.SequenceNumber, each.ApproximateCreationDateTime)
            for each in found
        ]
        return Records(records, answer.NextShardIterator or None)

    def close(self) -> None:
        """Give connections back. Idempotent."""
        self._tables.close()
        self._streams.close()

    def _ask(self, aws: AwsClient, operation: str, **fields: str) -> Any:
        return msgspec.json.decode(self._send(aws, operation, msgspec.json.encode(fields)))

    def _send(self, aws: AwsClient, operation: str, body: bytes) -> bytes:
        try:
            with aws.errors(operation):
                return aws.send(operation, body)
        except ClientError as error:
            meaning = _MEANINGS.get(code_of(error))
            if meaning is None:
                raise aws.unexpected(error, operation) from error
            endpoint, reason = aws.endpoint.url, code_of(error)
            raise meaning(service=aws.service, endpoint=endpoint, operation=operation, reason=reason) from error


def _shard(about: dict[str, Any]) -> Shard:
    span = about.get("SequenceNumberRange", {})
    closed = bool(span.get("EndingSequenceNumber"))
    return Shard(id=about["ShardId"], parent=about.get("ParentShardId") or None, closed=closed)
