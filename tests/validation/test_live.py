"""Live: stores in memory with one thing wrong, each read once, and every difference between them named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.engine.scan import read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import StoreUnreachable
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import NOT_ROUTED, Description, Page, Routing
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.validation.rules.stores import RULES
from tattoo_data.validation.validate import ValidateOptions, What, validate_live
from tests.runs import desk
from tests.validation.samples import ARTIST, STUDIO, STYLE, document, item

DAY = date(2026, 11, 24)
DOTWORK = {"styleId": "dotwork", "styleName": "Dotwork", "description": "Dots."}
IMAGES = ("avatars/avatar-1.png", "styles/celtic-1.png")
TABLE, INDEX, BUCKET = StoreName.TABLE, StoreName.INDEX, StoreName.IMAGES
Said = tuple[str, str, str, str]


class Shown(MemoryStore):
    """A store in memory that can say anything of its structure, hold two documents of one id, or not answer."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.about: Mapping[str, Any] = {}
        self.more: Sequence[Entry] = ()
        self.is_gone = False

    def describe(self) -> Description | None:
        self._answer()
        found = super().describe()
        return replace(found, **self.about) if found and self.about else found

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        self._answer()
        page = super().page(segment, segments, cursor)
        return page if page.next else Page([*page.entries, *self.more])

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        self._answer()
        return super().get(keys, routing)

    def _answer(self) -> None:
        if self.is_gone:
            raise StoreUnreachable(service="x", endpoint="x", reason="gone", variable="X")


class Place:
    """A target in memory with good data, and what validation says of it."""

    def __init__(self, env: Environment, stores: Mapping[StoreName, Shown]) -> None:
        self.env = env
        self.table, self.index, self.images = (stores[name] for name in StoreName)

    def fill(self) -> None:
        """A studio, an artist and two styles, the artist's document and images."""
        for store in (self.table, self.index, self.images):
            store.ensure()
        kinds = ((Kind.ARTIST, ARTIST), (Kind.STUDIO, STUDIO), (Kind.STYLE, STYLE), (Kind.STYLE, DOTWORK))
        self.table.put([item(kind, fields) for kind, fields in kinds])
        self.index.put([document(ARTIST)])
        self.images.put([Entry(key, canonical_object("0" * 32, 1)) for key in IMAGES])

    def found(self, what: What = What.ALL, **options: Any) -> list[Said]:
        """Everything but what is said of the catalogue."""
        report = validate_live(self.env, DAY, ValidateOptions(what=what, **options))
        self.checked = report.checked
        held = [each for each in report.findings if each.store != "files"]
        return [(each.rule, each.store, each.subject, each.field) for each in held]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    stores = {name: Shown(name) for name in StoreName}
    with ThreadPoolExecutor(2) as pool:
        env = desk(tmp_path, pool, {name.value: store for name, store in stores.items()}).env
        yield Place(replace(env, settings=replace(env.settings, image_bucket="tattoo-directory-images")), stores)


@pytest.fixture
def good(place: Place) -> Place:
    place.fill()
    return place


@pytest.mark.parametrize("what", [What.DATABASE, What.OPENSEARCH, What.CONSISTENCY, What.ALL])
def test_good_stores_have_no_finding(good: Place, what: What) -> None:
    assert good.found(what) == []
    wanted = {What.DATABASE: {"table": 4}, What.OPENSEARCH: {"index": 1}}
    both = {"table": 4, "index": 1, "images": 2}
    assert {name: count for name, count in good.checked.items() if name != "files"} == wanted.get(what, both)


def test_stores_that_are_not_there_are_findings(place: Place) -> None:
    absent = [("store-absent", name, "", "") for name in ("images", "index", "table")]
    assert [(rule, store, "", "") for rule, store, _, _ in place.found()] == absent
    place.table.ensure()
    assert [(rule, store) for rule, store, _, _ in place.found(What.DATABASE)] == [("store-empty", "table")]
    assert [(rule, store) for rule, store, _, _ in place.found(What.OPENSEARCH)] == [("store-absent", "index")]


def test_stores_that_are_empty_are_warnings(good: Place) -> None:
    good.table._entries, good.index._entries, good.images._entries = {}, {}, {}
    good.table.put([Entry(item_key("AUDIT#1", "x"), b"{}")])
    assert [(rule, store) for rule, store, _, _ in good.found()] == [("store-empty", "index"), ("store-empty", "table")]


