"""Touched: which of the runs that are kept wrote some keys, and what each of them changed. Read-only.

A run keeps what a key held before, and of what it wrote only the digest. What it wrote is what the next run found, or
what is there now, wherever that has this very digest; else somebody else wrote in between, and it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from tattoo_data.engine.flow import in_flight
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BeforeImage
from tattoo_data.model.difference import FieldChange, fields_of
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.runs.history import Past, history
from tattoo_data.views.diff import Became

Matches = Callable[[StoreName, str], bool]
Place = tuple[StoreName, str]
_ORDER = {name: number for number, name in enumerate(StoreName)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What one run did to one key. `fields` tell what of a changed entry differs; None where it is not known any more
    what the run wrote."""

    past: Past
    store: StoreName
    key: str
    became: Became
    fields: tuple[FieldChange, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The touches, the newest first; and in words, the runs of which nobody can tell whether they did."""

    touches: tuple[Touch, ...] = ()
    untold: tuple[str, ...] = ()


def touched(env: Environment, matches: Matches, live: Iterable[tuple[StoreName, Entry]]) -> Touched:
    """The runs of the target that wrote a key that matches. `live` is what those keys hold now. Before-images are read
    file by file, and only those that match are held."""
    touches: list[Touch] = []
    untold: list[str] = []
    later: dict[Place, bytes | None] = {(store, entry.key): entry.body for store, entry in live}
    pasts = history(env)
    for past, images in zip(pasts, in_flight(env.pool, partial(_images, env, matches), pasts), strict=True):
        if isinstance(images, str):
            untold.append(images)
            continue
        for (store, key), image in sorted(images.items(), key=lambda each: (_ORDER[each[0][0]], each[0][1])):
            if (touch := _touch(past, store, image, later.get((store, key)))) is not None:
                touches.append(touch)
            later[store, key] = image.body
    return Touched(touches=tuple(touches), untold=tuple(untold))


def _images(env: Environment, matches: Matches, past: Past) -> Mapping[Place, BeforeImage] | str:
    """A run's before-images of the keys that match; in words, why there are none to be read."""
    run = past.run
    if not run.undoable:
        wrote = not run.counts or any(_written(counts) for counts in run.counts.values())
        return f"{run.words} ({run.id}) kept no before-images" if wrote else {}
    found: dict[Place, BeforeImage] = {}
    try:
        for store, images in env.before_images.read(run.id, run.files):
            for image in images:
                # The first one of a key counts, unless a later one says that it stands instead
                if matches(store, image.key) and (image.instead or (store, image.key) not in found):
                    found[store, image.key] = image
    except IntegrityFailed as error:
        return f"{run.words} ({run.id}): {error.message}"
    return found


def _written(counts: Mapping[str, int]) -> int:
    return sum(counts.get(what, 0) for what in ("created", "replaced", "deleted", "moved", "failed"))


def _touch(past: Past, store: StoreName, image: BeforeImage, later: bytes | None) -> Touch | None:
    """What a run did to a key that held `later` afterwards, as far as that is what the run wrote."""
    if image.after is None:
        gone = Touch(past=past, store=store, key=image.key, became=Became.DELETED)
        return None if image.body is None else gone
    if image.body is None:
        return Touch(past=past, store=store, key=image.key, became=Became.CREATED)
    known = later is not None and digest(store, Entry(image.key, later)) == image.after
    fields = tuple(fields_of(store, image.body, later)) if known and later is not None else None
    return Touch(past=past, store=store, key=image.key, became=Became.CHANGED, fields=fields)
