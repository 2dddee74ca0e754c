"""Export from stores in memory: what is written, and that nothing half-made stays."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tattoo_data.errors import FileFailed, IntegrityFailed, ScratchFailed, StoreError, StoreMissing, StructureRefused
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest, store_fingerprint
from tattoo_data.stores.base import Description, Page, Store
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tattoo_data.transfer.export import ExportOptions, export, export_stream
from tests.engine.sharded import Sharded, shared
from tests.formats.test_image_writer import ODD
from tests.runs import Desk, Killed, at, desk
from tests.transfer import Pictures
from tests.transfer.plain_reader import read_aws, read_dump, read_manifest, read_structure

MOMENT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
NAME = "export-2026-11-22T10-30-00-000Z"


def filled(name: StoreName, count: int) -> MemoryStore:
    store = MemoryStore(name)
    store.ensure()
    store.put([make_entry(name, number, f"Ada\u2028{number}") for number in range(count)])
    return store


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


COUNT = 57


def place(tmp_path: Path, pool: ThreadPoolExecutor, **stores: Store) -> Desk:
    """A filled target whose clock stands still."""
    made: dict[str, Store] = {
        "table": filled(StoreName.TABLE, COUNT),
        "index": filled(StoreName.INDEX, COUNT),
        "images": Pictures({"a.png": b"picture"}),
        **stores,
    }
    made_desk = desk(tmp_path, pool, made)
    return replace(made_desk, env=replace(made_desk.env, clock=replace(at(MOMENT), token=_tokens())))


def _tokens() -> Any:
    numbers = iter(range(1, 10_000))
    return lambda size: f"{next(numbers):0{2 * size}x}"


def run(desk: Desk, folder: Path, *stores: StoreName) -> tuple[Path, Any]:
    """Export, and read the manifest back by a reader of its own."""
    exported = export(desk.env, ExportOptions(folder=folder, stores=stores or (StoreName.TABLE, StoreName.INDEX)))
    return exported.path, read_manifest(exported.path)


@pytest.mark.parametrize("count", [0, 1, COUNT])
def test_all_of_it_is_written_once_and_counted(tmp_path: Path, pool: ThreadPoolExecutor, count: int) -> None:
    stores = {name.value: filled(name, count) for name in (StoreName.TABLE, StoreName.INDEX)}
    path, manifest = run(place(tmp_path, pool, **stores), tmp_path / "out")
    assert path == tmp_path / "out" / NAME
    assert manifest["createdAt"] == "2026-11-22T10:30:00.000Z"
    items = read_aws(path, manifest["exportId"])
    entries = [make_entry(StoreName.TABLE, number, f"Ada\u2028{number}") for number in range(count)]
    key = json.dumps
    assert sorted(items, key=key) == sorted((json.loads(entry.body) for entry in entries), key=key)
    assert manifest["stores"]["table"] == {
        "count": count,
        "bytes": sum(len(entry.body) for entry in entries),
        "fingerprint": store_fingerprint(StoreName.TABLE, entries),
    }
    documents = [make_entry(StoreName.INDEX, number, f"Ada\u2028{number}") for number in range(count)]
    assert set(read_dump(path, "index")) == {entry.key for entry in documents}
    assert manifest["stores"]["index"]["fingerprint"] == store_fingerprint(StoreName.INDEX, documents)
    assert set(manifest["stores"]) == {"table", "index"}
    assert set(read_structure(path, "index")) == {"mapping", "settings", "analyzer", "alias"}


@pytest.mark.parametrize("only", [[StoreName.TABLE], [StoreName.INDEX], [StoreName.IMAGES], list(StoreName)])
def test_just_the_stores_that_are_wanted(tmp_path: Path, pool: ThreadPoolExecutor, only: list[StoreName]) -> None:
    path, manifest = run(place(tmp_path, pool), tmp_path / "out", *only)
    assert list(manifest["stores"]) == [name.value for name in StoreName if name in only]
    folders = {"AWSDynamoDB": StoreName.TABLE, "opensearch": StoreName.INDEX, "images": StoreName.IMAGES}
    assert {each.name for each in path.iterdir() if each.is_dir()} == {
        folder for folder, store in folders.items() if store in only
    }
    assert (manifest["exportId"] is None) == (manifest["table"] is None) == (StoreName.TABLE not in only)


@pytest.mark.parametrize("missing", list(StoreName))
def test_a_missing_store_is_told_before_anything_is_made(
    tmp_path: Path, pool: ThreadPoolExecutor, missing: StoreName
) -> None:
    with pytest.raises(StoreMissing) as told:
        run(place(tmp_path, pool, **{missing.value: MemoryStore(missing)}), tmp_path / "out", *StoreName)
    assert (told.value.exit_code, told.value.fields["store"]) == (10, missing.value)
    assert "reset" in told.value.hint
    assert not (tmp_path / "out").exists()


def test_a_table_of_another_kind_is_refused(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    class Other(MemoryStore):
        def describe(self) -> Description:
            return Description(name="table", engine="memory", refused=("the table has the keys id (N, hash)",))

    with pytest.raises(StructureRefused, match=r"id \(N, hash\)"):
        run(place(tmp_path, pool, table=Other(StoreName.TABLE)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bucket_that_nobody_asks_for_may_be_missing_and_an_empty_one_holds_no_images(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    run(place(tmp_path, pool, images=MemoryStore(StoreName.IMAGES)), tmp_path / "without")
    _, manifest = run(place(tmp_path, pool, images=filled(StoreName.IMAGES, 0)), tmp_path, *StoreName)
    assert manifest["stores"]["images"] == {"count": 0, "bytes": 0, "fingerprint": "0" * 64}


def test_images_keep_their_keys_whatever_they_hold(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    pictures = Pictures({key: key.encode() for key in ODD})
    path, manifest = run(place(tmp_path, pool, images=pictures), tmp_path, *StoreName)
    read = {file["key"]: (path / file["path"]).read_bytes() for file in manifest["files"] if "key" in file}
    assert read == pictures.bodies
    assert {file["contentType"] for file in manifest["files"] if "key" in file} == {"image/png"}
    assert manifest["stores"]["images"]["bytes"] == sum(map(len, pictures.bodies.values()))


def test_an_image_is_taken_as_it_is_when_it_is_read(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    pictures = Pictures({"gone.png": b"1", "new.png": b"2", "same.png": b"3"})
    pictures.changes = {"gone.png": None, "new.png": b"later"}
    # An encrypted bucket's ETags look like an MD5 and are none.
    pictures.etags = {"same.png": "0" * 32}
    path, manifest = run(place(tmp_path, pool, images=pictures), tmp_path, StoreName.IMAGES)
    read = {file["key"]: (path / file["path"]).read_bytes() for file in manifest["files"]}
    assert read == {"new.png": b"later", "same.png": b"3"}
    pictures.etags = {}
    entries = list(pictures.page(0, 1, None).entries)
    assert manifest["stores"]["images"]["count"] == 2
    assert manifest["stores"]["images"]["fingerprint"] == store_fingerprint(StoreName.IMAGES, entries)


class Breaking(MemoryStore):
    """A store whose second page fails."""

    def __init__(self, name: StoreName, error: BaseException) -> None:
        super().__init__(name)
        self.error = error
        self.ensure()
        self.put([make_entry(name, number) for number in range(100)])

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        if cursor is not None:
            raise self.error
        return super().page(segment, segments, cursor)


BROKEN = StoreError(service="x", endpoint="y", operation="Scan", reason="it broke")


@pytest.mark.parametrize("name", list(StoreName))
@pytest.mark.parametrize("error", [BROKEN, Killed()], ids=["error", "interrupt"])
def test_whatever_is_raised_the_half_made_directory_goes(
    tmp_path: Path, pool: ThreadPoolExecutor, name: StoreName, error: BaseException
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("stays")
    broken: MemoryStore = Breaking(name, error)
    if name is StoreName.IMAGES:
        broken = Unreadable({"a.png": b"1"}, error)
    with pytest.raises(type(error)):
        run(place(tmp_path, pool, **{name.value: broken}), folder, *StoreName)
    assert [each.name for each in folder.iterdir()] == ["mine.txt"]


class Unreadable(Pictures):
    """A bucket whose objects cannot be read at all."""

    def __init__(self, bodies: dict[str, bytes], error: BaseException) -> None:
        super().__init__(bodies)
        self.error = error

    def get(self, keys: Sequence[str], routing: Any = None) -> list[Entry]:
        raise self.error

    def _load(self, key: str, listed: bytes) -> Any:
        raise self.error


class Lingering(Pictures):
    """A bucket whose first image cannot be read, which it says once all others are begun; those are read when the
    folder is gone, or nobody has taken it away for a while."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        super().__init__(bodies)
        self.begun, self.gone = Event(), Event()

    def get(self, keys: Sequence[str], routing: Any = None) -> list[Entry]:
        raise BROKEN

    def _load(self, key: str, listed: bytes) -> Any:
        if key == "a.png":
            assert self.begun.wait(60)
            raise BROKEN
        self.begun.set()
        self.gone.wait(0.5)
        return super()._load(key, listed)


