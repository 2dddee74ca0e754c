"""Fix: each rule that is mended, spoiled and found no more, and what is left as it is, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.catalog import Context, load
from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_object
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.model.keys import item_key, record_key
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.runs.session import WriteOptions
from tattoo_data.runs.undo import UndoOptions, undo
from tattoo_data.stores.base import Exchange, Outcome, Target
from tattoo_data.validation.fix import Fixed, fix
from tattoo_data.validation.report import Report
from tattoo_data.validation.rules.every import RULES
from tattoo_data.validation.rules.stores import MISSING
from tattoo_data.validation.validate import ValidateOptions, What, validate_live
from tests.engine.derived import Door, Indexes
from tests.engine.test_plan import held
from tests.runs import Killed, desk
from tests.validation.samples import ARTIST, DROP, STUDIO, changed, document, item
from tests.validation.test_live import BUCKET, DAY, DOTWORK, IMAGES, INDEX, TABLE, Place, Shown

A, S = Kind.ARTIST, Kind.STUDIO
KEY = record_key(A, "artist-a")
PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
OTHER = {**ARTIST, "artistId": "artist-b", "instagramHandle": "b", "studioInfo": None}
DRY = WriteOptions(dry_run=True)


class Store(Shown):
    """A store whose structure can be mended, that somebody else writes at set moments, that refuses what it is told,
    and at which the command can die."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.before_write: list[Callable[[], object]] = []
        self.refused: set[str] = set()
        self.dies = False

    def ensure(self) -> None:
        super().ensure()
        self.about = {}

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        if self.dies:
            raise Killed
        while self.before_write:
            self.before_write.pop()()
        return [self._taken(each) for each in exchanges]

    def _taken(self, exchange: Exchange) -> Outcome:
        if exchange.key in self.refused:
            return Outcome(exchange.key, "ValidationException", "no")
        return super().exchange([exchange])[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    stores = {name: Store(name) for name in StoreName}
    with ThreadPoolExecutor(2) as pool:
        env = desk(tmp_path, pool, {name.value: store for name, store in stores.items()}).env
        yield Place(replace(env, settings=replace(env.settings, image_bucket="tattoo-directory-images")), stores)


@pytest.fixture
def good(place: Place) -> Place:
    place.fill()
    return place


def report_of(place: Place, what: What = What.ALL, **options: Any) -> Report:
    return validate_live(place.env, DAY, ValidateOptions(what=what, **options))


def mend(place: Place, what: What = What.ALL, *, write: WriteOptions | None = None, **options: Any) -> Fixed:
    """Check and mend, as the command does."""
    return fix(place.env, report_of(place, what, **options), write or WriteOptions())


def rules(place: Place, what: What = What.ALL) -> set[str]:
    return {rule for rule, *_ in place.found(what)}


def fingerprint(env: Environment) -> str:
    live = read_all(env.stores, env.pool, keep=False)
    return state_fingerprint({name: live[name].total.hex() for name in StoreName})


def put(place: Place, kind: Kind = A, *, whole: bool = True, **changes: Any) -> Entry:
    """Write a good record with some changes, and with `whole` an artist's document too."""
    entry = item(kind, changed(kind, {name.replace("__", "."): value for name, value in changes.items()}))
    place.table.put([entry])
    if kind is A and whole:
        made = document_of(entry)
        assert made is not None
        place.index.put([made])
    return entry


def fields(place: Place, key: str = KEY) -> Any:
    """The attributes of an item."""
    (entry,) = place.table.get([key])
    return json.loads(entry.body)


def agree(place: Place) -> None:
    """Require that each document is what its item gives."""
    there = held(place.env.stores)
    made = [each for key, body in there[TABLE].items() if (each := document_of(Entry(key, body))) is not None]
    assert {key: canonical_document(body) for key, body in there[INDEX].items()} == {
        each.key: each.body for each in made
    }


# Each rule that is mended.


def _own_id(place: Place) -> None:
    entry = item(A, {**ARTIST, "artistId": "other"}, "artist-a")
    place.table.put([entry])
    place.index.put([document({**ARTIST, "artistId": "other"}, "artist-a")])


def _wrong_key(place: Place) -> None:
    body = json.loads(item(A, ARTIST).body) | {"gsi3pk": {"S": "INSTAGRAM#other"}}
    place.table.put([Entry(KEY, json.dumps(body).encode())])


def _elsewhere(place: Place) -> None:
    other = {**STUDIO, "studioId": "studio-b", "artists": ["artist-a"]}
    place.table.put([item(S, other)])


def _edited(place: Place, **changes: object) -> None:
    body = json.loads(document(ARTIST).body) | changes
    place.index.put([Entry("artist-a", json.dumps(body).encode())])


def _forget(place: Place, store: StoreName, *keys: str) -> None:
    place.env.stores[store].delete([Target(key) for key in keys])


def _lose(place: Place, store: StoreName) -> None:
    place.env.stores[store]._entries = None  # type: ignore[attr-defined]


def _say(place: Place, store: StoreName, *missing: str) -> None:
    place.env.stores[store].about = {"missing": missing}  # type: ignore[attr-defined]


SPOILED: list[tuple[str, Callable[[Place], object]]] = [
    ("handle-form", lambda place: put(place, instagramHandle="@ada.brown")),
    ("geohash-form", lambda place: put(place, geohash="gcvwrya")),
    ("geohash-place", lambda place: put(place, geohash="gcpvj0d")),
    ("geohash-place", lambda place: put(place, S, geohash="gcpvj0d")),
    ("postcode-spelling", lambda place: put(place, S, postcode="eh63sx")),
    ("postcode-spelling", lambda place: put(place, studioInfo__postcode="eh63sx")),
    ("specialty-form", lambda place: put(place, specialties=["knots", "Knots", ""])),
    ("id-differs-from-key", _own_id),
    ("index-key", _wrong_key),
    ("artist-not-listed", lambda place: put(place, S, artists=[])),
    ("artist-not-listed", lambda place: put(place, S, artists=DROP)),
    ("studio-lists-other", _elsewhere),
    ("studio-lists-other", lambda place: put(place, studioInfo=DROP)),
    ("studio-lists-nobody", lambda place: put(place, S, artists=["artist-a", "nobody"])),
    ("document-missing", lambda place: _forget(place, INDEX, "artist-a")),
    ("document-extra", lambda place: place.index.put([document(OTHER)])),
    ("document-differs", lambda place: _edited(place, bio="other", syncHash="x")),
    ("document-location", lambda place: _edited(place, location={"lat": 1, "lon": 2})),
    ("document-without-source", lambda place: place.index.put([Entry("artist-a", b"null")])),
    ("image-missing", lambda place: _forget(place, BUCKET, IMAGES[0])),
    ("store-absent", lambda place: _lose(place, INDEX)),
    ("store-absent", lambda place: _lose(place, BUCKET)),
    ("table-structure", lambda place: _say(place, TABLE, "the index instagram-index")),
    ("table-stream", lambda place: _say(place, TABLE, "the stream")),
    ("index-read-only", lambda place: _say(place, INDEX, "the permission to write")),
]
#: What is said beside it, and goes with it.
BESIDE = {"unknown-field", "index-key-shard"}
#: Its test needs an index that can be swapped.
SWAPPED = "index-mapping"


@pytest.mark.parametrize(("rule", "spoil"), SPOILED, ids=[f"{rule} {n}" for n, (rule, _) in enumerate(SPOILED)])
def test_what_a_rule_finds_is_mended_and_found_no_more(
    good: Place, rule: str, spoil: Callable[[Place], object]
) -> None:
    spoil(good)
    before = fingerprint(good.env)
    assert rule in rules(good)
    fixed = mend(good)
    assert fixed.tried[rule] >= 1
    assert fixed.left.keys() <= BESIDE
    assert (fixed.change.failures, dict(fixed.change.drifted)) == ((), {})
    assert fixed.change.run
    assert fixed.change.fingerprint == fingerprint(good.env)
    assert good.found() == []
    agree(good)
    again = mend(good)
    assert (again.change.run, dict(again.tried), dict(again.left)) == (None, {}, {})
    taken_back = undo(good.env, UndoOptions()).change
    assert taken_back.failures == ()
    assert fingerprint(good.env) == before


def test_the_documentation_names_just_the_rules_that_are_mended() -> None:
    section = PAGE.read_text("utf-8").partition("\n## Mending\n")[2].partition("\n## ")[0]
    heads = [line.partition(":")[0] for line in section.splitlines() if line.startswith("- `")]
    named = {rule for head in heads for rule in head.split("`")[1::2]}
    assert named == {SWAPPED, *(rule for rule, _ in SPOILED)}
    assert named < RULES.keys()


def test_several_things_at_once_are_one_run(good: Place) -> None:
    put(good, whole=False, instagramHandle="@ada.brown", geohash="gcpvj0d", specialties=["a", "a"])
    put(good, S, artists=["nobody"], postcode="eh63sx")
    good.index.put([document(OTHER)])
    _forget(good, BUCKET, *IMAGES)
    fixed = mend(good)
    assert fixed.tried.keys() >= {"handle-form", "artist-not-listed", "studio-lists-nobody", "document-extra"}
    assert fixed.change.removed == {"documents": 1}
    counts = {name: (each.created, each.replaced, each.deleted) for name, each in fixed.change.counts.items()}
    assert counts == {TABLE: (0, 2, 0), INDEX: (0, 1, 1), BUCKET: (2, 0, 0)}
    assert good.found() == []
    studio = fields(good, record_key(S, "studio-a"))
    assert (studio["artists"], studio["gsi2pk"]) == ({"L": [{"S": "artist-a"}]}, {"S": "POSTCODE#EH6 3SX"})
    agree(good)


# What a person has to look at.


LEFT: list[tuple[str, Callable[[Place], object]]] = [
    ("rating-range", lambda place: put(place, rating=7)),
    ("required-field", lambda place: put(place, locationDisplay="")),
    ("handle-form", lambda place: put(place, instagramHandle="ada brown")),
    ("geohash-place", lambda place: put(place, latitude=ARTIST["longitude"], longitude=ARTIST["latitude"])),
    ("postcode-form", lambda place: put(place, S, postcode="nowhere")),
    ("unknown-field", lambda place: put(place, hobby="chess")),
    ("style-unknown", lambda place: put(place, styles=["nothing"])),
    ("studio-unknown", lambda place: put(place, studioInfo__studioId="studio-z") and put(place, S, artists=[])),
    ("node-key-form", lambda place: _moved(place)),
    ("document-shape", lambda place: place.index.put([Entry("ARTIST#artist-a", document(ARTIST).body)])),
    ("image-unused", lambda place: place.images.put([Entry("old.png", canonical_object("0" * 32, 1))])),
    ("image-missing", lambda place: put(place, avatar=f"{_BASE}own.png")),
    ("store-absent", lambda place: _lose(place, TABLE)),
    ("store-empty", lambda place: _empty(place)),
    ("document-extra", lambda place: place.index.put([Entry("page-1", b'{"title":"no artist"}')])),
]
_STUDIO = record_key(S, "studio-a")
_BASE = "http://localhost:4566/tattoo-directory-images/"


def _moved(place: Place) -> None:
    entry = item(A, ARTIST)
    _forget(place, TABLE, entry.key)
    place.table.put([Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))])


