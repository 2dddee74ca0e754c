"""Mend: each mend of one record on a table, and that nothing else of it changes, however odd it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_item, canonical_value
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.model.records import Kind
from tattoo_data.validation.mend import KEYS, LISTS, MENDS, mended
from tattoo_data.validation.records import INDEX_KEYS, check_item
from tests.model.strategies import names, values
from tests.validation.museum import BROKEN, RIGHT, Edge, Exhibit
from tests.validation.samples import DROP, GOOD, changed, item

A, S, T = Kind.ARTIST, Kind.STUDIO, Kind.STYLE
EVERY = (*MENDS, KEYS.id)
ATLANTIC = {"latitude": Decimal("-3.166702"), "longitude": Decimal("55.975501")}
GREENWICH = {"latitude": Decimal("51.4779"), "longitude": 0}


@dataclass(frozen=True, slots=True)
class Case:
    """A change to a good record that a rule finds wrong, and the fields as they are to be."""

    rule: str
    kind: Kind
    before: Mapping[str, Any]
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a test is called by."""
        # Sets and addresses are told otherwise in every process.
        values = (sorted(each) if isinstance(each, set) else each for each in self.before.values())
        said = ("-" if value is DROP else repr(value) for value in values)
        return f"{self.rule} {self.kind} {', '.join(self.before)}: {', '.join(said)}"


def _mends(rule: str, kind: Kind, path: str, *pairs: tuple[object, object]) -> list[Case]:
    return [Case(rule, kind, {path: before}, {path: after}) for before, after in pairs]


MENDED: list[Case] = [
    *_mends("handle-form", A, "instagramHandle", ("@ada.brown", "ada.brown"), (" ada.brown\n", "ada.brown")),
    *_mends("handle-form", A, "instagramHandle", (" @A_9", "A_9"), ("@" + "a" * 30, "a" * 30)),
    *_mends("geohash-form", A, "geohash", ("gcvwrya", "gcvwryn"), ("GCVWRYN", "gcvwryn"), ("g" * 13, "gcvwryn")),
    *_mends("geohash-form", S, "geohash", ("gcva", "gcvwryn")),
    *_mends("geohash-place", A, "geohash", ("gcvwryp", "gcvwryn"), ("gcpvj0d", "gcvwryn"), ("u10", "gcv"), ("7", "g")),
    *_mends("geohash-place", S, "geohash", ("gcpvj", "gcvwr")),
    *_mends("postcode-spelling", S, "postcode", ("eh6 3sx", "EH6 3SX"), ("EH63SX", "EH6 3SX"), ("bfpo57", "BFPO 57")),
    *_mends("postcode-spelling", A, "studioInfo.postcode", (" eh6  3sx ", "EH6 3SX")),
    *_mends("specialty-form", A, "specialties", (["knots", "Knots "], ["knots"]), (["", " ", "x"], ["x"]), ([""], [])),
    *_mends("specialty-form", A, "specialties", ([5, "a", None, "A", ["a"]], [5, "a", None, ["a"]])),
    *_mends("specialty-form", S, "specialties", (["cover-ups", "cover-ups"], ["cover-ups"])),
]
_NO_TEXT = (5, True, None, ["x"], {"x": "y"}, DROP)
LEFT: list[Case] = [
    *(
        Case("handle-form", A, {"instagramHandle": each})
        for each in ("ada brown", "@", "@@ada", "ada-brown", "adá", "a" * 31, "", "a@b", *_NO_TEXT)
    ),
    # Without a place there is nothing to make a geohash of; one abroad may itself be what is wrong.
    *(Case("geohash-form", A, {"geohash": "gcvwrya", name: DROP}) for name in ("latitude", "longitude")),
    Case("geohash-form", A, {"geohash": "gcvwrya", "latitude": None, "longitude": None}),
    Case("geohash-form", A, {"geohash": "gcvwrya", "latitude": "55.975501"}),
    Case("geohash-form", A, {"geohash": "gcvwrya", "latitude": 91}),
    Case("geohash-place", A, ATLANTIC),
    Case("geohash-place", A, {"latitude": 0, "longitude": 0}),
    Case("geohash-place", S, {"latitude": Decimal("53.3498"), "longitude": Decimal("-6.2603")}),
    # On the border of two cells the place is in both.
    *(Case("geohash-place", A, {**GREENWICH, "geohash": each}) for each in ("u10", "gcp")),
    *(Case("geohash-place", A, {"geohash": each}) for each in ("", *_NO_TEXT)),
    *(Case("postcode-spelling", S, {"postcode": each}) for each in ("nowhere", "", *_NO_TEXT)),
    *(Case("postcode-spelling", A, {"studioInfo": each}) for each in ("x", *_NO_TEXT)),
    *(Case("postcode-spelling", A, {"studioInfo.postcode": each}) for each in ("nowhere", "", *_NO_TEXT)),
    # Fields of this name that are no postcode of the kind.
    Case("postcode-spelling", A, {"postcode": "eh63sx"}),
    Case("postcode-spelling", S, {"studioInfo": {"postcode": "eh63sx"}}),
    *(Case("specialty-form", A, {"specialties": each}) for each in ("x", {"a", "A"}, *_NO_TEXT)),
    Case("specialty-form", A, {"specialties": [" a ", "b", 5, 5]}),
]


