"""Doctor: whether everything that the commands need is there and right. Read-only; it starts nothing, and sends nothing
to an address that the guard refuses."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tattoo_data import guard, stack
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment, Target, open_environment
from tattoo_data.errors import ForeignEmulator, TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.settings import Settings
from tattoo_data.stores.wire import Trace
from tattoo_data.views.machine import Check, Health, extras, home, ports, python, room
from tattoo_data.views.status import Status, StoreStatus, status

#: AWS refuses requests that are signed a quarter of an hour off.
_SKEWED, _REFUSED = 30.0, 15 * 60.0
_TOLD = 3
_MENDS = {
    StoreName.TABLE: "`tattoo-data validate database` says more; DYNAMODB_TABLE_NAME names another one.",
    StoreName.INDEX: "`tattoo-data sync dynamo-to-os` builds it anew from the table.",
    StoreName.IMAGES: "`tattoo-data reset fresh` makes it and fills it.",
}
#: Where it cannot be read at all, so that nothing of ours mends it.
_REFUSED_HINTS = {StoreName.INDEX: "Nothing opens it by itself. OPENSEARCH_INDEX names another one."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Every check in the order in which they depend on each other; `target` is None where it was not reached."""

    checks: tuple[Check, ...]
    target: Target | None = None

    def count(self, health: Health) -> int:
        """How many ended so."""
        return sum(each.status is health for each in self.checks)


def doctor(
    settings: Callable[[], Settings],
    clock: Clock,
    trace: Trace | None = None,
    kept: Callable[[Path], Iterable[Check]] = lambda home: (),
) -> Diagnosis:
    """Look at everything, from the machine to the data. It raises nothing: what keeps it from looking is a check that
    is broken. `settings` resolves them, and may raise; `kept` looks at what monitoring keeps in the state folder."""
    checks = [*_safely("python", python), *_safely("room-temporary", _temporary)]
    try:
        resolved = settings()
    except Exception as error:  # noqa: BLE001  that they cannot be resolved is what is to be told
        return Diagnosis(checks=(*checks, *_safely("extras", extras), _unresolved(error)))
    checks += _safely("settings", lambda: _settings(resolved))
    checks += _safely("home", lambda: home(resolved.home))
    checks += _safely("room-home", lambda: room("room-home", resolved.home, "TATTOO_DATA_HOME"))
    checks += _safely("monitoring", lambda: kept(resolved.home))
    before = _safely("target", lambda: _target(resolved))
    if not _has_broken(before):
        before += _safely("credentials", lambda: _credentials(resolved))
    if _has_broken(before) or _is_at_rest(resolved):
        return Diagnosis(checks=(*checks, *before))
    target, found = _reached(resolved, clock, trace)
    return Diagnosis(checks=(*checks, *before, *found), target=target)


def _has_broken(checks: Iterable[Check]) -> bool:
    return any(each.status is Health.BROKEN for each in checks)


