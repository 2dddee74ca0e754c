"""Builds the catalogue that ships in the package: `python -m tools.build_catalog` writes its three files and images.

The same content gives the same files. Records have the shape of schema 1.0.0, as old data has: some lack optional
fields, some spell their location oddly, some list bare image urls, none has `socialMedia`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pygeohash

from tools.catalog_content import ARTISTS, ODD_LOCATIONS, PLACES, SPECIALTIES, STUDIOS, STYLES
from tools.catalog_images import PICTURES_PER_STYLE, draw_all

DATASET = Path(__file__).parents[1] / "src" / "tattoo_data" / "catalog" / "dataset"
_GEOHASH_LENGTH = 7
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BARE_URLS = (7, 20, 34, 48)
_WITHOUT_DATES = (15, 30, 42, 54, 59)
_BIOS = (
    "Started on the front desk and stayed for the machines. {style} work of any size, drawn on the day.",
    "{years} years in, still happiest with a blank arm and a long afternoon of {style} in front of me.",
    "I came to {style} from print making, and it shows in every line. Custom work only.",
    "Based in {city}. {style} mostly, though I never say no to a good story.",
    "Apprenticed in {city}; travels for conventions twice a year. Ask about {style} flash.",
    "Quiet studio, strong tea, careful {style}. First tattoos are very welcome.",
    "Large scale {style} planned over several sessions. Consultations on Wednesdays.",
    "Vegan inks, private room, {style} that ages well. Cover-ups by consultation.",
)


def styles() -> list[dict[str, Any]]:
    """The style records."""
    return [_style(*row) for row in STYLES]


def studios() -> list[dict[str, Any]]:
    """The studio records, each with the artists that name it."""
    members: dict[str, list[str]] = {}
    for artist in artists():
        if info := artist.get("studioInfo"):
            members.setdefault(info["studioId"], []).append(artist["artistId"])
    return [_studio(number, members) for number in range(1, len(STUDIOS) + 1)]


def artists() -> list[dict[str, Any]]:
    """The artist records."""
    return [_artist(number) for number in range(1, len(ARTISTS) + 1)]


def files() -> dict[str, str]:
    """File name -> content of the three files."""
    content = {"artists.json": artists(), "studios.json": studios(), "styles.json": styles()}
    return {name: json.dumps(rows, ensure_ascii=False, indent=1) + "\n" for name, rows in content.items()}


def main() -> None:
    """Write the files and the images."""
    DATASET.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (DATASET / name).write_text(text, "utf-8")
    linked = set(re.findall(r'"@images/([^"]+)"', files()["artists.json"]))
    count = draw_all(DATASET / "images", [row[0] for row in STYLES], linked)
    print(f"{len(ARTISTS)} artists, {len(STUDIOS)} studios, {len(STYLES)} styles, {count} images in {DATASET}")


def _style(
    style_id: str,
    name: str,
    difficulty: str,
    popularity: int | None,
    origin: str,
    aliases: tuple[str, ...],
    description: str,
    characteristics: tuple[str, ...],
    motifs: tuple[str, ...],
    colours: tuple[str, ...],
) -> dict[str, Any]:
    style = {
        "styleId": style_id,
        "styleName": name,
        "description": description,
        "characteristics": list(characteristics),
        "popularMotifs": list(motifs),
        "colorPalette": list(colours),
        "difficulty": difficulty,
        "popularity": popularity,
        "timeOrigin": origin,
        "aliases": list(aliases),
    }
    return {key: value for key, value in style.items() if value is not None}


def _studio(number: int, members: dict[str, list[str]]) -> dict[str, Any]:
    name, place, street, established = STUDIOS[number - 1]
    area, city, _, _, _, prefix = PLACES[place]
    latitude, longitude = _studio_position(number)
    slug = "".join(letter for letter in name.lower() if letter.isalnum())
    closed = number % 3
    return {
        "studioId": f"studio-{number:03}",
        "studioName": name,
        "address": f"{street}, {area}, {city}",
        "postcode": _postcode(number),
        "geohash": _geohash(latitude, longitude),
        "latitude": latitude,
        "longitude": longitude,
        "locationDisplay": f"{area}, {city}",
        "contactInfo": {
            "phone": prefix + f"{100 + number * 7:03}",
            "email": f"hello@{slug}.example.com",
            "website": f"https://{slug}.example.com",
            "instagram": slug[:24],
        },
        "openingHours": {
            day: "closed" if index <= closed - 1 else "10:00-18:00" if index < 5 else "11:00-17:00"
            for index, day in enumerate(_DAYS)
        },
        "artists": members.get(f"studio-{number:03}", []),
        "rating": round(4.0 + number * 7 % 10 / 10, 1),
        "reviewCount": 40 + number * 37 % 300,
        "established": established,
        "specialties": sorted({SPECIALTIES[number * 5 % len(SPECIALTIES)], SPECIALTIES[number * 7 % len(SPECIALTIES)]}),
    }


def _artist(number: int) -> dict[str, Any]:
    name, handle, place, style_ids = ARTISTS[number - 1]
    area, city, *_ = PLACES[place]
    studio = _studio_of(number, place)
    latitude, longitude = _studio_position(studio) if studio else _position(place, number)
    artist: dict[str, Any] = {
        "artistId": f"artist-{number:03}",
        "artistName": name,
        "instagramHandle": handle,
        "styles": list(style_ids),
        "locationDisplay": ODD_LOCATIONS.get(number, f"{area}, {city}"),
        "geohash": _geohash(latitude, longitude),
        "latitude": latitude,
        "longitude": longitude,
        "bio": _bio(number, city, style_ids[0]),
        "avatar": f"@images/avatars/avatar-{number % 6 + 1}.png",
        "portfolioImages": _portfolio(number, style_ids),
        "contactInfo": _contact(number, handle, place),
    }
    artist |= _optional(number, style_ids)
    if studio:
        artist["studioInfo"] = _studio_info(studio)
    if number not in _WITHOUT_DATES:
        artist |= _dates(number)
    return artist


def _optional(number: int, style_ids: tuple[str, ...]) -> dict[str, Any]:
    """What old records may lack, each missing from some."""
    fields: dict[str, Any] = {}
    if number % 10 != 3:
        fields |= {"rating": _rating(number), "reviewCount": 3 + number * 29 % 240}
    if number % 8 != 5:
        fields["specialties"] = _specialties(number, style_ids)
    if number % 11 != 4:
        fields["pricing"] = _pricing(number)
    if number % 12 != 7:
        fields["availability"] = _availability(number)
    if number % 9 != 2:
        years = 2 + number * 5 % 23
        fields["experience"] = {
            "yearsActive": years,
            "apprenticeshipCompleted": years > 3,
            "certifications": ["Bloodborne pathogens", "First aid"][: number % 3],
        }
    return fields


def _rating(number: int) -> float | int:
    return 5 if number % 17 == 0 else round(3.4 + number * 13 % 17 / 10, 1)


def _specialties(number: int, style_ids: tuple[str, ...]) -> list[str]:
    motifs = {row[0]: row[8] for row in STYLES}
    return list(dict.fromkeys(motifs[style][number % 4] for style in style_ids[:2]))


def _pricing(number: int) -> dict[str, Any]:
    rate: float = 60 + number * 7 % 25 * 5
    return {
        "hourlyRate": rate + 0.5 if number % 6 == 0 else rate,
        "minimumCharge": 40 + number % 5 * 10,
        "currency": "GBP",
    }


def _availability(number: int) -> dict[str, Any]:
    is_open = number % 3 != 0
    return {
        "bookingOpen": is_open,
        "nextAvailable": f"@as-of+{3 + number * 11 % 80}d" if is_open else None,
        "waitingList": not is_open,
    }


def _dates(number: int) -> dict[str, str]:
    """Every sixth artist joined within 90 days before as-of; three just before that, the others over years."""
    if number % 6 == 1:
        joined = 4 + number * 7 % 84
    elif number in (5, 17, 35):
        joined = 91 + number % 10
    else:
        joined = 120 + number * 97 % 2800
    updated = min(joined, number * 5 % 60)
    return {
        "createdAt": f"@as-of-{joined}dT{8 + number % 10:02}:{number % 60:02}:00.000Z",
        "updatedAt": f"@as-of-{updated}dT{18 + number % 5:02}:{number * 7 % 60:02}:00.000Z",
    }


def _contact(number: int, handle: str, place: str) -> dict[str, Any]:
    slug = handle.replace(".", "-").replace("_", "-")
    contact: dict[str, Any] = {"instagram": f"https://www.instagram.com/{handle}"}
    if number % 4:
        contact["website"] = f"https://{slug}.example.com"
    elif number % 8 == 0:
        contact["website"] = None
    contact["email"] = f"{slug}@example.com"
    if number % 5:
        contact["phone"] = f"07700 900{100 + number * 13:03}"
    return contact


def _bio(number: int, city: str, style_id: str) -> str:
    if number == 32:
        return ""  # somebody always leaves it empty
    style = next(row[1] for row in STYLES if row[0] == style_id)
    return _BIOS[number * 3 % len(_BIOS)].format(city=city, style=style.lower(), years=2 + number * 5 % 23)


def _portfolio(number: int, style_ids: tuple[str, ...]) -> list[Any]:
    motifs = {row[0]: row[8] for row in STYLES}
    pictures = [(style, picture) for picture in range(1, PICTURES_PER_STYLE + 1) for style in style_ids]
    wanted = len(pictures) if len(style_ids) >= 4 else 2 + number % 5
    images: list[Any] = []
    for position, (style, picture) in enumerate(pictures[:wanted]):
        url = f"@images/styles/{style.replace('_', '-')}-{picture}.png"
        motif = motifs[style][(number + position) % 4]
        described = {
            "url": url,
            "description": f"{motif.capitalize()}, {style.replace('_', ' ')}",
            "style": style,
            "tags": [style, motif],
        }
        images.append(url if number in _BARE_URLS else described)
    return images


def _studio_of(number: int, place: str) -> int | None:
    """The studio where an artist works: the one of the place, but for every fourth, who is independent."""
    if number % 4 == 3:
        return None
    return next((index for index, row in enumerate(STUDIOS, 1) if row[1] == place), None)


def _studio_info(number: int) -> dict[str, str]:
    name, place, street, _ = STUDIOS[number - 1]
    area, city, *_ = PLACES[place]
    return {
        "studioId": f"studio-{number:03}",
        "studioName": name,
        "address": f"{street}, {area}, {city}",
        "postcode": _postcode(number),
    }


def _postcode(number: int) -> str:
    outward = PLACES[STUDIOS[number - 1][1]][4]
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return f"{outward} {number % 9 + 1}{letters[number * 3 % 20]}{letters[number * 7 % 20]}"


def _studio_position(number: int) -> tuple[float, float]:
    return _position(STUDIOS[number - 1][1], 0)


def _position(place: str, number: int) -> tuple[float, float]:
    latitude, longitude = PLACES[place][2:4]
    return round(latitude + number % 7 * 0.0011, 6), round(longitude + number % 5 * 0.0013, 6)


def _geohash(latitude: float, longitude: float) -> str:
    geohash: str = pygeohash.encode(latitude, longitude, precision=_GEOHASH_LENGTH)
    return geohash


if __name__ == "__main__":
    main()