def test_a_store_that_does_not_answer_is_an_error(good: Place) -> None:
    good.index.is_gone = True
    for what in (What.OPENSEARCH, What.CONSISTENCY, What.ALL):
        with pytest.raises(StoreUnreachable):
            good.found(what)
    assert good.found(What.DATABASE) == []


@pytest.mark.parametrize("value", [{"B": "AAE="}, {"BS": ["AAE=", "Ag=="]}])
@pytest.mark.parametrize("name", ["tags", "artistName", "styles"])
def test_binary_where_text_belongs_is_a_finding(good: Place, name: str, value: Any) -> None:
    entry = item(Kind.ARTIST, ARTIST)
    good.table.put([replace(entry, body=json.dumps({**json.loads(entry.body), name: value}).encode())])
    for what in (What.DATABASE, What.ALL):
        assert ("table", name) in [(store, field.split(".")[0]) for _, store, _, field in good.found(what)]


# Structure.


@pytest.mark.parametrize(
    ("store", "about", "wanted"),
    [
        (TABLE, {"missing": ("the index instagram-index",)}, [("table-structure", "")]),
        (TABLE, {"missing": ("the stream",)}, [("table-stream", "")]),
        (INDEX, {"rebuild": ("artistId: type is text, not keyword",)}, [("index-mapping", "artistId")]),
        (
            INDEX,
            {"rebuild": ("dynamic is true", "styles is not mapped")},
            [("index-mapping", "dynamic"), ("index-mapping", "styles")],
        ),
        (INDEX, {"missing": ("the permission to write",)}, [("index-read-only", "")]),
    ],
)
def test_another_structure_is_a_finding(
    good: Place, store: StoreName, about: Any, wanted: list[tuple[str, str]]
) -> None:
    good.env.stores[store].about = about  # type: ignore[attr-defined]
    assert [(rule, field) for rule, _, _, field in good.found()] == wanted


def test_a_table_with_another_key_schema_is_not_read(good: Place) -> None:
    good.table.about = {"refused": ("the table has the keys id (N, hash)",)}
    good.table.more = [Entry("{}", b"{}")]
    assert [(rule, store) for rule, store, _, _ in good.found()] == [("table-structure", "table")]


# Table against index.


def edited(path: str, value: object, fields: Any = None) -> Entry:
    """The artist's document with one field (a dotted path) changed."""
    body = json.loads(document(ARTIST).body if fields is None else fields)
    *parents, name = path.split(".")
    inner: Any = body
    for parent in parents:
        inner = inner[int(parent)] if isinstance(inner, list) else inner[parent]
    if isinstance(inner, list):
        inner[int(name)] = value
    else:
        inner[name] = value
    return Entry("artist-a", json.dumps(body).encode())


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{number}")
    else:
        yield path


LEAVES = list(leaves(json.loads(document(ARTIST).body)))


def test_the_document_has_fields_of_every_depth() -> None:
    assert {"artistName", "location.lat", "styles.1", "portfolioImages.0.tags.1", "contactInfo.phone"} <= set(LEAVES)
    assert len(LEAVES) == 40


@pytest.mark.parametrize("path", LEAVES)
def test_every_change_of_a_single_field_is_found(good: Place, path: str) -> None:
    for value in ("changed", 12345, [True], [], {"x": 1}, None if path != "contactInfo.phone" else False):
        good.index.put([edited(path, value)])
        ((rule, store, key, field),) = good.found(What.CONSISTENCY)
        assert (rule, store, key) == ("document-differs", "index", "artist-a")
        assert field == path


@pytest.mark.parametrize("name", sorted(json.loads(document(ARTIST).body)))
def test_a_field_that_one_side_lacks_is_found(good: Place, name: str) -> None:
    body = json.loads(document(ARTIST).body)
    del body[name]
    good.index.put([Entry("artist-a", json.dumps(body).encode())])
    found = good.found(What.CONSISTENCY)
    assert {(rule, field.partition(".")[0]) for rule, _, _, field in found} == {("document-differs", name)}


def test_a_field_that_only_the_index_has_is_found(good: Place) -> None:
    good.index.put([edited("syncHash", "x")])
    assert good.found(What.CONSISTENCY) == [("document-differs", "index", "artist-a", "syncHash")]