def _empty(place: Place) -> None:
    """The table is there and holds nothing: every document is too much."""
    place.table._entries = {}


@pytest.mark.parametrize(("rule", "spoil"), LEFT, ids=[f"{rule} {n}" for n, (rule, _) in enumerate(LEFT)])
def test_what_nobody_can_mend_stays_as_it_is(good: Place, rule: str, spoil: Callable[[Place], object]) -> None:
    spoil(good)
    before, found = held(good.env.stores), good.found()
    fixed = mend(good)
    assert rule in {**fixed.tried, **fixed.left}
    assert sum(fixed.tried.values()) + sum(fixed.left.values()) == len(found)
    assert fixed.change.run is None
    assert held(good.env.stores) == before
    assert good.found() == found


def test_documents_that_share_an_id_are_refused_before_anything_is_mended(good: Place) -> None:
    good.index.more = [replace(document(ARTIST), routing="r")]
    before = held(good.env.stores)
    assert "document-extra" in rules(good)
    with pytest.raises(IntegrityFailed, match="artist-a"):
        mend(good)
    assert held(good.env.stores) == before


@pytest.mark.parametrize("rule", ["rating-range", "document-shape", "image-unused", "studio-unknown", "store-empty"])
def test_what_there_is_no_mend_for_is_counted_as_left(good: Place, rule: str) -> None:
    dict(LEFT)[rule](good)
    fixed = mend(good)
    assert rule in fixed.left
    assert rule not in fixed.tried


