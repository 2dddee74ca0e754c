"""Exact: an item's fields as plain values and back, with nothing lost, and changes that are just the differences."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_item, canonical_json, canonical_value
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import exact_fields, exact_value, field_changes, item_with
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import is_field, typed
from tests.model.strategies import Typed, body, items, meaning, names, respelled, values

KEY = item_key("ARTIST#a", "METADATA")
fields_only = names.filter(is_field)


def entry(item: Typed) -> Entry:
    return Entry(KEY, body(item))


def fields_of(item: Typed) -> Typed:
    return {name: value for name, value in item.items() if is_field(name)}


@given(items)
def test_fields_come_back_exactly(item: Typed) -> None:
    plain = exact_fields(body(item))
    assert plain.keys() == fields_of(item).keys()
    for name, value in plain.items():
        assert meaning(canonical_value(typed(value))) == meaning(canonical_value(item[name]))


@given(items, st.data())
def test_the_spelling_of_an_item_makes_no_difference(item: Typed, data: st.DataObject) -> None:
    other = data.draw(respelled(item))
    assert exact_fields(body(other)) == exact_fields(body(item))
    assert field_changes(exact_fields(body(item)), exact_fields(body(other))) == {}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"S": ""}, ""),
        ({"N": "4.50"}, Decimal("4.5")),
        ({"N": "1E+3"}, 1000),
        ({"N": "-0.0"}, 0),
        ({"N": "12345678901234567890123456789012345678"}, 12345678901234567890123456789012345678),
        ({"N": "1.2345678901234567890123456789012345678"}, Decimal("1.2345678901234567890123456789012345678")),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"B": "AP8="}, b"\x00\xff"),
        ({"B": "AP8"}, b"\x00\xff"),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"L": []}, []),
        ({"M": {"": {"S": "no name"}}}, {"": "no name"}),
        ({"SS": ["b", "a"]}, {"a", "b"}),
        ({"NS": ["1.0", "2"]}, {1, 2}),
        ({"BS": ["AA==", "AQ"]}, {b"\x00", b"\x01"}),
        ({"L": [{"M": {"deep": {"BS": ["AA=="]}}}]}, [{"deep": {b"\x00"}}]),
    ],
)
def test_each_type(value: Typed, plain: Any) -> None:
    found = exact_value(value)
    assert (found, type(found)) == (plain, type(plain))
    assert canonical_value(typed(found)) == canonical_value(value)


@pytest.mark.parametrize("value", [{}, {"X": "x"}, {"N": "x"}, {"N": "NaN"}, {"S": "a", "N": "1"}, {"B": "x"}])
def test_what_is_no_value(value: Typed) -> None:
    with pytest.raises(ValueError):
        exact_value(value)


def test_the_keys_are_no_fields() -> None:
    item = {name: {"S": "x"} for name in ("PK", "SK", "gsi1pk", "gsi9", "bio", "Pk", "location")}
    assert exact_fields(body(item)) == {"bio": "x", "Pk": "x", "location": "x"}


# Changes.


@given(items, st.dictionaries(fields_only, values, max_size=3), st.data())
def test_an_item_with_its_changes_is_the_other_item(item: Typed, more: Typed, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(fields_of(item))) if fields_of(item) else st.nothing()))
    other = {name: value for name, value in item.items() if not is_field(name) or name in kept} | more
    changes = field_changes(exact_fields(body(item)), exact_fields(body(other)))
    new = item_with(entry(item), changes)
    assert new.key == KEY
    assert new.body == canonical_item(body(other))
    assert changes.keys() == {
        name
        for name in fields_of(item).keys() | fields_of(other).keys()
        if name not in item or name not in other or canonical_value(item[name]) != canonical_value(other[name])
    }


@given(items)
def test_without_changes_an_item_is_its_canonical_self(item: Typed) -> None:
    assert item_with(entry(item), {}).body == canonical_item(body(item))


@given(items)
def test_a_deep_copy_has_no_change(item: Typed) -> None:
    plain = exact_fields(body(item))
    assert field_changes(plain, copy.deepcopy(plain)) == {}


Form = Callable[[Any], Any]
FORMS: list[Any] = [True, 1, 1.0, Decimal("1.0"), "1", b"1", None, [1], (1,), {1}, {"1"}, {b"1"}, [True], {"a": 1}]


@pytest.mark.parametrize("other", range(len(FORMS)))
@pytest.mark.parametrize("one", range(len(FORMS)))
def test_what_python_calls_equal_is_told_apart(one: int, other: int) -> None:
    before, after = FORMS[one], FORMS[other]
    if isinstance(before, float):
        return
    if isinstance(after, float):
        with pytest.raises(ValueError, match="float"):
            field_changes({"a": before}, {"a": after})
        return
    wanted = canonical_json(canonical_value(typed(before))) != canonical_json(canonical_value(typed(after)))
    for wrap in (lambda value: value, lambda value: [{"deep": value}]):
        found = field_changes({"a": wrap(before), "b": 1}, {"a": wrap(after), "b": 1})
        assert found == ({"a": typed(wrap(after))} if wanted else {})


@given(values.map(exact_value), values.map(exact_value))
@example(1, True)
@example(Decimal("0.1"), "0.1")
@example({1}, {1, 2})
def test_a_change_is_whatever_changes_the_canonical_bytes(before: Any, after: Any) -> None:
    different = canonical_json(canonical_value(typed(before))) != canonical_json(canonical_value(typed(after)))
    assert bool(field_changes({"a": before}, {"a": after})) is different


def test_attributes_that_are_not_named_stay_to_the_byte() -> None:
    item = {"PK": {"S": "ARTIST#a"}, "SK": {"S": "METADATA"}, "a": {"N": "1.50"}, "b": {"BS": ["AQ==", "AA=="]}}
    new = item_with(entry(item), {"c": {"NS": ["2.0", "1"]}, "a": None, "missing": None})
    assert json.loads(new.body) == {
        "PK": {"S": "ARTIST#a"},
        "SK": {"S": "METADATA"},
        "b": {"BS": ["AA==", "AQ=="]},
        "c": {"NS": ["1", "2"]},
    }


@pytest.mark.parametrize("value", [1.5, object(), set(), {1, "a"}, 10**38 + 1, Decimal("NaN"), [1.5], {"a": {1.5}}])
def test_a_value_that_no_item_holds_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        field_changes({}, {"a": value})


@given(st.sets(st.text(), min_size=1, max_size=9) | st.sets(st.integers(0, 10**9), min_size=1, max_size=9))
def test_a_set_is_typed_in_the_order_of_canonical_bytes(value: Any) -> None:
    assert typed([value]) == canonical_value(typed([value]))
