"""The stream's door: what every engine's stream tells of writes, and what a stub of the service says in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tattoo_data import guard
from tattoo_data.errors import StoreError, StoreUnreachable
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import Target, TransientError
from tattoo_data.stores.streams import (
    IteratorExpired,
    Record,
    Records,
    RecordsTrimmed,
    Shard,
    Start,
    StreamGone,
    TableStream,
)
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.stores.conftest import ACCESS, TABLE_ENGINES, fresh_name, table
from tests.stub import Answer, Asked, stub
from tests.tool import database_of

ARN = "arn:aws:dynamodb:eu-west-2:000000000000:table/t/stream/2026-11-28T00:00:00.000"


def door(url: str, name: str = "t") -> TableStream:
    endpoint = guard.check(url)
    return TableStream(name, endpoint, endpoint, replace(ACCESS, access_key=database_of(name)))


def rest(stream: TableStream, iterator: str) -> list[Record]:
    """All that comes now."""
    found: list[Record] = []
    following: str | None = iterator
    while following is not None:
        page = stream.records(following)
        if not page.records:
            break
        found += page.records
        following = page.next
    return found


@pytest.mark.parametrize("engine", TABLE_ENGINES)
def test_an_engine_s_stream_tells_every_write_in_order(engine: str, get_engine: GetEngine) -> None:
    url, name = get_engine(engine).url, fresh_name()
    store, stream = table(url, name), door(url, name)
    try:
        assert stream.find() is None
        store.ensure()
        arn = stream.find()
        assert arn is not None
        entries = [make_entry(StoreName.TABLE, number) for number in range(30)]
        store.put(entries[:5])
        (shard,) = [each for each in stream.shards(arn) if not each.closed]
        end = stream.iterator(arn, shard.id, Start.END)
        assert stream.records(end).records == []
        store.put(entries[5:15])
        store.delete([Target(entries[5].key)])
        found = rest(stream, end)
        assert sorted(each.key for each in found) == sorted([each.key for each in entries[5:15]] + [entries[5].key])
        assert found[-1].key == entries[5].key
        assert all(each.at > 1_600_000_000 for each in found)
        oldest = rest(stream, stream.iterator(arn, shard.id, Start.OLDEST))
        assert {each.key for each in oldest} == {each.key for each in entries[:15]}
        assert rest(stream, stream.iterator(arn, shard.id, Start.AFTER, found[3].sequence)) == found[4:]
    finally:
        store.close()
        stream.close()


@contextmanager
def answering(*answers: tuple[int, Any]) -> Iterator[tuple[TableStream, list[Asked]]]:
    """A stream that gives these answers, one after the other, the last for ever."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return Answer(status=status, body=json.dumps(body).encode())

    with stub(answer) as server:
        stream = door(server.url)
        yield stream, server.asked
        stream.close()


def test_shards_come_in_pages() -> None:
    span = {"StartingSequenceNumber": "1", "EndingSequenceNumber": "9"}
    first = {"Shards": [{"ShardId": "a", "SequenceNumberRange": span}], "LastEvaluatedShardId": "a"}
    second = {"Shards": [{"ShardId": "b", "ParentShardId": "a", "SequenceNumberRange": {}}]}
    with answering((200, {"StreamDescription": first}), (200, {"StreamDescription": second})) as (stream, asked):
        assert stream.shards(ARN) == [
            Shard(id="a", parent=None, closed=True),
            Shard(id="b", parent="a", closed=False),
        ]
    assert [each.headers["x-amz-target"] for each in asked] == ["DynamoDBStreams_20120810.DescribeStream"] * 2
    assert [json.loads(each.body).get("ExclusiveStartShardId") for each in asked] == [None, "a"]


def test_records_are_keys_numbers_and_times_and_a_closed_shard_has_no_next() -> None:
    keys = {"PK": {"S": "ARTIST#a"}, "SK": {"S": "METADATA"}}
    change = {"Keys": keys, "SequenceNumber": "7", "ApproximateCreationDateTime": 1.5e9, "NewImage": {"PK": {"S": "x"}}}
    record = {"eventName": "MODIFY", "dynamodb": change}
    with answering((200, {"Records": [record]})) as (stream, _):
        assert stream.records("i") == Records([Record(item_key("ARTIST#a", "METADATA"), "7", 1.5e9)], None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "TrimmedDataAccessException", RecordsTrimmed),
        (400, "ExpiredIteratorException", IteratorExpired),
        (400, "ResourceNotFoundException", StreamGone),
        (400, "LimitExceededException", TransientError),
        (500, "InternalServerError", TransientError),
        (400, "SomethingElse", StoreError),
    ],
)
def test_errors_have_a_meaning(status: int, code: str, kind: type[StoreError]) -> None:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}
    with answering((status, body)) as (stream, _):
        for ask in (lambda: stream.records("i"), lambda: stream.iterator(ARN, "a", Start.AFTER, "1")):
            with pytest.raises(kind) as raised:
                ask()
            assert type(raised.value) is kind
            assert code in str(raised.value)


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({"LatestStreamArn": ARN, "StreamSpecification": {"StreamEnabled": True}}, ARN),
        ({"LatestStreamArn": ARN, "StreamSpecification": {"StreamEnabled": False}}, None),
        ({"LatestStreamArn": ARN}, None),
        ({}, None),
    ],
)
def test_a_stream_is_found_where_it_is_on(about: Any, found: str | None) -> None:
    with answering((200, {"Table": about})) as (stream, _):
        assert stream.find() == found


def test_nobody_there_is_said_with_the_variable() -> None:
    with stub(lambda asked: Answer()) as server:
        url = server.url
    stream = door(url)
    with pytest.raises(StoreUnreachable, match="dynamodb"):
        stream.find()
    with pytest.raises(StoreUnreachable, match="dynamodbstreams"):
        stream.shards(ARN)
    stream.close()
