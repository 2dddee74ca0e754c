"""Rules for artists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Problem, Rule
from tattoo_data.validation.rules.entity import Entity, Facts, are_distinct
from tattoo_data.validation.rules.shared import (
    ERROR,
    INFO,
    POSTCODE_PATTERN,
    RATING_RANGE,
    Fields,
    is_fine_place,
    is_fine_rating,
    place_problems,
    postcode_problems,
    rating_problems,
    specialty_problems,
)
from tattoo_data.validation.shapes import Anything, Array, Checked, Date, Flag, Number, Object, Text, optional, required

HANDLE = Rule(
    id="handle-form",
    severity=ERROR,
    message="an Instagram handle has 1 to 30 of A-Z, a-z, 0-9, dot and underscore, and no @",
    reason="Instagram allows no others, and the index instagram-index is asked without @.",
    of=("artist",),
)
URL = Rule(
    id="image-url",
    severity=ERROR,
    message="an image's address is an absolute http or https url with a host",
    reason="The application puts it into pages as it stands: anything else shows no picture.",
    of=("artist",),
)
OLD = Rule(
    id="old-schema",
    severity=INFO,
    message="images as bare urls are the form of schema versions before 1.3.0",
    reason="They are read, but have no description or tags; the migration update-portfolio-structure brings them up.",
    of=("artist",),
)

_URL = r"[hH][tT][tT][pP][sS]?://(?:[^\s/?#@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::\d{1,5})?(?:[/?#]\S*)?"
_NO_LIMIT = 10**18


_IMAGE = Object(
    fields=[
        *required(url=Text(filled=True, pattern=_URL, rule=URL)),
        *optional(description=Text(), style=Text(), tags=Array(of=Text())),
        *optional(width=Number(low=1, high=_NO_LIMIT, whole=True), height=Number(low=1, high=_NO_LIMIT, whole=True)),
        *optional(uploadedAt=Date(), isMain=Flag(), contentType=Text()),
    ]
)


class _Image:
    """An image of a portfolio: an object, or as long ago a bare url."""

    plain = _IMAGE.plain
    typed = _IMAGE.typed

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if isinstance(value, str):
            yield from Text(filled=True, pattern=_URL, rule=URL).problems(value, field)
        else:
            yield from _IMAGE.problems(value, field)


_STUDIO = Object(
    fields=[
        *required(studioId=Text(filled=True)),
        *optional(studioName=Text(), address=Text(), postcode=Checked(sure=POSTCODE_PATTERN)),
    ]
)
_CONTACT = Object(fields=optional(instagram=Text(), website=Text(), email=Text(), phone=Text()))
_MONEY = Number(low=0, high=100_000)
_PRICING = Object(fields=optional(hourlyRate=_MONEY, minimumCharge=_MONEY, currency=Text()))
_AVAILABILITY = Object(fields=optional(bookingOpen=Flag(), nextAvailable=Date(), waitingList=Flag()))
_EXPERIENCE = Object(
    fields=optional(
        yearsActive=Number(low=0, high=100), apprenticeshipCompleted=Flag(), certifications=Array(of=Text())
    )
)

FIELDS = Object(
    fields=[
        *required(
            artistId=Text(filled=True),
            artistName=Text(filled=True),
            instagramHandle=Text(filled=True, pattern=r"[A-Za-z0-9._]{1,30}", rule=HANDLE),
            styles=Array(of=Text(filled=True), filled=True),
            locationDisplay=Text(filled=True),
            geohash=Text(filled=True),
        ),
        *optional(
            latitude=Number(low=-_NO_LIMIT, high=_NO_LIMIT),
            longitude=Number(low=-_NO_LIMIT, high=_NO_LIMIT),
            locationCity=Text(),
            specialties=Array(of=Text()),
            rating=Number(low=0, high=5, rule=RATING_RANGE),
            reviewCount=Number(low=0, high=_NO_LIMIT, whole=True),
            bio=Text(),
            avatar=Text(pattern=_URL, rule=URL),
            portfolioImages=Array(of=_Image()),
            contactInfo=_CONTACT,
            socialMedia=Anything(),
            studioInfo=_STUDIO,
            pricing=_PRICING,
            availability=_AVAILABILITY,
            experience=_EXPERIENCE,
            createdAt=Date(),
            updatedAt=Date(),
        ),
    ]
)


def _studio_postcode(fields: Fields) -> Iterator[Problem]:
    studio = fields.get("studioInfo")
    if isinstance(studio, Mapping):
        yield from postcode_problems(studio.get("postcode"), "studioInfo.postcode")


def _old_portfolio(fields: Fields) -> Iterator[Problem]:
    images = fields.get("portfolioImages")
    bare = [image for image in images if isinstance(image, str)] if isinstance(images, list) else []
    if bare:
        yield Problem(OLD, "portfolioImages", bare[0], f"{len(bare)} of them")


def _is_fine(artist: Any, inner: Callable[[Any], Any]) -> bool:
    return (
        is_fine_place(inner(artist.geohash), inner(artist.latitude), inner(artist.longitude))
        and is_fine_rating(inner(artist.rating), inner(artist.reviewCount))
        and are_distinct(list(map(inner, inner(artist.specialties) or ())))
    )


def _facts(artist: Any, inner: Callable[[Any], Any]) -> Facts:
    studio = inner(artist.studioInfo)
    return Facts(
        kind=Kind.ARTIST,
        id=inner(artist.artistId),
        handle=inner(artist.instagramHandle),
        studio="" if studio is None else inner(studio.studioId),
        styles=list(map(inner, inner(artist.styles))),
    )


ARTIST = Entity(
    kind=Kind.ARTIST,
    fields=FIELDS,
    checks=(place_problems, rating_problems, specialty_problems, _studio_postcode, _old_portfolio),
    is_fine=_is_fine,
    facts=_facts,
)