def test_documents_stay_where_the_table_holds_no_artist(good: Place) -> None:
    _forget(good, TABLE, KEY)
    assert "document-extra" in rules(good)
    fixed = mend(good, only=frozenset({"document-extra"}))
    assert (dict(fixed.tried), dict(fixed.left), fixed.change.run) == ({}, {"document-extra": 1}, None)
    assert set(held(good.env.stores)[INDEX]) == {"artist-a"}
    put(good, whole=False, artistId="artist-c", instagramHandle="c")
    assert mend(good, only=frozenset({"document-extra"})).tried == {"document-extra": 1}
    assert held(good.env.stores)[INDEX] == {}


def test_a_document_of_another_kind_is_no_artist_too_many(good: Place) -> None:
    good.index.put([document(OTHER), Entry("page-1", b'{"title":"x"}'), Entry("page-2", b'{"artistId":"other"}')])
    fixed = mend(good, What.CONSISTENCY)
    assert (fixed.tried, fixed.left) == ({"document-extra": 1}, {"document-extra": 2})
    assert set(held(good.env.stores)[INDEX]) == {"artist-a", "page-1", "page-2"}


def test_an_absent_index_is_not_made_of_the_few_records_that_were_mended(good: Place) -> None:
    put(good, whole=False, instagramHandle="@ada.brown")
    good.table.put([item(A, OTHER)])
    _lose(good, INDEX)
    fixed = mend(good, What.DATABASE)
    assert fixed.tried == {"handle-form": 1}
    assert fields(good)["instagramHandle"] == {"S": "ada.brown"}
    assert good.index.describe() is None
    assert mend(good, skip=frozenset({"store-absent"})).change.run is None
    assert mend(good, What.OPENSEARCH).tried == {"store-absent": 1}
    agree(good)


