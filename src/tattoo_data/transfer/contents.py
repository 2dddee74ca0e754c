"""Contents: all that files hold, verified and spooled, each entry beside the place where it was found.

So a duplicate, or a record that a store refuses, is named by file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tattoo_data.engine.plan import Desired, Wanted
from tattoo_data.engine.spool import Spool, place_of
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import Blob, StoreName

#: So many bad records are named in an error.
_TOLD = 5


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an entry was found: its file, by number, and its line there. Spooled beside the entry, in its order."""

    key: str
    file: int
    number: int

    @property
    def size(self) -> int:
        """The bytes of its key."""
        return len(self.key)


class Reject(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A record that was not taken, and why, as results have it. Its key is known where the record could be read."""

    store: StoreName
    file: str
    number: int
    message: str
    key: str | None = None


@dataclass(slots=True, kw_only=True)
class Contents:
    """What files hold: `wanted` are the entries of each store that are to be written, once each and in canonical bytes,
    and `places` where in `files` they were found. `rejected` are the records that cannot be; `duplicates` of these have
    the key of one that can. `notes` are what a reader should know, `structures` how the stores were made that the files
    come from, and `lacking` files that are missing among them. `routed` says that documents are as the files have them,
    and not made of items, which know no routing."""

    kind: str
    path: str
    blob: Callable[[str], Blob]
    wanted: dict[StoreName, Spool[Wanted]]
    places: dict[StoreName, Spool[Place]]
    files: list[str]
    rejected: list[Reject]
    duplicates: int = 0
    notes: tuple[str, ...] = field(default=())
    structures: Mapping[StoreName, Mapping[str, Any]] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    routed: bool = True

    def desired(self, *, prune: bool) -> Desired:
        """The contents as a desired state of just these stores. With `prune`, what is not in them goes."""
        return Desired(
            stores=tuple(self.wanted),
            wanted=lambda live, stores: {name: self.wanted[name] for name in stores},
            prune=prune,
            routed=self.routed,
            canonical=True,
            blobs=self.blob,
            structures={name: self.structures[name] for name in self.wanted if name in self.structures},
        )

    def refuse_lacking(self) -> None:
        """Raise `IntegrityFailed` where files are missing: what is in none of them must not go for that."""
        if self.lacking:
            raise IntegrityFailed(
                what=f"{self.path} lacks {', '.join(self.lacking)}: what was in it would be removed",
                hint="Nothing was written. Name the folder with all parts in it, or leave --replace out.",
            )

    def refuse_rejects(self) -> None:
        """Raise `IntegrityFailed` naming the first records that cannot be used, where there are any."""
        if not self.rejected:
            return
        told = [f"{each.file}, line {each.number}: {each.message}" for each in self.rejected[:_TOLD]]
        more = len(self.rejected) - _TOLD
        told += [f"and {more:,} more"] if more > 0 else []
        raise IntegrityFailed(
            what=f"{self.path} holds records that cannot be used: {'; '.join(told)}",
            hint="Nothing was written.",
        )

    def found_at(self, store: StoreName, keys: Collection[str]) -> dict[str, Place]:
        """Where entries were found."""
        found: dict[str, Place] = {}
        for place in sorted({place_of(store, key) for key in keys}):
            found |= {each.key: each for each in self.places[store].part(place) if each.key in keys}
        return found
