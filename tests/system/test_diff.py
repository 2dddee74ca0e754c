"""Diffs of whole targets: every kind of side against every other, on every kind of engine, and what is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Application
from tests.system.test_states import STATES
from tests.system.test_undo import edit, fingerprint
from tests.tool import AS_OF, Tool

LONG = "1234567890.1234567890123456789012345678"
PICTURE = "avatars/avatar-3.png"


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


def diff(tool: Tool, *arguments: str, code: int) -> Any:
    done = tool.run("diff", *arguments, "--json")
    assert done.code == code, done.stdout + done.stderr
    return done.json()


def changes(document: Any) -> dict[tuple[str, str], str]:
    """What becomes of which key."""
    return {(each["store"], each["key"]): each["change"] for each in document["differences"]}


def fields(document: Any, store: str, key: str) -> dict[str, tuple[Any, Any]]:
    """Both values of each field that differs."""
    (found,) = (each for each in document["differences"] if (each["store"], each["key"]) == (store, key))
    return {field["path"]: (field["before"], field["after"]) for field in found["fields"]}


def item_key(pk: str, sk: str) -> str:
    return f'{{"PK":{{"S":"{pk}"}},"SK":{{"S":"{sk}"}}}}'


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_was_reached_is_no_difference(any_tool: Tool, name: str) -> None:
    done = any_tool.ok("reset", name, "--as-of", AS_OF, "--json").json()
    document = diff(any_tool, f"state:{name}", code=0)
    assert document["a"]["fingerprint"] == document["b"]["fingerprint"] == done["fingerprint"]


def test_what_a_reset_would_do_is_the_difference_the_other_way_round(any_tool: Tool) -> None:
    any_tool.ok("reset", "location-test", "--as-of", AS_OF)
    planned = any_tool.ok("reset", "style-test", "--as-of", AS_OF, "--dry-run", "--json").json()
    document = diff(any_tool, "live", "style-test", code=4)
    for store, each in planned["changes"].items():
        told = document["summary"][store]
        assert (each["created"], each["deleted"], each["replaced"]) == (
            told["created"],
            told["deleted"],
            told["changed"],
        )
    assert {(each["store"], each["key"]) for each in planned["plan"]} == set(changes(document))


def test_what_the_application_did_is_told_value_by_value_and_restored(any_tool: Tool, live: Application) -> None:
    odd = {"PK": {"S": "AUDIT#1"}, "SK": {"S": "1"}, "n": {"N": LONG}, "b": {"BS": [b"\x00", b"\xff"]}}
    live.put(odd | {"m": {"M": {"deep": {"L": [{"NULL": True}, {"S": ""}, {"NS": ["1", "2.50"]}]}}}})
    any_tool.ok("snapshot", "before")
    assert diff(any_tool, "before", code=0)["equal"] is True
    before = fingerprint(any_tool)

    edit(live, "Somebody else's words.")
    live.put({**odd, "n": {"N": f"{LONG[:-1]}9"}, "b": {"BS": [b"\xff", b"\x01"]}})
    live.dynamodb.delete_item(TableName=live.table, Key={"PK": {"S": "STYLE#celtic"}, "SK": {"S": "METADATA"}})
    document = live.documents()["artist-002"]
    body = {**document, "rating": "4.9", "styles": [*document["styles"], "celtic"]}
    live.opensearch.index(index=live.index, id="artist-002", body=body, refresh=True)
    live.opensearch.delete(index=live.index, id="artist-004", refresh=True)
    live.s3.put_object(Bucket=live.bucket, Key=PICTURE, Body=b"another picture", ContentType="image/png")
    live.s3.put_object(Bucket=live.bucket, Key="new.png", Body=b"new", ContentType="image/png")

    found = diff(any_tool, "before", code=4)
    artist, audit = item_key("ARTIST#artist-001", "METADATA"), item_key("AUDIT#1", "1")
    assert changes(found) == {
        ("table", artist): "changed",
        ("table", audit): "changed",
        ("table", item_key("STYLE#celtic", "METADATA")): "deleted",
        ("index", "artist-002"): "changed",
        ("index", "artist-004"): "deleted",
        ("images", PICTURE): "changed",
        ("images", "new.png"): "created",
    }
    assert fields(found, "table", artist)["bio"][1] == {"S": "Somebody else's words."}
    assert fields(found, "table", audit) == {
        "n": ({"N": LONG}, {"N": f"{LONG[:-1]}9"}),
        "b": ({"BS": ["/w==", "AA=="]}, {"BS": ["/w==", "AQ=="]}),
        "m": ({"M": {"deep": {"L": [{"NULL": True}, {"S": ""}, {"NS": ["1", "2.5"]}]}}}, None),
    }
    changed = fields(found, "index", "artist-002")
    assert changed["rating"] == (4.3, "4.9")
    assert changed[f"styles[{len(document['styles'])}]"] == (None, "celtic")
    assert set(fields(found, "images", PICTURE)) == {"md5", "size"}

    back = diff(any_tool, "live", "before", code=4)
    swap = {"created": "deleted", "deleted": "created", "changed": "changed"}
    assert changes(back) == {key: swap[change] for key, change in changes(found).items()}
    any_tool.ok("restore", "before")
    assert diff(any_tool, "before", code=0)["b"]["fingerprint"] == before


def test_files_are_a_side_and_what_they_do_not_hold_is_said(any_tool: Tool, live: Application) -> None:
    live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "1"}, "n": {"N": LONG}, "b": {"BS": [b"\x00", b"\xff"]}})
    any_tool.ok("export", "out", "--images")
    any_tool.ok("export", "lean")
    (whole,), (lean,) = (list((any_tool.cwd / name).iterdir()) for name in ("out", "lean"))
    assert diff(any_tool, str(whole), code=0)["notCompared"] == []
    reason = f"file {lean} holds no images"
    assert diff(any_tool, str(lean), code=0)["notCompared"] == [{"store": "images", "reason": reason}]
    (table,) = (lean / "AWSDynamoDB").iterdir()
    part = diff(any_tool, "live", str(table), code=0)
    assert (list(part["summary"]), len(part["notCompared"])) == (["table"], 2)
    assert f"index was not compared: file {table} holds no index." in any_tool.run("diff", str(table)).stdout
    edit(live, "Somebody else's words.")
    found = diff(any_tool, str(whole), code=4)
    assert changes(found) == {("table", item_key("ARTIST#artist-001", "METADATA")): "changed"}
    assert diff(any_tool, str(whole), f"file:{lean}", code=0)["equal"] is True
    nothing = any_tool.run("diff", str(table), str(lean / "opensearch"))
    assert nothing.code == 2
    assert "there is nothing to compare" in nothing.stderr


def test_two_snapshots_a_state_and_a_scenario(any_tool: Tool, live: Application) -> None:
    older = any_tool.ok("snapshot", "suite", "--json").json()["reference"]
    edit(live, "First.")
    newer = any_tool.ok("snapshot", "suite", "--json").json()["reference"]
    edit(live, "Second.")
    artist = item_key("ARTIST#artist-001", "METADATA")
    found = diff(any_tool, older, newer, code=4)
    assert fields(found, "table", artist)["bio"][1] == {"S": "First."}
    assert fields(diff(any_tool, "latest", code=4), "table", artist)["bio"] == ({"S": "First."}, {"S": "Second."})
    assert diff(any_tool, "state:fresh", older, code=0)["equal"] is True
    against = diff(any_tool, "scenario:minimal", older, code=4)
    assert all(change == "created" for change in changes(against).values())


def test_another_day_is_told_and_the_target_goes_by_its_own(any_tool: Tool) -> None:
    any_tool.ok("seed", "new-artists", "--only", "--as-of", "2026-01-10")
    assert diff(any_tool, "new-artists", code=0)["a"]["asOf"] == "2026-01-10"
    any_tool.ok("snapshot", "january")
    any_tool.ok("reset", "clean", "--as-of", "2026-02-20")
    any_tool.ok("restore", "january")
    assert diff(any_tool, "new-artists", code=0)["a"]["asOf"] == "2026-01-10"


@pytest.mark.parametrize("what", ["packs/", "snapshots/"])
def test_a_damaged_snapshot_is_12_and_nothing_is_told(tool: Tool, what: str) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    tool.ok("snapshot", "before")
    tool.ok("reset", "clean")
    live = Application(tool.environment)
    bucket = tool.environment["BACKUP_BUCKET"]
    for each in live.s3.list_objects_v2(Bucket=bucket, Prefix=what)["Contents"]:
        body = live.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        live.s3.put_object(Bucket=bucket, Key=each["Key"], Body=body[:-1] + bytes([body[-1] ^ 1]))
    live.close()
    done = tool.run("diff", "before", "--json")
    assert (done.code, done.stdout) == (12, "")
    assert done.error()["id"] == "IntegrityFailed"


def test_damaged_files_are_12_and_nothing_is_told(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    tool.ok("export", "out")
    (export,) = (tool.cwd / "out").iterdir()
    shutil.copytree(export, tool.cwd / "copy")
    data = next(Path(tool.cwd / "copy").rglob("artists-local.json"), None) or next((tool.cwd / "copy").rglob("data/*"))
    data.write_bytes(data.read_bytes()[:-2])
    done = tool.run("diff", "copy", "--json")
    assert (done.code, done.stdout) == (12, "")
    assert tool.run("diff", str(export)).code == 0


def test_an_unreachable_store_is_14(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    done = tool.run("diff", "state:minimal", "--json", OPENSEARCH_ENDPOINT="http://127.0.0.1:9")
    assert (done.code, done.stdout) == (14, "")
    assert tool.run("diff", "state:minimal", "--only", "table", OPENSEARCH_ENDPOINT="http://127.0.0.1:9").code == 0
