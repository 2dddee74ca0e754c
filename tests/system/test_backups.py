"""Backups and restores of whole targets: all that was there comes back, whoever else is at work."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tattoo_data.backups import remove
from tattoo_data.backups.remove import PruneOptions, prune
from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.backups.verify import verify
from tattoo_data.clock import Clock
from tattoo_data.engine.apply import write_entries
from tattoo_data.environment import Environment, open_environment
from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.settings import resolve
from tattoo_data.stores.base import Store, scan
from tests.backups.random_items import TYPES, random_items
from tests.faults.messages import Seen, Service
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.formats.builders import buffer, node_document, node_export, node_item, tar_gz
from tests.live import Application
from tests.repository.test_manifests import MANIFEST
from tests.system.test_states import application
from tests.system.test_undo import ENDPOINTS, edit, fingerprint, held_at, pictures, raw_items
from tests.tool import AS_OF, Tool

TABLE, INDEX, IMAGES = StoreName


@contextmanager
def opened(tool: Tool) -> Iterator[Environment]:
    """The target of a tool, in this process."""
    with open_environment(resolve({}, tool.variables(), tool.cwd), Clock()) as env:
        yield env


def fill(store: Store, entries: list[Entry]) -> None:
    """Write entries past the command line."""
    store.ensure()
    with ThreadPoolExecutor(4) as pool:
        failed = [outcome for outcome in write_entries(store, iter(entries), pool) if outcome.error]
    store.settle()
    assert failed == []


def reset(tool: Tool, state: str) -> None:
    tool.ok("reset", state, "--as-of", AS_OF)


def routings(live: Application) -> dict[str, Any]:
    """Every document's routing."""
    hits = live.opensearch.search(index=live.index, body={"size": 10_000})["hits"]["hits"]
    return {hit["_id"]: hit.get("_routing") for hit in hits}


@contextmanager
def watched(tool: Tool) -> Iterator[tuple[FaultProxy, Callable[[], Counter[str]]]]:
    """A proxy before S3, and what has come through it since it was last asked: `GET packs`, `PUT snapshots`."""
    bucket = tool.environment["BACKUP_BUCKET"]
    with fault_proxy(tool.environment[ENDPOINTS[Service.S3]], Service.S3) as proxy:

        def counted() -> Counter[str]:
            seen = Counter(
                f"{each.method} {match[1]}"
                for each in proxy.seen
                if (match := re.match(rf"/{bucket}/(packs|objects|snapshots)/.", each.path))
            )
            proxy.seen.clear()
            return seen

        yield proxy, counted


def through(tool: Tool, proxy: FaultProxy) -> dict[str, str]:
    return {ENDPOINTS[Service.S3]: proxy.url}


ODD: dict[str, Any] = {
    "PK": {"S": "AUDIT#1"},
    "SK": {"S": "2026-11-24"},
    "digits": {"N": "12345678901234567890123456789012345678"},
    "small": {"N": "-0.00000000000000000000000000000000000001"},
    "binary": {"B": b"\x00\xff"},
    "nested": {"M": {"list": {"L": [{"B": b"\x01"}, {"M": {"b": {"B": b"\xfe"}}}, {"NULL": True}]}}},
    "sets": {"L": [{"SS": ["b", "a"]}, {"NS": ["2.5", "-1"]}, {"BS": [b"\x02", b"\x01"]}]},
    "empty": {"S": ""},
    "nothing": {"L": []},
    "yes": {"BOOL": True},
}


def put_odd_things(live: Application) -> None:
    """What no catalogue holds: items, documents and objects of other kinds, with routing and with odd keys."""
    live.put(ODD)
    live.put({"PK": {"S": 'ALERT#é "quoted"'}, "SK": {"S": "#"}})
    live.put({"PK": {"S": "ARTIST#artist-009"}, "SK": {"S": "PROFILE"}, "artistName": {"S": "Node"}})
    document = {"PK": "ARTIST#artist-009", "n": 4.5, "deep": {"list": [1, {"a": None}, "é"]}, "artistId": ["odd"]}
    live.opensearch.index(index=live.index, id="ARTIST#odd id/é", body=document)
    for number in range(5):
        routed = {"artistId": f"routed-{number}", "bio": "x"}
        live.opensearch.index(index=live.index, id=f"routed-{number}", body=routed, routing=f"shard {number}")
    live.opensearch.indices.refresh(index=live.index)
    live.s3.put_object(Bucket=live.bucket, Key="odd/é 1+%20?.txt", Body=b"\x00\x01", ContentType="text/x-odd; q=1")
    live.s3.put_object(Bucket=live.bucket, Key="empty", Body=b"", ContentType="image/png")