@pytest.mark.parametrize(("path", "value"), [("rating", 4.50), ("reviewCount", 12.0), ("pricing.minimumCharge", 50.5)])
def test_another_spelling_of_a_number_is_no_difference(good: Place, path: str, value: float) -> None:
    entry = edited(path, value)
    body = entry.body.replace(b'"rating": 4.5,', b'"rating": 45e-1,')
    good.index.put([Entry(entry.key, body)])
    assert good.found(What.CONSISTENCY) == []


def test_a_message_says_what_the_table_has(good: Place) -> None:
    good.index.put([edited("rating", 3)])
    report = validate_live(good.env, DAY, ValidateOptions(what=What.CONSISTENCY))
    (finding,) = report.findings
    assert (finding.value, finding.message.rpartition(": ")[2]) == ("3", "the table has 4.5")


def test_missing_and_extra_documents(good: Place) -> None:
    other = {**ARTIST, "artistId": "artist-b", "instagramHandle": "b"}
    good.index.put([document(other)])
    assert good.found(What.CONSISTENCY) == [("document-extra", "index", "artist-b", "")]
    good.index._entries = {}
    good.table.put([item(Kind.ARTIST, other)])
    assert good.found(What.CONSISTENCY, skip=frozenset({"store-empty"})) == [
        ("document-missing", "index", "artist-a", ""),
        ("document-missing", "index", "artist-b", ""),
    ]


def test_two_documents_of_one_id_are_one_too_many(good: Place) -> None:
    good.index.more = [Entry("artist-a", document(ARTIST).body, routing="elsewhere")]
    assert good.found(What.CONSISTENCY) == [("document-extra", "index", "artist-a", "")]
    assert ("duplicate-id", "index", "artist-a", "") in good.found(What.OPENSEARCH)


def test_documents_of_other_shapes(good: Place) -> None:
    body = document(ARTIST).body
    good.index.put([Entry("ARTIST#artist-a", body), Entry("artist-a", b"null"), Entry("broken", b"{")])
    for what in (What.CONSISTENCY, What.OPENSEARCH, What.ALL):
        found = good.found(what)
        assert ("document-shape", "index", "ARTIST#artist-a", "") in found
        assert ("document-without-source", "index", "artist-a", "") in found
        assert ("record-unreadable", "index", "broken", "") in found
        assert len(found) == 3, "each is said once"


def test_an_item_that_cannot_be_read_keeps_no_other_back(good: Place) -> None:
    key = item_key("ARTIST#broken", "METADATA")
    good.table.put([Entry(key, b'{"artistId":{"X":"broken"}}')])
    for what in (What.DATABASE, What.CONSISTENCY, What.ALL):
        assert good.found(what) == [("record-unreadable", "table", "ARTIST#broken METADATA", "")]
        assert good.checked["table"] == 5


def test_a_record_under_the_node_tools_key_is_compared_like_any_other(good: Place) -> None:
    entry = item(Kind.ARTIST, ARTIST)
    good.table._entries = {key: each for key, each in (good.table._entries or {}).items() if key != entry.key}
    good.table.put([Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))])
    assert good.found(What.CONSISTENCY) == []
    assert good.found() == [("node-key-form", "table", "ARTIST#artist-a PROFILE", "SK")]
    good.index.put([edited("bio", "changed")])
    assert good.found(What.CONSISTENCY) == [("document-differs", "index", "artist-a", "bio")]


