"""The monitor on whole targets: exact counts, differences, alerts that open and close, and a store that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.killable import Osmem
from tests.engines.start import Engine
from tests.live import Application
from tests.system.test_sync import tamper
from tests.tool import AS_OF, Tool, names

_REQUEST = re.compile(r"^debug: (?:table|index|images) .* attempt \d", re.MULTILINE)


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


def check(tool: Tool, *arguments: str) -> tuple[int, Any]:
    """Exit code and document of one check."""
    done = tool.run("monitor", "check", "--json", *arguments)
    return done.code, done.json()


def remove(live: Application, count: int, *, items: bool = False) -> list[str]:
    """Delete the documents of so many artists, and their items where these are to go too."""
    artists = sorted(live.documents())[:count]
    lines = [{"delete": {"_index": live.index, "_id": artist}} for artist in artists]
    live.opensearch.bulk(body=lines, refresh=True)
    for artist in artists if items else ():
        live.dynamodb.delete_item(TableName=live.table, Key={"PK": {"S": f"ARTIST#{artist}"}, "SK": {"S": "METADATA"}})
    return artists


def test_two_thousand_artists_over_many_pages_are_two_thousand(any_tool: Tool) -> None:
    any_tool.ok("reset", "performance-test", "--scale", "33", "--as-of", AS_OF, "--no-undo")
    clients = Application(any_tool.environment)
    remove(clients, 40, items=True)
    clients.close()
    code, found = check(any_tool)
    assert (code, found["health"]) == (0, "healthy")
    assert found["stores"]["table"]["kinds"]["artists"] == 2000
    assert (found["stores"]["index"]["count"], found["stores"]["index"]["kinds"]) == (2000, {"artists": 2000})
    assert found["consistency"]["artists"] == found["summary"]["checked"] == 2000
    assert (found["consistency"]["compared"], found["consistency"]["consistent"]) == ("full", True)


def test_a_check_agrees_with_status(any_tool: Tool, live: Application) -> None:
    code, found = check(any_tool)
    status = any_tool.ok("status", "--json").json()
    assert (code, found["state"]) == (0, status["state"])
    for name, store in found["stores"].items():
        there = status["stores"][name]
        assert [store[field] for field in ("count", "engine", "healthy")] == [
            there[field] for field in ("count", "engine", "healthy")
        ]
        assert store["requests"]["count"] >= 5
        assert 0 < store["requests"]["p50Seconds"] <= store["requests"]["p95Seconds"]
    assert {kind: count for kind, count in status["records"].items() if count} == found["stores"]["table"]["kinds"]


def test_equal_counts_with_other_content_are_inconsistent(any_tool: Tool, live: Application) -> None:
    tamper(live, "artist-001", bio="tampered")
    live.opensearch.delete(index=live.index, id="artist-002", refresh=True)
    live.opensearch.index(index=live.index, id="artist-999", body={"artistId": "artist-999"}, refresh=True)
    code, found = check(any_tool)
    assert (code, found["health"]) == (4, "unhealthy")
    assert found["stores"]["table"]["kinds"]["artists"] == found["stores"]["index"]["count"]
    assert {(each["key"], each["rule"], each["field"]) for each in found["findings"]} == {
        ("artist-001", "document-differs", "bio"),
        ("artist-002", "document-missing", ""),
        ("artist-999", "document-extra", ""),
    }
    assert found["summary"]["errors"] == 3
    shown = any_tool.run("monitor", "check")
    assert shown.code == 4
    assert "artist-001 differs in bio" in shown.stdout
    assert "3 of 61 artists differ: 1 missing in the index, 1 too much there, 1 different" in shown.stdout
    assert "sync dynamo-to-os" in shown.stderr


def test_half_of_the_documents_missing_is_an_alert_until_it_is_mended(any_tool: Tool, live: Application) -> None:
    assert check(any_tool)[1]["alerts"] == []
    gone = remove(live, 30)
    code, found = check(any_tool)
    assert (code, found["consistency"]["missing"]) == (4, 30)
    assert {each["key"] for each in found["findings"]} == set(gone)
    (alert,) = found["alerts"]
    assert (alert["cause"], alert["severity"], alert["open"]) == ("consistency.differing", "critical", True)
    assert [each["change"] for each in found["events"]] == ["opened"]
    assert [each["id"] for each in check(any_tool)[1]["alerts"]] == [alert["id"]], "one open alert for a cause"
    any_tool.ok("sync", "dynamo-to-os")
    once = check(any_tool)[1]
    assert (once["health"], [each["id"] for each in once["alerts"]]) == ("healthy", [alert["id"]])
    twice = check(any_tool)[1]
    assert twice["alerts"] == []
    assert [(each["change"], each["alert"]["id"]) for each in twice["events"]] == [("closed", alert["id"])]


def test_a_light_check_sends_under_ten_requests(any_tool: Tool, live: Application) -> None:
    (first, *_) = remove(live, 30)
    done = any_tool.run("monitor", "check", "--light", "--json", "--debug")
    found = done.json()
    assert 0 < len(_REQUEST.findall(done.stderr)) < 10
    assert (done.code, found["light"], found["consistency"]["compared"]) == (4, True, "sample")
    assert found["consistency"]["artists"] > 0
    assert first in {each["key"] for each in found["findings"]}
    assert (found["stores"]["table"]["count"], found["stores"]["index"]["count"]) == (None, 30)


def test_a_target_that_is_not_there_is_unhealthy(any_tool: Tool) -> None:
    code, found = check(any_tool)
    assert (code, found["health"]) == (4, "unhealthy")
    assert [each["problems"] for each in found["stores"].values()] == [["it does not exist"]] * 3
    assert check(any_tool, "--light")[0] == 4


def test_an_index_of_another_mapping_is_unhealthy(any_tool: Tool, live: Application) -> None:
    documents = live.documents()
    live.opensearch.indices.delete(index=live.index)
    mapping = {"dynamic": False, "properties": {"artistId": {"type": "text"}}}
    live.opensearch.indices.create(index=live.index, body={"mappings": mapping})
    lines = [line for artist, body in documents.items() for line in ({"index": {"_id": artist}}, body)]
    live.opensearch.bulk(index=live.index, body=lines, refresh=True)
    code, found = check(any_tool)
    assert (code, found["consistency"]["consistent"]) == (4, True)
    assert found["stores"]["index"]["reachable"]
    assert any("artistId" in problem for problem in found["stores"]["index"]["problems"])


def until(child: subprocess.Popen[str], wanted: Callable[[Any], bool]) -> Any:
    """The next line of a monitor that is as wanted."""
    assert child.stdout is not None
    for line in child.stdout:
        if wanted(found := json.loads(line)):
            return found
    raise AssertionError("the monitor ended")


def changed(change: str, cause: str) -> Callable[[Any], bool]:
    return lambda found: found["type"] == "event" and (found["change"], found["alert"]["cause"]) == (change, cause)


def test_a_store_that_is_killed_and_comes_back_is_an_alert_and_a_recovery(
    osmem: Osmem, ministack: Engine, tmp_path: Path
) -> None:
    environment = {"AWS_ENDPOINT_URL": ministack.url, "OPENSEARCH_ENDPOINT": osmem.url, **names()}
    tool = Tool({**environment, "TATTOO_DATA_HOME": str(tmp_path / "state")}, tmp_path)
    tool.ok("reset", "minimal")
    child = tool.start("monitor", "watch", "200ms", "--json")
    try:
        healthy = until(child, lambda found: found["type"] == "check")
        assert healthy["health"] == "healthy"
        osmem.kill()
        opened = until(child, changed("opened", "index.reachable"))["alert"]
        assert opened["openedAt"] > healthy["at"]
        down = until(child, lambda found: found["type"] == "check")
        assert (down["health"], down["stores"]["index"]["reachable"]) == ("unhealthy", False)
        assert down["stores"]["table"]["healthy"], "the others are checked all the same"
        osmem.start()
        closed = until(child, changed("closed", "index.reachable"))["alert"]
        assert closed["id"] == opened["id"]
        assert closed["openedAt"] == opened["openedAt"] < down["at"] < closed["closedAt"]
        assert closed["durationSeconds"] > 0
        tool.ok("sync", "dynamo-to-os")
        until(child, lambda found: found["type"] == "check" and found["health"] == "healthy")
        assert child.poll() is None
        os.kill(child.pid, signal.SIGINT)
        summary = until(child, lambda found: found["type"] == "summary")
        assert child.wait(timeout=60) == 0
    finally:
        child.kill()
        _, complaint = child.communicate()
    assert complaint == ""
    assert summary["checks"] == summary["healthy"] + summary["degraded"] + summary["unhealthy"]
    assert summary["opened"] >= 1
    assert summary["unhealthy"] >= 2
