"""The museum: for each rule of a record at least one that breaks just it, and ones at the edge that are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tattoo_data.model.records import Kind
from tests.validation.samples import DROP

A, S, T = Kind.ARTIST, Kind.STUDIO, Kind.STYLE


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A change to a good record that breaks a rule, in a field."""

    rule: str
    kind: Kind
    changes: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""

    @property
    def name(self) -> str:
        """What a test is called by."""
        values = ["-" if value is DROP else repr(value)[:40] for value in self.changes.values()]
        return f"{self.rule} {self.kind} {' '.join(self.changes)} {' '.join(values)}"


def _broken(rule: str, kind: Kind, path: str, *values: object) -> list[Exhibit]:
    return [Exhibit(rule, kind, {path: value}, path) for value in values]


#: Other types than the field's.
_NO_TEXT = (5, True, ["x"], {"x": "y"})
_NO_NUMBER = ("4", True, [4], {"n": 4})

BROKEN: list[Exhibit] = [
    *(
        exhibit
        for name in ("artistName", "instagramHandle", "locationDisplay", "geohash")
        for exhibit in _broken("required-field", A, name, DROP, None, "")
    ),
    *_broken("required-field", A, "artistName", "  ", "\u2003"),
    *_broken("required-field", A, "styles", DROP, None, []),
    Exhibit("required-field", A, {"styles": ["celtic", " "]}, "styles.1"),
    *_broken("required-field", A, "artistId", DROP),
    *_broken("required-field", A, "studioInfo.studioId", DROP, None, ""),
    *_broken("required-field", A, "portfolioImages.0.url", DROP, None, ""),
    *(
        exhibit
        for name in ("studioName", "address", "postcode", "geohash")
        for exhibit in _broken("required-field", S, name, DROP, None, "")
    ),
    *(
        exhibit
        for name in ("styleName", "description")
        for exhibit in _broken("required-field", T, name, DROP, None, "", " ")
    ),
    *_broken("field-type", A, "artistName", *_NO_TEXT),
    *_broken("field-type", A, "bio", *_NO_TEXT),
    *_broken("field-type", A, "styles", "celtic", 5, {"first": "celtic"}),
    Exhibit("field-type", A, {"styles.1": 5}, "styles.1"),
    Exhibit("field-type", A, {"styles.1": None}, "styles.1"),
    *_broken("field-type", A, "reviewCount", Decimal("12.5"), *_NO_NUMBER),
    *_broken("field-type", A, "rating", *_NO_NUMBER),
    *_broken("field-type", A, "portfolioImages", "x", {"url": "http://x/y.png"}),
    Exhibit("field-type", A, {"portfolioImages": [5]}, "portfolioImages.0"),
    *_broken("field-type", A, "pricing", "cheap", []),
    *_broken("field-type", A, "availability.bookingOpen", "yes", 1, "true"),
    *_broken("field-type", A, "createdAt", 1700000000),
    *_broken("field-type", A, "socialMedia", "none"),
    *_broken("field-type", S, "artists", "artist-a"),
    *_broken("field-type", S, "openingHours", "always", []),
    *_broken("field-type", S, "openingHours.monday", 10),
    *_broken("field-type", T, "aliases", "old"),
    *_broken("field-type", T, "difficulty", 3),
    *_broken("number-range", A, "pricing.hourlyRate", -1, 100_001, Decimal("-0.01")),
    *_broken("number-range", A, "experience.yearsActive", -1, 101),
    *_broken("number-range", A, "reviewCount", -1),
    *_broken("number-range", S, "established", 1699, 2201),
    *_broken(
        "date-form", A, "createdAt", "yesterday", "2026-13-01", "2026-02-30", "2026-02-29T10:00:00.000Z", "20260101"
    ),
    *_broken("date-form", A, "updatedAt", "2026-01-01 10:00:00", "2026-01-01T25:00:00Z", "2026-1-1", ""),
    *_broken("date-form", A, "availability.nextAvailable", "soon", "2025-02-29", "2026-06-31"),
    *_broken("handle-form", A, "instagramHandle", "@ada.brown", "ada brown", "a" * 31, "ada-brown", "adá"),
    *_broken("image-url", A, "avatar", "http://", "https:///x.png", "/x.png", "x.png", "ftp://x/y.png", "//x/y.png"),
    *_broken("image-url", A, "avatar", "http://:80/x.png", "http://u@/x.png", "http://x y/z.png", "http://x/a b.png"),
    *_broken("image-url", A, "portfolioImages.0.url", "http://", "data:image/png;base64,AAAA", "javascript:alert(1)"),
    *_broken("rating-range", A, "rating", Decimal("5.01"), 6, -1, Decimal("-0.1")),
    *_broken("rating-range", S, "rating", Decimal("5.1")),
    Exhibit("rating-without-reviews", A, {"reviewCount": DROP}, "rating"),
    Exhibit("rating-without-reviews", A, {"reviewCount": 0}, "rating"),
    Exhibit("rating-without-reviews", S, {"reviewCount": None}, "rating"),
    Exhibit("reviews-without-rating", A, {"rating": DROP}, "reviewCount"),
    Exhibit("reviews-without-rating", S, {"rating": None}, "reviewCount"),
    Exhibit("coordinates-pair", A, {"longitude": DROP}, "latitude"),
    Exhibit("coordinates-pair", A, {"latitude": None}, "longitude"),
    Exhibit("coordinates-pair", S, {"latitude": DROP}, "longitude"),
    *_broken("coordinates-range", A, "latitude", Decimal("90.000001"), -91, 1000),
    *_broken("coordinates-range", A, "longitude", Decimal("180.1"), -181),
    *_broken("coordinates-range", S, "latitude", 91),
    Exhibit(
        "outside-uk",
        A,
        {"latitude": Decimal("53.3498"), "longitude": Decimal("-6.2603"), "geohash": "gc7x9"},
        "latitude",
    ),
    Exhibit(
        "outside-uk",
        A,
        {"latitude": Decimal("48.8566"), "longitude": Decimal("2.3522"), "geohash": "u09tv"},
        "latitude",
    ),
    Exhibit(
        "outside-uk", S, {"latitude": Decimal("50.9513"), "longitude": Decimal("1.8587"), "geohash": "u11"}, "latitude"
    ),
    *_broken(
        "geohash-form", A, "geohash", "gcvwrya", "gcvwryi", "gcvwryl", "gcvwryo", "GCVWRYN", "gcvwryn" * 2, "gcv wryn"
    ),
    *_broken("geohash-form", S, "geohash", "gcva"),
    *_broken("geohash-place", A, "geohash", "gcvwryp", "gcpvj0d", "u10", "7"),
    *_broken("geohash-place", S, "geohash", "gcpvj0d"),
    *_broken(
        "postcode-form",
        S,
        "postcode",
        "EH6",
        "12345",
        "EH6 3SI",
        "QH6 3SX",
        "EH6 SXX",
        "GIR 0AB",
        "BFPO 0",
        "BFPO 12345",
    ),
    *_broken("postcode-form", S, "postcode", "E1I 6AA", "EI1 6AA", "EH6 3SXX", "W1Z 1AA", "EC1Z 1AA", "EH666 3SX"),
    *_broken("postcode-form", A, "studioInfo.postcode", "nowhere"),
    *_broken(
        "postcode-spelling", S, "postcode", "eh6 3sx", "EH63SX", "EH6  3SX", " EH6 3SX", "gir0aa", "BFPO57", "bfpo 57"
    ),
    *_broken("postcode-spelling", A, "studioInfo.postcode", "eh63sx"),
    *_broken("address-form", S, "address", "16 Constitution Street", "Leith,", "16, 17", ","),
    Exhibit("specialty-form", A, {"specialties": ["knots", "Knots "]}, "specialties.1"),
    Exhibit("specialty-form", A, {"specialties": [""]}, "specialties.0"),
    Exhibit("specialty-form", S, {"specialties": ["cover-ups", "cover-ups"]}, "specialties.1"),
    *_broken("opening-hours", S, "openingHours.monday", "10-18", "always", "24:00-10:00", "10:00-18:60", ""),
    Exhibit("opening-hours", S, {"openingHours": {"funday": "10:00-18:00"}}, "openingHours.funday"),
    *_broken("difficulty-level", T, "difficulty", "hard", "Expert", ""),
    *_broken("popularity-range", T, "popularity", -1, 101, Decimal("100.5")),
    Exhibit(
        "old-schema", A, {"portfolioImages": ["http://localhost:4566/tattoo-directory-images/x.png"]}, "portfolioImages"
    ),
    *_broken("unknown-field", A, "hobby", "chess", 5, None, {"x": 1}),
    *_broken("unknown-field", A, "pricing.deposit", 20),
    *_broken("unknown-field", A, "portfolioImages.0.colour", "red"),
    *_broken("unknown-field", S, "hobby", "chess"),
    *_broken("unknown-field", T, "hobby", "chess"),
]
#: Its id is in its key and everywhere else.
BROKEN_IDS: list[Exhibit] = [
    *_broken("required-field", A, "artistId", "", None),
    *_broken("required-field", S, "studioId", DROP, None, ""),
    *_broken("required-field", T, "styleId", DROP, None, ""),
    *_broken("field-type", A, "artistId", 5),
    *_broken("style-id-form", T, "styleId", "Celtic", "old school", "old-school", "é"),
]


