"""Entities: what an artist, a studio and a style must look like (formats.md 8). For validation only.

The models keep unknown fields and are never written back: the engine moves bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from tattoo_data.model.records import Kind


def _date(text: str) -> str:
    date.fromisoformat(text)
    return text


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _exact(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("it is no number")
    return value


Text = Annotated[StrictStr, Field(min_length=1)]
Number = Annotated[Any, AfterValidator(_exact)]
Day = Annotated[StrictStr, AfterValidator(_date)]
Moment = Annotated[StrictStr, AfterValidator(_moment)]
Count = Annotated[StrictInt, Field(ge=0)]


def _between(low: float, high: float) -> Any:
    def check(value: Any) -> Any:
        if not low <= value <= high:
            raise ValueError(f"it is not from {low} to {high}")
        return value

    return AfterValidator(check)


Rating = Annotated[Number, _between(0, 5)]
Latitude = Annotated[Number, _between(-90, 90)]
Longitude = Annotated[Number, _between(-180, 180)]


class _Entity(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, arbitrary_types_allowed=True)


class Portfolio(_Entity):
    """An image of a portfolio."""

    url: Text
    description: StrictStr | None = None
    style: StrictStr | None = None
    tags: list[StrictStr] | None = None


class StudioInfo(_Entity):
    """What an artist says of the studio."""

    studioId: Text
    studioName: StrictStr | None = None
    address: StrictStr | None = None
    postcode: StrictStr | None = None


class Pricing(_Entity):
    """What an artist asks."""

    hourlyRate: Annotated[Number, _between(0, 100_000)] | None = None
    minimumCharge: Annotated[Number, _between(0, 100_000)] | None = None
    currency: StrictStr | None = None


class Availability(_Entity):
    """When an artist is free."""

    bookingOpen: StrictBool | None = None
    nextAvailable: Day | None = None
    waitingList: StrictBool | None = None


class Experience(_Entity):
    """What an artist has behind them."""

    yearsActive: Annotated[Number, _between(0, 100)] | None = None
    apprenticeshipCompleted: StrictBool | None = None
    certifications: list[StrictStr] | None = None


class Artist(_Entity):
    """An artist."""

    artistId: Text
    artistName: Text
    instagramHandle: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9._]{1,30}$")]
    styles: Annotated[list[Text], Field(min_length=1)]
    locationDisplay: Text
    geohash: Text
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    specialties: list[StrictStr] | None = None
    rating: Rating | None = None
    reviewCount: Count | None = None
    bio: StrictStr | None = None
    avatar: StrictStr | None = None
    portfolioImages: list[Portfolio | Text] | None = None
    contactInfo: dict[str, Any] | None = None
    studioInfo: StudioInfo | None = None
    pricing: Pricing | None = None
    availability: Availability | None = None
    experience: Experience | None = None
    createdAt: Moment | None = None
    updatedAt: Moment | None = None


class Studio(_Entity):
    """A studio."""

    studioId: Text
    studioName: Text
    address: Text
    postcode: Text
    geohash: Text
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    locationDisplay: StrictStr | None = None
    contactInfo: dict[str, Any] | None = None
    openingHours: dict[str, StrictStr] | None = None
    artists: list[Text] | None = None
    rating: Rating | None = None
    reviewCount: Count | None = None
    established: StrictInt | None = None
    specialties: list[StrictStr] | None = None


class Style(_Entity):
    """A style."""

    styleId: Annotated[StrictStr, Field(pattern=r"^[a-z0-9_]+$")]
    styleName: Text
    description: Text
    characteristics: list[StrictStr] | None = None
    popularMotifs: list[StrictStr] | None = None
    colorPalette: list[StrictStr] | None = None
    difficulty: Literal["beginner", "intermediate", "advanced", "expert"] | None = None
    popularity: Annotated[Number, _between(0, 100)] | None = None
    timeOrigin: StrictStr | None = None
    aliases: list[StrictStr] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one field, given as a dotted path."""

    field: str
    reason: str


_MODELS: Mapping[Kind, type[_Entity]] = {Kind.ARTIST: Artist, Kind.STUDIO: Studio, Kind.STYLE: Style}


def problems(kind: Kind, fields: Mapping[str, object]) -> list[Problem]:
    """Everything that is wrong with one record; empty when nothing is."""
    try:
        _MODELS[kind].model_validate(dict(fields))
    except ValidationError as error:
        return [_problem(each) for each in error.errors()]
    return []


def _problem(error: Any) -> Problem:
    # A union names its members in the path ("function-wrap", "Portfolio"): only fields and positions are meant.
    path = [str(part) for part in error["loc"] if isinstance(part, int) or (part.isalnum() and part[:1].islower())]
    return Problem(field=".".join(path) or "(all)", reason=str(error["msg"]).removeprefix("Value error, "))
