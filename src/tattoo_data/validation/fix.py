"""Fix: what a validation found, mended through the engine, each entry only as far as a rule found it wrong.

It is made of what is there at the moment of writing: a record that the application changed since it was checked is
mended in its new form, and what somebody else put right is left.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tattoo_data.catalog import Context, load
from tattoo_data.engine.derive import Made
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.engine.scan import OTHER, kind_of, second_items
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.keys import artist_keys, record_of
from tattoo_data.model.project import document_of, image_entry
from tattoo_data.model.records import Image, Kind
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.stores.base import Outcome
from tattoo_data.stores.live import LiveStores
from tattoo_data.validation.mend import KEYS, LISTS, MENDS, mended
from tattoo_data.validation.records import UNDECODED, check_item
from tattoo_data.validation.report import Report
from tattoo_data.validation.rule import Finding
from tattoo_data.validation.rules import cross, stores
from tattoo_data.validation.validate import context_of

_STRUCTURE = {
    stores.ABSENT.id: (StoreName.INDEX, StoreName.IMAGES),
    stores.TABLE.id: (StoreName.TABLE,),
    stores.STREAM.id: (StoreName.TABLE,),
    stores.MAPPING.id: (StoreName.INDEX,),
    stores.BLOCKED.id: (StoreName.INDEX,),
}
_LISTS = frozenset(rule.id for rule in LISTS)
#: Rules of the index that no projection of an item mends.
_FOREIGN = (stores.SHAPE.id, cross.DUPLICATE.id, cross.NO_STYLE.id, cross.SAME_HANDLE.id)
#: Rules of a document that holds for none that is its item's projection.
_PROJECTED = tuple(
    rule.id
    for rule in (stores.MISSING, stores.EXTRA, stores.DIFFERS, stores.LOCATION, stores.NO_SOURCE, cross.OTHER_ID)
)
_UNREADABLE = "UnreadableRecord"
_BROKEN = (*UNDECODED, TypeError, AttributeError)
#: Artists that a studio is to list, and that it is to list no more.
_Lists = tuple[set[str], set[str]]
_NO_LISTS: _Lists = (set(), set())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What was mended, or with `dry_run` would be. `tried` and `left` count the findings by rule: those for which
    there is a mend, and those that a person has to look at."""

    change: Change
    tried: Mapping[str, int]
    left: Mapping[str, int]


def fix(env: Environment, report: Report, write: WriteOptions) -> Fixed:
    """Mend what the report's findings say, as far as there is a mend, and keep it as a run. With `dry_run` it is only
    planned. Raises as every writing command does."""
    due = _due(report, context_of(env.settings, env.clock.today()))
    repair = _Repair(due, env.stores)
    with writing(env, Command(name="validate", arguments=(report.what, "--fix")), write) as session:
        # An interrupted one may have mended items whose documents it did not come to.
        due.every_document |= session.continued is not None
        names = due.stores
        if StoreName.INDEX not in due.structure and env.stores.index.describe() is None:
            names = tuple(name for name in names if name is not StoreName.INDEX)  # a part of an index is none
        desired = Desired(stores=names, derive=repair, blobs=due.blob, prune=True, scope=repair.goes)
        change = session.carry_out(desired)
    if spared := repair.spared:
        due.tried -= Counter({stores.EXTRA.id: spared})
        due.left[stores.EXTRA.id] += spared
    return Fixed(change=change, tried=due.tried, left=due.left)


def _due(report: Report, context: Context) -> _Due:
    due = _Due(images=load(context).images, base=context.image_base)
    for is_document in (False, True):  # what is mended in items is known before documents are looked at
        for finding in report.findings:
            if finding.store != "files" and (finding.store == StoreName.INDEX) is is_document:
                due.take(finding)
    return due


