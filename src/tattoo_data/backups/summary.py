"""Summaries: what snapshots and backups there are, as a list shows them. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, find, node_archives, readable
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.manifests import Manifest

#: What the kind of a backup of the Node tool is called.
NODE = "node"
DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One snapshot or backup. `kind` is `backup`, `snapshot`, `sync`, `node` for the Node tool's, or `damaged`: then
    `problem` says why. `data_bytes` are those of its lines and bodies, `stored_bytes` what its packs take, of which
    `shared_bytes` are in other snapshots too. `ours` says that it is of this target, None where nobody knows."""

    reference: str
    name: str
    kind: str
    created_at: datetime
    ours: bool | None = None
    records: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[StoreName, int] = field(default_factory=dict)
    data_bytes: int | None = None
    stored_bytes: int | None = None
    shared_bytes: int | None = None
    fingerprint: str | None = None
    as_of: date | None = None
    drift: int = 0
    by: str | None = None
    problem: str | None = None


def summaries(env: Environment) -> list[Summary]:
    """All of them, the newest first: of every target, and the Node tool's. Manifests are read beside each other, and
    of each only what is shown is held."""
    uses: Counter[bytes] = Counter()
    found: list[tuple[Summary, dict[bytes, int]]] = []
    for each, snapshot in readable(env, env.manifests.listed()):
        if isinstance(snapshot, IntegrityFailed):
            damaged = Summary(
                reference=each.reference,
                name=each.name,
                kind=DAMAGED,
                created_at=each.created_at,
                problem=snapshot.message,
            )
            found.append((damaged, {}))
        else:
            packs = _packs(snapshot.manifest)
            uses.update(packs.keys())
            found.append((_summary(env, snapshot), packs))
    ours = [_shared(summary, packs, uses) for summary, packs in found]
    return sorted([*ours, *map(_of_archive, node_archives(env))], key=lambda each: each.created_at, reverse=True)


def shown(env: Environment, reference: str) -> tuple[Summary, Manifest | None]:
    """One of them, with its manifest where it is ours. Raises `UnknownName`, and `IntegrityFailed` where it is
    damaged."""
    chosen = find(env, reference)
    if isinstance(chosen, NodeArchive):
        return _of_archive(chosen), None
    listed = (each for each in summaries(env) if each.reference == chosen.reference)
    summary = next(listed, None) or _shared(_summary(env, chosen), _packs(chosen.manifest), Counter())
    return summary, chosen.manifest


def _summary(env: Environment, snapshot: Snapshot) -> Summary:
    manifest = snapshot.manifest
    records: Counter[str] = Counter()
    for store in (StoreName.TABLE, StoreName.IMAGES):
        records.update(manifest.stores[store].records if store in manifest.stores else {})
    return Summary(
        reference=snapshot.reference,
        name=manifest.name,
        kind=manifest.kind,
        created_at=manifest.created_at,
        ours=manifest.target == env.target.id,
        records=dict(records),
        counts={store: about.count for store, about in manifest.stores.items()},
        data_bytes=sum(about.bytes for about in manifest.stores.values()) + manifest.objects,
        fingerprint=manifest.fingerprint,
        as_of=manifest.as_of,
        drift=manifest.drifted,
        by=manifest.by,
    )


def _packs(manifest: Manifest) -> dict[bytes, int]:
    """The packs of a manifest, each with its stored bytes; names as bytes, for there may be many."""
    return {bytes.fromhex(pack.name): pack.stored for about in manifest.stores.values() for pack in about.packs}


def _shared(summary: Summary, packs: Mapping[bytes, int], uses: Mapping[bytes, int]) -> Summary:
    if summary.kind == DAMAGED:
        return summary
    shared = sum(stored for name, stored in packs.items() if uses[name] > 1)
    return replace(summary, stored_bytes=sum(packs.values()), shared_bytes=shared)


def _of_archive(archive: NodeArchive) -> Summary:
    return Summary(
        reference=archive.reference,
        name=archive.name,
        kind=NODE,
        created_at=archive.created_at,
        stored_bytes=archive.size,
        shared_bytes=0,
    )
