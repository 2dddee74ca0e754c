"""The two sides of one artist, for tests: an item in DynamoDB's types, a document in JSON, and arbitrary ones."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import DIGITS_OF_DOUBLE
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import document_of
from tattoo_data.sync.conflict import Base, Conflict, Side, base_of, find
from tattoo_data.sync.policy import Policy, Strategy
from tests.model.strategies import binaries, distinct, numbers, texts

ID = "a"
Attributes = dict[str, Any]
STRATEGIES = list(Strategy)


def item(sort_key: str = "METADATA", /, **attributes: Any) -> Entry:
    """The artist's item with these typed attributes."""
    keys = {"PK": {"S": f"ARTIST#{ID}"}, "SK": {"S": sort_key}}
    body = json.dumps({**keys, "artistId": {"S": ID}, **attributes}).encode()
    return Entry(item_key(f"ARTIST#{ID}", sort_key), canonical_item(body))


def document(**fields: Any) -> Entry:
    """The artist's document with these fields."""
    return Entry(ID, json.dumps({"artistId": ID, **fields}).encode())


def attributes_of(entry: Entry | None) -> Attributes:
    """An item's attributes."""
    assert entry is not None
    decoded: Attributes = json.loads(entry.body)
    return decoded


def projection(entry: Entry) -> Entry:
    """The document that an item gives."""
    found = document_of(entry)
    assert found is not None
    return found


def must_find(base: Base | None, one: Entry | None, other: Entry | None) -> Conflict:
    """The conflict of two sides that disagree."""
    found = find(base, one, other)
    assert found is not None
    return found


def is_whole(text: str) -> bool:
    """Whether nothing in it stands for half a character of a document, which no item takes."""
    return not any("\U0010d800" <= each <= "\U0010dfff" for each in text)


whole_texts = texts.filter(is_whole)
#: Fields of every type that DynamoDB has, each with values of its own type only.
_VALUES: dict[str, st.SearchStrategy[Attributes]] = {
    "bio": st.builds(lambda value: {"S": value}, whole_texts),
    "big": st.builds(lambda value: {"N": value}, numbers()),
    "avatar": st.builds(lambda value: {"B": value}, binaries),
    "styles": st.builds(lambda value: {"SS": value}, distinct(st.sampled_from("wxyz"), str)),
    "years": st.builds(lambda value: {"NS": value}, distinct(numbers(), Decimal)),
    "marks": st.builds(lambda value: {"BS": value}, distinct(binaries, str)),
    "open": st.sampled_from([{"BOOL": True}, {"BOOL": False}, {"NULL": True}]),
    "images": st.builds(
        lambda bodies: {"L": [{"M": {"raw": {"B": body}}} for body in bodies]}, st.lists(binaries, max_size=3)
    ),
    "latitude": st.sampled_from([{"N": "51.5"}, {"N": "52"}, {"N": "99"}]),
    "longitude": st.sampled_from([{"N": "-0.1"}, {"N": "0"}]),
    "updatedAt": st.sampled_from(
        [{"S": "2026-01-01T00:00:00.000Z"}, {"S": "2026-01-02"}, {"S": "2030-01-01"}, {"S": "soon"}, {"N": "1"}]
    ),
}
attributes = st.fixed_dictionaries({}, optional=_VALUES)
items = attributes.map(lambda chosen: item(**chosen))


@st.composite
def edited(draw: st.DrawFn, entry: Entry) -> Entry:
    """The item after some edits: fields set to other values, and fields gone."""
    have = {name: value for name, value in attributes_of(entry).items() if name in _VALUES}
    gone = draw(st.sets(st.sampled_from(sorted(_VALUES)), max_size=2))
    changed = draw(attributes.filter(lambda chosen: len(chosen) <= 3) | st.just({}))
    return item(**{name: value for name, value in {**have, **changed}.items() if name not in gone})


@st.composite
def documents(draw: st.DrawFn, entry: Entry) -> Entry:
    """What the index has of an item that was edited there, now and then with a location or keys of its own."""
    body = json.loads(projection(draw(edited(entry))).body, parse_float=_Exact, parse_int=_Exact)
    odd = draw(st.sampled_from([{}, {}, {"location": {"lat": 1, "lon": 1}}, {"gsi1pk": "x"}]))
    return Entry(ID, _dump(body | odd), draw(st.sampled_from([None, None, "r"])))


def partly_updated(entry: Entry, **fields: object) -> Entry:
    """The document of an item after a partial update of these fields, which makes doubles of its numbers."""
    body = json.loads(projection(entry).body, parse_float=_rounded, parse_int=_rounded)
    return Entry(ID, _dump(body | fields))


def _rounded(text: str) -> _Exact:
    digits = len(text.lstrip("-").replace(".", "").strip("0"))
    return _Exact(text if digits <= DIGITS_OF_DOUBLE else repr(float(text)))


class _Exact(str):
    """A number of JSON, digit by digit."""


def _dump(value: object) -> bytes:
    match value:
        case _Exact():
            return value.encode()
        case dict():
            return b"{%s}" % b",".join(b"%s:%s" % (_dump(str(name)), _dump(each)) for name, each in value.items())
        case list():
            return b"[%s]" % b",".join(map(_dump, value))
    return json.dumps(value).encode()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Base | None, Entry | None, Entry | None]:
    """A sync point (or none), and what the two sides hold now."""
    start = draw(items)
    seen = draw(documents(start)) if draw(st.integers(0, 4)) == 0 else projection(start)
    base = draw(st.sampled_from([base_of(start, seen)] * 3 + [base_of(None, None), base_of(start, None), None]))
    table = draw(st.none() | edited(start) | edited(start) | st.just(start))
    index = draw(st.none() | documents(start) | documents(start) | st.just(seen))
    return base, table, index


policies = st.builds(
    lambda strategy, prefer: Policy(strategy=strategy, prefer=prefer),
    st.sampled_from(STRATEGIES),
    st.sampled_from([None, *Side]),
)
