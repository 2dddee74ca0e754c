"""Sync on whole targets: every case under every strategy, both ways, bad input, and a writer that never stops."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from tools.sync_doc import POLICIES, SITUATIONS, STATES, after, conflict

from tattoo_data.sync.decide import decide
from tests.live import Application
from tests.system.test_states import WRITES
from tests.tool import AS_OF, PROGRAMS, Result, Tool

PROGRAM = str(PROGRAMS / "tattoo-data")
LONG = "12345678901234567890.123456789012345678"
Sides = dict[str, tuple[str, str, str]]


@pytest.fixture
def live(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of an empty target."""
    any_tool.ok("reset", "clean")
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


@pytest.fixture
def full(any_tool: Tool) -> Iterator[Application]:
    """The application's clients of a target that holds the full dataset."""
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    clients = Application(any_tool.environment)
    yield clients
    clients.close()


def key(artist: str, sort_key: str = "METADATA") -> dict[str, Any]:
    return {"PK": {"S": f"ARTIST#{artist}"}, "SK": {"S": sort_key}}


def key_text(artist: str) -> str:
    """The key of an artist's item, as results name it."""
    return json.dumps(key(artist), separators=(",", ":"))


def put_item(live: Application, artist: str, fields: Mapping[str, object]) -> None:
    typed = {name: {"S": value} for name, value in fields.items()}
    live.put({**key(artist), "artistId": {"S": artist}, **typed})


def edit(live: Application, artist: str, sort_key: str = "METADATA", **texts: str) -> None:
    """Set texts of an item, as the application does."""
    names = {f"#{name}": name for name in texts}
    live.dynamodb.update_item(
        TableName=live.table,
        Key=key(artist, sort_key),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in texts),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":{name}": {"S": text} for name, text in texts.items()},
    )


def tamper(live: Application, artist: str, **fields: object) -> None:
    """Set fields of a document."""
    live.opensearch.update(index=live.index, id=artist, body={"doc": fields}, refresh=True)


def lay_out(live: Application, sides: Sides, side: int) -> None:
    """Make each artist what its states say, both sides as at the sync point (0), or as they are now (1)."""
    lines: list[object] = []
    for artist, (base, table, index) in sides.items():
        table, index = (base, base) if side == 0 else (table, index)
        if (fields := STATES[table]) is None:
            live.dynamodb.delete_item(TableName=live.table, Key=key(artist))
        else:
            put_item(live, artist, fields)
        about = {"_index": live.index, "_id": artist}
        if (fields := STATES[index]) is None:
            lines.append({"delete": about})
        else:
            lines += [{"index": about}, {"artistId": artist, **fields}]
    live.opensearch.bulk(body=lines, refresh=True)


def conflicts(tool: Tool) -> set[str]:
    """The artists that are in conflict."""
    done = tool.run("sync", "detect-conflicts", "--json")
    found = {each["key"] for each in done.json()["findings"] if each["severity"] == "error"}
    assert done.code == (4 if found else 0), done.stderr
    return found


def disagree(live: Application) -> set[str]:
    """The artists of whom the application itself reads different fields, numbers as text."""
    keys = ("PK", "SK", "gsi")
    items = {
        each["artistId"]: {name: _plain(value) for name, value in each.items() if not name.startswith(keys)}
        for each in live.items()
        if each["PK"].startswith("ARTIST#")
    }
    documents = {
        artist: {name: _plain(value) for name, value in each.items() if name != "location"}
        for artist, each in live.documents().items()
        if each.get("artistId") == artist
    }
    return {artist for artist in items.keys() | documents.keys() if items.get(artist) != documents.get(artist)}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case set():
            return sorted(map(_plain, value))
        case bool() | None | str():
            return value
    return float(value)


@pytest.mark.parametrize("name", list(POLICIES))
def test_every_case_under_every_strategy(any_tool: Tool, live: Application, name: str, tmp_path: Any) -> None:
    policy = POLICIES[name]
    words = ("sync", "resolve-conflicts", *name.strip("`").split())
    if name == "`manual`":
        (tmp_path / "empty.jsonl").write_text('{"type":"sync-plan","format":1}\n')
        words = (*words, "--apply", "empty.jsonl")
    for situations in (["none"], ["same", "absent"]):
        sides: Sides = {
            f"{situation}-{table}-{index}": ("absent" if situation == "none" else situation, table, index)
            for situation in situations
            for table, index in SITUATIONS[situation]
        }
        if situations != ["none"]:
            any_tool.ok("reset", "clean")
            lay_out(live, sides, 0)
            any_tool.ok("sync", "sync-point", "base")
        lay_out(live, sides, 1)
        decided = {
            artist: decide(found, policy)
            for artist, (_, table, index) in sides.items()
            if (found := conflict(artist.split("-")[0], table, index))
        }
        left = {artist for artist, decision in decided.items() if decision.is_left}
        assert conflicts(any_tool) == set(decided)
        planned = any_tool.ok(*words, "--dry-run", "--json").json()
        assert {each["id"]: each["reason"] for each in planned["decisions"]} == {
            artist: decision.reason for artist, decision in decided.items()
        }
        done = any_tool.run(*words, "--json")
        assert done.code == (13 if left else 0), done.stdout + done.stderr
        assert {each["id"] for each in done.json()["decisions"] if each["left"]} == left
        assert (conflicts(any_tool), disagree(live)) == (left, left)
        documents = live.documents()
        for artist, decision in decided.items():
            if artist not in left and after(decision) in STATES:
                wanted = STATES[after(decision)]
                assert documents.get(artist) == (wanted if wanted is None else {"artistId": artist, **wanted}), artist
        again = any_tool.run(*words, "--json")
        assert (again.code, again.json()["run"]) == (done.code, None)


