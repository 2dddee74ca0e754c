"""Write `locationDisplay` as "Area, City" or "City".

The table (places.toml) has cities of the United Kingdom, their areas, and other names of both. A text is compared with
it by whole words, all of them, whatever the case and whatever stands between: "Manchester (Chorlton)", "chorlton -
MANCHESTER" and "Chorlton" alone are "Chorlton, Manchester". A nation behind the city is left out where it is its own.

- An area that several cities have is placed only where one of them is named, and so is one of an ordinary name.
- A name that the table does not have, before a comma and a city, is taken for an area and keeps its spelling:
  "London Road, Manchester". It is not where it is a city, a nation, or known as an area of other cities only.

What cannot be placed stays as it is, byte for byte.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from tattoo_data.migrations.step import Context, Fields

VERSION = "1.2.0"
WRITES = ("locationDisplay",)

_Words = tuple[str, ...]
#: No place has a longer name; a text that has takes time for each pair of its words.
_LONGEST = 200
_SHOWN = 60
_KINGDOM = "United Kingdom"
_SEPARATOR = re.compile(r"[,/|;()\[\]]|\s[-–—]\s")
_APOSTROPHE = re.compile(r"['’‘`´]")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """The table, by the words of every name: `cities` and `nations` give the name to show, `areas` for each city that
    has the area its name there. `shared` are areas that other places have too; `nation_of` is of a city."""

    cities: Mapping[_Words, str]
    nations: Mapping[_Words, str]
    areas: Mapping[_Words, Mapping[str, str]]
    shared: frozenset[_Words]
    nation_of: Mapping[str, str]


def up(record: Fields, context: Context) -> Fields:
    """The record with its place in the usual form, where it can be placed."""
    text = record.get("locationDisplay")
    if isinstance(text, str):
        record["locationDisplay"] = placed(text) or text
    return record


def left(record: Fields) -> str | None:
    """Why the record's place is left as it is; None where it is placed or is no text."""
    text = record.get("locationDisplay")
    if not isinstance(text, str) or placed(text):
        return None
    shown = repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."
    words = _words(text) if len(text) <= _LONGEST else ()
    if words in _places().areas:
        return f"{shown} may be in several places, and no city is named"
    return f"{shown} is no place of the table"


def placed(text: str) -> str | None:
    """The place that a text names, as "Area, City" or "City"; None where the table does not tell. Pure."""
    return _placed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _placed(text: str) -> str | None:
    places = _places()
    parts, nations = _without_nations(_SEPARATOR.split(text))
    found = set(_readings(tuple(word for part in parts for word in _words(part)))) or set(_unlisted(text))
    if len(found) != 1:
        return None
    ((area, city),) = found
    if not nations <= {places.nation_of[city], _KINGDOM}:
        return None
    return f"{area}, {city}" if area else city


def _readings(words: _Words) -> Iterator[tuple[str, str]]:
    """Every way to read all of the words as a city, or an area and its city."""
    places = _places()
    if words in places.cities:
        yield "", places.cities[words]
        return
    cities = places.areas.get(words, {})
    if len(cities) == 1 and words not in places.shared:
        ((city, area),) = cities.items()
        yield area, city
    for cut in range(1, len(words)):
        for first, second in ((words[:cut], words[cut:]), (words[cut:], words[:cut])):
            named = places.cities.get(second)
            if named and named in (areas := places.areas.get(first, {})):
                yield areas[named], named


def _unlisted(text: str) -> Iterator[tuple[str, str]]:
    """A name that the table does not have, and the city behind its comma."""
    places = _places()
    parts, _ = _without_nations(text.split(","))
    if len(parts) != 2:
        return
    area, city = " ".join(parts[0].split()), places.cities.get(_words(parts[1]))
    words = _words(area)
    known = words in places.cities or words in places.nations or (words in places.areas and words not in places.shared)
    if city and not known and not _SEPARATOR.search(area) and any(map(str.isalpha, area)):
        yield area, city


def _without_nations(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """The parts that hold words, and the nations that stood behind them."""
    nations = _places().nations
    parts = [text.strip() for text in texts if _words(text)]
    named = set()
    while len(parts) > 1 and (nation := nations.get(_words(parts[-1]))):
        named.add(nation)
        parts.pop()
    return parts, named


def _words(text: str) -> _Words:
    """The words of a text, without what people spell differently."""
    plain = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text).casefold()).replace("&", " and ")
    return tuple("st" if word == "saint" else word for word in _WORD.findall(plain))


@lru_cache(maxsize=1)
def _places() -> _Places:
    table = tomllib.loads((files("tattoo_data.migrations.steps") / "places.toml").read_text("utf-8"))
    cities: Mapping[str, Mapping[str, Any]] = table["cities"]
    areas: dict[_Words, dict[str, str]] = {}
    for city, facts in cities.items():
        named = {name: name for name in (*table["anywhere"], *facts.get("areas", ()))}
        named |= {other: name for name, others in facts.get("spelled", {}).items() for other in others}
        for name, shown in named.items():
            areas.setdefault(_words(name), {})[city] = shown
    return _Places(
        cities=_by_words({city: facts.get("aliases", ()) for city, facts in cities.items()}),
        nations=_by_words(table["nations"]),
        areas=areas,
        shared=frozenset(map(_words, table["shared"])),
        nation_of={city: facts["nation"] for city, facts in cities.items()},
    )


def _by_words(names: Mapping[str, Iterable[str]]) -> dict[_Words, str]:
    """Each name, by its own words and by those of its other names."""
    return {_words(each): name for name, others in names.items() for each in (name, *others)}
