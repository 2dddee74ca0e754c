"""Import into stores in memory: what is written, what goes, what is left out and where that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.errors import FileFailed, IntegrityFailed, NothingToUndo
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.runs.session import Command, WriteOptions
from tattoo_data.stores.base import Exchange, Outcome, Store
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tattoo_data.transfer.contents import Contents, Reject
from tattoo_data.transfer.import_files import Imported, ImportOptions, import_contents, list_rejects, read_files
from tattoo_data.transfer.read import read_contents
from tattoo_data.transfer.rejects import write_rejects
from tests.engine.test_plan import Content, held
from tests.runs import Deadly, Desk, Killed, desk
from tests.transfer import FakeSource, canonical, lines

TABLE, INDEX, IMAGES = StoreName
ADA: Content = dict.fromkeys(range(8), "Ada")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def place(tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A target of which each command's own folder is empty."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    stores: dict[str, Store] = {name.value: Deadly(name) for name in StoreName}
    return desk(tmp_path, pool, stores)


def contents(content: Content, *stores: StoreName, more: Sequence[Found] = ()) -> Contents:
    """Files that hold this content, and more."""
    chosen = stores or (TABLE, INDEX)
    made = [canonical(name, number, text) for name in chosen for number, text in content.items()]
    found = [
        each
        for name in chosen
        for each in lines(name, [canonical(name, number, text) for number, text in content.items()], f"{name}.json")
    ]
    blobs = {entry.key: entry.load() for entry in made if entry.load}
    return read_contents(FakeSource([*found, *more], stores=chosen, blobs=blobs))


def run(place: Desk, read: Contents, **options: Any) -> Imported:
    made = ImportOptions(path="./x", **options)
    return import_contents(place.env, read, made, list_rejects(read, made, place.env.clock))


def keys(place: Desk) -> dict[StoreName, int]:
    return {name: len(each) for name, each in held(place.env.stores).items()}


def listed(path: Path | None) -> list[Any]:
    assert path is not None
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_files_hold_is_added_and_the_rest_stays(place: Desk) -> None:
    place.write(dict.fromkeys(range(6, 12), "Mae"))
    imported = run(place, contents(ADA))
    counts = imported.change.counts[TABLE]
    assert (counts.created, counts.replaced, counts.deleted) == (6, 2, 0)
    assert keys(place) == {TABLE: 12, INDEX: 12, IMAGES: 6}
    assert (imported.rejected, imported.rejects) == ([], None)
    again = run(place, contents(ADA))
    assert (again.change.run, again.change.counts[TABLE].unchanged) == (None, 8)


def test_replace_takes_away_what_is_not_in_the_files_from_the_stores_that_they_hold(place: Desk) -> None:
    place.write(dict.fromkeys(range(6, 12), "Mae"))
    imported = run(place, contents(ADA), replace=True)
    assert imported.change.counts[TABLE].deleted == imported.change.counts[INDEX].deleted == 4
    assert keys(place) == {TABLE: 8, INDEX: 8, IMAGES: 6}
    place.undo()
    assert keys(place) == {TABLE: 6, INDEX: 6, IMAGES: 6}


@pytest.mark.parametrize("store", list(StoreName))
def test_a_store_that_the_files_do_not_hold_is_left_alone(place: Desk, store: StoreName) -> None:
    place.write(dict.fromkeys(range(20, 22), "Mae"))
    only = read_contents(FakeSource(lines(store, [canonical(store, 1)]), stores=[store], blobs=_Any({})), [store])
    run(place, only, replace=True, only=[store])
    assert keys(place) == {**dict.fromkeys(StoreName, 2), store: 1}


class _Any(dict[str, Blob]):
    def __missing__(self, key: str) -> Blob:
        return Blob(b"picture 1", "image/png")


def test_images_come_with_their_bodies(place: Desk) -> None:
    loaded: list[str] = []

    class Bodies(Deadly):
        def put(self, entries: Sequence[Any]) -> list[Outcome]:
            loaded.extend(entry.load().content_type for entry in entries)
            return super().put(entries)

    with ThreadPoolExecutor(2) as pool:
        other = desk(place.env.settings.home, pool, {"images": Bodies(IMAGES)})
        run(other, contents(ADA, IMAGES))
        assert keys(other)[IMAGES] == 8
    assert loaded == ["image/png"] * 8


def test_bad_records_are_left_out_and_listed_as_dynamodb_lists_them(place: Desk) -> None:
    bad = [*lines(TABLE, ["it has no PK"], "bad.json"), *lines(TABLE, [canonical(TABLE, 3, "Zora")], "again.json")]
    imported = run(place, contents(ADA, more=bad))
    assert keys(place)[TABLE] == 8
    assert imported.contents.duplicates == 1
    assert imported.rejects is not None
    assert imported.rejects.name.startswith("import-rejects-")
    assert imported.rejects.parent == Path()
    assert listed(imported.rejects) == [
        {
            "itemS3Pointer": {"bucket": "./x", "key": "bad.json", "itemIndex": 1},
            "importArn": "",
            "errorMessages": ["it has no PK"],
        },
        {
            "itemS3Pointer": {"bucket": "./x", "key": "again.json", "itemIndex": 1},
            "importArn": "",
            "errorMessages": ["table.json, line 4 has the same key, and stands"],
        },
    ]


def test_strict_writes_nothing_and_lists_only_where_it_is_told(place: Desk, tmp_path: Path) -> None:
    read = contents(ADA, more=lines(TABLE, ["it has no PK"], "bad.json"))
    for rejects in (None, tmp_path / "deep" / "r.jsonl"):
        with pytest.raises(IntegrityFailed, match=r"bad\.json, line 1: it has no PK") as told:
            run(place, read, strict=True, rejects=rejects)
        assert told.value.exit_code == 12
    assert keys(place) == dict.fromkeys(StoreName, 0)
    assert list(Path().iterdir()) == []
    assert len(listed(tmp_path / "deep" / "r.jsonl")) == 1
    with pytest.raises(NothingToUndo):
        place.undo()
    assert keys_of(run(place, contents(ADA), strict=True)) == 8


def keys_of(imported: Imported) -> int:
    return imported.change.counts[TABLE].created


def test_a_dry_run_writes_neither_stores_nor_files(place: Desk, tmp_path: Path) -> None:
    read = contents(ADA, more=lines(TABLE, ["it has no PK"], "bad.json"))
    imported = run(place, read, write=WriteOptions(dry_run=True))
    assert imported.change.dry_run
    assert (keys_of(imported), len(imported.rejected), imported.rejects) == (8, 1, None)
    assert keys(place) == dict.fromkeys(StoreName, 0)
    assert list(Path().iterdir()) == []
    run(place, read, write=WriteOptions(dry_run=True), rejects=tmp_path / "r.jsonl")
    assert len(listed(tmp_path / "r.jsonl")) == 1


REFUSED = partial(Outcome, error="ValidationException", message="too large")


class Picky(MemoryStore):
    """A store that refuses some keys."""

    def __init__(self, name: StoreName, refused: Sequence[str]) -> None:
        super().__init__(name)
        self.refused = refused
        self.ensure()

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        done = {each.key: each for each in super().put([each for each in entries if each.key not in self.refused])}
        return [done.get(each.key) or REFUSED(each.key) for each in entries]

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        taken = {each.key: each for each in exchanges if each.key not in self.refused}
        done = {each.key: each for each in super().exchange(list(taken.values()))}
        return [done.get(each.key) or REFUSED(each.key) for each in exchanges]


@pytest.mark.parametrize("before", [{}, {3: "Zora"}])
def test_what_a_store_refuses_is_listed_with_its_line_and_the_rest_goes_on(
    tmp_path: Path, pool: ThreadPoolExecutor, place: Desk, before: Content
) -> None:
    refused = canonical(TABLE, 3).key
    picky = Picky(TABLE, ())
    other = desk(tmp_path, pool, {"table": picky})
    other.write(before)
    picky.refused = [refused]
    imported = run(other, contents(ADA, more=lines(TABLE, ["bad"], "bad.json")), rejects=tmp_path / "r.jsonl")
    assert keys(other)[TABLE] == 7 + len(before)
    assert [
        (each["itemS3Pointer"]["key"], each["itemS3Pointer"]["itemIndex"]) for each in listed(imported.rejects)
    ] == [
        ("bad.json", 1),
        ("table.json", 4),
        ("index.json", 4),  # a document is not written without its item
    ]
    assert "ValidationException: too large" in listed(imported.rejects)[1]["errorMessages"][0]
    assert imported.rejected[1] == Reject(TABLE, "table.json", 4, "ValidationException: too large", refused)


def test_a_document_that_was_derived_is_named_by_its_items_line(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    picky = Picky(INDEX, ["artist-00003"])
    other = desk(tmp_path, pool, {"index": picky})
    imported = run(other, contents(ADA, TABLE), rejects=tmp_path / "r.jsonl")
    assert keys(other) == {TABLE: 8, INDEX: 7, IMAGES: 0}
    (line,) = listed(imported.rejects)
    assert line["itemS3Pointer"] == {"bucket": "./x", "key": "table.json", "itemIndex": 4}


def test_a_file_of_rejects_is_replaced_and_no_other(place: Desk, tmp_path: Path) -> None:
    mine, ours = tmp_path / "mine.json", tmp_path / "r.jsonl"
    mine.write_text('{"artists":[]}')
    read = contents(ADA, more=lines(TABLE, ["bad"], "bad.json"))
    with pytest.raises(FileFailed, match="no file of rejects"):
        run(place, read, rejects=mine)
    assert mine.read_text() == '{"artists":[]}'
    assert keys(place)[TABLE] == 0
    for _ in range(2):
        run(place, read, rejects=ours)
        assert len(listed(ours)) == 1
    with pytest.raises(FileFailed):
        run(place, read, rejects=tmp_path)
    with pytest.raises(FileFailed):
        run(place, read, rejects=mine / "deeper.jsonl")
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["mine.json", "r.jsonl"]


def test_rejects_that_cannot_be_listed_after_the_write_are_told(place: Desk, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        other = desk(tmp_path, pool, {"table": Picky(TABLE, [canonical(TABLE, 3).key])})
        (tmp_path / "file").write_text("mine")
        imported = run(other, contents(ADA), rejects=tmp_path / "file")
    assert imported.rejects is None
    assert len(imported.rejected) == 2
    assert any("could not be listed" in said for said in other.said)


def test_a_killed_import_goes_on_as_the_same_run(place: Desk) -> None:
    place.write(dict.fromkeys(range(20), "Mae"))
    before = held(place.env.stores)
    table = place.env.stores.table
    assert isinstance(table, Deadly)
    table.dies_at = 1
    with pytest.raises(Killed):
        run(place, contents(dict.fromkeys(range(40), "Ada")))
    killed = place.newest()
    assert killed.status == "running"
    place.outlive(killed, killed.words)
    imported = run(place, contents(dict.fromkeys(range(40), "Ada")))
    assert imported.change.run == killed.id
    assert keys(place)[TABLE] == 40
    place.undo()
    assert held(place.env.stores) == before


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ("./x",)),
        ({"replace": True, "strict": True}, ("./x", "--replace", "--strict")),
        ({"only": [INDEX, TABLE]}, ("./x", "--only", "dynamodb", "--only", "opensearch")),
        ({"rejects": Path("r")}, ("./x",)),
        ({"path": "x$(touch y)"}, ("x$(touch y)",)),
    ],
)
def test_the_command_is_the_same_for_the_same_question(options: Mapping[str, Any], arguments: tuple[str, ...]) -> None:
    made = ImportOptions(**{"path": "./x", **options})
    assert made.command == Command(name="import", arguments=arguments)


def test_the_file_of_rejects_is_whole_or_not_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Reject]:
        yield Reject(TABLE, "a.json", 1, "bad")
        raise Killed

    with pytest.raises(Killed):
        write_rejects(tmp_path / "r.jsonl", "x", broken())
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == []


def test_all_is_read_and_what_cannot_be_used_is_listed_before_a_store_is_opened(place: Desk, tmp_path: Path) -> None:
    told: list[Any] = []
    source = FakeSource(lines(TABLE, [canonical(TABLE, 1), "bad", *["more"] * 1_000]), stores=[TABLE])
    options = ImportOptions(path="./x", only=[TABLE], rejects=tmp_path / "r.jsonl")
    read = read_files(source, options, place.env.clock, lambda *each: told.append(each))
    assert (set(read.contents.wanted), len(read.contents.rejected), told) == ({TABLE}, 1_001, [("read", 1_000, None)])
    assert read.listed == tmp_path / "r.jsonl"
    assert len(listed(read.listed)) == 1_001
    with pytest.raises(IntegrityFailed):
        read_files(source, replace(options, strict=True), place.env.clock)


def test_replace_is_refused_where_a_file_is_missing(place: Desk) -> None:
    source = FakeSource(lines(INDEX, [canonical(INDEX, 1)]), stores=[INDEX], lacking=["x.split-1.json"])
    options = ImportOptions(path="./x", only=[INDEX])
    assert read_files(source, options, place.env.clock).contents.lacking == ["x.split-1.json"]
    with pytest.raises(IntegrityFailed, match=r"lacks x\.split-1\.json"):
        read_files(source, replace(options, replace=True), place.env.clock)


def test_a_document_of_another_routing_is_replaced_unless_it_was_made_of_an_item(place: Desk) -> None:
    run(place, contents({1: "Ada"}, TABLE))
    index = place.env.stores.index
    (document,) = index.get(["artist-00001"])
    index.put([Entry(document.key, document.body, "R2")])
    assert run(place, contents({1: "Ada"}, TABLE)).change.run is None
    files = read_contents(FakeSource(lines(INDEX, [document], "index.json"), stores=[INDEX]))
    assert run(place, files).change.counts[INDEX].replaced == 1
    assert [each.routing for each in index.get(["artist-00001"])] == [None]


@pytest.mark.parametrize("name", [".z", "a..b", "a. .b", ".", "x"])
def test_strict_refuses_a_document_that_opensearch_takes_in_no_index(tmp_path: Path, place: Desk, name: str) -> None:
    entry = make_entry(TABLE, 1, "Ada")
    item = Entry(entry.key, canonical_item(entry.body[:-1] + f',"{name}":{{"S":"x"}}}}'.encode()))
    source = FakeSource(lines(TABLE, [item], "table.json"), stores=[TABLE])
    options = ImportOptions(path="./x", strict=True)
    if name == "x":
        assert read_files(source, options, place.env.clock).contents.rejected == []
        return
    with pytest.raises(IntegrityFailed, match=r"table.json, line 1: its document: OpenSearch takes no field"):
        read_files(source, options, place.env.clock)