@pytest.mark.parametrize("form", ["METADATA", "PROFILE"])
def test_of_two_items_of_one_artist_ours_gives_the_document(good: Place, form: str) -> None:
    old = item(A, {**ARTIST, "bio": "old", "instagramHandle": "@ada.brown"})
    other = Entry(old.key.replace("METADATA", "PROFILE"), old.body.replace(b"METADATA", b"PROFILE"))
    entries = {KEY: item(A, ARTIST), other.key: other}
    good.table._entries = dict(sorted(entries.items(), key=lambda each: form not in each[0]))
    _edited(good, bio="nothing")
    mend(good)
    assert fields(good, other.key)["instagramHandle"] == {"S": "ada.brown"}
    assert held(good.env.stores)[INDEX] == {"artist-a": document(ARTIST).body}


def test_what_no_item_can_hold_is_left_as_it_is_beside_what_is_mended(good: Place) -> None:
    digits = "1" * 39
    body = json.loads(put(good, instagramHandle="@ada.brown").body) | {"digits": {"N": digits}}
    good.table.put([Entry(KEY, json.dumps(body).encode())])
    put(good, S, postcode="eh63sx")
    fixed = mend(good, What.DATABASE)
    assert fixed.change.failures == ()
    assert fields(good)["instagramHandle"] == {"S": "ada.brown"}
    assert fields(good)["digits"] == {"N": digits}
    assert fields(good, _STUDIO)["postcode"] == {"S": "EH6 3SX"}


