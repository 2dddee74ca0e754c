"""Live: the stores of a target, each read once, whatever is asked of it. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tattoo_data.engine.scan import Held, segments_of
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_key, record_of
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import Description, Store, pages, scan
from tattoo_data.validation.catalogue import catalogue_has
from tattoo_data.validation.compare import Compare, held_document
from tattoo_data.validation.cross import Cross
from tattoo_data.validation.images import Images
from tattoo_data.validation.records import FOREIGN, UNDECODED, check_document, check_item
from tattoo_data.validation.rule import Place, Problem, Report, finding, findings
from tattoo_data.validation.rules.entity import Facts
from tattoo_data.validation.rules.stores import (
    ABSENT,
    BLOCKED,
    EMPTY,
    MAPPING,
    NO_SOURCE,
    SHAPE,
    STREAM,
    TABLE,
    UNREADABLE,
    UNUSED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of the live stores: the table's records, the index's documents, and whether all stores agree."""

    records: bool = False
    documents: bool = False
    agreement: bool = False

    @property
    def stores(self) -> tuple[StoreName, ...]:
        """The stores that are read."""
        wanted = {
            StoreName.TABLE: self.records or self.agreement,
            StoreName.INDEX: self.documents or self.agreement,
            StoreName.IMAGES: self.agreement,
        }
        return tuple(name for name in StoreName if wanted[name])


@dataclass(slots=True, kw_only=True)
class _Look:
    """One look at the live stores, and what is gathered on the way."""

    env: Environment
    asked: Asked
    report: Report
    records: Cross
    documents: Cross
    compare: Compare
    notes: list[str]
    images: Images | None = None
    checked: Counter[str] = field(default_factory=Counter)

    def items(self, entries: Sequence[Entry]) -> int:
        """A page of the table. Returns how many of it are records."""
        said: list[tuple[Facts, Place]] = []
        projected: list[tuple[Entry, str]] = []
        count = 0
        for entry in entries:
            record = record_of(entry.key)
            if record is None:
                if self.images is not None:
                    self.images.use(entry.body)
                continue
            count += 1
            place = Place(StoreName.TABLE.value, entry.key)
            if self.asked.records:
                checked = check_item(entry)
                self._tell(checked.problems, place)
                if checked.facts is not None:
                    said.append((checked.facts, place))
            if self.asked.agreement and (document := self._document(entry, place)) is not None:
                projected.append((document, record.sort_key))
        self.records.add(said)
        self.compare.add_items(projected)
        return count

    def hits(self, entries: Sequence[Entry]) -> int:
        """A page of the index. Returns how many documents it has."""
        said: list[tuple[Facts, Place]] = []
        held: list[Held] = []
        for entry in entries:
            place = Place(StoreName.INDEX.value, entry.key)
            if self.asked.documents:
                checked = check_document(entry)
                self._tell(checked.problems, place)
                if checked.facts is not None:
                    said.append((checked.facts, place))
            if self.asked.agreement and (each := self._held(entry, place)) is not None:
                held.append(each)
        self.documents.add(said)
        self.compare.add_documents(held)
        return len(entries)

    def _document(self, item: Entry, place: Place) -> Entry | None:
        """The document of an artist's item, its images met on the way."""
        try:
            document = document_of(item)
        except (*UNDECODED, TypeError, AttributeError) as error:
            if not self.asked.records:  # else its own rules have said so
                self._tell([Problem(UNREADABLE, "", None, str(error))], place)
            return None
        if self.images is not None:
            if document is None:
                self.images.use(item.body)
            else:
                self._tell(list(self.images.problems(document.body)), place)
        return document

    def _held(self, entry: Entry, place: Place) -> Held | None:
        """What is compared of a document."""
        held: Held | None = None
        problem: Problem | None = None
        if entry.key.startswith(FOREIGN):
            problem = Problem(SHAPE, "", entry.key)
        else:
            try:
                held = held_document(entry)
            except UNDECODED as error:
                problem = Problem(UNREADABLE, "", None, str(error))
        if entry.body.strip() == b"null":
            problem = Problem(NO_SOURCE)
        if problem is not None and not self.asked.documents:  # else its own rules have said so
            self._tell([problem], place)
        return held

    def _tell(self, problems: Sequence[Problem], place: Place) -> None:
        for each in findings(problems, place):
            self.report(each)


