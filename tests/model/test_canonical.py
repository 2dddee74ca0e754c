"""Canonical bytes are equal if and only if DynamoDB would call the items equal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_number, canonical_object
from tests.model.strategies import body, items, meaning, numbers, respelled, values


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("-0e-10", "0"),
        ("4.50", "4.5"),
        ("45e-1", "4.5"),
        ("4.5", "4.5"),
        ("100", "100"),
        ("1E+2", "100"),
        ("1e-3", "0.001"),
        ("+7", "7"),
        ("007", "7"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("1234567890.1234567890123456789012345678", "1234567890.1234567890123456789012345678"),
        ("9.9999999999999999999999999999999999999E+125", "99999999999999999999999999999999999999" + "0" * 88),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("1e+999", "1E+999"),
        ("10e+998", "1E+999"),
        ("-2.50e-999", "-2.5E-999"),
    ],
)
def test_a_number_has_one_spelling(text: str, plain: str) -> None:
    assert canonical_number(text) == plain


@pytest.mark.parametrize("text", ["", "one", "NaN", "Infinity", "-inf", "1,5", "0x10"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        canonical_number(text)


@given(numbers())
def test_a_number_keeps_its_value(text: str) -> None:
    assert Decimal(canonical_number(text)) == Decimal(text)


@given(items.flatmap(lambda item: st.tuples(st.just(item), respelled(item), st.booleans(), st.booleans())))
def test_other_spellings_of_an_item_have_the_same_bytes(case: tuple[Any, Any, bool, bool]) -> None:
    item, other, ascii_only, spaces = case
    assert canonical_item(body(item)) == canonical_item(body(other, ascii_only=ascii_only, spaces=spaces))


@given(st.tuples(values, values))
def test_bytes_are_equal_just_when_the_values_are(pair: tuple[Any, Any]) -> None:
    one, other = ({"PK": {"S": "a"}, "SK": {"S": "b"}, "value": value} for value in pair)
    assert (canonical_item(body(one)) == canonical_item(body(other))) == (meaning(pair[0]) == meaning(pair[1]))


@given(items)
def test_canonical_bytes_are_canonical(item: Any) -> None:
    once = canonical_item(body(item))
    assert canonical_item(once) == once
    decoded = msgspec.json.decode(once)
    assert {name: meaning(value) for name, value in decoded.items()} == {
        name: meaning(value) for name, value in item.items()
    }


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('{"b":{"N":"1.0"},"a":{"S":"x"}}', '{"a":{"S":"x"},"b":{"N":"1"}}'),
        ('{"s":{"SS":["b","a"]}}', '{"s":{"SS":["a","b"]}}'),
        ('{"n":{"NS":["10","9.0"]}}', '{"n":{"NS":["10","9"]}}'),
        ('{"b":{"B":"YQ"}}', '{"b":{"B":"YQ=="}}'),
        ('{"m":{"M":{"z":{"L":[{"N":"-0"}]}}}}', '{"m":{"M":{"z":{"L":[{"N":"0"}]}}}}'),
        ('{"s":{"S":"\\u00e9 \\"N\\":\\"1.0\\""}}', '{"s":{"S":"é \\"N\\":\\"1.0\\""}}'),
        ('{"n":{"N":"1.50"},"t":{"S":"\\"N\\":\\"1.5\\""}}', '{"n":{"N":"1.5"},"t":{"S":"\\"N\\":\\"1.5\\""}}'),
        ('{"x":{"NULL":true},"y":{"BOOL":false},"z":{"S":""}}', '{"x":{"NULL":true},"y":{"BOOL":false},"z":{"S":""}}'),
    ],
)
def test_an_item_by_hand(text: str, canonical: str) -> None:
    assert canonical_item(text.encode()).decode() == canonical


@pytest.mark.parametrize(
    "text",
    ['{"a":{"N":"x"}}', '{"a":{"N":"NaN"}}', '{"a":{"Q":"1"},"n":{"N":"1.0"}}', '{"a":{"N":"1.0","S":"1"}}', "[1", ""],
)
def test_what_is_no_item_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        canonical_item(text.encode())


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ('{"a":4.50}', '{"a":4.5}', True),
        ('{"a":45e-1}', '{"a":4.5}', True),
        ('{"a":1.0}', '{"a":1}', True),
        ('{"a":-0.0}', '{"a":0}', True),
        ('{"a":"4.50"}', '{"a":"4.5"}', False),
        ('{"a":12345678901234567890.123456789}', '{"a":12345678901234567890.123456780}', False),
        ('{"a":123456789012345678901234567890}', '{"a":123456789012345678901234567891}', False),
        ('{"b":1,"a":[2,3]}', '{ "a": [2, 3], "b": 1 }', True),
        ('{"a":[2,3]}', '{"a":[3,2]}', False),
        ('{"a":null}', "{}", False),
        ('{"a":"\\u00e9"}', '{"a":"é"}', True),
    ],
)
def test_documents_compare_by_content(one: str, other: str, equal: bool) -> None:
    assert (canonical_document(one.encode()) == canonical_document(other.encode())) is equal


def test_an_object_is_its_md5_and_size() -> None:
    assert canonical_object("900150983cd24fb0d6963f7d28e17f72", 3) == (
        b'{"md5":"900150983cd24fb0d6963f7d28e17f72","size":3}'
    )
