"""Migrations on whole targets: there and back as a user runs them, with faults, kills, races and an application."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.messages import Service
from tests.faults.proxy import fault_proxy
from tests.faults.rates import FaultRates
from tests.live import Application
from tests.system.test_states import application
from tests.system.test_undo import ENDPOINTS, fingerprint, held_at, kill_at, raw_items, status
from tests.tool import AS_OF, Tool

NAMES = ("add-missing-fields", "normalize-locations", "update-portfolio-structure", "add-social-media")
#: However the table writes where something is already.
WRITES = "PutItem|TransactWriteItems"
ODD = {
    "exact": {"N": "12345678901234567890123456789012345678"},
    "fraction": {"N": "1.2345678901234567890123456789012345678"},
    "raw": {"B": b"\x00\xff"},
    "tags": {"SS": ["a", "b"]},
    "sizes": {"NS": ["1", "2.5"]},
    "parts": {"BS": [b"a", b"b"]},
    "deep": {"M": {"list": {"L": [{"B": b"\x01"}, {"NULL": True}, {"S": ""}]}}},
}
PAINT = '''"""Paint it."""

VERSION = "1.5.0"
WRITES = ("example",)
MAPPING = {"example": {"type": "keyword"}}


def up(record, context):
    return {**record, "example": "painted"}
'''


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(any_tool) as clients:
        yield clients


def standing(tool: Tool) -> dict[str, tuple[int, int]]:
    """What each migration has to do, and has done."""
    found = tool.ok("migrate", "list", "--json").json()["migrations"]
    return {each["id"]: (each["pending"], each["done"]) for each in found}


def errors(tool: Tool) -> list[Any]:
    findings = tool.run("validate", "all", "--json").json()["findings"]
    return [each for each in findings if each["severity"] == "error"]


def own(tool: Tool, text: str = PAINT, name: str = "paint") -> Path:
    folder = tool.cwd / "migrations"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize("old_names", [False, True])
def test_there_and_back(any_tool: Tool, live: Application, old_names: bool) -> None:
    def migrate(*words: str) -> Any:
        if not old_names:
            return any_tool.ok("migrate", *words, "--json").json()
        done = any_tool.run(*words, "--json", program="data-migration-utility")
        assert done.code == 0, done.stderr
        return done.json()

    before, items = fingerprint(any_tool), raw_items(live)
    pending = {each["id"]: each["pending"] for each in migrate("list")["migrations"]}
    assert list(pending) == list(NAMES) and min(pending.values()) >= 5
    assert errors(any_tool) == []
    done = migrate("run-all")
    assert [each["changes"]["table"]["replaced"] for each in done["migrations"]] == list(pending.values())
    assert errors(any_tool) == []
    assert migrate("validate")["findings"] == []
    assert (status(any_tool)["schemaVersion"], status(any_tool)["consistent"]) == ("1.4.0", True)
    migrated = fingerprint(any_tool)
    assert migrate("run-all")["run"] is None
    assert fingerprint(any_tool) == migrated
    for name in reversed(NAMES):
        assert migrate("rollback", name)["failures"] == []
        assert errors(any_tool) == []
    assert (fingerprint(any_tool), raw_items(live)) == (before, items)
    assert status(any_tool)["state"] == "fresh"
    if not old_names:
        any_tool.ok("migrate", "run-all")
        any_tool.ok("reset", "fresh", "--as-of", AS_OF)
        assert {name: each[0] for name, each in standing(any_tool).items()} == pending
        assert any_tool.run("migrate", "rollback", NAMES[0]).code == 10


def test_what_no_migration_knows_comes_through_exactly(any_tool: Tool, live: Application) -> None:
    keys = {"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}}
    (item,) = (each for key, each in raw_items(live).items() if key == ("ARTIST#artist-001", "METADATA"))
    live.put({**item, **ODD})
    live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "2026"}, **ODD})
    any_tool.ok("validate", "consistency", "--fix")
    before, items = fingerprint(any_tool), raw_items(live)
    any_tool.ok("migrate", "run-all")
    after = raw_items(live)
    assert {name: after["ARTIST#artist-001", "METADATA"][name] for name in ODD} == {
        name: items["ARTIST#artist-001", "METADATA"][name] for name in ODD
    }
    assert after["AUDIT#1", "2026"] == items["AUDIT#1", "2026"]
    assert '"exact":12345678901234567890123456789012345678' in json.dumps(
        live.documents()["artist-001"], separators=(",", ":")
    )
    for name in (NAMES[1], NAMES[3], NAMES[0], NAMES[2]):
        any_tool.ok("migrate", "rollback", name)
    assert (fingerprint(any_tool), raw_items(live)) == (before, items)
    assert keys["PK"] == item["PK"]


def test_every_record_of_several_scan_pages(any_tool: Tool) -> None:
    """A page of DynamoDB's ends at a megabyte, and such artists have 2 KB each."""
    done = any_tool.ok("reset", "performance-test", "--scale", "10", "--as-of", AS_OF, "--no-undo", "--json").json()
    name = "add-social-media"
    assert standing(any_tool)[name] == (660, 0)
    assert any_tool.ok("migrate", "run", name, "--json").json()["changes"]["index"]["replaced"] == 660
    assert standing(any_tool)[name] == (0, 660)
    assert any_tool.run("migrate", "validate", "--json").json()["migrations"][3]["done"] == 660
    assert any_tool.ok("migrate", "rollback", name, "--json").json()["fingerprint"] == done["fingerprint"]


