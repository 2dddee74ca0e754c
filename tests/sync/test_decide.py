"""Decisions: every case of every strategy, with a sync point and without one; and what always holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.sync_doc import POLICIES, after, conflict

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.sync.backward import item_from
from tattoo_data.sync.conflict import UPDATED_AT, Base, Changed, Conflict, Kind, Side, base_of, find
from tattoo_data.sync.decide import decide
from tattoo_data.sync.form import as_canonical, fields_in
from tattoo_data.sync.policy import Policy, Strategy, Whole
from tests.sync.sides import (
    ID,
    attributes_of,
    cases,
    document,
    documents,
    edited,
    item,
    items,
    must_find,
    partly_updated,
    policies,
    projection,
)

TABLE, INDEX = Side.TABLE, Side.INDEX
LATEST, MERGE = Policy(), Policy(strategy=Strategy.MERGE)
DYNAMO, OPENSEARCH = Policy(strategy=Strategy.DYNAMO_WINS), Policy(strategy=Strategy.OPENSEARCH_WINS)
Case = tuple[Base | None, Entry | None, Entry | None]

#: What the sync point held -> strategy -> what both sides have afterwards. A row is a state of the table, its words
#: are those of the index: absent (.), same as at the sync point (=), changed to A, to the newer B; ? is left.
EXPECTED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "same": {
        "`latest`": (". . A B", ". = A B", "A A A B", "B B B B"),
        "`dynamo_wins`": (". . . .", ". = A B", "A A A A", "B B B B"),
        "`opensearch_wins`": (". . A B", ". = A B", ". A A B", ". B A B"),
        "`merge`": (". . ? ?", ". = A B", "? A A ?", "? B ? B"),
        "`merge --prefer table`": (". . . .", ". = A B", "A A A A", "B B B B"),
        "`merge --prefer index`": (". . A B", ". = A B", ". A A B", ". B A B"),
        "`manual`": (". . ? ?", ". = A B", "? A A ?", "? B ? B"),
    },
    "none": {
        "`latest`": (". ? ? ?", "= = A B", "A A A B", "B B B B"),
        "`dynamo_wins`": (". . . .", "= = = =", "A A A A", "B B B B"),
        "`opensearch_wins`": (". = A B", "= = A B", "A = A B", "B = A B"),
        "`merge`": (". ? ? ?", "= = ? ?", "A ? A ?", "B ? ? B"),
        "`merge --prefer table`": (". ? ? ?", "= = = =", "A A A A", "B B B B"),
        "`merge --prefer index`": (". ? ? ?", "= = A B", "A = A B", "B = A B"),
        "`manual`": (". ? ? ?", "= = ? ?", "A ? A ?", "B ? ? B"),
    },
    "absent": {
        "`latest`": (". A B", "A A B", "B B B"),
        "`dynamo_wins`": (". A B", "A A A", "B B B"),
        "`opensearch_wins`": (". A B", "A A B", "B A B"),
        "`merge`": (". A B", "A A ?", "B ? B"),
        "`merge --prefer table`": (". A B", "A A A", "B B B"),
        "`merge --prefer index`": (". A B", "A A B", "B A B"),
        "`manual`": (". A B", "A A ?", "B ? B"),
    },
}
_STATES = {"same": ("absent", "same", "A", "B"), "none": ("absent", "same", "A", "B"), "absent": ("absent", "A", "B")}
_SIGNS = {"absent": ".", "same": "=", "left": "?"}


@pytest.mark.parametrize("strategy", POLICIES)
@pytest.mark.parametrize("situation", EXPECTED)
def test_every_case(situation: str, strategy: str) -> None:
    found = []
    for table in _STATES[situation]:
        row = []
        for index in _STATES[situation]:
            there = conflict(situation, table, index)
            state = after(decide(there, POLICIES[strategy])) if there else table
            row.append(_SIGNS.get(state, state))
        found.append(" ".join(row))
    assert tuple(found) == EXPECTED[situation][strategy]


@pytest.mark.parametrize("strategy", POLICIES)
def test_changes_to_different_fields_are_all_taken(strategy: str) -> None:
    for table, index in (("A", "C"), ("C", "A")):
        there = conflict("same", table, index)
        assert there is not None
        assert after(decide(there, POLICIES[strategy])) == "A and C"


def fields_after(
    found: Conflict, policy: Policy, choice: Mapping[str, Side] | Whole | None = None
) -> dict[str, object]:
    """The document's fields after a decision."""
    decision = decide(found, policy, choice)
    assert not decision.is_left
    assert decision.document is not None
    fields: dict[str, object] = json.loads(decision.document.body)
    fields.pop("artistId")
    return fields


