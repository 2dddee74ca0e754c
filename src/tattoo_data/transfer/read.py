"""Read: a source to its end, before anything is done with what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.engine.plan import Desired, Wanted
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, UsageError
from tattoo_data.formats.source import Found, Source
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical
from tattoo_data.model.structure import mapping_difference
from tattoo_data.transfer.contents import Contents, Place, Reject
from tattoo_data.transfer.documents import derive_documents
from tattoo_data.transfer.services import SERVICES

_GATHERED = 1_000
_HINT = "Nothing was written. Make the files again, or fetch them again from where they came from."


def open_files(path: Path, stream: BinaryIO | None = None) -> Source:
    """The files at `path`, or a `.tar.gz` that comes as a stream. Raises as the readers do."""
    from tattoo_data.formats.detect import open_source, open_stream

    return open_source(path) if stream is None else open_stream(stream)


def read_contents(source: Source, only: Collection[StoreName] = (), progress: Progress = no_progress) -> Contents:
    """All that a source holds of some stores, or of every one. Where its files hold no index, they hold the documents
    that their artists give.

    Raises `IntegrityFailed` where the files are not what they should be, and `UsageError` where they hold nothing of
    what is wanted.
    """
    chosen = only or tuple(StoreName)
    derives = StoreName.INDEX in chosen and StoreName.INDEX not in source.stores and StoreName.TABLE in source.stores
    needed = [name for name in source.stores if name in chosen or (derives and name is StoreName.TABLE)]
    if not needed:
        raise UsageError(what=f"{source.path} holds no {_spell(chosen)}", hint=f"It holds: {_spell(source.stores)}.")
    reader = _Reader(source, needed)
    for number, found in enumerate(source.read(), 1):
        reader.take(found)
        if number % _GATHERED == 0:
            progress("read", number, None)
    contents = reader.finish()
    for name in needed:
        _leave_duplicates(contents, name)
    _note_mapping(contents)
    if derives:
        derive_documents(contents)
        if StoreName.TABLE not in chosen:
            del contents.wanted[StoreName.TABLE], contents.places[StoreName.TABLE]
    order = {file: number for number, file in enumerate(contents.files)}
    contents.rejected.sort(key=lambda each: (order[each.file], each.number))
    return contents


def content_of(env: Environment, source: Source) -> Desired:
    """What files hold and no more, as a desired state of the stores that they hold; what a reader should know is said.
    Raises as `read_contents` does, and `IntegrityFailed` where a file is missing or a record cannot be used."""
    contents = read_contents(source, source.stores, env.progress)
    contents.refuse_lacking()
    contents.refuse_rejects()
    for note in contents.notes:
        env.say(f"note: {note}")
    return contents.desired(prune=True)


class _Reader:
    """Takes in records one by one, and spools them by the thousand."""

    def __init__(self, source: Source, stores: Iterable[StoreName]) -> None:
        self._source = source
        self._wanted = {name: Spool(Wanted, name) for name in stores}
        self._places = {name: Spool(Place, name) for name in stores}
        self._gathered: dict[StoreName, tuple[list[Wanted], list[Place]]] = {name: ([], []) for name in stores}
        self._sums = {name: Sum() for name in stores}
        self._files: dict[str, int] = {}
        self._rejected: list[Reject] = []

    def take(self, found: Found) -> None:
        """Take in one record, if it is of a store that is wanted."""
        if found.store not in self._gathered:
            return
        file = self._files.setdefault(found.file, len(self._files))
        if found.entry is None:
            self._rejected.append(Reject(found.store, found.file, found.number, found.problem))
            return
        self._add(found.store, found.entry, Place(found.entry.key, file, found.number))

    def finish(self) -> Contents:
        """What was taken in. Raises `IntegrityFailed` where that is not what the files promise."""
        for name in self._gathered:
            self._spool(name)
        # The files promise all that they hold: where a record of a store cannot be used, the sum is another one.
        lacking = {each.store for each in self._rejected}
        _check_promises(self._source, {name: total for name, total in self._sums.items() if name not in lacking})
        return Contents(
            kind=self._source.kind,
            path=self._source.path,
            blob=self._source.blob,
            wanted=self._wanted,
            places=self._places,
            files=list(self._files),
            rejected=self._rejected,
            notes=tuple(self._source.notes),
            structures=self._source.structures,
            routed=self._source.routed,
            lacking=self._source.lacking,
        )

    def _add(self, name: StoreName, entry: Entry, place: Place) -> None:
        digest = digest_canonical(entry.key, entry.body)
        self._sums[name].add(digest)
        wanted, places = self._gathered[name]
        wanted.append(Wanted(entry.key, digest, entry.body, entry.routing))
        places.append(place)
        if len(wanted) == _GATHERED:
            self._spool(name)

    def _spool(self, name: StoreName) -> None:
        wanted, places = self._gathered[name]
        self._wanted[name].add(wanted)
        self._places[name].add(places)
        self._gathered[name] = [], []


def _check_promises(source: Source, sums: Mapping[StoreName, Sum]) -> None:
    for name, total in sums.items():
        promised = source.fingerprints.get(name)
        if promised is not None and promised != total.hex():
            raise IntegrityFailed(
                what=f"{source.path} promises the fingerprint {promised[:16]} of the {name}, and its files hold what "
                f"gives {total.hex()[:16]}",
                hint=_HINT,
            )


def _leave_duplicates(contents: Contents, name: StoreName) -> None:
    """Keep the first entry of each key, and reject the others."""
    places = contents.places[name]
    if all(len({each.key for each in part}) == len(part) for part in places.parts()):
        return
    kept, kept_places = Spool(Wanted, name), Spool(Place, name)
    for number in range(PLACES):
        first: dict[str, tuple[Wanted, Place]] = {}
        for wanted, place in zip(contents.wanted[name].part(number), places.part(number), strict=True):
            stands = first.setdefault(place.key, (wanted, place))[1]
            if stands is not place:
                contents.duplicates += 1
                contents.rejected.append(_duplicate(contents, name, place, stands))
        kept.add(wanted for wanted, _ in first.values())
        kept_places.add(place for _, place in first.values())
    contents.wanted[name], contents.places[name] = kept, kept_places


def _duplicate(contents: Contents, name: StoreName, place: Place, stands: Place) -> Reject:
    message = f"{contents.files[stands.file]}, line {stands.number} has the same key, and stands"
    return Reject(name, contents.files[place.file], place.number, message, place.key)


def _note_mapping(contents: Contents) -> None:
    """Say where an index is not made with the mapping in the files: it lacks some of ours, without which no search is
    right."""
    mapping = (
        contents.structures.get(StoreName.INDEX, {}).get("mappings") if StoreName.INDEX in contents.wanted else None
    )
    if mapping and (lacking := mapping_difference(mapping)):
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        contents.notes += (
            f"The mapping in the files is not taken, because this tool's lacks in it: {lacking[0]}{more}.",
        )


def _spell(stores: Collection[StoreName]) -> str:
    return ", ".join(name for name, store in SERVICES.items() if store in stores) or "nothing"
