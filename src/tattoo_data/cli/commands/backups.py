"""`backups list|show|verify|delete|prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.commands import list_backups
from tattoo_data.cli.complete import snapshot_names
from tattoo_data.cli.options import Invocation, common, wait_for_prune, yes

if TYPE_CHECKING:
    from tattoo_data.backups.verify import Verified
    from tattoo_data.environment import Environment

SHOW_EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data backups show before-test-suite

\b
Exit status:
  0  shown
  10 nothing has this name
  12 it is damaged
  14 a service does not answer
"""
VERIFY_EPILOG = """\b
Touches: nothing. It reads every object that the backups need.

\b
Example:
  tattoo-data backups verify
  tattoo-data backups verify before-test-suite

\b
Exit status:
  0  all of it is there and whole
  10 nothing has this name
  12 something is gone or damaged; it is named
  14 a service does not answer
"""
DELETE_EPILOG = """\b
Touches: the backup bucket. There is no undo; what it held alone takes room until a prune.

\b
Example:
  tattoo-data backups delete before-test-suite --yes

\b
Exit status:
  0  it is gone
  2  it was not answered whether to go on
  10 nothing has this name; a beginning of it is not enough
  11 the backup bucket is being pruned
  14 a service does not answer
"""
PRUNE_EPILOG = """\b
Touches: the backup bucket. There is no undo.

\b
Example:
  tattoo-data backups prune --keep 5 --daily 7 --weekly 4 --dry-run
  tattoo-data backups prune --yes

\b
Exit status:
  0  pruned
  2  it was not answered whether to go on
  10 nothing has such a name
  11 another prunes
  12 a backup is damaged, so that nobody knows what it needs
  14 a service does not answer
"""
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")


@click.group("backups")
def command() -> None:
    """List, check and remove backups and snapshots."""


command.add_command(list_backups.command, "list")


@command.command("show", epilog=SHOW_EPILOG)
@click.argument("name", shell_complete=snapshot_names)
@common
def show(invocation: Invocation, name: str) -> int:
    """Show what one of them holds, when and by whom it was taken."""
    from tattoo_data.backups.summary import shown
    from tattoo_data.cli.backups import show_one
    from tattoo_data.views.recognise import equals

    with invocation.environment() as env:
        summary, manifest = shown(env, name)
        return show_one(invocation, env, summary, manifest, equals(env, [summary]))


@command.command("verify", epilog=VERIFY_EPILOG)
@click.argument("names", nargs=-1, shell_complete=snapshot_names)
@common
def verify(invocation: Invocation, names: tuple[str, ...]) -> int:
    """Read all that backups need, and name what is gone or damaged."""
    from tattoo_data.backups.verify import verify

    with invocation.environment() as env:
        return _show_verified(invocation, env, list(verify(env, names)))


@command.command("delete", epilog=DELETE_EPILOG)
@click.argument("name", shell_complete=snapshot_names)
@yes
@_DRY_RUN
@wait_for_prune
@common
def delete(invocation: Invocation, name: str, dry_run: bool, wait: float) -> int:
    """Remove a backup or snapshot: NAME all versions, NAME@ID one."""
    from tattoo_data.backups.remove import delete, versions
    from tattoo_data.cli.backups import show_removed
    from tattoo_data.cli.confirm import confirm

    with invocation.environment() as env:
        stored, archives = versions(env, name)
        if not dry_run:
            count = len(stored) + len(archives)
            what = f"backups delete {name} removes {count} version{'s' if count > 1 else ''}, and there is no undo"
            confirm(invocation, env, what, always=True)
        return show_removed(invocation, env, delete(env, name, dry_run=dry_run, wait=wait))


@command.command("prune", epilog=PRUNE_EPILOG)
@click.argument("names", nargs=-1, shell_complete=snapshot_names)
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Keep the newest N of each name.")
@click.option("--daily", type=click.IntRange(1), metavar="N", help="Keep the newest of each of N days.")
@click.option("--weekly", type=click.IntRange(1), metavar="N", help="Keep the newest of each of N weeks.")
@yes
@_DRY_RUN
@wait_for_prune
@common
def prune(
    invocation: Invocation,
    names: tuple[str, ...],
    keep: int | None,
    daily: int | None,
    weekly: int | None,
    dry_run: bool,
    wait: float,
) -> int:
    """Remove old versions, and what no backup needs any more.

    Of each name the newest N are kept, and the newest of each of the last days and weeks that have one; unnamed backups
    count as one name. Without --keep, --daily or --weekly all versions are kept.
    """
    from tattoo_data.backups.remove import PruneOptions, prune, require
    from tattoo_data.cli.backups import show_removed
    from tattoo_data.cli.confirm import confirm

    options = PruneOptions(
        names=names, keep=keep or 0, daily=daily or 0, weekly=weekly or 0, dry_run=dry_run, wait=wait
    )
    with invocation.environment() as env:
        require(env, names)
        confirm(invocation, env, options.question, always=True)
        return show_removed(invocation, env, prune(env, options))


def _show_verified(invocation: Invocation, env: Environment, found: list[Verified]) -> int:
    from tattoo_data.cli.render import FAILED_PROOF, envelope

    damaged = [each for each in found if each.damage]
    if invocation.output.json:
        snapshots = [
            {
                "reference": each.reference,
                "packs": each.packs,
                "bodies": each.bodies,
                "damage": list(each.damage),
            }
            for each in found
        ]
        invocation.output.document(envelope(invocation, env, snapshots=snapshots, damaged=len(damaged)))
    else:
        for each in found:
            said = "damaged" if each.damage else f"whole ({each.packs:,} packs, {each.bodies:,} images)"
            invocation.output.line(f"{each.reference}: {said}")
            for wrong in each.damage:
                invocation.output.line(f"  {wrong}")
        if not found:
            invocation.output.line("There is none.")
    return FAILED_PROOF if damaged else 0