def test_more_records_than_opensearch_gives_at_once_are_compared_exactly(
    good: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tattoo_data.validation.compare.Spool", partial(Spool, limit=100_000))
    every = [
        {"artistId": f"artist-{number:05}", "artistName": f"A {number}", "styles": ["celtic"]}
        for number in range(10_500)
    ]
    good.table.put([item(Kind.ARTIST, fields) for fields in every])
    good.index.put([document(fields) for fields in every])
    assert good.found(What.CONSISTENCY) == []
    assert good.checked == {"table": 10_504, "index": 10_501, "images": 2}
    body = json.loads(document(every[10_400]).body) | {"artistName": "other"}
    good.index.put([Entry("artist-10400", json.dumps(body).encode())])
    assert good.found(What.CONSISTENCY) == [("document-differs", "index", "artist-10400", "artistName")]


# Images.


def test_images_that_are_missing_and_images_that_nobody_uses(good: Place) -> None:
    good.images._entries = {IMAGES[0]: Entry(IMAGES[0], b"{}"), "old.png": Entry("old.png", b"{}")}
    assert good.found() == [
        ("image-missing", "table", "ARTIST#artist-a METADATA", "portfolioImages.0.url"),
        ("image-unused", "images", "old.png", ""),
    ]


def test_an_image_that_only_an_item_of_another_kind_uses_is_used(good: Place) -> None:
    url = "http://localhost:4566/tattoo-directory-images/banner.png"
    good.images.put([Entry("banner.png", b"{}")])
    good.table.put([Entry(item_key("PAGE#1", "x"), json.dumps({"banner": {"S": url}}).encode())])
    assert good.found() == []


def test_without_a_bucket_only_that_is_said(good: Place) -> None:
    good.images._entries = None
    assert [(rule, store) for rule, store, _, _ in good.found()] == [("store-absent", "images")]


# Between records.


def test_references_of_the_table_and_of_the_index(good: Place) -> None:
    stranger = {**ARTIST, "artistId": "artist-b", "instagramHandle": "ADA.BROWN", "styles": ["nowhere"]}
    stranger["studioInfo"] = {"studioId": "studio-z"}
    good.table.put([item(Kind.ARTIST, stranger)])
    good.index.put([document(stranger)])
    assert set(good.found()) == {
        ("duplicate-handle", "table", "ARTIST#artist-b METADATA", "instagramHandle"),
        ("duplicate-handle", "index", "artist-b", "instagramHandle"),
        ("style-unknown", "table", "ARTIST#artist-b METADATA", "styles.0"),
        ("style-unknown", "index", "artist-b", "styles.0"),
        ("studio-unknown", "table", "ARTIST#artist-b METADATA", "studioInfo.studioId"),
    }


@pytest.mark.parametrize("form", ["METADATA", "PROFILE"])
def test_of_two_items_of_one_artist_ours_is_compared(good: Place, form: str) -> None:
    entry = item(Kind.ARTIST, {**ARTIST, "bio": "second"})
    other = Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))
    entries = {**(good.table._entries or {}), other.key: other}
    good.table._entries = dict(sorted(entries.items(), key=lambda each: form not in each[0]))
    assert good.found(What.CONSISTENCY) == []
    assert (
        read_all(good.env.stores, good.env.pool, project=True, keep=False)[TABLE].artists
        == read_all(good.env.stores, good.env.pool, keep=False)[INDEX].artists
    )
    good.index.put([edited("bio", "changed")])
    assert good.found(What.CONSISTENCY) == [("document-differs", "index", "artist-a", "bio")]


def test_the_same_record_under_both_key_forms(good: Place) -> None:
    entry = item(Kind.ARTIST, ARTIST)
    good.table.put([Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))])
    assert set(good.found(What.DATABASE)) == {
        ("duplicate-id", "table", "ARTIST#artist-a PROFILE", ""),
        ("duplicate-handle", "table", "ARTIST#artist-a PROFILE", "instagramHandle"),
        ("node-key-form", "table", "ARTIST#artist-a PROFILE", "SK"),
    }


def test_a_style_of_ones_own_is_known_to_the_index_by_the_table(good: Place) -> None:
    own = {**ARTIST, "styles": ["mine"]}
    good.index.put([document(own)])
    assert good.found(What.OPENSEARCH) == [("style-unknown", "index", "artist-a", "styles.0")]
    good.table.put([item(Kind.STYLE, {"styleId": "mine", "styleName": "Mine", "description": "d"})])
    assert good.found(What.OPENSEARCH) == []
    good.table.is_gone = True
    report = validate_live(good.env, DAY, ValidateOptions(what=What.OPENSEARCH))
    assert (len(report.findings), "could not be asked" in report.notes[0]) == (0, True)


def test_every_rule_of_the_stores_is_shown_here_or_with_records() -> None:
    shown = {
        *("store-absent", "store-empty", "table-structure", "table-stream", "index-mapping", "index-read-only"),
        *("record-unreadable", "document-without-source", "document-shape", "document-missing", "document-extra"),
        *("document-differs", "image-missing", "image-unused"),
    }
    assert {rule.id for rule in RULES} == shown | {"document-location"}