def test_from_the_table_to_the_index(any_tool: Tool, full: Application) -> None:
    before = full.documents()
    tamper(full, "artist-001", rating=1, bio="tampered", extra=[1])
    full.opensearch.delete(index=full.index, id="artist-002", refresh=True)
    full.opensearch.index(index=full.index, id="nobody", body={"artistId": "nobody"}, routing="r", refresh=True)
    foreign = {"PK": "ARTIST#artist-003", "artistId": "artist-003"}
    full.opensearch.index(index=full.index, id="ARTIST#artist-003", body=foreign, refresh=True)
    full.dynamodb.delete_item(TableName=full.table, Key=key("artist-004"))
    done = any_tool.ok("sync", "dynamo-to-os", "--json").json()
    assert done["changes"]["index"] | {"unchanged": 0} == {
        "created": 1,
        "replaced": 1,
        "deleted": 2,
        "moved": 0,
        "unchanged": 0,
        "failed": 0,
    }
    assert [each["key"] for each in done["otherDocuments"]] == ["ARTIST#artist-003"]
    del before["artist-004"]
    assert full.documents() == {**before, "ARTIST#artist-003": foreign}
    assert any_tool.ok("sync", "dynamo-to-os", "--json").json()["run"] is None
    assert conflicts(any_tool) == set()


def test_from_the_index_to_the_table(any_tool: Tool, full: Application) -> None:
    kept = {
        "secret": {"B": b"\x00\x01"},
        "marks": {"BS": [b"a", b"b"]},
        "years": {"NS": ["1", LONG]},
        "big": {"N": LONG},
        "hobby": {"M": {"tags": {"SS": ["x"]}}},
    }
    full.put({**key("artist-900", "PROFILE"), "artistId": {"S": "artist-900"}, "bio": {"S": "old"}, **kept})
    any_tool.ok("sync", "dynamo-to-os")
    studios = [each for each in full.items() if not each["PK"].startswith("ARTIST#")]
    tamper(full, "artist-900", bio="new")  # which makes a double of every number of the document
    tamper(full, "artist-001", rating=1.5)
    full.opensearch.index(index=full.index, id="artist-901", body={"artistId": "artist-901"}, refresh=True)
    full.opensearch.delete(index=full.index, id="artist-002", refresh=True)
    done = any_tool.ok("sync", "os-to-dynamo", "--json").json()
    counts = done["changes"]["table"]
    assert (counts["created"], counts["replaced"], counts["deleted"]) == (1, 2, 0)
    place = {"TableName": full.table, "Key": key("artist-900", "PROFILE"), "ConsistentRead": True}
    item = full.dynamodb.get_item(**place)["Item"]
    item["marks"]["BS"].sort()
    assert item == {**key("artist-900", "PROFILE"), "artistId": {"S": "artist-900"}, "bio": {"S": "new"}, **kept}
    assert conflicts(any_tool) == {"artist-002"}
    gone = any_tool.ok("sync", "os-to-dynamo", "--delete", "--json").json()
    assert gone["removed"] == {"artists": 1}
    assert [each for each in full.items() if not each["PK"].startswith("ARTIST#")] == studios
    assert any_tool.ok("sync", "os-to-dynamo", "--delete", "--json").json()["run"] is None
    assert conflicts(any_tool) == set()