def same(one: Entry, other: Entry) -> bool:
    return one.key == other.key and canonical_item(one.body) == canonical_item(other.body)


def attributes(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(entry.body)
    return found


def with_attributes(entry: Entry, **changes: Any) -> Entry:
    """The item with typed attributes set, or with None taken away."""
    every = {name: value for name, value in {**attributes(entry), **changes}.items() if value is not None}
    return Entry(entry.key, json.dumps(every).encode())


def good(kind: Kind = A, **changes: Any) -> Entry:
    return item(kind, changed(kind, changes))


def wrong(entry: Entry) -> set[str]:
    return {problem.rule.id for problem in check_item(entry).problems}


def test_the_table_has_every_mend_of_a_field() -> None:
    assert {case.rule for case in MENDED} == MENDS.keys() - {"id-differs-from-key"}
    assert {rule.id for rule in LISTS} == {"artist-not-listed", "studio-lists-other", "studio-lists-nobody"}


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_what_a_rule_finds_wrong_is_mended_with_the_keys_that_are_made_of_it(case: Case) -> None:
    entry = item(case.kind, changed(case.kind, case.before))
    assert case.rule in wrong(entry)
    made = mended(entry, [case.rule])
    assert same(made, item(case.kind, changed(case.kind, case.after)))
    assert case.rule not in wrong(made)
    assert mended(made, EVERY) is made


@pytest.mark.parametrize("case", LEFT, ids=lambda case: case.name)
def test_what_cannot_be_mended_or_is_no_text_at_all_is_the_very_item(case: Case) -> None:
    entry = item(case.kind, changed(case.kind, case.before))
    assert mended(entry, [case.rule]) is entry


@pytest.mark.parametrize("kind", list(Kind))
def test_a_good_record_is_the_very_item(kind: Kind) -> None:
    entry = item(kind, GOOD[kind])
    assert mended(entry, EVERY) is entry
    assert mended(entry, ()) is entry


@pytest.mark.parametrize("edge", RIGHT, ids=lambda each: each.name)
def test_what_is_right_at_the_edge_is_the_very_item(edge: Edge) -> None:
    entry = item(edge.kind, changed(edge.kind, edge.changes))
    assert mended(entry, EVERY) is entry


@pytest.mark.parametrize("exhibit", BROKEN, ids=lambda each: each.name)
def test_a_mend_makes_nothing_wrong_that_was_right(exhibit: Exhibit) -> None:
    entry = item(exhibit.kind, changed(exhibit.kind, exhibit.changes))
    made = mended(entry, EVERY)
    if made is not entry:
        assert exhibit.rule in MENDS
        assert wrong(made) == set()
    else:
        assert wrong(entry) == {exhibit.rule}


def test_what_is_no_record_is_the_very_item() -> None:
    for key in (item_key("AUDIT#1", "METADATA"), item_key("ARTIST#a", "PORTFOLIO"), item_key("ARTIST#", "METADATA")):
        entry = Entry(key, b'{"instagramHandle":{"S":"@x"}}')
        assert mended(entry, EVERY, {"a"}, {"b"}) is entry


def test_a_record_under_the_node_tools_key_is_mended_too() -> None:
    entry = good(instagramHandle="@ada.brown")
    old = Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))
    made = mended(old, EVERY)
    assert made.key == old.key
    assert attributes(made)["SK"] == {"S": "PROFILE"}
    assert attributes(made)["instagramHandle"] == {"S": "ada.brown"}


# The id and the keys of the secondary indexes.


@pytest.mark.parametrize("kind", list(Kind))
def test_an_id_becomes_the_one_in_the_key(kind: Kind) -> None:
    right = item(kind, GOOD[kind])
    entry = with_attributes(right, **{kind.id_field: {"S": "other"}})
    assert same(mended(entry, ["id-differs-from-key"]), right)
    assert same(mended(entry, EVERY), right)


