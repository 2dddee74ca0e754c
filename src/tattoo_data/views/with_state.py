"""With: a command runs while the stores hold another state, and finds them put back afterwards, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from tattoo_data.backups.catalogue import BEFORE_WITH
from tattoo_data.backups.remove import delete
from tattoo_data.backups.restore import RestoreOptions, restore, restore_backup
from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.engine.flow import no_progress
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment, Say
from tattoo_data.errors import IntegrityFailed, Locked, NotPutBack, TattooDataError, UnknownName
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.manifests import Kind as SnapshotKind
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.seeding.prove import Proof
from tattoo_data.seeding.reset import ResetOptions, reset
from tattoo_data.seeding.seed import SeedOptions, seed
from tattoo_data.views.child import Signals
from tattoo_data.views.sides import Kind, Side, is_backup

#: What can be done where somebody removed the snapshot, as the command may have done.
_NOT_KEPT = (
    "`tattoo-data undo` takes back what was written since, the last command first; `tattoo-data history` lists it. "
    "What was written with --no-undo cannot be taken back."
)
#: What is told of an error that `NotPutBack` tells on.
_PUT_BACK = "The snapshot is kept: restore it once nobody else writes."
#: How long the putting back waits for somebody who writes, at least: a lock that was left expires within a minute.
_WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What is done, one after the other. `take` keeps what the stores hold and returns its reference, `reset` makes
    them hold the state, `run` runs the command and returns its exit code, `restore` puts back what a reference names
    and `delete` forgets it. `say` tells what a user has to know."""

    take: Callable[[], str]
    reset: Callable[[], None]
    run: Callable[[], int]
    restore: Callable[[str], None]
    delete: Callable[[str], None]
    say: Say


def with_state(acts: Acts, signals: Signals) -> int:
    """Take a snapshot, make the stores hold the state, run the command, put the snapshot back and forget it. Returns
    the command's exit code.

    Raises `NotPutBack`, which names the snapshot and says whether it is there, where it could not be put back;
    `Stopped` and whatever stops the first acts, once the stores are as before.
    """
    reference = acts.take()
    changed = False
    try:
        acts.say(f"What the stores hold is kept as {reference}.")
        changed = True
        try:
            acts.reset()
        except Locked:
            changed = False  # somebody else writes, and what they write is not to be overwritten
            raise
        finally:
            signals.hold()
        return acts.run()
    finally:
        if changed:
            _put_back(acts, reference)
        else:
            _delete(acts, reference)


def acts_on(env: Environment, side: Side, options: WriteOptions, run: Callable[[], int]) -> Acts:
    """The acts on a target: `run` is the command, and `options` are for the writing before and after it."""
    # Who closes a terminal closes what is told there; that must not keep anything from being put back.
    say = _unfailing(env.say)
    before, after = replace(env, say=say), replace(env, say=say, progress=no_progress)
    patient = replace(options, wait=max(options.wait, _WAIT_SECONDS))

    def keep() -> str:
        _make_missing(before, options)
        taken = take(before, TakeOptions(name=BEFORE_WITH, kind=SnapshotKind.SNAPSHOT, wait=options.wait))
        if drifted := taken.manifest.drifted:
            say(f"note: {drifted:,} entries were written by somebody else while they were read.")
        return taken.reference

    def put_back(reference: str) -> None:
        done = restore(after, RestoreOptions(reference=reference, write=patient))
        if words := _shortfall(done.change, None):
            raise IntegrityFailed(what=words, hint=_PUT_BACK)
        if done.proven is False:
            raise IntegrityFailed(what="they read otherwise than they were", hint=_PUT_BACK)

    def forget(reference: str) -> None:
        delete(after, reference)

    return Acts(
        take=keep, reset=lambda: _reach(before, side, options), run=run, restore=put_back, delete=forget, say=say
    )


def _make_missing(env: Environment, options: WriteOptions) -> None:
    """Make the stores that are not there, as on a new machine: what is put back afterwards is that they are empty."""
    missing = [name for name in StoreName if env.stores[name].describe() is None]
    if missing:
        env.say(f"There is no {', no '.join(missing)} yet: made, and empty again afterwards.")
        with writing(env, Command(name="with"), options) as session:
            session.carry_out(Desired(stores=missing))


def _put_back(acts: Acts, reference: str) -> None:
    try:
        acts.restore(reference)
    except TattooDataError as error:
        if isinstance(error, UnknownName) and error.fields["kind"] == "snapshot":
            gone = f"the snapshot {reference} is not there any more"
            raise NotPutBack(snapshot=reference, reason=gone, hint=_NOT_KEPT) from error
        raise NotPutBack(snapshot=reference, reason=error.message) from error
    except Exception as error:
        raise NotPutBack(snapshot=reference, reason=f"{type(error).__name__}: {error}") from error
    _delete(acts, reference)


def _delete(acts: Acts, reference: str) -> None:
    try:
        acts.delete(reference)
    except TattooDataError as error:  # the stores are as before, which is what counts
        acts.say(f"note: the snapshot {reference} could not be removed: {error.message}")


def _reach(env: Environment, side: Side, options: WriteOptions) -> None:
    """Make the stores hold a state, scenario or snapshot, and nothing else. Raises `IntegrityFailed` where they do not
    hold it in the end."""
    change, proof = _made(env, side, options)
    if words := _shortfall(change, proof):
        raise IntegrityFailed(
            what=f"the stores do not hold {side.called}: {words}", hint="The command was not run, and all is put back."
        )


def _made(env: Environment, side: Side, options: WriteOptions) -> tuple[Change, Proof | None]:
    if side.kind is Kind.SNAPSHOT:
        return restore(env, RestoreOptions(reference=side.name, write=options)).change, None
    if is_backup(side):
        return restore_backup(env, Command(name="reset", arguments=(side.name,)), options).change, None
    if side.kind is Kind.STATE:
        done = reset(env, ResetOptions(state=side.name, write=options))
    else:
        done = seed(env, SeedOptions(scenario=side.name, only=True, write=options))
    return done.change, done.proof


def _shortfall(change: Change, proof: Proof | None) -> str:
    """What was not written or does not answer, in words; nothing where all is as it should be."""
    if change.failures:
        first = change.failures[0]
        more = f", and {len(change.failures) - 1:,} more" if len(change.failures) > 1 else ""
        return f"{first.store} {first.key}: {first.message}{more}"
    return "; ".join(proof.broken) if proof else ""


def _unfailing(say: Say) -> Say:
    def told(text: str) -> None:
        with suppress(OSError):  # nobody is there to read it
            say(text)

    return told
