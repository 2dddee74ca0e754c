"""Records: the artists, studios and styles that the catalogue holds, and the images they link to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a record is."""

    ARTIST = "artist"
    STUDIO = "studio"
    STYLE = "style"

    @property
    def id_field(self) -> str:
        """The field that holds the record's id: `artistId`, `studioId`, `styleId`."""
        return f"{self.value}Id"

    @property
    def plural(self) -> str:
        """As the counts and the files call it: `artists`, `studios`, `styles`."""
        return f"{self.value}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as plain JSON values; a number is an int or a Decimal, never a float."""

    kind: Kind
    fields: Mapping[str, object]

    @property
    def id(self) -> str:
        """The record's id, unique within its kind."""
        return str(self.fields[self.kind.id_field])


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that records link to: an object of the image bucket, its body read only when asked for."""

    key: str
    content_type: str
    md5: str
    size: int
    read: Callable[[], bytes]
