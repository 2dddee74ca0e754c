"""Give artists the fields that old records lack.

A field that is there is never changed, and null counts as there. A missing one gets what the record says of it; where
it says nothing, null, and a list is empty: no fact is made up.

- `rating`: null. A rating is the mean of reviews, and nothing else in a record says it.
- `reviewCount`: 0 where there is no rating, or one of 0. Any other was given by somebody: 0 would be wrong, and the
  number is not known, so null.
- `specialties`: empty. Tags of images say what is on them, not what an artist is known for.
- `pricing`, `availability`, `experience`: their members, each null (certifications empty), so that readers find the
  shape. Without a price the currency says nothing either.
- `studioInfo`: null. Whoever names a studio has to be listed by it, which only the studio's record can say.
- `createdAt`: null. `updatedAt` says only that it was not later, and would show an old artist among the new ones.
- `updatedAt`: `createdAt` where that is a date, since a record that was never changed is as it was made; else null.
"""

from __future__ import annotations

from decimal import Decimal

from tattoo_data.migrations.step import Context, Fields
from tattoo_data.validation.rules.shared import is_date

VERSION = "1.1.0"
WRITES = (
    "rating",
    "reviewCount",
    "specialties",
    "pricing",
    "availability",
    "experience",
    "studioInfo",
    "createdAt",
    "updatedAt",
)


def up(record: Fields, context: Context) -> Fields:
    """The record with the fields that it lacks."""
    return _defaults(record) | record


def _defaults(record: Fields) -> Fields:
    created = record.get("createdAt")
    return {
        "rating": None,
        "reviewCount": None if _is_rated(record.get("rating")) else 0,
        "specialties": [],
        "pricing": {"hourlyRate": None, "minimumCharge": None, "currency": None},
        "availability": {"bookingOpen": None, "nextAvailable": None, "waitingList": None},
        "experience": {"yearsActive": None, "apprenticeshipCompleted": None, "certifications": []},
        "studioInfo": None,
        "createdAt": None,
        "updatedAt": created if isinstance(created, str) and is_date(created) else None,
    }


def _is_rated(rating: object) -> bool:
    """Whether a rating says that there were reviews; one of a wrong type may say it too."""
    is_number = isinstance(rating, int | Decimal) and not isinstance(rating, bool)
    return bool(rating) if is_number else rating is not None