def test_an_index_that_refuses_one_in_twenty(any_tool: Tool, live: Application) -> None:
    variable = ENDPOINTS[Service.OPENSEARCH]
    with fault_proxy(any_tool.environment[variable], Service.OPENSEARCH) as proxy:
        proxy.rates = FaultRates(refused=0.05, seed=3)
        done = any_tool.run("migrate", "run", "add-social-media", "--json", **{variable: proxy.url})
    document = done.json()
    failed = document["changes"]["index"]["failed"]
    assert (done.code, len(document["failures"])) == (3, failed)
    assert 0 < failed < 15 and {each["store"] for each in document["failures"]} == {"index"}
    assert any_tool.run("migrate", "validate", "--json").json()["summary"]["errors"] >= failed
    assert any_tool.run("validate", "consistency").code == 4
    again = any_tool.ok("migrate", "run", "add-social-media", "--json").json()
    assert again["changes"]["index"]["replaced"] == failed
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []


@pytest.mark.parametrize(("service", "operations"), [(Service.DYNAMODB, WRITES), (Service.OPENSEARCH, "_bulk")])
def test_a_killed_run_all_and_a_killed_rollback_go_on(
    any_tool: Tool, live: Application, service: Service, operations: str
) -> None:
    before = fingerprint(any_tool)
    kill_at(any_tool, operations, "migrate", "run-all", service=service, number=1)
    assert status(any_tool)["interrupted"]["mend"].startswith("tattoo-data migrate run add-missing-fields")
    any_tool.ok("migrate", "run-all")
    migrated = fingerprint(any_tool)
    assert errors(any_tool) == [] and any_tool.run("migrate", "validate").code == 0
    kill_at(any_tool, operations, "migrate", "rollback", "add-social-media", service=service, number=1)
    any_tool.ok("migrate", "rollback", "add-social-media")
    any_tool.ok("migrate", "run-all")
    assert fingerprint(any_tool) == migrated
    for name in NAMES:
        any_tool.ok("migrate", "rollback", name)
    assert fingerprint(any_tool) == before


def test_of_two_at_once_one_wins(any_tool: Tool, live: Application) -> None:
    with held_at(any_tool, WRITES, "migrate", "run-all", service=Service.DYNAMODB) as (process, goes_on):
        for words in (("run-all",), ("run", NAMES[3]), ("rollback", NAMES[0])):
            refused = any_tool.run("migrate", *words)
            assert refused.code == 11
            assert "locked by `migrate run add-missing-fields`" in refused.stderr
        assert any_tool.run("migrate", "list").code == 0
        goes_on.set()
        process.communicate()
        assert process.returncode == 0
    assert any_tool.run("migrate", "validate").code == 0


