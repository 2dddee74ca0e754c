"""`sync resolve-conflicts [STRATEGY]`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation, common, writing

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.sync.policy import Policy
    from tattoo_data.sync.resolve import Resolved

EPILOG = """\b
Touches: table and index, of artists on whom they disagree.

\b
Example:
  tattoo-data sync resolve-conflicts latest --dry-run
  tattoo-data sync resolve-conflicts merge --prefer table
  tattoo-data sync resolve-conflicts manual --plan plan.jsonl
  tattoo-data sync resolve-conflicts manual --apply plan.jsonl

\b
Exit status:
  0  every conflict is resolved
  2  no such strategy, or the plan is none
  3  finished, some records failed; they are named
  10 there is no table, no index or no plan
  11 another command writes to this target
  12 the sync point is damaged
  13 some conflicts need a decision; they are named. Or a side holds no artist
  14 a service does not answer
"""
_LEFT = 20


def _strategies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from tattoo_data.sync.policy import Strategy

    return [CompletionItem(each.value) for each in Strategy if each.value.startswith(incomplete)]


@click.command("resolve-conflicts", epilog=EPILOG)
@click.argument("strategy", default="latest", shell_complete=_strategies)
@click.option("--prefer", type=click.Choice(["table", "index"]), help="merge: whose value of what both changed.")
@click.option("--plan", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="manual: write a plan.")
@click.option("--apply", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="manual: do a plan.")
@click.option("--allow-empty", is_flag=True, help="Remove artists although the other side holds none at all.")
@writing
@common
def command(
    invocation: Invocation,
    strategy: str,
    prefer: str | None,
    plan: Path | None,
    apply: Path | None,
    allow_empty: bool,
    write: WriteOptions,
) -> int:
    """Decide on every artist on whom table and index disagree.

    STRATEGY is latest, dynamo_wins, opensearch_wins, merge or manual. What only one side changed since the last sync
    point is taken whatever it is. --dry-run prints every decision with its reason.
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.errors import UsageError
    from tattoo_data.sync.policy import policy_of
    from tattoo_data.sync.resolve import ResolveOptions, resolve

    if plan is not None and write.dry_run:
        raise UsageError(
            what="--plan writes a file, and --dry-run changes nothing: give one of them",
            hint="`resolve-conflicts latest --dry-run` shows what there is to decide, and writes nothing.",
        )
    policy = policy_of(strategy, prefer, plan=plan, apply=apply)
    options = ResolveOptions(policy=policy, apply=apply, allow_empty=allow_empty, write=write)
    invocation.command = "sync resolve-conflicts"
    with invocation.environment(write=not (write.dry_run or plan)) as env:
        if plan is not None:
            return _write_plan(invocation, env, plan)
        confirm(invocation, env, options.question)
        return _show(invocation, env, resolve(env, options), policy)


def _write_plan(invocation: Invocation, env: Environment, plan: Path) -> int:
    from tattoo_data.cli.render import UNDECIDED, envelope
    from tattoo_data.sync.resolve import write_plan

    count = write_plan(env, plan)
    if invocation.output.json:
        invocation.output.document(envelope(invocation, env, strategy="manual", file=str(plan), left=count))
    elif count:
        conflicts = "1 conflict" if count == 1 else f"{count:,} conflicts"
        invocation.output.line(f"{plan}: {conflicts} to decide; edit it, then --apply {plan}")
    else:
        invocation.output.line(f"{plan}: there is nothing to decide by hand.")
    return UNDECIDED if count else 0


def _show(invocation: Invocation, env: Environment, done: Resolved, policy: Policy) -> int:
    from tattoo_data.cli.render import UNDECIDED
    from tattoo_data.cli.syncing import show_written

    more = {
        "strategy": policy.strategy.value,
        "prefer": policy.prefer.value if policy.prefer else None,
        "kinds": dict(sorted(done.kinds.items())),
        "left": done.left,
        "syncPoint": done.point,
        "newSyncPoint": done.new_point,
    }
    headline = f"{invocation.command} {policy.strategy}"
    decisions = (_document(each) for each in done.decisions)
    code = show_written(invocation, env, done.change, headline, more, decisions=decisions)
    if not invocation.output.json:
        _show_decisions(invocation, done)
    return UNDECIDED if done.left and not code and not done.change.dry_run else code


def _document(decided: object) -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.structs.asdict(decided)  # type: ignore[arg-type]
    return {("conflict" if name == "kind" else name): value for name, value in document.items()}


def _show_decisions(invocation: Invocation, done: Resolved) -> None:
    from tattoo_data.cli.syncing import say_more

    output = invocation.output
    if done.change.dry_run or output.verbose:
        for each in done.decisions:
            what = "left" if each.left else f"item {each.item}, document {each.document}"
            output.line(f"{each.id}: {what}: {each.reason}")
    else:
        left = (each for each in done.decisions if each.left)
        for each in islice(left, _LEFT):
            output.line(f"left: {each.id}: {each.reason}")
        say_more(invocation, done.left - _LEFT)
    if done.decisions.count:
        decided = done.decisions.count - done.left
        against = f"against sync point {done.point}" if done.point else "without a sync point"
        output.line(f"{decided:,} of {done.decisions.count:,} conflicts decided {against}, {done.left:,} left.")
    if done.new_point:
        output.line(f"Sync point {done.new_point} is set.")
