"""Conflicts: how two sides disagree, with a sync point and without one, and never where they agree."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.sync.conflict import Base, Changed, Field, Kind, Side, base_of, find
from tests.model.strategies import respelled
from tests.sync.sides import attributes_of, cases, document, edited, item, items, must_find, partly_updated, projection

BASE = item(bio={"S": "one"}, rating={"N": "4"})
POINT = base_of(BASE, projection(BASE))


def test_a_field_has_what_both_sides_and_the_base_have() -> None:
    found = must_find(POINT, item(bio={"S": "two"}, rating={"N": "4"}), document(bio="three", rating=4))
    assert found.kind is Kind.CHANGED_IN_BOTH
    assert found.fields == (Field(name="bio", changed=Changed.BOTH, table=b'"two"', index=b'"three"', base=b'"one"'),)
    assert (found.is_two_way, found.id) == (False, "a")


@pytest.mark.parametrize(
    ("table", "index", "kind", "changed"),
    [
        ({"bio": {"S": "two"}, "rating": {"N": "4"}}, {"bio": "one", "rating": 4}, "changed-in-table", "table"),
        ({"rating": {"N": "4"}}, {"bio": "one", "rating": 4}, "changed-in-table", "table"),
        ({"bio": {"S": "one"}, "rating": {"N": "4"}}, {"bio": "two", "rating": 4}, "changed-in-index", "index"),
        ({"bio": {"S": "one"}, "rating": {"N": "4"}}, {"bio": None, "rating": 4}, "changed-in-index", "index"),
        ({"bio": {"S": "one"}, "rating": {"N": "4"}}, {"rating": 4}, "changed-in-index", "index"),
        ({"bio": {"S": "two"}, "rating": {"N": "4"}}, {"rating": 4}, "changed-in-both", "both"),
        ({"bio": {"S": "two"}, "rating": {"N": "4"}}, {"bio": "one", "rating": 5}, "changed-apart", "table index"),
        ({"bio": {"S": "two"}, "rating": {"N": "5"}}, {"bio": "two", "rating": 4}, "changed-in-table", "table"),
        ({"bio": {"S": "two"}, "rating": {"N": "5"}}, {"bio": "six", "rating": 4}, "changed-in-both", "both table"),
    ],
)
def test_who_changed_what(table: dict[str, object], index: dict[str, object], kind: str, changed: str) -> None:
    found = must_find(POINT, item(**table), document(**index))
    assert (found.kind, " ".join(field.changed for field in found.fields)) == (kind, changed)


@pytest.mark.parametrize(
    ("table", "index", "kind", "clashes"),
    [
        ("2", "3", Kind.CHANGED_APART, False),
        ("2", "1", Kind.CHANGED_IN_TABLE, False),
        ("1", "2", Kind.CHANGED_IN_INDEX, False),
    ],
)
def test_another_updated_at_on_both_sides_is_no_clash(table: str, index: str, kind: Kind, clashes: bool) -> None:
    start = item(updatedAt={"S": "1"})
    found = must_find(base_of(start, projection(start)), item(updatedAt={"S": table}), document(updatedAt=index))
    assert (found.kind, bool(found.clashes)) == (kind, clashes)


@pytest.mark.parametrize(
    ("base", "table", "index", "kind"),
    [
        (POINT, None, document(bio="one", rating=4), Kind.DELETED_IN_TABLE),
        (POINT, None, document(bio="one", rating=4.0), Kind.DELETED_IN_TABLE),
        (POINT, None, document(bio="one", rating=5), Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX),
        (POINT, None, document(bio="one"), Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX),
        (POINT, None, document(bio="one", rating=4, location={"lat": 1, "lon": 2}), Kind.DELETED_IN_TABLE),
        (POINT, BASE, None, Kind.DELETED_IN_INDEX),
        (POINT, item(bio={"S": "two"}, rating={"N": "4"}), None, Kind.DELETED_IN_INDEX_CHANGED_IN_TABLE),
        (Base(form=None), BASE, None, Kind.CREATED_IN_TABLE),
        (Base(form=None), None, document(), Kind.CREATED_IN_INDEX),
        (Base(form=None), BASE, document(), Kind.CREATED_IN_BOTH),
        (None, BASE, None, Kind.ONLY_IN_TABLE),
        (None, None, document(), Kind.ONLY_IN_INDEX),
        (None, BASE, document(), Kind.DIFFERS),
        (None, BASE, document(bio="one", rating=4, location={"lat": 1, "lon": 2}), Kind.DOCUMENT_FORM),
        (POINT, BASE, document(bio="one", rating=4, PK="x", gsi1pk="y"), Kind.DOCUMENT_FORM),
        (POINT, item("PROFILE", bio={"S": "two"}, rating={"N": "4"}), projection(BASE), Kind.CHANGED_IN_TABLE),
    ],
)
def test_kinds(base: Base | None, table: Entry | None, index: Entry | None, kind: Kind) -> None:
    found = must_find(base, table, index)
    assert (found.kind, found.is_two_way) == (kind, base is None)
    assert found.is_on_both is (table is not None and index is not None)


LONG, OTHER = "1234567890123456789012.25", "999999999999999999999.25"
NESTED = {
    "big": {"N": LONG},
    "years": {"NS": [LONG, OTHER, "7"]},
    "prices": {"L": [{"M": {"price": {"N": LONG}}}, {"N": OTHER}]},
}


def test_a_number_that_was_made_a_double_did_not_change() -> None:
    live = item(**NESTED)
    for base in (None, Base(form=None), base_of(live, projection(live)), base_of(live, partly_updated(live))):
        found = must_find(base, live, partly_updated(live))
        assert (found.kind, found.fields) == (Kind.DOCUMENT_FORM, ())
        found = must_find(base, live, partly_updated(live, bio="new"))
        assert [field.name for field in found.fields] == ["bio"]


def test_what_one_side_changed_is_told_from_what_only_lost_digits() -> None:
    start = item(**NESTED)
    point = base_of(start, projection(start))
    newer = item(**NESTED | {"big": {"N": OTHER}})
    (big,) = must_find(point, newer, partly_updated(start)).fields
    assert (big.changed, big.table, big.index) == (Changed.TABLE, OTHER.encode(), LONG.encode())
    assert must_find(point, None, partly_updated(start)).kind is Kind.DELETED_IN_TABLE
    (prices,) = must_find(point, start, partly_updated(start, prices=[{"price": float(LONG)}, 5])).fields
    assert (prices.changed, prices.index) == (Changed.INDEX, b'[{"price":%s},5]' % LONG.encode())
    (years,) = must_find(point, start, partly_updated(start, years=[float(LONG), 7, 8])).fields
    assert (years.changed, years.index) == (Changed.INDEX, b"[%s,7,8]" % LONG.encode())
    (bio,) = must_find(point, newer, partly_updated(newer, bio="new")).fields
    assert (bio.name, bio.changed) == ("bio", Changed.INDEX)


def test_what_both_sides_made_the_same_double_is_no_conflict() -> None:
    start, rounded = item(big={"N": LONG}), item(big={"N": "1234567890123456800000"}, bio={"S": "x"})
    found = must_find(base_of(start, projection(start)), rounded, partly_updated(start))
    assert [(field.name, field.changed) for field in found.fields] == [("bio", Changed.TABLE)]


@given(items, st.booleans())
def test_a_partial_update_changes_no_number(start: Entry, with_point: bool) -> None:
    point = base_of(start, projection(start)) if with_point else None
    found = find(point, start, partly_updated(start))
    assert found is None or (found.kind, found.fields) == (Kind.DOCUMENT_FORM, ())


def test_a_deleted_record_tells_what_the_other_side_changed() -> None:
    found = must_find(POINT, None, document(bio="two"))
    assert found.fields == (
        Field(name="bio", changed=Changed.INDEX, table=None, index=b'"two"', base=b'"one"'),
        Field(name="rating", changed=Changed.INDEX, table=None, index=None, base=b"4"),
    )
    assert [field.of(side) for field in found.fields for side in Side] == [None, b'"two"', None, None]


def test_a_field_that_differed_at_the_sync_point_has_no_base() -> None:
    base = base_of(BASE, document(bio="other", rating=4))
    (bio,) = must_find(base, BASE, document(bio="other", rating=4)).fields
    assert (bio.changed, bio.base, bio.is_clash) == (Changed.UNKNOWN, None, True)
    assert must_find(base, BASE, document(bio="other", rating=5)).kind is Kind.CHANGED_IN_BOTH
    assert must_find(base, None, document(bio="other", rating=4)).kind is Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX
    assert must_find(base, BASE, document(bio="one", rating=5)).kind is Kind.CHANGED_IN_INDEX


def test_a_field_that_one_side_lacked_at_the_sync_point_is_not_taken_for_unchanged() -> None:
    found = must_find(base_of(BASE, document(rating=4)), None, document(rating=4))
    assert found.kind is Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX
    assert found.fields == (Field(name="bio", changed=Changed.UNKNOWN, table=None, index=None),)


def test_a_record_that_one_side_lacked_at_the_sync_point_has_no_base() -> None:
    assert base_of(BASE, None) is None
    assert base_of(None, document()) is None
    assert base_of(None, None) == Base(form=None)


@pytest.mark.parametrize("fields", [{"artistId": "b"}, {"artistId": None}, {"artistId": 1}])
def test_a_document_of_another_shape_is_nothing_to_sync(fields: dict[str, object]) -> None:
    assert find(None, None, document(**fields)) is None
    assert find(Base(form=None), None, document(**fields)) is None
    assert must_find(POINT, None, document(**fields)).kind is Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX
    assert must_find(None, BASE, document(**fields)).kind is Kind.DIFFERS


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: find(None, Entry(item_key("STUDIO#a", "METADATA"), b"{}"), None), "no artist's item"),
        (lambda: find(None, Entry(item_key("ARTIST#a", "AUDIT#1"), b"{}"), None), "no artist's item"),
        (lambda: find(None, BASE, Entry("b", b"{}")), "not of one artist"),
        (lambda: find(None, BASE, Entry("a", b"null")), "no object"),
        (lambda: find(None, BASE, Entry("a", b"[1]")), "no object"),
        (lambda: find(None, None, Entry("a", b"[1]")), "no object"),
        (lambda: find(None, None, Entry("a", b"{")), "truncated"),
        (lambda: find(None, BASE, Entry("a", b'{"x":%s}' % (b"[" * 5000 + b"]" * 5000))), "too deep"),
        (lambda: find(None, Entry(BASE.key, b'{"a":{"Q":1}}'), None), "not a type"),
    ],
)
def test_what_cannot_be_read_is_refused(ask: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ask()


@given(cases(), items)
def test_sides_that_agree_are_no_conflict_whatever_was(
    case: tuple[Base | None, Entry | None, Entry | None], entry: Entry
) -> None:
    assert find(case[0], entry, projection(entry)) is None
    assert find(case[0], None, None) is None


@given(cases(), st.data())
def test_another_spelling_is_no_other_conflict(
    case: tuple[Base | None, Entry | None, Entry | None], data: st.DataObject
) -> None:
    base, table, index = case
    if table is None:
        return
    spelled = json.dumps(data.draw(respelled(attributes_of(table)))).encode()
    one, other = find(base, table, index), find(base, Entry(table.key, spelled), index)
    assert (one and (one.kind, one.fields)) == (other and (other.kind, other.fields))


@given(cases())
def test_a_conflict_names_just_the_fields_that_differ(case: tuple[Base | None, Entry | None, Entry | None]) -> None:
    found = find(*case)
    if found is None or found.table is None or found.index is None:
        return
    names = found.table.keys() | found.index.keys()
    assert [field.name for field in found.fields] == sorted(
        name for name in names if found.table.get(name) != found.index.get(name)
    )


@given(items.flatmap(lambda entry: st.tuples(st.just(entry), edited(entry), edited(entry))))
def test_the_sides_changed_round_is_the_conflict_changed_round(three: tuple[Entry, Entry, Entry]) -> None:
    start, one, other = three
    base = base_of(start, projection(start))
    there, back = find(base, one, projection(other)), find(base, other, projection(one))
    mirrored = {Changed.TABLE: Changed.INDEX, Changed.INDEX: Changed.TABLE}
    assert (there is None) is (back is None)
    if there and back:
        assert [(each.name, each.table, each.index, each.changed) for each in there.fields] == [
            (each.name, each.index, each.table, mirrored.get(each.changed, each.changed)) for each in back.fields
        ]