@dataclass(slots=True)
class _Due:
    """What is to be mended. Keys are held as numbers, so that a million of them fit."""

    images: Mapping[str, Image]
    base: str
    rules: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    listed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unlisted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    documents: set[int] = field(default_factory=set)
    extra: set[int] = field(default_factory=set)
    wanted_images: set[str] = field(default_factory=set)
    structure: set[StoreName] = field(default_factory=set)
    every_document: bool = False
    every_image: bool = False
    tried: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def blob(self, key: str) -> Blob:
        """The body of an image that is wanted."""
        image = self.images[key]
        return Blob(image.read(), image.content_type)

    def take(self, finding: Finding) -> None:
        """Take a finding in, if there is a mend for it."""
        done = self._structure(finding) or self._image(finding)
        if not done and finding.store == StoreName.TABLE:
            done = self._record(finding)
        elif not done and finding.store == StoreName.INDEX:
            done = self._document(finding)
        (self.tried if done else self.left)[finding.rule] += 1

    @property
    def stores(self) -> tuple[StoreName, ...]:
        """Those that anything is to be mended in; the document of a record that is mended changes with it."""
        records = bool(self.rules or self.listed or self.unlisted)
        documents = bool(self.documents) or self.every_document
        wanted = {
            StoreName.TABLE: records or StoreName.TABLE in self.structure,
            StoreName.INDEX: records or documents or StoreName.INDEX in self.structure,
            StoreName.IMAGES: bool(self.wanted_images) or StoreName.IMAGES in self.structure,
        }
        return tuple(name for name in StoreName if wanted[name])

    def _structure(self, finding: Finding) -> bool:
        if finding.store not in _STRUCTURE.get(finding.rule, ()):
            return False
        store = StoreName(finding.store)
        self.structure.add(store)
        self.every_document |= store is StoreName.INDEX and finding.rule == stores.ABSENT.id
        self.every_image |= store is StoreName.IMAGES
        return True

    def _image(self, finding: Finding) -> bool:
        if finding.rule != stores.NO_IMAGE.id:
            return False
        key = str(msgspec.json.decode(finding.value)).removeprefix(self.base)
        if key in self.images:
            self.wanted_images.add(key)
        return key in self.images

    def _record(self, finding: Finding) -> bool:
        if finding.rule in MENDS or finding.rule == KEYS.id:
            self.rules[finding.rule].add(hash(finding.key))
            return True
        record = record_of(finding.key) if finding.rule in _LISTS else None
        if record is None:
            return False
        named = str(msgspec.json.decode(finding.value))
        if finding.rule == cross.NOT_LISTED.id:
            self.listed[named].add(record.id)
        else:
            self.unlisted[record.id].add(named)
        return True

    def _document(self, finding: Finding) -> bool:
        if finding.rule in _FOREIGN:
            return False
        if finding.rule == stores.EMPTY.id:
            return bool(self.documents)
        if finding.rule == stores.EXTRA.id:
            if finding.message != stores.EXTRA.message:
                return False  # one of two under one id: which of them is the artist's is not known
            self.extra.add(hash(finding.key))
        self.documents.add(hash(finding.key))
        # Else what is wrong in the document may be wrong in its item, and then stays.
        return finding.rule in _PROJECTED or self._is_mended(finding)

    def _is_mended(self, finding: Finding) -> bool:
        """Whether what a document has wrong is mended in its item."""
        items = self.rules.get(finding.rule, ())
        return any(hash(key) in items for key in artist_keys([finding.key]))


