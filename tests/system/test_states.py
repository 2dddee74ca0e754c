"""Every reset state and scenario, twice, on every kind of target: the same content, and no write the second time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from tattoo_data.catalog import (
    Context,
    Dataset,
    Selection,
    broken_promises,
    find_state,
    load,
    resolve,
    scenarios,
    states,
)
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint, store_fingerprint
from tattoo_data.model.keys import split_item_key
from tattoo_data.model.project import record_from_item
from tattoo_data.model.records import Kind, Record
from tattoo_data.seeding.content import entries_of
from tattoo_data.seeding.reset import content_of
from tests.live import Application
from tests.tool import AS_OF, Tool

STATES = [state.name for state in states() if state.source != "backup"]
SCENARIOS = [scenario.name for scenario in scenarios()]
#: Operations of the trace that write to a live store.
WRITES = re.compile(
    r"WriteItem|PutItem|DeleteItem|CreateTable|UpdateTable|PutObject|DeleteObject|"
    r"_bulk|_aliases|PUT /|DELETE /(?!_search)"
)


@contextmanager
def application(tool: Tool) -> Iterator[Application]:
    clients = Application(tool.environment)
    try:
        yield clients
    finally:
        clients.close()


def dataset_for(tool: Tool) -> Dataset:
    bucket = tool.environment["IMAGE_BUCKET"]
    context = Context(as_of=date.fromisoformat(AS_OF), images_base_url="http://localhost:4566", image_bucket=bucket)
    return load(context)


def fingerprint(selection: Selection) -> str:
    every = list(entries_of(selection))
    sums = {name: store_fingerprint(name, (entry for store, entry in every if store is name)) for name in StoreName}
    return state_fingerprint(sums)


def check(tool: Tool, selection: Selection) -> list[Record]:
    """Both stores hold just the selection's artists, and whatever they refer to is there; the records read back."""
    with application(tool) as live:
        items = live.items()
        documents = live.documents()
        objects = live.objects()
    records = [record for item in items if (record := _record(item)) is not None]
    artists = {record.id: record for record in records if record.kind is Kind.ARTIST}
    wanted = list(selection.records())
    assert len(items) == len(records) == len(wanted)
    assert set(documents) == set(artists) == {record.id for record in wanted if record.kind is Kind.ARTIST}
    assert objects == {image.key for image in selection.images}
    for key, artist in artists.items():
        assert documents[key]["artistName"] == artist.fields["artistName"]
    return records


def _record(item: Mapping[str, Any]) -> Record | None:
    kind = next((kind for kind in Kind if item["PK"].startswith(f"{kind.value.upper()}#")), None)
    if kind is None or item["SK"] != "METADATA":
        return None
    fields = {name: value for name, value in item.items() if name not in ("PK", "SK") and not name.startswith("gsi")}
    return Record(kind=kind, fields=fields)


def twice(tool: Tool, *arguments: str) -> Any:
    """Run a command, and again: the second time writes nothing. Returns the first result."""
    first = tool.ok(*arguments, "--as-of", AS_OF, "--json").json()
    again = tool.run(*arguments, "--as-of", AS_OF, "--json", "--debug")
    assert again.code == 0, again.stderr
    second = again.json()
    assert second["fingerprint"] == first["fingerprint"]
    assert second["run"] is None
    assert all(
        not (counts["created"] or counts["replaced"] or counts["deleted"] or counts["moved"])
        for counts in second["changes"].values()
    )
    requests = [line for line in again.stderr.splitlines() if " attempt " in line]
    assert len(requests) > 3
    assert [line for line in requests if WRITES.search(line) and "debug: repository" not in line] == []
    return first


