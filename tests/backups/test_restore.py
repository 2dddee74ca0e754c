"""Restore: the stores hold what they held, whatever they hold now; and only what differs is read and written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tattoo_data.backups.remove import delete
from tattoo_data.backups.restore import Restored, restore_backup
from tattoo_data.backups.verify import verify
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import (
    IntegrityFailed,
    Locked,
    NoBackup,
    NotFound,
    NothingToUndo,
    StructureRefused,
    UnknownName,
    UsageError,
)
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.model.pattern import matching
from tattoo_data.repository.locks import Lock
from tattoo_data.runs.session import Command, WriteOptions, read_timeline
from tattoo_data.runs.undo import UndoOptions, redo, undo
from tattoo_data.stores.base import Description, Target
from tests.backups.stand import Stand, State, item, numbered, stand, states
from tests.backups.vault import BEGUN
from tests.formats.builders import node_document, node_export, node_item, tar_gz

TABLE, INDEX, IMAGES = StoreName
#: A pack of a table of `big()` holds some of these.
BIG = 600


def big(text: str = "x") -> State:
    """A state of several packs."""
    return numbered(BIG, text=text * 8_000)


def gets(here: Stand) -> dict[str, int]:
    """What of a snapshot was read since the last time that this was asked, by folder."""
    found = {folder: here.vault.asked[f"get {folder}"] for folder in ("packs", "objects")}
    here.vault.asked.clear()
    return {folder: count for folder, count in found.items() if count}


def writes(restored: Restored) -> dict[StoreName, tuple[int, int, int]]:
    """Created, replaced and deleted, of the stores where anything was."""
    found = {
        store: (counts.created, counts.replaced, counts.deleted) for store, counts in restored.change.counts.items()
    }
    return {store: counts for store, counts in found.items() if any(counts)}


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states, states)
def test_any_state_comes_back_from_any_other_and_goes_again(
    tmp_path: Path, pool: Executor, state: State, other: State
) -> None:
    here = stand(tmp_path, pool)
    here.hold(state)
    kept = here.held()
    here.snapshot("all")
    here.hold(other)
    before = here.held()
    restored = here.restore("all")
    assert here.held() == kept
    assert restored.proven
    assert restored.change.failures == ()
    again = here.restore("all")
    assert (again.change.run, writes(again), again.proven) == (None, {}, True)
    if restored.change.run:
        assert undo(here.env, UndoOptions()).change.failures == ()
        assert here.held() == before
        redo(here.env, UndoOptions())
        assert here.held() == kept


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states)
def test_a_snapshot_of_what_was_restored_is_the_same_snapshot(tmp_path: Path, pool: Executor, state: State) -> None:
    here = stand(tmp_path, pool)
    here.hold(state)
    first = here.snapshot("all")
    here.hold(State())
    here.restore("all")
    again = here.snapshot("again")
    assert again.manifest.stores == first.manifest.stores
    assert (again.manifest.fingerprint, again.packs) == (first.manifest.fingerprint, 0)


def test_a_document_that_was_written_with_another_routing_gets_its_own_back(here: Stand) -> None:
    here.hold(State(documents={"a": (b'{"artistId":"a"}', "x"), "b": (b'{"artistId":"b"}', None)}))
    kept = here.held()
    here.snapshot("all")
    here.hold(State(documents={"a": (b'{"artistId":"c"}', "y"), "b": (b'{"artistId":"c"}', "x")}))
    here.restore("all")
    assert here.held() == kept


# What is read and sent.


def test_where_all_is_there_nothing_is_read_or_written(here: Stand) -> None:
    here.hold(big())
    here.snapshot("all")
    gets(here)
    restored = here.restore("all")
    assert (restored.change.run, restored.proven, gets(here)) == (None, True, {})
    assert here.vault.under("runs/") == []


def test_only_the_packs_that_live_does_not_match_are_read(here: Stand) -> None:
    here.hold(big())
    packs = here.snapshot("all").manifest.stores[TABLE].packs
    assert len(packs) > 4
    here.env.stores.table.put([item("ARTIST#00007", "METADATA", {"artistName": {"S": "changed"}})])
    gets(here)
    restored = here.restore("all")
    assert gets(here) == {"packs": 1}
    assert writes(restored) == {TABLE: (0, 1, 0)}


def test_an_entry_that_is_too_many_costs_its_pack(here: Stand) -> None:
    here.hold(big())
    here.snapshot("all")
    here.env.stores.table.put([item("AUDIT#1", "2026", {})])
    gets(here)
    assert writes(here.restore("all")) == {TABLE: (0, 0, 1)}
    assert gets(here) == {"packs": 1}


def test_of_a_hundredth_that_changed_a_hundredth_is_written(here: Stand) -> None:
    here.hold(big())
    here.snapshot("all")
    changed = range(0, BIG, 100)
    here.env.stores.table.put([item(f"ARTIST#{each:05}", "METADATA", {"bio": {"S": ""}}) for each in changed])
    restored = here.restore("all")
    assert writes(restored) == {TABLE: (0, 6, 0)}
    assert restored.change.counts[TABLE].unchanged == BIG - 6


def test_a_restore_into_nothing_reads_each_pack_and_body_once(here: Stand) -> None:
    here.hold(big())
    taken = here.snapshot("all")
    here.hold(State())
    gets(here)
    here.restore("all")
    packs = sum(len(about.packs) for about in taken.manifest.stores.values())
    assert gets(here) == {"packs": packs, "objects": BIG // 10}


# Parts.


def test_only_some_stores(here: Stand) -> None:
    here.hold(numbered(20))
    kept = here.held()
    here.snapshot("all")
    here.hold(numbered(4, first=700))
    other = here.held()
    gets(here)
    restored = here.restore("all", only=[INDEX])
    assert restored.proven
    assert gets(here) == {"packs": 1}
    assert here.held() == {**other, INDEX: kept[INDEX]}
    here.restore("all", only=[TABLE, IMAGES])
    assert here.held() == kept


def test_only_some_keys_and_what_else_differs_stays(here: Stand) -> None:
    here.hold(numbered(300))
    kept = here.held()
    here.snapshot("all")
    here.hold(numbered(300, first=95, text="Mae"))
    here.env.stores.table.put([item("ARTIST#00099", "AUDIT", {}), item("ARTIST#0009x", "METADATA", {})])
    here.env.stores.index.put([Entry("ARTIST#00098", b"{}"), Entry("AUDIT#1", b"{}")])
    other = here.held()
    restored = here.restore("all", keys="ARTIST#0009*")
    assert restored.proven is None
    now = here.held()
    inside: dict[StoreName, Callable[[str], bool]] = {
        TABLE: lambda key: "ARTIST#0009" in key,
        INDEX: lambda key: key.startswith(("0009", "ARTIST#0009")),
    }
    for store, within in inside.items():
        assert {key: each for key, each in now[store].items() if within(key)} == {
            key: each for key, each in kept[store].items() if within(key)
        }
        assert {key: each for key, each in now[store].items() if not within(key)} == {
            key: each for key, each in other[store].items() if not within(key)
        }
    assert now[IMAGES] == other[IMAGES]
    assert "ARTIST#00098" not in now[INDEX], "a live document that is too many and within goes"
    undo(here.env, UndoOptions())
    assert here.held() == other


def test_images_go_by_their_keys(here: Stand) -> None:
    here.hold(numbered(40))
    kept = here.held()
    here.snapshot("all")
    here.hold(State(images={"pictures/9.png": Blob(b"?", "image/png"), "else": Blob(b"?", "image/png")}))
    here.restore("all", keys="pictures/[12]*")
    assert here.held()[IMAGES] == {
        "else": Blob(b"?", "image/png"),
        "pictures/9.png": Blob(b"?", "image/png"),
        "pictures/10.png": kept[IMAGES]["pictures/10.png"],
        "pictures/20.png": kept[IMAGES]["pictures/20.png"],
    }
    assert here.held()[TABLE] == {}


@pytest.mark.parametrize(
    ("pattern", "store", "key", "matches"),
    [
        ("ARTIST#00*", TABLE, item_key("ARTIST#001", "METADATA"), True),
        ("ARTIST#00*", TABLE, item_key("ARTIST#001", "AUDIT#2"), True),
        ("ARTIST#00*", TABLE, item_key("artist#001", "METADATA"), False),
        ("METADATA", TABLE, item_key("ARTIST#001", "METADATA"), False),
        ("ARTIST#?", TABLE, item_key("ARTIST#1", "x"), True),
        ("ARTIST#?", TABLE, item_key("ARTIST#12", "x"), False),
        ("ARTIST#[ab]", TABLE, item_key("ARTIST#b", "x"), True),
        ('*"*', TABLE, item_key('A"B', "x"), True),
        ("ARTIST#00*", INDEX, "001", True),
        ("001", INDEX, "001", True),
        ("STUDIO#*", INDEX, "001", False),
        ("*é*", INDEX, "caf\u00e9/1", True),
        ("pictures/*", IMAGES, "pictures/a/b.png", True),
        ("ARTIST#*", IMAGES, "pictures/a.png", False),
    ],
)
def test_what_a_pattern_names(pattern: str, store: StoreName, key: str, matches: bool) -> None:
    assert matching(pattern)(store, key) is matches


@given(st.text(), st.text())
def test_a_star_names_everything(pk: str, sk: str) -> None:
    assert matching("*")(TABLE, item_key(pk, sk))
    assert matching("*")(INDEX, pk)


# Undo, redo, again.


def test_the_run_of_a_restore_can_be_typed_again(here: Stand) -> None:
    here.hold(numbered(20))
    here.snapshot("all")
    here.hold(State())
    here.restore("all", only=[TABLE, IMAGES], keys="ARTIST#0000*")
    assert read_timeline(here.env).runs[0].words == "restore all --only dynamodb --only s3 --keys 'ARTIST#0000*'"


def test_an_undo_needs_the_snapshot_no_more(here: Stand) -> None:
    here.hold(numbered(20))
    here.snapshot("all")
    here.hold(numbered(7, first=700))
    before = here.held()
    here.restore("all")
    delete(here.env, "all")
    undo(here.env, UndoOptions())
    assert here.held() == before
    with pytest.raises(NothingToUndo):
        undo(here.env, UndoOptions())


@pytest.mark.parametrize("verified", list(Verify))
def test_proven_is_only_what_was_read(here: Stand, verified: Verify) -> None:
    here.hold(numbered(20))
    here.snapshot("all")
    here.hold(State())
    assert here.restore("all", write={"verify": verified}).proven is (None if verified is Verify.NONE else True)
    assert here.restore("all", write={"verify": verified}).proven is True, "nothing was to be written, and all was read"


def test_a_dry_run_tells_the_plan_and_checks_what_it_needs(here: Stand) -> None:
    here.hold(numbered(20))
    here.snapshot("all")
    here.hold(numbered(7, first=700))
    before = here.held()
    planned = here.restore("all", write={"dry_run": True})
    assert (planned.proven, planned.change.run, here.held()) == (None, None, before)
    assert here.vault.under("runs/") == here.vault.under("locks/") == []
    assert planned.change.counts == here.restore("all").change.counts


def test_without_undo_nothing_is_kept(here: Stand) -> None:
    here.hold(numbered(20))
    kept = here.held()
    here.snapshot("all")
    here.hold(numbered(7, first=700))
    here.restore("all", write={"undo": False})
    assert here.held() == kept
    assert [key for key in here.vault.under("runs/") if not key.endswith("run.json")] == []


# What cannot be restored.


def test_a_name_that_nothing_has_writes_nothing(here: Stand) -> None:
    here.hold(numbered(20))
    before = here.held()
    with pytest.raises(UnknownName):
        here.restore("all")
    assert here.held() == before
    assert here.vault.held == {}


def test_another_command_that_writes_keeps_it_out(here: Stand) -> None:
    here.hold(numbered(20))
    here.snapshot("all")
    with Lock(here.env.repository, here.env.target.id, here.env.clock, "seed minimal"), pytest.raises(Locked):
        here.restore("all")


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
def test_what_is_damaged_is_not_restored_and_named_and_live_stays(here: Stand, damage: str) -> None:
    """Every object of a snapshot in turn."""
    here.hold(numbered(40))
    kept = here.held()
    here.snapshot("all")
    here.hold(numbered(4, first=700))
    before = here.held()
    objects = [key for key in here.vault.under() if key.startswith(("packs/", "objects/", "snapshots/"))]
    assert len(objects) == 3 + 4 + 1
    for key in objects:
        whole = here.vault.held[key][0]
        if damage == "gone":
            del here.vault.held[key]
        else:
            body = whole.body[:-1] if damage == "cut" else whole.body[:-1] + bytes([whole.body[-1] ^ 0x10])
            here.vault.place(key, body)
        if damage == "gone" and key.startswith("snapshots/"):
            with pytest.raises(UnknownName):
                here.restore("all")
            assert here.damage() == {}
        else:
            with pytest.raises(IntegrityFailed, match=key) as failed:
                here.restore("all")
            assert failed.value.exit_code == 12
            ((reference, named),) = here.damage().items()
            assert reference.startswith("all@")
            assert any(key in each for each in named)
        assert here.held() == before
        here.vault.held[key] = whole, BEGUN
    here.restore("all")
    assert here.held() == kept


def test_what_live_holds_already_may_be_damaged(here: Stand) -> None:
    """It is not read: so much can be saved."""
    here.hold(big())
    here.snapshot("all")
    here.env.stores.table.put([item("ARTIST#00007", "METADATA", {"artistName": {"S": "changed"}})])
    seen: list[str] = []
    here.vault.before = lambda operation, key: seen.append(key) if operation == "get" else None
    here.restore("all", write={"dry_run": True})
    here.vault.before = lambda operation, key: None
    (needed,) = [key for key in seen if key.startswith("packs/")]
    for key in here.vault.under("packs/"):
        if key != needed:
            here.vault.place(key, b"")
    assert here.restore("all").proven
    ((_, named),) = here.damage().items()
    assert len(named) > 4


def test_a_body_that_two_snapshots_share_is_told_for_both(here: Stand) -> None:
    here.hold(numbered(10))
    here.snapshot("a")
    here.snapshot("b")
    (body,) = here.vault.under("objects/")
    here.vault.place(body, b"")
    here.vault.asked.clear()
    assert len(here.damage()) == 2
    assert gets(here) == {"packs": 3, "objects": 1}, "each object is read once"


def test_verify_of_some_names_looks_at_these(here: Stand) -> None:
    here.hold(numbered(10))
    here.snapshot("a")
    here.hold(numbered(10, first=50))
    taken = here.snapshot("b")
    for each in taken.manifest.stores[TABLE].packs:
        del here.vault.held[each.key]
    assert [each.damage for each in verify(here.env, ["a"])] == [()]
    (found,) = verify(here.env, ["b"])
    assert found.reference == taken.reference
    assert (found.packs, found.bodies, len(found.damage)) == (3, 1, 1)
    with pytest.raises(UnknownName):
        list(verify(here.env, ["a", "c"]))


def test_stores_that_the_snapshot_does_not_hold_cannot_be_asked_for(here: Stand, tmp_path: Path) -> None:
    archive(here, tmp_path, "node", services=["dynamodb"])
    here.hold(State())
    with pytest.raises(UsageError, match="node holds nothing of images") as failed:
        here.restore("node", only=[IMAGES])
    assert failed.value.exit_code == 2


def test_a_snapshot_of_another_target_can_be_restored_and_is_told_as_one(here: Stand, there: Stand) -> None:
    there.hold(numbered(7))
    taken = there.snapshot("theirs")
    here.hold(State())
    assert here.restore("theirs").proven
    assert here.held() == there.held()
    assert here.said == [f"note: {taken.reference} was taken of another target, whose table is another."]
    here.snapshot("theirs")
    assert here.restore("theirs").source.reference != taken.reference
    assert len(here.said) == 1


# Drift.


def test_what_somebody_writes_between_scan_and_write_is_kept_and_named(here: Stand) -> None:
    here.hold(numbered(20))
    kept = here.held()
    here.snapshot("all")
    here.hold(numbered(20, text="Mae"))

    def meanwhile(operation: str, key: str) -> None:
        if operation == "put" and key.endswith("run.json"):
            here.vault.before = lambda operation, key: None
            here.env.stores.table.put([item("ARTIST#00003", "METADATA", {"artistName": {"S": "meanwhile"}})])

    here.vault.before = meanwhile
    restored = here.restore("all")
    assert here.held() == kept
    assert restored.change.drifted == {TABLE: (item_key("ARTIST#00003", "METADATA"),)}
    assert restored.proven
    undo(here.env, UndoOptions())
    assert b"meanwhile" in here.held()[TABLE][item_key("ARTIST#00003", "METADATA")][0]


# The newest backup.


def reset(here: Stand) -> Restored:
    return restore_backup(here.env, Command(name="reset", arguments=("backup-restore",)), WriteOptions())


def test_reset_takes_the_newest_backup_and_no_snapshot(here: Stand) -> None:
    references: list[str] = []
    for number, take in enumerate([here.take, here.take, here.snapshot]):
        here.hold(numbered(number + 1))
        references.append(take("x").reference)
    here.hold(State())
    restored = reset(here)
    assert restored.source.reference == references[1]
    assert len(here.held()[TABLE]) == 2
    assert read_timeline(here.env).runs[0].words == "reset backup-restore"
    undo(here.env, UndoOptions())
    assert here.held()[TABLE] == {}


def test_without_a_backup_the_newest_snapshot_is_named_and_nothing_is_written(here: Stand) -> None:
    here.hold(numbered(3))
    before = here.held()
    with pytest.raises(NoBackup) as failed:
        reset(here)
    assert (failed.value.exit_code, failed.value.hint) == (10, "`tattoo-data backup` makes one. Nothing was changed.")
    here.snapshot("older")
    here.snapshot("suite")
    with pytest.raises(NoBackup) as failed:
        reset(here)
    assert "tattoo-data restore suite" in failed.value.hint
    assert here.held() == before


def test_another_targets_backup_is_not_taken(here: Stand, there: Stand) -> None:
    there.hold(numbered(3))
    there.take("theirs")
    here.hold(numbered(5))
    with pytest.raises(NoBackup):
        reset(here)
    here.take("ours")
    there.take("theirs")
    here.hold(State())
    assert reset(here).source.reference.startswith("ours@")


def test_a_damaged_newest_backup_is_refused_and_no_older_one_is_taken(here: Stand) -> None:
    here.hold(numbered(3))
    here.take("x")
    here.hold(numbered(5))
    here.take("x")
    here.vault.place(here.env.manifests.listed()[0].key, b"{}")
    with pytest.raises(IntegrityFailed):
        reset(here)
    assert len(here.held()[TABLE]) == 5


# The Node tool's.


def archive(here: Stand, folder: Path, name: str, **manifest: Any) -> None:
    """A backup as the Node tool made it."""
    artists = [node_item(number, buffer={"type": "Buffer", "data": [0, 255]}) for number in range(3)]
    documents = [node_document(number, syncHash="x", lastSynced="y", PK="z") for number in range(3)]
    export = node_export(folder / name, artists, documents if "services" not in manifest else [], **manifest)
    here.vault.place(f"{name}.tar.gz", tar_gz(export))


def test_an_archive_of_the_node_tool_is_restored_and_taken_back(here: Stand, tmp_path: Path) -> None:
    archive(here, tmp_path, "backup-2024-01-15T10-30-00-000Z")
    here.hold(numbered(5, first=700))
    before = here.held()
    restored = here.restore("backup-20240115T103000000Z")
    assert (restored.proven, restored.source.reference) == (None, "backup-2024-01-15T10-30-00-000Z")
    now = here.held()
    assert set(now[TABLE]) == {item_key(f"ARTIST#artist-{number:03}", "METADATA") for number in range(3)}
    assert b'"buffer":{"B":"AP8="}' in now[TABLE][item_key("ARTIST#artist-001", "METADATA")][0]
    assert set(now[INDEX]) == {"artist-000", "artist-001", "artist-002"}
    assert now[INDEX]["artist-001"][0] == '{"artistId":"artist-001","artistName":"Zoë","rating":4.5}'.encode()
    assert now[IMAGES] == before[IMAGES], "it holds none, so they are left"
    undo(here.env, UndoOptions())
    assert here.held() == before


def test_reset_takes_an_archive_that_is_newer(here: Stand, tmp_path: Path) -> None:
    here.hold(numbered(5))
    here.take("ours")
    here.time.passes(60)
    archive(here, tmp_path, "node")
    assert reset(here).source.reference == "node"


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-20],
        lambda whole: b"",
        lambda whole: b"no archive",
        lambda whole: whole[: len(whole) // 2] + b"\0\0\0" + whole[len(whole) // 2 + 3 :],
    ],
)
def test_a_damaged_archive_is_refused_and_named(here: Stand, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    archive(here, tmp_path, "node")
    here.vault.place("node.tar.gz", damage(here.vault.held["node.tar.gz"][0].body))
    here.hold(numbered(5))
    before = here.held()
    with pytest.raises(IntegrityFailed, match=r"node\.tar\.gz"):
        here.restore("node")
    assert here.held() == before
    ((reference, named),) = here.damage().items()
    assert reference == "node"
    assert all("node.tar.gz" in each and "/tmp" not in each for each in named)


def test_an_archive_whose_count_is_wrong_or_whose_version_is_unknown_is_refused(here: Stand, tmp_path: Path) -> None:
    archive(here, tmp_path, "count", stats={"exported": 7})
    archive(here, tmp_path, "version", version="99.0.0")
    here.hold(numbered(5))
    before = here.held()
    for name in ("count", "version"):
        with pytest.raises(IntegrityFailed):
            here.restore(name)
    assert here.held() == before
    assert set(here.damage()) == {"count", "version"}


def test_keys_of_an_archive(here: Stand, tmp_path: Path) -> None:
    archive(here, tmp_path, "node")
    here.hold(State())
    here.restore("node", keys="ARTIST#artist-001")
    assert [len(here.held()[store]) for store in StoreName] == [1, 1, 0]


@pytest.mark.parametrize("pattern", ["ARTIST#00000 METADATA", "ARTSIT#*", ""])
def test_a_pattern_that_is_like_no_key_is_refused(here: Stand, pattern: str) -> None:
    here.hold(numbered(2))
    here.snapshot("all")
    here.hold(State())
    with pytest.raises(NotFound, match=r"no key of all@.* or of the live stores is like"):
        here.restore("all", keys=pattern)
    assert here.held()[TABLE] == {}


def test_the_index_is_restored_alone_beside_a_table_of_another_kind(tmp_path: Path, pool: Executor) -> None:
    here = stand(tmp_path, pool)
    here.hold(numbered(2))
    here.snapshot("all")
    here.env.stores.index.delete([Target("00001")])
    refused = Description(name="table", engine="memory", refused=("its key is x",))
    here.env.stores.table.describe = lambda: refused  # type: ignore[method-assign]
    with pytest.raises(StructureRefused, match="its key is x"):
        here.restore("all")
    restored = here.restore("all", only=[INDEX])
    assert (writes(restored), restored.proven, restored.change.fingerprint) == ({INDEX: (1, 0, 0)}, True, None)
