"""Documents: what the index is to hold where the files hold none, made from their artists."""

from __future__ import annotations

from collections.abc import Iterator

from tattoo_data.engine.plan import Wanted
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.formats.usable import Unusable, check_names
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest_canonical
from tattoo_data.model.keys import SORT_KEY, record_of
from tattoo_data.model.project import document_of
from tattoo_data.transfer.contents import Contents, Place, Reject

_NOTE = "The files hold no index: its documents are made from their artists."


def derive_documents(contents: Contents) -> None:
    """Add the documents of the table's artists to the contents, each found where its item was. An artist that is there
    under both sort keys has the document of ours."""
    items, places = contents.wanted[StoreName.TABLE], contents.places[StoreName.TABLE]
    documents, found = Spool(Wanted, StoreName.INDEX), Spool(Place, StoreName.INDEX)
    for number in range(PLACES):
        made: dict[str, tuple[Wanted, Place]] = {}
        for document, place, is_ours in _documents(items.part(number), places.part(number)):
            if is_ours or document.key not in made:
                made[document.key] = document, Place(document.key, place.file, place.number)
        documents.add(document for document, _ in made.values())
        found.add(place for _, place in made.values())
    contents.wanted[StoreName.INDEX], contents.places[StoreName.INDEX] = documents, found
    contents.routed = False
    contents.notes += (_NOTE,)


def reject_unfit(contents: Contents) -> None:
    """Reject the documents made of items that OpenSearch cannot take, as far as that is known before it is asked."""
    if contents.routed or StoreName.INDEX not in contents.wanted:
        return
    documents, places = contents.wanted[StoreName.INDEX], contents.places[StoreName.INDEX]
    for number in range(PLACES):
        for document, place in zip(documents.part(number), places.part(number), strict=True):
            try:
                check_names(document.body)
            except Unusable as problem:
                file, reason = contents.files[place.file], f"its document: {problem}"
                contents.rejected.append(Reject(StoreName.INDEX, file, place.number, reason, document.key))


def _documents(items: list[Wanted], places: list[Place]) -> Iterator[tuple[Wanted, Place, bool]]:
    for item, place in zip(items, places, strict=True):
        document = document_of(Entry(item.key, item.body))
        record = record_of(item.key)
        if document is not None and record is not None:
            digest = digest_canonical(document.key, document.body)
            yield Wanted(document.key, digest, document.body), place, record.sort_key == SORT_KEY
