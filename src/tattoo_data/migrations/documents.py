"""Documents: what artists' items give, and which of them earlier runs of a step may not have written. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tattoo_data.engine.back import merged
from tattoo_data.engine.derive import Made
from tattoo_data.engine.flow import slices
from tattoo_data.engine.scan import Held, Live, second_items
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.migrations.advance import is_pending
from tattoo_data.migrations.step import Context, Step
from tattoo_data.model.before import BeforeImage
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import canonical, digest
from tattoo_data.model.keys import artist_keys
from tattoo_data.model.pattern import Matches
from tattoo_data.model.project import document_of
from tattoo_data.repository.runs import Run, RunStatus
from tattoo_data.runs.session import Session, read_images
from tattoo_data.stores.base import Store

_TABLE, _INDEX = StoreName.TABLE, StoreName.INDEX
_READ_KEYS = 100
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def documents_now(table: Store, ids: Iterable[str]) -> dict[str, Made]:
    """The documents that the items of some artists give now. Of two forms of one record the application's counts."""
    return {each.key: each for each in _given(table, table.get(artist_keys(ids)))}


def document_or_none(item: Entry) -> Entry | None:
    """An artist's document; None for any other item, and for one that cannot be read."""
    try:
        return document_of(item)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def fields_apart(right: Entry, live: Entry, names: Iterable[str]) -> list[str]:
    """The fields of these in which a document is not what it should be. Raises ValueError where it cannot be read."""
    wanted, there = (_decode(canonical(_INDEX, each.body)) for each in (right, live))
    return [name for name in names if bytes(wanted.get(name, b"")) != bytes(there.get(name, b""))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Finds the documents that runs of a step which did not come to their end may not have come to: those of items
    that they wrote, in which a field of the step is not what the item has. `images` are of these runs, None of one
    that cannot say what it wrote; `matches` narrows it to some items."""

    step: Step
    context: Context
    table: Store
    index: Store
    matches: Matches | None
    images: tuple[Spool[BeforeImage] | None, ...]

    def documents(self, live: Mapping[StoreName, Live]) -> Iterator[tuple[StoreName, Entry]]:
        """These documents as their items give them, place by place."""
        for place in range(PLACES) if self.images else ():
            held = {each.key: each for each in live[_INDEX].held.part(place)}
            there = {each.key for each in live[_TABLE].held.part(place)}
            keys = (key for key in self._wrote(place, there) if self.matches is None or self.matches(_TABLE, key))
            for part in slices(keys, _READ_KEYS):
                # What is pending is done by this run, and its document then.
                items = [each for each in self.table.get(part) if not is_pending(self.step, self.context, each)]
                yield from ((_INDEX, each) for each in self._late(_given(self.table, items), held))

    def _wrote(self, place: int, there: set[str]) -> set[str]:
        if None in self.images:
            return there
        return there & {image.key for spool in self.images if spool for image in merged(spool.part(place))}

    def _late(self, right: Iterable[Entry], held: Mapping[str, Held]) -> Iterator[Entry]:
        other = {
            each.key: each for each in right if each.key not in held or held[each.key].digest != digest(_INDEX, each)
        }
        asked = [key for key in other if key in held]
        routing = {key: path for key in asked if (path := held[key].routing) is not None}
        live = {each.key: each for each in self.index.get(asked, routing)} if asked else {}
        for key, document in other.items():
            if key not in live or self._is_late(document, live[key]):
                yield document

    def _is_late(self, right: Entry, live: Entry) -> bool:
        try:
            return bool(fields_apart(right, live, self.step.writes))
        except ValueError:
            return True


def written_by_unfinished(session: Session, step: Step) -> tuple[Spool[BeforeImage] | None, ...]:
    """What the step's runs wrote that may not have come to all their documents, as `Behind` takes it."""
    return tuple(_written(session.env, run) for run in _unfinished(session.timeline.applied(step.id)))


def _unfinished(newest_first: Sequence[Run]) -> Iterator[Run]:
    for run in newest_first:
        if run.status != RunStatus.DONE and run.counts.get(_INDEX.value, {}).get("failed") != 0:
            yield run
        elif "--keys" not in run.arguments:
            return  # it came to the documents of all that ran before it


def _written(env: Environment, run: Run) -> Spool[BeforeImage] | None:
    """A run's before-images of items; None where it kept none, or they are damaged."""
    try:
        return read_images(env, run)[_TABLE] if run.undoable else None
    except IntegrityFailed:
        return None


def _given(table: Store, found: Iterable[Entry]) -> Iterator[Entry]:
    """The documents that items give."""
    items = {item.key: item for item in found}
    hidden = second_items(table, items)
    documents = (document_or_none(item) for key, item in items.items() if key not in hidden)
    return (document for document in documents if document is not None)
