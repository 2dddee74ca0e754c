"""Geography: geohashes and the coordinates they stand for, and whether coordinates are in the United Kingdom. Pure."""

from __future__ import annotations

from pygeohash import decode_exactly

_ALPHABET = frozenset("0123456789bcdefghjkmnpqrstuvwxyz")
_LONGEST = 12
#: Coordinates on the border of two cells are in both.
_BORDER = 1e-9

#: Boxes (south, west, north, east) that hold the United Kingdom and neither Dublin nor Calais: rough, for a warning.
_UNITED_KINGDOM = (
    (51.3, -5.7, 54.0, 1.8),
    (50.7, -6.5, 51.3, 1.45),
    (49.8, -6.5, 50.7, 0.5),
    (54.0, -8.2, 55.45, 1.8),
    (55.45, -8.7, 60.9, 1.8),
)


def is_geohash(text: str) -> bool:
    """Whether a text is a geohash: 1 to 12 characters of its alphabet, which has no a, i, l and o."""
    return 0 < len(text) <= _LONGEST and _ALPHABET.issuperset(text)


def is_around(geohash: str, latitude: float, longitude: float) -> bool:
    """Whether the cell of a well-formed geohash holds the coordinates."""
    cell = decode_exactly(geohash)
    return (
        abs(latitude - cell.latitude) <= cell.latitude_error + _BORDER
        and abs(longitude - cell.longitude) <= cell.longitude_error + _BORDER
    )


def in_united_kingdom(latitude: float, longitude: float) -> bool:
    """Whether coordinates are in the United Kingdom, roughly."""
    return any(south <= latitude <= north and west <= longitude <= east for south, west, north, east in _UNITED_KINGDOM)
