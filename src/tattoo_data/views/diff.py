"""Diff: what would have to happen to one side to become another, entry by entry and field by field. Read-only.

Both sides are spooled, and compared one place after the other each time that the differences are read, so that a
million of them take no more memory than a thousand. Only bodies that differ are parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from tattoo_data.engine.plan import Wanted
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import UsageError
from tattoo_data.model.difference import FieldChange, fields_of
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, state_fingerprint
from tattoo_data.model.pattern import matching
from tattoo_data.views.contents import Opened, Spools, open_side, read_both
from tattoo_data.views.sides import LIVE, Side, find_side

#: Up to so many differences of a store are sorted as a whole; more come in the order of their places.
SORTED = 5_000
Matches = Callable[[str], bool]


class Became(StrEnum):
    """What happens to an entry on the way from one side to the other."""

    CREATED = "created"
    DELETED = "deleted"
    CHANGED = "changed"


_ORDER = {became: number for number, became in enumerate(Became)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """Two sides by name. `only` are the stores that are compared, all where it is empty; `keys` a pattern such as
    `ARTIST#00*` that an item's PK, a document's artist or `_id`, or an object's key must match to be compared."""

    a: str
    b: str = LIVE
    only: Sequence[StoreName] = ()
    keys: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that only one side has, or that both have with other content."""

    store: StoreName
    key: str
    became: Became
    before: bytes = b""
    after: bytes = b""

    def fields(self) -> list[FieldChange]:
        """What of a changed entry differs."""
        return fields_of(self.store, self.before, self.after) if self.became is Became.CHANGED else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many entries of one store become what."""

    created: int = 0
    deleted: int = 0
    changed: int = 0
    same: int = 0

    @property
    def differences(self) -> int:
        """All but what is the same."""
        return self.created + self.deleted + self.changed

    @property
    def compared(self) -> int:
        """All that were looked at."""
        return self.differences + self.same


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one side holds of the stores that were compared: `sums` tell how much, and the fingerprints."""

    side: Side
    sums: dict[StoreName, Sum]

    @property
    def fingerprint(self) -> str | None:
        """The state's fingerprint; None where a store was not compared, so that it is not known."""
        if len(self.sums) < len(StoreName):
            return None
        return state_fingerprint({name: total.hex() for name, total in self.sums.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides, compared. `skipped` says in words why a store was not; `differences` gives those of one store each
    time anew, in order as far as they are few."""

    a: Content
    b: Content
    summary: Mapping[StoreName, Summary]
    skipped: Mapping[StoreName, str]
    differences: Callable[[StoreName], Iterator[Difference]]

    @property
    def is_equal(self) -> bool:
        """Whether both sides hold the same, as far as they were compared."""
        return not any(each.differences for each in self.summary.values())

    def every(self) -> Iterator[Difference]:
        """The differences of all stores."""
        return (each for name in self.summary for each in self.differences(name))


def diff(env: Environment, options: DiffOptions) -> Comparison:
    """Read both sides, and compare them.

    Raises what `find_side` raises, `StoreMissing` where a live table or index does not exist, `IntegrityFailed` where
    files or a snapshot are damaged, and `UsageError` where no store is held by both sides.
    """
    a, b = (find_side(env, text) for text in (options.a, options.b))
    with open_side(env, a) as first, open_side(env, b) as second:
        return compare(env, first, second, only=options.only, keys=options.keys)


def compare(
    env: Environment, a: Opened, b: Opened, *, only: Sequence[StoreName] = (), keys: str | None = None
) -> Comparison:
    """Compare two sides that are open. Raises as `diff` does."""
    wanted = only or tuple(StoreName)
    skipped = {name: words for name in wanted if (words := _not_held(name, (a, b)))}
    names = [name for name in wanted if name not in skipped]
    if not names:
        raise UsageError(
            what=f"there is nothing to compare: {'; '.join(skipped.values())}",
            hint="Name sides that hold the same stores, or other ones with --only.",
        )
    first, second = read_both(env, a, b, names)
    return _compared(a.side, b.side, first, second, skipped, keys)


def _not_held(name: StoreName, both: Sequence[Opened]) -> str:
    without = [each.side.words for each in both if each.content and name not in each.content.stores]
    return f"{' and '.join(without)} {'hold' if len(without) > 1 else 'holds'} no {name.value}" if without else ""


def _compared(
    a: Side, b: Side, first: Spools, second: Spools, skipped: Mapping[StoreName, str], keys: str | None
) -> Comparison:
    summary: dict[StoreName, Summary] = {}
    there, here = Content(side=a, sums={}), Content(side=b, sums={})
    for name in first:
        there.sums[name], here.sums[name] = Sum(), Sum()
        matches = _matcher(name, keys)
        summary[name] = _count(first[name], second[name], matches, there.sums[name], here.sums[name])

    def differences(name: StoreName) -> Iterator[Difference]:
        parts = map(partial(_differing, name, first[name], second[name], _matcher(name, keys)), range(PLACES))
        every = (each for part in parts for each in sorted(part, key=place_in_order))
        if summary[name].differences <= SORTED:
            return iter(sorted(every, key=place_in_order))
        return every

    return Comparison(a=there, b=here, summary=summary, skipped=skipped, differences=differences)


def place_in_order(difference: Difference) -> tuple[int, str]:
    """What differences are sorted by: created, deleted, changed, and then the key."""
    return _ORDER[difference.became], difference.key


def _count(before: Spool[Wanted], after: Spool[Wanted], matches: Matches, first: Sum, second: Sum) -> Summary:
    """Count one store, and its sums on both sides; the sums are of all entries, the counts of those that match."""
    counts = dict.fromkeys(Became, 0)
    same = 0
    for place in range(PLACES):
        there = {each.key: each.digest for each in before.part(place)}
        here = {each.key: each.digest for each in after.part(place)}
        for total, digests in ((first, there), (second, here)):
            for digest in digests.values():
                total.add(digest)
        for key in filter(matches, there.keys() | here.keys()):
            if there.get(key) == here.get(key):
                same += 1
            else:
                counts[_became(key in there, key in here)] += 1
    return Summary(**{became.value: count for became, count in counts.items()}, same=same)


def _differing(
    store: StoreName, before: Spool[Wanted], after: Spool[Wanted], matches: Matches, place: int
) -> Iterator[Difference]:
    """The differences of one place."""
    there = {each.key: each for each in before.part(place)}
    here = {each.key: each for each in after.part(place)}
    for key in filter(matches, there.keys() | here.keys()):
        old, new = there.get(key), here.get(key)
        if old is None or new is None:
            yield Difference(store, key, _became(old is not None, new is not None))
        elif old.digest != new.digest:
            yield Difference(store, key, Became.CHANGED, old.body, new.body)


def _became(there: bool, here: bool) -> Became:
    if there and here:
        return Became.CHANGED
    return Became.DELETED if there else Became.CREATED


def _matcher(store: StoreName, pattern: str | None) -> Matches:
    """Whether the key of an entry is like the pattern, as `restore --keys` has it."""
    return partial(matching(pattern), store) if pattern is not None else lambda key: True
