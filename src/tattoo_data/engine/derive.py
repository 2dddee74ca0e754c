"""Derive: a desired state that is made out of what is there, entry by entry: a migration's, a repair's, a sync's.

It is written only where live still is what it was made of. Where somebody else wrote in between, it is made again out
of what is there now, so that no edit of theirs is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from tattoo_data.engine.flow import slices
from tattoo_data.engine.journal import Kept
from tattoo_data.engine.plan import Desired, Step, Wanted, gather
from tattoo_data.engine.scan import Live
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest, digest_canonical
from tattoo_data.stores.base import Outcome

#: The `before` of a step that only asks what its key is to hold by now.
ASKED: Final = b"asked"
#: What an entry is to be: another entry, nothing, or why that cannot be said.
Made = Entry | Outcome | None
_GATHERED = 1_000


class Derive(Protocol):
    """Says what is wanted because of what is there."""

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterable[tuple[StoreName, Entry | Outcome]]:
        """What entries of a store that a scan found make wanted, there or in another store; an Outcome says why it
        cannot be made for a key, which is left. An entry that is right is best given back as it came. Each key of a
        store is wanted once; stores that are not the desired state's are passed over. Called from several threads."""

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        """What keys of a store are to hold, by what they hold now. A key that is left out stays as it is."""


class Gather:
    """Takes in what a scan finds, and spools what that makes wanted, beside the entries of a desired state."""

    def __init__(self, desired: Desired) -> None:
        assert desired.derive is not None
        self._desired = desired
        self._derive = desired.derive
        self._wanted = gather(desired)
        self._unmade: dict[StoreName, dict[str, Outcome]] = {name: {} for name in desired.stores}

    def take(self, store: StoreName, found: Sequence[tuple[Entry, bytes]]) -> None:
        """A page of the scan. Safe from several threads."""
        known = {id(entry): entry_digest for entry, entry_digest in found}
        self._add(self._derive.wanted(store, [entry for entry, _ in found]), known)

    def whole(self, live: Mapping[StoreName, Live]) -> Desired:
        """The desired state, once the scan is over. What could not be made does not go."""
        if self._desired.finish is not None:
            for part in slices(self._desired.finish(live), _GATHERED):
                self._add(part, {})
        scope, unmade = self._desired.scope, self._unmade

        def may_go(store: StoreName, key: str) -> bool:
            return key not in unmade[store] and (scope is None or scope(store, key))

        return replace(self._desired, wanted=lambda live, stores: self._wanted, scope=may_go, unmade=unmade)

    def _add(self, entries: Iterable[tuple[StoreName, Entry | Outcome]], known: Mapping[int, bytes]) -> None:
        wanted: dict[StoreName, list[Wanted]] = {name: [] for name in self._wanted}
        for name, each in entries:
            if name not in wanted:
                continue
            if isinstance(each, Outcome):
                self._unmade[name][each.key] = each
            elif (same := known.get(id(each))) is not None:
                wanted[name].append(Wanted(each.key, same, b"", each.routing))  # it is there: no body is needed
            else:
                made = digest_canonical(each.key, each.body) if self._desired.canonical else digest(name, each)
                wanted[name].append(Wanted(each.key, made, each.body, each.routing))
        for name, gathered in wanted.items():
            self._wanted[name].add(gathered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """Changes whose desired entries were made again where somebody else had written. `steps` are the new ones by key;
    None is a key for which there is nothing to do any more. `asked` are those that were only asked for, and `landed`
    those that hold just what the step was to write: its answer was lost, and not its write."""

    changes: Sequence[Kept]
    steps: Mapping[str, Step | None]
    failed: Mapping[str, Outcome]
    asked: Collection[str] = ()
    landed: Collection[str] = ()


def remake(derive: Derive, store: StoreName, changes: Sequence[Kept]) -> Remade:
    """Make again what drifted: what its key holds now is not what the step was made of."""
    drifted = {each.step.key: each for each in changes if _digest(store, each.found) != each.step.before}
    if not drifted:
        return Remade(changes=changes, steps={}, failed={})
    made = derive.again(store, {key: each.found for key, each in drifted.items()})
    failed = {key: each for key, each in made.items() if isinstance(each, Outcome)}
    steps: dict[str, Step | None] = {}
    for key, change in drifted.items():
        if key not in failed:
            steps[key] = _step(store, change, made.get(key, change.found))
    kept = [each for each in changes if each.step.key not in drifted]
    kept += [replace(drifted[key], step=step) for key, step in steps.items() if step is not None]
    asked = {key for key, each in drifted.items() if each.step.before == ASKED}
    landed = {key for key, each in drifted.items() if _digest(store, each.found) == each.step.after}
    return Remade(changes=kept, steps=steps, failed=failed, asked=asked, landed=landed)


def judge(derive: Derive, store: StoreName, found: Mapping[str, Entry | None]) -> dict[str, bool]:
    """Whether keys hold what they are to hold, by what they hold now. One of which nothing is said is not in it."""
    made = derive.again(store, found)
    return {
        key: not isinstance(each, Outcome) and _digest(store, each) == _digest(store, found[key])
        for key, each in made.items()
    }


def _step(store: StoreName, change: Kept, made: Made) -> Step | None:
    assert not isinstance(made, Outcome)
    before, after = _digest(store, change.found), _digest(store, made)
    if before == after:
        return None
    routing = change.found.routing if change.found else None
    return Step(change.step.key, before, after, made, routing)


def _digest(store: StoreName, entry: Entry | None) -> bytes | None:
    return digest(store, entry) if entry else None
