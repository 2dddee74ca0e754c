"""Validation on whole targets: nothing wrong after every reset and seed, and each exhibit of the museum found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tattoo_data.catalog import scenarios, states
from tattoo_data.model.keys import split_item_key
from tattoo_data.model.records import Kind
from tests.live import Application
from tests.system.test_states import application
from tests.tool import AS_OF, Tool
from tests.validation.museum import BROKEN, RIGHT, Edge, Exhibit
from tests.validation.samples import DROP, STYLE, changed, document, item

STATES = [state.name for state in states() if state.source != "backup"]
SCENARIOS = [scenario.name for scenario in scenarios()]
ARTIST = {"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}}
#: Rules that look at other records too.
BETWEEN = ("style-unknown", "studio-unknown")


def validate(tool: Tool, what: str, *arguments: str, code: int = 0) -> Any:
    done = tool.run("validate", what, "--json", *arguments)
    assert done.code == code, done.stdout + done.stderr
    return done.json()


def severities(report: Any) -> set[str]:
    """How bad what was found in the live stores is."""
    return {each["severity"] for each in report["findings"] if each["store"] != "files"}


@pytest.mark.parametrize("name", STATES)
def test_after_a_reset_nothing_is_wrong(tool: Tool, name: str) -> None:
    tool.ok("reset", name, "--as-of", AS_OF)
    report = validate(tool, "all")
    assert report["summary"]["errors"] == 0
    rules = {each["rule"] for each in report["findings"] if each["store"] != "files"}
    assert rules <= {"old-schema", "studio-lists-outside", "store-empty"}
    assert ("store-empty" in rules) is (name == "clean")


@pytest.mark.parametrize("name", SCENARIOS)
def test_after_a_seed_nothing_is_wrong(tool: Tool, name: str) -> None:
    tool.ok("seed", name, "--as-of", AS_OF)
    assert validate(tool, "all")["summary"]["errors"] == 0
    tool.ok("seed", "minimal", "--as-of", AS_OF)
    assert validate(tool, "all")["summary"]["errors"] == 0


def test_every_kind_of_target_is_judged_alike(every_tool: Tool) -> None:
    every_tool.ok("reset", "fresh", "--as-of", AS_OF)
    whole = validate(every_tool, "all")
    assert whole["summary"]["errors"] == 0
    assert whole["checked"] == {"files": 93, "table": 93, "index": 60, "images": 57}
    with application(every_tool) as live:
        live.opensearch.update(index=live.index, id="artist-001", body={"doc": {"rating": 1.5}}, refresh=True)
        live.opensearch.delete(index=live.index, id="artist-002", refresh=True)
        live.dynamodb.update_item(
            TableName=live.table,
            Key=ARTIST,
            UpdateExpression="SET instagramHandle = :handle",
            ExpressionAttributeValues={":handle": {"S": "@x"}},
        )
        live.s3.delete_object(Bucket=live.bucket, Key="avatars/avatar-1.png")
        live.s3.put_object(Bucket=live.bucket, Key="new.png", Body=b"x")
    found = validate(every_tool, "consistency", code=4)
    rules = {(each["rule"], each["key"], each["field"]) for each in found["findings"] if each["store"] == "index"}
    assert rules == {
        ("document-differs", "artist-001", "rating"),
        ("document-differs", "artist-001", "instagramHandle"),
        ("document-missing", "artist-002", ""),
    }
    assert {each["rule"] for each in found["findings"]} >= {"image-missing", "image-unused"}
    database = validate(every_tool, "database", code=4)
    assert {each["rule"] for each in database["findings"] if each["severity"] == "error"} == {
        "handle-form",
        "index-key",
    }


def test_the_museum_is_found_in_table_and_index_alike(tool: Tool) -> None:
    """Every exhibit beside the others, and every edge that is right, as the application would have written them."""
    tool.ok("reset", "clean", "--as-of", AS_OF)
    every: list[Exhibit | Edge] = [*BROKEN, *RIGHT]
    exhibits = [each for each in every if "artistId" not in each.changes]
    records = [(each.kind, own(number, each)) for number, each in enumerate(exhibits)]
    dotwork = {"styleId": "dotwork", "styleName": "Dotwork", "description": "Dots."}
    with application(tool) as live:
        refused = write(live, [(Kind.STYLE, STYLE), (Kind.STYLE, dotwork), *records])
    in_table = by_key(validate(tool, "database", code=4))
    in_index = by_key(validate(tool, "opensearch", code=4))
    for number, exhibit in enumerate(exhibits):
        wanted = [(exhibit.rule, exhibit.field)] if isinstance(exhibit, Exhibit) else []
        assert in_table.get(f"own_{number}", []) == wanted, exhibit.name
        if exhibit.kind is Kind.ARTIST and f"own_{number}" not in refused:
            assert in_index.get(f"own_{number}", []) == wanted, exhibit.name
    assert len(refused) < 12, "what an index cannot hold is an object or a truth value of another type"
    report = validate(tool, "consistency", "--skip-rule", "image-missing", code=4)
    assert {(each["rule"], each["key"]) for each in report["findings"]} == {
        ("document-missing", key) for key in refused
    }


def own(number: int, exhibit: Exhibit | Edge) -> dict[str, Any]:
    """An exhibit under an id and handle of its own, that refers to no studio or artist unless that is its point."""
    fields: dict[str, Any] = {exhibit.kind.id_field: f"own_{number}"}
    if exhibit.kind is Kind.ARTIST:
        fields |= {"instagramHandle": f"own{number}", "studioInfo": DROP}
    if exhibit.kind is Kind.STUDIO:
        fields |= {"artists": DROP}
    roots = {path.partition(".")[0] for path in exhibit.changes}
    kept = {name: value for name, value in fields.items() if name not in roots}
    return changed(exhibit.kind, kept | dict(exhibit.changes))


def write(live: Application, records: list[tuple[Kind, Mapping[str, Any]]]) -> set[str]:
    """Put items and documents, and return the ids of the documents that the index refused."""
    bulk: list[str] = []
    for kind, fields in records:
        live.dynamodb.put_item(TableName=live.table, Item=json.loads(item(kind, fields).body))
        if kind is Kind.ARTIST:
            entry = document(fields)
            bulk += [json.dumps({"index": {"_id": entry.key}}), entry.body.decode()]
    answer = live.opensearch.bulk(index=live.index, body="\n".join([*bulk, ""]), params={"refresh": "true"})
    return {each["index"]["_id"] for each in answer["items"] if each["index"]["status"] >= 300}


def by_key(report: Any) -> dict[str, list[tuple[str, str]]]:
    held: dict[str, list[tuple[str, str]]] = {}
    for each in report["findings"]:
        key = each["key"]
        record = split_item_key(key)[0].partition("#")[2] if key.startswith("{") else key
        if (each["rule"] not in BETWEEN and "handle" not in each["rule"]) or each["rule"] == "handle-form":
            held.setdefault(record, []).append((each["rule"], each["field"]))
    return held


@pytest.fixture
def fresh(tool: Tool) -> Iterator[Application]:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(tool) as live:
        yield live


def test_a_guessed_mapping_is_named_by_field(tool: Tool, fresh: Application) -> None:
    documents = fresh.documents()
    fresh.opensearch.indices.delete(index=fresh.index)
    guessed = {"artistId": {"type": "text"}, "portfolioImages": {"type": "object", "enabled": False}}
    fresh.opensearch.indices.create(index=fresh.index, body={"mappings": {"properties": guessed}})
    for key, source in documents.items():
        fresh.opensearch.index(index=fresh.index, id=key, body=source)
    report = validate(tool, "opensearch", code=4)
    fields = {each["field"] for each in report["findings"] if each["rule"] == "index-mapping"}
    assert {"dynamic", "artistId", "styles"} <= fields
    assert [each for each in validate(tool, "consistency", code=4)["findings"] if each["rule"] != "index-mapping"] == []


def test_a_table_that_is_gone_is_a_finding_and_no_crash(tool: Tool, fresh: Application) -> None:
    fresh.dynamodb.delete_table(TableName=fresh.table)
    for what in ("database", "consistency", "all"):
        report = validate(tool, what, code=4)
        errors = [(each["rule"], each["store"]) for each in report["findings"] if each["severity"] == "error"]
        assert errors == [("store-absent", "table")]


def test_a_repeated_sync_of_the_node_tool_leaves_marks_that_are_named(tool: Tool, fresh: Application) -> None:
    marks = {"PK": "ARTIST#artist-001", "syncHash": "abc", "lastSynced": "2026-01-01T00:00:00.000Z"}
    fresh.opensearch.update(index=fresh.index, id="artist-001", body={"doc": marks}, refresh=True)
    report = validate(tool, "all", code=4)
    differing = {each["field"] for each in report["findings"] if each["rule"] == "document-differs"}
    assert differing == set(marks)
    unknown = {each["field"] for each in report["findings"] if each["rule"] == "unknown-field"}
    assert unknown == set(marks)