def test_an_edit_while_a_migration_runs_is_kept_and_migrated(any_tool: Tool, live: Application) -> None:
    with held_at(any_tool, WRITES, "migrate", "run", "add-social-media", service=Service.DYNAMODB) as (
        process,
        goes_on,
    ):
        for number in range(1, 61):
            live.dynamodb.update_item(
                TableName=live.table,
                Key={"PK": {"S": f"ARTIST#artist-{number:03}"}, "SK": {"S": "METADATA"}},
                UpdateExpression="SET bio = :bio",
                ExpressionAttributeValues={":bio": {"S": f"edited {number}"}},
            )
            live.opensearch.update(
                index=live.index, id=f"artist-{number:03}", body={"doc": {"bio": f"edited {number}"}}
            )
        goes_on.set()
        process.communicate()
        assert process.returncode == 0
    edited = {f"artist-{number:03}": f"edited {number}" for number in range(1, 61)}
    assert {each["artistId"]: each["bio"] for each in live.items() if "artistId" in each} == edited
    assert all("socialMedia" in each for each in live.items() if "artistId" in each)
    assert {key: document["bio"] for key, document in live.documents().items()} == edited
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []
    any_tool.ok("migrate", "rollback", "add-social-media")
    assert {each["artistId"]: each["bio"] for each in live.items() if "artistId" in each} == edited
    assert not any("socialMedia" in each for each in live.items())
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []


def edit_all(live: Application) -> None:
    """Somebody edits the bio of every artist, in the table alone."""
    for number in range(1, 61):
        live.dynamodb.update_item(
            TableName=live.table,
            Key={"PK": {"S": f"ARTIST#artist-{number:03}"}, "SK": {"S": "METADATA"}},
            UpdateExpression="SET bio = :bio",
            ExpressionAttributeValues={":bio": {"S": "edited"}},
        )


def test_a_rollback_asks_no_image_what_the_step_made_of_it(any_tool: Tool, live: Application) -> None:
    before = raw_items(live)
    any_tool.ok("migrate", "run", "update-portfolio-structure")
    edit_all(live)
    for key in live.objects():
        live.s3.delete_object(Bucket=live.bucket, Key=key)
    assert any_tool.ok("migrate", "rollback", "update-portfolio-structure", "--json").json()["failures"] == []
    after = raw_items(live)
    edited = {"bio": {"S": "edited"}}
    assert after == {key: {**item, **(edited if "artistId" in item else {})} for key, item in before.items()}


def test_a_step_that_was_rewritten_since_leaves_nothing_that_it_wrote(any_tool: Tool, live: Application) -> None:
    before = raw_items(live)
    text = PAINT.replace('("example",)', '("example", "tongues")').replace("MAPPING", "_MAPPING")
    own(any_tool, text.replace('"painted"}', '"painted", "tongues": {"en", "cy", "gd", "kw"}}'))
    any_tool.ok("migrate", "run", "paint")
    edit_all(live)
    own(any_tool, PAINT.replace("MAPPING", "_MAPPING"))
    assert any_tool.ok("migrate", "rollback", "paint", "--json").json()["failures"] == []
    assert [set(each) for each in raw_items(live).values()] == [set(each) for each in before.values()]
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []


def test_what_only_the_index_was_told_outlives_the_run_after_one_that_failed(any_tool: Tool, live: Application) -> None:
    act = 'if record["artistId"] == "artist-048":\n        raise ValueError("cannot")\n    return {**record'
    own(any_tool, PAINT.replace("return {**record", act).replace("MAPPING", "_MAPPING"))
    assert any_tool.run("migrate", "run", "paint").code == 3
    live.opensearch.update(index=live.index, id="artist-009", body={"doc": {"bio": "told"}}, refresh=True)
    for words in ((), ("--keys", "ARTIST#artist-002")):
        done = any_tool.run("migrate", "run", "paint", *words, "--json")
        assert (done.code, done.json()["run"]) == (0 if words else 3, None)
    assert live.documents()["artist-009"]["bio"] == "told"


