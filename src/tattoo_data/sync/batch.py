"""Batch: the documents of some artists made what the table's items give now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tattoo_data.engine.apply import write_entries
from tattoo_data.engine.flow import in_flight, slices
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry
from tattoo_data.stores.base import Outcome, Store, Target, TransientError
from tattoo_data.sync.across import document_of_item
from tattoo_data.sync.pair import AT_ONCE, Shape, items_of, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Documents that were written, deleted, or could not be, of some artists; `failures` name the latter."""

    artists: int = 0
    written: int = 0
    deleted: int = 0
    failures: tuple[Outcome, ...] = ()


def write_documents(env: Environment, artists: Sequence[str]) -> Written:
    """Make the index hold what the table's items of these artists give now; a document goes where there is no item, if
    it is an artist's. Raises `TransientError` where the index does not take something for load."""
    outcomes: list[Outcome] = []
    gone: list[str] = []

    def documents() -> Iterator[Entry]:
        for made in in_flight(env.pool, lambda ids: _made(env, ids), slices(artists, AT_ONCE)):
            for artist, document in made.items():
                if isinstance(document, Outcome):
                    outcomes.append(document)
                elif document is None:
                    gone.append(artist)
                else:
                    yield document

    put = list(write_entries(env.stores.index, documents(), env.pool))
    deleted = _delete(env.stores.index, gone)
    _require_taken(env, [*put, *deleted])
    failures = [*outcomes, *(each for each in [*put, *deleted] if each.error)]
    return Written(
        artists=len(artists),
        written=sum(not each.error for each in put),
        deleted=sum(not each.error for each in deleted),
        failures=tuple(failures),
    )


def _made(env: Environment, artists: Sequence[str]) -> dict[str, Entry | Outcome | None]:
    items = items_of(env.stores.table, artists)
    return {artist: document_of_item(items[artist][0]) if artist in items else None for artist in artists}


def _delete(index: Store, artists: Sequence[str]) -> list[Outcome]:
    """Delete the documents of artists; one that is of another shape under such an id is left alone."""
    outcomes: list[Outcome] = []
    for part in slices(artists, AT_ONCE):
        there = [Target(each.key) for each in index.get(part) if shape_of(each) is Shape.ARTIST]
        outcomes += index.delete(there) if there else ()
    return outcomes


def _require_taken(env: Environment, outcomes: Iterable[Outcome]) -> None:
    for each in outcomes:
        if each.transient:
            raise TransientError(
                service="opensearch",
                endpoint=env.target.opensearch_endpoint,
                operation="_bulk",
                reason=f"it did not take {each.key}: {each.message}",
            )
