"""`why` on whole targets: what validation says of one record, what the application wrote, and what runs did to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.test_terminal import on_a_terminal
from tests.live import Application
from tests.system.test_states import WRITES
from tests.system.test_undo import edit
from tests.system.test_validate import validate
from tests.tool import AS_OF, Tool

KEY = '{"PK":{"S":"ARTIST#artist-001"},"SK":{"S":"METADATA"}}'
LONG = "12345678901234567890.123456789012345678"


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


def why(tool: Tool, key: str) -> Any:
    return tool.ok("why", key, "--json").json()


def test_a_record_as_it_is(any_tool: Tool, live: Application) -> None:
    document = why(any_tool, "artist-001")
    (item,), (seen,) = document["items"], document["documents"]
    assert (item["key"], item["pk"], item["sk"]) == (KEY, "ARTIST#artist-001", "METADATA")
    assert (item["kind"], item["keyForm"]) == ("artist", "METADATA")
    assert item["item"]["artistId"] == {"S": "artist-001"}
    assert (seen["id"], seen["routing"], seen["exists"], seen["equalsItem"], seen["differences"]) == (
        "artist-001",
        None,
        True,
        True,
        [],
    )
    assert seen["document"]["artistId"] == "artist-001"
    assert all(each["exists"] and each["sizeBytes"] and len(each["md5"]) == 32 for each in document["images"])
    assert document["referredToBy"] is None
    assert [(each["command"], each["change"], each["store"]) for each in document["runs"]] == [
        ("reset fresh", "created", "table"),
        ("reset fresh", "created", "index"),
    ]
    for other in ("ARTIST#artist-001", "ARTIST#artist-001/METADATA", KEY):
        same = why(any_tool, other)
        assert {name: same[name] for name in ("items", "images")} == {
            name: document[name] for name in ("items", "images")
        }


def test_what_somebody_did_to_it_is_told_value_by_value(any_tool: Tool, live: Application) -> None:
    edit(live, "Somebody else's words.")
    live.opensearch.update(index=live.index, id="artist-001", body={"doc": {"rating": 1.5}}, refresh=True)
    foreign = {"PK": "ARTIST#artist-001", "artistId": "artist-001"}
    live.opensearch.index(index=live.index, id="ARTIST#artist-001", body=foreign, routing="r", refresh=True)
    document = why(any_tool, "artist-001")
    other, seen = document["documents"]
    assert (other["id"], other["routing"], other["equalsItem"], other["document"]) == (
        "ARTIST#artist-001",
        "r",
        None,
        foreign,
    )
    assert seen["equalsItem"] is False
    differences = {each["path"]: (each["document"], each["item"]) for each in seen["differences"]}
    assert differences["bio"][1] == "Somebody else's words."
    assert differences["rating"][0] == 1.5
    assert len(differences) == 2


def test_the_findings_are_those_of_validate(any_tool: Tool, live: Application) -> None:
    """Of every record that something is wrong with, by itself, with its links, its document or its images."""
    for pk, field, value in (
        ("ARTIST#artist-001", "rating", {"N": "7"}),
        ("ARTIST#artist-002", "styles", {"L": [{"S": "no-such-style"}]}),
        ("ARTIST#artist-003", "studioInfo", {"M": {"studioId": {"S": "studio-999"}}}),
        ("ARTIST#artist-004", "instagramHandle", {"S": "@x"}),
        ("STUDIO#studio-001", "postcode", {"S": "nowhere"}),
        ("STUDIO#studio-002", "artists", {"L": [{"S": "artist-nobody"}]}),
        ("STYLE#celtic", "difficulty", {"S": "hard"}),
    ):
        live.dynamodb.update_item(
            TableName=live.table,
            Key={"PK": {"S": pk}, "SK": {"S": "METADATA"}},
            UpdateExpression="SET #field = :value",
            ExpressionAttributeNames={"#field": field},
            ExpressionAttributeValues={":value": value},
        )
    live.opensearch.delete(index=live.index, id="artist-005", refresh=True)
    live.opensearch.index(index=live.index, id="artist-900", body={"artistId": "artist-900"}, refresh=True)
    live.s3.delete_object(Bucket=live.bucket, Key="avatars/avatar-1.png")
    live.s3.put_object(Bucket=live.bucket, Key="new.png", Body=b"x")
    found = [each for each in validate(any_tool, "all", code=4)["findings"] if each["store"] != "files"]
    ids = [*(f"artist-{number:03}" for number in range(1, 12)), "artist-900", "studio-001", "studio-002", "celtic"]
    assert {each["rule"] for each in found} >= {
        "rating-range",
        "image-missing",
        "document-extra",
        "studio-lists-nobody",
    }
    told = 0
    for record in [*ids, "new.png"]:
        document = why(any_tool, record)
        keys = {record, *(each["key"] for each in document["items"])}
        wanted = [each for each in found if each["key"] in keys]
        assert in_order(document["findings"]) == in_order(wanted), record
        told += len(wanted)
    assert told >= 15


def in_order(findings: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return sorted(tuple(str(each[name]) for name in ("rule", "store", "key", "field", "message")) for each in findings)


def test_what_runs_did_and_undid(any_tool: Tool, live: Application) -> None:
    any_tool.ok("reset", "fresh", "--as-of", "2026-11-20")
    any_tool.ok("undo")
    any_tool.ok("clear", "dynamodb")
    document = why(any_tool, "artist-001")
    assert document["items"] == []
    of_table = [each for each in document["runs"] if each["store"] == "table"]
    assert [(each["command"], each["change"], each["status"]) for each in of_table] == [
        ("clear dynamodb", "deleted", "done"),
        ("undo", "changed", "done"),
        ("reset fresh", "changed", "undone"),
        ("reset fresh", "created", "done"),
    ]
    paths = {each["path"]: (each["before"], each["after"]) for each in of_table[2]["fields"]}
    there = {each["path"]: (each["after"], each["before"]) for each in of_table[1]["fields"]}
    assert paths == there
    assert "updatedAt" in paths
    any_tool.ok("clear")
    assert why(any_tool, "artist-001")["documents"] == []


def test_an_image_and_what_is_no_record(any_tool: Tool, live: Application) -> None:
    live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "2026/1"}, "n": {"N": LONG}, "b": {"B": b"\x00"}})
    (item,) = why(any_tool, "AUDIT#1")["items"]
    assert (item["kind"], item["keyForm"], item["sk"]) == (None, None, "2026/1")
    shown = any_tool.ok("why", "AUDIT#1/2026/1").stdout
    assert LONG in shown
    (first,) = [each["key"] for each in why(any_tool, "artist-001")["images"] if "avatar" in each["key"]]
    document = why(any_tool, f"http://localhost:4566/{live.bucket}/{first}")
    assert [(each["key"], each["exists"]) for each in document["images"]] == [(first, True)]
    assert {"store": "table", "key": KEY} in document["referredToBy"]
    assert {"store": "index", "key": "artist-001"} in document["referredToBy"]
    live.s3.delete_object(Bucket=live.bucket, Key=first)
    gone = why(any_tool, first)
    assert [(each["key"], each["exists"]) for each in gone["images"]] == [(first, False)]
    assert gone["referredToBy"] == document["referredToBy"]


def test_nothing_is_known(any_tool: Tool) -> None:
    missing = any_tool.run("why", "artist-001", "--json")
    assert (missing.code, missing.error()["id"]) == (10, "StoreMissing")
    assert "reset" in missing.error()["hint"]
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    unknown = any_tool.run("why", "artist-0O2", "--json")
    assert (unknown.code, unknown.stdout, unknown.error()["id"]) == (10, "", "UnknownName")
    assert "artist-002" in unknown.error()["message"]
    assert any_tool.run("why", "").code == 2


def test_no_write_is_sent(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    for key in ("artist-001", "avatars/avatar-1.png", "nobody"):
        requests = [line for line in tool.run("why", key, "--debug").stderr.splitlines() if " attempt " in line]
        assert len(requests) > 5
        assert [line for line in requests if WRITES.search(line)] == []


def test_what_is_printed(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    live = Application(tool.environment)
    edit(live, "words \x1b[31m" + "x" * 200)
    live.close()
    shown = tool.ok("why", "artist-001").stdout
    assert "\x1b" not in shown
    assert "item        ARTIST#artist-001 METADATA (artist, key form METADATA)" in shown
    assert "document    artist-001: 1 field differs from the item" in shown
    assert "finding     error document-differs, index bio" in shown
    assert "reset fresh, done: created table ARTIST#artist-001 METADATA" in shown
    assert "x" * 200 not in shown
    assert "x" * 200 in tool.ok("why", "artist-001", "-v").stdout
    drawn = on_a_terminal(tool, "why", "celtic")
    assert "STYLE#celtic METADATA (style, key form METADATA)" in drawn[1]
    tool.ok("clear")
    assert "now         the stores hold nothing under this key" in tool.ok("why", "artist-001").stdout