def three_way(start: Mapping[str, str], table: Mapping[str, str], index: Mapping[str, str]) -> Conflict:
    """The conflict of three versions whose fields are texts."""
    old, new = (item(**{name: {"S": text} for name, text in fields.items()}) for fields in (start, table))
    return must_find(base_of(old, projection(old)), new, document(**index))


EARLY, LATE = "2026-01-01", "2026-01-02"


@pytest.mark.parametrize(
    ("table", "index", "policy", "stamp"),
    [
        ({"bio": "new", UPDATED_AT: EARLY}, {"bio": "one", UPDATED_AT: LATE}, DYNAMO, EARLY),
        ({"bio": "new", UPDATED_AT: LATE}, {"bio": "two", UPDATED_AT: EARLY}, OPENSEARCH, EARLY),
        ({"bio": "new", UPDATED_AT: LATE}, {"bio": "two", UPDATED_AT: EARLY}, DYNAMO, LATE),
        ({"bio": "new", UPDATED_AT: LATE}, {"bio": "one", "x": "y", UPDATED_AT: EARLY}, OPENSEARCH, LATE),
        ({"bio": "new", UPDATED_AT: EARLY}, {"bio": "one", "x": "y", UPDATED_AT: LATE}, MERGE, LATE),
        ({"bio": "one", UPDATED_AT: EARLY}, {"bio": "one", UPDATED_AT: LATE}, DYNAMO, EARLY),
        ({"bio": "one", UPDATED_AT: EARLY}, {"bio": "one", UPDATED_AT: LATE}, MERGE, LATE),
        ({"bio": "one", UPDATED_AT: "soon"}, {"bio": "one", UPDATED_AT: EARLY}, LATEST, EARLY),
        ({"bio": "new"}, {"bio": "one", "x": "y", UPDATED_AT: EARLY}, MERGE, EARLY),
        ({"bio": "one", UPDATED_AT: "0"}, {"bio": "two", UPDATED_AT: LATE}, OPENSEARCH, LATE),
        ({"bio": "new", UPDATED_AT: LATE}, {"bio": "one", UPDATED_AT: "0"}, OPENSEARCH, LATE),
    ],
)
def test_updated_at_goes_with_what_is_taken_and_is_never_made_up(
    table: dict[str, str], index: dict[str, str], policy: Policy, stamp: str
) -> None:
    found = three_way({"bio": "one", UPDATED_AT: "0"}, table, index)
    assert fields_after(found, policy)[UPDATED_AT] == stamp


def test_latest_does_not_believe_a_year_that_is_far_ahead() -> None:
    found = three_way({"bio": "one"}, {"bio": "two", UPDATED_AT: "2030-01-01"}, {"bio": "six", UPDATED_AT: LATE})
    assert fields_after(found, LATEST)["bio"] == "two"
    assert fields_after(found, Policy(horizon=datetime(2026, 6, 1, tzinfo=UTC)))["bio"] == "six"


def test_merge_without_a_sync_point_keeps_what_only_one_side_has() -> None:
    sides = item(bio={"S": "x"}, mine={"SS": ["a"]}), document(bio="x", theirs="y", updatedAt=LATE)
    found = must_find(None, *sides)
    assert fields_after(found, MERGE) == {"bio": "x", "mine": ["a"], "theirs": "y", "updatedAt": LATE}
    assert decide(found, MERGE).reason == ("Without a sync point, only the table has mine; only the index has theirs.")


def test_a_field_that_one_side_removed_and_the_other_changed_is_nothing_to_merge() -> None:
    assert decide(three_way({"bio": "0"}, {"bio": "1"}, {}), MERGE).is_left
    assert decide(three_way({"bio": "0"}, {}, {"bio": "1"}), MERGE).is_left


def test_a_side_that_is_right_already_is_not_written() -> None:
    decision = decide(three_way({"bio": "0"}, {"bio": "0"}, {"bio": "1"}), LATEST)
    assert decision.document is decision.conflict.document
    assert decision.writes == (StoreName.TABLE,)


def test_a_reason_names_fields_and_what_decided() -> None:
    found = three_way({"bio": "0"}, {"bio": "1", "own": "x"}, {"bio": "2", "a b": "y"})
    assert decide(found, DYNAMO).reason == (
        'Since the sync point, only the index changed ["a b"]; both sides changed bio, and the table wins; '
        "only the table changed own."
    )
    many = must_find(None, item(), document(**{f"f{number}": number for number in range(9)}))
    assert "f0, f1, f2, f3, f4 and 4 more" in decide(many, OPENSEARCH).reason
    assert decide(must_find(None, item(), document(updatedAt="{0}")), LATEST).reason == (
        "Without a sync point, nobody knows which side changed updatedAt, and neither updatedAt counts (the table's is "
        "missing, the index's ({0}) is no date): a tie goes to the table."
    )


@pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
def test_the_tables_number_is_taken_where_the_indexs_was_only_made_a_double(policy: Policy) -> None:
    old, new = "1234567890123456789012.25", "999999999999999999999.25"
    start = item(big={"N": old}, bio={"S": "0"}, updatedAt={"S": EARLY})
    changed = item(big={"N": new}, bio={"S": "0"}, updatedAt={"S": EARLY})
    base = base_of(start, projection(start))
    edit = partly_updated(start, bio="1", updatedAt=LATE)
    wanted = item(big={"N": new}, bio={"S": "1"}, updatedAt={"S": LATE})
    decision = decide(must_find(base, changed, edit), policy)
    assert (decision.item, decision.document) == (wanted, projection(wanted))
    decision = decide(must_find(base, start, partly_updated(start)), policy)
    assert (decision.item, decision.document) == (start, projection(start))
    assert decision.writes == (StoreName.INDEX,)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
def test_a_location_or_keys_of_the_documents_own_are_made_anew(policy: Policy) -> None:
    live = item("PROFILE", latitude={"N": "51.5"}, longitude={"N": "-0.1"}, location={"S": "London"})
    wrong = Entry(ID, document(latitude=51.5, longitude=-0.1, location={"lat": 1, "lon": 1}, PK="x").body, "routed")
    decision = decide(must_find(None, live, wrong), policy)
    assert decision.item is live
    assert decision.document == Entry(ID, projection(live).body, "routed")
    assert decision.writes == (StoreName.INDEX,)


def test_what_the_table_deleted_comes_back_in_its_own_types() -> None:
    old = item("PROFILE", styles={"SS": ["a", "b"]}, raw={"B": "YQ=="}, location={"S": "London"}, gsi9={"N": "1"})
    found = must_find(base_of(old, projection(old)), None, document(styles=["a", "c"], raw="YQ==", bio="new"))
    assert found.kind is Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX
    decision = decide(found, LATEST)
    assert decision.item is not None
    assert decision.item.key == old.key
    assert attributes_of(decision.item) == attributes_of(old) | {"styles": {"SS": ["a", "c"]}, "bio": {"S": "new"}}


@pytest.mark.parametrize("policy", [LATEST, OPENSEARCH, MERGE])
def test_a_document_that_cannot_be_an_item_is_left_where_it_would_have_to_be_one(policy: Policy) -> None:
    old = item(rating={"N": "4"})
    bad = document(rating=10**39 + 1, updatedAt=LATE)
    found = must_find(base_of(old, projection(old)), old, bad)
    decision = decide(found, policy)
    assert (decision.is_left, decision.item, decision.document, decision.writes) == (True, old, bad, ())
    assert "no item can give its document" in decision.reason
    assert "38 digits" in decision.reason


def test_the_table_wins_over_a_document_that_cannot_be_an_item() -> None:
    old = item(rating={"N": "4"})
    for bad in (document(rating=10**39 + 1), document(artistId="b")):
        decision = decide(must_find(None, old, bad), DYNAMO)
        assert (decision.is_left, decision.item, decision.document) == (False, old, projection(old))


def test_a_set_in_another_order_is_put_in_order_and_stays_a_set() -> None:
    old = item(styles={"SS": ["a", "b"]})
    for policy in (DYNAMO, OPENSEARCH, LATEST):
        decision = decide(must_find(None, old, document(styles=["b", "a"])), policy)
        assert (decision.item, decision.document) == (old, projection(old))


@pytest.mark.parametrize(
    ("table", "index", "choice", "bio"),
    [
        ("one", "two", Whole.TABLE, "one"),
        ("one", "two", Whole.INDEX, "two"),
        ("one", "two", {"bio": TABLE}, "one"),
        ("one", "two", {"bio": INDEX}, "two"),
        ("one", "two", Whole.DELETE, None),
        ("one", None, Whole.TABLE, "one"),
        ("one", None, Whole.INDEX, None),
        ("one", None, Whole.KEEP, "one"),
        ("one", None, Whole.DELETE, None),
        (None, "two", Whole.TABLE, None),
        (None, "two", Whole.INDEX, "two"),
        (None, "two", Whole.KEEP, "two"),
        (None, "two", Whole.DELETE, None),
    ],
)
@pytest.mark.parametrize("base", [None, base_of(item(bio={"S": "0"}), document(bio="0"))], ids=["two-way", "three-way"])
def test_somebodys_choice_goes_before_the_policy(
    base: Base | None, table: str | None, index: str | None, choice: Whole | Mapping[str, Side], bio: str | None
) -> None:
    sides = item(bio={"S": table}) if table else None, document(bio=index) if index else None
    found = must_find(base, *sides)
    for policy in POLICIES.values():
        decision = decide(found, policy, choice)
        assert not decision.is_left
        live = decision.document
        assert (live and as_canonical(live)) == (projection(item(bio={"S": bio})).body if bio else None)
        assert (decision.item is None) is (bio is None)
        assert find(base, decision.item, decision.document) is None