def check_live(env: Environment, asked: Asked, report: Report) -> tuple[Counter[str], list[str]]:
    """Read the stores that are asked for and report everything that is wrong. Returns how many records of each store
    were checked, and what a reader should know besides. Raises where a store does not answer."""
    names = asked.stores
    about = dict(zip(names, env.pool.map(lambda name: env.stores[name].describe(), names), strict=True))
    for name in names:
        _check_structure(env, name, about[name], report)
    readable = {name for name in names if (each := about[name]) is not None and not each.refused}
    asked = _possible(asked, readable)
    look = _look(env, asked, report, images=StoreName.IMAGES in readable)
    _read(look, {name: each for name, each in about.items() if name in readable and each is not None})
    if asked.records:
        look.records.finish(report)
    if asked.documents:
        look.documents.finish(report)
    if asked.agreement:
        look.compare.finish(env.stores.table, env.stores.index, report)
        _check_unused(look)
    for name in (StoreName.TABLE, StoreName.INDEX):
        if name in readable and not look.checked[name]:
            report(finding(Problem(EMPTY), Place(name.value, env.target.place_of(name)[0])))
    return look.checked, look.notes


def _possible(asked: Asked, readable: set[StoreName]) -> Asked:
    """What can be checked: where a store is missing, all of the other one would differ from it."""
    table, index = StoreName.TABLE in readable, StoreName.INDEX in readable
    return Asked(
        records=asked.records and table,
        documents=asked.documents and index,
        agreement=asked.agreement and table and index,
    )


def _look(env: Environment, asked: Asked, report: Report, *, images: bool) -> _Look:
    records = Cross(catalogue=catalogue_has)
    styles = _Styles(env=env, records=records)
    look = _Look(
        env=env,
        asked=asked,
        report=report,
        records=records,
        documents=Cross(styles.has, studios=False),
        compare=Compare(),
        notes=styles.notes,
    )
    if asked.agreement and images:
        base = f"{env.settings.images_base_url}/{env.settings.image_bucket}/"
        look.images = Images(base, _keys(look))
    return look


def _keys(look: _Look) -> Iterator[str]:
    for entry in scan(look.env.stores.images):
        look.checked[StoreName.IMAGES] += 1
        yield entry.key


def _read(look: _Look, about: dict[StoreName, Description]) -> None:
    """Read table and index beside each other, each in as many segments as it is worth."""
    takes: dict[StoreName, Callable[[Sequence[Entry]], int]] = {}
    if look.asked.records or look.asked.agreement:
        takes[StoreName.TABLE] = look.items
    if look.asked.documents or look.asked.agreement:
        takes[StoreName.INDEX] = look.hits
    units = [
        (look.env.stores[name], segment, segments, take)
        for name, take in takes.items()
        for segments in [segments_of(look.env.stores[name], about[name])]
        for segment in range(segments)
    ]

    def read(unit: tuple[Store, int, int, Callable[[Sequence[Entry]], int]]) -> tuple[StoreName, int]:
        store, segment, segments, take = unit
        count = 0
        for entries in pages(store, segment, segments):
            count += take(entries)
            look.env.progress(f"checked of the {store.name}", count, None)
        return store.name, count

    for name, count in look.env.pool.map(read, units):
        look.checked[name] += count


def _check_structure(env: Environment, name: StoreName, about: Description | None, report: Report) -> None:
    place = Place(name.value, env.target.place_of(name)[0])
    if about is None:
        report(finding(Problem(ABSENT), place))
        return
    problems = [Problem(TABLE, "", None, what) for what in about.refused]
    problems += [Problem(MAPPING, what.partition(":")[0].split(" ")[0], None, what) for what in about.rebuild]
    for what in about.missing:
        if name is StoreName.INDEX:
            problems.append(Problem(BLOCKED))
        else:
            problems.append(Problem(STREAM) if what == "the stream" else Problem(TABLE, "", None, f"{what} is missing"))
    for each in findings(problems, place):
        report(each)


def _check_unused(look: _Look) -> None:
    if look.images is None or not look.images.has_unused:
        return
    keys = (entry.key for entry in scan(look.env.stores.images))
    for key in look.images.unused(keys):
        look.report(finding(Problem(UNUSED, "", key), Place(StoreName.IMAGES.value, key)))


@dataclass(slots=True, kw_only=True)
class _Styles:
    """The styles that a document may name: the catalogue's and the table's, which is asked for just those."""

    env: Environment
    records: Cross
    notes: list[str] = field(default_factory=list)
    _asked: dict[str, bool] = field(default_factory=dict)

    def has(self, kind: Kind, style: str) -> bool:
        """Whether there is such a style."""
        if catalogue_has(kind, style) or style in self.records.styles:
            return True
        if style not in self._asked:
            try:
                self._asked[style] = bool(self.env.stores.table.get([record_key(kind, style)]))
            except TattooDataError as error:
                self.notes.append(f"Whether the style {style!r} is in the table could not be asked: {error.message}.")
                self._asked[style] = True
        return self._asked[style]
