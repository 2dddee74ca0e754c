"""Advance: what a step may do to an item, and everything that it may not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tattoo_data.errors import StepBroken, StoreError
from tattoo_data.migrations.advance import RecordFailed, advanced, at_work, changes_of, reason_left
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import exact_fields
from tattoo_data.model.keys import index_keys, item_key, record_key, shard
from tattoo_data.model.project import item_of, record_fields
from tattoo_data.model.records import Kind, Record
from tests.migrations.stand import ODD, artist, setting, step_of
from tests.migrations.steps.records import records
from tests.validation.samples import STUDIO, STYLE

CONTEXT = Context(as_of=date(2026, 11, 24))
Up = Callable[[Fields], Fields]


def item(fields: Fields | None = None, kind: Kind = Kind.ARTIST) -> Entry:
    return item_of(Record(kind=kind, fields=fields or artist(1)))


def after(step: Step, entry: Entry | None = None) -> Entry:
    return advanced(step, CONTEXT, entry or item())


def failing(up: Up, writes: tuple[str, ...] = ("example",), fields: Fields | None = None) -> str:
    """Why a step cannot be done to a record."""
    with pytest.raises(RecordFailed) as failed:
        after(step_of(up, writes), item(fields))
    return str(failed.value)


def broken(up: Up, writes: tuple[str, ...] = ("example",)) -> str:
    """Why a step is broken."""
    with pytest.raises(StepBroken) as found:
        after(step_of(up, writes))
    assert found.value.exit_code == 2
    assert "paint.py" in found.value.message
    return found.value.message


def drop(name: str) -> Up:
    return lambda record: {key: value for key, value in record.items() if key != name}


# What a step changes.


def test_what_a_step_sets_is_there_and_all_else_to_the_byte() -> None:
    entry = item()
    new = after(setting("example", ["x", Decimal("1.50")]), entry)
    assert exact_fields(new.body) == {**exact_fields(entry.body), "example": ["x", Decimal("1.5")]}
    assert {name: exact_fields(new.body)[name] for name in ODD} == ODD
    assert new.key == entry.key


def test_what_a_step_takes_away_is_gone() -> None:
    assert record_fields(after(step_of(drop("bio"), ("bio",))).body) == record_fields(item(drop("bio")(artist(1))).body)


def test_an_item_that_is_right_is_given_back_as_it_came() -> None:
    entry = Entry(item().key, item().body.replace(b'"N":"4.5"', b'"N":"4.50"'))
    assert after(setting("rating", Decimal("4.5")), entry) is entry
    assert changes_of(setting("bio", artist(1)["bio"]), CONTEXT, entry) == {}


VALUES: list[Any] = [True, 1, "1", b"1", {"1"}, {1}, {b"1"}, ["1"], [1], [True], None, {"a": 1}, {"a": True}, ""]


@pytest.mark.parametrize("one", range(len(VALUES)))
def test_only_what_dynamodb_calls_equal_is_the_same(one: int) -> None:
    entry = item(artist(1, example=VALUES[one]))
    same = [not changes_of(setting("example", other), CONTEXT, entry) for other in VALUES]
    assert same == [other == one for other in range(len(VALUES))]


def test_other_spellings_of_a_number_are_the_same() -> None:
    entry = item(artist(1, example=[1, Decimal("1.5")]))
    assert not changes_of(setting("example", (Decimal("1.00"), Decimal("15e-1"))), CONTEXT, entry)


@pytest.mark.parametrize("key", ["AUDIT#1", "ARTIST#", "ARTIST"])
def test_what_is_no_record_is_not_shown_to_a_step(key: str) -> None:
    entry = Entry(item_key(key, "METADATA"), b"this is never read")
    assert after(setting("example", 1), entry) is entry


def test_a_step_sees_the_kinds_that_it_names() -> None:
    studio = item({**STUDIO}, Kind.STUDIO)
    assert after(setting("example", 1), studio) is studio
    of_studios = setting("example", 1, kinds=frozenset({Kind.STUDIO}))
    assert exact_fields(after(of_studios, studio).body)["example"] == 1
    assert after(of_studios).body == item().body


def test_a_record_under_the_node_tools_key_keeps_it() -> None:
    old = Entry(item().key.replace("METADATA", "PROFILE"), item().body.replace(b"METADATA", b"PROFILE"))
    new = after(setting("example", 1), old)
    assert new.key == record_key(Kind.ARTIST, "a1", "PROFILE")
    assert b'"SK":{"S":"PROFILE"}' in new.body


# The secondary indexes follow.


def test_the_keys_of_secondary_indexes_follow_their_fields() -> None:
    new = after(step_of(lambda record: {**record, "styles": ["gothic"], "artistName": "Zed"}, ("styles", "artistName")))
    wanted = {f'"{name}":{{"S":"{value}"}}' for name, value in index_keys(Kind.ARTIST, exact_fields(new.body)).items()}
    assert all(each.encode() in new.body for each in wanted)
    assert b"STYLE#gothic" in new.body and b"ARTISTNAME#zed" in new.body


def test_a_key_whose_field_goes_goes_too() -> None:
    style = item({**STYLE}, Kind.STYLE)
    new = after(step_of(drop("difficulty"), ("difficulty",), kinds=frozenset({Kind.STYLE})), style)
    assert b"gsi1pk" in style.body and b"gsi1pk" not in new.body


def test_a_shard_that_the_application_drew_stays_unless_its_style_changes() -> None:
    there = f"SHARD#{shard('a1')}"
    drawn = Entry(item().key, item().body.replace(there.encode(), b"SHARD#77"))
    assert b"SHARD#77" in after(setting("example", 1), drawn).body
    assert there.encode() in after(setting("styles", ["gothic"]), drawn).body


def test_the_keys_of_a_record_without_its_id_are_those_of_its_key() -> None:
    entry = item()
    bare = Entry(entry.key, entry.body.replace(b'"artistId":{"S":"a1"},', b""))
    assert bare.body != entry.body
    new = after(setting("styles", ["gothic"]), bare)
    assert f"STYLE#gothic#SHARD#{shard('a1')}".encode() in new.body


# What cannot be done to one record.


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1.5, "float"),
        (float("nan"), "float"),
        (object(), "object"),
        (set(), "no set of DynamoDB"),
        ({1, "a"}, "no set of DynamoDB"),
        ({True}, "no set of DynamoDB"),
        (Decimal("NaN"), "finite"),
        (Decimal("Infinity"), "finite"),
        (10**38 + 1, "38 digits"),
        (10**5000, "digits"),
        (Decimal("1e999999999"), "no item"),
        ("\ud800", "no item"),
        ({"\ud800": 1}, "no item"),
        ([{"a": [1.5]}], "float"),
    ],
    ids=range(14),
)
def test_a_value_that_no_item_can_hold(value: object, why: str) -> None:
    assert why in failing(lambda record: {**record, "example": value})
    there = artist(1, example="there")
    assert "what it returns is no item" in failing(lambda record: {**record, "example": value}, fields=there)


def test_a_value_within_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "no item" in failing(lambda record: {**record, "example": endless})


@pytest.mark.parametrize("returned", [None, [], "record", 1, item()])
def test_what_is_no_record(returned: Any) -> None:
    assert f"it returns {type(returned).__name__}" in failing(lambda record: returned)


@pytest.mark.parametrize("error", [KeyError("bio"), RecursionError("deep"), SystemExit(0), AssertionError()])
def test_a_step_that_raises(error: BaseException) -> None:
    def up(record: Fields) -> Fields:
        raise error

    assert failing(up).startswith(f"it raises {type(error).__name__}: {error}")


def test_an_error_of_a_store_is_no_fault_of_the_record() -> None:
    def up(record: Fields) -> Fields:
        raise StoreError(service="s3", endpoint="x", operation="get", reason="gone")

    with pytest.raises(StoreError):
        after(step_of(up, ()))


def test_ctrl_c_stops_it() -> None:
    def up(record: Fields) -> Fields:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        after(step_of(up, ()))


@pytest.mark.parametrize("up", [drop("artistId"), lambda record: {**record, "artistId": "other"}])
def test_a_step_that_changes_the_key(up: Up) -> None:
    assert failing(up, ("example", "artistId")) == "it changes artistId, which is the record's key"
    assert failing(up) == "it changes artistId, which is the record's key"


def test_a_step_that_sets_the_keys_of_the_table_says_it_nowhere() -> None:
    for name in ("PK", "SK", "gsi1pk"):
        assert f"it changes {name} of a1, which WRITES lacks" in broken(lambda record, name=name: {**record, name: "x"})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"[]", ""), (b"{", ""), (b'{"bio":{"X":"x"}}', "'X' is not a type"), (b'{"bio":{"N":"x"}}', "not a number")],
)
def test_an_item_that_cannot_be_read(body: bytes, why: str) -> None:
    with pytest.raises(RecordFailed, match=f"the item cannot be read: .*{why}"):
        after(setting("example", 1), Entry(item().key, body))


def test_a_record_that_breaks_a_rule_afterwards() -> None:
    assert "breaks" in (words := failing(lambda record: {**record, "rating": 9}, ("rating",)))
    assert "at rating" in words
    assert "at styles" in failing(lambda record: {**record, "styles": "celtic"}, ("styles",))
    assert "at portfolioImages.1" in failing(
        lambda record: {**record, "portfolioImages": [*record["portfolioImages"][:1], {"url": 5}]},
        ("portfolioImages",),
    )


def test_what_was_wrong_before_may_stay_wrong() -> None:
    wrong = item(artist(1, rating=9, styles="celtic"))
    assert exact_fields(after(setting("example", 1), wrong).body)["example"] == 1


# What a step is at fault for.


def test_a_step_that_does_more_the_second_time_is_not_idempotent() -> None:
    words = broken(lambda record: {**record, "example": record.get("example", 0) + 1})
    assert "not idempotent: doing it again to a1 changes example once more" in words


def test_a_step_that_takes_turns_is_not_idempotent() -> None:
    assert "not idempotent" in broken(lambda record: {**record, "bio": "a" if record["bio"] != "a" else "b"}, ("bio",))


def test_a_step_that_writes_what_it_does_not_say() -> None:
    words = broken(lambda record: {**record, "example": 1, "bio": "x", "rating": 1})
    assert "it changes bio, rating of a1, which WRITES lacks" in words


def test_a_step_gets_a_copy_that_is_its_own() -> None:
    def up(record: Fields) -> Fields:
        record["portfolioImages"][0]["tags"].append("more") if len(record["portfolioImages"][0]["tags"]) < 3 else None
        record["deep"]["raw"].clear()
        return record

    entry = item()
    body = entry.body
    new = exact_fields(after(step_of(up, ("portfolioImages", "deep")), entry).body)
    assert entry.body == body
    assert new["portfolioImages"][0]["tags"] == ["celtic", "knot", "more"] and new["deep"] == {"raw": []}


# Why a record is left.


def test_a_reason_is_told_and_a_left_that_raises_is_a_fault() -> None:
    def left(record: Fields) -> str | None:
        return f"odd {record['missing']}"

    assert reason_left(setting("example", 1), item()) is None
    assert (
        reason_left(setting("example", 1, left=lambda record: f"odd {record['bio']}"), item()) == "odd Knots, mostly."
    )
    with pytest.raises(StepBroken, match=r"left\(\) raises KeyError"):
        reason_left(setting("example", 1, left=left), item())


@given(records())
def test_a_step_that_does_nothing_changes_nothing(record: Fields) -> None:
    entry = item({**record, "artistId": "a1"})
    assert advanced(step_of(lambda fields: dict(fields), ()), CONTEXT, entry) is entry


@given(records())
def test_one_field_more_is_the_only_change(record: Fields) -> None:
    entry = item({**{name: value for name, value in record.items() if name != "example"}, "artistId": "a1"})
    new = advanced(setting("example", "x"), CONTEXT, entry)
    assert exact_fields(new.body) == {**exact_fields(entry.body), "example": "x"}


def test_steps_may_be_as_deep_as_python_allows() -> None:
    deep: Any = "x"
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    assert "no item" in failing(lambda record: {**record, "example": deep})


def test_the_file_and_the_record_that_are_worked_on_are_known() -> None:
    seen: list[tuple[str, ...]] = []

    def up(record: Fields) -> Fields:
        seen.append(at_work())
        raise KeyError("x")

    failing(up)
    assert (seen, at_work()) == ([("paint.py at a1",)], ())
