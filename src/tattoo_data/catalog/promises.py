"""Promises: what a scenario says of its records, and the application's searches with their known answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from tattoo_data.catalog.dataset_files import Dataset
from tattoo_data.catalog.days import resolve_days
from tattoo_data.catalog.query import Query
from tattoo_data.catalog.scenario import Promise, Scenario, Search
from tattoo_data.catalog.selection import image_urls, references
from tattoo_data.model.records import Kind, Record

#: More than any scenario holds, so that an answer is never cut.
_ALL = 10_000


def broken_promises(scenario: Scenario, records: Iterable[Record], dataset: Dataset) -> list[str]:
    """What a scenario promises of its records and they do not keep, in words."""
    held = {(record.kind, record.id): record for record in records}
    artists = [record for record in held.values() if record.kind is Kind.ARTIST]
    broken = list(_dangling(artists, held))
    if scenario.promise:
        broken += _each(scenario.promise, artists, dataset.context.as_of, scenario.origin)
        broken += _amounts(scenario.promise, artists, held)
        broken += _quartiles(scenario.promise, artists, dataset)
    return broken


def search_body(search: Search, as_of: date) -> dict[str, Any]:
    """A search as the application sends it to OpenSearch."""
    query = _QUERIES[search.kind](resolve_days(search.value, as_of))
    return {"query": query, "size": _ALL, "_source": False, "sort": ["_score", {"rating": "desc"}]}


def search_answers(
    scenario: Scenario, artists: Iterable[str], as_of: date
) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Each search of a scenario in words, as it is sent, and the ids that must be among its answers."""
    every = set(artists)
    for search in scenario.searches:
        wanted = every if search.finds is None else set(search.finds)
        yield f"{search.kind} {search.value}", search_body(search, as_of), wanted


def linked(records: Iterable[Record]) -> set[str]:
    """Every image url that records link to."""
    return {url for record in records for url in image_urls(record)}


def _text(value: str) -> dict[str, Any]:
    fields = ["artistName^2", "studioInfo.studioName", "instagramHandle"]
    return {"multi_match": {"query": value, "fields": fields, "fuzziness": "AUTO"}}


_QUERIES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "text": _text,
    "studio": _text,
    "handle": _text,
    "location": lambda value: {"match": {"locationDisplay": {"query": value, "operator": "and"}}},
    "styles": lambda value: {"terms": {"styles": value.split(",")}},
    "artist-id": lambda value: {"term": {"artistId": value}},
    "rating-at-least": lambda value: {"range": {"rating": {"gte": float(value)}}},
    "created-since": lambda value: {"range": {"createdAt": {"gte": value}}},
    "booking-open": lambda value: {"term": {"availability.bookingOpen": value == "true"}},
}


def _each(promise: Promise, artists: list[Record], as_of: date, source: str) -> Iterator[str]:
    query = Query(promise.each, as_of, source)
    for artist in artists:
        if not query.holds(artist):
            yield f"{artist.id} is not so that {promise.each}"


def _amounts(promise: Promise, artists: list[Record], held: Mapping[tuple[Kind, str], Record]) -> Iterator[str]:
    if len(artists) < promise.least or (promise.most is not None and len(artists) > promise.most):
        limit = f"{promise.least} or more" if promise.most is None else f"{promise.least} to {promise.most}"
        yield f"there are {len(artists)} artists, not {limit}"
    studios = sum(kind is Kind.STUDIO for kind, _ in held)
    if promise.studios is not None and studios != promise.studios:
        yield f"there are {studios} studios, not {promise.studios}"


def _quartiles(promise: Promise, artists: list[Record], dataset: Dataset) -> Iterator[str]:
    if promise.quartiles_of is None:
        return
    query = Query(promise.quartiles_of, dataset.context.as_of, "a promise")
    every = sorted(value for artist in dataset.artists if (value := query.value(artist)) is not None)
    limits = [every[len(every) * part // 4] for part in (1, 2, 3)]
    reached = {
        sum(value >= limit for limit in limits) for artist in artists if (value := query.value(artist)) is not None
    }
    for quartile in sorted({0, 1, 2, 3} - reached):
        yield f"no artist is in quartile {quartile + 1} of {promise.quartiles_of}"


def _dangling(artists: list[Record], held: Mapping[tuple[Kind, str], Record]) -> Iterator[str]:
    for artist in artists:
        for kind, name in references(artist):
            if (kind, name) not in held:
                yield f"{artist.id} refers to the {kind} {name}, which is not there"
