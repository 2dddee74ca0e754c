"""Selections: some records of the catalogue with the images they link to, streamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tattoo_data.model.records import Image, Kind, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Records, in the order styles, studios, artists; a fresh iterator at each call, so that a million of them need
    not be held. `counts` and `images` are known without it."""

    records: Callable[[], Iterator[Record]]
    counts: Mapping[Kind, int]
    images: tuple[Image, ...]


_ORDER = {Kind.STYLE: 0, Kind.STUDIO: 1, Kind.ARTIST: 2}


def of_records(records: Iterable[Record], images: Mapping[str, Image], image_base: str) -> Selection:
    """A selection that holds just these records, and the images among `images` that its artists link to."""
    held = sorted(records, key=lambda record: _ORDER[record.kind])
    linked = {key for record in held for key in linked_images(record, image_base)}
    return Selection(
        records=lambda: iter(held),
        counts=Counter(record.kind for record in held),
        images=tuple(image for key, image in images.items() if key in linked),
    )


def union(selections: Iterable[Selection]) -> Selection:
    """All records of several selections, each once; the first one counts where two have the same id."""
    records: dict[tuple[Kind, str], Record] = {}
    images: dict[str, Image] = {}
    for selection in selections:
        for record in selection.records():
            records.setdefault((record.kind, record.id), record)
        images |= {image.key: image for image in selection.images}
    held = sorted(records.values(), key=lambda record: _ORDER[record.kind])
    return Selection(
        records=lambda: iter(held),
        counts=Counter(record.kind for record in held),
        images=tuple(images[key] for key in sorted(images)),
    )


def with_references(artists: Iterable[Record], known: Mapping[tuple[Kind, str], Record]) -> list[Record]:
    """Artists with the studios and styles they refer to, as far as they are known."""
    held: dict[tuple[Kind, str], Record] = {}
    for artist in artists:
        held[Kind.ARTIST, artist.id] = artist
        for reference in references(artist):
            if reference in known:
                held[reference] = known[reference]
    return list(held.values())


def references(artist: Record) -> Iterator[tuple[Kind, str]]:
    """The studio and the styles that an artist refers to."""
    studio = artist.fields.get("studioInfo")
    if isinstance(studio, Mapping) and isinstance(studio.get("studioId"), str):
        yield Kind.STUDIO, studio["studioId"]
    for style in _strings(artist.fields.get("styles")):
        yield Kind.STYLE, style


def linked_images(record: Record, image_base: str) -> Iterator[str]:
    """The keys of the images in our bucket that a record links to."""
    for url in image_urls(record):
        if url.startswith(image_base):
            yield url.removeprefix(image_base)


def image_urls(record: Record) -> Iterator[str]:
    """Every image url of a record: its avatar and its portfolio, bare urls too."""
    portfolio = record.fields.get("portfolioImages")
    urls = [record.fields.get("avatar")]
    for image in portfolio if isinstance(portfolio, list) else []:
        urls.append(image.get("url") if isinstance(image, Mapping) else image)
    yield from (url for url in urls if isinstance(url, str))


def _strings(value: object) -> list[str]:
    return [member for member in value if isinstance(member, str)] if isinstance(value, list) else []
