"""Missing fields: what each gets, and that nothing which is there changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tattoo_data.migrations.step import Fields
from tattoo_data.migrations.steps import add_missing_fields as step
from tests.migrations.steps.records import CONTEXT, changed, exact, hold_laws, records, taken

MADE = "2026-11-13T09:01:00.000Z"
NONE_KNOWN: Fields = {
    "rating": None,
    "reviewCount": 0,
    "specialties": [],
    "pricing": {"hourlyRate": None, "minimumCharge": None, "currency": None},
    "availability": {"bookingOpen": None, "nextAvailable": None, "waitingList": None},
    "experience": {"yearsActive": None, "apprenticeshipCompleted": None, "certifications": []},
    "studioInfo": None,
    "createdAt": None,
    "updatedAt": None,
}


def test_a_record_that_says_nothing_gets_no_facts() -> None:
    assert step.up({"artistId": "artist-a"}, CONTEXT) == {"artistId": "artist-a", **NONE_KNOWN}
    assert set(step.WRITES) == NONE_KNOWN.keys()


@pytest.mark.parametrize(
    ("rating", "count"),
    [
        (None, 0),
        (0, 0),
        (Decimal("0.0"), 0),
        (5, None),
        (Decimal("4.5"), None),
        (Decimal("0.1"), None),
        (-1, None),
        ("4.5", None),
        (True, None),
        (False, None),
        ([], None),
    ],
)
def test_reviews_are_none_only_where_no_rating_says_otherwise(rating: Any, count: int | None) -> None:
    assert exact(step.up({"rating": rating}, CONTEXT)["reviewCount"]) == exact(count)


def test_reviews_that_are_there_give_no_rating() -> None:
    assert step.up({"reviewCount": 12}, CONTEXT)["rating"] is None


@pytest.mark.parametrize(
    ("given", "created", "updated"),
    [
        ({"createdAt": MADE}, MADE, MADE),
        ({"createdAt": "2026-01-31"}, "2026-01-31", "2026-01-31"),
        ({"createdAt": MADE, "updatedAt": None}, MADE, None),
        ({"createdAt": MADE, "updatedAt": "2026-11-19"}, MADE, "2026-11-19"),
        ({"updatedAt": MADE}, None, MADE),
        ({"createdAt": "2026-02-30"}, "2026-02-30", None),
        ({"createdAt": "yesterday"}, "yesterday", None),
        ({"createdAt": 1700000000}, 1700000000, None),
        ({"createdAt": None}, None, None),
    ],
)
def test_dates_come_from_dates_only(given: Fields, created: Any, updated: Any) -> None:
    after = step.up(dict(given), CONTEXT)
    assert (after["createdAt"], after["updatedAt"]) == (created, updated)


@pytest.mark.parametrize("name", step.WRITES)
@pytest.mark.parametrize("value", [None, "", 0, False, {}, [], {"x": b"\x00"}, {"a"}, b""], ids=repr)
def test_what_is_there_stays_whatever_it_is(name: str, value: Any) -> None:
    after = step.up({name: value}, CONTEXT)
    assert exact(after[name]) == exact(value)
    assert after.keys() == NONE_KNOWN.keys()


@given(records())
def test_it_keeps_the_laws_and_only_adds(record: Fields) -> None:
    after = hold_laws(step.up, step.WRITES, record)
    assert changed(record, after) == set(step.WRITES) - record.keys()


def test_no_two_records_share_a_value() -> None:
    one, other = taken(step.up, {}), taken(step.up, {})
    one["specialties"].append("knots")
    one["pricing"]["currency"] = "GBP"
    assert other == NONE_KNOWN
