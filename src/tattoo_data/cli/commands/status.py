"""`status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.repository.runs import Run
    from tattoo_data.views.status import Status, StoreStatus

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data status
  tattoo-data status --json | jq -r .state

\b
Exit status:
  0  whatever was found
  14 a service does not answer; what could be read is printed first
"""
_LISTED = 3


@click.command("status", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Show what the live stores hold and which state that is."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.views.status import status

    with invocation.environment() as env:
        found = status(env)
        if invocation.output.json:
            invocation.output.document(envelope(invocation, env, **_document(found)))
        else:
            _show(invocation, found, env.target.document())
        if found.unreachable:
            raise found.unreachable
    return 0


def _document(found: Status) -> dict[str, Any]:
    return {
        "state": found.state,
        "fingerprint": found.fingerprint,
        "stores": {
            name.value: {
                "count": store.count,
                "fingerprint": store.fingerprint,
                "engine": store.engine,
                "healthy": store.healthy,
                "problems": list(store.problems),
            }
            for name, store in found.stores.items()
        },
        "records": None if found.records is None else dict(found.records),
        "consistent": found.consistent,
        "schemaVersion": found.schema_version,
        "pendingMigrations": None if found.pending_migrations is None else list(found.pending_migrations),
        "asOf": found.as_of.isoformat() if found.as_of else None,
        "lastBackup": _backup(found),
        "lastRun": _run(found.last_run),
        "interrupted": _interrupted(found.interrupted),
        "lock": _lock(found),
        "notes": list(found.notes),
    }


def _backup(found: Status) -> dict[str, Any] | None:
    from tattoo_data.clock import timestamp

    last = found.last_backup
    return {"reference": last.reference, "createdAt": timestamp(last.created_at)} if last else None


def _run(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "id": run.id,
        "command": run.words,
        "status": run.status,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
    }


def _interrupted(run: Run | None) -> dict[str, Any] | None:
    document = _run(run)
    return None if run is None or document is None else {**document, "mend": f"tattoo-data {run.words}"}


def _lock(found: Status) -> dict[str, Any] | None:
    lock = found.lock
    if lock is None:
        return None
    holder = lock.holder
    return {
        "command": holder.command if holder else None,
        "pid": holder.pid if holder else None,
        "host": holder.host if holder else None,
        "ageSeconds": round(lock.age, 1),
        "expired": lock.is_free,
    }


def _show(invocation: Invocation, found: Status, target: dict[str, Any]) -> None:
    from tattoo_data.cli.render import amounts

    output = invocation.output
    records = amounts(found.records or {})
    consistent = {True: "yes", False: "no", None: "not known"}[found.consistent]
    as_of = f", as of {found.as_of}" if found.as_of else ""
    output.line(f"State       {found.state or 'none that is known'}{as_of}")
    output.line(f"Records     {records or 'not known'}")
    output.line(f"Consistent  {consistent}")
    if found.schema_version:
        output.line(f"Schema      {found.schema_version}{_pending(found)}")
    for note in found.notes:
        output.say(f"note: {note}")
    rows = [
        [
            name.value,
            "-" if store.count is None else f"{store.count:,}",
            store.engine or "-",
            _health(store),
            (store.fingerprint or "-")[:16],
        ]
        for name, store in found.stores.items()
    ]
    output.table(["store", "count", "engine", "health", "fingerprint"], rows)
    for name, store in found.stores.items():
        for problem in store.problems if output.verbose else store.problems[:_LISTED]:
            output.line(f"{name.value}: {problem}")
        if len(store.problems) > _LISTED and not output.verbose:
            output.line(f"{name.value}: ... and {len(store.problems) - _LISTED} more differences (-v shows all)")
    output.line(f"Target      {target['awsEndpoint']} and {target['opensearchEndpoint']}")
    if found.last_backup:
        output.line(f"Last backup {found.last_backup.reference}")
    if found.last_run:
        run = found.last_run
        output.line(f"Last run    {run.words}, {run.status}, {run.started_at}")
    if found.interrupted:
        mend = found.interrupted.words
        output.line(f"Interrupted The last command was killed before it ended; `tattoo-data {mend}` mends it.")
    if found.lock and not found.lock.is_free:
        output.line(f"Lock        held by {found.lock.holder or 'another program'} for {found.lock.age:.0f} s")


def _pending(found: Status) -> str:
    names = found.pending_migrations
    return f", pending: {', '.join(names)}" if names else ""


def _health(store: StoreStatus) -> str:
    if store.healthy:
        return "healthy"
    return "not healthy" if store.engine else "missing" if store.count == 0 else "unreachable"
