"""Cross-check: what records say of each other, gathered one by one and compared place by place."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.model.entry import StoreName
from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Place, Problem, Report, finding
from tattoo_data.validation.rules.cross import (
    DUPLICATE,
    LISTS_NOBODY,
    LISTS_OTHER,
    LISTS_OUTSIDE,
    NO_STUDIO,
    NO_STYLE,
    NOT_LISTED,
    SAME_HANDLE,
)
from tattoo_data.validation.rules.entity import Facts
from tattoo_data.validation.stream import Stream

#: Whether a record that is not in this data is known elsewhere.
Elsewhere = Callable[[Kind, str], bool]


def nowhere(kind: Kind, record_id: str) -> bool:
    """Nothing is known elsewhere."""
    return False


class _Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that is said under a key: that a record is there (and for an artist, the studio it names), that a
    studio lists it, or that an artist has a handle."""

    key: str
    place: Place
    lists: bool = False
    studio: str = ""
    artist: bool = False

    @property
    def size(self) -> int:
        """The bytes of what it holds."""
        return len(self.key) + len(self.place.key) + len(self.place.file) + len(self.studio)


class _Named(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A style that an artist names and that was not there yet."""

    style: str
    number: int
    place: Place


class Cross:
    """The records of one store, or of the files of one command. Adding is safe from several threads.

    `elsewhere` is asked of a record that is not here before a reference to it counts as wrong. `catalogue` knows the
    artists that ship: a scenario's studio may list those that are not in it. Where no studio is held, `studios` is
    false, and what artists say of them is not checked.
    """

    def __init__(self, elsewhere: Elsewhere = nowhere, catalogue: Elsewhere = nowhere, *, studios: bool = True) -> None:
        self._elsewhere = elsewhere
        self._catalogue = catalogue
        self._checks_studios = studios
        self._people = Spool(_Said, StoreName.TABLE, place=_place)
        self._handles = Spool(_Said, StoreName.TABLE, place=_place)
        self._named: Stream[_Named] = Stream(_Named)
        self.styles: set[str] = set()
        self._studios: set[str] = set()
        self._lock = threading.Lock()

    def add(self, records: Sequence[tuple[Facts, Place]]) -> None:
        """Take in what some records say."""
        people: list[_Said] = []
        handles: list[_Said] = []
        for facts, place in records:
            if facts.kind is Kind.ARTIST:
                people.append(_Said(f"artist#{facts.id}", place, studio=facts.studio, artist=True))
                if facts.handle:
                    handles.append(_Said(facts.handle.lower().removeprefix("@"), place))
                self._name_styles(facts, place)
            else:
                people.append(_Said(f"{facts.kind}#{facts.id}", place))
                people += [_Said(f"artist#{each}", place, lists=True, studio=facts.id) for each in facts.artists]
                with self._lock:
                    (self._studios if facts.kind is Kind.STUDIO else self.styles).add(facts.id)
        self._people.add(people)
        self._handles.add(handles)

    def finish(self, report: Report) -> None:
        """Report everything that does not fit together."""
        for named in self._named:
            if named.style not in self.styles and not self._elsewhere(Kind.STYLE, named.style):
                report(finding(Problem(NO_STYLE, f"styles.{named.number}", named.style), named.place))
        for place in range(PLACES):
            for said in _by_key(self._people.part(place)):
                self._compare(said, report)
            for said in _by_key(self._handles.part(place)):
                for later in _later(said):
                    report(
                        finding(Problem(SAME_HANDLE, "instagramHandle", later.key, said[0].place.words), later.place)
                    )

    def _name_styles(self, facts: Facts, place: Place) -> None:
        for number, style in enumerate(facts.styles):
            if style not in self.styles:
                with self._lock:
                    self._named.add(_Named(style, number, place))

    def _compare(self, said: list[_Said], report: Report) -> None:
        there = [each for each in said if not each.lists]
        listed = [each for each in said if each.lists]
        for later in _later(there):
            report(finding(Problem(DUPLICATE, "", None, there[0].place.words), later.place))
        if not self._checks_studios:
            return
        for artist in there:
            if artist.studio and artist.artist:
                self._check_studio(artist, {each.studio for each in listed}, report)
        for each in listed:
            self._check_listed(each, there, report)

    def _check_studio(self, artist: _Said, listing: set[str], report: Report) -> None:
        if artist.studio not in self._studios:
            if not self._elsewhere(Kind.STUDIO, artist.studio):
                report(finding(Problem(NO_STUDIO, "studioInfo.studioId", artist.studio), artist.place))
        elif artist.studio not in listing:
            report(finding(Problem(NOT_LISTED, "studioInfo.studioId", artist.studio), artist.place))

    def _check_listed(self, listed: _Said, there: list[_Said], report: Report) -> None:
        artist_id = listed.key.partition("#")[2]
        if not there:
            rule = LISTS_OUTSIDE if self._catalogue(Kind.ARTIST, artist_id) else LISTS_NOBODY
            report(finding(Problem(rule, "artists", artist_id), listed.place))
        elif all(each.studio != listed.studio for each in there):
            named = there[0].studio or "none"
            report(finding(Problem(LISTS_OTHER, "artists", artist_id, f"{artist_id} names {named}"), listed.place))


def _place(key: str) -> int:
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) & (PLACES - 1)


def _by_key(said: list[_Said]) -> Iterator[list[_Said]]:
    keys: dict[str, list[_Said]] = {}
    for each in said:
        keys.setdefault(each.key, []).append(each)
    return iter(keys.values())


def _later(said: list[_Said]) -> list[_Said]:
    """All but the first by place, so that the same data give the same findings."""
    if len(said) < 2:
        return []
    said.sort(key=lambda each: (each.place.store, each.place.file, each.place.line, each.place.key))
    return said[1:]
