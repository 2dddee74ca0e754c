"""Structure: what a restore makes anew is like what was backed up, and has all of ours in any case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Application
from tests.system.test_states import application
from tests.tool import AS_OF, Tool


@pytest.fixture
def live(every_tool: Tool) -> Iterator[Application]:
    every_tool.ok("reset", "minimal", "--as-of", AS_OF)
    with application(every_tool) as clients:
        yield clients


def test_a_restore_makes_further_indexes_and_fields_again(every_tool: Tool, live: Application) -> None:
    live.dynamodb.update_table(
        TableName=live.table,
        AttributeDefinitions=[{"AttributeName": "city", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-city",
                    "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )
    live.opensearch.indices.put_mapping(index=live.index, body={"properties": {"nickname": {"type": "keyword"}}})
    every_tool.ok("snapshot", "with-more")
    live.dynamodb.delete_table(TableName=live.table)
    live.opensearch.indices.delete(index=live.index)
    restored = every_tool.ok("restore", "with-more", "--json").json()
    assert restored["proven"] is True
    table = live.dynamodb.describe_table(TableName=live.table)["Table"]
    assert "by-city" in {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
    (about,) = live.opensearch.indices.get(index=live.index).values()
    assert about["mappings"]["properties"]["nickname"]["type"] == "keyword"
    assert about["mappings"]["properties"]["artistId"]["type"] == "keyword"
    assert every_tool.ok("restore", "with-more", "--json").json()["run"] is None


def test_a_restore_mends_a_mapping_that_lacks_a_field_of_the_snapshots(every_tool: Tool, live: Application) -> None:
    live.opensearch.indices.put_mapping(index=live.index, body={"properties": {"nickname": {"type": "keyword"}}})
    every_tool.ok("snapshot", "with-more")
    live.opensearch.indices.delete(index=live.index)
    every_tool.ok("reset", "minimal", "--as-of", AS_OF)
    every_tool.ok("restore", "with-more")
    (about,) = live.opensearch.indices.get(index=live.index).values()
    assert about["mappings"]["properties"]["nickname"]["type"] == "keyword"


def test_a_snapshot_of_an_index_that_finds_nothing_is_restored_into_one_that_does(
    every_tool: Tool, live: Application
) -> None:
    live.opensearch.indices.delete(index=live.index)
    live.opensearch.index(
        index=live.index, id="artist-001", body={"artistId": "artist-001"}, params={"refresh": "true"}
    )
    every_tool.ok("snapshot", "guessed")
    live.opensearch.indices.delete(index=live.index)
    every_tool.ok("restore", "guessed")
    assert live.search({"query": {"term": {"artistId": "artist-001"}}}) == ["artist-001"]
