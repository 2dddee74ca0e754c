"""Contents: what a snapshot holds, as a desired state. Only packs that live stores do not match are read, and all of
those are read and checked before an entry of any is used."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, find
from tattoo_data.backups.node import node_content
from tattoo_data.engine.flow import in_flight
from tattoo_data.engine.plan import Desired, Wanted
from tattoo_data.engine.scan import Live
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical
from tattoo_data.repository.manifests import Manifest
from tattoo_data.repository.packs import Pack, Packed, entries_of, hash_of, read_pack

_GATHERED = 1_000
#: How many bits of a key's hash tell its pack: no prefix is longer in practice, and what is is cut.
_BITS = 64


@contextmanager
def snapshot_content(env: Environment, reference: str) -> Iterator[Desired]:
    """All that a snapshot, or a backup of the Node tool, holds. Raises `UnknownName`, and `IntegrityFailed` where it is
    damaged, once it is read."""
    with content_of_found(env, find(env, reference)) as desired:
        yield desired


@contextmanager
def content_of_found(env: Environment, found: Snapshot | NodeArchive) -> Iterator[Desired]:
    """The same of one that was found already."""
    if isinstance(found, Snapshot):
        yield content_of(env, found.manifest)
        return
    with node_content(env, found) as desired:
        yield desired


def content_of(env: Environment, manifest: Manifest) -> Desired:
    """What a snapshot holds, as a state that prunes: whatever is not in it goes."""
    reader = _Reader(env=env, manifest=manifest)
    return Desired(
        stores=[store for store in StoreName if store in manifest.stores],
        entries=reader.entries,
        wanted=reader.wanted,
        prune=True,
        routed=True,
        canonical=True,
        blobs=reader.blob,
        structures={store: about.structure for store, about in manifest.stores.items()},
    )


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Reads the packs of one snapshot. `refs` says where the bodies of the images are that it gave."""

    env: Environment
    manifest: Manifest
    refs: dict[str, BlobRef] = field(default_factory=dict)

    def entries(self) -> Iterator[tuple[StoreName, Entry]]:
        """Every entry of the snapshot."""
        for store, about in self.manifest.stores.items():
            yield from ((store, packed.entry) for packed, _ in self._packed(store, about.packs))

    def wanted(self, live: Mapping[StoreName, Live], only: Collection[StoreName]) -> dict[StoreName, Spool[Wanted]]:
        """The snapshot's entries against what live stores hold: those of a pack that live matches have no body. Raises
        `IntegrityFailed` where a pack or body that is needed is gone or damaged."""
        return {store: self._against(store, self.manifest.stores[store].packs, live[store]) for store in only}

    def blob(self, key: str) -> Blob:
        """The body of an image that was given."""
        return self.env.bodies.fetch(self.refs[key])

    def _against(self, store: StoreName, packs: Sequence[Pack], live: Live) -> Spool[Wanted]:
        spool = Spool(Wanted, store)
        shape = _Shape(packs)
        matched = shape.matched(live)
        if matched:
            for part in live.held.parts():
                same = (held for held in part if (pack := shape.pack_of(held.key)) and pack.prefix in matched)
                spool.add(Wanted(held.key, held.digest, b"", held.routing) for held in same)
        gathered: list[Wanted] = []
        for packed, digest in self._packed(store, [pack for pack in packs if pack.prefix not in matched]):
            entry = packed.entry
            gathered.append(Wanted(entry.key, digest, entry.body, entry.routing))
            if len(gathered) == _GATHERED:
                spool.add(gathered)
                gathered = []
                self.env.progress("prepared", spool.count, None)
        spool.add(gathered)
        if store is StoreName.IMAGES:
            self._check_bodies(spool, live)
        return spool

    def _packed(self, store: StoreName, packs: Sequence[Pack]) -> Iterator[tuple[Packed, bytes]]:
        """The entries of packs with their digests."""

        def read(pack: Pack) -> tuple[Pack, bytes]:
            return pack, read_pack(self.env.repository, pack)

        for pack, body in in_flight(self.env.pool, read, packs):
            total = Sum()
            for packed in entries_of(store, pack, body):
                digest = digest_canonical(packed.entry.key, packed.entry.body)
                total.add(digest)
                if packed.blob:
                    self.refs[packed.entry.key] = packed.blob
                yield packed, digest
            if total.hex() != pack.fingerprint:
                raise IntegrityFailed(
                    what=f"{pack.key} does not hold the entries that the manifest says",
                    hint="`tattoo-data backups verify` names all that is damaged; restore from another one.",
                )

    def _check_bodies(self, wanted: Spool[Wanted], live: Live) -> None:
        """Every body that will be written is whole."""
        refs: dict[str, BlobRef] = {}
        for place in range(PLACES):
            there = {(held.key, held.digest) for held in live.held.part(place)}
            changed = [each.key for each in wanted.part(place) if (each.key, each.digest) not in there]
            refs |= {(ref := self.refs[key]).sha256: ref for key in changed}
        for _ in in_flight(self.env.pool, self.env.bodies.check, refs.values()):
            pass


class _Shape:
    """Which pack of a store a key belongs to."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self._packs = sorted(packs, key=lambda pack: pack.prefix.ljust(_BITS, "0")[:_BITS])
        self._starts = [int(pack.prefix.ljust(_BITS, "0")[:_BITS], 2) for pack in self._packs]

    def pack_of(self, key: str) -> Pack | None:
        """The pack whose prefix the key's hash has."""
        number = int.from_bytes(hash_of(key)[: _BITS // 8], "big")
        at = bisect_right(self._starts, number) - 1
        if at < 0:
            return None
        pack = self._packs[at]
        bits = min(len(pack.prefix), _BITS)
        return pack if number >> (_BITS - bits) == self._starts[at] >> (_BITS - bits) else None

    def matched(self, live: Live) -> set[str]:
        """The prefixes of the packs whose very entries live holds. No sum tells a routing: a pack with one on either
        side is to be read."""
        sums = {pack.prefix: Sum() for pack in self._packs}
        routed = {pack.prefix for pack in self._packs if pack.routed}
        for part in live.held.parts():
            for held in part:
                if pack := self.pack_of(held.key):
                    sums[pack.prefix].add(held.digest)
                    if held.routing is not None:
                        routed.add(pack.prefix)
        return {
            pack.prefix
            for pack in self._packs
            if pack.prefix not in routed
            and sums[pack.prefix].count == pack.count
            and sums[pack.prefix].hex() == pack.fingerprint
        }