@pytest.mark.parametrize("name", STATES)
def test_a_reset_state_twice(every_tool: Tool, name: str) -> None:
    dataset = dataset_for(every_tool)
    _, selection = content_of(find_state(name), dataset)
    done = twice(every_tool, "reset", name)
    assert done["fingerprint"] == fingerprint(selection)
    if name == "clean":
        status = every_tool.ok("status", "--json").json()
        assert status["records"] == {"artists": 0, "studios": 0, "styles": 0, "other": 0}
        assert all(store["healthy"] for store in status["stores"].values())
    else:
        check(every_tool, selection)
        status = every_tool.ok("status", "--json").json()
    assert (status["state"], status["fingerprint"], status["consistent"]) == (name, done["fingerprint"], True)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_twice(any_tool: Tool, name: str) -> None:
    dataset = dataset_for(any_tool)
    (scenario,), selection = resolve(name, dataset, {}, None)
    done = twice(any_tool, "seed", name)
    assert done["fingerprint"] == fingerprint(selection)
    records = check(any_tool, selection)
    assert broken_promises(scenario, records, dataset) == []
    assert done["proof"]["broken"] == []
    assert done["proof"]["searches"] >= 1


def test_a_scenario_on_top_of_another_adds_and_only_removes_the_rest(any_tool: Tool) -> None:
    dataset = dataset_for(any_tool)
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    any_tool.ok("seed", "location-london", "--as-of", AS_OF)
    _, both = resolve("minimal+location-london", dataset, {}, None)
    check(any_tool, both)
    any_tool.ok("seed", "high-rating", "--only", "--as-of", AS_OF)
    _, only = resolve("high-rating", dataset, {}, None)
    check(any_tool, only)


def test_fresh_is_left_for_every_other_state_and_reached_again(any_tool: Tool) -> None:
    dataset = dataset_for(any_tool)
    wanted = fingerprint(dataset.full())
    for name in ("fresh", "minimal", "fresh", "clean", "fresh"):
        done = any_tool.ok("reset", name, "--as-of", AS_OF, "--json").json()
    assert done["fingerprint"] == wanted


def test_one_changed_record_is_one_write(any_tool: Tool) -> None:
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(any_tool) as live:
        live.dynamodb.update_item(
            TableName=live.table,
            Key={"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}},
            UpdateExpression="SET bio = :bio",
            ExpressionAttributeValues={":bio": {"S": "changed by the application"}},
        )
    again = any_tool.run("reset", "fresh", "--as-of", AS_OF, "--json", "--debug")
    changes = again.json()["changes"]
    assert changes["table"] == {
        "created": 0,
        "replaced": 1,
        "deleted": 0,
        "moved": 0,
        "unchanged": 92,
        "failed": 0,
    }
    assert changes["index"]["unchanged"] == 60
    requests = [line for line in again.stderr.splitlines() if " attempt " in line and WRITES.search(line)]
    (write,) = (line for line in requests if "debug: repository" not in line)
    assert "debug: table PutItem" in write


def test_what_the_application_and_the_node_tools_wrote(any_tool: Tool) -> None:
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    with application(any_tool) as live:
        live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "2026"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}})
        live.put({"PK": {"S": "ARTIST#artist-009"}, "SK": {"S": "PROFILE"}, "artistName": {"S": "Node"}})
        live.opensearch.index(index=live.index, id="ARTIST#artist-009", body={"PK": "ARTIST#artist-009"}, refresh=True)
        seeded = any_tool.ok("seed", "minimal", "--as-of", AS_OF, "--json").json()
        assert seeded["changes"]["table"]["deleted"] == 0
        assert seeded["changes"]["table"]["moved"] == 1
        keys = {(item["PK"], item["SK"]) for item in live.items()}
        assert ("AUDIT#1", "2026") in keys
        assert ("ARTIST#artist-009", "PROFILE") not in keys
        status = any_tool.ok("status", "--json").json()
        assert status["records"]["other"] == 1
        assert status["state"] is None
        planned = any_tool.ok("reset", "minimal", "--as-of", AS_OF, "--dry-run", "--json").json()
        assert planned["removed"] == {"other": 1, "documents": 1}
        assert len(live.items()) == 12
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    assert any_tool.ok("status", "--json").json()["state"] == "minimal"


def test_a_typed_record_reads_back_as_the_catalogue_has_it(any_tool: Tool) -> None:
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    dataset = dataset_for(any_tool)
    wanted = {(record.kind, record.id): record for record in dataset.records.values()}
    for entry in (entry for store, entry in entries_of(dataset.full()) if store is StoreName.TABLE):
        record = record_from_item(entry.body)
        assert record is not None
        assert record == wanted[record.kind, record.id]
        assert split_item_key(entry.key)[1] == "METADATA"
