"""`validate --fix` on whole targets: spoiled by the application's own clients, planned, mended, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Application
from tests.system.test_states import application
from tests.system.test_undo import fingerprint, held_at, history, raw_items, status
from tests.system.test_validate import validate
from tests.tool import AS_OF, Tool

LONG = "1234567890123456789012345678.9012345678"
ODD = {
    "PK": {"S": "AUDIT#1"},
    "SK": {"S": "2026/1"},
    "digits": {"N": LONG},
    "binary": {"B": b"\x00\xff"},
    "sets": {"L": [{"SS": ["b", "a"]}, {"NS": ["2.5", "1"]}, {"BS": [b"\x01"]}]},
    "empty": {"M": {"text": {"S": ""}, "none": {"NULL": True}}},
}


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(any_tool) as clients:
        yield clients


def set_field(live: Application, pk: str, field: str, value: Any) -> None:
    live.dynamodb.update_item(
        TableName=live.table,
        Key={"PK": {"S": pk}, "SK": {"S": "METADATA"}},
        UpdateExpression="SET #field = :value",
        ExpressionAttributeNames={"#field": field},
        ExpressionAttributeValues={":value": value},
    )


def spoil(live: Application) -> None:
    """What can be mended, in every store and between them."""
    live.put(ODD)
    for pk, field, value in (
        ("ARTIST#artist-001", "instagramHandle", {"S": "@first"}),
        ("ARTIST#artist-002", "geohash", {"S": "gcvwrya"}),
        ("ARTIST#artist-003", "specialties", {"L": [{"S": "lettering"}, {"S": "Lettering"}]}),
        ("ARTIST#artist-004", "gsi2pk", {"S": "ARTISTNAME#other"}),
        ("STUDIO#studio-001", "artists", {"L": [{"S": "artist-nobody"}]}),
    ):
        set_field(live, pk, field, value)
    live.opensearch.update(index=live.index, id="artist-005", body={"doc": {"rating": 1.5}}, refresh=True)
    live.opensearch.delete(index=live.index, id="artist-006", refresh=True)
    nobody = {**live.documents()["artist-010"], "artistId": "artist-900", "instagramHandle": "nobody900"}
    live.opensearch.index(index=live.index, id="artist-900", body=nobody, refresh=True)
    live.s3.delete_object(Bucket=live.bucket, Key="avatars/avatar-1.png")


def errors(report: Any) -> set[str]:
    return {each["rule"] for each in report["findings"] if each["store"] != "files" and each["severity"] == "error"}


MENDED = {
    *("handle-form", "index-key", "geohash-form", "artist-not-listed", "studio-lists-nobody"),
    *("document-differs", "document-missing", "document-extra", "image-missing"),
}


def test_what_is_spoiled_is_planned_mended_and_taken_back(any_tool: Tool, live: Application) -> None:
    spoil(live)
    set_field(live, "ARTIST#artist-007", "rating", {"N": "7"})
    before, there = fingerprint(any_tool), raw_items(live)

    planned = validate(any_tool, "all", "--fix-plan", code=4)
    assert errors(planned) == {*MENDED, "rating-range"}
    plan = {(each["store"], each["action"], each["key"]) for each in planned["plan"]}
    assert {("index", "create", "artist-006"), ("index", "delete", "artist-900")} <= plan
    assert ("images", "create", "avatars/avatar-1.png") in plan
    assert {("index", "replace", f"artist-00{number}") for number in (1, 3, 5)} <= plan
    assert (planned["fix"]["dryRun"], planned["fix"]["run"], planned["fix"]["fingerprint"]) == (True, None, None)
    assert planned["fix"]["fingerprintBefore"] == fingerprint(any_tool) == before
    assert status(any_tool)["lastRun"]["command"] == "reset fresh"

    mended = validate(any_tool, "all", "--fix", code=4)
    assert errors(mended) == {"rating-range"}
    fix = mended["fix"]
    assert fix["tried"].keys() >= MENDED | {"specialty-form"}
    assert fix["tried"] == planned["fix"]["tried"]
    assert "rating-range" in fix["left"]
    assert fix["changes"] == planned["fix"]["changes"]
    assert fix["removed"] == {"documents": 1}
    assert (fix["failures"], fix["changedMeanwhile"]) == ([], [])
    assert fix["fingerprint"] == fingerprint(any_tool)
    assert fix["run"] == history(any_tool)[0]["id"]
    assert "plan" not in mended

    now = raw_items(live)
    changed = {key for key in now if now[key] != there[key]}
    assert changed == {(f"ARTIST#artist-00{number}", "METADATA") for number in (1, 2, 3, 4)} | {
        ("STUDIO#studio-001", "METADATA")
    }
    assert now[("AUDIT#1", "2026/1")] == there[("AUDIT#1", "2026/1")]
    assert live.query("instagram-index", "gsi3pk", "INSTAGRAM#first")[0]["artistId"] == "artist-001"

    again = validate(any_tool, "all", "--fix", code=4)
    assert (again["fix"]["run"], again["fix"]["tried"]) == (None, {})
    any_tool.ok("undo")
    assert fingerprint(any_tool) == before
    assert raw_items(live) == there


def test_without_anything_else_it_ends_with_0(any_tool: Tool, live: Application) -> None:
    spoil(live)
    assert validate(any_tool, "all", "--fix")["summary"]["errors"] == 0
    assert validate(any_tool, "all", "--fix")["fix"]["run"] is None


def test_an_index_that_is_gone_is_made_and_filled(any_tool: Tool, live: Application) -> None:
    documents = live.documents()
    live.opensearch.indices.delete(index=live.index)
    report = validate(any_tool, "opensearch", "--fix")
    assert report["fix"]["tried"] == {"store-absent": 1}
    assert report["fix"]["changes"]["index"]["created"] == 60
    assert live.documents() == documents


def test_an_index_with_a_guessed_mapping_is_built_anew(any_tool: Tool, live: Application) -> None:
    documents = live.documents() | {"page-1": {"title": "x"}}
    live.opensearch.indices.delete(index=live.index)
    guessed = {"artistId": {"type": "text"}, "portfolioImages": {"type": "object", "enabled": False}}
    live.opensearch.indices.create(index=live.index, body={"mappings": {"properties": guessed}})
    for key, source in documents.items():
        live.opensearch.index(index=live.index, id=key, body=source)
    live.opensearch.indices.refresh(index=live.index)
    before = fingerprint(any_tool)
    report = validate(any_tool, "consistency", "--fix", "--skip-rule", "document-extra")
    assert report["fix"]["tried"].keys() == {"index-mapping"}
    assert "index-mapping" not in report["rules"]
    assert live.documents() == documents
    assert fingerprint(any_tool) == before
    assert live.search({"query": {"term": {"artistId": "artist-001"}}}) == ["artist-001"]


def test_a_bucket_that_is_gone_is_made_and_filled(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    before = fingerprint(tool)
    with application(tool) as live:
        for key in live.objects():
            live.s3.delete_object(Bucket=live.bucket, Key=key)
        live.s3.delete_bucket(Bucket=live.bucket)
        report = validate(tool, "all", "--fix")
        assert report["fix"]["tried"] == {"store-absent": 1}
    assert fingerprint(tool) == before


def test_rules_and_a_baseline_limit_it(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(tool) as live:
        spoil(live)
    every = errors(validate(tool, "all", code=4))
    only = validate(tool, "all", "--fix", "--rule", "handle-form")
    assert only["fix"]["tried"] == {"handle-form": 1}
    assert errors(validate(tool, "all", code=4)) == every - {"handle-form"}
    tool.ok("validate", "all", "--write-baseline", "known.jsonl")
    known = validate(tool, "all", "--fix", "--baseline", "known.jsonl")
    assert (known["fix"]["run"], known["fix"]["tried"]) == (None, {})


def test_an_empty_table_takes_no_document_with_it(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    tool.ok("clear", "dynamodb")
    before = fingerprint(tool)
    report = validate(tool, "all", "--fix", code=4)
    assert report["fix"]["left"]["document-extra"] == 60
    assert report["fix"]["run"] is None
    assert fingerprint(tool) == before


def test_two_writers_are_kept_apart_and_a_plan_needs_no_lock(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    with held_at(tool, "_bulk", "reset", "minimal", "--as-of", AS_OF):
        refused = tool.run("validate", "database", "--fix", "--json")
        assert (refused.code, refused.stdout) == (11, "")
        assert refused.error()["id"] == "Locked"
        assert tool.run("validate", "database", "--fix-plan").code in (0, 4)


def test_what_is_printed(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    assert "Nothing to mend" in tool.ok("validate", "all", "--fix").stdout
    with application(tool) as live:
        spoil(live)
    planned = tool.run("validate", "all", "--fix-plan")
    assert planned.code == 4
    assert "replace  table  ARTIST#artist-001 METADATA" in planned.stdout
    assert "delete   index  artist-900" in planned.stdout
    assert planned.stdout.index("error     handle-form") < planned.stdout.index("replace  table")
    done = tool.ok("validate", "all", "--fix").stdout
    run = history(tool)[0]
    assert (run["command"], run["status"]) == ("validate all --fix", "done")
    assert f"`tattoo-data undo {run['id']}` takes it back." in done
    assert "error " not in done
    lines = [json.loads(line) for line in tool.ok("validate", "all", "--fix", "--jsonl").stdout.splitlines()]
    assert lines[-1]["type"] == "summary"
