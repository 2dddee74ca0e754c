"""Scenarios and reset states, as the package's data files declare them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

DEFAULT_COPIES = 5
_LEAST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search in the application's own form, and the ids of the artists that must be among its answers.

    Without `finds`, every artist of the scenario must be.
    """

    kind: str
    value: str
    finds: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What holds for a scenario: `each` (JMESPath) for every artist, how many artists and studios there are, and a
    field whose values reach into all four quartiles of the dataset's."""

    each: str
    least: int = _LEAST
    most: int | None = None
    studios: int | None = None
    quartiles_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named part of the catalogue, or of a user's own records: `where` or `artists` or `records` say which."""

    name: str
    description: str
    use_case: str = ""
    where: str | None = None
    artists: tuple[str, ...] = ()
    records: str | None = None
    promise: Promise | None = None
    searches: tuple[Search, ...] = ()
    origin: str = "built in"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A reset state: `source` is empty, full, copies, backup, or the name of a scenario."""

    name: str
    description: str
    actions: str
    source: str


@lru_cache(maxsize=1)
def scenarios() -> tuple[Scenario, ...]:
    """The scenarios that ship, in the order of the seed document."""
    return tuple(_scenario(name, fields) for name, fields in _read("scenarios.toml").items())


@lru_cache(maxsize=1)
def all_states() -> tuple[State, ...]:
    """The reset states, in the order of the seed document."""
    return tuple(State(name=name, **fields) for name, fields in _read("states.toml").items())


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((files("tattoo_data.catalog") / name).read_text("utf-8"))


def _scenario(name: str, fields: Mapping[str, Any]) -> Scenario:
    promise = Promise(
        each=fields["promise"],
        least=fields.get("least", _LEAST),
        most=fields.get("most"),
        studios=fields.get("studios"),
        quartiles_of=fields.get("quartiles_of"),
    )
    return Scenario(
        name=name,
        description=fields["description"],
        use_case=fields["use_case"],
        where=fields.get("where"),
        artists=_ids(fields.get("artists", ())),
        promise=promise,
        searches=tuple(_search(each) for each in fields["searches"]),
    )


def _search(fields: Mapping[str, Any]) -> Search:
    finds = _ids(fields["finds"]) if "finds" in fields else None
    return Search(kind=fields["kind"], value=fields["value"], finds=finds)


def _ids(numbers: list[int] | tuple[()]) -> tuple[str, ...]:
    return tuple(f"artist-{number:03}" for number in numbers)