@pytest.mark.parametrize("shards", ["1", "3"])
def test_what_is_no_record_comes_back_as_it_was(any_tool: Tool, shards: str) -> None:
    (any_tool.cwd / "tattoo-data.toml").write_text(f"[index]\nshards = {shards}\n")
    reset(any_tool, "minimal")
    with application(any_tool) as live:
        put_odd_things(live)
        items, documents, objects = raw_items(live), live.documents(), pictures(live)
        routed = routings(live)
        taken = any_tool.ok("snapshot", "odd", "--json").json()
        assert taken["fingerprint"] == fingerprint(any_tool)
        for words in (("clear",), ("reset", "fresh", "--as-of", AS_OF)):
            any_tool.ok(*words)
            restored = any_tool.ok("restore", "odd", "--json").json()
            assert restored["proven"] is True
            assert restored["fingerprint"] == taken["fingerprint"] == fingerprint(any_tool)
            assert raw_items(live) == items
            assert live.documents() == documents
            assert routings(live) == routed
            assert pictures(live) == objects
            assert any_tool.ok("restore", "odd", "--json").json()["run"] is None
        any_tool.ok("undo")
        assert any_tool.ok("status", "--json").json()["state"] == "fresh"
        again = any_tool.ok("redo", "--json").json()
        assert again["fingerprint"] == taken["fingerprint"]
        assert routings(live) == routed
        assert any_tool.ok("backups", "verify", "--json").json()["damaged"] == 0


# OpenSearch has no part in it, and Amazon's engine with a stream writes ever more slowly.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("any_tool", ["embedded", "real"], indirect=True)
def test_ten_thousand_items_of_all_ten_types_come_back_in_the_same_bytes(any_tool: Tool) -> None:
    reset(any_tool, "clean")
    wanted = random_items(7, 10_000)
    assert all(any(b'{"%s": ' % kind.encode() in each.body for each in wanted) for kind in TYPES)
    with opened(any_tool) as env:
        fill(env.stores.table, wanted)
        there = {each.key: canonical_item(each.body) for each in scan(env.stores.table)}
        assert there == {each.key: canonical_item(each.body) for each in wanted}
        any_tool.ok("backup", "all")
        any_tool.ok("clear", "dynamodb", "--no-undo")
        assert list(scan(env.stores.table)) == []
        restored = any_tool.ok("restore", "all", "--no-undo", "--json").json()
        assert (restored["changes"]["table"]["created"], restored["proven"]) == (10_000, True)
        assert {each.key: canonical_item(each.body) for each in scan(env.stores.table)} == there
    assert any_tool.ok("backups", "verify", "--json").json()["damaged"] == 0


def test_more_documents_than_one_search_gives_come_back(any_tool: Tool) -> None:
    reset(any_tool, "clean")
    number, more = 10_500, "x" * 100

    def document(each: int, bio: str) -> Entry:
        body = f'{{"artistId":"artist-{each:05}","rating":4.50,"bio":"{bio}"}}'
        return Entry(f"artist-{each:05}", body.encode(), f"r{each % 7}" if each % 3 == 0 else None)

    with opened(any_tool) as env:
        fill(env.stores.index, [document(each, more) for each in range(number)])

        def held() -> dict[str, tuple[bytes, str | None]]:
            return {each.key: (canonical_document(each.body), each.routing) for each in scan(env.stores.index)}

        there = held()
        assert len(there) == number
        taken = any_tool.ok("backup", "all", "--json").json()
        assert taken["stores"]["index"]["count"] == number
        any_tool.ok("clear", "opensearch", "--no-undo")
        restored = any_tool.ok("restore", "all", "--json").json()
        assert (restored["changes"]["index"]["created"], restored["proven"]) == (number, True)
        assert held() == there
        # More than half of them change, so that the index is built anew and swapped in
        fill(env.stores.index, [document(each, "changed") for each in range(8_000)])
        swapped = any_tool.ok("restore", "all", "--json").json()
        assert (swapped["changes"]["index"]["replaced"], swapped["proven"]) == (8_000, True)
        assert held() == there
        fill(env.stores.index, [document(each, "changed") for each in range(100)])
        assert any_tool.ok("restore", "all", "--json").json()["changes"]["index"]["replaced"] == 100
        assert held() == there


