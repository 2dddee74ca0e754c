"""Backward: a document becomes the item that gives it, in the item's own types, and nothing else of the item moves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_document, canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key, shard
from tattoo_data.model.project import document_of, is_projected, item_of
from tattoo_data.model.records import Kind, Record
from tattoo_data.sync.backward import item_from
from tests.model.strategies import items as any_items
from tests.sync.sides import ID, attributes_of, document, documents, is_whole, item, items, projection, whole_texts

LONG = "1234567890.1234567890123456789012345678"
#: What the Node tool's sync put into documents, which is no field.
SYNC_FIELDS = ("syncHash", "lastSynced")
SMALLEST, LARGEST = "1E-130", "9.9999999999999999999999999999999999999E+125"


def made(value: Any, field: bytes) -> Any:
    """What the attribute `x` becomes whose document now says `field`; None where it goes."""
    body = b'{"artistId":"a"%s}' % (b',"x":' + field if field else b"")
    old = item(x=value) if value else item()
    return attributes_of(item_from(old, Entry(ID, body))).get("x")


@pytest.mark.parametrize(
    ("value", "field", "becomes"),
    [
        ({"S": "a"}, b'"b"', {"S": "b"}),
        ({"S": "YQ=="}, b'"Yg=="', {"S": "Yg=="}),
        ({"S": "1"}, b"1", {"N": "1"}),
        ({"N": "1"}, b"2.50", {"N": "2.5"}),
        ({"N": "1"}, LONG.encode(), {"N": LONG}),
        ({"N": "1"}, b"12345678901234567890123456789012345678", {"N": "12345678901234567890123456789012345678"}),
        ({"N": "1"}, SMALLEST.encode(), {"N": "0." + "0" * 129 + "1"}),
        ({"N": "1"}, LARGEST.encode(), {"N": "9" * 38 + "0" * 88}),
        ({"N": "1"}, b'"1"', {"S": "1"}),
        ({"N": LONG}, b"1234567890.1234567", {"N": LONG}),
        ({"N": LONG}, b"1.2345678901234567E9", {"N": LONG}),
        ({"N": LONG}, b"1234567890.1234569", {"N": "1234567890.1234569"}),
        ({"N": LONG}, LONG[:-1].encode(), {"N": LONG[:-1]}),
        ({"N": "0.1"}, b"0.10000000000000001", {"N": "0.10000000000000001"}),
        ({"NS": [LONG, "2"]}, b"[2,1234567890.1234567]", {"NS": [LONG, "2"]}),
        ({"L": [{"N": LONG}, {"N": "1"}]}, b"[1234567890.1234567,3]", {"L": [{"N": LONG}, {"N": "3"}]}),
        ({"B": "YQ=="}, b'"Yg=="', {"B": "Yg=="}),
        ({"B": "YQ=="}, b'""', {"B": ""}),
        ({"B": "YQ=="}, b'"Yg"', {"S": "Yg"}),
        ({"B": "YQ=="}, b'"Yh=="', {"S": "Yh=="}),
        ({"B": "YQ=="}, b'"not base64"', {"S": "not base64"}),
        ({"B": "YQ=="}, '"é"'.encode(), {"S": "é"}),
        ({"B": "YQ=="}, b"1", {"N": "1"}),
        ({"BOOL": True}, b"false", {"BOOL": False}),
        ({"BOOL": True}, b"0", {"N": "0"}),
        ({"NULL": True}, b'"a"', {"S": "a"}),
        ({"S": "a"}, b"null", {"NULL": True}),
        ({"SS": ["a", "b"]}, b'["a","c"]', {"SS": ["a", "c"]}),
        ({"SS": ["a", "b"]}, b'["c","a","c"]', {"SS": ["a", "c"]}),
        ({"SS": ["a", "b"]}, b'["b","a"]', {"SS": ["a", "b"]}),
        ({"SS": ["a"]}, b"[]", {"L": []}),
        ({"SS": ["a"]}, b'["a",1]', {"L": [{"S": "a"}, {"N": "1"}]}),
        ({"SS": ["a"]}, b'"a"', {"S": "a"}),
        ({"NS": ["1", "2"]}, b"[2,3.0]", {"NS": ["2", "3"]}),
        ({"NS": ["1"]}, b"[1.0,1,1e0]", {"NS": ["1"]}),
        ({"NS": ["1"]}, b'["1"]', {"L": [{"S": "1"}]}),
        ({"NS": ["1"]}, b"[true]", {"L": [{"BOOL": True}]}),
        ({"BS": ["YQ=="]}, b'["YQ==","Yg=="]', {"BS": ["YQ==", "Yg=="]}),
        ({"BS": ["YQ=="]}, b'["no"]', {"L": [{"S": "no"}]}),
        ({"L": []}, b'["b","a","b"]', {"L": [{"S": "b"}, {"S": "a"}, {"S": "b"}]}),
        (None, b'["b","a"]', {"L": [{"S": "b"}, {"S": "a"}]}),
        (None, b'{"y":"YQ=="}', {"M": {"y": {"S": "YQ=="}}}),
        ({"S": "a"}, b"", None),
        (
            {"M": {"kept": {"B": "YQ=="}, "set": {"SS": ["a"]}, "gone": {"N": "1"}}},
            b'{"kept":"YQ==","set":["b"],"new":1}',
            {"M": {"kept": {"B": "YQ=="}, "new": {"N": "1"}, "set": {"SS": ["b"]}}},
        ),
        (
            {"L": [{"M": {"raw": {"B": "YQ=="}}}, {"M": {"raw": {"B": "Yg=="}}}]},
            b'[{"raw":"YQ=="},{"raw":"Yw==","more":"x"}]',
            {"L": [{"M": {"raw": {"B": "YQ=="}}}, {"M": {"more": {"S": "x"}, "raw": {"B": "Yw=="}}}]},
        ),
        (
            {"L": [{"M": {"raw": {"B": "YQ=="}}}, {"M": {"raw": {"B": "Yg=="}}}]},
            b'[{"raw":"!"},{"raw":"YQ=="},{"raw":"Yg=="}]',
            {"L": [{"M": {"raw": {"S": "!"}}}, {"M": {"raw": {"B": "YQ=="}}}, {"M": {"raw": {"B": "Yg=="}}}]},
        ),
        (
            {"L": [{"S": "YQ=="}, {"B": "YQ=="}, {"N": "1"}]},
            b'["YQ==","YQ=="]',
            {"L": [{"S": "YQ=="}, {"B": "YQ=="}]},
        ),
        ({"L": [{"B": "YQ=="}, {"B": "Yg=="}]}, b'["Yg=="]', {"L": [{"B": "Yg=="}]}),
        ({"L": [{"B": "YQ=="}, {"S": "YQ=="}]}, b'["Yg==","YQ=="]', {"L": [{"B": "Yg=="}, {"S": "YQ=="}]}),
        ({"L": [{"S": "x"}, {"B": "YQ=="}]}, b'["YQ==","Yg=="]', {"L": [{"B": "YQ=="}, {"S": "Yg=="}]}),
        ({"M": {"x": {"N": "1"}}}, b"[1]", {"L": [{"N": "1"}]}),
    ],
)
def test_a_value_in_the_items_own_type(value: Any, field: bytes, becomes: Any) -> None:
    assert made(value, field) == becomes


def test_only_what_differs_is_touched() -> None:
    own = {
        "PK": {"S": "ARTIST#a"},
        "SK": {"S": "PROFILE"},
        "artistId": {"S": "a"},
        "location": {"S": "London"},
        "gsi1pk": {"S": "STYLE#old#SHARD#7"},
        "gsi9": {"B": "YQ=="},
        "secret": {"BS": ["Yg==", "YQ=="]},
        "rating": {"N": "4.50"},
        "bio": {"S": "one"},
    }
    old = Entry(item_key("ARTIST#a", "PROFILE"), json.dumps(own).encode())
    new = item_from(old, document(secret=["YQ==", "Yg=="], rating=4.5, bio="two", location={"lat": 1, "lon": 2}))
    assert new.key == old.key
    assert attributes_of(new) == own | {
        "bio": {"S": "two"},
        "rating": {"N": "4.5"},
        "secret": {"BS": ["YQ==", "Yg=="]},
    }


def test_an_item_that_gives_the_document_stays_the_very_entry() -> None:
    old = item(styles={"SS": ["b", "a"]}, bio={"S": "x"})
    assert item_from(old, projection(old)) is old
    assert item_from(old, document(styles=["b", "a", "a"], bio="x", location=1, PK="y", gsi1pk="z")) is old
    odd = Entry(item_key("ARTIST#a", "METADATA"), b'{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"},"n":{"N":"1.0"}}')
    assert item_from(odd, projection(odd)) is odd, "an artistId that is missing on both sides is no matter of sync"


def test_an_item_without_its_id_gets_it() -> None:
    bare = Entry(item_key("ARTIST#a", "METADATA"), b'{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"},"bio":{"S":"x"}}')
    assert attributes_of(item_from(bare, document(bio="x"))) == attributes_of(bare) | {"artistId": {"S": "a"}}


KEYS = {
    "gsi1pk": {"S": "STYLE#celtic#SHARD#77"},
    "gsi1sk": {"S": "GEOHASH#gcpvj0d#ARTIST#a"},
    "gsi2pk": {"S": "ARTISTNAME#ada"},
    "gsi2sk": {"S": "ARTIST#a"},
    "gsi3pk": {"S": "INSTAGRAM#ada"},
}
FIELDS = {"artistName": "Ada", "instagramHandle": "ada", "styles": ["celtic"], "geohash": "gcpvj0d"}


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"bio": "new"}, {}),
        ({"artistName": "ADA!"}, {}),
        ({"artistName": "Eve"}, {"gsi2pk": {"S": "ARTISTNAME#eve"}}),
        ({"instagramHandle": "Eve"}, {"gsi3pk": {"S": "INSTAGRAM#eve"}}),
        ({"instagramHandle": ""}, {"gsi3pk": None}),
        ({"instagramHandle": None}, {"gsi3pk": None}),
        ({"styles": ["Dotwork", "celtic"]}, {"gsi1pk": {"S": f"STYLE#dotwork#SHARD#{shard('a')}"}}),
        ({"styles": ["celtic", "dotwork"]}, {}),
        ({"styles": []}, {"gsi1pk": None}),
        ({"geohash": "gcw2j0d"}, {"gsi1sk": {"S": "GEOHASH#gcw2j0d#ARTIST#a"}}),
    ],
)
def test_keys_of_indexes_follow_the_fields_that_they_are_made_of(fields: Any, keys: Any) -> None:
    typed = {
        "artistName": {"S": "Ada"},
        "instagramHandle": {"S": "ada"},
        "styles": {"L": [{"S": "celtic"}]},
        "geohash": {"S": "gcpvj0d"},
    }
    new = attributes_of(item_from(item(**typed, **KEYS), document(**{**FIELDS, **fields})))
    expected = {name: value for name, value in {**KEYS, **keys}.items() if value is not None}
    assert {name: value for name, value in new.items() if name.startswith("gsi")} == expected


def test_a_new_item_is_the_records() -> None:
    body = b'{"artistId":"a","artistName":"Ada","styles":["b","a"],"rating":4.50,"x":%s,"location":{"lat":1},"PK":"y"}'
    fields = {"artistId": "a", "artistName": "Ada", "styles": ["b", "a"], "rating": Decimal("4.5"), "x": Decimal(LONG)}
    new = item_from(None, Entry(ID, body % LONG.encode()))
    assert new == item_of(Record(kind=Kind.ARTIST, fields=fields))
    assert "location" not in attributes_of(new)
    assert attributes_of(new)["SK"] == {"S": "METADATA"}


DEEP = b'{"artistId":"a","x":%s}'
REFUSED = [
    (b"[1]", "no object"),
    (b"null", "no object"),
    (b"{", "truncated"),
    (b"{}", "artistId is missing"),
    (b'{"artistId":"b"}', "artistId is \"b\", and its _id 'a'"),
    (b'{"artistId":1}', "artistId is 1"),
    (b'{"artistId":"a","x":1.%s}' % (b"1" * 38), "more than the 38 digits"),
    (b'{"artistId":"a","x":[{"y":%s}]}' % (b"1" * 39), "more than the 38 digits"),
    (b'{"artistId":"a","x":1e126}', "out of DynamoDB's range"),
    (b'{"artistId":"a","x":1e-131}', "out of DynamoDB's range"),
    (b'{"artistId":"a","x":1e999}', "out of DynamoDB's range"),
    (b'{"artistId":"a","":1}', "has no name"),
    (b'{"artistId":"a","x":{"":1}}', "has no name"),
    (DEEP % (b"[" * 40 + b"]" * 40), "nested"),
    (DEEP % (b"[" * 700 + b"]" * 700), "nested"),
    (DEEP % (b"[" * 5000 + b"]" * 5000), "nested"),
    (b'{"artistId":"a","x":"%s"}' % (b"x" * 410_000), "409600"),
    (b'{"artistId":"a","artistName":"%s"}' % (b"x" * 2048), "gsi2pk"),
    (b'{"artistId":"a","styles":["x"],"geohash":"%s"}' % (b"x" * 1024), "gsi1sk"),
]


@pytest.mark.parametrize("old", [None, item()], ids=["new", "there"])
@pytest.mark.parametrize(("body", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_a_document_that_no_item_can_give_is_refused(old: Entry | None, body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        item_from(old, Entry(ID, body))


def test_an_item_of_another_artist_is_refused() -> None:
    with pytest.raises(ValueError, match="that of a, the document that of b"):
        item_from(item(), Entry("b", b'{"artistId":"b"}'))
    with pytest.raises(ValueError, match="no artist's item"):
        item_from(Entry(item_key("STYLE#a", "METADATA"), b"{}"), document())
    with pytest.raises(ValueError, match="_id is empty"):
        item_from(None, Entry("", b'{"artistId":""}'))


names = whole_texts.filter(bool)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | whole_texts
    | st.integers(-(10**37), 10**37)
    | st.sampled_from([Decimal(LONG), Decimal("0.5")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def as_document(fields: dict[str, Any]) -> Entry:
    """A document of these fields as the projection of an item would have it."""
    own = {name: value for name, value in fields.items() if is_projected(name) and name not in SYNC_FIELDS}
    record = Record(kind=Kind.ARTIST, fields={**own, "artistId": ID})
    return projection(item_of(record))


def without_order(value: Any) -> Any:
    """A document's value without what a set does not say."""
    if isinstance(value, list):
        return sorted({canonical_json(without_order(each)) for each in value})
    if isinstance(value, dict):
        return {name: without_order(each) for name, each in value.items()}
    return value