@dataclass(frozen=True, slots=True)
class Edge:
    """A change to a good record that leaves it right."""

    kind: Kind
    changes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What a test is called by."""
        values = ["-" if value is DROP else repr(value)[:40] for value in self.changes.values()]
        return f"{self.kind} {' '.join(self.changes)} {' '.join(values)}"


def _right(kind: Kind, path: str, *values: object) -> list[Edge]:
    return [Edge(kind, {path: value}) for value in values]


_OPTIONAL = {
    A: (
        *("specialties", "bio", "avatar", "portfolioImages", "contactInfo", "studioInfo", "pricing", "availability"),
        *("experience", "createdAt", "updatedAt"),
    ),
    S: ("locationDisplay", "contactInfo", "openingHours", "artists", "established", "specialties"),
    T: ("characteristics", "popularMotifs", "colorPalette", "difficulty", "popularity", "timeOrigin", "aliases"),
}

RIGHT: list[Edge] = [
    *(Edge(kind, {name: value}) for kind, names in _OPTIONAL.items() for name in names for value in (DROP, None)),
    *_right(A, "artistName", "X", "Łukasz 'Ink' O’Neill", "🌹"),
    *_right(A, "instagramHandle", "a", "A.b_9", "a" * 30),
    *_right(A, "rating", 5, Decimal("5.0"), Decimal("0.1"), Decimal("4.55"), 0),
    Edge(A, {"rating": 0, "reviewCount": 0}),
    Edge(A, {"rating": DROP, "reviewCount": 0}),
    Edge(A, {"rating": DROP, "reviewCount": DROP}),
    Edge(A, {"rating": None, "reviewCount": None}),
    *_right(A, "reviewCount", 1, 10**15, Decimal("12.0")),
    Edge(A, {"latitude": DROP, "longitude": DROP}),
    Edge(A, {"latitude": None, "longitude": None}),
    # Penzance, Lerwick, Derry, Lowestoft, Dover, and the prime meridian.
    Edge(A, {"latitude": Decimal("50.1186"), "longitude": Decimal("-5.5371"), "geohash": "gbuj45b"}),
    Edge(A, {"latitude": Decimal("60.1530"), "longitude": Decimal("-1.1493"), "geohash": "gfxnj"}),
    Edge(A, {"latitude": Decimal("54.9966"), "longitude": Decimal("-7.3086"), "geohash": "gcfb"}),
    Edge(A, {"latitude": Decimal("52.4811"), "longitude": Decimal("1.7535"), "geohash": "u134"}),
    Edge(A, {"latitude": Decimal("51.1279"), "longitude": Decimal("1.3134"), "geohash": "u10"}),
    Edge(A, {"latitude": Decimal("51.4779"), "longitude": 0, "geohash": "u10"}),
    Edge(A, {"latitude": Decimal("51.4779"), "longitude": 0, "geohash": "gcp"}),
    *_right(A, "geohash", "g", "gc", "gcvwry", "gcvwryn"),
    *_right(A, "avatar", "http://x/y.png", "https://x", "HTTPS://X.example:8443/y.png?z=1#a", "http://[::1]:80/x.png"),
    *_right(A, "avatar", "http://u:p@x/y.png", "http://x/é.png", "http://10.0.0.1/x.png"),
    *_right(A, "createdAt", "2026-01-31", "2024-02-29", "2026-01-01T00:00:00Z", "2026-01-01T10:00:00.123456+01:00"),
    *_right(A, "updatedAt", "2026-12-31T23:59:59.999Z", "2026-01-01T10:00"),
    *_right(A, "availability.nextAvailable", "2026-12-31", "2026-12-31T00:00:00.000Z"),
    *_right(A, "pricing.hourlyRate", 0, 100_000, Decimal("99.99"), None),
    *_right(A, "experience.yearsActive", 0, 100, Decimal("7.5")),
    *_right(A, "styles", ["celtic"], ["celtic", "celtic"]),
    *_right(A, "specialties", [], ["one"]),
    *_right(A, "socialMedia", {"instagram": {"handle": "x", "followers": 5}}, {}),
    *_right(A, "locationCity", "Edinburgh"),
    *_right(A, "portfolioImages", []),
    *_right(S, "postcode", "GIR 0AA", "BFPO 1", "BFPO 57", "BFPO 9999"),
    *_right(S, "postcode", "M1 1AE", "B33 8TH", "E1W 1AA", "CR2 6XH", "DN55 1PT", "EC1A 1BB", "W1A 0AX", "SE1P 5LX"),
    *_right(S, "address", "1 High St, Bath", "Unit 4\nThe Yard", "The Old Mill, Mill Lane, York"),
    *_right(S, "openingHours", {}, {"saturday": "00:00-24:00"}, {"sunday": "closed"}),
    *_right(S, "established", 1700, 2200),
    *_right(T, "difficulty", "beginner", "intermediate", "advanced", "expert"),
    *_right(T, "popularity", 0, 100, Decimal("99.5")),
]
