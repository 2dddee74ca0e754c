"""elasticdump's files: data told from the rest by content, in every form in which it writes them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import IntegrityFailed, TattooDataError, UsageError
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import StoreName
from tests.formats.builders import INDEX, compact, document, elasticdump, hit, structure_files, tar_gz

LINES = b"".join(hit(f"artist-{number:03}", document(number)) for number in range(3))


def read(path: Path) -> list[Found]:
    return list(open_source(path).read())


def keys(path: Path) -> list[str]:
    return [found.entry.key for found in read(path) if found.entry]


def failure(path: Path) -> TattooDataError:
    with pytest.raises(TattooDataError) as raised:
        read(path)
    return raised.value


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("template", [False, True])
def test_a_folder_is_read_by_its_content(tmp_path: Path, packed: bool, template: bool) -> None:
    folder = elasticdump(tmp_path / "dump", LINES, packed=packed, template=template)
    source = open_source(folder)
    found = list(source.read())
    assert (source.kind, source.path, list(source.stores)) == ("elasticdump", str(folder), [StoreName.INDEX])
    assert [(each.file, each.number) for each in found] == [(f"{INDEX}.json", number) for number in (1, 2, 3)]
    assert [each.entry.body for each in found if each.entry] == [
        canonical_document(compact(document(number))) for number in range(3)
    ]
    assert list(source.notes) == [] and source.fingerprints == {}
    source.close()


@pytest.mark.parametrize(
    "name", ["x", "my dump.txt", "data.json.gz", "artists.json", "manifest.json.old", "x$(touch y)"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_one_file_may_be_called_as_its_user_likes(tmp_path: Path, name: str, packed: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(LINES) if packed else LINES)
    assert len(keys(folder / name)) == 3
    assert len(keys(folder)) == 3
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "data.json").write_bytes(LINES)
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there" / "data.json")
    assert len(keys(link)) == 3


def test_split_files_are_one_dump(tmp_path: Path) -> None:
    for number, line in enumerate(LINES.splitlines(keepends=True)):
        (tmp_path / f"{INDEX}.split-{number}.json").write_bytes(line)
    assert sorted(keys(tmp_path)) == ["artist-000", "artist-001", "artist-002"]


def test_an_index_without_documents_is_an_empty_file(tmp_path: Path) -> None:
    source = open_source(elasticdump(tmp_path, b""))
    assert list(source.read()) == []
    assert list(source.notes) == [f"There is no document in {INDEX}.json."]


def test_a_dump_in_an_archive_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(tar_gz(elasticdump(tmp_path / "dump", LINES)))
    source = open_source(archive)
    assert len(list(source.read())) == 3
    source.close()


def test_routing_line_separators_windows_line_ends_and_a_missing_end_are_fine(tmp_path: Path) -> None:
    source = {"bio": "a\u2028b\u2029c\u0085d", "n": 1}
    lines = hit("a", source, routing="r").replace(b"\n", b"\r\n") + b"\r\n" + hit("b", {}).rstrip(b"\n")
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf" + lines)
    found = read(tmp_path / "x")
    assert [(each.number, each.problem) for each in found] == [(1, ""), (3, "")]
    assert found[0].entry and (found[0].entry.routing, found[0].entry.body) == (
        "r",
        canonical_document(compact(source)),
    )
    assert found[1].entry and found[1].entry.routing is None


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    source = b'{"n":12345678901234567890123456789012345678,"d":0.10000000000000000000000001,"e":1E400,"z":-0}'
    (tmp_path / "x").write_bytes(b'{"_index":"a","_id":"1","_score":1,"_source":%s}\n' % source)
    found = read(tmp_path / "x")
    assert found[0].entry and found[0].entry.body == canonical_document(source)


def test_documents_of_several_indexes_are_refused_and_each_file_is_read(tmp_path: Path) -> None:
    """multielasticdump writes every index of a cluster into one folder, and there is one index to write to."""
    elasticdump(tmp_path, LINES)
    elasticdump(tmp_path, hit("x", {}, index=".kibana_1"), index=".kibana_1", template=True)
    error = failure(tmp_path)
    assert isinstance(error, UsageError)
    assert error.message == f"{tmp_path} holds documents of 2 indexes: .kibana_1, {INDEX}"
    assert (
        f"Name one file, such as {INDEX}.json." in error.hint or "Name one file, such as .kibana_1.json." in error.hint
    )
    assert len(keys(tmp_path / f"{INDEX}.json")) == 3


@pytest.mark.parametrize("kind", ["mapping", "settings", "analyzer"])
def test_a_file_of_structure_is_not_taken_for_data(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(structure_files()[kind])
    error = failure(tmp_path / "x")
    assert isinstance(error, UsageError) and "it holds how an index is made, and no documents" in error.message
    assert isinstance(failure(tmp_path), UsageError)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"_index":"a","_source":{}}', "the document has no _id"),
        (b'{"_index":"a","_id":1,"_source":{}}', "its _id is no string"),
        (b'{"_index":"a","_id":"","_source":{}}', "its _id is empty"),
        (b"{}", "the document has no _id"),
        (b"[1E400]", "Expected `object`, got `array`"),
        (b"[1E400,{}]", "Expected `object`, got `array`"),
        (b'{"_index":"a","_id":"x"}', "its _source is no object"),
        (b'{"_index":"a","_id":"x","_source":[]}', "its _source is no object"),
        (b'{"_index":"a","_id":"x","_source":null}', "its _source is no object"),
        (b'{"_index":"a","_id":"x","_source":{"a":1,"a":2}}', "an object in it has the same name twice"),
        (b'{"_index":"a","_id":"x","_id":"y","_source":{"a":1}}', "the line has the same name twice"),
        (b'{"_index":"a","_id":"x","_source":{"a":1},"_source":{"b":1}}', "the line has the same name twice"),
        (b'{"_index":"a","_id":"x","_routing":1,"_source":{}}', "its _routing is no text"),
        (b'{"_index":"a","_id":"x","_source":{"a":"\\ud800"}}', "its text holds half of a surrogate pair"),
        (b'{"_index":"a","_id":"x","_source":{"a":%s}}' % (b"1" * 5000), "a number in it is out of range"),
        (b'{"_index":"a","_id":"x","_source":{"a":%s}}' % (b"[" * 5000 + b"]" * 5000), "it is nested too deep"),
        (b"[]", "Expected `object`, got `array`"),
        (b'"{}"', "Expected `object`, got `str`"),
    ],
)
def test_a_document_that_cannot_be_used_is_told_and_keeps_no_other_out(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    (tmp_path / "x").write_bytes(hit("a", {}) + line + b"\n" + hit("b", {}))
    found = read(tmp_path / "x")
    assert [each.entry is None for each in found] == [False, True, False]
    assert (found[1].number, found[1].raw) == (2, line)
    assert found[1].problem.startswith(problem)


DEEP = b'{"_index":"a","_id":"x","_source":{"a":%s}}' % (b"[" * 5000 + b"]" * 5000)


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        (DEEP, "it is nested too deep"),
        (b"{}", "the document has no _id"),
        (b'{"a":1}', "the document has no _id"),
        (b"[]", "Expected `object`, got `array`"),
        (b"5", "Expected `object`, got `int`"),
    ],
)
def test_a_bad_record_on_the_first_line_does_not_hide_the_others(tmp_path: Path, first: bytes, problem: str) -> None:
    (tmp_path / "x").write_bytes(first + b"\n" + LINES)
    for path in (tmp_path / "x", tmp_path):
        assert [each.problem for each in read(path)] == [problem, "", "", ""]


@pytest.mark.parametrize(
    "number", [b"1E20000000", b"-1E-20000000", b"1E99999999999999999999", b"1E-99999999999999999999"]
)
def test_no_number_is_an_error_that_nobody_expected(tmp_path: Path, number: bytes) -> None:
    (tmp_path / "x").write_bytes(b'{"_index":"a","_id":"x","_source":{"a":%s}}\n' % number + LINES)
    found = read(tmp_path / "x")
    assert [each.problem for each in found[1:]] == [""] * 3
    assert found[0].problem in ("", "a number in it is out of range")


def test_an_object_without_anything_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{}\n")
    assert "it holds an empty object, and no documents" in failure(tmp_path / "x").message


@pytest.mark.parametrize(
    "text",
    [
        b"[" + LINES.replace(b"\n", b",\n")[:-2] + b"]",
        b"[\n" + LINES.replace(b"\n", b",\n")[:-2] + b"\n]",
        b"[" + LINES.replace(b"\n", b",")[:-1] + b"]",
    ],
)
def test_an_array_of_documents_is_called_what_it_is(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x").write_bytes(text)
    error = failure(tmp_path / "x")
    assert isinstance(error, UsageError)
    assert error.message == f"{tmp_path / 'x'} cannot be imported: it is one JSON array of documents"
    assert "one on each line" in error.hint


@pytest.mark.parametrize("text", [b"[]", b"[1,2]", b'["a"]'])
def test_an_array_of_no_records_is_called_what_it_is(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x").write_bytes(text)
    assert "it is a JSON array that does not begin with a record" in failure(tmp_path / "x").message


MAPPING = {"properties": {"artistId": {"type": "keyword"}}}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_the_mapping_beside_the_data_is_read(tmp_path: Path, packed: bool, named: bool) -> None:
    folder = elasticdump(tmp_path / "dump", LINES, packed=packed, template=True)
    source = open_source(folder / f"{INDEX}.json" if named else folder)
    list(source.read())
    structure = source.structures[StoreName.INDEX]
    assert structure["mappings"] == MAPPING
    assert structure["settings"] == {"index": {"number_of_shards": "1", "number_of_replicas": "0"}}
    assert list(source.notes) == []


def test_data_alone_says_nothing_of_how_its_index_was_made(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(LINES)
    source = open_source(tmp_path)
    list(source.read())
    assert (source.structures, list(source.notes)) == ({}, [])


def test_the_mapping_of_another_index_is_not_taken_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(LINES)
    (tmp_path / "y.json").write_bytes(structure_files("another")["mapping"])
    source = open_source(tmp_path)
    list(source.read())
    assert source.structures == {}
    assert list(source.notes) == ["The mapping of another is not taken: the documents are not all of one such index."]


@pytest.mark.parametrize("kind", ["mapping", "settings", "analyzer", "alias"])
@pytest.mark.parametrize("content", [b"", b'{"a":{"map', b"7", b"[]", b"\x1f\x8bno gzip"])
def test_a_damaged_mapping_beside_the_data_is_named(tmp_path: Path, kind: str, content: bytes) -> None:
    folder = elasticdump(tmp_path / "dump", LINES)
    (folder / f"{INDEX}.{kind}.json").write_bytes(content)
    for path in (folder, folder / f"{INDEX}.json"):
        error = failure(path)
        assert isinstance(error, IntegrityFailed) and error.message.startswith(f"{INDEX}.{kind}.json: ")


def test_an_empty_mapping_beside_no_documents_is_no_data(tmp_path: Path) -> None:
    folder = elasticdump(tmp_path / "dump", b"")
    (folder / f"{INDEX}.mapping.json").write_bytes(b"")
    assert failure(folder).message == f"{INDEX}.mapping.json: it is empty, and should hold how an index is made"


@pytest.mark.parametrize("first", [DEEP, b'{"_id":"x","_source":{}}', b'{"_index":"a","_id":'])
def test_a_document_that_names_no_index_is_of_none_and_not_of_another(tmp_path: Path, first: bytes) -> None:
    (tmp_path / "x.split-0.json").write_bytes(LINES)
    (tmp_path / "x.split-1.json").write_bytes(first + b"\n" + LINES)
    if first.endswith(b":"):
        assert failure(tmp_path).message.startswith("x.split-1.json: line 1 is no JSON")
    else:
        assert len(read(tmp_path)) == 7


@pytest.mark.parametrize("kind", ["mapping", "settings"])
def test_a_cut_mapping_is_one_under_any_name(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(LINES)
    (tmp_path / "y").write_bytes(structure_files()[kind][:-8])
    error = failure(tmp_path)
    assert isinstance(error, IntegrityFailed) and error.message.startswith("y: line 1 is no JSON")


@pytest.mark.parametrize("name", ["x.split-{}.json", "x.split-{}", "x-split-{}", "x-split-{}.json.gz"])
def test_a_missing_part_of_a_split_dump_is_named(tmp_path: Path, name: str) -> None:
    for number in (0, 2, 4):
        (tmp_path / name.format(number)).write_bytes(hit(str(number), {}) if number != 4 else b"")
    (tmp_path / name.format(5)).write_bytes(hit("5", {}))
    source = open_source(tmp_path)
    assert len(list(source.read())) == 3
    lacking = [name.format(1), name.format(3)]
    assert list(source.lacking) == lacking
    assert list(source.notes) == [
        f"Of a split dump {each} is not among what is read: what it holds is not taken." for each in lacking
    ]
    alone = open_source(tmp_path / name.format(2))
    assert len(list(alone.read())) == 1
    assert list(alone.lacking) == [name.format(number) for number in (0, 1, 3, 5)], "an empty part held nothing"


def test_no_part_is_missing_of_a_whole_split_dump(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"x.split-{number}.json").write_bytes(hit(str(number), {}))
    source = open_source(tmp_path)
    assert (len(list(source.read())), list(source.lacking), list(source.notes)) == (12, [], [])


def test_a_number_of_a_part_that_is_far_off_is_no_list_without_end(tmp_path: Path) -> None:
    (tmp_path / "x.split-999999.json").write_bytes(LINES)
    assert len(open_source(tmp_path).lacking) == 5


def test_files_of_two_dumps_are_taken_together_and_both_named(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(hit("a", {}))
    (tmp_path / "new.split-0.json").write_bytes(hit("b", {}))
    (tmp_path / "new.split-1.json").write_bytes(hit("c", {}))
    source = open_source(tmp_path)
    assert len(list(source.read())) == 3
    assert list(source.notes) == ["Files of several dumps are taken together: new.split-0.json, old.json."]


def test_documents_of_two_indexes_behind_the_first_line_are_named(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(hit("a", {}, index="artists") + hit("b", {}, index="studios"))
    source = open_source(tmp_path)
    assert len(list(source.read())) == 2
    assert list(source.notes) == [
        "Documents of several indexes are taken together: artists (in one.json), studios (in one.json)."
    ]


@pytest.mark.parametrize(
    "bad", [b"{", b'{"_id":"a","_source":{"b":tru}}', b"x", b'{"_id":"a","_source":{"b":"\xff"}}', b"[}"]
)
def test_a_line_that_is_no_json_is_named(tmp_path: Path, bad: bytes) -> None:
    elasticdump(tmp_path, LINES + bad + b"\n" + LINES)
    error = failure(tmp_path)
    assert isinstance(error, IntegrityFailed) and error.message.startswith(f"{INDEX}.json: line 4 is no JSON")


def test_a_damaged_first_line_is_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(LINES.replace(b'"_score":1', b'"_score":', 1))
    assert failure(tmp_path / "x").message.startswith("x: line 1 is no JSON")


@pytest.mark.parametrize("left", [1, 9, 10, 30, 100])
def test_a_cut_file_is_found(tmp_path: Path, left: int) -> None:
    packed = gzip.compress(LINES * 100)
    (tmp_path / "x").write_bytes(packed[:-left])
    error = failure(tmp_path / "x")
    assert isinstance(error, IntegrityFailed) and "x: the gzip is cut or damaged" in error.message
    (tmp_path / "y").write_bytes(LINES[: -left - 1])
    assert "y: line 3 is no JSON" in failure(tmp_path / "y").message


texts = st.text(st.characters(codec="utf-8"), max_size=8)
sources = st.dictionaries(texts, texts | st.integers() | st.lists(texts, max_size=2), max_size=4)


@given(st.lists(st.tuples(texts.filter(bool), sources, st.none() | texts.filter(bool)), min_size=1, max_size=5))
def test_every_document_comes_back(
    tmp_path_factory: pytest.TempPathFactory, documents: list[tuple[str, dict[str, object], str | None]]
) -> None:
    path = tmp_path_factory.mktemp("dump") / "x"
    path.write_bytes(b"".join(hit(key, source, routing=routing) for key, source, routing in documents))
    found = [each.entry for each in read(path) if each.entry]
    assert [(each.key, each.body, each.routing) for each in found] == [
        (key, canonical_document(compact(source)), routing) for key, source, routing in documents
    ]
