"""Copies: a large dataset for performance tests, the full one and N copies of each artist, as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tattoo_data.catalog.dataset_files import Dataset
from tattoo_data.catalog.selection import Selection
from tattoo_data.model.records import Kind, Record

#: An item of DynamoDB is at most 400 KB, and a studio lists its artists: later copies work for themselves.
STUDIO_COPIES = 500
_HANDLE_LENGTH = 30


def copies(dataset: Dataset, count: int) -> Selection:
    """The full dataset and `count` copies of each artist; studios, styles and images once."""
    full = dataset.full()
    originals = dataset.artists
    return Selection(
        records=lambda: _records(dataset, originals, count),
        counts={**full.counts, Kind.ARTIST: len(originals) * (count + 1)},
        images=full.images,
    )


def _records(dataset: Dataset, originals: list[Record], count: int) -> Iterator[Record]:
    for record in dataset.records.values():
        if record.kind is Kind.STYLE:
            yield record
        elif record.kind is Kind.STUDIO:
            yield _with_copies(record, min(count, STUDIO_COPIES))
    yield from originals
    for number in range(1, count + 1):
        for artist in originals:
            yield _copy(artist, number)


def _with_copies(studio: Record, count: int) -> Record:
    artists = studio.fields["artists"]
    assert isinstance(artists, list)
    listed = [*artists, *(_copy_id(artist, number) for number in range(1, count + 1) for artist in artists)]
    return Record(kind=Kind.STUDIO, fields={**studio.fields, "artists": listed})


def _copy(artist: Record, number: int) -> Record:
    fields: dict[str, Any] = dict(artist.fields)
    handle = _copy_handle(fields["instagramHandle"], number)
    fields["artistId"] = _copy_id(artist.id, number)
    fields["artistName"] = f"{fields['artistName']} {number}"
    fields["contactInfo"] = _copy_contact(fields.get("contactInfo"), fields["instagramHandle"], handle)
    fields["instagramHandle"] = handle
    if number > STUDIO_COPIES:
        fields.pop("studioInfo", None)
    return Record(kind=Kind.ARTIST, fields=fields)


def _copy_id(artist_id: str, number: int) -> str:
    return f"{artist_id}-copy-{number}"


def _copy_handle(handle: str, number: int) -> str:
    suffix = f"_{number}"
    return handle[: _HANDLE_LENGTH - len(suffix)] + suffix


def _copy_contact(contact: object, handle: str, copied: str) -> object:
    if not isinstance(contact, Mapping) or not isinstance(contact.get("instagram"), str):
        return contact
    return {**contact, "instagram": contact["instagram"].replace(handle, copied)}
