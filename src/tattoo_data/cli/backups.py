"""How snapshots, and what is done with them, look as text and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.render import FAILED_PROOF, amounts, envelope, show_change
from tattoo_data.clock import timestamp
from tattoo_data.environment import Environment
from tattoo_data.repository.manifests import is_generated

if TYPE_CHECKING:
    from tattoo_data.backups.remove import Removed
    from tattoo_data.backups.restore import Restored
    from tattoo_data.backups.summary import Summary
    from tattoo_data.backups.take import Taken
    from tattoo_data.repository.manifests import Manifest

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: int | None) -> str:
    """A number of bytes for a reader: `3.4 MiB`."""
    if count is None:
        return "-"
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def age(moment: datetime, now: datetime) -> str:
    """How long ago something was: `12 min`, `3 h`, `5 d`."""
    seconds = max(0.0, (now - moment).total_seconds())
    for limit, length, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def show_taken(invocation: Invocation, env: Environment, taken: Taken) -> int:
    """Print what a backup or snapshot took, and return its exit code."""
    manifest, output = taken.manifest, invocation.output
    if output.json:
        output.document(
            envelope(
                invocation,
                env,
                name=manifest.name,
                reference=taken.reference,
                kind=manifest.kind,
                createdAt=timestamp(manifest.created_at),
                asOf=manifest.as_of.isoformat() if manifest.as_of else None,
                fingerprint=manifest.fingerprint,
                stores={
                    store.value: {
                        "count": about.count,
                        "fingerprint": about.fingerprint,
                        "packs": len(about.packs),
                        "bytes": about.bytes,
                    }
                    for store, about in manifest.stores.items()
                },
                drift=dict(manifest.drift),
                storedPacks=taken.packs,
                storedBytes=taken.stored_bytes,
            )
        )
        return 0
    counts = ", ".join(f"{store} {about.count:,}" for store, about in manifest.stores.items())
    output.line(f"{manifest.kind} {manifest.name}: done ({counts}).")
    packs = sum(len(about.packs) for about in manifest.stores.values())
    new = f"{taken.packs:,} of {packs:,} packs were new" if taken.packs else "everything was there already"
    output.line(f"Stored {size(taken.stored_bytes)}; {new}.")
    if manifest.drifted:
        output.line(
            f"Drift: {amounts({'entries': manifest.drifted})} changed while it was taken; it holds each as read."
        )
    output.line(f"Fingerprint {manifest.fingerprint[:16]}, {invocation.elapsed():.2f} s.")
    output.line(f"Restore it with: tattoo-data restore {manifest.name}")
    if not is_generated(manifest.name):
        output.line(f"This very version: {taken.reference}")
    return 0


def show_restored(invocation: Invocation, env: Environment, restored: Restored, *, headline: str, **more: Any) -> int:
    """Print what a restore did, and return its exit code."""
    source = restored.source
    code = show_change(
        invocation,
        env,
        restored.change,
        headline=f"{headline}, from {source.reference}",
        source=source.reference,
        proven=restored.proven,
        **more,
    )
    if code == 0 and restored.proven is False:
        invocation.output.say("error: the stores do not have the fingerprint of the snapshot.")
        return FAILED_PROOF
    if restored.proven and not invocation.output.json:
        invocation.output.line("Proven: the stores have the very fingerprint of the snapshot.")
    return code


def show_summaries(
    invocation: Invocation, env: Environment, found: list[Summary], equal: dict[str, str], *, more: int = 0
) -> int:
    """Print a list of snapshots: `equal` says which state each fingerprint is, `more` how many are not shown."""
    output, now = invocation.output, env.clock.now()
    if output.json:
        documents = [summary_document(each, equal, now) for each in found]
        output.document(envelope(invocation, env, snapshots=documents, more=more))
        return 0
    if not found:
        output.line("There is none. `tattoo-data backup` makes one.")
        return 0
    rows = [
        [
            each.name,
            each.kind,
            age(each.created_at, now),
            "-" if not each.counts else f"{sum(each.counts.values()):,}",
            size(each.data_bytes),
            size(each.stored_bytes),
            size(each.shared_bytes),
            (each.fingerprint or "-")[:16],
            equal.get(each.fingerprint or "", "-") if each.ours is not False else "another target's",
        ]
        for each in found
    ]
    output.table(["name", "kind", "age", "entries", "data", "stored", "shared", "fingerprint", "equals"], rows)
    for each in found:
        if each.problem:
            output.line(f"{each.reference}: {each.problem}")
    if more:
        output.line(f"... and {more:,} older ones (--limit 0 shows all)")
    return 0


def show_one(
    invocation: Invocation, env: Environment, summary: Summary, manifest: Manifest | None, equal: dict[str, str]
) -> int:
    """Print all about one snapshot."""
    output = invocation.output
    if output.json:
        about = {} if manifest is None else {"source": dict(manifest.source), "packs": _packs(manifest)}
        structure = {} if manifest is None else {store.value: each.structure for store, each in manifest.stores.items()}
        document = summary_document(summary, equal, env.clock.now())
        output.document(envelope(invocation, env, **document, **about, structure=structure))
        return 0
    rows = [
        ("Name", f"{summary.name} ({summary.kind})"),
        ("Version", summary.reference),
        ("Taken", f"{timestamp(summary.created_at)} by {summary.by or 'the Node tool'}"),
        ("Equals", equal.get(summary.fingerprint or "", "no state that is known")),
        ("Records", amounts(summary.records) or "not known"),
        ("Data", size(summary.data_bytes)),
        ("Stored", f"{size(summary.stored_bytes)}, of which {size(summary.shared_bytes)} are in others too"),
        ("Drift", f"{summary.drift:,} changed while it was taken"),
        ("Fingerprint", summary.fingerprint or "-"),
    ]
    if summary.as_of:
        rows.append(("As of", summary.as_of.isoformat()))
    for head, text in rows:
        output.line(f"{head:12}{text}")
    if manifest is not None:
        output.table(
            ["store", "count", "packs", "bytes", "fingerprint"],
            [
                [store.value, f"{each.count:,}", f"{len(each.packs):,}", size(each.bytes), each.fingerprint[:16]]
                for store, each in manifest.stores.items()
            ],
        )
    return 0


def _packs(manifest: Manifest) -> dict[str, int]:
    return {store.value: len(each.packs) for store, each in manifest.stores.items()}


def summary_document(each: Summary, equal: dict[str, str], now: datetime) -> dict[str, Any]:
    """The JSON form of a summary."""
    return {
        "name": each.name,
        "reference": each.reference,
        "kind": each.kind,
        "createdAt": timestamp(each.created_at),
        "ageSeconds": round(max(0.0, (now - each.created_at.astimezone(UTC)).total_seconds())),
        "thisTarget": each.ours,
        "records": dict(each.records),
        "stores": {store.value: count for store, count in each.counts.items()},
        "dataBytes": each.data_bytes,
        "storedBytes": each.stored_bytes,
        "sharedBytes": each.shared_bytes,
        "fingerprint": each.fingerprint,
        "equals": equal.get(each.fingerprint or ""),
        "asOf": each.as_of.isoformat() if each.as_of else None,
        "drift": each.drift,
        "by": each.by,
        "problem": each.problem,
    }


def show_removed(invocation: Invocation, env: Environment, removed: Removed, **more: Any) -> int:
    """Print what was removed from the repository, and return the exit code."""
    output = invocation.output
    if output.json:
        output.document(
            envelope(
                invocation,
                env,
                **more,
                dryRun=removed.dry_run,
                snapshots=list(removed.snapshots),
                kept=list(removed.kept),
                packs=removed.packs,
                bodies=removed.bodies,
                objects=removed.packs + removed.bodies + len(removed.snapshots),
                freedBytes=removed.freed_bytes,
            )
        )
        return 0
    for reference in removed.snapshots:
        output.line(f"{'would be removed' if removed.dry_run else 'removed'}: {reference}")
    parts = amounts({"snapshots": len(removed.snapshots), "packs": removed.packs, "images": removed.bodies})
    output.line(f"{parts}: {size(removed.freed_bytes)} {'would be freed' if removed.dry_run else 'freed'}.")
    return 0