def test_a_choice_by_field_may_go_against_what_changed_on_one_side_only() -> None:
    found = three_way({"bio": "0", "x": "0"}, {"bio": "1", "x": "1"}, {"bio": "2", "x": "0"})
    assert fields_after(found, MERGE, {"bio": TABLE, "x": INDEX}) == {"bio": "1", "x": "0"}
    assert fields_after(found, MERGE, {"bio": INDEX}) == {"bio": "2", "x": "1"}
    assert decide(found, MERGE, {"x": INDEX}).is_left


def test_keeping_is_no_choice_where_both_sides_have_it() -> None:
    with pytest.raises(ValueError, match="a side is to be named"):
        decide(must_find(None, item(), document(x=1)), MERGE, Whole.KEEP)


@given(cases(), policies)
def test_after_a_decision_the_sides_agree_and_a_second_one_writes_nothing(case: Case, policy: Policy) -> None:
    base, table, index = case
    found = find(base, table, index)
    if found is None:
        return
    decision = decide(found, policy)
    if decision.is_left:
        assert (decision.item, decision.document, decision.writes) == (table, index, ())
    else:
        assert decision.writes != ()
        assert find(base, decision.item, decision.document) is None
        assert find(None, decision.item, decision.document) is None
        assert decision.document is None or decision.item is not None
        if decision.item is not None and decision.document is not None:
            assert fields_in(projection(decision.item).body) == fields_in(as_canonical(decision.document))
            assert index is None or decision.document.routing == index.routing
    assert decision.reason.endswith(".")
    assert decision == decide(found, policy)


@given(items.flatmap(lambda entry: st.tuples(st.just(entry), edited(entry), documents(entry))), policies)
def test_what_changed_on_one_side_only_is_never_lost(three: tuple[Entry, Entry, Entry], policy: Policy) -> None:
    start, table, index = three
    found = find(base_of(start, projection(start)), table, index)
    if found is None:
        return
    decision = decide(found, policy)
    if found.clashes and decision.is_left:
        return
    assert not decision.is_left
    assert decision.document is not None
    made = fields_in(as_canonical(decision.document))
    for field in found.fields:
        if field.changed in (Changed.TABLE, Changed.INDEX):
            assert made.get(field.name) == field.of(Side(field.changed))
        else:
            assert made.get(field.name) in (field.table, field.index)
    assert found.table is not None
    agreed = {name: value for name, value in found.table.items() if name not in {each.name for each in found.fields}}
    assert {name: made.get(name) for name in agreed} == agreed


@given(items.flatmap(lambda entry: st.tuples(st.just(entry), edited(entry), edited(entry))))
def test_the_strategies_of_both_sides_mirror_each_other(three: tuple[Entry, Entry, Entry]) -> None:
    start, one, other = (projection(entry) for entry in three)
    base = base_of(item_from(None, start), start)
    for known in (base, Base(form=None), None):
        there = find(known, item_from(None, one), other)
        back = find(known, item_from(None, other), one)
        for policy, mirrored in ((DYNAMO, OPENSEARCH), (OPENSEARCH, DYNAMO), (MERGE, MERGE)):
            if there and back:
                first, second = decide(there, policy), decide(back, mirrored)
                assert first.is_left is second.is_left
                if not first.is_left and UPDATED_AT not in (field.name for field in there.fields):
                    assert first.document == second.document


@given(st.lists(cases(), max_size=4), st.randoms(use_true_random=False), policies)
def test_the_order_of_records_does_not_matter(several: list[Case], random: object, policy: Policy) -> None:
    def synced(order: list[int]) -> dict[int, tuple[Entry | None, Entry | None]]:
        made: dict[int, tuple[Entry | None, Entry | None]] = {}
        for number in order:
            found = find(*several[number])
            decision = decide(found, policy) if found else None
            made[number] = (decision.item, decision.document) if decision else several[number][1:]
        return made

    order = list(range(len(several)))
    first = synced(order)
    random.shuffle(order)  # type: ignore[attr-defined]
    assert synced(order) == first
