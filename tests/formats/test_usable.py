"""What a store can hold: every item that DynamoDB takes gives the canonical bytes, every other one its reason."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tattoo_data.formats.usable import MAX_ITEM, Unusable, document_entry, item_entry, item_size, same_names
from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.keys import item_key_of
from tattoo_data.model.structure import table_definition
from tests.formats.builders import compact, item
from tests.model.strategies import Typed, body, items, respelled

NINES = "9" * 38


@settings(max_examples=300)
@given(items)
def test_an_item_that_dynamodb_takes_is_its_canonical_bytes(value: Typed) -> None:
    canonical = canonical_item(body(value))
    entry = item_entry(json.loads(body(value)))
    assert entry.body == canonical
    assert entry.key == item_key_of(canonical)


@given(items.flatmap(lambda value: st.tuples(st.just(value), respelled(value))))
def test_another_spelling_is_the_same_entry(both: tuple[Typed, Typed]) -> None:
    first, second = (item_entry(json.loads(body(value))) for value in both)
    assert first == second


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for level in range(depth):
        value = {"M": {"a": value}} if level % 2 else {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (7, "the item is no object"),
        ({}, "it has no PK"),
        ({"PK": {"S": "a"}}, "it has no SK"),
        ({"PK": {"N": "1"}, "SK": {"S": "b"}}, "PK is no string"),
        ({"PK": {"S": "a"}, "SK": {"S": "b", "N": "1"}}, "SK is no string"),
        ({"PK": {"S": ""}, "SK": {"S": "b"}}, "PK is empty"),
        ({"PK": {"S": "a"}, "SK": {"S": ""}}, "SK is empty"),
        ({"PK": {"S": "é" * 1025}, "SK": {"S": "b"}}, "PK has over 2048 bytes"),
        ({"PK": {"S": "a"}, "SK": {"S": "b" * 1025}}, "SK has over 1024 bytes"),
        (item(1, x={"Q": "1"}), "x: 'Q' is not a type of DynamoDB"),
        (item(1, x={"S": "a", "N": "1"}), "x: it is no DynamoDB value, which has one type"),
        (item(1, x={}), "x: it is no DynamoDB value, which has one type"),
        (item(1) | {"x": "plain"}, "x: it is no DynamoDB value, which has one type"),
        (item(1, x={"S": 1}), "x: S is no string"),
        (item(1, x={"N": 1}), "x: N is no string"),
        (item(1, x={"N": "1_000"}), "x: '1_000' is no number"),
        (item(1, x={"N": " 1"}), "x: ' 1' is no number"),
        (item(1, x={"N": "١"}), "x: '١' is no number"),
        (item(1, x={"N": "NaN"}), "x: 'NaN' is no number"),
        (item(1, x={"N": "Infinity"}), "x: 'Infinity' is no number"),
        (item(1, x={"N": ""}), "x: '' is no number"),
        (item(1, x={"N": "1" * 39}), f"x: {'1' * 39} has more than the 38 digits that DynamoDB keeps"),
        (item(1, x={"N": "1e126"}), "x: 1e126 is out of DynamoDB's range"),
        (item(1, x={"N": "1e-131"}), "x: 1e-131 is out of DynamoDB's range"),
        (item(1, x={"N": "1e999999999"}), "x: 1e999999999 is out of DynamoDB's range"),
        (item(1, x={"N": "1e99999999999999999999"}), "x: 1e99999999999999999999 is out of DynamoDB's range"),
        (item(1, x={"N": "-1e-99999999999999999999"}), "x: -1e-99999999999999999999 is out of DynamoDB's range"),
        (item(1, x={"N": "0" * 1001}), "x: the number has over 1000 characters"),
        (item(1, x={"B": "no base64!"}), "x: 'no base64!' is no base64"),
        (item(1, x={"B": 1}), "x: B is no string"),
        (item(1, x={"BOOL": "true"}), "x: BOOL is neither true nor false"),
        (item(1, x={"NULL": False}), "x: NULL is not true"),
        (item(1, x={"SS": []}), "x: a set is empty"),
        (item(1, x={"SS": ["a", "a"]}), "x: a set has a member twice"),
        (item(1, x={"NS": ["1", "1.0"]}), "x: a set has a member twice"),
        (item(1, x={"BS": ["QQ==", "QQ"]}), "x: a set has a member twice"),
        (item(1, x={"SS": [1]}), "x: a member of SS is no string"),
        (item(1, x={"SS": "a"}), "x: a list or set is no array"),
        (item(1, x={"L": {}}), "x: a list or set is no array"),
        (item(1, x={"M": []}), "x: M is no object"),
        (item(1, x={"M": {"y": {"L": [{"M": {"z": {"Q": 1}}}]}}}), "x.y.z: 'Q' is not a type of DynamoDB"),
        (item(1) | {"": {"S": "x"}}, "an attribute has no name"),
        (item(1, x={"M": {"": {"S": "x"}}}), "x: an attribute has no name"),
        (item(1, x=nested(33)), f"x{'.a' * 16}: it is nested more than 32 levels deep"),
    ],
)
def test_an_item_that_no_table_takes_says_why(value: Any, reason: str) -> None:
    with pytest.raises(Unusable) as raised:
        item_entry(json.loads(compact(value)))
    assert str(raised.value) == reason


INDEX_KEYS = {
    "gsi1pk": "style-geohash-index",
    "gsi1sk": "style-geohash-index",
    "gsi2pk": "artist-name-index",
    "gsi2sk": "artist-name-index",
    "gsi3pk": "instagram-index",
}


@pytest.mark.parametrize(("name", "index"), INDEX_KEYS.items())
@pytest.mark.parametrize("value", [{"N": "5"}, {"B": "QQ=="}, {"NULL": True}, {"SS": ["a"]}, {"M": {}}, {"BOOL": True}])
def test_a_key_of_an_index_is_a_string(name: str, index: str, value: dict[str, Any]) -> None:
    """DynamoDB refuses it when it is written: `Type mismatch for Index Key`."""
    with pytest.raises(Unusable) as raised:
        item_entry(item(1, **{name: value}))
    (tag,) = value
    assert str(raised.value) == f"{name}: a key of {index} has to be a string (S), and it is {tag}"


@pytest.mark.parametrize(("name", "index"), INDEX_KEYS.items())
def test_a_key_of_an_index_is_not_empty_and_not_too_long(name: str, index: str) -> None:
    limit = 2048 if name.endswith("pk") else 1024
    assert item_entry(item(1, **{name: {"S": "é" * (limit // 2)}})).key
    for text, reason in (("", "cannot be empty"), ("é" * (limit // 2 + 1), f"has at most {limit} bytes")):
        with pytest.raises(Unusable, match=f"^{name}: a key of {index} {reason}"):
            item_entry(item(1, **{name: {"S": text}}))


def test_the_keys_of_the_tables_indexes_are_those_that_are_looked_at() -> None:
    defined = {each["AttributeName"]: each["AttributeType"] for each in table_definition("x")["AttributeDefinitions"]}
    assert defined == dict.fromkeys(("PK", "SK", *INDEX_KEYS), "S")


@pytest.mark.parametrize(
    "value",
    [
        item(1, x={"N": NINES}),
        item(1, x={"N": f"-{NINES}E88"[:44]}),
        item(1, x={"N": "9.9999999999999999999999999999999999999E+125"}),
        item(1, x={"N": "1E-130"}),
        item(1, x={"N": "0e999999"}),
        item(1, x={"S": ""}, y={"B": ""}, z={"SS": [""]}),
        item(1, x={"M": {}}, y={"L": []}),
        item(1, x=nested(32)),
        item(1, x={"M": {"S": {"S": "a"}, "N": {"N": "1"}, "type": {"S": "Buffer"}}}),
    ],
)
def test_what_looks_odd_and_is_taken(value: Any) -> None:
    assert item_entry(json.loads(compact(value))).body == canonical_item(compact(value))


def test_binary_is_told_by_its_bytes_and_not_by_its_spelling() -> None:
    """The last two bits of `QR==` are not looked at by who decodes it."""
    first, second = (item_entry(item(1, x={"B": text})) for text in ("QQ==", "QQ"))
    assert first == second


def test_an_item_may_have_400_kb_as_dynamodb_counts_them() -> None:
    """https://docs.aws.amazon.com: names and values; JSON's own characters and escapes are not counted."""
    rest = item_size(item(1, x={"S": ""}))
    assert rest == len("PKARTIST#artist-001SKMETADATAartistNameZoëx".encode())
    fits = item(1, x={"S": "\n" * (MAX_ITEM - rest)})
    assert item_entry(fits).key
    with pytest.raises(Unusable, match=f"has {MAX_ITEM + 1} bytes, and DynamoDB takes {MAX_ITEM}"):
        item_entry(item(1, x={"S": "\n" * (MAX_ITEM - rest + 1)}))


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "12345"}, 4),
        ({"N": "-100"}, 3),
        ({"B": "QUJD"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "2"]}, 4),
        ({"BS": ["QQ=="]}, 1),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"M": {"ab": {"S": "c"}}}, 7),
    ],
)
def test_the_size_of_a_value(value: Any, size: int) -> None:
    assert item_size({"x": value}) == 1 + size


