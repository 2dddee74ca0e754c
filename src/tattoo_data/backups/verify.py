"""Verify: whether all that snapshots need is there and whole. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, find, is_gone, node_archives, readable
from tattoo_data.backups.node import node_content
from tattoo_data.engine.flow import in_flight
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical, state_fingerprint
from tattoo_data.repository.manifests import Manifest
from tattoo_data.repository.packs import Pack, entries_of, read_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One snapshot or backup, and what is wrong with it, in words that name the objects."""

    reference: str
    packs: int
    bodies: int
    damage: tuple[str, ...]


def verify(env: Environment, references: Sequence[str]) -> Iterator[Verified]:
    """Read every pack and body of the snapshots that are named, else of all, each object once. Raises `UnknownName`."""
    checker = _Checker(env)
    if references:
        for reference in references:
            try:
                found = find(env, reference)
            except IntegrityFailed as error:
                yield Verified(reference=reference, packs=0, bodies=0, damage=(error.message,))
            else:
                yield checker.check(found)
        return
    for each, snapshot in readable(env, env.manifests.listed()):
        if not isinstance(snapshot, Snapshot):
            yield Verified(reference=each.reference, packs=0, bodies=0, damage=(snapshot.message,))
            continue
        verified = checker.check(snapshot)
        if not (verified.damage and is_gone(env, each)):  # what was deleted meanwhile needs nothing
            yield verified
    yield from map(checker.check, node_archives(env))


class _Checker:
    """Checks snapshots; what several share is read once."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._packs: dict[str, str] = {}
        self._bodies: dict[str, str] = {}
        self._refs: dict[str, list[BlobRef]] = {}

    def check(self, found: Snapshot | NodeArchive) -> Verified:
        if isinstance(found, NodeArchive):
            return self._check_archive(found)
        packs = [(store, pack) for store, about in found.manifest.stores.items() for pack in about.packs]
        damage = [wrong for wrong in in_flight(self._env.pool, self._check_pack, packs) if wrong]
        refs = {ref.sha256: ref for _, pack in packs for ref in self._refs.get(pack.name, ())}
        damage += [wrong for wrong in in_flight(self._env.pool, self._check_body, refs.values()) if wrong]
        damage += [] if damage else _sums(found.manifest)
        return Verified(reference=found.reference, packs=len(packs), bodies=len(refs), damage=tuple(damage))

    def _check_archive(self, archive: NodeArchive) -> Verified:
        damage: tuple[str, ...] = ()
        try:
            with node_content(self._env, archive):
                pass
        except IntegrityFailed as error:
            named = archive.key in error.message
            damage = (error.message if named else f"{archive.key}: {error.message}",)
        return Verified(reference=archive.reference, packs=0, bodies=0, damage=damage)

    def _check_pack(self, unit: tuple[StoreName, Pack]) -> str:
        store, pack = unit
        if pack.name not in self._packs:
            self._packs[pack.name] = self._wrong_with(store, pack)
        return self._packs[pack.name]

    def _wrong_with(self, store: StoreName, pack: Pack) -> str:
        total, refs = Sum(), list[BlobRef]()
        try:
            for packed in entries_of(store, pack, read_pack(self._env.repository, pack)):
                total.add(digest_canonical(packed.entry.key, packed.entry.body))
                refs += [packed.blob] if packed.blob else []
        except IntegrityFailed as error:
            return error.message
        self._refs[pack.name] = refs
        return "" if total.hex() == pack.fingerprint else f"{pack.key} does not hold what its manifest says"

    def _check_body(self, ref: BlobRef) -> str:
        if ref.sha256 not in self._bodies:
            try:
                self._env.bodies.check(ref)
                self._bodies[ref.sha256] = ""
            except IntegrityFailed as error:
                self._bodies[ref.sha256] = error.message
        return self._bodies[ref.sha256]


def _sums(manifest: Manifest) -> list[str]:
    """Where the manifest does not add up: its writer is to blame then."""
    wrong: list[str] = []
    for store, about in manifest.stores.items():
        total = sum(int(pack.fingerprint, 16) for pack in about.packs) % (1 << 256)
        if f"{total:064x}" != about.fingerprint or sum(pack.count for pack in about.packs) != about.count:
            wrong.append(f"the packs of the {store} do not add up to what the manifest of {manifest.name} says")
    if set(manifest.stores) == set(StoreName):
        stores = {store: about.fingerprint for store, about in manifest.stores.items()}
        if state_fingerprint(stores) != manifest.fingerprint:
            wrong.append(f"the fingerprint of {manifest.name} is not that of its stores")
    return wrong