def test_only_what_differs_is_stored_read_and_written(any_tool: Tool) -> None:
    reset(any_tool, "fresh")
    with opened(any_tool) as env, watched(any_tool) as (proxy, counted):
        items = [
            Entry(each.key, each.body[:-1] + b',"padding":{"S":"%s"}}' % (b"x" * 8_000))
            for each in random_items(3, 600)
        ]
        fill(env.stores.table, items)
        target = through(any_tool, proxy)
        first = any_tool.ok("backup", "all", "--json", **target).json()
        packs = sum(each["packs"] for each in first["stores"].values())
        assert packs > 6
        stored = counted()
        assert (stored["PUT packs"], stored["PUT snapshots"], first["storedPacks"]) == (packs, 1, packs)
        assert 0 < stored["PUT objects"] <= 57
        assert any_tool.ok("backup", "all", "--json", **target).json()["storedBytes"] == 0
        again = counted()
        assert {name: count for name, count in again.items() if name.startswith("PUT")} == {"PUT snapshots": 1}
        any_tool.ok("restore", "all", **target)
        assert {name: count for name, count in counted().items() if not name.endswith("snapshots")} == {}
        # One changed record: one pack of the table that is read, and one that is stored
        fill(env.stores.table, [Entry(items[0].key, items[0].key.encode())])
        changed = any_tool.ok("backup", "changed", "--json", **target).json()
        assert (changed["storedPacks"], counted()["PUT packs"]) == (1, 1)
        restored = any_tool.ok("restore", "all", "--json", **target).json()
        assert restored["changes"]["table"] == {
            "created": 0,
            "replaced": 1,
            "deleted": 0,
            "moved": 0,
            "unchanged": 692,
            "failed": 0,
        }
        assert (counted()["GET packs"], restored["proven"]) == (1, True)
        fill(env.stores.table, [Entry(each.key, each.key.encode()) for each in items[:6]])
        hundredth = any_tool.ok("restore", "all", "--json", **target).json()["changes"]["table"]
        assert (hundredth["replaced"], hundredth["unchanged"]) == (6, 687)
        assert 1 <= counted()["GET packs"] <= 6


def test_what_changes_meanwhile_is_counted_and_said(any_tool: Tool) -> None:
    reset(any_tool, "fresh")
    with application(any_tool) as live, watched(any_tool) as (proxy, _):
        done = threading.Event()

        def interfere(_: int, seen: Seen) -> None:
            """Between the first scan and the second: the packs that are there are being listed."""
            if "packs" in seen.path and "list-type" in seen.path and not done.is_set():
                done.set()
                edit(live, "meanwhile")
                live.s3.put_object(Bucket=live.bucket, Key="new.png", Body=b"x")

        proxy.on_request = interfere
        taken = any_tool.ok("backup", "a", "--json", **through(any_tool, proxy)).json()
        assert taken["drift"] == {"table": 1, "index": 0, "images": 1}
        done.clear()
        edit(live, "before")
        live.s3.delete_object(Bucket=live.bucket, Key="new.png")
        said = any_tool.ok("backup", "b", **through(any_tool, proxy)).stdout
        assert "Drift: 2 entries changed while it was taken; it holds each as read." in said
        assert any_tool.ok("backups", "show", "b", "--json").json()["drift"] == 2
        any_tool.ok("restore", "b")
        artist = {item["PK"]: item for item in live.items()}["ARTIST#artist-001"]
        assert artist["bio"] == "before"
        assert "new.png" not in live.objects()


def test_a_backup_beside_a_command_that_writes_says_so(any_tool: Tool) -> None:
    reset(any_tool, "minimal")
    with held_at(any_tool, "BatchWriteItem", "reset", "fresh", service=Service.DYNAMODB) as (process, goes_on):
        taken = any_tool.ok("backup", "half")
        assert re.search(r"note: `reset fresh` \(pid \d+ on .+\) writes to this target", taken.stderr)
        assert any_tool.run("restore", "half").code == 11
        goes_on.set()
        process.wait(60)
    assert any_tool.ok("backup", "whole").stderr == ""
    assert any_tool.ok("backups", "verify", "--json").json()["damaged"] == 0


def test_backups_at_once_in_processes_of_their_own(any_tool: Tool) -> None:
    reset(any_tool, "fresh")
    names: tuple[tuple[str, ...], ...] = (("same",), ("same",), (), ())
    processes = [any_tool.start("backup", *name, "--json") for name in names]
    ended = [(process.communicate(), process.returncode) for process in processes]
    assert [code for _, code in ended] == [0, 0, 0, 0], [said for (_, said), _ in ended]
    verified = any_tool.ok("backups", "verify", "--json").json()
    assert (len(verified["snapshots"]), verified["damaged"]) == (4, 0)
    any_tool.ok("clear")
    assert any_tool.ok("restore", "same", "--json").json()["proven"] is True
    assert any_tool.ok("status", "--json").json()["state"] == "fresh"


