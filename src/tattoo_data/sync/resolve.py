"""Resolve: every conflict decided by a strategy or by hand, and what was decided written, conditionally.

A decision is about what both stores held when it was made. Where somebody wrote in between, it is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment
from tattoo_data.errors import FileFailed, TattooDataError, UnknownName, UsageError
from tattoo_data.files import replacing
from tattoo_data.runs.session import Command, WriteOptions, as_change, writing
from tattoo_data.sync.decide import decide
from tattoo_data.sync.detect import BOTH, look_at
from tattoo_data.sync.look import Look
from tattoo_data.sync.plan_file import Plan, read, write
from tattoo_data.sync.point import RESOLVED, take_point
from tattoo_data.sync.policy import Policy, Strategy
from tattoo_data.sync.resolver import Decided, Resolver
from tattoo_data.validation.stream import Stream

#: A clock may be an hour off; what is further ahead is believed by nobody.
_AHEAD = timedelta(days=1)
_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOptions:
    """`apply` is a plan with decisions by hand, which go before the policy. A side without an artist empties the other
    one with `allow_empty` only."""

    policy: Policy
    apply: Path | None = None
    allow_empty: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        return None if self.write.dry_run else "sync resolve-conflicts changes or removes records"

    @property
    def arguments(self) -> tuple[str, ...]:
        """As they are typed."""
        prefer = ("--prefer", self.policy.prefer.value) if self.policy.prefer else ()
        plan = ("--apply", str(self.apply)) if self.apply else ()
        empty = ("--allow-empty",) if self.allow_empty else ()
        return (self.policy.strategy.value, *prefer, *plan, *empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What was decided and done. `left` are those decisions that somebody has to make. `point` is the sync point that
    both sides were held against, and `new_point` the one that was set afterwards."""

    change: Change
    decisions: Stream[Decided]
    kinds: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    point: str | None = None
    new_point: str | None = None


def resolve(env: Environment, options: ResolveOptions) -> Resolved:
    """Decide every conflict and write what was decided. Where nothing is left, nothing failed and both agree
    then, a new sync point is set, unless the last one holds the same.

    Raises as every writing command does, `StoreMissing` where one of both is not there, `SourceEmpty` where one holds
    no artist and the other would lose some by that, and `UsageError` for a plan that is none, before anything is
    written.
    """
    plan = _plan(options.apply) if options.apply else None
    command = Command(name="sync", arguments=("resolve-conflicts", *options.arguments))
    with writing(env, command, options.write) as session:
        if ended := session.finished:
            return Resolved(change=as_change(ended), decisions=Stream(Decided))
        env.target.require_readable({name: env.stores[name].describe() for name in BOTH})
        policy = replace(options.policy, horizon=env.clock.now() + _AHEAD)
        resolver = Resolver(look=Look(env), policy=policy, plan=plan, allow_empty=options.allow_empty)
        change = session.carry_out(
            Desired(stores=BOTH, derive=resolver, finish=resolver.finish, prune=True, scope=resolver.goes)
        )
    if plan:
        _note_unused(env, plan, resolver)
    return Resolved(
        change=change,
        decisions=resolver.decisions,
        kinds=dict(resolver.kinds),
        left=resolver.left,
        point=resolver.look.point.reference if resolver.look.point else None,
        new_point=_set_point(env, resolver, change),
    )


def write_plan(env: Environment, path: Path) -> int:
    """Write the conflicts that somebody is to decide into a file, and return how many there are. Read-only on live
    stores. Raises as `detect` does, `UsageError` where there is such a file, which may hold decisions, and
    `FileFailed`."""
    if str(path) == "-":
        raise UsageError(what="a plan is a file to edit, so it is not written to `-`", hint="Name a file: plan.jsonl")
    if path.exists():
        hint = "Name another file, or remove it. `--apply` does what was decided in it."
        raise UsageError(what=f"{path} is there already, and may hold decisions", hint=hint)
    manual = Policy(strategy=Strategy.MANUAL)
    due = (conflict for conflict in look_at(env, Look(env)) if decide(conflict, manual).is_left)
    count = -1  # the header is no conflict
    try:
        with replacing(path) as file:
            for line in write(due):
                file.write(line)
                count += 1
    except OSError as error:
        raise FileFailed(path=str(path), reason=error.strerror or str(error)) from error
    return count


def _set_point(env: Environment, resolver: Resolver, change: Change) -> str | None:
    if change.dry_run or resolver.left or change.failures:
        return None
    last = resolver.look.point
    stores = last.manifest.stores if last else {}
    if stores and all(change.fingerprints.get(name) == stores[name].fingerprint for name in BOTH):
        return None
    try:
        if next(look_at(env, Look(env)), None) is not None:
            return None  # somebody wrote since
        return take_point(env, RESOLVED).reference
    except TattooDataError as error:  # the command's own work is done
        env.say(f"note: no sync point could be set: {error.message}")
        return None


def _note_unused(env: Environment, plan: Plan, resolver: Resolver) -> None:
    """Say which decisions are about nothing: done before, or their id is mistyped."""
    unused = [key for key, planned in plan.items() if planned.choice is not None and key not in resolver.planned]
    if unused:
        more = f" and {len(unused) - _NAMED:,} more" if len(unused) > _NAMED else ""
        named = ", ".join(unused[:_NAMED]) + more
        env.say(f"note: the plan decides on artists on whom both sides agree, or whom nobody has: {named}")


def _plan(path: Path) -> Plan:
    try:
        with path.open("rb") as lines:
            return read(lines, str(path))
    except OSError as error:
        there = sorted(each.name for each in path.parent.glob("*.jsonl"))
        raise UnknownName(kind="plan", name=str(path), known=there) from error
