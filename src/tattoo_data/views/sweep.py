"""Sweep: one look at every entry for one key: what refers to an image, what shares a PK, and which names are like it.
Read-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from urllib.parse import quote

from tattoo_data.engine.scan import segments_of
from tattoo_data.environment import Environment
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_of, split_item_key
from tattoo_data.stores.base import pages
from tattoo_data.views.located import Sought, image_base

_NEAREST = 5
_ALIKE = 0.6
#: So many items of one partition are told; whoever wants another names it with its SK.
SIBLINGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An item or document that links to an image."""

    store: StoreName
    key: str


@dataclass(slots=True, kw_only=True)
class Swept:
    """What a sweep found. `nearest` are names that are like the one that was looked for, the likest first."""

    references: list[Reference] = field(default_factory=list)
    items: list[Entry] = field(default_factory=list)
    nearest: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One segment of one store, and what is looked for in it."""

    store: StoreName
    segment: int
    segments: int
    sought: Sought
    needles: tuple[bytes, ...]
    names: bool


def sweep(env: Environment, sought: Sought, *, names: bool) -> Swept:
    """Read table and index once. With `names`, the image bucket is listed too, and names that are like it are kept."""
    stores = (StoreName.TABLE, StoreName.INDEX, *((StoreName.IMAGES,) if names else ()))
    needles = tuple(_needles(image_base(env.settings), sought))
    units = [
        _Unit(store=name, segment=segment, segments=segments, sought=sought, needles=needles, names=names)
        for name in stores
        for segments in [_segments(env, name)]
        for segment in range(segments)
    ]
    whole = Swept()
    for part in env.pool.map(lambda unit: _read(env, unit), units):
        whole.references += part.references
        whole.items += part.items
        whole.nearest = _like(sought.text, [*whole.nearest, *part.nearest])
    whole.references.sort(key=lambda each: (each.store != StoreName.TABLE, each.key))
    whole.items.sort(key=lambda entry: entry.key)
    return whole


def _needles(base: str, sought: Sought) -> list[bytes]:
    """How a link to one of these images stands in a body: the whole text of a value, as JSON spells it."""
    spelled = dict.fromkeys(chain.from_iterable((key, quote(key)) for key in sorted(sought.images)))
    return [canonical_json(base + key) for key in spelled]


def _segments(env: Environment, name: StoreName) -> int:
    about = env.stores[name].describe()
    return 1 if about is None else segments_of(env.stores[name], about)


def _read(env: Environment, unit: _Unit) -> Swept:
    found = Swept()
    count = 0
    for entries in pages(env.stores[unit.store], unit.segment, unit.segments):
        if unit.store is not StoreName.IMAGES:
            found.references += [
                Reference(store=unit.store, key=entry.key)
                for entry in entries
                if any(needle in entry.body for needle in unit.needles)
            ]
        if unit.store is StoreName.TABLE:
            siblings = (entry for entry in entries if entry.key.startswith(unit.sought.partition))
            found.items += list(siblings)[: SIBLINGS - len(found.items)]
        if unit.names:
            found.nearest = _like(unit.sought.text, [*found.nearest, *_names(unit.store, entries)])
        count += len(entries)
        env.progress(f"looked through the {unit.store}", count, None)
    return found


def _names(store: StoreName, entries: Sequence[Entry]) -> list[str]:
    """What entries are called: a record by its id, another item by its PK, all else by its key."""
    if store is not StoreName.TABLE:
        return [entry.key for entry in entries]
    return [record.id if (record := record_of(each.key)) else split_item_key(each.key)[0] for each in entries]


def _like(text: str, names: Sequence[str]) -> list[str]:
    """The few names that are most like a text, whatever prefix it was given with."""
    bare = text.partition("#")[2] or text
    known = list(dict.fromkeys(names))
    found = [*get_close_matches(text, known, _NEAREST, _ALIKE), *get_close_matches(bare, known, _NEAREST, _ALIKE)]
    return list(dict.fromkeys(found))[:_NEAREST]