@given(st.dictionaries(names, json_values, max_size=5))
def test_a_new_item_gives_the_document_again(fields: dict[str, Any]) -> None:
    found = as_document(fields)
    assert document_of(item_from(None, found)) == found


@given(any_items, st.dictionaries(names, json_values, max_size=3), st.data())
def test_any_item_gives_any_document(old: Any, fields: dict[str, Any], data: st.DataObject) -> None:
    shared = data.draw(st.dictionaries(st.sampled_from(sorted(filter(is_whole, old))), json_values, max_size=3))
    left_out = {"PK", "SK", "artistId", *SYNC_FIELDS}
    before = item(**{name: value for name, value in old.items() if name not in left_out})
    right = as_document({**fields, **shared})
    found = document_of(item_from(before, right))
    assert found is not None
    if not any(tag in ("SS", "NS", "BS") for value in _flat(old) for tag in value):
        assert found == right
    wanted, got = (json.loads(each.body, parse_float=Decimal, parse_int=str) for each in (right, found))
    assert {k: str(without_order(v)) for k, v in got.items()} == {k: str(without_order(v)) for k, v in wanted.items()}


def _flat(value: Any) -> list[dict[str, Any]]:
    """All maps in a value."""
    if isinstance(value, list):
        return [found for each in value for found in _flat(each)]
    return [value, *(found for each in value.values() for found in _flat(each))] if isinstance(value, dict) else []


