"""Before-images: what became of each attribute of an item, by digests that do not depend on how it is spelled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.before import BeforeImage, attribute_digests, attributes_made
from tests.model.strategies import Typed, body, items, meaning, respelled


@given(items, items, st.data())
def test_just_the_attributes_that_differ_are_told(before: Typed, after: Typed, data: st.DataObject) -> None:
    was, now = ({name: meaning(value) for name, value in item.items()} for item in (before, after))
    made = attributes_made(body(before), body(data.draw(respelled(after))))
    assert set(made) == {name for name in was | now if was.get(name) != now.get(name)}
    digests = attribute_digests(body(data.draw(respelled(after))))
    assert made == {name: digests.get(name) for name in made}


@given(items, st.data())
def test_an_attribute_that_is_only_spelled_otherwise_was_not_made(item: Typed, data: st.DataObject) -> None:
    assert attributes_made(body(item), body(data.draw(respelled(item)), ascii_only=True)) == {}


def test_an_attribute_that_was_taken_away_has_no_digest() -> None:
    assert attributes_made(b'{"gone":{"NULL":true},"a":{"S":""}}', b'{"a":{"S":""}}') == {"gone": None}


def test_what_was_made_counts_in_the_size() -> None:
    assert BeforeImage("k", b"12", None).size == 2
    assert BeforeImage("k", b"12", None, made={"a": None, "b": b"x"}).size > 100