def test_a_writer_that_never_stops_loses_nothing(any_tool: Tool, live: Application) -> None:
    """One artist is edited all the time while everything is migrated."""
    stopped, written = threading.Event(), [0]
    keys = {"PK": {"S": "ARTIST#artist-007"}, "SK": {"S": "METADATA"}}

    def write() -> None:
        while not stopped.is_set():
            live.dynamodb.update_item(
                TableName=live.table,
                Key=keys,
                UpdateExpression="SET bio = :bio",
                ExpressionAttributeValues={":bio": {"S": f"edit {written[0] + 1}"}},
            )
            written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        done = any_tool.run("migrate", "run-all", "--json")
    finally:
        stopped.set()
        thread.join()
    assert done.code in (0, 3)
    item = next(each for each in live.items() if each["PK"] == "ARTIST#artist-007")
    assert item["bio"] == f"edit {written[0]}"
    any_tool.ok("migrate", "run-all")
    assert any_tool.run("migrate", "validate", "--json").json()["migrations"][3]["pending"] == 0


# Structure.


def test_a_mapping_that_a_migration_adds(any_tool: Tool, live: Application) -> None:
    own(any_tool)
    assert any_tool.run("migrate", "validate", "--json").code == 4
    planned = any_tool.ok("migrate", "run", "paint", "--dry-run").stdout
    assert "index: would be built anew and swapped in" in planned
    done = any_tool.ok("migrate", "run", "paint", "--json").json()
    assert done["changes"]["index"]["replaced"] == 60
    assert live.search({"query": {"term": {"example": "painted"}}, "size": 100}).__len__() == 60
    assert [
        each for each in any_tool.run("migrate", "validate", "--json").json()["findings"] if each["field"] == "example"
    ] == []
    assert any_tool.ok("migrate", "run", "paint", "--json").json()["run"] is None
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []
    any_tool.ok("migrate", "rollback", "paint")
    assert status(any_tool)["state"] == "fresh"


def test_a_mapping_that_the_engine_does_not_take(any_tool: Tool, live: Application) -> None:
    own(any_tool, PAINT.replace("keyword", "nonsense"))
    refused = any_tool.run("migrate", "run", "paint", "--json")
    assert (refused.code, refused.error()["id"]) == (2, "StepBroken")
    assert "nonsense" in refused.error()["message"]
    there = status(any_tool)
    assert (there["state"], there["interrupted"], there["stores"]["index"]["healthy"]) == ("fresh", None, True)
    assert list(live.opensearch.indices.get(index=f"{live.index}*")) == [live.index]


@pytest.mark.parametrize("mapped", [False, True])
def test_an_index_that_is_missing_is_made_with_its_mapping(any_tool: Tool, live: Application, mapped: bool) -> None:
    own(any_tool, PAINT if mapped else PAINT.replace("MAPPING", "_MAPPING"))
    live.opensearch.indices.delete(index=",".join(live.opensearch.indices.get(index=live.index)))
    done = any_tool.ok("migrate", "run", "paint", "--json").json()
    assert done["changes"]["index"]["created"] == 60
    assert len(live.search({"query": {"term": {"example": "painted"}}})) == (60 if mapped else 0)
    assert any_tool.run("validate", "consistency", "--json").json()["findings"] == []


def test_a_rollback_after_with_is_still_possible(any_tool: Tool, live: Application) -> None:
    before = fingerprint(any_tool)
    any_tool.ok("migrate", "run", "add-social-media")
    any_tool.ok("with", "minimal", "--", "true")
    any_tool.ok("migrate", "rollback", "add-social-media")
    assert fingerprint(any_tool) == before
