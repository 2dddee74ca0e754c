"""Judged: what validation says of the entries of one key. Read-only.

A record is held against its rules, against the records that it names, and its document against its item. What takes a
look at every record (who else has this handle) is `validate`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import NODE_SORT_KEY, SORT_KEY, record_key, record_of
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.validation.catalogue import catalogue_has
from tattoo_data.validation.compare import Compare, held_document
from tattoo_data.validation.cross import Cross
from tattoo_data.validation.images import Images
from tattoo_data.validation.records import FOREIGN, UNDECODED, check_document, check_item
from tattoo_data.validation.rule import Finding, Place, Problem, finding, findings
from tattoo_data.validation.rules.entity import Facts
from tattoo_data.validation.rules.stores import UNUSED
from tattoo_data.views.located import Located, image_base

_Said = list[tuple[Facts, Place]]


def judge(env: Environment, located: Located, images: Iterable[str], *, unused: Sequence[str] = ()) -> list[Finding]:
    """The findings of these entries, the worst rules first. `images` are the keys of the images that are there of those
    that they link to, and `unused` those that nothing links to."""
    found: list[Finding] = []
    told = {entry.key for _, entry in located.entries}
    records = [entry for entry in located.items if record_of(entry.key) is not None]
    _judge_items(env, records, found)
    _judge_documents(env, located.documents, found)
    _compare(env, records, located.documents, found)
    links = Images(image_base(env.settings), images)
    for entry in records:
        document = _document(entry)
        place = Place(StoreName.TABLE.value, entry.key)
        found += findings(links.problems(document.body), place) if document is not None else []
    found += [finding(Problem(UNUSED, "", key), Place(StoreName.IMAGES.value, key)) for key in unused]
    ids = {record.id for entry in records if (record := record_of(entry.key)) is not None}
    return sorted((each for each in found if each.key in told | ids | set(unused)), key=_order)


def _judge_items(env: Environment, records: Sequence[Entry], found: list[Finding]) -> None:
    said: _Said = []
    for entry in records:
        checked = check_item(entry)
        place = Place(StoreName.TABLE.value, entry.key)
        found += findings(checked.problems, place)
        said += [(checked.facts, place)] if checked.facts is not None else []
    cross = Cross(catalogue=catalogue_has)
    cross.add(said + _related(env, [facts for facts, _ in said], {entry.key for entry in records}))
    cross.finish(found.append)


def _judge_documents(env: Environment, documents: Sequence[Entry], found: list[Finding]) -> None:
    said: _Said = []
    for entry in documents:
        checked = check_document(entry)
        place = Place(StoreName.INDEX.value, entry.key)
        found += findings(checked.problems, place)
        said += [(checked.facts, place)] if checked.facts is not None else []
    named = {style for facts, _ in said for style in facts.styles}
    there = {record.id for key in _there(env, [(Kind.STYLE, style) for style in named]) if (record := record_of(key))}
    cross = Cross(lambda kind, name: catalogue_has(kind, name) or name in there, studios=False)
    cross.add(said)
    cross.finish(found.append)


def _related(env: Environment, facts: Sequence[Facts], known: set[str]) -> _Said:
    """What the records say that these ones name: an artist's studio and styles, a studio's artists."""
    named = [(Kind.STUDIO, each.studio) for each in facts if each.studio]
    named += [(Kind.STYLE, style) for each in facts for style in each.styles]
    named += [(Kind.ARTIST, artist) for each in facts for artist in each.artists]
    related = (entry for entry in _entries(env, named) if entry.key not in known)
    checked = ((check_item(entry).facts, Place(StoreName.TABLE.value, entry.key)) for entry in related)
    return [(about, place) for about, place in checked if about is not None]


def _there(env: Environment, named: Sequence[tuple[Kind, str]]) -> list[str]:
    return [entry.key for entry in _entries(env, named)]


def _entries(env: Environment, named: Sequence[tuple[Kind, str]]) -> list[Entry]:
    keys = {record_key(kind, name, sort) for kind, name in named if name for sort in (SORT_KEY, NODE_SORT_KEY)}
    return env.stores.table.get(sorted(keys)) if keys else []


def _compare(env: Environment, records: Sequence[Entry], documents: Sequence[Entry], found: list[Finding]) -> None:
    """What `validate consistency` says of them."""
    compare = Compare()
    for entry in records:
        record, document = record_of(entry.key), _document(entry)
        if record is not None and document is not None:
            compare.add_items([(document, record.sort_key)])
    for entry in documents:
        if not entry.key.startswith(FOREIGN):
            try:
                compare.add_documents([held_document(entry)])
            except UNDECODED:
                continue  # `check_document` has said so
    compare.finish(env.stores.table, env.stores.index, found.append)


def _document(item: Entry) -> Entry | None:
    """The document that an item gives; None for one that gives none, or cannot be read, as its own rules say."""
    try:
        return document_of(item)
    except (*UNDECODED, TypeError, AttributeError):
        return None


def _order(each: Finding) -> tuple[int, str, str, str]:
    return ("error", "warning", "info").index(each.severity), each.rule, each.key, each.field