@dataclass(slots=True)
class _Repair:
    """Derives what is wanted from the table's items: themselves mended, the documents that they give, and the images
    that they refer to."""

    due: _Due
    live: LiveStores
    _urls: re.Pattern[bytes] = field(init=False)
    _has_artists: bool = False
    _foreign: set[int] = field(default_factory=set)
    _images_met: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        base = re.escape(msgspec.json.encode(self.due.base)[1:-1])
        self._urls = re.compile(rb'"' + base + rb'([^"\\]*)"')

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        if store is StoreName.TABLE:
            yield from self._of_items(entries)
        elif store is StoreName.INDEX:
            extra = [each for each in entries if hash(each.key) in self.due.extra]
            self._foreign.update(hash(each.key) for each in extra if kind_of(store, each) == OTHER)

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        if store is StoreName.TABLE:
            return {item.key: made for item, made in self._mended([item for item in found.values() if item])}
        if store is StoreName.INDEX:
            return self._documents(found)
        return {key: image or image_entry(self.due.images[key]) for key, image in found.items()}

    def goes(self, store: StoreName, key: str) -> bool:
        """Whether an entry that no item gives goes. Where the table holds no artist, every document would be too
        much: it may be the table that is wrong."""
        number = hash(key)
        is_extra = store is StoreName.INDEX and number in self.due.extra
        return is_extra and self._has_artists and number not in self._foreign

    @property
    def spared(self) -> int:
        """How many documents without an item stay, once the scan is over."""
        return len(self._foreign if self._has_artists else self.due.extra)

    def _of_items(self, items: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        documents: dict[str, Entry] = {}
        for item, made in self._mended(items):
            yield StoreName.TABLE, made
            document = self._document(item, made)
            if document is not None:
                documents[item.key] = document
        hidden = second_items(self.live.table, documents)
        yield from ((StoreName.INDEX, each) for key, each in documents.items() if key not in hidden)
        yield from ((StoreName.IMAGES, each) for each in self._images(items))

    def _mended(self, items: Iterable[Entry]) -> Iterator[tuple[Entry, Entry | Outcome]]:
        """Each of the items that are records, with what is made of it."""
        records = [(item, record) for item in items if (record := record_of(item.key)) is not None]
        lists = self._lists({record.id for _, record in records if record.kind is Kind.STUDIO})
        for item, record in records:
            number = hash(item.key)
            rules = [rule for rule, keys in self.due.rules.items() if number in keys]
            listed, unlisted = lists.get(record.id, _NO_LISTS) if record.kind is Kind.STUDIO else _NO_LISTS
            if not (rules or listed or unlisted):
                yield item, item
                continue
            try:
                yield item, mended(item, rules, listed, unlisted)
            except _BROKEN as error:
                yield item, Outcome(item.key, _UNREADABLE, str(error))

    def _lists(self, studios: Collection[str]) -> dict[str, _Lists]:
        """Who is to be listed by studios and who is not any more, as far as the artists say so by now."""
        due = [each for each in studios if each in self.due.listed or each in self.due.unlisted]
        listed, unlisted = (
            {each: lists.get(each, set()) for each in due} for lists in (self.due.listed, self.due.unlisted)
        )
        said = self._said(set().union(*listed.values(), *unlisted.values()))
        return {
            each: (
                {artist for artist in listed[each] if (artist, each) in said},
                {artist for artist in unlisted[each] if (artist, each) not in said},
            )
            for each in due
        }

    def _said(self, artists: Collection[str]) -> set[tuple[str, str]]:
        """Which of these artists name which studio by now."""
        checked = ((record_of(item.key), check_item(item).facts) for item in self.live.table.get(artist_keys(artists)))
        return {(record.id, facts.studio) for record, facts in checked if record and facts}

    def _document(self, item: Entry, made: Entry | Outcome) -> Entry | None:
        """The document of an artist whose own is wrong, or whose item changes."""
        record = record_of(item.key)
        if record is None or record.kind is not Kind.ARTIST:
            return None
        self._has_artists = True
        source = item if isinstance(made, Outcome) else made
        if source is item and not self.due.every_document and hash(record.id) not in self.due.documents:
            return None
        return document_of(source)

    def _documents(self, found: Mapping[str, Entry | None]) -> dict[str, Made]:
        """The documents of what the items are now: none where there is no item, whoever took it away."""
        made: dict[str, Made] = {
            key: document if document is not None and kind_of(StoreName.INDEX, document) == OTHER else None
            for key, document in found.items()
        }
        # Ours comes last, so that it counts where there are two.
        for item in sorted(self.live.table.get(artist_keys(found)), key=lambda item: item.key, reverse=True):
            if (document := document_of(item)) is not None:
                made[document.key] = document
        return made

    def _images(self, items: Sequence[Entry]) -> list[Entry]:
        """The images of ours that these items refer to and that are to be put, each once, but for those that somebody
        has put meanwhile."""
        due = self.due.images.keys() if self.due.every_image else self.due.wanted_images
        if not due:
            return []
        met = {key.decode() for item in items for key in self._urls.findall(item.body)} & due
        with self._lock:
            new = sorted(met - self._images_met)
            self._images_met |= met
        there = {image.key for image in self.live.images.get(new)} if new else set()
        return [image_entry(self.due.images[key]) for key in new if key not in there]
