"""Rules for studios."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Problem, Rule
from tattoo_data.validation.rules.entity import Entity, Facts, are_distinct
from tattoo_data.validation.rules.shared import (
    POSTCODE_PATTERN,
    RATING_RANGE,
    WARNING,
    Fields,
    is_fine_place,
    is_fine_rating,
    place_problems,
    postcode_problems,
    rating_problems,
    specialty_problems,
)
from tattoo_data.validation.shapes import Array, Checked, Date, Field, Number, Object, Text, optional, required

ADDRESS = Rule(
    id="address-form",
    severity=WARNING,
    message="an address names a street and a town, divided by a comma",
    reason="It is shown to visitors and searched by: half an address finds nobody.",
    of=("studio",),
)
HOURS = Rule(
    id="opening-hours",
    severity=WARNING,
    message='opening hours are "10:00-18:00" or "closed" for the days monday to sunday',
    reason="The application tells from them whether a studio is open now.",
    of=("studio",),
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NO_LIMIT = 10**18
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = rf"(?:{_CLOCK}-(?:{_CLOCK}|24:00)|closed)"
_is_hours = re.compile(_HOURS, re.ASCII).fullmatch


_CONTACT = Object(fields=optional(phone=Text(), email=Text(), website=Text(), instagram=Text()))


_WEEK = Object(fields=optional(**{day: Text(pattern=_HOURS) for day in DAYS}))


class _Hours:
    """What is open when: a text for each day, whose form the check looks at."""

    plain = _WEEK.plain
    typed = _WEEK.typed

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        days = [Field(name=str(day), shape=Text()) for day in (value if isinstance(value, Mapping) else ())]
        yield from Object(fields=days).problems(value, field)


FIELDS = Object(
    fields=[
        *required(
            studioId=Text(filled=True),
            studioName=Text(filled=True),
            address=Text(filled=True),
            postcode=Checked(sure=POSTCODE_PATTERN, filled=True),
            geohash=Text(filled=True),
        ),
        *optional(
            latitude=Number(low=-_NO_LIMIT, high=_NO_LIMIT),
            longitude=Number(low=-_NO_LIMIT, high=_NO_LIMIT),
            locationDisplay=Text(),
            locationCity=Text(),
            contactInfo=_CONTACT,
            openingHours=_Hours(),
            artists=Array(of=Text(filled=True)),
            rating=Number(low=0, high=5, rule=RATING_RANGE),
            reviewCount=Number(low=0, high=_NO_LIMIT, whole=True),
            established=Number(low=1700, high=2200, whole=True),
            specialties=Array(of=Text()),
            createdAt=Date(),
            updatedAt=Date(),
        ),
    ]
)


def is_address(address: str) -> bool:
    """Whether an address has two parts with a letter in each."""
    parts = [part for part in re.split(r"[,\n]", address) if any(map(str.isalpha, part))]
    return len(parts) >= 2


def _address(fields: Fields) -> Iterator[Problem]:
    address = fields.get("address")
    if isinstance(address, str) and address.strip() and not is_address(address):
        yield Problem(ADDRESS, "address", address)


def _postcode(fields: Fields) -> Iterator[Problem]:
    yield from postcode_problems(fields.get("postcode"), "postcode")


def _hours(fields: Fields) -> Iterator[Problem]:
    hours = fields.get("openingHours")
    for day, value in hours.items() if isinstance(hours, Mapping) else ():
        if day not in DAYS or (isinstance(value, str) and not _is_hours(value)):
            yield Problem(HOURS, f"openingHours.{day}", value)


def _is_fine(studio: Any, inner: Callable[[Any], Any]) -> bool:
    return (
        is_fine_place(inner(studio.geohash), inner(studio.latitude), inner(studio.longitude))
        and is_fine_rating(inner(studio.rating), inner(studio.reviewCount))
        and are_distinct(list(map(inner, inner(studio.specialties) or ())))
        and is_address(inner(studio.address))
    )


def _facts(studio: Any, inner: Callable[[Any], Any]) -> Facts:
    artists = inner(studio.artists) or ()
    return Facts(kind=Kind.STUDIO, id=inner(studio.studioId), artists=list(map(inner, artists)))


STUDIO = Entity(
    kind=Kind.STUDIO,
    fields=FIELDS,
    checks=(place_problems, rating_problems, specialty_problems, _address, _postcode, _hours),
    is_fine=_is_fine,
    facts=_facts,
)