@pytest.mark.parametrize("value", [{"N": "5"}, {"NULL": True}, None])
def test_an_id_that_is_no_text_is_another_rules(value: Any) -> None:
    entry = with_attributes(good(), artistId=value)
    assert mended(entry, ["id-differs-from-key"]) is entry


@pytest.mark.parametrize(
    "changes",
    [
        {"gsi2sk": {"S": "ARTIST#other"}},
        {"gsi3pk": None},
        {"gsi1pk": {"S": "STYLE#other#SHARD#1"}, "gsi2pk": None},
        {"gsi1sk": {"N": "5"}},
        {"gsi1pk": {"S": "STYLE#celtic"}},
    ],
)
def test_wrong_keys_become_what_the_record_gives(changes: Any) -> None:
    right = good()
    entry = with_attributes(right, **changes)
    assert wrong(entry) == {KEYS.id}
    assert same(mended(entry, [KEYS.id]), right)
    assert mended(entry, [rule for rule in EVERY if rule != KEYS.id]) is entry


def test_a_key_that_the_record_does_not_give_goes() -> None:
    entry = with_attributes(good(T), gsi3pk={"S": "INSTAGRAM#x"}, gsi2pk={"S": "x"})
    assert same(mended(entry, [KEYS.id]), good(T))


def test_a_shard_that_the_application_drew_stays() -> None:
    mine = attributes(good())["gsi1pk"]["S"]
    drawn = {"S": mine[:-1] + str((int(mine[-1]) + 1) % 10)}
    entry = with_attributes(good(), gsi1pk=drawn)
    assert mended(entry, EVERY) is entry
    both = mended(with_attributes(entry, gsi3pk=None), EVERY)
    assert (attributes(both)["gsi1pk"], attributes(both)["gsi3pk"]) == (drawn, {"S": "INSTAGRAM#ada.brown"})
    handle = mended(with_attributes(entry, instagramHandle={"S": "@ada.brown"}), EVERY)
    assert attributes(handle)["gsi1pk"] == drawn


def test_keys_that_were_made_otherwise_stay_unless_their_rule_is_asked() -> None:
    entry = with_attributes(good(specialties=["a", "a"]), gsi2sk={"S": "ARTIST#other"})
    made = attributes(mended(entry, ["specialty-form"]))
    assert (made["gsi2sk"], made["specialties"]) == ({"S": "ARTIST#other"}, {"L": [{"S": "a"}]})
    assert same(mended(entry, EVERY), good(specialties=["a"]))


def test_styles_in_a_set_give_their_key_too() -> None:
    """A set is an array to the rules, and an item's keys come of both alike."""
    entry = with_attributes(good(styles=["celtic"]), styles={"SS": ["celtic"]})
    assert wrong(entry) == set()
    assert mended(entry, EVERY) is entry
    made = mended(with_attributes(entry, gsi2sk={"S": "x"}), EVERY)
    assert same(made, entry)
    assert same(mended(with_attributes(entry, gsi1pk=None), EVERY), entry)
    geohash = attributes(mended(with_attributes(entry, geohash={"S": "gcvwryp"}), EVERY))
    assert geohash["gsi1pk"] == attributes(entry)["gsi1pk"]
    assert geohash["gsi1sk"] == attributes(entry)["gsi1sk"]


# What a studio lists.


@pytest.mark.parametrize(
    ("there", "listed", "unlisted", "wanted"),
    [
        (["a", "b"], {"c"}, {"a"}, ["b", "c"]),
        (["b", "a"], {"d", "c"}, (), ["b", "a", "c", "d"]),
        (["a"], (), {"a"}, []),
        (["a", "a", "b"], (), {"a"}, ["b"]),
        (["a", 5, ["a"], {"a": "a"}, None], {"c"}, {"a"}, [5, ["a"], {"a": "a"}, None, "c"]),
        (None, {"a"}, (), ["a"]),
        (DROP, {"a"}, {"b"}, ["a"]),
        ([], {"a"}, (), ["a"]),
        ({"a", "b"}, {"c"}, {"a"}, {"b", "c"}),
        ({"a"}, (), {"a"}, []),
    ],
)
def test_who_a_studio_lists(there: Any, listed: Any, unlisted: Any, wanted: Any) -> None:
    made = mended(good(S, artists=there), (), listed, unlisted)
    assert same(made, good(S, artists=wanted))
    assert mended(made, (), listed, unlisted) is made