# What limits it.


def _spoil_all(place: Place) -> None:
    put(place, instagramHandle="@ada.brown", specialties=["a", "a"])
    put(place, S, postcode="eh63sx")
    place.index.put([document(OTHER)])


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"only": {"handle-form"}}, {"handle-form"}),
        ({"only": {"document-extra", "postcode-spelling"}}, {"document-extra", "postcode-spelling"}),
        ({"skip": {"handle-form", "document-extra"}}, {"specialty-form", "postcode-spelling"}),
        ({"only": {"rating-range"}}, set()),
    ],
)
def test_rules_limit_what_is_mended(good: Place, options: dict[str, set[str]], gone: set[str]) -> None:
    _spoil_all(good)
    every = rules(good)
    chosen: dict[str, Any] = {name: frozenset(value) for name, value in options.items()}
    fixed = mend(good, **chosen)
    assert fixed.tried.keys() == gone
    assert rules(good) == every - gone
    assert (fixed.change.run is None) is (not gone)


def test_findings_of_a_baseline_are_not_mended(good: Place, tmp_path: Path) -> None:
    _spoil_all(good)
    known = {"rule": "handle-form", "store": "table", "key": KEY, "field": "instagramHandle"}
    baseline = tmp_path / "known.jsonl"
    baseline.write_text("\n".join(json.dumps(each) for each in ({"format": 1}, known)))
    assert "handle-form" not in mend(good, baseline=baseline).tried
    assert rules(good) == {"handle-form"}


def test_a_plan_changes_nothing_and_is_what_is_done(good: Place) -> None:
    _spoil_all(good)
    _say(good, TABLE, "the stream")
    before = held(good.env.stores)
    planned = mend(good, write=DRY)
    assert held(good.env.stores) == before
    assert good.env.runs.newest_first(good.env.target.id, good.env.pool).runs == ()
    assert (planned.change.run, planned.change.fingerprint) == (None, None)
    done = mend(good)
    assert (planned.tried, planned.left, planned.change.counts) == (done.tried, done.left, done.change.counts)
    assert [step.key for step in planned.change.plan.stores[INDEX].steps()] == ["artist-a", "artist-b"]
    assert planned.change.plan.stores[TABLE].structure == ("add the stream",)


def test_without_undo_it_mends_too_and_nothing_is_kept(good: Place) -> None:
    _spoil_all(good)
    assert mend(good, write=WriteOptions(undo=False)).change.failures == ()
    assert good.found() == []


# The index's mapping.


@dataclass(frozen=True, slots=True)
class Swapping:
    """A good place whose index can be built anew, and has another mapping."""

    env: Environment
    indexes: Indexes


@pytest.fixture
def swapping(good: Place) -> Swapping:
    indexes = Indexes()
    door = Door(indexes)
    door.ensure()
    door.put([document(ARTIST), Entry("ARTIST#artist-a", b'{"PK":"x"}')])
    indexes.differs = ("artistId: type is text, not keyword",)
    stores = replace(good.env.stores, index=door, index_door=door)
    return Swapping(replace(good.env, stores=stores, index=door), indexes)