@pytest.mark.parametrize(
    ("key", "source", "routing", "reason"),
    [
        (None, b"{}", None, "the document has no _id"),
        (7, b"{}", None, "its _id is no string"),
        ("", b"{}", None, "its _id is empty"),
        ("é" * 257, b"{}", None, "its _id has over 512 bytes"),
        ("a", b"[]", None, "its _source is no object"),
        ("a", b'"{}"', None, "its _source is no object"),
        ("a", b"null", None, "its _source is no object"),
        ("a", b'{"x":1,"x":2}', None, "an object in it has the same name twice"),
        ("a", b'{"x":[{"y":"","y":""}]}', None, "an object in it has the same name twice"),
        ("a", b"{}", 1, "its _routing is no text"),
    ],
)
def test_a_document_that_no_index_takes_says_why(key: object, source: bytes, routing: object, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        document_entry(key, source, routing)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def spelled(value: Any) -> str:
    """JSON with each number as it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} : {spelled(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.booleans())
def test_a_document_is_its_canonical_bytes(fields: dict[str, Any], routed: bool) -> None:
    source = spelled(fields).encode()
    entry = document_entry("a", b" \t" + source, "r" if routed else None)
    assert (entry.key, entry.body, entry.routing) == ("a", canonical_document(source), "r" if routed else None)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.booleans(), st.booleans())
def test_a_name_that_comes_twice_is_seen_in_any_spelling(
    pairs: list[tuple[str, str]], ascii_only: bool, escaped: bool
) -> None:
    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=ascii_only).replace('\\"', "\\u0022" if escaped else '\\"')

    source = ("{" + " ,\n".join(f"{text(name)}: {text(value)}" for name, value in pairs) + "}").encode()
    once = len({name for name, _ in pairs}) == len(pairs)
    assert same_names(source, canonical_document(source)) is once


@pytest.mark.parametrize(
    ("source", "once"),
    [
        (b'{"a":"\\u0022"}', True),
        (b'{"a":"\\u0022\\""}', True),
        (b'{"a":"\\\\u0022"}', True),
        (b'{"\\u0022":1,"\\"":2}', False),
        (b'{"a":"\\u0022","a":"\\u0022\\u0022\\u0022\\u0022"}', False),
    ],
)
def test_an_escaped_quote_is_no_bound_of_a_string(source: bytes, once: bool) -> None:
    assert same_names(source, canonical_document(source)) is once