def test_a_source_that_is_missing_or_empty(any_tool: Tool, full: Application) -> None:
    before = full.documents()
    any_tool.ok("clear", "dynamodb")
    refused = any_tool.run("sync", "dynamo-to-os", "--json")
    assert (refused.code, refused.error()["id"]) == (13, "SourceEmpty")
    assert full.documents() == before
    any_tool.ok("sync", "os-to-dynamo")
    assert disagree(full) == set()
    any_tool.ok("clear", "opensearch")
    assert any_tool.run("sync", "os-to-dynamo", "--delete").code == 13
    assert len(full.items()) == len(before)
    any_tool.ok("sync", "dynamo-to-os")
    assert disagree(full) == set()
    for name in full.opensearch.indices.get(index=full.index):
        full.opensearch.indices.delete(index=name)
    for words in (("os-to-dynamo",), ("detect-conflicts",), ("resolve-conflicts",), ("sync-point", "x")):
        missing = any_tool.run("sync", *words, "--json")
        assert (missing.code, missing.error()["id"]) == (10, "StoreMissing")
    any_tool.ok("sync", "dynamo-to-os")
    assert full.documents() == before


def test_an_index_of_a_foreign_mapping_is_built_anew(any_tool: Tool, full: Application) -> None:
    before = full.documents()
    for name in full.opensearch.indices.get(index=full.index):
        full.opensearch.indices.delete(index=name)
    full.opensearch.indices.create(index=full.index, body={"mappings": {"properties": {"artistId": {"type": "text"}}}})
    full.opensearch.index(index=full.index, id="artist-001", body={"artistId": "artist-001", "bio": "x"})
    full.opensearch.index(index=full.index, id="nobody", body={"artistId": "nobody"}, refresh=True)
    any_tool.ok("sync", "dynamo-to-os")
    assert full.documents() == before
    assert any_tool.ok("sync", "dynamo-to-os", "--json").json()["run"] is None


def test_bad_records_are_named_and_the_rest_is_done(any_tool: Tool, full: Application) -> None:
    tamper(full, "artist-001", bio="new")
    full.opensearch.index(index=full.index, id="plain", body={"text": "no id"}, refresh=True)
    done = any_tool.run("sync", "os-to-dynamo", "--json")
    assert (done.code, [each["key"] for each in done.json()["failures"]]) == (3, ["plain"])
    assert [each["bio"] for each in full.items() if each["PK"] == "ARTIST#artist-001"] == ["new"]
    full.opensearch.delete(index=full.index, id="plain", refresh=True)
    long = "x" * 600  # longer than an _id may be
    put_item(full, long, {"bio": "x"})
    put_item(full, "fine", {"bio": "x"})
    done = any_tool.run("sync", "dynamo-to-os", "--json")
    assert (done.code, [each["key"] for each in done.json()["failures"]]) == (3, [long])
    assert full.documents()["fine"]["bio"] == "x"
    there = key_text(long)
    assert conflicts(any_tool) == {there}
    done = any_tool.run("sync", "resolve-conflicts", "--json")
    assert (done.code, [each["key"] for each in done.json()["failures"]]) == (3, [there])


def test_sync_points(any_tool: Tool, full: Application) -> None:
    point = any_tool.ok("sync", "sync-point", "base", "--json").json()
    assert any_tool.ok("sync", "validate-sync-point", point["file"], "--json").json()["findings"] == []
    edit(full, "artist-001", bio="new")
    full.opensearch.delete(index=full.index, id="artist-002", refresh=True)
    found = any_tool.run("sync", "validate-sync-point", "base", "--json")
    assert found.code == 4
    assert {(each["store"], each["rule"]) for each in found.json()["findings"]} == {
        ("table", "changed-since"),
        ("index", "deleted-since"),
    }
    full.dynamodb.delete_item(TableName=full.table, Key=key("artist-003"))
    resolved = any_tool.ok("sync", "resolve-conflicts", "--json").json()
    assert resolved["kinds"] == {"changed-in-table": 1, "deleted-in-index": 1, "deleted-in-table": 1}
    assert resolved["newSyncPoint"].startswith("resolved@")
    assert {"artist-002", "artist-003"} & full.documents().keys() == set()
    assert any_tool.ok("sync", "validate-sync-point", "resolved", "--json").json()["same"] is True
    assert any_tool.ok("undo").code == 0


def test_a_sync_point_counts_only_while_nothing_went_back_to_before_it(any_tool: Tool, full: Application) -> None:
    point = any_tool.ok("sync", "sync-point", "base", "--json").json()["syncPoint"]
    edit(full, "artist-001", bio="of the table", updatedAt="2026-06-01")
    tamper(full, "artist-001", bio="of the index", updatedAt="2026-05-01")
    tamper(full, "artist-002", bio="of the index alone")
    full.dynamodb.delete_item(TableName=full.table, Key=key("artist-003"))
    any_tool.ok("snapshot", "edited")
    right = {"artist-001": "of the table", "artist-002": "of the index alone"}
    for back in (("undo",), ("restore", "edited")):
        any_tool.ok("sync", "resolve-conflicts", "opensearch_wins")
        any_tool.ok(*back)
        assert any_tool.run("sync", "detect-conflicts", "--json").json()["syncPoint"] == point
    any_tool.ok("with", "minimal", "--", PROGRAM, "sync", "resolve-conflicts")
    assert any_tool.ok("sync", "resolve-conflicts", "dynamo_wins", "--json").json()["syncPoint"] == point
    assert bios(full, right) == right
    assert "artist-003" not in {item.get("artistId") for item in full.items()} | full.documents().keys()