def test_an_index_with_another_mapping_is_built_anew_and_keeps_its_documents(good: Place, swapping: Swapping) -> None:
    options = ValidateOptions(what=What.ALL)
    report = validate_live(swapping.env, DAY, options)
    assert report.findings.counts[SWAPPED] == 1
    before = held(swapping.env.stores)
    fixed = fix(swapping.env, report, WriteOptions())
    assert (fixed.tried, fixed.left) == ({SWAPPED: 1}, {"document-shape": 1})
    assert fixed.change.failures == ()
    assert held(swapping.env.stores) == before
    assert swapping.indexes.behind != ["index"]
    again = validate_live(swapping.env, DAY, options)
    assert SWAPPED not in again.findings.counts
    assert fix(swapping.env, again, WriteOptions()).change.run is None


# Somebody else writes meanwhile.


def test_a_record_that_changed_since_it_was_checked_is_mended_in_its_new_form(good: Place) -> None:
    put(good, instagramHandle="@ada.brown")
    report = report_of(good)
    put(good, instagramHandle="@ada.brown", bio="Edited.", geohash="gcpvj0d")
    fixed = fix(good.env, report, WriteOptions())
    assert fixed.change.failures == ()
    now = fields(good)
    assert (now["bio"], now["instagramHandle"]) == ({"S": "Edited."}, {"S": "ada.brown"})
    assert now["geohash"] == {"S": "gcpvj0d"}, "no rule was asked about it"
    agree(good)


def test_a_record_that_changes_while_it_is_mended_keeps_the_edit(good: Place) -> None:
    put(good, instagramHandle="@ada.brown")
    assert isinstance(good.table, Store)
    good.table.before_write.append(lambda: put(good, instagramHandle="@ada.brown", bio="Edited."))
    fixed = mend(good)
    assert fixed.change.failures == ()
    assert fixed.change.drifted[TABLE] == (KEY,)
    assert good.found() == []
    assert fields(good)["bio"] == {"S": "Edited."}
    agree(good)
    undo(good.env, UndoOptions())
    assert (fields(good)["bio"], fields(good)["instagramHandle"]) == ({"S": "Edited."}, {"S": "@ada.brown"})


def test_what_somebody_else_put_right_is_not_written(good: Place) -> None:
    _spoil_all(good)
    put(good, S, artists=["nobody"])
    report = report_of(good)
    good.fill()
    _forget(good, INDEX, "artist-b")
    before = held(good.env.stores)
    assert fix(good.env, report, WriteOptions()).change.run is None
    assert held(good.env.stores) == before


def test_a_record_that_goes_while_it_is_mended_stays_gone_and_so_does_its_document(good: Place) -> None:
    put(good, instagramHandle="@ada.brown")
    put(good, whole=False, artistId="artist-c", instagramHandle="c", studioInfo=DROP)
    assert isinstance(good.table, Store)
    good.table.before_write.append(lambda: _forget(good, TABLE, KEY))
    fixed = mend(good)
    assert fixed.change.failures == ()
    assert KEY not in held(good.env.stores)[TABLE]
    assert set(held(good.env.stores)[INDEX]) == {"artist-c"}


def test_a_studio_lists_whom_the_artists_name_by_now(good: Place) -> None:
    b, c = ({**OTHER, "artistId": f"artist-{each}", "instagramHandle": each} for each in "bc")
    good.table.put([item(A, {**each, "studioInfo": ARTIST["studioInfo"]}) for each in (b, c)])
    put(good, S, artists=["artist-a", "artist-d", "artist-e"])
    report = report_of(good, What.DATABASE)
    assert report.findings.counts == {"artist-not-listed": 2, "studio-lists-nobody": 2}
    d = {**OTHER, "artistId": "artist-d", "instagramHandle": "d", "studioInfo": ARTIST["studioInfo"]}
    good.table.put([item(A, b), item(A, d)])
    fix(good.env, report, WriteOptions())
    artists = fields(good, _STUDIO)["artists"]["L"]
    assert [each["S"] for each in artists] == ["artist-a", "artist-d", "artist-c"]


