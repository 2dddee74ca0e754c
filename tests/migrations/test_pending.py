"""Pending: the same steps as the overview names, seen from as few records as possible."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.migrations.advance import is_pending
from tattoo_data.migrations.overview import Tally
from tattoo_data.migrations.pending import Pending, version_of
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import item_of
from tattoo_data.model.records import Kind, Record
from tests.migrations.stand import artist, setting, step_of

CONTEXT = Context(as_of=date(2026, 11, 24))


def touchy(record: Fields) -> Fields:
    if record["artistId"] == "a3":
        raise KeyError("no colour")
    return record


STEPS = [
    setting("one", 1, "one", "1.1.0"),
    step_of(touchy, (), "touchy", "1.2.0"),
    setting("two", 2, "two", "1.3.0"),
    setting("of-studios", 2, "of-studios", "1.4.0", kinds=frozenset({Kind.STUDIO})),
]


def item(number: int, **fields: Any) -> Entry:
    return item_of(Record(kind=Kind.ARTIST, fields=artist(number, **fields)))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=12), st.integers(1, 5))
def test_the_same_as_by_counting_all(records: list[tuple[int, bool, bool]], size: int) -> None:
    items = [item(n, **({"one": 1} if one else {}), **({"two": 2} if two else {})) for n, one, two in records]
    pending, tally = Pending(STEPS, CONTEXT), Tally(STEPS, CONTEXT)
    for start in range(0, len(items), size):
        pending.take(items[start : start + size])
    tally.take(items)
    assert pending.names == tuple(each.step.id for each in tally.standings if not each.is_done)
    assert pending.version == version_of(STEPS, pending.names)


def test_a_step_that_is_known_to_be_pending_is_not_asked_again() -> None:
    seen: list[str] = []

    def up(record: Fields) -> Fields:
        seen.append(record["artistId"])
        return {**record, "example": 1}

    pending = Pending([step_of(up, ("example",))], CONTEXT)
    pending.take(iter([item(1), item(2)]))
    pending.take([item(3)])
    assert (seen, pending.names) == (["a1"], ("paint",))


@pytest.mark.parametrize(
    "step",
    [
        step_of(lambda record: {**record, "example": record.get("example", 0) + 1}, ("example",)),
        step_of(lambda record: {**record, "example": 1.5}, ("example",)),
        step_of(lambda record: {**record, "bio": "x"}, ()),
        step_of(lambda record: {**record, "rating": 9}, ("rating",)),
        step_of(lambda record: None, ()),  # type: ignore[arg-type,return-value]
    ],
)
def test_a_step_at_fault_has_something_to_do(step: Step) -> None:
    assert is_pending(step, CONTEXT, item(1))
    assert not is_pending(step, CONTEXT, Entry(item_key("AUDIT#1", "x"), b"{}"))


@pytest.mark.parametrize(
    ("pending", "version"),
    [((), "1.4.0"), (("of-studios",), "1.3.0"), (("touchy", "two"), "1.1.0"), (("one",), "1.0.0")],
)
def test_the_version_is_that_of_an_unbroken_row(pending: tuple[str, ...], version: str) -> None:
    assert version_of(STEPS, pending) == version
    assert version_of([], pending) == "1.0.0"
