"""Take: all of a state, once each, and a manifest only when the rest is there."""

from __future__ import annotations

import itertools
import socket
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tattoo_data.backups import take as module
from tattoo_data.engine.scan import read_all
from tattoo_data.errors import BadSetting, IntegrityFailed, Locked, LockLost, StoreError, StoreMissing, StructureRefused
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.repository.locks import Lock
from tattoo_data.repository.manifests import Kind
from tattoo_data.stores.base import Description, Target
from tattoo_data.stores.memory import MemoryStore
from tests.backups.stand import Stand, State, item, numbered, stand, states
from tests.engine.sharded import Sharded, shared
from tests.repository.test_manifests import BAD_NAMES
from tests.runs import Killed

TABLE, INDEX, IMAGES = StoreName
PNG = Blob(b"picture", "image/png")


def puts(here: Stand) -> dict[str, int]:
    """What was stored since the last time that this was asked, by folder; locks aside."""
    found = {key.removeprefix("put "): count for key, count in here.vault.asked.items() if key.startswith("put ")}
    here.vault.asked.clear()
    return {folder: count for folder, count in found.items() if folder != "locks"}


def fingerprint(here: Stand) -> str:
    live = read_all(here.env.stores, here.env.pool, keep=False)
    return state_fingerprint({store: each.total.hex() for store, each in live.items()})


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states)
def test_any_state_is_kept_whole(tmp_path: Path, pool: Executor, state: State) -> None:
    here = stand(tmp_path, pool)
    here.hold(state)
    taken = here.take("all")
    assert taken.manifest.fingerprint == fingerprint(here)
    assert {store: about.count for store, about in taken.manifest.stores.items()} == {
        TABLE: len(state.items),
        INDEX: len(state.documents),
        IMAGES: len(state.images),
    }
    assert taken.manifest.objects == sum(len(blob.body) for blob in state.images.values())
    assert taken.manifest.drifted == 0
    assert here.damage() == {}
    assert taken.stored_bytes == sum(
        len(here.vault.held[key][0].body) for folder in ("packs/", "objects/") for key in here.vault.under(folder)
    )
    assert taken.packs == len(here.vault.under("packs/"))


def test_what_a_manifest_says(here: Stand) -> None:
    here.hold(numbered(12))
    here.env.stores.table.put([item("AUDIT#1", "2026", {})])
    manifest = here.snapshot("suite").manifest
    assert (manifest.name, manifest.kind, manifest.target) == ("suite", Kind.SNAPSHOT, here.env.target.id)
    assert manifest.created_at == here.env.clock.now()
    assert manifest.by.endswith(f"@{socket.gethostname()}")
    assert manifest.source == here.env.target.document()
    assert manifest.stores[TABLE].records == {"artists": 12, "other": 1}
    assert manifest.stores[INDEX].records == {"artists": 12}
    assert manifest.stores[IMAGES].records == {"images": 2}
    assert here.env.manifests.read(here.env.manifests.listed()[0]) == manifest


def test_empty_stores_are_a_state_too(here: Stand) -> None:
    here.hold(State())
    taken = here.take("nothing")
    assert [about.count for about in taken.manifest.stores.values()] == [0, 0, 0]
    assert (taken.packs, taken.stored_bytes, here.vault.under("packs/")) == (0, 0, [])
    here.hold(numbered(3))
    assert here.restore("nothing").proven
    assert all(not held for held in here.held().values())


def test_where_there_is_no_image_bucket_there_are_no_images(tmp_path: Path, pool: Executor) -> None:
    here = stand(tmp_path, pool)
    here.env.stores.table.ensure()
    here.env.stores.index.ensure()
    assert here.take("bare").manifest.stores[IMAGES].count == 0


@pytest.mark.parametrize(("missing", "exists"), [("table", INDEX), ("index", TABLE)])
def test_a_missing_table_or_index_is_no_state(here: Stand, missing: str, exists: StoreName) -> None:
    here.env.stores[exists].ensure()
    with pytest.raises(StoreMissing, match=f"the {missing} {missing} does not exist") as failed:
        here.take("x")
    assert failed.value.exit_code == 10
    assert here.vault.held == {}


class Refused(MemoryStore):
    """A table of somebody else's."""

    def _description(self, count: int) -> Description:
        return replace(super()._description(count), refused=("the key is id (S, hash)",))