def test_no_image_is_written_once_the_half_made_directory_is_gone(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = Lingering({f"{name}.png": name.encode() for name in "abcdefgh"})
    remove = shutil.rmtree

    def removed(*arguments: Any, **options: Any) -> None:
        remove(*arguments, **options)
        pictures.gone.set()

    monkeypatch.setattr("tattoo_data.transfer.export.shutil.rmtree", removed)
    with pytest.raises(StoreError):
        run(place(tmp_path, pool, images=pictures), tmp_path / "out", StoreName.IMAGES)
    pool.shutdown(wait=True)  # nobody is at work any more
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(FileFailed) as told:
            run(place(tmp_path, pool), folder)
        assert str(tmp_path / "file") in told.value.message
        assert "ot a directory" in told.value.message
        assert told.value.exit_code == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_an_export_that_is_there_is_not_touched(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "out" / NAME).mkdir(parents=True)
    (tmp_path / "out" / NAME / "mine.txt").write_text("stays")
    with pytest.raises(FileFailed, match="File exists"):
        run(place(tmp_path, pool), tmp_path / "out")
    assert [each.name for each in (tmp_path / "out" / NAME).iterdir()] == ["mine.txt"]


def test_as_a_stream_it_is_the_same_directory(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    stream = io.BytesIO()
    exported = export_stream(place(tmp_path, pool).env, list(StoreName), stream)
    assert list(scratch.iterdir()) == []
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:gz") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert names[-1] == f"{NAME}/manifest.json"
    manifest = read_manifest(tmp_path / "unpacked" / NAME)
    assert len(read_aws(tmp_path / "unpacked" / NAME, manifest["exportId"])) == COUNT
    assert manifest["stores"]["table"]["fingerprint"] == exported.manifest.stores[StoreName.TABLE].fingerprint


def test_nothing_is_streamed_where_a_scan_breaks_or_there_is_no_scratch(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    with pytest.raises(StoreError):
        export_stream(place(tmp_path, pool, table=Breaking(StoreName.TABLE, BROKEN)).env, [StoreName.TABLE], stream)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(ScratchFailed, match="nowhere"):
        export_stream(place(tmp_path, pool).env, [StoreName.TABLE], stream)
    assert stream.getvalue() == b""


def test_the_fingerprint_is_of_what_the_files_hold(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """In whatever way the engine spells and prints it."""
    pretty = b'{\n  "SK": {"S": "METADATA"},\n  "PK": {"S": "ARTIST#a"},\n  "n": {"N": "1.50"}\n}'
    entry = Entry('{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"}}', pretty)
    table = MemoryStore(StoreName.TABLE)
    table.ensure()
    table.put([entry])
    path, manifest = run(place(tmp_path, pool, table=table), tmp_path, StoreName.TABLE)
    (item,) = read_aws(path, manifest["exportId"])
    again = Entry(entry.key, json.dumps(item).encode())
    assert digest(StoreName.TABLE, again) == digest(StoreName.TABLE, entry)
    assert manifest["stores"]["table"]["fingerprint"] == store_fingerprint(StoreName.TABLE, [entry])


def test_documents_that_share_an_id_are_refused_and_no_folder_is_left(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    desk = place(tmp_path, pool, index=Sharded(*shared("A", "B")))
    with pytest.raises(IntegrityFailed, match="several documents of one `_id`, under several routings: same"):
        export(desk.env, ExportOptions(folder=tmp_path / "out", stores=[StoreName.INDEX]))
    assert list((tmp_path / "out").iterdir()) == []
