"""The Node tool's exports: what it kept comes back exactly, what it had lost is said and not guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.errors import IntegrityFailed, TattooDataError
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.source import Found, Source
from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import StoreName
from tests.formats.builders import buffer, document, node_document, node_export, node_item, pretty, tar_gz
from tests.model.strategies import body


def read(path: Path) -> tuple[list[Found], Source]:
    source = open_source(path)
    return list(source.read()), source


def failure(path: Path) -> TattooDataError:
    with pytest.raises(TattooDataError) as raised:
        read(path)
    return raised.value


def only_item(root: Path, **fields: object) -> tuple[Any, list[str]]:
    """What becomes of an item's fields, and the notes."""
    found, source = read(node_export(root, [node_item(1, **fields)]))
    assert found[0].entry, found[0].problem
    return json.loads(found[0].entry.body), list(source.notes)


def test_items_of_every_kind_and_documents_are_read(tmp_path: Path) -> None:
    studio, style = ({"PK": f"{kind}#x", "SK": "METADATA"} for kind in ("STUDIO", "STYLE"))
    folder = node_export(tmp_path, [node_item(1), node_item(2)], [node_document(1)], studios=[studio], styles=[style])
    found, source = read(folder)
    assert (source.kind, source.path, list(source.stores)) == (
        "Node export",
        str(folder),
        [StoreName.TABLE, StoreName.INDEX],
    )
    assert [(each.store, each.file, each.number) for each in found] == [
        (StoreName.TABLE, "artists.json", 1),
        (StoreName.TABLE, "artists.json", 2),
        (StoreName.TABLE, "studios.json", 1),
        (StoreName.TABLE, "styles.json", 1),
        (StoreName.INDEX, "opensearch_documents.json", 1),
    ]
    assert found[0].entry and found[0].entry.body == canonical_item(
        body(
            {
                "PK": {"S": "ARTIST#artist-001"},
                "SK": {"S": "METADATA"},
                "gsi1pk": {"S": "STYLE#x"},
                "artistName": {"S": "Zoë"},
            }
        )
    )
    assert found[4].entry and found[4].entry.key == "artist-001"
    assert found[4].entry.body == canonical_document(body(document(1)))
    assert list(source.notes) == []


def test_the_archive_that_it_backed_up_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "before-test.tar.gz"
    archive.write_bytes(tar_gz(node_export(tmp_path, [node_item(1)], [node_document(1)])))
    source = open_source(archive)
    found = list(source.read())
    assert (source.kind, source.path, [each.problem for each in found]) == ("Node export", str(archive), ["", ""])
    source.close()


@pytest.mark.parametrize(("services", "store"), [("dynamodb", StoreName.TABLE), ("opensearch", StoreName.INDEX)])
def test_an_export_of_one_service_holds_one_store(tmp_path: Path, services: str, store: StoreName) -> None:
    folder = node_export(tmp_path, [node_item(1)], [node_document(1)], services=[services], stats={"exported": 1})
    found, source = read(folder)
    assert list(source.stores) == [store] == [each.store for each in found]


def test_values_are_typed_by_what_they_are(tmp_path: Path) -> None:
    item, _ = only_item(
        tmp_path, a=None, b=True, c="", d=-4.50, e=0, f=10**17, g=[1, "x", None, []], h={"i": {}}, j=0.1, k=1e-5
    )
    assert {name: item[name] for name in "abcdefghjk"} == {
        "a": {"NULL": True},
        "b": {"BOOL": True},
        "c": {"S": ""},
        "d": {"N": "-4.5"},
        "e": {"N": "0"},
        "f": {"N": "100000000000000000"},
        "g": {"L": [{"N": "1"}, {"S": "x"}, {"NULL": True}, {"L": []}]},
        "h": {"M": {"i": {"M": {}}}},
        "j": {"N": "0.1"},
        "k": {"N": "0.00001"},
    }


def test_buffers_are_binary_again_at_every_depth(tmp_path: Path) -> None:
    item, _ = only_item(tmp_path, a=buffer(b"\x00\xffA"), b=[{"c": buffer(b"")}, buffer(b"x")])
    assert item["a"] == {"B": "AP9B"}
    assert item["b"] == {"L": [{"M": {"c": {"B": ""}}}, {"B": "eA=="}]}


@pytest.mark.parametrize(
    "like",
    [
        {"type": "Buffer"},
        {"type": "Buffer", "data": [1], "more": 1},
        {"type": "buffer", "data": [1]},
        {"type": "Buffer", "data": "AQ=="},
        {"type": "Buffer", "data": [256]},
        {"type": "Buffer", "data": [-1]},
        {"type": "Buffer", "data": [1.5]},
        {"type": "Buffer", "data": [True]},
        {"type": "Buffer", "data": [[1]]},
        {"type": ["Buffer"], "data": [1]},
        {"wrapperName": "Set", "values": ["a"]},
    ],
)
def test_an_ordinary_map_that_looks_like_a_buffer_or_a_set_stays_a_map(tmp_path: Path, like: dict[str, Any]) -> None:
    item, _ = only_item(tmp_path, x=like)
    assert set(item["x"]) == {"M"} and set(item["x"]["M"]) == set(like)


