"""Conflict: how table and index disagree on one artist, against what both held at the last sync point. Pure.

A number in the index that is the base's or the table's made a double is that number: its digits are no change.

A record on whose being there both sides disagreed at the sync point is taken as if there were none, and a field that
differed then has no base: nobody has decided on it yet, so nobody knows which side changed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.sync.form import Form, as_canonical, fields_in, projected, with_digits

#: The one field that says when a record changed. It is no content of its own: it goes with what is taken.
UPDATED_AT = "updatedAt"


class Side(StrEnum):
    """The two that are to agree."""

    TABLE = "table"
    INDEX = "index"

    @property
    def other(self) -> Side:
        """The one across."""
        return Side.INDEX if self is Side.TABLE else Side.TABLE


class Changed(StrEnum):
    """Who changed a field since the sync point."""

    TABLE = "table"
    INDEX = "index"
    BOTH = "both"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What a conflict is, in ids that stay."""

    CHANGED_IN_TABLE = "changed-in-table"
    CHANGED_IN_INDEX = "changed-in-index"
    CHANGED_APART = "changed-apart"
    CHANGED_IN_BOTH = "changed-in-both"
    CREATED_IN_TABLE = "created-in-table"
    CREATED_IN_INDEX = "created-in-index"
    CREATED_IN_BOTH = "created-in-both"
    DELETED_IN_TABLE = "deleted-in-table"
    DELETED_IN_INDEX = "deleted-in-index"
    DELETED_IN_TABLE_CHANGED_IN_INDEX = "deleted-in-table-changed-in-index"
    DELETED_IN_INDEX_CHANGED_IN_TABLE = "deleted-in-index-changed-in-table"
    ONLY_IN_TABLE = "only-in-table"
    ONLY_IN_INDEX = "only-in-index"
    DIFFERS = "differs"
    DOCUMENT_FORM = "document-form"

    @property
    def words(self) -> str:
        """The same as a sentence says it."""
        return _WORDS[self]