def test_a_backup_and_a_prune_at_once(any_tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remove, "_YOUNG", timedelta(seconds=-5))
    reset(any_tool, "fresh")
    with application(any_tool) as live, opened(any_tool) as first, opened(any_tool) as second:
        for number in range(6):
            edit(live, f"round {number}")
            with ThreadPoolExecutor(2) as threads:
                backup = threads.submit(take, first, TakeOptions(name="a"))
                pruned = threads.submit(prune, second, PruneOptions(keep=1, wait=60))
                backup.result()
                pruned.result()
            assert [each.damage for each in verify(first, ()) if each.damage] == []
    assert len(any_tool.ok("backups", "list", "--json").json()["snapshots"]) in (1, 2)


def test_a_bucket_of_many_manifests_is_listed_found_and_pruned(any_tool: Tool) -> None:
    reset(any_tool, "minimal")
    count, archives = 1_200, 1_050
    taken = any_tool.ok("backup", "real", "--json").json()
    with opened(any_tool) as env, ThreadPoolExecutor(8) as pool:

        def write(number: int) -> None:
            moment = MANIFEST.created_at + timedelta(hours=number)
            env.manifests.write(replace(MANIFEST, name=f"n{number % 3}", created_at=moment, stores={}))

        list(pool.map(write, range(count)))
        put = _putter(any_tool)
        list(pool.map(lambda number: put(f"node-{number:04}.tar.gz", b"x"), range(archives)))
        assert len(env.manifests.listed()) == count + 1
    listed = any_tool.ok("backups", "list", "--limit", "0", "--json").json()["snapshots"]
    assert Counter(each["kind"] for each in listed) == {"snapshot": count, "backup": 1, "node": archives}
    assert len({each["reference"] for each in listed}) == count + 1 + archives
    moments = [each["createdAt"] for each in listed]
    assert moments == sorted(moments, reverse=True)
    assert any_tool.ok("backups", "list", "--json").json()["more"] == count + 1 + archives - 50
    any_tool.ok("clear")
    assert any_tool.ok("restore", "real", "--json").json()["source"] == taken["reference"]
    oldest = [each["reference"] for each in listed if each["name"] == "n0"][-1]
    assert any_tool.ok("backups", "show", oldest, "--json").json()["reference"] == oldest
    pruned = any_tool.ok("backups", "prune", "--keep", "5", "--yes", "--json").json()
    assert (len(pruned["snapshots"]), len(pruned["kept"])) == (count - 15, 16)
    left = any_tool.ok("backups", "list", "--limit", "0", "--json", "--kind", "snapshot", "--kind", "backup").json()
    assert {each["reference"] for each in left["snapshots"]} == set(pruned["kept"])
    assert any_tool.ok("restore", "real", "--json").json()["proven"] is True


def _putter(tool: Tool) -> Callable[[str, bytes], object]:
    s3 = _s3(tool)
    return lambda key, body: s3.put_object(Bucket=tool.environment["BACKUP_BUCKET"], Key=key, Body=body)


def _s3(tool: Tool) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=tool.environment["AWS_ENDPOINT_URL_S3"],
        region_name="eu-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_an_archive_of_the_node_tool_is_restored(any_tool: Tool) -> None:
    reset(any_tool, "fresh")
    odd = {"buffer": buffer(b"\x00\xff"), "deep": {"list": [buffer(b"\x01"), None, True, 4.5]}, "styles": ["a", "b"]}
    artists = [node_item(number, **odd) for number in range(30)]
    documents = [node_document(number, PK="x", syncHash="y", lastSynced="z") for number in range(30)]
    export = node_export(any_tool.cwd / "node", artists, documents, studios=[{"PK": "STUDIO#s", "SK": "PROFILE"}])
    _putter(any_tool)("daily-backup-20240115.tar.gz", tar_gz(export))
    before = fingerprint(any_tool)
    assert any_tool.ok("backups", "list", "--json").json()["snapshots"][0]["kind"] == "node"
    restored = any_tool.ok("restore", "daily-backup-20240115", "--json")
    assert re.search(r"note: .*may have been sets", restored.stderr)
    with application(any_tool) as live:
        items = raw_items(live)
        keys = {(f"ARTIST#artist-{each:03}", "METADATA") for each in range(30)}
        assert set(items) == {*keys, ("STUDIO#s", "PROFILE")}
        assert items["ARTIST#artist-007", "METADATA"]["buffer"] == {"B": b"\x00\xff"}
        assert items["ARTIST#artist-007", "METADATA"]["deep"]["M"]["list"]["L"][0] == {"B": b"\x01"}
        assert live.documents()["artist-007"] == {"artistId": "artist-007", "artistName": "Zoë", "rating": 4.5}
        assert len(live.objects()) == 57, "it holds no images, so they stay"
    any_tool.ok("undo")
    assert fingerprint(any_tool) == before
    assert any_tool.ok("reset", "backup-restore", "--json").json()["source"] == "daily-backup-20240115"


