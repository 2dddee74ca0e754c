"""Why, on a target in memory: what a key means, what is there, and which runs wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tattoo_data.errors import StoreMissing, StructureRefused, UnknownName, UsageError
from tattoo_data.model.before import BeforeImage
from tattoo_data.model.difference import spell_path
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.runs.session import WriteOptions
from tattoo_data.settings import resolve
from tattoo_data.stores.base import Description
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tattoo_data.views.diff import Became
from tattoo_data.views.located import image_base, seek
from tattoo_data.views.touched import Touch
from tattoo_data.views.why import Known, why
from tests.engine.test_plan import Content
from tests.runs import Desk, NoIndex, desk

TABLE, INDEX, IMAGES = StoreName
ONE = "artist-00001"
KEY = item_key(f"ARTIST#{ONE}", "METADATA")
SETTINGS = resolve({}, {}, Path("/"))
BASE = image_base(SETTINGS)
ADA: Content = dict.fromkeys(range(6), "Ada")


class Door(NoIndex):
    """An index that finds no document which `get` does not."""

    def search(self, body: Any) -> Any:
        assert body["query"]["ids"]["values"]
        return {"hits": {"hits": []}}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with ThreadPoolExecutor(2) as pool:
        made = desk(tmp_path, pool)
        yield replace(made, env=replace(made.env, index=cast(Any, Door())))


def item(pk: str, sk: str = "METADATA", **attributes: Any) -> Entry:
    key = item_key(pk, sk)
    return Entry(key, json.dumps({"PK": {"S": pk}, "SK": {"S": sk}, **attributes}).encode())


def touches(known: Known, store: StoreName) -> list[Touch]:
    return [each for each in known.touched.touches if each.store is store]


def told(found: list[Touch]) -> list[tuple[str, str, list[tuple[str, object, object]] | None]]:
    return [
        (
            each.past.run.command,
            each.became.value,
            None
            if each.fields is None
            else [(spell_path(field.path), field.before, field.after) for field in each.fields],
        )
        for each in found
    ]


@pytest.mark.parametrize(
    ("text", "store", "key"),
    [
        (ONE, TABLE, KEY),
        (ONE, TABLE, item_key(f"ARTIST#{ONE}", "PROFILE")),
        (ONE, INDEX, ONE),
        (ONE, INDEX, f"ARTIST#{ONE}"),
        ("celtic", TABLE, item_key("STYLE#celtic", "METADATA")),
        (f"ARTIST#{ONE}", TABLE, KEY),
        (f"ARTIST#{ONE}", INDEX, ONE),
        (f"ARTIST#{ONE}", TABLE, item_key(f"ARTIST#{ONE}", "STATUS#1")),
        (f"ARTIST#{ONE}/METADATA", TABLE, KEY),
        (f"ARTIST#{ONE} METADATA", INDEX, ONE),
        (KEY, TABLE, KEY),
        (KEY, INDEX, ONE),
        ("A/B/C", TABLE, item_key("A", "B/C")),
        ("A/B/C", TABLE, item_key("A/B", "C")),
        ('é"/x', TABLE, item_key('é"', "x")),
        ("pictures/1.png", IMAGES, "pictures/1.png"),
        (f"{BASE}pictures/1%20a.png", IMAGES, "pictures/1 a.png"),
        (f"{BASE}pictures/1%20a.png", IMAGES, "pictures/1%20a.png"),
    ],
)
def test_what_a_text_may_mean(text: str, store: StoreName, key: str) -> None:
    assert seek(SETTINGS, text).matches(store, key)


@pytest.mark.parametrize(
    ("text", "store", "key"),
    [
        (ONE, TABLE, item_key("ARTIST#artist-000011", "METADATA")),
        (ONE, TABLE, item_key(f"ARTIST#{ONE}", "STATUS#1")),
        (f"ARTIST#{ONE}", TABLE, item_key("ARTIST#artist-000011", "METADATA")),
        (f"ARTIST#{ONE}/METADATA", TABLE, item_key(f"ARTIST#{ONE}", "PROFILE")),
        (ONE, INDEX, "artist-000011"),
        ("{", TABLE, KEY),
    ],
)
def test_what_a_text_does_not_mean(text: str, store: StoreName, key: str) -> None:
    assert not seek(SETTINGS, text).matches(store, key)


def test_no_key_is_asked_for_that_a_store_refuses() -> None:
    sought = seek(SETTINGS, f"{'x' * 3_000}/y")
    assert sought.items == frozenset()
    assert sought.documents == sought.images == frozenset()
    assert all('"S":""' not in key for key in seek(SETTINGS, "/a/").items)


def test_an_artist_by_id_key_and_document(place: Desk) -> None:
    place.write(ADA)
    for text in (ONE, f"ARTIST#{ONE}", f"ARTIST#{ONE}/METADATA", KEY):
        known = why(place.env, text)
        assert [entry.key for entry in known.items] == [KEY]
        (seen,) = known.documents
        assert (seen.id, seen.is_equal, known.references) == (ONE, False, None)
        assert seen.differences is not None
        # The samples' documents hold other fields than their items.
        assert {spell_path(each.path): (each.before, each.after) for each in seen.differences}.keys() == {
            "artistId",
            "n",
            "rating",
        }
        assert {each.rule for each in known.findings} >= {"required-field", "document-differs"}


def test_an_item_without_its_document_and_the_other_way_round(place: Desk) -> None:
    place.write(ADA)
    place.env.stores.index.delete([cast(Any, make_entry(INDEX, 1))])
    place.env.stores.table.delete([cast(Any, make_entry(TABLE, 2))])
    (seen,) = why(place.env, ONE).documents
    assert (seen.document, seen.is_equal) == (None, None)
    assert seen.projection is not None
    assert "document-missing" in {each.rule for each in why(place.env, ONE).findings}
    known = why(place.env, "artist-00002")
    assert (known.items, known.documents[0].projection, known.documents[0].is_equal) == ((), None, None)
    assert "document-extra" in {each.rule for each in known.findings}


def test_both_key_forms_are_shown_and_judged(place: Desk) -> None:
    place.write(ADA)
    place.env.stores.table.put([item(f"ARTIST#{ONE}", "PROFILE", artistName={"S": "Node"})])
    known = why(place.env, ONE)
    assert [entry.key for entry in known.items] == [KEY, item_key(f"ARTIST#{ONE}", "PROFILE")]
    assert "node-key-form" in {each.rule for each in known.findings}


@pytest.mark.parametrize("tags", [{"B": "AAE="}, {"BS": ["AAE=", "Ag=="]}])
def test_what_binary_is_wrong_is_shown(place: Desk, tags: dict[str, Any]) -> None:
    place.write(ADA)
    place.env.stores.table.put([item("ARTIST#b", tags=tags, artistName={"B": "Ag=="})])
    values = [each.value for each in why(place.env, "b").findings if each.field == "artistName"]
    assert '"Ag=="' in values


def test_all_items_of_a_partition_that_is_no_record(place: Desk) -> None:
    place.write(ADA)
    place.env.stores.table.put([item("AUDIT#1", f"2026/{number}") for number in range(3)])
    place.env.stores.table.put([item("AUDIT#10", "2026/0")])
    assert len(why(place.env, "AUDIT#1").items) == 3
    (one,) = why(place.env, "AUDIT#1/2026/2").items
    assert one.key == item_key("AUDIT#1", "2026/2")


def test_an_image_with_everything_that_links_to_it(place: Desk) -> None:
    place.write(ADA)
    url = f"{BASE}pictures/00001%20%C3%A9.png"
    place.env.stores.table.put([item("STYLE#celtic", "METADATA", images={"L": [{"S": url}]})])
    place.env.stores.table.put([item("NOTE#1", "x", text={"S": f"see {url} there"})])
    place.env.stores.index.put([Entry("artist-00009", b'{"avatar":"%s"}' % f"{BASE}pictures/00001 é.png".encode())])
    for text in ("pictures/00001 é.png", url):
        known = why(place.env, text)
        assert [(each.store, each.key) for each in known.references or ()] == [
            (TABLE, item_key("STYLE#celtic", "METADATA")),
            (INDEX, "artist-00009"),
        ]
        (picture,) = known.pictures
        assert picture.entry is not None
        assert picture.key == "pictures/00001 é.png"
        assert known.findings == ()
    known = why(place.env, "pictures/00002 é.png")
    assert (known.references, [each.rule for each in known.findings]) == ((), ["image-unused"])


def test_an_image_that_is_missing_but_linked_to(place: Desk) -> None:
    place.write(ADA)
    place.env.stores.table.put([item("STYLE#celtic", "METADATA", image={"S": f"{BASE}gone.png"})])
    known = why(place.env, "gone.png")
    assert [each.key for each in known.references or ()] == [item_key("STYLE#celtic", "METADATA")]
    assert [(each.key, each.entry) for each in known.pictures] == [("gone.png", None)]
    of_style = why(place.env, "celtic")
    assert [(each.key, each.entry) for each in of_style.pictures] == [("gone.png", None)]
    assert of_style.references is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("artist-0001", "artist-00001"),
        ("ARTIST#artist-0001", "artist-00001"),
        ("pictures/0001 é.png", "pictures/00001 é.png"),
        ("AUDIT#2", "AUDIT#1"),
    ],
)
def test_nothing_known_names_what_is_like_it(place: Desk, text: str, nearest: str) -> None:
    place.write(ADA)
    place.env.stores.table.put([item("AUDIT#1", "x")])
    with pytest.raises(UnknownName) as unknown:
        why(place.env, text)
    assert unknown.value.exit_code == 10
    assert nearest in unknown.value.message
    with pytest.raises(UnknownName, match="nothing like it"):
        why(place.env, "qqqqqqqq")


def test_a_text_that_is_none(place: Desk) -> None:
    place.write({})
    for text in ("", "\udce9"):
        with pytest.raises(UsageError):
            why(place.env, text)


def test_a_store_that_is_missing_or_of_another_structure(place: Desk) -> None:
    with pytest.raises(StoreMissing, match="the table table"):
        why(place.env, ONE)
    place.env.stores.table.ensure()
    with pytest.raises(StoreMissing, match="the index index"):
        why(place.env, ONE)

    class Other(MemoryStore):
        def describe(self) -> Description:
            return Description(name="table", engine="memory", refused=("it has the keys id",))

    place.env.stores.index.ensure()
    other = replace(place.env, stores=replace(place.env.stores, table=Other(TABLE)))
    with pytest.raises(StructureRefused):
        why(other, ONE)


def test_a_missing_image_bucket_is_no_finding_of_each_link(place: Desk, tmp_path: Path) -> None:
    for store in (TABLE, INDEX):
        place.env.stores[store].ensure()
    place.env.stores.table.put([item(f"ARTIST#{ONE}", avatar={"S": f"{BASE}a.png"})])
    known = why(place.env, ONE)
    assert [(each.key, each.entry) for each in known.pictures] == [("a.png", None)]
    assert "image-missing" not in {each.rule for each in known.findings}
    place.env.stores.images.ensure()
    assert "image-missing" in {each.rule for each in why(place.env, ONE).findings}


def test_each_run_tells_what_it_changed(place: Desk) -> None:
    place.write({1: "Ada"}, "seed", "a")
    place.write({1: "Ada", 2: "Ada"}, "seed", "another record")
    place.write({1: "Mae"}, "reset", "b")
    place.write({}, "clear")
    place.undo()
    known = why(place.env, ONE)
    assert told(touches(known, TABLE)) == [
        ("undo", "created", []),
        ("clear", "deleted", []),
        ("reset", "changed", [("artistName", {"S": "Ada é"}, {"S": "Mae é"})]),
        ("seed", "created", []),
    ]
    assert [each.past.stands for each in touches(known, TABLE)] == ["done", "undone", "done", "done"]
    assert [each.key for each in touches(known, INDEX)] == [ONE] * 4
    assert known.touched.untold == ()


def test_what_was_deleted_is_still_known_by_its_runs(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    place.write({}, "clear")
    known = why(place.env, ONE)
    assert (known.items, known.documents, known.pictures, known.references) == ((), (), (), None)
    assert [each.became for each in touches(known, TABLE)] == [Became.DELETED, Became.CREATED]


def test_where_somebody_wrote_in_between_what_a_run_wrote_is_not_guessed(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    place.write({1: "Mae"}, "reset")
    place.env.stores.table.put([make_entry(TABLE, 1, "Zora")])
    assert told(touches(why(place.env, ONE), TABLE)) == [("reset", "changed", None), ("seed", "created", [])]
    place.write({1: "Ada"}, "import")
    assert told(touches(why(place.env, ONE), TABLE)) == [
        ("import", "changed", [("artistName", {"S": "Zora é"}, {"S": "Ada é"})]),
        ("reset", "changed", None),
        ("seed", "created", []),
    ]


def test_an_image_that_stands_instead_counts(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    place.write({1: "Mae"}, "reset")
    run = place.newest()
    zora = make_entry(TABLE, 1, "Zora")
    assert run.files is not None
    kept = dict(place.env.before_images.read(run.id, run.files))
    instead = BeforeImage(KEY, zora.body, kept[TABLE][0].after, instead=True)
    place.env.before_images.write(run.id, run.files + 1, TABLE, [instead])
    place.env.runs.write(replace(run, files=run.files + 1))
    assert told(touches(why(place.env, ONE), TABLE))[0] == (
        "reset",
        "changed",
        [("artistName", {"S": "Zora é"}, {"S": "Mae é"})],
    )


def test_runs_of_which_nobody_can_tell_are_named(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    place.write({1: "Mae"}, "reset", options=WriteOptions(undo=False))
    place.write({1: "Ada", 2: "Ada"}, "import")
    (no_undo,) = why(place.env, ONE).touched.untold
    assert no_undo.startswith("reset (")
    assert "kept no before-images" in no_undo
    damaged = place.newest()
    (file,) = [key for key in place.shelf.keys(f"runs/{damaged.id}/") if key.endswith("000001.jsonl.zst")]
    place.shelf.put(file, Blob(b"x", "application/zstd"))
    untold = why(place.env, ONE).touched.untold
    assert [each.partition(" ")[0] for each in untold] == ["import", "reset"]
    assert file in untold[0]


def test_nothing_is_written(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    before = dict(place.shelf.held)
    asked = len(place.shelf.asked)
    why(place.env, ONE)
    with pytest.raises(UnknownName):
        why(place.env, "nobody")
    assert place.shelf.held == before
    assert not {"put_if", "delete_if"} & set(place.shelf.asked[asked:])


def test_only_this_targets_runs_count(place: Desk) -> None:
    place.write({1: "Ada"}, "seed")
    place.env.runs.write(replace(place.newest(), target="another"))
    assert why(place.env, ONE).touched.touches == ()
