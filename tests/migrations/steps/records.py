"""Records: artists of any shape, as an item's fields can be, and the laws that every step keeps."""

from __future__ import annotations

import copy
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tattoo_data.migrations.step import Context, Fields, Picture, Up
from tattoo_data.model.canonical import canonical_json, canonical_value
from tattoo_data.model.project import typed
from tattoo_data.model.records import Kind
from tattoo_data.validation.records import check_fields
from tattoo_data.validation.rule import Severity

Values = st.SearchStrategy[Any]

DAY = date(2026, 11, 24)
LONG = Decimal("1.2345678901234567890123456789012345678")
THERE = "http://localhost:4566/tattoo-directory-images/styles/celtic-1.png"
GONE = "http://localhost:4566/tattoo-directory-images/styles/gone.png"
PICTURES = {THERE: Picture(width=640, height=480, content_type="image/png")}
CONTEXT = Context(as_of=DAY, picture=PICTURES.get)

texts = st.text(max_size=12)
numbers: Values = st.one_of(
    st.integers(-(10**37), 10**37),
    st.decimals(-1000, 1000, places=3, allow_nan=False),
    st.sampled_from([0, 1, Decimal("0.0"), Decimal("4.5"), LONG, 99999999999999999999999999999999999999]),
)
sets: Values = st.one_of(
    st.sets(texts, min_size=1, max_size=3),
    st.sets(st.integers(-9, 9), min_size=1, max_size=3),
    st.sets(st.binary(max_size=3), min_size=1, max_size=3),
)
leaves: Values = st.one_of(st.none(), st.booleans(), texts, numbers, st.binary(max_size=6), sets)
#: Anything that an item can hold.
values: Values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
urls = st.sampled_from([THERE, GONE, "", "celtic-1.png", "https://example.com/a.png"])
dates = st.sampled_from(["2026-11-13T09:01:00.000Z", "2026-01-31", "2026-02-30", "yesterday", ""])
images: Values = st.one_of(
    urls,
    values,
    st.dictionaries(
        st.sampled_from(["url", "description", "tags", "uploadedAt", "isMain", "width", "height", "contentType", "by"]),
        values | urls | st.booleans() | st.none(),
    ),
)
places = st.one_of(
    st.sampled_from(["Soho", "Brum", "Leith - Edinburgh", "London Road, Manchester", "New London", "Brixton LONDON"]),
    st.lists(
        st.sampled_from(["Soho", "LONDON", "leith", "Bath", "UK", "Foo", ",", " - ", "/", "(", ")", " ", "e"])
    ).map("".join),
)
addresses = st.sampled_from(
    ["@ada", "ada.brown", "https://x.com/ada", "www.facebook.com/ada", "https://ada.example.com", "http://[", "a b", ""]
)
contacts = st.dictionaries(
    st.sampled_from(["instagram", "facebook", "twitter", "tiktok", "website", "email"]), addresses | values
)
#: What each field looks like where it is not of a wrong type.
_USUAL: dict[str, Values] = {
    "locationDisplay": places,
    "rating": numbers,
    "reviewCount": numbers,
    "specialties": st.lists(texts, max_size=2),
    "createdAt": dates,
    "updatedAt": dates,
    "portfolioImages": st.lists(images, max_size=4),
    "instagramHandle": addresses,
    "contactInfo": contacts,
    "socialMedia": contacts,
    "studioInfo": values,
    "pricing": values,
    "availability": values,
    "experience": values,
}


@st.composite
def records(draw: st.DrawFn) -> Fields:
    """An artist of any shape: known fields of right and wrong types, some missing, and unknown ones."""
    record: Fields = draw(st.dictionaries(texts, values, max_size=2))
    for name, usual in _USUAL.items():
        kind = draw(st.integers(0, 3))
        if kind:
            record[name] = draw(values if kind == 1 else usual)
    return record


def taken(up: Up, record: Fields, context: Context = CONTEXT) -> Fields:
    """What a step makes of a record, which stays as it is."""
    return up(copy.deepcopy(record), context)


def exact(value: Any) -> bytes:
    """A value in canonical bytes: equal if and only if an item would be the same with it."""
    return canonical_json(canonical_value(typed(value)))


def changed(before: Fields, after: Fields) -> set[str]:
    """The fields in which two records differ."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or exact(before[name]) != exact(after[name])
    }


def newly_broken(before: Fields, after: Fields) -> set[tuple[str, str]]:
    """Rules that are broken after and were not before, at the same field or the one that it is in."""
    known = _broken(before)
    return {
        (rule, field)
        for rule, field in _broken(after)
        if not any(rule == old and f"{field}.".startswith(f"{where}.") for old, where in known)
    }


def hold_laws(up: Up, writes: Collection[str], record: Fields) -> Fields:
    """What a step makes of a record, once it is seen that the step keeps to what every step must."""
    after = taken(up, record)
    assert changed(after, taken(up, after)) == set(), "it is not idempotent"
    assert changed(record, after) <= set(writes), "it changes what it does not say it writes"
    assert newly_broken(record, after) == set(), "it breaks a rule"
    if "updatedAt" in record:
        assert "updatedAt" not in changed(record, after)
    return after


def _broken(record: Fields) -> set[tuple[str, str]]:
    problems = check_fields(Kind.ARTIST, record).problems
    return {(each.rule.id, each.field) for each in problems if each.rule.severity is not Severity.INFO}
