"""Rules that several entities share, and the checks of values that they are made of. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from tattoo_data.validation.geography import in_united_kingdom, is_around, is_geohash
from tattoo_data.validation.rule import Problem, Rule, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
ALL = ("artist", "studio", "style")
PLACED = ("artist", "studio")
Fields = Mapping[str, object]

REQUIRED = Rule(
    id="required-field",
    severity=ERROR,
    message="a required field is missing or empty",
    reason="The application shows it or looks records up by it: without it a record is not found, or shown broken.",
    of=ALL,
)
TYPE = Rule(
    id="field-type",
    severity=ERROR,
    message="the value is of another type",
    reason="The application reads it as this type, and the index leaves out what it cannot read.",
    of=ALL,
)
UNKNOWN = Rule(
    id="unknown-field",
    severity=INFO,
    message="no field of this name is known",
    reason="It is kept as it is. Often a spelling mistake, or what another tool left.",
    of=ALL,
)
RANGE = Rule(
    id="number-range",
    severity=ERROR,
    message="the number is out of its range",
    reason="Prices, years and counts out of all proportion come from a wrong unit or a slipped digit.",
    of=ALL,
)
DATE = Rule(
    id="date-form",
    severity=ERROR,
    message="it is no date",
    reason="Dates are ISO 8601 (2026-01-31, 2026-01-31T10:30:00.000Z) and days that a calendar has; the index cannot "
    "sort or filter by any other.",
    of=("artist",),
)
RATING_RANGE = Rule(
    id="rating-range",
    severity=ERROR,
    message="a rating is from 0 to 5",
    reason="The application draws it as five stars and sorts by it.",
    of=PLACED,
)
UNREVIEWED = Rule(
    id="rating-without-reviews",
    severity=ERROR,
    message="there is a rating, but no review that gave it",
    reason="A rating is the mean of reviews; a 0 may stand for none.",
    of=PLACED,
)
UNRATED = Rule(
    id="reviews-without-rating",
    severity=ERROR,
    message="there are reviews, but no rating that they gave",
    reason="The application shows both together and sorts by both.",
    of=PLACED,
)
PAIR = Rule(
    id="coordinates-pair",
    severity=ERROR,
    message="latitude and longitude come together",
    reason="Half of a position is none: the record is in no search by distance.",
    of=PLACED,
)
COORDINATES = Rule(
    id="coordinates-range",
    severity=ERROR,
    message="latitude is from -90 to 90 and longitude from -180 to 180",
    reason="There is no such place, and the document gets no location.",
    of=PLACED,
)
ABROAD = Rule(
    id="outside-uk",
    severity=WARNING,
    message="the place is not in the United Kingdom",
    reason="The directory is of the United Kingdom; latitude and longitude changed round are the usual cause. The "
    "border is a rough one.",
    of=PLACED,
)
GEOHASH = Rule(
    id="geohash-form",
    severity=ERROR,
    message="it is no geohash",
    reason="A geohash has 1 to 12 of 0-9 and b-z without a, i, l and o; with any other character no search by place "
    "finds it.",
    of=PLACED,
)
ELSEWHERE = Rule(
    id="geohash-place",
    severity=ERROR,
    message="the geohash is of another place than the coordinates",
    reason="Searches by geohash find the record in one place, and the map shows it in another.",
    of=PLACED,
)
POSTCODE = Rule(
    id="postcode-form",
    severity=ERROR,
    message="it is no postcode of the United Kingdom",
    reason="Studios are looked up by postcode (POSTCODE#...), and maps by it.",
    of=PLACED,
)
POSTCODE_SPELLING = Rule(
    id="postcode-spelling",
    severity=WARNING,
    message="a postcode is written in capitals with one space",
    reason="The key is made of the text as it stands: a lookup of the usual spelling does not find this one.",
    of=PLACED,
)
SPECIALTY = Rule(
    id="specialty-form",
    severity=WARNING,
    message="a specialty is empty or named twice",
    reason="It is a filter of the application: an empty one matches nothing, a second one counts twice.",
    of=PLACED,
)

#: The six forms of the outward code with the letters that each place allows (BS 7666), and the inward code.
_OUTWARD = (
    r"[A-PR-UWYZ]\d|[A-PR-UWYZ]\d\d|[A-PR-UWYZ]\d[A-HJKPSTUW]"
    r"|[A-PR-UWYZ][A-HK-Y]\d|[A-PR-UWYZ][A-HK-Y]\d\d|[A-PR-UWYZ][A-HK-Y]\d[ABEHMNPRVWXY]"
)
#: As it is written: in capitals, with one space.
POSTCODE_PATTERN = rf"(?:GIR 0AA|BFPO [1-9]\d{{0,3}}|(?:{_OUTWARD}) \d[ABD-HJLNP-UW-Z]{{2}})"
_postcode = re.compile(POSTCODE_PATTERN, re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def number_of(value: object) -> float | None:
    """A number that came exactly (int or Decimal), as a float to compare with; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_date(text: str) -> bool:
    """Whether a text is a day, or a moment of one, that a calendar has."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_fine_place(geohash: str | None, latitude: float | None, longitude: float | None) -> bool:
    """Whether `place_problems` finds nothing, for values that are of the right types."""
    if latitude is None or longitude is None:
        return latitude is longitude and (geohash is None or is_geohash(geohash))
    return (
        in_united_kingdom(latitude, longitude)
        and geohash is not None
        and is_geohash(geohash)
        and is_around(geohash, latitude, longitude)
    )


def is_fine_rating(rating: float | None, reviews: int | None) -> bool:
    """Whether `rating_problems` finds nothing, for values that are of the right types and in range."""
    return bool(rating) <= bool(reviews) and (rating is not None or not reviews)


def rating_problems(fields: Fields) -> Iterator[Problem]:
    """A rating without reviews, and the other way round."""
    rating, reviews = number_of(fields.get("rating")), number_of(fields.get("reviewCount"))
    if rating and not reviews and fields.get("reviewCount") in (None, 0):
        yield Problem(UNREVIEWED, "rating", fields["rating"])
    if reviews and fields.get("rating") is None:
        yield Problem(UNRATED, "reviewCount", fields["reviewCount"])


def place_problems(fields: Fields) -> Iterator[Problem]:
    """Coordinates, and the geohash that belongs to them."""
    given = [name for name in ("latitude", "longitude") if fields.get(name) is not None]
    if len(given) == 1:
        yield Problem(PAIR, given[0], fields[given[0]], f"only the {given[0]} is there")
    latitude, longitude = number_of(fields.get("latitude")), number_of(fields.get("longitude"))
    geohash = fields.get("geohash")
    formed = isinstance(geohash, str) and is_geohash(geohash)
    if isinstance(geohash, str) and geohash and not formed:
        yield Problem(GEOHASH, "geohash", geohash)
    out = False
    for name, degrees, limit in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if degrees is not None and not -limit <= degrees <= limit:
            out = True
            yield Problem(COORDINATES, name, fields[name])
    if out or latitude is None or longitude is None:
        return
    if not in_united_kingdom(latitude, longitude):
        yield Problem(ABROAD, "latitude", fields["latitude"], f"{fields['latitude']}, {fields['longitude']}")
    if formed and not is_around(str(geohash), latitude, longitude):
        yield Problem(ELSEWHERE, "geohash", geohash, f"{fields['latitude']}, {fields['longitude']}")


def postcode_problems(value: object, field: str) -> Iterator[Problem]:
    """A text that is no postcode, or one in another spelling."""
    if not isinstance(value, str) or not value.strip() or _postcode.fullmatch(value):
        return
    if spaced := usual_postcode(value):
        yield Problem(POSTCODE_SPELLING, field, value, spaced)
    else:
        yield Problem(POSTCODE, field, value)


def usual_postcode(text: str) -> str | None:
    """A postcode in capitals with one space; None for what is none in any spelling."""
    tight = "".join(text.upper().split())
    spaced = f"BFPO {tight[4:]}" if tight.startswith("BFPO") else f"{tight[:-3]} {tight[-3:]}"
    return spaced if _postcode.fullmatch(spaced) else None


def specialty_problems(fields: Fields) -> Iterator[Problem]:
    """A specialty that says nothing, or says what another one said."""
    specialties = fields.get("specialties")
    seen: set[str] = set()
    for place, each in enumerate(specialties if isinstance(specialties, list) else ()):
        if not isinstance(each, str):
            continue
        said = each.strip().lower()
        if not said or said in seen:
            yield Problem(SPECIALTY, f"specialties.{place}", each)
        seen.add(said)
