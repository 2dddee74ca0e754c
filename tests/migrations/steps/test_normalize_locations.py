"""Locations: every spelling, what cannot be placed, and that the table is of one piece."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given

from tattoo_data.migrations.step import Fields
from tattoo_data.migrations.steps import normalize_locations as step
from tattoo_data.migrations.steps.normalize_locations import left, placed
from tests.migrations.steps.records import CONTEXT, exact, hold_laws, places, records

TABLE: dict[str, Any] = tomllib.loads((files("tattoo_data.migrations.steps") / "places.toml").read_text("utf-8"))
CITIES: dict[str, dict[str, Any]] = TABLE["cities"]
AREAS = [(area, city) for city, facts in CITIES.items() for area in (*facts.get("areas", ()), *TABLE["anywhere"])]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Shoreditch, London", "Shoreditch, London"),
        ("shoreditch, LONDON", "Shoreditch, London"),
        ("STOKES CROFT, BRISTOL", "Stokes Croft, Bristol"),
        ("Brixton LONDON", "Brixton, London"),
        ("Digbeth,Birmingham", "Digbeth, Birmingham"),
        ("Soho , London", "Soho, London"),
        ("  Soho  ,\t London ", "Soho, London"),
        ("Soho\u00a0, London", "Soho, London"),
        ("Leith - Edinburgh", "Leith, Edinburgh"),
        ("Leith – Edinburgh", "Leith, Edinburgh"),
        ("Leith/Edinburgh", "Leith, Edinburgh"),
        ("Leith / Edinburgh", "Leith, Edinburgh"),
        ("Leith-Edinburgh", "Leith, Edinburgh"),
        ("Manchester (Chorlton)", "Chorlton, Manchester"),
        ("Chorlton (Manchester)", "Chorlton, Manchester"),
        ("Manchester, Chorlton", "Chorlton, Manchester"),
        ("Manchester: Northern Quarter", "Northern Quarter, Manchester"),
        ("London,", "London"),
        ("manchester", "Manchester"),
        ("newcastle upon tyne", "Newcastle upon Tyne"),
        ("NEWCASTLE-UPON-TYNE", "Newcastle upon Tyne"),
        ("stoke on trent", "Stoke-on-Trent"),
        ("St. Albans", "St Albans"),
        ("saint albans", "St Albans"),
        # Other names.
        ("Brum", "Birmingham"),
        ("b'ham", "Birmingham"),
        ("B’ham", "Birmingham"),
        ("Digbeth, Brum", "Digbeth, Birmingham"),
        ("Newcastle", "Newcastle upon Tyne"),
        ("Ouseburn, Newcastle", "Ouseburn, Newcastle upon Tyne"),
        ("Brighton & Hove", "Brighton"),
        ("Brighton (Hove)", "Hove, Brighton"),
        ("Kemp Town, Brighton", "Kemptown, Brighton"),
        ("Camden Town", "Camden, London"),
        ("chorlton-cum-hardy", "Chorlton, Manchester"),
        ("KINGS CROSS, London", "King's Cross, London"),
        ("King’s Cross, London", "King's Cross, London"),
        ("elephant & castle, london", "Elephant and Castle, London"),
        ("Hull", "Hull"),
        ("Kingston upon Hull", "Hull"),
        # An area alone, and one that several cities have.
        ("kelham island", "Kelham Island, Sheffield"),
        ("Soho", None),
        ("soho, birmingham", "Soho, Birmingham"),
        ("Cathedral Quarter", None),
        ("Derby, Cathedral Quarter", "Cathedral Quarter, Derby"),
        ("City Centre", None),
        ("city centre, leeds", "City Centre, Leeds"),
        ("Stratford", None),
        ("Stratford, London", "Stratford, London"),
        # A name that is a city and an area of another one.
        ("Ely", "Ely"),
        ("ely, cardiff", "Ely, Cardiff"),
        # A nation behind it.
        ("London, UK", "London"),
        ("London, U.K.", "London"),
        ("Leith, Edinburgh, Scotland, United Kingdom", "Leith, Edinburgh"),
        ("Edinburgh (Scotland)", "Edinburgh"),
        ("London Road, Manchester, England", "London Road, Manchester"),
        ("London, Scotland", None),
        ("Newcastle, Northern Ireland", None),
        ("Scotland", None),
        ("UK", None),
        # Whole words only, and all of them.
        ("London Road, Manchester", "London Road, Manchester"),
        ("London Road , MANCHESTER", "London Road, Manchester"),
        ("16 Tib Street, manchester", "16 Tib Street, Manchester"),
        ("London Road", None),
        ("London Road Manchester", None),
        ("London Road - Manchester", None),
        ("Londonderry", "Londonderry"),
        ("LONDONDERRY", "Londonderry"),
        ("Derry", "Derry"),
        ("Derry/Londonderry", None),
        ("New London", None),
        ("New York", None),
        ("Greater Manchester", None),
        ("East London", None),
        ("Newcastle-under-Lyme", None),
        ("Bathgate", None),
        ("Yorkshire", None),
        # Two cities, another country's, and an area that is known elsewhere.
        ("Manchester, London", None),
        ("London / Manchester", None),
        ("London, London", None),
        ("London, Ontario", None),
        ("Berlin / London", None),
        ("Berlin / Paris, London", None),
        ("England, London", None),
        ("Shoreditch, Manchester", None),
        ("Tib Street, Northern Quarter, Manchester", None),
        ("12, London", None),
        ("(?), London", "London"),
        ("", None),
        (" ", None),
        ("–", None),
        ("Leith, " * 50 + "Edinburgh", None),
        ("x" * 300 + ", Manchester", None),
    ],
    ids=repr,
)
def test_a_place_has_one_form(text: str, wanted: str | None) -> None:
    assert placed(text) == wanted
    record = {"locationDisplay": text}
    assert (left(record) is None) is (wanted is not None)
    assert step.up(record, CONTEXT) == {"locationDisplay": text if wanted is None else wanted}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("New London", "'New London' is no place of the table"),
        ("Soho", "'Soho' may be in several places, and no city is named"),
        ("stratford", "'stratford' may be in several places, and no city is named"),
        ("x" * 300, f"'{'x' * 60}'... is no place of the table"),
        ("Leith, Edinburgh", None),
        (None, None),
        (7, None),
        (["Leith"], None),
    ],
)
def test_what_is_left_has_a_reason(text: Any, reason: str | None) -> None:
    assert left({"locationDisplay": text}) == reason
    assert left({}) is None


def test_the_table_is_large_enough() -> None:
    assert len(CITIES) >= 40
    assert {facts["nation"] for facts in CITIES.values()} == TABLE["nations"].keys() - {"United Kingdom"}
    assert sum("areas" in facts for facts in CITIES.values()) >= 40


def test_no_name_is_of_two_cities() -> None:
    names = [name for city, facts in CITIES.items() for name in (city, *facts.get("aliases", ()))]
    names += [name for nation, others in TABLE["nations"].items() for name in (nation, *others)]
    assert [name for name, times in Counter(map(step._words, names)).items() if times > 1] == []


def test_no_area_is_listed_twice() -> None:
    listed = {city: Counter(map(step._words, facts.get("areas", ()))) for city, facts in CITIES.items()}
    assert [(city, name) for city, names in listed.items() for name, times in names.items() if times > 1] == []
    for city, facts in CITIES.items():
        assert set(facts.get("spelled", {})) <= set(facts.get("areas", ())), city


def test_every_name_of_an_area_is_one_of_the_table() -> None:
    known = {step._words(area) for area, _ in AREAS}
    known |= {
        step._words(each) for facts in CITIES.values() for more in facts.get("spelled", {}).values() for each in more
    }
    assert [name for name in TABLE["shared"] if step._words(name) not in known] == []


@pytest.mark.parametrize("form", ["{0}, {1}", "{0} {1}", "{1} ({0})", "{1} - {0}", "{1}/{0}", "  {0} ,{1} "])
def test_every_area_is_placed_in_every_form(form: str) -> None:
    for area, city in AREAS:
        assert placed(form.format(area.upper(), city.lower())) == f"{area}, {city}"


def test_every_other_name_is_placed() -> None:
    for city, facts in CITIES.items():
        for name in (city, *facts.get("aliases", ())):
            assert placed(name) == city
        for area, others in facts.get("spelled", {}).items():
            for other in others:
                assert placed(f"{other}, {city}") == f"{area}, {city}"


@given(places)
def test_a_place_stays_placed(text: str) -> None:
    once = placed(text)
    if once is not None:
        assert placed(once) == once


@given(records())
def test_it_keeps_the_laws(record: Fields) -> None:
    after = hold_laws(step.up, step.WRITES, record)
    if left(record):
        assert after["locationDisplay"] == record["locationDisplay"]
    elif not isinstance(record.get("locationDisplay"), str):
        assert exact(after) == exact(record)
    assert left(after) == left(record)
