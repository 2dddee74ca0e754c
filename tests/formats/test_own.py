"""Our own exports: all three stores come back, and whatever is not as the manifest says is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.errors import IntegrityFailed, TattooDataError
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.source import Found, Source
from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_object
from tattoo_data.model.entry import Blob, StoreName
from tests.formats.builders import aws_line, compact, document, elasticdump, hit, item, own_export, tar_gz
from tests.model.strategies import body

ITEMS = b"".join(aws_line(item(number)) for number in range(3))
DOCUMENTS = b"".join(hit(f"artist-{number:03}", document(number)) for number in range(2))
IMAGES = {"styles/a.png": b"picture a", "b.png": b""}


def read(path: Path) -> tuple[list[Found], Source]:
    source = open_source(path)
    return list(source.read()), source


def failure(path: Path) -> TattooDataError:
    with pytest.raises(TattooDataError) as raised:
        read(path)
    return raised.value


def edit(folder: Path, **change: Any) -> None:
    """Change the manifest, which nothing seals."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(json.dumps(manifest | change).encode())


def manifest_of(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return own_export(tmp_path, ITEMS, DOCUMENTS, IMAGES)


def check(found: list[Found], source: Source) -> None:
    assert (source.kind, list(source.stores), list(source.notes)) == ("tattoo-data export", list(StoreName), [])
    assert source.fingerprints == dict.fromkeys(StoreName, "0" * 64)
    by_store: dict[StoreName, list[bytes]] = {name: [] for name in StoreName}
    for each in found:
        assert each.entry, each.problem
        by_store[each.store].append(each.entry.body)
    assert by_store[StoreName.TABLE] == [canonical_item(body(item(number))) for number in range(3)]
    assert by_store[StoreName.INDEX] == [canonical_document(compact(document(number))) for number in range(2)]
    assert sorted(by_store[StoreName.IMAGES]) == sorted(
        canonical_object(hashlib.md5(content).hexdigest(), len(content)) for content in IMAGES.values()
    )


def test_all_three_stores_come_back(folder: Path) -> None:
    found, source = read(folder)
    check(found, source)
    images = {each.entry.key: each.entry for each in found if each.entry and each.store is StoreName.IMAGES}
    assert set(images) == set(IMAGES)
    for key, content in IMAGES.items():
        load = images[key].load
        assert load and load() == source.blob(key) == Blob(content, "image/png")
    source.close()


def test_an_archive_holds_the_same(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "x"
    archive.write_bytes(tar_gz(folder))
    found, source = read(archive)
    check(found, source)
    assert source.path == str(archive) and source.blob("styles/a.png").body == b"picture a"
    source.close()


def test_the_folder_that_holds_one_export_is_that_export(folder: Path) -> None:
    found, source = read(folder.parent)
    check(found, source)


def test_an_index_without_documents_is_an_empty_file(tmp_path: Path) -> None:
    found, _ = read(own_export(tmp_path))
    assert found == []


@pytest.mark.parametrize("only", list(StoreName))
def test_an_export_may_hold_one_store(folder: Path, only: StoreName) -> None:
    edit(folder, stores={only: manifest_of(folder)["stores"][only]})
    found, source = read(folder)
    assert list(source.stores) == [only] and {each.store for each in found} == {only}


@pytest.mark.parametrize("number", [0, 2, 99, -1])
def test_an_unknown_format_is_refused_by_its_number(folder: Path, number: int) -> None:
    edit(folder, format=number)
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert f"format {number}, and this version reads format 1" in error.message


@pytest.mark.parametrize("store", list(StoreName))
@pytest.mark.parametrize("count", [0, 7])
def test_a_wrong_count_is_refused(folder: Path, store: StoreName, count: int) -> None:
    stores = manifest_of(folder)["stores"]
    held = stores[store]["count"]
    stores[store]["count"] = count
    edit(folder, stores=stores)
    assert failure(folder).message == (
        f"manifest.json: it says {count} entries of the {store}, and its files hold {held}"
    )


def test_a_record_that_cannot_be_used_counts(tmp_path: Path) -> None:
    found, _ = read(own_export(tmp_path, aws_line(item(1)) + aws_line({"PK": {"S": "a"}}), hit("", {})))
    assert [each.problem for each in found] == ["", "it has no SK", "its _id is empty"]


def reseal(folder: Path, name: str, content: bytes) -> None:
    """Another content of a file, which the manifest knows of."""
    (folder / name).write_bytes(content)
    seal = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit(folder, files=[each | seal if each["path"] == name else each for each in manifest_of(folder)["files"]])


MADE = {"mappings": {"dynamic": False, "properties": {"a": {"type": "nested"}}}}
SHARDS = {"settings": {"index": {"number_of_shards": "2", "analysis": {"analyzer": {"x": {"type": "stop"}}}}}}
ALIASES: dict[str, Any] = {"aliases": {"other": {}}}
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "city", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-city",
            "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


def place_structure(folder: Path, index: str = "artists-local") -> None:
    reseal(folder, "opensearch/artists-local.mapping.json", compact({index: MADE}))
    reseal(folder, "opensearch/artists-local.settings.json", compact(compact({index: SHARDS}).decode()))
    reseal(folder, "opensearch/artists-local.analyzer.json", compact(compact({index: SHARDS}).decode()))
    reseal(folder, "opensearch/artists-local.alias.json", compact(compact({index: ALIASES}).decode()))


@pytest.mark.parametrize("index", ["artists-local", "another"])
def test_how_the_stores_were_made_is_read(folder: Path, index: str) -> None:
    place_structure(folder, index)
    edit(folder, table=TABLE)
    source = open_source(folder)
    assert source.structures == {StoreName.TABLE: TABLE, StoreName.INDEX: MADE | SHARDS | ALIASES}
    only = manifest_of(folder)["stores"]
    del only["index"]
    edit(folder, stores=only)
    assert open_source(folder).structures == {StoreName.TABLE: TABLE}


@pytest.mark.parametrize("name", ["mapping", "settings", "alias"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"artists-local":{"mapp', "line 1 is no JSON"),
        (b"", "it is empty"),
        (b"[]", "it does not hold how an index is made"),
        (b'"{\\"a"', "line 1 is no JSON"),
        (b'{"a":{"mappings":[]}}', "it does not hold how an index is made"),
        (b'{"a":{"mappings":{"properties":{"x":5}}}}', "it does not hold how an index is made"),
        (b'{"a":{"settings":{"index":{"number_of_shards":"two"}}}}', "it does not hold how an index is made"),
        (b"[" * 5000 + b"]" * 5000, "it is nested too deep"),
    ],
)
def test_a_damaged_structure_is_named_though_the_manifest_knows_its_hash(
    folder: Path, name: str, content: bytes, reason: str
) -> None:
    reseal(folder, f"opensearch/artists-local.{name}.json", content)
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith(f"opensearch/artists-local.{name}.json: {reason}")


def test_a_cut_structure_is_not_as_the_manifest_says(folder: Path) -> None:
    path = folder / "opensearch" / "artists-local.mapping.json"
    path.write_bytes(path.read_bytes()[:-9])
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith("opensearch/artists-local.mapping.json: it has ")


def test_how_two_indexes_are_made_is_one_too_many(folder: Path) -> None:
    reseal(folder, "opensearch/artists-local.mapping.json", compact({"a": MADE, "b": MADE}))
    assert "hold how 3 indexes are made: a, artists-local, b" in failure(folder).message


@pytest.mark.parametrize(
    "table",
    [
        {"GlobalSecondaryIndexes": [{}]},
        {"GlobalSecondaryIndexes": 5},
        {"AttributeDefinitions": ["city"]},
        {"GlobalSecondaryIndexes": TABLE["GlobalSecondaryIndexes"]},
    ],
)
def test_a_table_that_could_not_be_made_is_refused(folder: Path, table: Any) -> None:
    edit(folder, table=table)
    error = failure(folder)
    assert isinstance(error, IntegrityFailed) and error.message.startswith("manifest.json cannot be used: it ")


def named_files(folder: Path) -> list[str]:
    return [each["path"] for each in manifest_of(folder)["files"]]


def test_every_file_that_is_missing_changed_or_cut_is_refused_by_name(tmp_path: Path) -> None:
    names = named_files(own_export(tmp_path, ITEMS, DOCUMENTS, IMAGES))
    assert len(names) == 13
    for number, name in enumerate(names):
        for change in ("remove", "add", "cut", "flip"):
            folder = own_export(tmp_path / f"{number}-{change}", ITEMS, DOCUMENTS, IMAGES)
            path = folder / name
            content = path.read_bytes()
            if change != "add" and not content and change != "remove":
                continue
            match change:
                case "remove":
                    path.unlink()
                case "add":
                    path.write_bytes(content + b"\n")
                case "cut":
                    path.write_bytes(content[:-1])
                case "flip":
                    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            error = failure(folder)
            assert isinstance(error, IntegrityFailed), (name, change)
            stem = Path(name).name.split(".")[0]
            assert stem in error.message, (name, change, error.message)


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "images/../../x", "a//b", "", ".", "manifest.json", "a\\b", "a\0b", "images/./a"],
)
def test_a_path_that_leads_elsewhere_is_refused(folder: Path, path: str) -> None:
    files = manifest_of(folder)["files"]
    files[0]["path"] = path
    edit(folder, files=files)
    assert isinstance(failure(folder), IntegrityFailed)


@pytest.mark.parametrize("path", ["x$(touch y)", "images/x$(touch y)", "x" * 300])
def test_a_path_that_is_not_there_is_refused(folder: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    files = manifest_of(folder)["files"]
    files[0]["path"] = path
    edit(folder, files=files)
    assert failure(folder).message == f"{path}: it is missing"
    assert not (folder / "y").exists()


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    (folder / "images" / "b.png").rename(outside)
    (folder / "images" / "b.png").symlink_to(outside)
    assert failure(folder).message == "images/b.png: it leads out of the export's folder"


def test_an_export_id_that_leads_elsewhere_is_refused(folder: Path) -> None:
    edit(folder, exportId="../../x")
    assert isinstance(failure(folder), IntegrityFailed)
    edit(folder, exportId=None)
    assert failure(folder).message == "manifest.json: it names no exportId, and so no export of the table"


def test_what_the_manifest_does_not_name_is_not_read(folder: Path) -> None:
    elasticdump(folder / "opensearch", hit("z", {}), index="other")
    (folder / "AWSDynamoDB" / "x").write_bytes(b"x")
    found, source = read(folder)
    assert len(found) == 7
    others = (f"opensearch/other.{kind}json" for kind in ("alias.", "analyzer.", "", "mapping."))
    named = ", ".join(["AWSDynamoDB/x", *others])
    assert list(source.notes) == [f"Not read, because manifest.json does not name it: {named} and 1 more."]


def test_a_body_that_changed_after_it_was_read_is_refused(folder: Path) -> None:
    found, source = read(folder)
    (folder / "images" / "b.png").write_bytes(b"another")
    with pytest.raises(IntegrityFailed, match=r"images/b\.png: it has 7 bytes, and the manifest says 0"):
        source.blob("b.png")
    load = next(each.entry.load for each in found if each.entry and each.entry.key == "b.png")
    assert load
    with pytest.raises(IntegrityFailed):
        load()


@pytest.mark.parametrize("change", [{"files": 7}, {"stores": {}}, {"stores": {"moon": {}}}, {"tool": 1}])
def test_a_manifest_that_says_nonsense_gives_only_our_errors(folder: Path, change: dict[str, Any]) -> None:
    edit(folder, **change)
    try:
        found, _ = read(folder)
    except IntegrityFailed:
        return
    assert found == [] and change == {"stores": {}}