@pytest.mark.parametrize(
    ("there", "listed", "unlisted"),
    [
        (["a", "b"], {"a"}, {"c"}),
        ({"a", "b"}, {"a"}, {"c"}),
        (DROP, (), {"a"}),
        (None, (), {"a"}),
        ([], (), {"a"}),
        ("a", {"b"}, {"a"}),
        (5, {"b"}, ()),
        ({"a": "b"}, {"b"}, ()),
        ({5, 6}, {"b"}, ()),
        ({b"a"}, {"b"}, {"a"}),
    ],
)
def test_a_list_that_is_right_or_none_at_all_is_the_very_item(there: Any, listed: Any, unlisted: Any) -> None:
    entry = good(S, artists=there)
    assert mended(entry, EVERY, listed, unlisted) is entry


# Whatever else is in an item.

LONG = "1234567890123456789012345678.9012345678"
ODD = {
    "PK": {"S": "ARTIST#artist-a"},
    "SK": {"S": "METADATA"},
    "artistId": {"S": "artist-a"},
    "artistName": {"S": "Ada"},
    "instagramHandle": {"S": "@ada"},
    "gsiOwn": {"B": "AAE"},
    "digits": {"N": LONG},
    "tiny": {"N": "1E-130"},
    "sets": {"L": [{"SS": ["b", "a"]}, {"NS": ["2.50", "1"]}, {"BS": ["AQ==", "AA=="]}]},
    "empty": {"M": {"": {"S": ""}, "none": {"NULL": True}, "list": {"L": []}, "map": {"M": {}}}},
    "binary": {"B": "/w"},
    "yes": {"BOOL": True},
}


def test_sets_bytes_digits_and_unknown_fields_are_kept() -> None:
    entry = Entry(item_key("ARTIST#artist-a", "METADATA"), json.dumps(ODD).encode())
    made = mended(entry, ["handle-form"])
    assert same(made, with_attributes(entry, instagramHandle={"S": "ada"}))
    assert LONG.encode() in made.body
    assert canonical_item(made.body) == made.body


@pytest.mark.parametrize("body", [b"{", b'{"bio":{"X":"a"}}', b'{"bio":{}}', b'{"bio":{"N":"x"}}', b'{"bio":"a"}'])
def test_what_cannot_be_read_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mended(Entry(item_key("ARTIST#a", "METADATA"), body), EVERY)


_TEXTS = ["@ada", "ada", " ", "gcvwrya", "gcvwryn", "u10", "eh63sx", "EH6 3SX", "x", "Knots", "knots ", "artist-a"]
_FIELDS = (
    *("artistId", "studioId", "styleId", "instagramHandle", "geohash", "latitude", "longitude", "postcode"),
    *("studioInfo", "specialties", "styles", "artists", "artistName", "studioName", "gsi1pk", "gsi3pk"),
)
_texts = st.sampled_from(_TEXTS).map(lambda text: {"S": text})
_near = st.one_of(
    _texts,
    st.sampled_from(["55.975501", "-3.166702", "91", "0", "1E-7"]).map(lambda text: {"N": text}),
    st.lists(_texts, max_size=4).map(lambda texts: {"L": texts}),
    st.sets(st.sampled_from(_TEXTS), min_size=1, max_size=4).map(lambda texts: {"SS": sorted(texts)}),
    _texts.map(lambda text: {"M": {"postcode": text, "studioId": text}}),
    values,
)
_bodies = st.builds(
    lambda known, other: {**other, **known},
    st.dictionaries(st.sampled_from(_FIELDS), _near),
    st.dictionaries(
        names.filter(lambda name: name not in ("PK", "SK") and not name.startswith("gsi")), values, max_size=3
    ),
)
_ids = st.sets(st.sampled_from(["artist-a", "x", "knots "]), max_size=2)


@given(st.sampled_from(list(Kind)), _bodies, st.sets(st.sampled_from(EVERY)), _ids, _ids)
def test_a_mend_is_idempotent_and_keeps_every_attribute_that_it_is_not_for(
    kind: Kind, fields: dict[str, Any], rules: set[str], listed: set[str], unlisted: set[str]
) -> None:
    pk = f"{kind.upper()}#artist-a"
    body = {**fields, "PK": {"S": pk}, "SK": {"S": "METADATA"}}
    entry = Entry(item_key(pk, "METADATA"), json.dumps(body).encode())
    listed -= unlisted
    made = mended(entry, rules, listed, unlisted)
    assert mended(made, rules, listed, unlisted) is made
    may = {kind.id_field, "instagramHandle", "geohash", "postcode", "studioInfo", "specialties", "artists", *INDEX_KEYS}
    old, new = attributes(entry), attributes(made)
    for name in (old.keys() | new.keys()) - may:
        assert canonical_value(old[name]) == canonical_value(new[name])
    if not rules and kind is not S:
        assert made is entry
