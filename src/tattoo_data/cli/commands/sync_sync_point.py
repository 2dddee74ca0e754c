"""`sync sync-point NAME`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common, wait_for_prune

EPILOG = """\b
Touches: nothing live; it stores a snapshot in the backup bucket, and a file in ./sync-points/.

\b
Example:
  tattoo-data sync sync-point before-deploy
  tattoo-data sync validate-sync-point before-deploy

\b
Exit status:
  0  it is set
  1  the file cannot be written
  2  the name is invalid
  10 the table or the index does not exist
  11 the backup bucket is being pruned
  14 a service does not answer
"""


@click.command("sync-point", epilog=EPILOG)
@click.argument("name")
@wait_for_prune
@common
def command(invocation: Invocation, name: str, wait: float) -> int:
    """Keep what table and index hold now, to tell later who changed what."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.clock import timestamp
    from tattoo_data.sync.point import set_point

    invocation.command = "sync sync-point"
    with invocation.environment() as env:
        point = set_point(env, name, wait=wait)
        manifest = point.taken.manifest
        if invocation.output.json:
            document = envelope(
                invocation,
                env,
                name=manifest.name,
                syncPoint=point.taken.reference,
                file=str(point.file),
                createdAt=timestamp(manifest.created_at),
                counts={store.value: count for store, count in point.counts.items()},
                fingerprints={store.value: manifest.stores[store].fingerprint for store in point.counts},
                changedMeanwhile=manifest.drifted,
            )
            invocation.output.document(document)
        else:
            counts = ", ".join(f"{count:,} of {store}" for store, count in point.counts.items())
            invocation.output.line(f"Sync point {point.taken.reference}: {counts}.")
            invocation.output.line(f"Written: {point.file}")
            if manifest.drifted:
                invocation.output.line(f"{manifest.drifted:,} entries changed while it was taken.")
    return 0