def test_a_table_that_is_not_ours_is_not_kept_as_an_empty_one(tmp_path: Path, pool: Executor) -> None:
    here = stand(tmp_path, pool, table_store=Refused(TABLE))
    here.hold(numbered(5))
    with pytest.raises(StructureRefused, match="id \\(S, hash\\)") as failed:
        here.take("x")
    assert failed.value.exit_code == 15
    assert here.vault.under("snapshots/") == []


def test_the_backup_bucket_is_made_where_it_is_missing(here: Stand) -> None:
    here.vault.there = False
    here.hold(numbered(3))
    here.take("x")
    assert here.damage() == {}


# Names.


@pytest.mark.parametrize("name", [*BAD_NAMES, "latest"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(here: Stand, name: str) -> None:
    with pytest.raises(BadSetting):
        here.take(name)
    assert (here.vault.held, here.vault.asked) == ({}, {})


def test_without_a_name_it_is_called_by_the_time(here: Stand) -> None:
    here.hold(numbered(1))
    assert here.take().manifest.name == "backup-2026-11-22T10-30-01-000Z"
    assert here.take("backup-20240115T103000000Z").manifest.name == "backup-2024-01-15T10-30-00-000Z"


def test_the_same_name_again_is_another_version(here: Stand) -> None:
    references = []
    for number in range(3):
        here.hold(numbered(number))
        references.append(here.take("daily").reference)
    assert len(set(references)) == 3
    assert here.restore("daily").source.reference == references[2]
    assert here.restore(references[0]).proven
    assert here.held()[TABLE] == {}


# What is stored.


def test_what_is_there_is_not_stored_again(here: Stand) -> None:
    here.hold(numbered(300))
    assert here.take("a").packs == 3
    puts(here)
    again = here.take("a")
    assert (again.packs, again.stored_bytes) == (0, 0)
    assert puts(here) == {"snapshots": 1}


def test_of_a_changed_state_only_what_changed_is_stored(here: Stand) -> None:
    big = numbered(600, text="x" * 8_000)
    here.hold(big)
    first = here.take("a")
    assert len(first.manifest.stores[TABLE].packs) > 4
    puts(here)
    here.env.stores.table.put([item("ARTIST#00007", "METADATA", {"artistName": {"S": "y" * 8_000 + " 7"}})])
    again = here.take("a")
    assert puts(here) == {"snapshots": 1, "packs": 1}
    before, after = ({pack.name for pack in each.manifest.stores[TABLE].packs} for each in (first, again))
    assert len(before - after) == len(after - before) == 1
    assert here.damage() == {}


def test_a_pack_of_another_size_is_stored_again(here: Stand) -> None:
    here.hold(numbered(30))
    here.take("a")
    packs = here.vault.under("packs/")
    here.vault.place(packs[0], here.vault.held[packs[0]][0].body[:-1])
    del here.vault.held[packs[1]]
    puts(here)
    here.take("a")
    assert puts(here) == {"snapshots": 1, "packs": 2}
    assert here.damage() == {}, "the older one is whole again, too"


@pytest.mark.parametrize("folder", ["packs/", "objects/"])
def test_what_is_taken_away_before_the_manifest_is_stored_again(here: Stand, folder: str) -> None:
    here.hold(numbered(30))
    here.take("a")

    def prune_meanwhile(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("locks/"):
            here.vault.before = lambda operation, key: None
            for each in here.vault.under(folder):
                del here.vault.held[each]

    here.vault.before = prune_meanwhile
    here.take("b")
    assert here.vault.under(folder)
    assert here.damage() == {}


@pytest.mark.parametrize("number", range(1, 9))
def test_a_backup_that_is_killed_is_none_and_the_next_uses_what_it_left(here: Stand, number: int) -> None:
    here.hold(numbered(20))
    left = number

    def die(operation: str, key: str) -> None:
        nonlocal left
        if operation == "put":
            left -= 1
            if not left:
                raise Killed

    here.vault.before = die
    with pytest.raises(Killed):
        here.take("a")
    here.vault.before = lambda operation, key: None
    assert here.vault.under("snapshots/") == []
    there = {key for key in here.vault.under() if not key.startswith("locks/")}
    puts(here)
    here.time.passes(61)
    here.take("a")
    assert sum(puts(here).values()) == 6 - len(there)
    assert here.damage() == {}


# What is written meanwhile.


def changes(here: Stand) -> None:
    """What somebody else does between the first scan and the second."""
    here.env.stores.table.put(
        [
            item("ARTIST#00001", "METADATA", {"artistName": {"S": "changed"}}),
            item("AUDIT#1", "2026", {}),
            item("ARTIST#00002", "METADATA", {"artistName": {"S": "Ada 2"}}),
        ]
    )
    here.env.stores.index.delete([Target("00003")])
    here.gallery.hang("pictures/0.png", Blob(b"another", "image/png"))
    here.gallery.hang("new.png", PNG)


def test_what_changes_while_it_is_taken_is_counted_as_drift(here: Stand) -> None:
    here.hold(numbered(20))
    before = here.held()
    done = False

    def once(operation: str, key: str) -> None:
        nonlocal done
        if key == "packs/" and not done:
            done = True
            changes(here)

    here.vault.before = once
    taken = here.take("a")
    assert taken.manifest.drift == {"table": 2, "index": 1, "images": 2}
    assert taken.manifest.drifted == 5
    here.restore("a")
    assert here.held() == before


def test_an_image_that_is_changed_while_it_is_read_is_kept_as_it_is_then(here: Stand) -> None:
    here.hold(numbered(50))

    def repaint(key: str) -> None:
        here.gallery.before_read = lambda key: None
        here.gallery.hang("pictures/20.png", Blob(b"repainted", "image/webp"))
        here.gallery.take_down("pictures/30.png")

    here.gallery.before_read = repaint
    taken = here.take("a")
    assert here.damage() == {}
    assert taken.manifest.stores[IMAGES].count == 4
    assert taken.manifest.stores[IMAGES].records == {"images": 4}
    assert taken.manifest.drift["images"] == 2
    here.hold(State())
    here.restore("a")
    assert set(here.held()[IMAGES]) == {f"pictures/{number}.png" for number in (0, 10, 20, 40)}
    assert here.held()[IMAGES]["pictures/20.png"] == Blob(b"repainted", "image/webp")


def test_an_image_that_never_stands_still_is_named(here: Stand) -> None:
    here.hold(State(images={"pictures/1.png": PNG}))
    strokes = itertools.count()

    def repaint(key: str) -> None:
        here.gallery.hang(key, Blob(b"stroke %d" % next(strokes), "image/png"))

    here.gallery.before_read = repaint
    with pytest.raises(StoreError, match=r"pictures/1\.png was written 8 times"):
        here.take("a")
    assert here.vault.under("snapshots/") == []


class AtOnce(Executor):
    """Does what it is given before anything else."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **named))
        return done


def test_packs_are_counted_one_after_the_other(here: Stand) -> None:
    here.hold(numbered(50, text="x" * 100_000))
    told: list[int] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == "stored":
            told.append(done)

    here.env = replace(here.env, pool=AtOnce(), progress=progress)
    taken = here.take("a")
    assert taken.packs == len(here.vault.under("packs/")) == len(told) > 4
    assert told == list(range(1, taken.packs + 1))


def test_a_service_that_does_not_give_an_image_is_no_reason_to_leave_it_out(here: Stand) -> None:
    here.hold(numbered(20))

    def refuse(key: str) -> None:
        raise StoreError(service="s3", endpoint="memory", operation="get_object", reason="out of order")

    here.gallery.before_read = refuse
    with pytest.raises(StoreError, match="out of order"):
        here.take("a")
    assert here.vault.under("snapshots/") == []


def test_whoever_writes_is_told_of(here: Stand) -> None:
    here.hold(numbered(3))
    with Lock(here.env.repository, here.env.target.id, here.env.clock, "reset fresh"):
        here.take("a")
    (said,) = here.said
    assert said.startswith("note: `reset fresh` (pid ")
    assert said.endswith("writes to this target: the snapshot may hold half of it.")


def test_whoever_wrote_until_he_died_is_not(here: Stand) -> None:
    here.hold(numbered(3))
    lock = Lock(here.env.repository, here.env.target.id, here.env.clock, "reset fresh")
    lock.take()
    here.time.passes(61)
    here.take("a")
    lock.release()
    assert here.said == []


# Beside a prune.


def test_a_backup_waits_a_minute_for_a_prune_and_then_says_so(here: Stand) -> None:
    here.hold(numbered(3))
    with Lock(here.env.repository, module.PRUNE, here.env.clock, "backups prune") as lock:
        here.env = replace(here.env, clock=replace(here.env.clock, sleep=lambda seconds: _renewed(here, lock, seconds)))
        start = here.time.seconds
        with pytest.raises(Locked, match="backups prune"):
            here.take("a")
        assert 60 <= here.time.seconds - start < 70
        with pytest.raises(Locked):
            here.take("a", wait=300)
        assert here.time.seconds - start > 360
    assert here.vault.under("snapshots/") == []
    here.take("a")


def _renewed(here: Stand, lock: Lock, seconds: float) -> None:
    here.time.passes(seconds)
    lock.renew()


def test_a_backup_whose_turn_is_taken_by_another_commits_nothing(here: Stand) -> None:
    here.hold(numbered(3))
    stages: list[str] = []

    def lose(operation: str, key: str) -> None:
        stages.append(f"{operation} {key.partition('/')[0]}")
        if stages[-1] == "list packs" and "put locks" in stages:
            here.time.passes(100)

    here.vault.before = lose
    with pytest.raises(LockLost):
        here.take("a")
    assert here.vault.under("snapshots/") == []


# Images.


def test_an_image_is_read_once_and_not_again_until_it_is_written(here: Stand) -> None:
    here.hold(numbered(50))
    here.time.passes(10)
    here.take("a")
    assert here.gallery.reads == {f"pictures/{number}.png": 1 for number in range(0, 50, 10)}
    here.time.passes(10)
    here.take("a")
    here.gallery.hang("pictures/0.png", Blob(b"Ada 0", "image/webp"))
    here.time.passes(10)
    assert sum(here.gallery.reads.values()) == 5
    here.take("a")
    assert here.gallery.reads["pictures/0.png"] == 2
    assert sum(here.gallery.reads.values()) == 6
    here.hold(State())
    here.restore("a")
    assert here.gallery.blobs["pictures/0.png"].content_type == "image/webp"


def test_the_same_picture_under_many_keys_is_stored_once(here: Stand) -> None:
    here.hold(State(images={f"{number}.png": PNG for number in range(40)}))
    taken = here.take("a")
    assert len(here.vault.under("objects/")) == 1
    assert taken.manifest.objects == 40 * len(PNG.body)


def test_a_body_that_is_gone_or_cut_is_stored_again(here: Stand) -> None:
    here.hold(numbered(50))
    here.take("a")
    first, second, *_ = here.vault.under("objects/")
    del here.vault.held[first]
    here.vault.place(second, b"")
    here.time.passes(10)
    here.take("a")
    assert here.damage() == {}


def test_a_damaged_newest_snapshot_knows_no_image(here: Stand) -> None:
    here.hold(numbered(50))
    here.take("a")
    here.vault.place(here.env.manifests.listed()[0].key, b"{}")
    here.time.passes(10)
    assert here.take("b").manifest.stores[IMAGES].count == 5
    assert len(here.damage()) == 1


def test_an_image_that_is_written_while_a_backup_waits_is_read_by_the_next(here: Stand) -> None:
    """Its bytes are the same, and its type is another: only when it was written tells."""
    here.hold(numbered(10))
    lock = Lock(here.env.repository, module.PRUNE, here.env.clock, "backups prune")
    lock.take()
    waited = 0.0

    def sleep(seconds: float) -> None:
        nonlocal waited
        _renewed(here, lock, seconds)
        waited += seconds
        if waited > 40:
            here.gallery.hang("pictures/0.png", Blob(b"Ada 0", "image/webp"))
            lock.release()

    here.env = replace(here.env, clock=replace(here.env.clock, sleep=sleep))
    here.take("a")
    here.time.passes(100)
    here.take("b")
    here.hold(State())
    here.restore("b")
    assert here.gallery.blobs["pictures/0.png"].content_type == "image/webp"


def test_documents_that_share_an_id_are_refused_and_nothing_is_kept(tmp_path: Path, pool: Executor) -> None:
    here = stand(tmp_path, pool)
    index = Sharded(*shared("A", "B"))
    here.env = replace(here.env, stores=replace(here.env.stores, index=index))
    here.env.stores.table.ensure()
    with pytest.raises(IntegrityFailed, match="several documents of one `_id`, under several routings: same"):
        here.snapshot("all")
    assert here.vault.under() == []