def _exact(text: str) -> dict[str, str]:
    return {"number": text}


@given(items.flatmap(lambda entry: st.tuples(st.just(entry), documents(entry))))
def test_types_stay_and_what_is_the_same_is_left_alone(pair: tuple[Entry, Entry]) -> None:
    old, wanted = pair
    before, new = attributes_of(old), attributes_of(made_item := item_from(old, wanted))
    there, here = (json.loads(each.body, parse_float=_exact, parse_int=_exact) for each in (projection(old), wanted))
    for name in before.keys() | new.keys():
        if not is_projected(name):
            assert before.get(name) == new.get(name) or name.startswith("gsi")
        elif name in there and name in here and canonical_json(there[name]) == canonical_json(here[name]):
            assert before.get(name) == new.get(name)
        elif name in before and name in new and before[name].keys() & {"SS", "NS", "BS", "B", "N"}:
            assert before[name].keys() == new[name].keys() or name == "updatedAt"
    plain = {name: value for name, value in json.loads(wanted.body).items() if is_projected(name)}
    assert json.loads(projection(made_item).body).keys() - {"location"} == plain.keys()
    assert item_from(made_item, wanted) is made_item, "once more changes nothing"
    assert canonical_document(projection(made_item).body) == projection(made_item).body


@pytest.mark.parametrize("half", ["\U0010d800", "\U0010d83d", "\U0010dfff"])
def test_half_a_character_is_written_into_no_item(half: str) -> None:
    for found in (document(bio=f"x{half}"), document(deep=[{"in": [half]}]), document(**{f"x{half}": 1})):
        for old in (None, item(), item(bio={"S": "x"})):
            with pytest.raises(ValueError, match="half a character"):
                item_from(old, found)
    before = item(bio={"S": half}, avatar={"S": "1"})
    assert attributes_of(item_from(before, document(bio=half, avatar="2")))["avatar"] == {"S": "2"}


@pytest.mark.parametrize("near", ["\U0010d7ff", "\U0010e000", "\U0001f600", "\ud7ff"])
def test_a_whole_character_is_none(near: str) -> None:
    assert attributes_of(item_from(None, document(bio=near)))["bio"] == {"S": near}


def test_what_the_node_tool_s_sync_put_beside_the_fields_is_no_attribute() -> None:
    found = document(bio="x", syncHash="abc", lastSynced="2026-01-01")
    made = attributes_of(item_from(None, found))
    assert made["bio"] == {"S": "x"}
    assert made.keys().isdisjoint({"syncHash", "lastSynced"})
    same = item(bio={"S": "x"})
    assert item_from(same, found) is same
