"""Why: everything that is known of one key: its item, document and images, how they differ, what validation says of
them, and which runs wrote them. Read-only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from tattoo_data.environment import Environment
from tattoo_data.errors import UnknownName, UsageError
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.difference import FieldChange, fields_of
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.project import document_of
from tattoo_data.views.located import OBJECT_BYTES, Located, Sought, image_base, locate, seek
from tattoo_data.views.sweep import Reference, Swept, sweep
from tattoo_data.views.touched import Touched, touched

if TYPE_CHECKING:
    from tattoo_data.validation.rule import Finding

_NOTHING_LIKE_IT = ("nothing like it",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An artist's document beside what the item gives: either may be missing. `differences` lead from the document to
    what it should be; None where one of both is missing, or cannot be compared."""

    id: str
    document: Entry | None
    projection: Entry | None
    differences: tuple[FieldChange, ...] | None

    @property
    def is_equal(self) -> bool | None:
        """Whether the document is what the item gives; None where that is not known."""
        return None if self.differences is None else not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image that is linked to, or was asked for; `entry` is None where it is not there."""

    key: str
    entry: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known. `references` are what links to the image that was asked for, None where none was."""

    items: tuple[Entry, ...]
    documents: tuple[Seen, ...]
    pictures: tuple[Picture, ...]
    references: tuple[Reference, ...] | None
    findings: tuple[Finding, ...]
    touched: Touched


def why(env: Environment, text: str) -> Known:
    """What is known of a record's id, an item's PK or PK/SK, a document's `_id`, an image's key or url.

    Raises `UnknownName` with the nearest names where nothing is known, `StoreMissing` where there is no table or no
    index, and `StructureRefused` where the table has other keys.
    """
    sought = _checked(env, text)
    located = locate(env, sought)
    swept: Swept | None = None
    if located.images or not located:
        swept = sweep(env, sought, names=not located)
        located = located if located else replace(located, items=tuple(swept.items))
    past = touched(env, sought.matches, located.entries)
    references = tuple(swept.references) if swept and (located.images or swept.references) else None
    if not (located or references or past.touches):
        nearest = swept.nearest if swept else ()
        kind = "record, item, document or image"
        raise UnknownName(kind=kind, name=text, known=nearest or _NOTHING_LIKE_IT)
    pictures = _pictures(env, sought, located, asked=references is not None)
    return Known(
        items=located.items,
        documents=tuple(_seen(located)),
        pictures=pictures,
        references=references,
        findings=_findings(env, located, pictures, references),
        touched=past,
    )


def _checked(env: Environment, text: str) -> Sought:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            what=f"{text!r} is no text", hint="Give an id, PK, PK/SK, or the key of an image, in UTF-8."
        ) from None
    if not text:
        raise UsageError(what="the key is empty", hint="Give an id, PK, PK/SK, or the key of an image.")
    needed = (StoreName.TABLE, StoreName.INDEX)
    found = env.pool.map(lambda name: env.stores[name].describe(), needed)
    env.target.require_readable(dict(zip(needed, found, strict=True)))
    return seek(env.settings, text)


def _seen(located: Located) -> Iterator[Seen]:
    """Every document, and every artist's item that has none."""
    projected: dict[str, Entry] = {}
    for item in located.items:
        document = _projection(item)
        if document is not None:
            projected.setdefault(document.key, document)
    documents = {entry.key: entry for entry in located.documents}
    for key in sorted(documents.keys() | projected.keys()):
        there, wanted = documents.get(key), projected.get(key)
        yield Seen(id=key, document=there, projection=wanted, differences=_differences(there, wanted))


def _projection(item: Entry) -> Entry | None:
    try:
        return document_of(item)
    except (ValueError, TypeError, AttributeError):
        return None  # the findings say that it cannot be read


def _differences(there: Entry | None, wanted: Entry | None) -> tuple[FieldChange, ...] | None:
    if there is None or wanted is None:
        return None
    try:
        return tuple(fields_of(StoreName.INDEX, there.body, wanted.body))
    except ValueError:
        return None  # the document is no object


def _pictures(env: Environment, sought: Sought, located: Located, *, asked: bool) -> tuple[Picture, ...]:
    """The images that the entries link to, and the one that was asked for."""
    base = image_base(env.settings)
    bodies = [entry.body for entry in (*located.items, *located.documents)]
    keys = dict.fromkeys(_linked(bodies, base))
    there = {entry.key: entry for entry in located.images}
    spelled = {*keys, *map(unquote, keys)} - there.keys()
    there |= {entry.key: entry for entry in env.stores.images.get(sorted(spelled))} if spelled else {}
    if asked:
        keys |= dict.fromkeys(sorted(sought.images & there.keys()) or [sought.text.removeprefix(base)])
    return tuple(Picture(key=key, entry=there.get(key) or there.get(unquote(key))) for key in sorted(keys))


def _linked(bodies: Iterable[bytes], base: str) -> Iterator[str]:
    """The keys of the images that bodies of any form link to."""
    urls = re.compile(rb'"' + re.escape(canonical_json(base)[1:-1]) + rb'((?:[^"\\]|\\.)+)"')
    for body in bodies:
        for key in urls.findall(body):
            if len(name := str(msgspec.json.decode(b'"%s"' % key))) <= OBJECT_BYTES:
                yield name


def _findings(
    env: Environment, located: Located, pictures: Sequence[Picture], references: Sequence[Reference] | None
) -> tuple[Finding, ...]:
    from tattoo_data.views.judged import judge  # the rules are slow to load

    there = [picture.entry.key for picture in pictures if picture.entry is not None]
    if env.stores.images.describe() is None:
        # That the bucket is missing is said once, and not of each image
        there = [picture.key for picture in pictures]
    unused = [entry.key for entry in located.images] if references is not None and not references else []
    return tuple(judge(env, located, there, unused=unused))