def _safely(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks of one look, and one more where it fails."""
    found: list[Check] = []
    try:
        found.extend(look())
    except Exception as error:  # noqa: BLE001  whatever is broken, the rest is to be looked at
        found.append(_broken(name, error))
    return found


def _broken(name: str, error: Exception) -> Check:
    if isinstance(error, TattooDataError):
        return Check(id=name, status=Health.BROKEN, message=error.message, hint=error.hint)
    message = f"it could not be looked at: {type(error).__name__}: {error}"
    return Check(id=name, status=Health.BROKEN, message=message, hint="`tattoo-data doctor --debug` shows requests.")


def _unresolved(error: Exception) -> Check:
    check = _broken("settings", error)
    hint = f"{check.hint} Until this is mended, nothing more can be looked at."
    return replace(check, hint=hint) if isinstance(error, TattooDataError) else check


def _temporary() -> Iterator[Check]:
    return room("room-temporary", Path(tempfile.gettempdir()), "TMPDIR")


def _settings(settings: Settings) -> Iterator[Check]:
    named = sorted(name for name, source in settings.sources.items() if source != "default")
    given = ", ".join(f"{name} ({settings.sources[name].split(' ')[0]})" for name in named) or "all are defaults"
    file = str(settings.config_path) if settings.config_path else "no tattoo-data.toml"
    yield Check(id="settings", status=Health.OK, message=f"{file}; {given}")


def _target(settings: Settings) -> Iterator[Check]:
    """Which services are named, and whether they may be asked: nothing is sent yet."""
    target = settings.target()
    yield from extras(needed="local" if _is_at_rest(settings) else None)
    if target.embedded:
        yield from _stack(settings)
        return
    for name, url in (("dynamodb", target.dynamodb), ("s3", target.s3), ("opensearch", target.opensearch)):
        yield from _safely(f"address-{name}", partial(_address, name, url, settings))


def _address(name: str, url: str | None, settings: Settings) -> Iterator[Check]:
    if url is None:
        message = f"not named; it is found through {settings.aws_endpoint}"
    else:
        endpoint = guard.check(url, allow=settings.allow)
        message = f"{endpoint.url}, {'local' if endpoint.local else 'named in the settings file'}"
    yield Check(id=f"address-{name}", status=Health.OK, message=message)


def _credentials(settings: Settings) -> Iterator[Check]:
    """Those that a target needs, and pairs of which one half is set."""
    target = settings.target()
    if not target.embedded:
        settings.credentials(local=guard.check(target.dynamodb, allow=settings.allow).local)
    pairs = (
        ("AWS_ACCESS_KEY_ID", settings.access_key, "AWS_SECRET_ACCESS_KEY", settings.secret_key),
        ("OPENSEARCH_USERNAME", settings.opensearch_username, "OPENSEARCH_PASSWORD", settings.opensearch_password),
    )
    found = False
    for first, one, second, other in pairs:
        if bool(one) != bool(other):
            there, missing = (first, second) if one else (second, first)
            message = f"{there} is set, and {missing} is not"
            yield Check(id="credentials", status=Health.WARNING, message=message, hint=f"Set both, or: unset {there}")
            found = True
    if not found:
        given = "from the environment" if settings.access_key else "none are set, and none are needed"
        yield Check(id="credentials", status=Health.OK, message=given)


def _stack(settings: Settings) -> Iterator[Check]:
    options = stack.options_of(settings)
    running, report = stack.running(options), stack.status(options)
    if running is None and not settings.local and stack.foreign_emulator(options):
        raise ForeignEmulator(url=f"http://localhost:{options.aws_port}", home=str(options.home))
    if running:
        message = f"running at {running.aws_endpoint} and {running.opensearch_endpoint}"
        yield Check(id="stack", status=Health.OK, message=message)
        return
    if report.unclean:
        message = "it was not stopped in an orderly way: the table may be lost, objects are not"
        yield Check(id="stack", status=Health.WARNING, message=message, hint="tattoo-data reset fresh")
    else:
        message = "not running; the first command that needs it starts it"
        yield Check(id="stack", status=Health.OK, message=message)
    yield from ports(options)


def _is_at_rest(settings: Settings) -> bool:
    """Whether the target is an embedded stack that does not run."""
    return settings.target().embedded and stack.running(stack.options_of(settings)) is None


def _reached(settings: Settings, clock: Clock, trace: Trace | None) -> tuple[Target | None, list[Check]]:
    """The target, and what its stores are like."""
    target: Target | None = None
    checks: list[Check] = []
    try:
        with open_environment(settings, clock, start=False, trace=trace) as env:
            target = env.target
            checks += _safely("clock", lambda: _clock(env))
            checks += _safely("backups", lambda: _repository(env))
            checks += _safely("stores", lambda: _stores(env, status(env)))
    except Exception as error:  # noqa: BLE001  a service that is not found is what is to be told
        checks.append(_broken("services", error))
    return target, checks


def _clock(env: Environment) -> Iterator[Check]:
    theirs = env.repository.now()
    if theirs is None:
        yield Check(id="clock", status=Health.OK, message="not known: S3 does not tell its time")
        return
    skew = (env.clock.now() - theirs).total_seconds()
    health = Health.BROKEN if abs(skew) > _REFUSED else Health.WARNING if abs(skew) > _SKEWED else Health.OK
    how = "ahead of" if skew > 0 else "behind"
    message = f"{abs(skew):,.0f} s {how} that of S3" if health is not Health.OK else "as that of S3"
    hint = "Set this machine's clock, or that of the services." if health is not Health.OK else ""
    yield Check(id="clock", status=health, message=message, hint=hint)


def _stores(env: Environment, found: Status) -> Iterator[Check]:
    for name, store in found.stores.items():
        yield _store(env, name, store, found.unreachable)
    if found.consistent is not None:
        yield _in_step(consistent=found.consistent)
    yield from _runs(found)
    for note in found.notes:
        hint = found.hints.get(note, "tattoo-data migrate list")
        yield Check(id="notes", status=Health.WARNING, message=note, hint=hint)


def _store(env: Environment, name: StoreName, store: StoreStatus, error: TattooDataError | None) -> Check:
    called, endpoint = env.target.place_of(name)
    if store.engine is None and store.count is None:
        hint = error.hint if error else "tattoo-data status"
        return Check(id=name.value, status=Health.BROKEN, message="; ".join(store.problems), hint=hint)
    if store.engine is None:
        message, hint = f"{called} does not exist at {endpoint}", "tattoo-data reset fresh"
        return Check(id=name.value, status=Health.WARNING, message=message, hint=hint)
    if not store.healthy:
        told = "; ".join(store.problems[:_TOLD])
        more = f"; and {len(store.problems) - _TOLD} more" if len(store.problems) > _TOLD else ""
        message = f"{called} is not as it must be: {told}{more}"
        hint = _REFUSED_HINTS.get(name, _MENDS[name]) if store.count is None else _MENDS[name]
        return Check(id=name.value, status=Health.BROKEN, message=message, hint=hint)
    return Check(id=name.value, status=Health.OK, message=f"{called}, {store.engine}, {store.count:,} entries")


def _in_step(*, consistent: bool) -> Check:
    if consistent:
        return Check(id="consistency", status=Health.OK, message="the index holds what the table's artists give")
    return Check(
        id="consistency",
        status=Health.WARNING,
        message="the index does not hold what the table's artists give",
        hint="`tattoo-data sync detect-conflicts` shows where; `tattoo-data sync dynamo-to-os` takes the table's word.",
    )


def _repository(env: Environment) -> Iterator[Check]:
    there = "is there" if env.repository.exists() else "does not exist yet; the first command that writes makes it"
    yield Check(id="backups", status=Health.OK, message=f"{env.target.backup_bucket} {there}")


def _runs(found: Status) -> Iterator[Check]:
    lock = found.lock
    if lock is not None and not lock.is_free:
        message = f"{lock.holder or 'another program'} writes for {lock.age:.0f} s"
        yield Check(
            id="lock", status=Health.WARNING, message=message, hint="Add --wait S to a command, to wait for it."
        )
    elif lock is not None:
        message = f"left by a command that died: {lock.holder or 'another program'}; the next one takes it over"
        yield Check(id="lock", status=Health.WARNING, message=message, hint="tattoo-data status")
    else:
        yield Check(id="lock", status=Health.OK, message="nobody writes")
    if found.interrupted:
        words = found.interrupted.words
        message = f"`{words}` was killed before it ended"
        yield Check(id="runs", status=Health.WARNING, message=message, hint=f"tattoo-data {words}")
    else:
        yield Check(id="runs", status=Health.OK, message="none was interrupted")
