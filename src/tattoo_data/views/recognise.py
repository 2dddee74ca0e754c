"""Recognise: which reset state, scenario or snapshot a content is, by its counts and fingerprint. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tattoo_data.backups.summary import Summary
from tattoo_data.catalog import Dataset, Selection, load, scenario_names, states
from tattoo_data.catalog.copies import copies
from tattoo_data.catalog.lookup import select
from tattoo_data.engine.scan import OTHER
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical, state_fingerprint
from tattoo_data.model.records import Kind
from tattoo_data.seeding.content import context_of, entries_of
from tattoo_data.seeding.reset import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is to be recognised: how many items of each kind (`other` too), documents and images there are, and the
    fingerprint of the state. What has other counts is not computed."""

    kinds: Mapping[str, int]
    documents: int
    images: int
    fingerprint: str


def recognise(env: Environment, content: Content, day: date) -> str | None:
    """The reset state, else the scenario, that a content is, its dates counted from `day`; None where it is none."""
    return _Recogniser(env).name_of(content, day)


def equals(env: Environment, summaries: Iterable[Summary]) -> dict[str, str]:
    """fingerprint -> the state or scenario that it is, of the snapshots that are one."""
    recogniser = _Recogniser(env)
    found: dict[str, str] = {}
    asked: set[tuple[str, date]] = set()
    for each in summaries:
        if each.fingerprint is None or (key := (each.fingerprint, each.as_of or env.clock.today())) in asked:
            continue
        asked.add(key)
        content = Content(
            kinds=each.records,
            documents=each.counts.get(StoreName.INDEX, 0),
            images=each.counts.get(StoreName.IMAGES, 0),
            fingerprint=each.fingerprint,
        )
        if name := recogniser.name_of(content, key[1]):
            found[each.fingerprint] = name
    return found


class _Recogniser:
    """Computes each candidate once, however many contents are held against it."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._datasets: dict[date, Dataset] = {}
        self._fingerprints: dict[tuple[date, str, int], str] = {}

    def name_of(self, content: Content, day: date) -> str | None:
        """See `recognise`."""
        if day not in self._datasets:
            self._datasets[day] = load(context_of(self._env, day))
        for name, selection in _candidates(self._env, self._datasets[day], content):
            if _same_counts(selection, content) and self._fingerprint(day, name, selection) == content.fingerprint:
                return name
        return None

    def _fingerprint(self, day: date, name: str, selection: Selection) -> str:
        key = (day, name, selection.counts.get(Kind.ARTIST, 0))
        if key not in self._fingerprints:
            self._fingerprints[key] = _fingerprint(selection)
        return self._fingerprints[key]


def _candidates(env: Environment, dataset: Dataset, content: Content) -> Iterator[tuple[str, Selection]]:
    for state in states():
        if state.source == "copies":
            originals = len(dataset.artists)
            count, rest = divmod(content.kinds.get(Kind.ARTIST.plural, 0), originals)
            if count > 1 and not rest:
                yield state.name, copies(dataset, count - 1)
        elif state.source != "backup":
            yield state.name, content_of(state, dataset)[1]
    for scenario in scenario_names(env.settings.scenarios, env.settings.config_path).values():
        try:
            yield scenario.name, select(scenario, dataset)
        except TattooDataError:
            continue  # a broken scenario of the user's equals nothing; `seed` says what is wrong with it


def _same_counts(selection: Selection, content: Content) -> bool:
    kinds = content.kinds
    return (
        not kinds.get(OTHER)
        and all(kinds.get(kind.plural, 0) == selection.counts.get(kind, 0) for kind in Kind)
        and content.documents == selection.counts.get(Kind.ARTIST, 0)
        and content.images == len(selection.images)
    )


def _fingerprint(selection: Selection) -> str:
    totals = {name: Sum() for name in StoreName}
    for name, entry in entries_of(selection):
        totals[name].add(digest_canonical(entry.key, entry.body))
    return state_fingerprint({name: total.hex() for name, total in totals.items()})