def test_lists_that_may_have_been_sets_are_counted_and_stay_lists(tmp_path: Path) -> None:
    item, notes = only_item(
        tmp_path,
        binaries=[buffer(b"a"), buffer(b"b")],
        strings=["a", "b"],
        numbers=[1, 2.5],
        nested={"deep": ["x"]},
        never=[[], ["a", "a"], ["a", 1], [True], [None], [{"m": 1}]],
    )
    assert item["binaries"] == {"L": [{"B": "YQ=="}, {"B": "Yg=="}]}
    assert notes == [
        (
            "Lists that may have been sets: 4. The Node tool wrote both alike, and nothing tells them apart; "
            "they stay lists."
        )
    ]


def test_numbers_that_went_through_doubles_are_named(tmp_path: Path) -> None:
    text = b"""[{"PK": "ARTIST#a", "SK": "METADATA", "long": 12345678901234567000, "third": 0.30000000000000004,
        "exponent": 1e+21, "small": 1e-7, "list": [{"x": 1.2345678901234567}],
        "fine": [9007199254740991, 4.5, 100000000000000000000, 0.000001, 1234567890.123456, true]}]"""
    folder = node_export(tmp_path, stats={"exported": 1})
    (folder / "artists.json").write_bytes(text)
    found, source = read(folder)
    assert found[0].entry
    assert json.loads(found[0].entry.body)["exponent"] == {"N": "1000000000000000000000"}
    key = '{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"}}'
    assert source.notes[-1] == (
        "Numbers that went through doubles, so that what they had beyond 17 digits is lost: 5. They are: "
        f"{key} long = 12345678901234567000; {key} third = 0.30000000000000004; {key} exponent = 1E+21; "
        f"{key} small = 1E-7; {key} list[0].x = 1.2345678901234567."
    )


def test_twenty_numbers_are_named_and_the_others_counted(tmp_path: Path) -> None:
    folder = node_export(tmp_path, [node_item(number, x=0.1 + 0.2) for number in range(25)])
    _, source = read(folder)
    assert source.notes[0].startswith(
        "Numbers that went through doubles, so that what they had beyond 17 digits is lost: 25. "
    )
    assert source.notes[0].endswith(
        '; {"PK":{"S":"ARTIST#artist-019"},"SK":{"S":"METADATA"}} x = 0.30000000000000004, and 5 more.'
    )


def test_notes_are_of_one_reading(tmp_path: Path) -> None:
    source = open_source(node_export(tmp_path, [node_item(1, x=["a"])]))
    for _ in range(2):
        list(source.read())
        assert source.notes[0].startswith("Lists that may have been sets: 1. ")


def test_a_document_loses_what_is_not_part_of_it(tmp_path: Path) -> None:
    more = {"PK": "x", "SK": "y", "gsi1pk": "z", "gsi2sk": "z", "syncHash": "h", "lastSynced": "now"}
    kept = {
        "location": {"lat": 51.5, "lon": -0.1},
        "data": buffer(b"a"),
        "nested": {"PK": "stays", "syncHash": "stays"},
    }
    folder = node_export(tmp_path, [], [node_document(1, **more, **kept)])
    found, _ = read(folder)
    assert found[0].entry and json.loads(found[0].entry.body) == document(1, **kept)