def test_a_number_that_a_partial_update_made_a_double_stays_the_tables(any_tool: Tool, live: Application) -> None:
    big, newer = "1234567890123456789012.25", "999999999999999999999.25"
    for artist in ("a", "b"):
        live.put({**key(artist), "artistId": {"S": artist}, "big": {"N": big}})
    any_tool.ok("sync", "dynamo-to-os")
    any_tool.ok("sync", "sync-point", "base")
    live.put({**key("a"), "artistId": {"S": "a"}, "big": {"N": newer}})
    for artist in ("a", "b"):
        tamper(live, artist, big=float(big), bio="new")
    found = any_tool.run("sync", "detect-conflicts", "--json").json()["findings"]
    assert {(each["key"], each["field"]) for each in found} == {("a", "big"), ("a", "bio"), ("b", "bio")}
    any_tool.ok("sync", "resolve-conflicts", "opensearch_wins")
    assert {item["artistId"]: str(item["big"]) for item in live.items()} == {"a": newer, "b": big}
    assert disagree(live) == set()


# A writer that never stops.


@contextmanager
def writing(live: Application, artists: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The application writes one artist after the other, each on the side that is given; what it wrote last."""
    last: dict[str, str] = {}
    stopped = threading.Event()
    failure: list[Exception] = []

    def run() -> None:
        number = 0
        try:
            while not stopped.is_set():
                for artist, side in artists.items():
                    number += 1
                    text, now = f"written {number}", datetime.now(UTC).isoformat(timespec="milliseconds")
                    if side == "table":
                        edit(live, artist, bio=text, updatedAt=now)
                    else:
                        doc = {"bio": text, "updatedAt": now}
                        live.opensearch.update(index=live.index, id=artist, body={"doc": doc}, retry_on_conflict=9)
                    last[artist] = text
        except Exception as error:  # noqa: BLE001  the test raises it
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield last
    finally:
        stopped.set()
        thread.join()
    if failure:
        raise failure[0]


def bios(live: Application, artists: Mapping[str, str]) -> dict[str, str]:
    """What both sides say, where they say the same."""
    documents = live.documents()
    items = {each["artistId"]: each["bio"] for each in live.items() if "bio" in each and "artistId" in each}
    return {each: items[each] for each in artists if items[each] == documents[each]["bio"]}


def checked(done: Result) -> None:
    assert done.code in (0, 3, 13), done.stdout + done.stderr


def test_what_is_written_into_the_table_meanwhile_arrives(any_tool: Tool, full: Application) -> None:
    artists = {f"artist-{number:03}": "table" for number in range(1, 21)}
    for artist in full.documents():
        tamper(full, artist, bio="stale")
    with writing(full, artists) as last:
        checked(any_tool.run("sync", "dynamo-to-os"))
        checked(any_tool.run("sync", "dynamo-to-os"))
    any_tool.ok("sync", "dynamo-to-os")
    assert bios(full, artists) == last
    assert (conflicts(any_tool), disagree(full)) == (set(), set())


def test_what_is_written_on_both_sides_meanwhile_arrives(any_tool: Tool, full: Application) -> None:
    any_tool.ok("sync", "sync-point", "base")
    artists = {f"artist-{number:03}": ("table", "index")[number % 2] for number in range(1, 21)}
    for number in range(21, 41):
        edit(full, f"artist-{number:03}", bio="changed", updatedAt="2026-11-25")
    with writing(full, artists) as last:
        for _ in range(2):
            checked(any_tool.run("sync", "resolve-conflicts", "latest"))
    any_tool.ok("sync", "resolve-conflicts", "latest")
    assert bios(full, artists) == last
    assert (conflicts(any_tool), disagree(full)) == (set(), set())


def test_looking_and_planning_send_no_write(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    live = Application(tool.environment)
    edit(live, "artist-001", bio="x")
    live.close()
    for words in (
        ("detect-conflicts",),
        ("resolve-conflicts", "--dry-run"),
        ("resolve-conflicts", "manual", "--plan", "plan.jsonl"),
        ("dynamo-to-os", "--dry-run"),
        ("os-to-dynamo", "--delete", "--dry-run"),
    ):
        requests = [line for line in tool.run("sync", *words, "--debug").stderr.splitlines() if " attempt " in line]
        assert len(requests) > 3
        assert [line for line in requests if WRITES.search(line)] == []
    assert json.loads((tool.cwd / "plan.jsonl").read_text().splitlines()[0])["type"] == "sync-plan"