_WORDS = {
    Kind.CHANGED_IN_TABLE: "the table changed it since the sync point, the index did not",
    Kind.CHANGED_IN_INDEX: "the index changed it since the sync point, the table did not",
    Kind.CHANGED_APART: "both sides changed it since the sync point, but no field (updatedAt aside) on both",
    Kind.CHANGED_IN_BOTH: "both sides changed a field since the sync point, to different values",
    Kind.CREATED_IN_TABLE: "it came into the table since the sync point",
    Kind.CREATED_IN_INDEX: "it came into the index since the sync point",
    Kind.CREATED_IN_BOTH: "it came into both since the sync point, and they differ",
    Kind.DELETED_IN_TABLE: "the table deleted it since the sync point, the index still has it unchanged",
    Kind.DELETED_IN_INDEX: "the index deleted it since the sync point, the table still has it unchanged",
    Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX: "the table deleted it since the sync point, the index changed it",
    Kind.DELETED_IN_INDEX_CHANGED_IN_TABLE: "the index deleted it since the sync point, the table changed it",
    Kind.ONLY_IN_TABLE: "only the table has it, and without a sync point nobody knows why",
    Kind.ONLY_IN_INDEX: "only the index has it, and without a sync point nobody knows why",
    Kind.DIFFERS: "the sides differ, and without a sync point nobody knows which one changed",
    Kind.DOCUMENT_FORM: "all fields agree, but the document has a location, keys or rounded numbers of its own",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field on which both sides disagree, as canonical JSON; None where a side or the base does not have it."""

    name: str
    changed: Changed
    table: bytes | None
    index: bytes | None
    base: bytes | None = None

    def of(self, side: Side) -> bytes | None:
        """What a side has."""
        return self.table if side is Side.TABLE else self.index

    @property
    def is_clash(self) -> bool:
        """Whether somebody has to decide: it changed on both sides, or nobody knows on which."""
        return self.changed in (Changed.BOTH, Changed.UNKNOWN) and self.name != UPDATED_AT


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What both sides held of one artist at the sync point, None where neither had it. `unknown` are the fields on
    which they differed then. `item` is the item of then: it knows the types of what was deleted since."""

    form: Form | None
    unknown: frozenset[str] = frozenset()
    item: Entry | None = None

    def knows(self, name: str) -> bool:
        """Whether there is a value, or the lack of one, that a field can be held against."""
        return name not in self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One artist on whom both sides disagree.

    `fields` are those that differ; where only one side has the record, those that it changed since the sync point.
    `table` and `index` are all fields of either side, None where it does not have the record.
    """

    id: str
    kind: Kind
    item: Entry | None
    document: Entry | None
    table: Form | None
    index: Form | None
    base: Base | None
    fields: tuple[Field, ...] = ()

    @property
    def is_two_way(self) -> bool:
        """Whether there was no sync point to hold the sides against."""
        return self.base is None

    @property
    def clashes(self) -> tuple[Field, ...]:
        """The fields on which somebody has to decide."""
        return tuple(field for field in self.fields if field.is_clash)

    @property
    def is_on_both(self) -> bool:
        """Whether both sides have the record."""
        return self.table is not None and self.index is not None

    def form_of(self, side: Side) -> Form | None:
        """All fields of one side."""
        return self.table if side is Side.TABLE else self.index


def base_of(item: Entry | None, document: Entry | None) -> Base | None:
    """The base that a sync point's two sides of one artist give; None where just one of them had the record.

    Raises ValueError where one cannot be read.
    """
    if item is None and document is None:
        return Base(form=None)
    if item is None or document is None:
        return None
    table = fields_in(projected(item).body)
    index = with_digits(fields_in(as_canonical(document)), table)
    unknown = frozenset(name for name in table.keys() | index.keys() if table.get(name) != index.get(name))
    return Base(form={name: value for name, value in table.items() if name not in unknown}, unknown=unknown, item=item)


def find(base: Base | None, item: Entry | None, document: Entry | None) -> Conflict | None:
    """How the two sides of one artist disagree; None where they agree, whatever the sync point held.

    `base` is None without a sync point, and a `Base` without a form where the sync point held no such record. A
    document that neither the table nor the sync point knows is an artist's only if its artistId is its `_id`, and else
    nothing to sync. Raises ValueError where a side cannot be read or both are not of one artist.
    """
    if item is None:
        return None if document is None else _only_in_index(base, document)
    right = projected(item)
    if document is None:
        return _only_in_table(base, item, right)
    if document.key != right.key:
        raise ValueError(f"the item of {right.key} and the document {document.key} are not of one artist")
    body = as_canonical(document)
    if body == right.body:
        return None
    table = fields_in(right.body)
    index = _index_form(base, table, fields_in(body))
    fields = _differing(base, table, index)
    kind = _kind(base, fields)
    return Conflict(
        id=right.key, kind=kind, item=item, document=document, table=table, index=index, base=base, fields=fields
    )


def _only_in_index(base: Base | None, document: Entry) -> Conflict | None:
    index = _index_form(base, {}, fields_in(as_canonical(document)))
    fields: tuple[Field, ...] = ()
    if base is not None and base.form is not None:
        fields = _since(base, index, Side.INDEX)
        kind = Kind.DELETED_IN_TABLE_CHANGED_IN_INDEX if fields else Kind.DELETED_IN_TABLE
    elif index.get("artistId") != canonical_json(document.key):
        return None
    else:
        kind = Kind.ONLY_IN_INDEX if base is None else Kind.CREATED_IN_INDEX
    return Conflict(
        id=document.key, kind=kind, item=None, document=document, table=None, index=index, base=base, fields=fields
    )


def _only_in_table(base: Base | None, item: Entry, right: Entry) -> Conflict:
    table = fields_in(right.body)
    fields: tuple[Field, ...] = ()
    if base is None:
        kind = Kind.ONLY_IN_TABLE
    elif base.form is None:
        kind = Kind.CREATED_IN_TABLE
    else:
        fields = _since(base, table, Side.TABLE)
        kind = Kind.DELETED_IN_INDEX_CHANGED_IN_TABLE if fields else Kind.DELETED_IN_INDEX
    return Conflict(
        id=right.key, kind=kind, item=item, document=None, table=table, index=None, base=base, fields=fields
    )


def _index_form(base: Base | None, table: Form, index: Form) -> Form:
    """The index's fields with the digits of the base, or else of the table, where they were made doubles. A field that
    both sides have alike stays as it is."""
    was = (base.form if base else None) or {}
    exact = with_digits(with_digits(index, was), table)
    return {name: value if table.get(name) == value else exact[name] for name, value in index.items()}


def _since(base: Base, form: Form, side: Side) -> tuple[Field, ...]:
    """What the one side that has the record changed since the sync point."""
    was = base.form or {}
    found = []
    for name in sorted(was.keys() | form.keys() | base.unknown):
        if base.knows(name) and was.get(name) == form.get(name):
            continue
        changed = Changed(side) if base.knows(name) else Changed.UNKNOWN
        table, index = (form.get(name), None) if side is Side.TABLE else (None, form.get(name))
        found.append(Field(name=name, changed=changed, table=table, index=index, base=was.get(name)))
    return tuple(found)


def _differing(base: Base | None, table: Form, index: Form) -> tuple[Field, ...]:
    names = sorted(name for name in table.keys() | index.keys() if table.get(name) != index.get(name))
    return tuple(_field(base, name, table.get(name), index.get(name)) for name in names)


def _field(base: Base | None, name: str, table: bytes | None, index: bytes | None) -> Field:
    if base is None or not base.knows(name):
        return Field(name=name, changed=Changed.UNKNOWN, table=table, index=index)
    was = (base.form or {}).get(name)
    changed = Changed.TABLE if index == was else Changed.INDEX if table == was else Changed.BOTH
    return Field(name=name, changed=changed, table=table, index=index, base=was)


def _kind(base: Base | None, fields: tuple[Field, ...]) -> Kind:
    if not fields:
        return Kind.DOCUMENT_FORM
    if base is None:
        return Kind.DIFFERS
    if base.form is None:
        return Kind.CREATED_IN_BOTH
    if any(field.is_clash for field in fields):
        return Kind.CHANGED_IN_BOTH
    sides = {field.changed for field in fields}
    if sides == {Changed.TABLE}:
        return Kind.CHANGED_IN_TABLE
    return Kind.CHANGED_IN_INDEX if sides == {Changed.INDEX} else Kind.CHANGED_APART