def test_an_image_that_somebody_has_put_meanwhile_is_theirs(good: Place) -> None:
    first, other = IMAGES
    _forget(good, BUCKET, *IMAGES)
    report = report_of(good)
    own = Entry(first, canonical_object("1" * 32, 7))
    good.images.put([own])
    assert isinstance(good.images, Store)
    good.images.before_write.append(lambda: good.images.put([Entry(other, own.body)]))
    assert fix(good.env, report, WriteOptions()).change.failures == ()
    assert held(good.env.stores)[BUCKET] == {first: own.body, other: own.body}


def test_images_are_those_of_the_catalogue(good: Place) -> None:
    put(good, avatar=f"{_BASE}own.png", portfolioImages=[{"url": f"{_BASE}{IMAGES[1]}"}, {"url": f"{_BASE}x%20y.png"}])
    good.images._entries = {}
    fixed = mend(good)
    assert (fixed.tried, fixed.left) == ({"image-missing": 1}, {"image-missing": 2})
    shipped = load(Context(as_of=DAY, images_base_url="", image_bucket="")).images[IMAGES[1]]
    assert held(good.env.stores)[BUCKET] == {IMAGES[1]: canonical_object(shipped.md5, shipped.size)}


# Failures.


@pytest.mark.parametrize(
    ("store", "key", "spoil"),
    [
        (TABLE, KEY, lambda place: put(place, instagramHandle="@ada.brown")),
        (INDEX, "artist-a", lambda place: _edited(place, bio="other")),
        (INDEX, "artist-b", lambda place: place.index.put([document(OTHER)])),
        (INDEX, "artist-a", lambda place: _forget(place, INDEX, "artist-a")),
        (BUCKET, IMAGES[0], lambda place: _forget(place, BUCKET, IMAGES[0])),
    ],
)
def test_what_is_refused_is_named(good: Place, store: StoreName, key: str, spoil: Callable[[Place], object]) -> None:
    spoil(good)
    put(good, S, postcode="eh63sx")
    refusing = good.env.stores[store]
    assert isinstance(refusing, Store)
    refusing.refused.add(key)
    fixed = mend(good)
    assert [(each.store, each.key, each.error) for each in fixed.change.failures] == [
        (store, key, "ValidationException")
    ]
    assert fixed.change.counts[store].failed == 1
    assert fields(good, _STUDIO)["postcode"] == {"S": "EH6 3SX"}, "a refused entry keeps no other back"


def test_documents_follow_although_the_command_was_killed_before_them(good: Place) -> None:
    put(good, instagramHandle="@ada.brown")
    before = fingerprint(good.env)
    assert isinstance(good.index, Store)
    good.index.dies = True
    with pytest.raises(Killed):
        mend(good, What.DATABASE)
    good.index.dies = False
    assert fields(good)["instagramHandle"] == {"S": "ada.brown"}
    assert rules(good, What.CONSISTENCY) == {"document-differs"}
    fixed = mend(good, What.DATABASE)
    assert fixed.change.failures == ()
    agree(good)
    (run,) = good.env.runs.newest_first(good.env.target.id, good.env.pool).runs
    assert (run.id, run.status) == (fixed.change.run, "done")
    undo(good.env, UndoOptions())
    assert fingerprint(good.env) == before


def test_unchanged_entries_stay_byte_for_byte(good: Place) -> None:
    odd = Entry(item_key("AUDIT#1", "x"), b'{"PK":{"S":"AUDIT#1"},"SK":{"S":"x"},"n":{"N":"1.50"}}')
    good.table.put([odd])
    before = held(good.env.stores)
    put(good, S, postcode="eh63sx")
    mend(good)
    after = held(good.env.stores)
    assert after[TABLE].pop(_STUDIO) == canonical_item(item(S, STUDIO).body)
    before[TABLE].pop(_STUDIO)
    assert after == before
    assert DOTWORK["styleId"] in str(after[TABLE])
    assert MISSING.id not in rules(good)
