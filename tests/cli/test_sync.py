"""`sync` and `data-sync-utility`: what they print, their JSON, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.test_terminal import on_a_terminal
from tests.live import Application
from tests.system.test_sync import edit, tamper
from tests.tool import AS_OF, Tool

SEVEN = ["severity", "rule", "store", "key", "field", "message", "value"]
STRATEGIES = "latest, dynamo_wins, opensearch_wins, merge, manual"


@pytest.fixture
def live(tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(tool.environment)
    yield clients
    clients.close()


def test_detect(tool: Tool, live: Application) -> None:
    agreed = tool.ok("sync", "detect-conflicts")
    assert "without a sync point: two sides, not three: 0 conflicts" in agreed.stdout
    point = tool.ok("sync", "sync-point", "base", "--json").json()["syncPoint"]
    edit(live, "artist-001", bio="in the table")
    tamper(live, "artist-001", bio="in the index", rating=1)
    live.opensearch.delete(index=live.index, id="artist-002", refresh=True)
    live.opensearch.index(index=live.index, id="ARTIST#artist-001", body={"artistId": "artist-001"}, refresh=True)
    done = tool.run("sync", "detect-conflicts", "--json")
    document = done.json()
    assert (done.code, document["command"], document["syncPoint"]) == (4, "sync detect-conflicts", point)
    assert list(document) == [
        "command",
        "elapsedSeconds",
        "target",
        "syncPoint",
        "summary",
        "conflicts",
        "kinds",
        "findings",
    ]
    assert all(list(each) == SEVEN for each in document["findings"])
    assert document["kinds"] == {"changed-in-both": 1, "deleted-in-index": 1}
    assert (document["conflicts"], document["summary"]["errors"], document["summary"]["infos"]) == (2, 3, 1)
    found = {(each["key"], each["field"]): each for each in document["findings"]}
    assert found.keys() == {
        ("artist-001", "bio"),
        ("artist-001", "rating"),
        ("artist-002", ""),
        ("ARTIST#artist-001", ""),
    }
    bio = found["artist-001", "bio"]
    assert (bio["rule"], bio["value"]["table"], bio["value"]["index"]) == (
        "changed-in-both",
        "in the table",
        "in the index",
    )
    assert bio["message"].endswith(": both sides changed it")
    assert found["artist-001", "rating"]["message"].endswith(": the index changed it")
    assert "stream function" in found["ARTIST#artist-001", ""]["message"]
    shown = tool.run("detect-conflicts", program="data-sync-utility")
    assert shown.code == 4
    assert f"against sync point {point}: 2 conflicts" in shown.stdout
    assert 'bio: both sides changed it (table "in the table", index "in the index", base' in shown.stdout
    assert "left alone: document ARTIST#artist-001: the application's stream function" in shown.stdout
    assert shown.stdout.isascii()
    assert "artist-002" in on_a_terminal(tool, "sync", "detect-conflicts")[1]


def test_many_conflicts_are_cut_as_text_and_all_in_the_document(tool: Tool, live: Application) -> None:
    lines: list[object] = []
    for number in range(30):
        lines += [{"index": {"_index": live.index, "_id": f"x{number}"}}, {"artistId": f"x{number}"}]
    live.opensearch.bulk(body=lines, refresh=True)
    short = tool.run("sync", "detect-conflicts").stdout
    assert short.count("only the index has it") == 10
    assert "... and 20 more (-v shows all)" in short
    assert tool.run("sync", "detect-conflicts", "-v").stdout.count("only the index has it") == 30
    assert len(tool.run("sync", "detect-conflicts", "--json").json()["findings"]) == 30
    left = tool.run("sync", "resolve-conflicts")
    assert left.code == 13
    assert left.stdout.count("left: x") == 20
    assert "... and 10 more (-v shows all)" in left.stdout
    assert "0 of 30 conflicts decided without a sync point, 30 left." in left.stdout


def test_resolve(tool: Tool, live: Application) -> None:
    tool.ok("sync", "sync-point", "base")
    edit(live, "artist-001", bio="in the table", updatedAt="2026-11-24")
    tamper(live, "artist-001", bio="in the index", updatedAt="2026-11-23")
    live.opensearch.delete(index=live.index, id="artist-002", refresh=True)
    planned = tool.ok("sync", "resolve-conflicts", "--dry-run").stdout
    assert "artist-001: item kept, document changed: Since the sync point, both sides changed bio" in planned
    assert "artist-002: item deleted, document none: Since the sync point, the index deleted it" in planned
    assert "2 of 2 conflicts decided against sync point base@" in planned
    document = tool.ok("sync", "resolve-conflicts", "latest", "--dry-run", "--json").json()
    assert {"decisions", "plan", "dryRun", "changes", "failures", "run"} <= document.keys()
    decisions = {each["id"]: each for each in document["decisions"]}
    assert list(decisions["artist-001"]) == ["id", "conflict", "item", "document", "reason", "left"]
    assert (decisions["artist-002"]["item"], decisions["artist-002"]["conflict"]) == ("deleted", "deleted-in-index")
    assert (document["strategy"], document["left"], document["newSyncPoint"]) == ("latest", 0, None)
    left = tool.run("resolve-conflicts", "merge", program="data-sync-utility")
    assert left.code == 13
    assert "left: artist-001: Since the sync point, both sides changed bio, and no side is preferred." in left.stdout
    assert "1 of 2 conflicts decided" in left.stdout
    done = tool.ok("sync", "resolve-conflicts", "merge", "--prefer", "index").stdout
    assert "Sync point resolved@" in done
    assert live.documents()["artist-001"]["bio"] == "in the index"
    again = tool.ok("sync", "resolve-conflicts")
    assert "nothing to do, the stores hold it already" in again.stdout
    tool.ok("clear", "opensearch")
    refused = tool.run("sync", "resolve-conflicts", "--json")
    assert (refused.code, refused.error()["id"]) == (13, "SourceEmpty")
    emptied = tool.ok("sync", "resolve-conflicts", "--allow-empty", "--json").json()
    assert emptied["removed"]["artists"] == emptied["kinds"]["deleted-in-index"]


def test_by_hand(tool: Tool, live: Application) -> None:
    edit(live, "artist-001", bio="in the table")
    written = tool.run("sync", "resolve-conflicts", "manual", "--plan", "plan.jsonl", "--json")
    assert (written.code, written.json()["left"], written.json()["file"]) == (13, 1, "plan.jsonl")
    path = tool.cwd / "plan.jsonl"
    path.write_text(path.read_text().replace('"decision":null', '"decision":"index"'))
    before = live.documents()
    assert tool.ok("sync", "resolve-conflicts", "manual", "--apply", "plan.jsonl", "--json").json()["left"] == 0
    assert live.documents() == before
    assert tool.ok("sync", "detect-conflicts").code == 0
    again = tool.run("sync", "resolve-conflicts", "manual", "--plan", "plan.jsonl")
    assert (again.code, "may hold decisions" in again.stderr) == (2, True)
    shown = tool.ok("sync", "resolve-conflicts", "manual", "--plan", "another.jsonl")
    assert "there is nothing to decide by hand" in shown.stdout


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("newest",), "UnknownChoice", STRATEGIES),
        (("latst",), "UnknownChoice", "latest"),
        (("latest", "--prefer", "table"), "UsageError", "--prefer is for merge"),
        (("latest", "--plan", "x"), "UsageError", "for manual"),
        (("merge", "--apply", "x"), "UsageError", "for manual"),
        (("manual",), "UsageError", "--plan FILE"),
        (("manual", "--plan", "x", "--apply", "y"), "UsageError", "--plan FILE"),
    ],
)
def test_words_that_make_no_sense_need_no_target(bare: Tool, words: tuple[str, ...], error: str, said: str) -> None:
    refused = bare.run("sync", "resolve-conflicts", *words, "--json")
    assert (refused.code, refused.stdout, refused.error()["id"]) == (2, "", error)
    assert said in refused.error()["message"] + refused.error()["hint"]
    assert not (bare.cwd / "state").exists()


def test_a_plan_that_is_none(tool: Tool, live: Application) -> None:
    missing = tool.run("sync", "resolve-conflicts", "manual", "--apply", "none.jsonl", "--json")
    assert (missing.code, missing.error()["id"]) == (10, "UnknownName")
    (tool.cwd / "bad.jsonl").write_text("{}")
    bad = tool.run("sync", "resolve-conflicts", "manual", "--apply", "bad.jsonl", "--json")
    assert (bad.code, bad.error()["id"]) == (2, "UsageError")
    full = tool.run("sync", "resolve-conflicts", "manual", "--plan", "no/such/folder/x.jsonl", "--json")
    assert (full.code, full.error()["id"]) == (1, "FileFailed")


def test_both_ways(tool: Tool, live: Application) -> None:
    edit(live, "artist-001", bio="new")
    live.opensearch.index(index=live.index, id="ARTIST#x", body={"artistId": "x"}, refresh=True)
    planned = tool.ok("sync", "dynamo-to-os", "--dry-run")
    assert "replace  index  artist-001" in planned.stdout
    assert "left alone: document ARTIST#x: the application's stream function" in planned.stdout
    document = tool.ok("sync", "dynamo-to-os", "--json").json()
    assert document["otherDocuments"] == [{"key": "ARTIST#x", "writer": document["otherDocuments"][0]["writer"]}]
    assert {"dryRun", "changes", "removed", "failures", "fingerprint", "run"} <= document.keys()
    tamper(live, "artist-001", bio="newer")
    shown = tool.run("os-to-dynamo", program="data-sync-utility")
    assert (shown.code, "sync os-to-dynamo: done" in shown.stdout) == (0, True)
    history = tool.ok("history", "--json").json()["runs"]
    assert [each["command"] for each in history[:2]] == ["sync os-to-dynamo", "sync dynamo-to-os"]
    tool.ok("clear", "opensearch")
    refused = tool.run("sync", "os-to-dynamo", "--delete", "--json")
    assert (refused.code, refused.error()["id"]) == (13, "SourceEmpty")
    assert "--allow-empty" in refused.error()["hint"]


def test_sync_points(tool: Tool, live: Application) -> None:
    made = tool.ok("sync", "sync-point", "base", "--json").json()
    assert made["counts"]["index"] == len(live.documents())
    assert made["file"].startswith("sync-points/sync-point-base-")
    about = json.loads((tool.cwd / made["file"]).read_text())
    assert (about["snapshot"], about["fingerprints"]) == (made["syncPoint"], made["fingerprints"])
    assert "nothing changed" in tool.ok("sync", "validate-sync-point", "base").stdout
    edit(live, "artist-001", bio="new")
    found = tool.run("validate-sync-point", made["file"], program="data-sync-utility")
    assert found.code == 4
    assert "changed: table ARTIST#artist-001 METADATA" in found.stdout
    document = tool.run("sync", "validate-sync-point", "base", "--json").json()
    assert (document["countsOnly"], document["same"], document["summary"]["errors"]) == (False, False, 1)
    (finding,) = document["findings"]
    assert list(finding) == SEVEN
    assert (finding["rule"], finding["store"]) == ("changed-since", "table")
    (tool.cwd / made["file"]).write_text(json.dumps({**about, "name": "other"}))
    assert tool.run("sync", "validate-sync-point", made["file"]).code == 12
    assert tool.run("sync", "validate-sync-point", "none").code == 10
    other = tool.run("sync", "validate-sync-point", made["file"], DYNAMODB_TABLE_NAME="other")
    assert other.code == 12
    refused = tool.run("sync", "sync-point", "a/b", "--json")
    assert (refused.code, refused.error()["id"]) == (2, "BadSetting")


def test_the_node_tools_file(tool: Tool, live: Application) -> None:
    counts = {"dynamoCount": len(live.items()), "osCount": len(live.documents())}
    about: dict[str, Any] = {"name": "x", "timestamp": "2026-01-01T00:00:00.000Z", "hash": "ab", **counts}
    (tool.cwd / "sync-point-x.json").write_text(json.dumps(about))
    shown = tool.ok("sync", "validate-sync-point", "sync-point-x.json").stdout
    assert "knows counts only" in shown
    live.opensearch.delete(index=live.index, id="artist-001", refresh=True)
    document = tool.run("sync", "validate-sync-point", "sync-point-x.json", "--json").json()
    assert (document["countsOnly"], document["same"]) == (True, False)
    assert document["counts"]["index"] == {"then": counts["osCount"], "now": counts["osCount"] - 1}


def test_names_are_completed(bare: Tool) -> None:
    words = "tattoo-data sync resolve-conflicts opens"
    shown = bare.run(_TATTOO_DATA_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="3")
    assert "opensearch_wins" in shown.stdout
