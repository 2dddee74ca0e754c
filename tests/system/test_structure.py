"""Structure: what a restore makes anew is like what was backed up, and has all of ours in any case."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest

from tests.formats.builders import aws_export, aws_line
from tests.live import Application
from tests.system.test_states import application
from tests.tool import AS_OF, Tool


@pytest.fixture
def live(every_tool: Tool) -> Iterator[Application]:
    every_tool.ok("reset", "minimal", "--as-of", AS_OF)
    with application(every_tool) as clients:
        yield clients


def test_a_restore_makes_further_indexes_and_fields_again(every_tool: Tool, live: Application) -> None:
    live.add_index("city")
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


def make_like_no_other(live: Application) -> None:
    """An index of ours and more, and a table with an index more."""
    (about,) = live.opensearch.indices.get(index=live.index).values()
    mapping = about["mappings"]
    mapping["properties"] |= {"nickname": {"type": "text", "analyzer": "folded"}, "awards": {"type": "nested"}}
    folded = {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}
    settings = {"number_of_shards": 2, "number_of_replicas": 0, "analysis": {"analyzer": {"folded": folded}}}
    live.opensearch.indices.delete(index=live.index)
    live.opensearch.indices.create(index=live.index, body={"mappings": mapping, "settings": {"index": settings}})
    live.add_index("city")


def check_is_like_no_other(live: Application) -> None:
    (about,) = live.opensearch.indices.get(index=live.index).values()
    settings, properties = about["settings"]["index"], about["mappings"]["properties"]
    assert (settings["number_of_shards"], list(settings["analysis"]["analyzer"])) == ("2", ["folded"])
    assert properties["nickname"]["analyzer"] == "folded" and properties["awards"]["type"] == "nested"
    assert properties["artistId"]["type"] == "keyword"


@pytest.mark.parametrize("replace", [(), ("--replace", "--yes")])
def test_an_import_of_an_export_makes_the_stores_as_they_were(
    every_tool: Tool, live: Application, replace: tuple[str, ...]
) -> None:
    make_like_no_other(live)
    every_tool.ok("sync", "dynamo-to-os")
    path = every_tool.ok("export", "./x", "--json").json()["path"]
    live.dynamodb.delete_table(TableName=live.table)
    live.opensearch.indices.delete(index=live.index)
    done = every_tool.ok("import", path, *replace, "--json").json()
    assert done["notes"] == []
    check_is_like_no_other(live)
    table = live.dynamodb.describe_table(TableName=live.table)["Table"]
    assert "by-city" in {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
    assert every_tool.ok("import", path, *replace, "--json").json()["run"] is None


def test_an_import_of_elasticdumps_files_makes_the_index_as_it_was(every_tool: Tool, live: Application) -> None:
    make_like_no_other(live)
    every_tool.ok("sync", "dynamo-to-os")
    path = every_tool.ok("export", "./x", "--json").json()["path"]
    live.opensearch.indices.delete(index=live.index)
    assert every_tool.ok("import", f"{path}/opensearch", "--json").json()["notes"] == []
    check_is_like_no_other(live)


def test_a_cut_mapping_is_named_and_nothing_is_written(every_tool: Tool, live: Application) -> None:
    path = every_tool.ok("export", "./x", "--json").json()["path"]
    mapping = every_tool.cwd / path / "opensearch" / f"{live.index}.mapping.json"
    mapping.write_bytes(mapping.read_bytes()[:-20])
    live.opensearch.indices.delete(index=live.index)
    for folder in (path, f"{path}/opensearch"):
        done = every_tool.run("import", folder)
        assert done.code == 12 and f"{live.index}.mapping.json: " in done.stderr
    assert not live.opensearch.indices.exists(index=live.index)


def test_strict_foresees_what_an_index_of_the_table_refuses(every_tool: Tool, live: Application) -> None:
    path = every_tool.ok("export", "./x", "--only", "dynamodb", "--json").json()["path"]
    (aws,) = (every_tool.cwd / path / "AWSDynamoDB").iterdir()
    lines = b"".join(gzip.decompress(each.read_bytes()) for each in (aws / "data").iterdir()).splitlines()
    items = [json.loads(line)["Item"] for line in lines]
    for number, value in enumerate(({"N": "5"}, {"B": "QQ=="}, {"S": ""})):
        items[number]["gsi1pk"] = value
    made = aws_export(every_tool.cwd / "made", [b"".join(map(aws_line, items))])
    live.dynamodb.delete_table(TableName=live.table)
    strict = every_tool.run("import", str(made), "--only", "dynamodb", "--strict")
    assert (
        strict.code == 12
        and "gsi1pk: a key of style-geohash-index has to be a string (S), and it is N" in strict.stderr
    )
    assert live.table not in live.dynamodb.list_tables()["TableNames"]
    done = every_tool.run("import", str(made), "--only", "dynamodb", "--json")
    assert done.code == 3 and len(done.json()["rejected"]) == 3 and done.json()["failures"] == []
