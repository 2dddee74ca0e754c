"""Differences of one entry: every value that differs is told, with both its values, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.difference import ABSENT, FieldChange, fields_of, spell_path
from tattoo_data.model.entry import StoreName
from tests.model.strategies import body, items, names, respelled, texts

TABLE, INDEX, IMAGES = StoreName.TABLE, StoreName.INDEX, StoreName.IMAGES
CANONICAL = {TABLE: canonical_item, INDEX: canonical_document}

fractions = st.decimals(-1000, 1000, places=3, allow_nan=False, allow_infinity=False)
#: Any JSON text, its numbers in the form that a writer happened to choose.
plain_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        texts,
        st.builds(lambda number: msgspec.Raw(str(number).encode()), fractions),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(texts, plain_values, max_size=5).map(msgspec.json.encode)
#: Two bodies of one store, often alike.
item_bodies = st.tuples(items, items, st.booleans()).map(
    lambda case: (body(case[0]), body({**case[0], **case[1]} if case[2] else case[1]))
)
cases = st.one_of(
    item_bodies.map(lambda pair: (TABLE, *pair)),
    st.tuples(documents, documents).map(lambda pair: (INDEX, *pair)),
)


def spelled(changes: Sequence[FieldChange]) -> list[tuple[str, str, object, object]]:
    """Path, change and both values, whose fractions are readable again."""
    return [(spell_path(each.path), each.change, _readable(each.before), _readable(each.after)) for each in changes]


def _readable(value: Any) -> Any:
    return value if value is ABSENT else json.loads(msgspec.json.encode(value))


def applied(store: StoreName, before: bytes, changes: Sequence[FieldChange]) -> bytes:
    """What a reader of the report makes of the first body."""
    # Fractions pass as they are: a place that no change names must come out with all its digits.
    decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
    value = decode(CANONICAL[store](before))
    for each in sorted(changes, key=_turn):
        value = _put(store, value, each.path, each.after)
    return CANONICAL[store](msgspec.json.encode(value))


def _turn(each: FieldChange) -> tuple[bool, int]:
    """What goes, goes at the end; of a list the last member first, so that the others keep their places."""
    last = each.path[-1] if each.path else 0
    goes = each.after is ABSENT
    return goes, -last if goes and isinstance(last, int) else 0


def _put(store: StoreName, root: Any, path: Sequence[str | int], after: object) -> Any:
    if not path:
        return after
    inner = root
    for depth, part in enumerate(path[:-1]):
        inner = inner[part]
        if store is TABLE:
            inner = inner["L" if isinstance(path[depth + 1], int) else "M"]
    last: Any = path[-1]
    if after is ABSENT:
        del inner[last]
    elif isinstance(inner, list) and last == len(inner):
        inner.append(copy.deepcopy(after))
    else:
        inner[last] = after
    return root


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('{"a":{"S":"x"}}', '{"a":{"S":"y"}}', [("a", "changed", {"S": "x"}, {"S": "y"})]),
        ('{"a":{"S":"x"}}', '{"a":{"S":"x"},"b":{"NULL":true}}', [("b", "added", ABSENT, {"NULL": True})]),
        ('{"a":{"BOOL":true}}', "{}", [("a", "removed", {"BOOL": True}, ABSENT)]),
        ('{"a":{"N":"1.0"}}', '{"a":{"N":"1"}}', []),
        ('{"a":{"N":"1"}}', '{"a":{"S":"1"}}', [("a", "changed", {"N": "1"}, {"S": "1"})]),
        ('{"a":{"NULL":true}}', '{"a":{"S":""}}', [("a", "changed", {"NULL": True}, {"S": ""})]),
        ('{"a":{"B":"YQ"}}', '{"a":{"B":"YQ=="}}', []),
        ('{"a":{"B":"YQ=="}}', '{"a":{"B":"Yg=="}}', [("a", "changed", {"B": "YQ=="}, {"B": "Yg=="})]),
        (
            '{"pricing":{"M":{"hourlyRate":{"N":"80"},"currency":{"S":"GBP"}}}}',
            '{"pricing":{"M":{"hourlyRate":{"N":"90.0"},"currency":{"S":"GBP"}}}}',
            [("pricing.hourlyRate", "changed", {"N": "80"}, {"N": "90"})],
        ),
        (
            '{"images":{"L":[{"S":"a"},{"M":{"url":{"S":"x"}}}]}}',
            '{"images":{"L":[{"S":"a"},{"M":{"url":{"S":"y"}}},{"S":"c"}]}}',
            [("images[1].url", "changed", {"S": "x"}, {"S": "y"}), ("images[2]", "added", ABSENT, {"S": "c"})],
        ),
        ('{"a":{"M":{}}}', '{"a":{"L":[]}}', [("a", "changed", {"M": {}}, {"L": []})]),
        ('{"a":{"SS":["x"]}}', '{"a":{"L":[{"S":"x"}]}}', [("a", "changed", {"SS": ["x"]}, {"L": [{"S": "x"}]})]),
        ('{"a":{"SS":["y","x"]}}', '{"a":{"SS":["x","y"]}}', []),
        ('{"a":{"NS":["1.0","2"]}}', '{"a":{"NS":["2.00","1"]}}', []),
        (
            '{"z":{"S":"1"},"b":{"S":"1"},"a":{"S":"1"}}',
            '{"a":{"S":"2"},"b":{"S":"1"},"z":{"S":"2"}}',
            [("a", "changed", {"S": "1"}, {"S": "2"}), ("z", "changed", {"S": "1"}, {"S": "2"})],
        ),
    ],
)
def test_an_item_by_hand(before: str, after: str, found: list[tuple[str, str, object, object]]) -> None:
    assert spelled(fields_of(TABLE, before.encode(), after.encode())) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('{"rating":4.50}', '{"rating":45e-1}', []),
        ('{"rating":1.0}', '{"rating":1}', []),
        ('{"rating":4.5}', '{"rating":"4.5"}', [("rating", "changed", 4.5, "4.5")]),
        ('{"a":1}', '{"a":true}', [("a", "changed", 1, True)]),
        ('{"a":0}', '{"a":false}', [("a", "changed", 0, False)]),
        ('{"a":null}', "{}", [("a", "removed", None, ABSENT)]),
        ("{}", '{"a":null}', [("a", "added", ABSENT, None)]),
        ('{"a":[1,2]}', '{"a":[2]}', [("a[0]", "changed", 1, 2), ("a[1]", "removed", 2, ABSENT)]),
        ('{"a":{"b":[{"c":1}]}}', '{"a":{"b":[{"c":2}]}}', [("a.b[0].c", "changed", 1, 2)]),
        ('{"a":{"b":1}}', '{"a":[1]}', [("a", "changed", {"b": 1}, [1])]),
        ('{"":1}', '{"":2}', [('[""]', "changed", 1, 2)]),
    ],
)
def test_a_document_by_hand(before: str, after: str, found: list[tuple[str, str, object, object]]) -> None:
    assert spelled(fields_of(INDEX, before.encode(), after.encode())) == found


def test_a_long_number_of_a_document_keeps_its_digits() -> None:
    (change,) = fields_of(INDEX, b'{"a":12345678901234567890.123456789}', b'{"a":12345678901234567890.12345678}')
    assert msgspec.json.encode([change.before, change.after]) == (
        b"[12345678901234567890.123456789,12345678901234567890.12345678]"
    )


def test_an_object_differs_in_its_md5_and_size() -> None:
    found = fields_of(IMAGES, b'{"md5":"a","size":3}', b'{"md5":"b","size":3}')
    assert spelled(found) == [("md5", "changed", "a", "b")]


def test_a_set_tells_which_members_came_and_went() -> None:
    (change,) = fields_of(TABLE, b'{"a":{"SS":["x","y","z"]}}', b'{"a":{"SS":["z","new","x"]}}')
    assert (change.added, change.removed, change.is_of_sets) == (("new",), ("y",), True)
    assert (change.before, change.after) == ({"SS": ["x", "y", "z"]}, {"SS": ["new", "x", "z"]})
    (numbers,) = fields_of(TABLE, b'{"a":{"NS":["1.0","2"]}}', b'{"a":{"NS":["1","3"]}}')
    assert (numbers.added, numbers.removed) == (("3",), ("2",))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("bio",), "bio"),
        (("pricing", "hourlyRate"), "pricing.hourlyRate"),
        (("portfolioImages", 3, "url"), "portfolioImages[3].url"),
        (("contactInfo", "e.mail"), 'contactInfo["e.mail"]'),
        (("a b",), '["a b"]'),
        (("a", ""), 'a[""]'),
        (("a", 0, 1), "a[0][1]"),
        (('say "x"',), '["say \\"x\\""]'),
        ((), ""),
    ],
)
def test_a_path_is_spelled_as_one_reads_it(path: tuple[str | int, ...], text: str) -> None:
    assert spell_path(path) == text


@given(st.lists(st.lists(st.one_of(names, st.integers(0, 9)), max_size=3).map(tuple), min_size=2, max_size=2))
def test_two_paths_are_never_spelled_alike(paths: list[tuple[str | int, ...]]) -> None:
    one, other = paths
    assert (spell_path(one) == spell_path(other)) is (one == other)


@given(cases)
def test_what_is_told_makes_one_body_of_the_other(case: tuple[StoreName, bytes, bytes]) -> None:
    store, before, after = case
    assert applied(store, before, fields_of(store, before, after)) == CANONICAL[store](after)


@given(cases)
def test_the_other_way_round_it_tells_the_same_in_reverse(case: tuple[StoreName, bytes, bytes]) -> None:
    store, before, after = case
    there, back = fields_of(store, before, after), fields_of(store, after, before)
    assert [(each.path, each.before, each.after, each.added, each.removed) for each in there] == [
        (each.path, each.after, each.before, each.removed, each.added) for each in back
    ]


@given(cases)
def test_nothing_is_told_just_where_the_canonical_bytes_are_equal(case: tuple[StoreName, bytes, bytes]) -> None:
    store, before, after = case
    assert (fields_of(store, before, after) == []) is (CANONICAL[store](before) == CANONICAL[store](after))


@given(items.flatmap(lambda item: st.tuples(st.just(item), respelled(item))))
def test_another_spelling_of_an_item_is_no_difference(case: tuple[Any, Any]) -> None:
    assert fields_of(TABLE, body(case[0]), body(case[1], ascii_only=True, spaces=True)) == []


@given(cases)
def test_every_set_change_adds_up(case: tuple[StoreName, bytes, bytes]) -> None:
    for each in fields_of(*case):
        if each.is_of_sets:
            assert isinstance(each.before, dict)
            assert isinstance(each.after, dict)
            ((old,), (new,)) = each.before.values(), each.after.values()
            assert (set(old) - set(each.removed)) | set(each.added) == set(new)


@pytest.mark.parametrize("text", [b'{"a":{"N":"x"}}', b"[1", b""])
def test_what_is_no_item_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        fields_of(TABLE, text, b"{}")
