"""Compare: the index held against the documents that the table's items give, on every field.

Both sides are a digest for each artist, spooled by place; only documents that differ are read again, to name the
fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tattoo_data.engine.scan import Held
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.difference import ABSENT, fields_of
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest_canonical
from tattoo_data.model.keys import record_key, record_of
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import Store
from tattoo_data.validation.records import UNDECODED
from tattoo_data.validation.rule import Place, Problem, Report, finding, shown
from tattoo_data.validation.rules.stores import DIFFERS, EXTRA, MISSING

_AT_ONCE = 100
_SHOWN = 120


class Compare:
    """What table and index hold of the same artists. Adding is safe from several threads."""

    def __init__(self) -> None:
        self._table = Spool(Held, StoreName.INDEX)
        self._index = Spool(Held, StoreName.INDEX)

    def add_items(self, documents: Sequence[tuple[Entry, str]]) -> None:
        """Take in documents that items give, in canonical bytes, each with its item's sort key."""
        self._table.add(Held(each.key, digest_canonical(each.key, each.body), sort) for each, sort in documents)

    def add_documents(self, documents: Sequence[Held]) -> None:
        """Take in documents of the index."""
        self._index.add(documents)

    def finish(self, table: Store, index: Store, report: Report) -> None:
        """Report what is missing, too much or different. Reads what differs once more from both stores."""
        for place in range(PLACES):
            # Of two items of one artist METADATA counts, which is met last.
            given = sorted(self._table.part(place), key=lambda held: str(held.routing), reverse=True)
            items = {held.key: held for held in given}
            differing: list[tuple[Held, Held]] = []
            met: set[str] = set()
            for held in self._index.part(place):
                item = items.get(held.key)
                if item is None:
                    report(finding(Problem(EXTRA, "", held.key), _place(held.key)))
                elif held.key in met:
                    detail = f"it is there twice, once under the routing {held.routing}"
                    report(finding(Problem(EXTRA, "", held.key, detail), _place(held.key)))
                elif item.digest != held.digest:
                    differing.append((item, held))
                met.add(held.key)
            for key in items.keys() - met:
                report(finding(Problem(MISSING, "", key), _place(key)))
            for start in range(0, len(differing), _AT_ONCE):
                _name_fields(differing[start : start + _AT_ONCE], table, index, report)


def held_document(document: Entry) -> Held:
    """What is compared of a document of the index. Raises one of `UNDECODED` for a body that is no JSON."""
    body = canonical_document(document.body)
    return Held(document.key, digest_canonical(document.key, body), document.routing)


def _name_fields(differing: Sequence[tuple[Held, Held]], table: Store, index: Store, report: Report) -> None:
    keys = [record_key(Kind.ARTIST, item.key, str(item.routing)) for item, _ in differing]
    routing = {held.key: held.routing for _, held in differing if held.routing is not None}
    documents = {entry.key: entry for entry in index.get([held.key for _, held in differing], routing)}
    for item in table.get(keys):
        record, right = record_of(item.key), document_of(item)
        live = documents.get(record.id) if record else None
        if record is None or right is None or live is None:
            continue  # it went while it was looked at
        for problem in _problems(live, right):
            report(finding(problem, _place(record.id)))


def _problems(live: Entry, right: Entry) -> Iterator[Problem]:
    try:
        changes = fields_of(StoreName.INDEX, live.body, right.body)
    except UNDECODED:
        return  # said already, of the document itself
    for change in changes:
        field = ".".join(map(str, change.path))
        if change.after is ABSENT:
            yield Problem(DIFFERS, field, change.before, "the table has none")
        else:
            text = shown(change.after)
            text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
            yield Problem(DIFFERS, field, None if change.before is ABSENT else change.before, f"the table has {text}")


def _place(key: str) -> Place:
    return Place(StoreName.INDEX.value, key)