def test_numbers_of_a_document_keep_their_digits(tmp_path: Path) -> None:
    folder = node_export(tmp_path, stats={"exported": 1})
    source = b'{"n": 12345678901234567890123456789.50, "e": 1e400, "z": -0.0, "i": 98765432109876543210}'
    (folder / "opensearch_documents.json").write_bytes(b'[{"_id": "a", "_source": %s}]' % source)
    found, _ = read(folder)
    assert found[0].entry and found[0].entry.body == canonical_document(source)


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        (7, "the item is no object"),
        ("x", "the item is no object"),
        ([], "the item is no object"),
        ({"SK": "METADATA"}, "it has no PK"),
        ({"PK": 1, "SK": "METADATA"}, "PK is no string"),
        ({"PK": "", "SK": "METADATA"}, "PK is empty"),
        (node_item(1, x=10**38 + 1), "has more than the 38 digits"),
        (node_item(1, x=1e300), "x: 1000000"),
        (node_item(1, x="y" * 410_000), "and DynamoDB takes 409600"),
    ],
)
def test_an_item_that_cannot_be_used_is_told(tmp_path: Path, element: object, problem: str) -> None:
    found, _ = read(node_export(tmp_path, [node_item(1), element, node_item(2)]))
    assert [each.entry is None for each in found] == [False, True, False]
    assert (found[1].number, found[1].file) == (2, "artists.json")
    assert problem in found[1].problem
    assert json.loads(found[1].raw) == element


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"PK": "a", "SK": "b", "x": 1, "x": 2}', "an object in it has the same name twice"),
        (b'{"PK": "a", "SK": "\\udc00"}', "its text holds half of a surrogate pair"),
        (b'{"PK": "a", "SK": "b", "x": %s}' % (b"9" * 5000), "a number in it is out of range"),
        (b'{"PK": "a", "SK": "b", "x": %s}' % (b"[" * 700 + b"]" * 700), "nested"),
        (b'{"PK": "a", "SK": "b", "x": %s}' % (b"[" * 5000 + b"]" * 5000), "nested"),
    ],
)
def test_json_that_no_table_holds_is_told(tmp_path: Path, text: bytes, problem: str) -> None:
    folder = node_export(tmp_path, stats={"exported": 1})
    (folder / "artists.json").write_bytes(b"[" + text + b"]")
    found, _ = read(folder)
    assert found[0].entry is None and problem in found[0].problem


@pytest.mark.parametrize("number", [b"1E99999999999999999999", b"-1e-99999999999999999999"])
def test_a_number_that_no_decimal_holds_is_told(tmp_path: Path, number: bytes) -> None:
    folder = node_export(tmp_path, [node_item(1, x="x")], [node_document(1, x="x")])
    for name in ("artists.json", "opensearch_documents.json"):
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(text.replace(b'"x": "x"', b'"x": ' + number))
    found, _ = read(folder)
    assert [each.problem for each in found] == ["a number in it is out of range"] * 2


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ({"_source": {}}, "the document has no _id"),
        ({"_id": 7, "_source": {}}, "its _id is no string"),
        ({"_id": "a"}, "its _source is no object"),
        ({"_id": "a", "_source": []}, "its _source is no object"),
        ([], "the document is no object"),
    ],
)
def test_a_document_that_cannot_be_used_is_told(tmp_path: Path, element: object, problem: str) -> None:
    found, _ = read(node_export(tmp_path, [], [element]))
    assert found[0].problem == problem and found[0].store is StoreName.INDEX


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"version": "2.0.0"}, "it is of version '2.0.0', and this tool reads 1.0.0"),
        ({"version": "99"}, "it is of version '99', and this tool reads 1.0.0"),
        ({"version": 99}, "it is of version 99, and this tool reads 1.0.0"),
        ({"services": ["dynamodb", "s3"]}, "it names the services ['dynamodb', 's3']"),
        ({"services": []}, "it names the services []"),
        ({"services": "dynamodb"}, "it is no manifest of the Node tool"),
        ({"stats": {"exported": 3}}, "it says 3 items and documents, and the files hold 2"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(tmp_path: Path, manifest: dict[str, Any], reason: str) -> None:
    error = failure(node_export(tmp_path, [node_item(1)], [node_document(1)], **manifest))
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith(f"manifest.json: {reason}")


def test_a_manifest_without_counts_is_read(tmp_path: Path) -> None:
    found, _ = read(node_export(tmp_path, [node_item(1)], stats={}))
    assert len(found) == 1


@pytest.mark.parametrize("name", ["artists.json", "studios.json", "styles.json", "opensearch_documents.json"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = node_export(tmp_path, [node_item(1)])
    (folder / name).unlink()
    assert failure(folder).message == f"{name}: it is missing"


def test_json_that_does_not_parse_is_named_by_its_line(tmp_path: Path) -> None:
    folder = node_export(tmp_path, [node_item(1), node_item(2)])
    file = folder / "artists.json"
    lines = pretty([node_item(1), node_item(2)]).split(b"\n")
    bad = lines.index(b'    "PK": "ARTIST#artist-002",')
    lines[bad] = b'    "PK": "ARTIST#artist-002'
    file.write_bytes(b"\n".join(lines))
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith("artists.json: line ")
    lines[bad] = b'    "PK"= "ARTIST#artist-002",'
    file.write_bytes(b"\n".join(lines))
    assert failure(folder).message.startswith(f"artists.json: line {bad + 1} is no JSON")


def test_compact_json_is_read_too(tmp_path: Path) -> None:
    folder = node_export(tmp_path, [node_item(1), node_item(2)])
    (folder / "artists.json").write_bytes(json.dumps([node_item(1), node_item(2)]).encode())
    found, _ = read(folder)
    assert [each.problem for each in found] == ["", ""]
