"""Any number of artists of one size, from a rule: an item or document is made when it is asked for, not kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from tattoo_data.catalog import Context, load
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import SHARDS, record_key, shard
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.records import Kind, Record

#: Stands for an artist's number in a template: as wide as every number, and nowhere in the catalogue.
_MARK = "7318264"
_DIGITS = len(_MARK)
_PREFIX = "artist-"
_FILLER = " Ink that lasts, lines that hold."
_CONTEXT = Context(
    as_of=date(2026, 1, 1), images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"
)


class Artists:
    """Artists number 0 to `count` - 1, each item of `size` bytes. Raises ValueError where one needs more."""

    def __init__(self, count: int, size: int) -> None:
        self.count = count
        originals = load(_CONTEXT).artists if count else []
        templates = [_template(artist, size) for artist in originals]
        self._items = [[_parts(_in_shard(item, number)) for number in range(SHARDS)] for item in templates]
        self._documents = [_parts(_document(item)) for item in templates]

    def item(self, number: int) -> bytes:
        """An artist's item: DynamoDB JSON in canonical bytes."""
        parts = self._items[number % len(self._items)][shard(artist_id(number))]
        return (b"%07d" % number).join(parts)

    def document(self, number: int) -> bytes:
        """The projection of an artist's item."""
        return (b"%07d" % number).join(self._documents[number % len(self._documents)])

    def number_of(self, text: str) -> int | None:
        """The number of the artist with this id; None where the rule gives none."""
        digits = text.removeprefix(_PREFIX)
        if len(text) != len(_PREFIX) + _DIGITS or not digits.isdecimal():
            return None
        number = int(digits)
        return number if number < self.count else None

    def entry(self, number: int) -> Entry:
        """An artist's item as the engine sees it."""
        return Entry(record_key(Kind.ARTIST, artist_id(number)), self.item(number))

    def document_entry(self, number: int) -> Entry:
        """An artist's document as the engine sees it."""
        return Entry(artist_id(number), self.document(number))


def artist_id(number: int) -> str:
    """The id of an artist."""
    return f"{_PREFIX}{number:0{_DIGITS}}"


def _template(artist: Record, size: int) -> bytes:
    """The item of an artist who carries the mark instead of a number, of just `size` bytes."""
    fields: dict[str, Any] = dict(artist.fields)
    fields["artistId"] = _PREFIX + _MARK
    fields["artistName"] = f"{fields['artistName']} {_MARK}"
    fields["instagramHandle"] = f"{fields['instagramHandle'][:20]}_{_MARK}"
    fields["portfolioImages"] = list(fields.get("portfolioImages") or ())
    fields["bio"] = fields.get("bio") or ""
    while (spare := size - len(_item(fields))) < 0:
        if not fields["portfolioImages"]:
            raise ValueError(f"an artist's item needs more than {size} bytes")
        fields["portfolioImages"].pop()
    fields["bio"] += (_FILLER * (spare // len(_FILLER) + 1))[:spare]
    return _item(fields)


def _item(fields: dict[str, Any]) -> bytes:
    return item_of(Record(kind=Kind.ARTIST, fields=fields)).body


def _in_shard(item: bytes, number: int) -> bytes:
    there = shard(_PREFIX + _MARK)
    return item.replace(b"#SHARD#%d" % there, b"#SHARD#%d" % number)


def _document(item: bytes) -> bytes:
    document = document_of(Entry(record_key(Kind.ARTIST, _PREFIX + _MARK), item))
    assert document is not None, "an artist's item has a document"
    return document.body


def _parts(template: bytes) -> list[bytes]:
    return template.split(_MARK.encode())
