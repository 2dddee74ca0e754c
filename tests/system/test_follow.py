"""`sync follow` as users run it: started, written to by the application, stopped, killed, and started again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tattoo_data.clock import Clock
from tests.live import Application
from tests.tool import AS_OF, Tool

_SECONDS = 60.0


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


def artists(live: Application) -> list[dict[str, Any]]:
    """Some artists' items, typed."""
    items = live.dynamodb.scan(TableName=live.table)["Items"]
    return [item for item in items if item["PK"]["S"].startswith("ARTIST#")]


def renamed(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {**item, "PK": {"S": f"ARTIST#{name}"}, "artistId": {"S": name}, "artistName": {"S": name}}


def lines(text: str, kind: str) -> list[Any]:
    """The objects of a kind that were printed."""
    return [each for each in map(json.loads, text.splitlines()) if each["type"] == kind]


@contextmanager
def following(tool: Tool) -> Iterator[Callable[[], str]]:
    """`sync follow`, once it has begun. What is yielded stops it by Ctrl-C and gives what it printed since."""
    process = tool.start("sync", "follow", "--json")
    assert process.stdout is not None
    try:
        kinds = [json.loads(process.stdout.readline())["type"]]
        while kinds[-1] not in ("compared",):
            kinds.append(json.loads(process.stdout.readline())["type"])

        def stop() -> str:
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=_SECONDS)
            assert process.returncode == 0, errors
            return out

        yield stop
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    clock = Clock()
    end = clock.monotonic() + _SECONDS
    while not is_so():
        assert clock.monotonic() < end, "it did not come to be so"
        clock.sleep(0.1)


def document(live: Application, artist: str) -> Any:
    found = live.opensearch.get(index=live.index, id=artist, ignore=(404, 503))  # 503 while the index is being made
    return found.get("_source")


def test_what_the_application_writes_is_in_the_index_a_moment_later(any_tool: Tool, live: Application) -> None:
    first, second, *_ = artists(live)
    with following(any_tool) as stop:
        for number in range(40):
            live.put(renamed(first, f"new-{number}"))
        live.dynamodb.delete_item(TableName=live.table, Key={"PK": second["PK"], "SK": second["SK"]})
        eventually(lambda: document(live, "new-39") is not None)
        eventually(lambda: document(live, second["artistId"]["S"]) is None)
        out = stop()
    applied = lines(out, "applied")
    assert sum(each["records"] for each in applied) == 41
    assert all(each["lagSeconds"] >= 0 and each["failures"] == [] for each in applied)
    (stopped,) = lines(out, "stopped")
    assert (stopped["written"], stopped["deleted"], stopped["failed"]) == (40, 1, 0)
    assert any_tool.run("sync", "detect-conflicts").code == 0


def test_it_goes_on_where_it_was_stopped(any_tool: Tool, live: Application) -> None:
    first, *_ = artists(live)
    with following(any_tool) as stop:
        live.put(renamed(first, "while-followed"))
        eventually(lambda: document(live, "while-followed") is not None)
        stop()
    live.put(renamed(first, "while-stopped"))
    found = any_tool.ok("sync", "follow", "--once", "--json").stdout
    (begun,) = lines(found, "begun")
    assert begun["resumed"] is True
    assert [each["records"] for each in lines(found, "applied")] == [1]
    assert lines(found, "compared") == []
    assert document(live, "while-stopped")["artistName"] == "while-stopped"


def test_killed_it_loses_nothing(any_tool: Tool, live: Application) -> None:
    first, *_ = artists(live)
    with following(any_tool):
        live.put(renamed(first, "a"))
        eventually(lambda: document(live, "a") is not None)
        for number in range(60):
            live.put(renamed(first, f"killed-{number}"))
    any_tool.ok("sync", "follow", "--once")
    assert any_tool.run("sync", "detect-conflicts").code == 0
    assert document(live, "killed-59") is not None


def test_a_reset_beside_it_is_waited_for_and_both_are_right(any_tool: Tool, live: Application) -> None:
    with following(any_tool) as stop:
        any_tool.ok("reset", "minimal", "--as-of", AS_OF, "--wait", "30")
        reset = any_tool.ok("status", "--json").json()
        eventually(lambda: live.opensearch.count(index=live.index)["count"] == reset["records"]["artists"])
        any_tool.ok("undo", "--wait", "30")
        stop()
    found = any_tool.ok("status", "--json").json()
    assert (found["state"], found["consistent"]) == ("fresh", True)


def made_anew(live: Application) -> None:
    """Somebody else deletes the table, and makes it again as it was, empty."""
    about = live.dynamodb.describe_table(TableName=live.table)["Table"]
    live.dynamodb.delete_table(TableName=live.table)
    eventually(lambda: live.table not in live.dynamodb.list_tables()["TableNames"])
    wanted = ("IndexName", "KeySchema", "Projection")
    live.dynamodb.create_table(
        TableName=live.table,
        KeySchema=about["KeySchema"],
        AttributeDefinitions=about["AttributeDefinitions"],
        GlobalSecondaryIndexes=[{name: each[name] for name in wanted} for each in about["GlobalSecondaryIndexes"]],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    live.dynamodb.get_waiter("table_exists").wait(TableName=live.table, WaiterConfig={"Delay": 1})


def test_a_table_that_somebody_made_anew_is_followed_again(any_tool: Tool, live: Application) -> None:
    first, second, *_ = artists(live)
    with following(any_tool) as stop:
        made_anew(live)
        live.put(first)
        eventually(lambda: document(live, second["artistId"]["S"]) is None)
        live.put(renamed(first, "later"))
        eventually(lambda: document(live, "later") is not None)
        out = stop()
    assert "the table has another stream" in [each["reason"] for each in lines(out, "compared")]
    assert any_tool.run("sync", "detect-conflicts").code == 0


def test_an_index_that_somebody_deleted_is_made_as_ours(any_tool: Tool, live: Application) -> None:
    first, *_ = artists(live)

    def mapping() -> Any:
        return [each["mappings"] for each in live.opensearch.indices.get(index=live.index).values()]

    before = mapping()
    with following(any_tool) as stop:
        for name in live.opensearch.indices.get(index=live.index):
            live.opensearch.indices.delete(index=name)
        live.put(renamed(first, "later"))
        eventually(lambda: bool(live.opensearch.indices.exists(index=live.index)))
        live.opensearch.cluster.health(index=live.index, wait_for_status="yellow")
        eventually(lambda: document(live, "later") is not None)
        out = stop()
    assert [each["reason"] for each in lines(out, "compared")] == ["there is no index"]
    assert mapping() == before
    assert any_tool.run("sync", "detect-conflicts").code == 0


def test_what_cannot_be_followed(any_tool: Tool) -> None:
    missing = any_tool.run("sync", "follow", "--json")
    assert (missing.code, missing.error()["id"]) == (10, "StoreMissing")
    any_tool.ok("reset", "clean")
    empty = any_tool.run("sync", "follow", "--once", "--json")
    assert (empty.code, empty.error()["id"]) == (13, "SourceEmpty")
    assert any_tool.run("sync", "follow", "--once", "--allow-empty").code == 0


def test_terminated_it_ends_in_good_order(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    process = tool.start("sync", "follow")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0
    assert out.startswith("Followed 0 changes")
