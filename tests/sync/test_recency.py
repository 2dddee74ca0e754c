"""Recency: the larger updatedAt wins; one that is missing, no date or years ahead loses; a tie goes to the table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.clock import timestamp
from tattoo_data.model.canonical import canonical_json
from tattoo_data.sync.conflict import Side
from tattoo_data.sync.recency import later

TABLE, INDEX = Side.TABLE, Side.INDEX
HORIZON = datetime(2026, 6, 1, tzinfo=UTC)
#: From the earliest to the latest.
ASCENDING = [
    '"0001-01-01"',
    '"1969-12-31T23:59:59Z"',
    '"2026-01-01T12:00:00+14:00"',
    '"2026-01-01"',
    '"2026-01-01T00:00:00.000000001Z"',
    '"2026-01-01T00:00:00.000000002Z"',
    '"2026-01-01T00:00:00.1Z"',
    '"2026-01-01T00:00:00.11"',
    '"2026-01-01T09:00:00+0100"',
    '"2026-01-01T09:00:00+00:00"',
    '"2026-01-01T10:00Z"',
    '"2026-01-01T09:30:00-01:00"',
    '"2026-02-28T23:59:59.999Z"',
    '"2026-05-31T23:59:59.999999999Z"',
]
SAME = [
    ('"2026-01-01"', '"2026-01-01T00:00:00.000Z"'),
    ('"2026-01-01T01:00:00+01:00"', '"2026-01-01T00:00:00Z"'),
    ('"2026-01-01T00:00:00.5Z"', '"2026-01-01T00:00:00.500"'),
    ('"2026-01-01T00:00"', '"2026-01-01T00:00:00"'),
]
#: What stands in updatedAt in old and broken data, and is no date.
NO_DATES = [
    "null",
    '""',
    '" 2026-01-01"',
    '"2026-01-01 "',
    '"2026-01-01 10:00:00"',
    '"yesterday"',
    '"01/02/2026"',
    '"2026-13-01"',
    '"2026-02-30"',
    '"2026-1-1"',
    '"2026-W01-1"',
    '"20260101"',
    '"2026-01-01T25:00:00Z"',
    '"2026-01-01T23:59:60Z"',
    '"2026-01-01T10"',
    '"2026-01-01T10:00:00.Z"',
    '"2026-01-01T10:00:00+99:00"',
    '"2026-01-01T10:00:00.1234567890Z"',
    '"2026-01-01Z"',
    '"0000-01-01"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-12:00"',
    '"٢٠٢٦-٠١-٠١"',
    '"Invalid Date"',
    "1767225600000",
    "2026",
    "1E+999",
    "true",
    '["2026-01-01"]',
    '{"S":"2026-01-01"}',
    '"%s"' % ("2026" * 50),
    '"{0} {x}"',
]


def test_the_larger_one_wins_on_either_side() -> None:
    for place, early in enumerate(ASCENDING):
        for late in ASCENDING[place + 1 :]:
            assert later(early.encode(), late.encode(), HORIZON).side is INDEX, (early, late)
            assert later(late.encode(), early.encode(), HORIZON).side is TABLE, (early, late)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_tie_goes_to_the_table(one: str, other: str) -> None:
    for table, index in ((one, other), (other, one)):
        found = later(table.encode(), index.encode())
        assert (found.side, "a tie goes to the table" in found.reason) == (TABLE, True)


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_loses(text: str) -> None:
    bad, good = text.encode(), b'"1970-01-01"'
    assert later(bad, good).side is INDEX
    assert later(good, bad).side is TABLE
    assert "is no date" in later(bad, good).reason
    assert later(bad, None).side is TABLE
    assert later(None, bad).side is TABLE
    assert later(bad, bad).side is TABLE
    assert len(later(bad, bad).reason) < 250


def test_a_missing_one_loses() -> None:
    assert later(None, b'"1970-01-01"').side is INDEX
    assert later(b'"1970-01-01"', None).side is TABLE
    assert later(None, None).side is TABLE
    assert later(None, b'"1970-01-01"').reason == "the table's updatedAt is missing and loses"


def test_a_clock_that_is_years_ahead_does_not_win() -> None:
    ahead, now = b'"2030-01-01T00:00:00.000Z"', b'"2026-05-31T10:00:00.000Z"'
    assert later(ahead, now, HORIZON).side is INDEX
    assert later(now, ahead, HORIZON).side is TABLE
    assert later(ahead, ahead, HORIZON).side is TABLE
    assert later(ahead, now, HORIZON).reason == (
        "the table's updatedAt (2030-01-01T00:00:00.000Z) is in the future and loses"
    )
    assert later(ahead, now).side is TABLE, "without a horizon every date is believed"


def test_clocks_an_hour_apart_are_taken_at_their_word() -> None:
    table, index = b'"2026-05-31T10:00:00.000Z"', b'"2026-05-31T11:00:00.000Z"'
    found = later(table, index, HORIZON)
    assert found.side is INDEX
    assert found.reason == (
        "the index's updatedAt is the later (2026-05-31T11:00:00.000Z against 2026-05-31T10:00:00.000Z)"
    )


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_moments_as_the_application_writes_them(one: datetime, other: datetime) -> None:
    table, index = timestamp(one), timestamp(other)
    assert later(canonical_json(table), canonical_json(index)).side is (INDEX if index > table else TABLE)


@given(st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text())).map(canonical_json))
def test_nothing_breaks_it(value: bytes) -> None:
    assert later(value, b'"2026-01-01"', HORIZON).side is not None
