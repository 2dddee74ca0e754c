"""Arbitrary DynamoDB items of all ten types, and other spellings of the same item."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from hypothesis import strategies as st

from tattoo_data.model.structure import SECONDARY_INDEXES

Typed = dict[str, Any]

texts = st.text(st.characters(codec="utf-8"), max_size=12)
#: DynamoDB takes no attribute without a name.
names = texts.filter(bool)
binaries = st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode())


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number that DynamoDB takes: up to 38 digits, magnitudes from 1e-130 to 9.9e125."""
    digits = draw(st.integers(0, 10**38 - 1))
    exponent = draw(st.integers(-130, 125 - len(str(digits)) + 1))
    sign = draw(st.sampled_from(["", "-"]))
    return f"{sign}{digits}E{exponent}"


def distinct(members: st.SearchStrategy[str], by: Any) -> st.SearchStrategy[list[str]]:
    """The members of a set: at least one, none twice."""
    return st.lists(members, min_size=1, max_size=4, unique_by=by)


scalars = st.one_of(
    st.builds(lambda value: {"S": value}, texts),
    st.builds(lambda value: {"N": value}, numbers()),
    st.builds(lambda value: {"B": value}, binaries),
    st.builds(lambda value: {"BOOL": value}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda value: {"SS": value}, distinct(texts, str)),
    st.builds(lambda value: {"NS": value}, distinct(numbers(), Decimal)),
    st.builds(lambda value: {"BS": value}, distinct(binaries, str)),
)
values: st.SearchStrategy[Typed] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3)),
        st.builds(lambda fields: {"M": fields}, st.dictionaries(names, inner, max_size=3)),
    ),
    max_leaves=8,
)
#: What keys of the table and of its indexes hold is no free choice.
_KEYS = ("PK", "SK", *(part for parts in SECONDARY_INDEXES.values() for part in parts))
items = st.dictionaries(names.filter(lambda name: name not in _KEYS), values, max_size=5).map(
    lambda fields: {"PK": {"S": "ARTIST#a"}, "SK": {"S": "METADATA"}, **fields}
)


@st.composite
def respelled(draw: st.DrawFn, item: Mapping[str, Typed]) -> dict[str, Typed]:
    """The same item in another spelling: order of keys and members, form of numbers."""
    return {name: draw(_respelled_value(item[name])) for name in draw(st.permutations(list(item)))}


@st.composite
def _respelled_value(draw: st.DrawFn, value: Typed) -> Typed:
    ((tag, inner),) = value.items()
    match tag:
        case "N":
            return {"N": draw(_spelling(inner))}
        case "NS":
            return {"NS": [draw(_spelling(member)) for member in draw(st.permutations(inner))]}
        case "SS" | "BS":
            return {tag: draw(st.permutations(inner))}
        case "L":
            return {"L": [draw(_respelled_value(member)) for member in inner]}
        case "M":
            return {"M": draw(respelled(inner))}
    return value


@st.composite
def _spelling(draw: st.DrawFn, number: str) -> str:
    value = Decimal(number)
    plain = format(value, "f")
    padded = f"{plain}00" if "." in plain else f"{plain}.0"
    return draw(st.sampled_from([number, plain, padded, f"{value:E}", number.lower()]))


def body(item: Any, *, ascii_only: bool = False, spaces: bool = False) -> bytes:
    """An item as JSON, as one or another writer would put it."""
    separators = (", ", ": ") if spaces else (",", ":")
    return json.dumps(item, ensure_ascii=ascii_only, separators=separators).encode()


def meaning(value: Any) -> Any:
    """What a typed value is, in Python's own terms: equal if and only if DynamoDB calls the values equal."""
    ((tag, inner),) = value.items()
    context = Context(prec=60)
    match tag:
        case "N":
            return "N", context.create_decimal(inner) + 0
        case "NS":
            return "NS", frozenset(context.create_decimal(member) + 0 for member in inner)
        case "SS" | "BS":
            return tag, frozenset(inner)
        case "L":
            return "L", tuple(meaning(member) for member in inner)
        case "M":
            return "M", frozenset((name, meaning(member)) for name, member in inner.items())
    return tag, inner
