"""Samples: a studio, an artist and a style without a fault, and the same in other forms."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tattoo_data.model.entry import Entry
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.records import Kind, Record

Fields = dict[str, Any]
#: Takes a field away.
DROP = object()

ARTIST: Fields = {
    "artistId": "artist-a",
    "artistName": "Ada Brown",
    "instagramHandle": "ada.brown",
    "styles": ["celtic", "dotwork"],
    "locationDisplay": "Leith, Edinburgh",
    "geohash": "gcvwryn",
    "latitude": Decimal("55.975501"),
    "longitude": Decimal("-3.166702"),
    "specialties": ["knots", "sleeves"],
    "rating": Decimal("4.5"),
    "reviewCount": 12,
    "bio": "Knots, mostly.",
    "avatar": "http://localhost:4566/tattoo-directory-images/avatars/avatar-1.png",
    "portfolioImages": [
        {
            "url": "http://localhost:4566/tattoo-directory-images/styles/celtic-1.png",
            "description": "A knot",
            "style": "celtic",
            "tags": ["celtic", "knot"],
        }
    ],
    "contactInfo": {"instagram": "https://www.instagram.com/ada.brown", "email": "ada@example.com", "phone": None},
    "studioInfo": {
        "studioId": "studio-a",
        "studioName": "Anchor & Co",
        "address": "16 Constitution Street, Leith, Edinburgh",
        "postcode": "EH6 3SX",
    },
    "pricing": {"hourlyRate": 95, "minimumCharge": Decimal("50.5"), "currency": "GBP"},
    "availability": {"bookingOpen": True, "nextAvailable": "2026-12-08", "waitingList": False},
    "experience": {"yearsActive": 7, "apprenticeshipCompleted": True, "certifications": ["Bloodborne pathogens"]},
    "createdAt": "2026-11-13T09:01:00.000Z",
    "updatedAt": "2026-11-19T19:07:00.000Z",
}
STUDIO: Fields = {
    "studioId": "studio-a",
    "studioName": "Anchor & Co",
    "address": "16 Constitution Street, Leith, Edinburgh",
    "postcode": "EH6 3SX",
    "geohash": "gcvwryn",
    "latitude": Decimal("55.975501"),
    "longitude": Decimal("-3.166702"),
    "locationDisplay": "Leith, Edinburgh",
    "contactInfo": {"phone": "0131 496 0107", "website": "https://anchor.example.com", "instagram": "anchor"},
    "openingHours": {"monday": "closed", "tuesday": "10:00-18:00", "sunday": "11:00-17:00"},
    "artists": ["artist-a"],
    "rating": Decimal("4.7"),
    "reviewCount": 77,
    "established": 2009,
    "specialties": ["cover-ups"],
}
STYLE: Fields = {
    "styleId": "celtic",
    "styleName": "Celtic",
    "description": "Knots without an end.",
    "characteristics": ["interlaced"],
    "popularMotifs": ["knot"],
    "colorPalette": ["black"],
    "difficulty": "advanced",
    "popularity": 40,
    "timeOrigin": "1980s",
    "aliases": ["knotwork"],
}
GOOD: Mapping[Kind, Fields] = {Kind.ARTIST: ARTIST, Kind.STUDIO: STUDIO, Kind.STYLE: STYLE}


def changed(kind: Kind, changes: Mapping[str, Any]) -> Fields:
    """A good record with some fields (dotted paths) set, or dropped."""
    fields = copy.deepcopy(GOOD[kind])
    for path, value in changes.items():
        *parents, name = path.split(".")
        inner: Any = fields
        for parent in parents:
            inner = inner[int(parent)] if isinstance(inner, list) else inner[parent]
        if value is DROP:
            del inner[name]
        elif isinstance(inner, list):
            inner[int(name)] = value
        else:
            inner[name] = value
    return fields


def text(fields: Any) -> bytes:
    """A record as JSON, every number as it is spelled."""
    return json.dumps(fields, default=_Number, ensure_ascii=False).encode()


class _Number(float):
    def __repr__(self) -> str:
        return self._spelled

    def __new__(cls, value: object) -> _Number:
        number = super().__new__(cls, str(value))
        number._spelled = str(value)
        return number

    _spelled: str


def item(kind: Kind, fields: Mapping[str, Any], record_id: str | None = None) -> Entry:
    """A record as the table's entry, under the id that its key is to have."""
    right = {**fields, kind.id_field: record_id or str(fields.get(kind.id_field) or GOOD[kind][kind.id_field])}
    entry = item_of(Record(kind=kind, fields=right))
    if fields.get(kind.id_field) == right[kind.id_field]:
        return entry
    body = json.loads(entry.body)
    wrong = json.loads(
        item_of(Record(kind=kind, fields={**fields, kind.id_field: str(fields.get(kind.id_field))})).body
    )
    del body[kind.id_field]
    if kind.id_field in fields:
        value = fields[kind.id_field]
        body[kind.id_field] = wrong[kind.id_field] if isinstance(value, str) else {"N": str(value)}
    return Entry(entry.key, json.dumps(body).encode())


def document(fields: Mapping[str, Any], record_id: str | None = None) -> Entry:
    """An artist as the index's entry."""
    entry = document_of(item(Kind.ARTIST, fields, record_id))
    assert entry is not None
    return entry
