"""The dataset: the package's files as records, their days and image urls resolved for one command."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from tattoo_data.catalog.days import resolve_value
from tattoo_data.catalog.selection import Selection, of_records, with_references
from tattoo_data.model.records import Image, Kind, Record

_CONTENT_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the dataset's days and image urls are resolved with."""

    as_of: date
    images_base_url: str
    image_bucket: str

    @property
    def image_base(self) -> str:
        """What the url of an image in our bucket begins with."""
        return f"{self.images_base_url}/{self.image_bucket}/"


class Dataset:
    """The full dataset for one context."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @cached_property
    def records(self) -> Mapping[tuple[Kind, str], Record]:
        """Every record by kind and id: styles, studios, artists."""
        kinds = (Kind.STYLE, Kind.STUDIO, Kind.ARTIST)
        every = (record for kind in kinds for record in self._read(kind))
        return {(record.kind, record.id): record for record in every}

    @property
    def artists(self) -> list[Record]:
        """The artists, in the order of the file."""
        return [record for record in self.records.values() if record.kind is Kind.ARTIST]

    @cached_property
    def images(self) -> Mapping[str, Image]:
        """Every image by its key."""
        return {image.key: image for image in _shipped_images()}

    def full(self) -> Selection:
        """All of it."""
        return of_records(self.records.values(), self.images, self.context.image_base)

    def selection(self, artists: list[Record]) -> Selection:
        """Artists of the dataset with the studios, styles and images they refer to, and nothing else."""
        return of_records(with_references(artists, self.records), self.images, self.context.image_base)

    def _read(self, kind: Kind) -> Iterator[Record]:
        context = self.context
        for fields in _shipped(kind):
            resolved = resolve_value(fields, context.as_of, context.image_base)
            assert isinstance(resolved, dict)
            yield Record(kind=kind, fields=resolved)


def load(context: Context) -> Dataset:
    """The dataset for a context; files are read when they are needed."""
    return Dataset(context)


def decode(text: bytes) -> Any:
    """JSON whose fractions are Decimals. Raises msgspec.DecodeError."""
    from decimal import Decimal

    return msgspec.json.Decoder(float_hook=Decimal).decode(text)


@lru_cache(maxsize=len(Kind))
def _shipped(kind: Kind) -> tuple[dict[str, Any], ...]:
    return tuple(decode((_folder() / f"{kind.plural}.json").read_bytes()))


@lru_cache(maxsize=1)
def _shipped_images() -> tuple[Image, ...]:
    return tuple(sorted(_images_in(_folder() / "images", ""), key=lambda image: image.key))


def _images_in(folder: Traversable, prefix: str) -> Iterator[Image]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _images_in(each, f"{prefix}{each.name}/")
        elif (suffix := f".{each.name.rpartition('.')[2]}") in _CONTENT_TYPES:
            body = each.read_bytes()
            yield Image(
                key=prefix + each.name,
                content_type=_CONTENT_TYPES[suffix],
                md5=hashlib.md5(body, usedforsecurity=False).hexdigest(),
                size=len(body),
                read=each.read_bytes,
            )


def _folder() -> Traversable:
    return files("tattoo_data.catalog") / "dataset"
