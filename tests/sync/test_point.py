"""Point: a sync point and its file, checked and held against what is there now, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.backups.restore import RestoreOptions, restore
from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.errors import BadSetting, FileFailed, IntegrityFailed, StoreMissing, UnknownName, UsageError
from tattoo_data.model.entry import Blob
from tattoo_data.repository.manifests import PREFIX, Kind
from tattoo_data.runs.session import WriteOptions
from tattoo_data.sync.point import Point, Validated, newest_point, set_point, validate_point
from tests.sync.stand import IMAGES, INDEX, TABLE, Stand, key_of

NODE = {"name": "x", "timestamp": "2026-01-01T00:00:00.000Z", "dynamoCount": 2, "osCount": 2, "hash": "abc"}


def filled(stand: Stand, folder: Path, name: str = "base") -> Point:
    """A sync point of two artists."""
    stand.both("a", bio="1")
    stand.both("b", bio="1")
    return set_point(stand.env, name, folder)


def since(validated: Validated) -> set[tuple[str, str, str]]:
    """What changed."""
    return {(each.store, each.key, each.what) for each in validated.since}


def test_the_file_says_what_was_kept(stand: Stand, tmp_path: Path) -> None:
    before = stand.state()
    point = filled(stand, tmp_path / "sync-points")
    assert point.file.parent == tmp_path / "sync-points"
    assert point.file.name.startswith("sync-point-base-2026-")
    assert not set(point.file.stem) & set(":./ ")
    about = json.loads(point.file.read_text())
    assert (about["format"], about["snapshot"]) == (1, point.taken.reference)
    assert about["counts"] == {"table": 2, "index": 2}
    assert about["fingerprints"].keys() == {"table", "index"}
    assert len(about["hash"]) == 64
    newest = newest_point(stand.env)
    assert newest is not None
    assert newest.manifest.kind == "sync"
    assert before != stand.state()


def test_what_changed_is_told_record_by_record(stand: Stand, tmp_path: Path) -> None:
    point = filled(stand, tmp_path)
    references = (str(point.file), "base", point.taken.reference)
    for reference in references:
        assert validate_point(stand.env, reference).is_same
    stand.item("a", bio="2")
    stand.lose("b", INDEX)
    stand.item("c")
    for reference in references:
        found = validate_point(stand.env, reference)
        assert (found.is_same, found.snapshot) == (False, point.taken.reference)
        assert found.counts == {TABLE: (2, 3), INDEX: (2, 1)}
        assert since(found) == {
            ("table", key_of("a"), "changed"),
            ("table", key_of("c"), "created"),
            ("index", "b", "deleted"),
        }


def test_a_name_is_the_newest_of_its_sync_points(stand: Stand, tmp_path: Path) -> None:
    old = filled(stand, tmp_path)
    stand.both("c")
    new = stand.point()
    stand.desk.machine.passes(1)
    take(stand.env, TakeOptions(name="base"))
    stand.desk.machine.passes(1)
    take(stand.env, TakeOptions(name="backup"))
    assert validate_point(stand.env, "base").snapshot == new
    assert not validate_point(stand.env, old.taken.reference).is_same
    newest = newest_point(stand.env)
    assert newest is not None
    assert newest.reference == new
    for name in ("backup", "none", "base@nothing"):
        with pytest.raises(UnknownName):
            validate_point(stand.env, name)


def newest(stand: Stand) -> str | None:
    """The sync point that counts."""
    found = newest_point(stand.env)
    return found.reference if found else None


def test_what_a_restore_left_behind_counts_no_more(stand: Stand) -> None:
    stand.both("a", bio="1")
    old = stand.point()
    stand.both("a", bio="2")
    stand.desk.machine.passes(1)
    kept = take(stand.env, TakeOptions(name="kept", kind=Kind.SNAPSHOT)).reference
    stand.both("a", bio="3")
    left = stand.point("left")
    assert newest(stand) == left
    stand.desk.machine.passes(1)
    restore(stand.env, RestoreOptions(reference="kept", write=WriteOptions(dry_run=True)))
    restore(stand.env, RestoreOptions(reference="kept", only=[IMAGES]))
    assert newest(stand) == left
    restore(stand.env, RestoreOptions(reference=kept))
    assert newest(stand) == old
    assert validate_point(stand.env, "left").snapshot == left
    stand.desk.machine.passes(1)
    stand.desk.undo()
    assert newest(stand) == left


def test_a_sync_point_that_is_restored_counts(stand: Stand) -> None:
    stand.both("a", bio="1")
    old = stand.point()
    stand.both("a", bio="2")
    stand.point("left")
    stand.desk.machine.passes(1)
    restore(stand.env, RestoreOptions(reference="base"))
    assert newest(stand) == old
    assert stand.point("new") == newest(stand)


def test_without_one_that_counts_there_is_none(stand: Stand) -> None:
    stand.both("a", bio="1")
    take(stand.env, TakeOptions(name="kept"))
    stand.both("a", bio="2")
    left = stand.point("left")
    stand.desk.shelf.put(f"{PREFIX}{left.replace('@', '/')}.json", Blob(b"damaged", "application/json"))
    with pytest.raises(IntegrityFailed):
        newest_point(stand.env)
    stand.desk.machine.passes(1)
    restore(stand.env, RestoreOptions(reference="kept"))
    assert newest_point(stand.env) is None
    assert stand.detect().point is None


def test_a_snapshot_of_another_target_is_no_earlier_state(stand: Stand) -> None:
    stand.both("a", bio="1")
    other = replace(stand.env, target=replace(stand.env.target, table="other"))
    take(other, TakeOptions(name="theirs"))
    stand.both("a", bio="2")
    point = stand.point()
    stand.desk.machine.passes(1)
    assert restore(stand.env, RestoreOptions(reference="theirs")).change.run
    assert newest(stand) == point


@pytest.mark.parametrize("name", ["a/b", "../x", "", ".", "..", "a\\b", "-x", "x" * 200])
def test_names_that_are_none(stand: Stand, tmp_path: Path, name: str) -> None:
    stand.both("a")
    with pytest.raises(BadSetting):
        set_point(stand.env, name, tmp_path)
    assert newest_point(stand.env) is None


def _edit(**changes: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changes})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_edit(name="other"), "hash"),
        (_edit(counts={"table": 1, "index": 2}), "hash"),
        (_edit(counts={"table": 2.0, "index": 2}), "hash"),
        (_edit(snapshot=5), "hash"),
        (_edit(more=None), "hash"),
        (_edit(hash="0" * 64), "hash"),
        (_edit(hash=None), "hash"),
        (_edit(format=2), "format 2"),
        (_edit(format=None), "format None"),
        (_edit(type="other"), "no sync point"),
        (lambda text: text[: len(text) // 2], "no sync point"),
        (lambda text: "", "no sync point"),
        (lambda text: "[]", "no sync point"),
        (lambda text: "{}", "no sync point"),
    ],
)
def test_a_file_that_was_edited_or_cut_is_refused(
    stand: Stand, tmp_path: Path, spoil: Callable[[str], str], words: str
) -> None:
    path = filled(stand, tmp_path).file
    path.write_text(spoil(path.read_text()))
    with pytest.raises(IntegrityFailed, match=words):
        validate_point(stand.env, str(path))


def test_layout_is_no_edit(stand: Stand, tmp_path: Path) -> None:
    path = filled(stand, tmp_path).file
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    assert validate_point(stand.env, str(path)).is_same


def test_a_file_of_another_table_is_refused(stand: Stand, tmp_path: Path) -> None:
    path = filled(stand, tmp_path).file
    other = replace(stand.env, target=replace(stand.env.target, table="other"))
    with pytest.raises(UsageError, match="of table table and index index"):
        validate_point(other, str(path))
    assert newest_point(other) is None
    with pytest.raises(UnknownName):
        validate_point(other, "base")


def test_what_is_not_there(stand: Stand, tmp_path: Path) -> None:
    point = filled(stand, tmp_path)
    with pytest.raises(UnknownName, match="sync-point-base"):
        validate_point(stand.env, str(tmp_path / "sync-point-none.json"))
    for store in (stand.table, stand.documents):
        kept, store._entries = store._entries, None
        with pytest.raises(StoreMissing):
            validate_point(stand.env, "base")
        store._entries = kept
    stand.desk.shelf.delete(stand.desk.shelf.keys("snapshots/"))
    with pytest.raises(UnknownName, match="base"):
        validate_point(stand.env, str(point.file))


def test_the_node_tools_file_knows_counts_only(stand: Stand, tmp_path: Path) -> None:
    filled(stand, tmp_path)
    path = tmp_path / "node.json"
    path.write_text(json.dumps(NODE))
    found = validate_point(stand.env, str(path))
    assert (found.snapshot, found.is_same, found.counts) == (None, True, {TABLE: (2, 2), INDEX: (2, 2)})
    stand.lose("a", INDEX)
    found = validate_point(stand.env, str(path))
    assert (found.is_same, found.counts[INDEX], found.since.count) == (False, (2, 1), 0)


@pytest.mark.parametrize("count", [None, "2", 2.5, True, -1])
def test_a_node_file_whose_counts_are_none_is_refused(stand: Stand, tmp_path: Path, count: object) -> None:
    path = tmp_path / "node.json"
    path.write_text(json.dumps({**NODE, "osCount": count}))
    with pytest.raises(IntegrityFailed):
        validate_point(stand.env, str(path))


def test_a_damaged_snapshot_is_damaged_and_not_unknown(stand: Stand) -> None:
    stand.both("a")
    stand.point("other")
    stand.point("old")
    newer = stand.point("old")
    shelf = stand.desk.shelf
    key = max(key for key in shelf.keys(PREFIX) if "old" in key)
    blob, modified = shelf.held[key]
    shelf.held[key] = type(blob)(b"{}", blob.content_type), modified
    for reference in ("old", newer):
        with pytest.raises(IntegrityFailed) as found:
            validate_point(stand.env, reference)
        assert "sync sync-point" in found.value.hint
        assert "backups delete" in found.value.hint
    with pytest.raises(IntegrityFailed, match="another hash") as found:
        stand.detect()
    assert "sync sync-point" in found.value.hint
    assert validate_point(stand.env, "other").is_same
    with pytest.raises(UnknownName, match="there is old, other"):
        validate_point(stand.env, "none")
    stand.point("new")
    assert stand.kinds() == {}


def test_a_file_that_cannot_be_written_is_named(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    stand.both("a")
    with pytest.raises(FileFailed):
        set_point(stand.env, "x", tmp_path / "taken")