def test_what_is_gone_altogether_is_made_anew(any_tool: Tool) -> None:
    reset(any_tool, "fresh")
    taken = any_tool.ok("backup", "all", "--json").json()
    with application(any_tool) as live:
        live.dynamodb.delete_table(TableName=live.table)
        for name in live.opensearch.indices.get(index=live.index):
            live.opensearch.indices.delete(index=name)
        for key in live.objects():
            live.s3.delete_object(Bucket=live.bucket, Key=key)
        live.s3.delete_bucket(Bucket=live.bucket)
    restored = any_tool.ok("restore", "all", "--json").json()
    assert (restored["proven"], restored["fingerprint"]) == (True, taken["fingerprint"])
    status = any_tool.ok("status", "--json").json()
    assert (status["state"], status["consistent"]) == ("fresh", True)
    assert all(store["healthy"] for store in status["stores"].values())


def test_an_index_of_another_mapping_is_built_anew_with_all_that_it_held(any_tool: Tool) -> None:
    """Its documents are those of the snapshot, so that none of them is read from there."""
    reset(any_tool, "fresh")
    any_tool.ok("backup", "all")
    with application(any_tool) as live:
        documents = live.documents()
        for name in live.opensearch.indices.get(index=live.index):
            live.opensearch.indices.delete(index=name)
        live.opensearch.indices.create(
            index=live.index, body={"mappings": {"dynamic": False, "properties": {"artistId": {"type": "text"}}}}
        )
        for key, source in documents.items():
            live.opensearch.index(index=live.index, id=key, body=source)
        live.opensearch.indices.refresh(index=live.index)
        assert not any_tool.ok("status", "--json").json()["stores"]["index"]["healthy"]
        with watched(any_tool) as (proxy, counted):
            restored = any_tool.ok("restore", "all", "--json", **through(any_tool, proxy)).json()
            assert (counted()["GET packs"], restored["proven"]) == (0, True)
        assert live.documents() == documents
        assert live.search({"query": {"term": {"artistId": "artist-001"}}}) == ["artist-001"]
    assert any_tool.ok("status", "--json").json()["stores"]["index"]["healthy"]


def test_an_object_of_several_parts_comes_back(any_tool: Tool) -> None:
    """Its ETag is no MD5, so that its body is read."""
    reset(any_tool, "clean")
    with application(any_tool) as live:
        key, body = "large.bin", bytes(range(256)) * (6 << 12)
        upload = live.s3.create_multipart_upload(Bucket=live.bucket, Key=key, ContentType="image/tiff")["UploadId"]
        parts = []
        for number, part in enumerate((body[: 5 << 20], body[5 << 20 :]), 1):
            where = {"Bucket": live.bucket, "Key": key, "UploadId": upload, "PartNumber": number}
            parts.append({"PartNumber": number, "ETag": live.s3.upload_part(**where, Body=part)["ETag"]})
        live.s3.complete_multipart_upload(
            Bucket=live.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        taken = any_tool.ok("snapshot", "a", "--json").json()
        any_tool.ok("clear", "s3")
        restored = any_tool.ok("restore", "a", "--json").json()
        assert (restored["proven"], restored["fingerprint"]) == (True, taken["fingerprint"])
        assert pictures(live) == {key: (body, "image/tiff")}
    assert any_tool.ok("restore", "a", "--json").json()["run"] is None


def test_two_targets_share_a_bucket_and_each_has_its_own(any_tool: Tool) -> None:
    other = {"DYNAMODB_TABLE_NAME": any_tool.environment["DYNAMODB_TABLE_NAME"] + "-2"}
    reset(any_tool, "minimal")
    any_tool.ok("backup", "daily")
    any_tool.ok("reset", "clean", **other)
    assert any_tool.run("reset", "backup-restore", **other).code == 10
    theirs = any_tool.ok("backup", "daily", "--json", **other).json()
    reset(any_tool, "minimal")
    assert any_tool.ok("restore", "daily", "--json").json()["run"] is None, "ours is the older one"
    assert any_tool.ok("restore", theirs["reference"], "--json").json()["changes"]["table"]["deleted"] == 11
