"""Mine: what the user's own stores and backup bucket hold, in a few words for each, so that two looks can be compared.
Read-only.
"""

from __future__ import annotations

from collections.abc import Mapping

from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError, Unreachable
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical

_BACKUPS = "backups"
#: How the words begin for what could not be looked at.
UNREAD = "not read: "


def look(env: Environment) -> Mapping[str, str]:
    """What there is now: for each store whether it is there, how many entries, and their fingerprint."""
    found = {name.value: _store(env, name) for name in StoreName}
    return found | {_BACKUPS: _backups(env)}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is not as it was, in words."""
    return [f"{name} was: {was}, is: {now[name]}" for name, was in before.items() if now[name] != was]


def require_any(env: Environment) -> None:
    """Raise the first error where not one of the three services answers."""
    errors: list[Unreachable] = []
    for name in StoreName:
        try:
            env.stores[name].describe()
        except Unreachable as error:
            errors.append(error)
        except TattooDataError:
            return  # it answers, and its check says what is wrong
        else:
            return
    raise errors[0]


def _store(env: Environment, name: StoreName) -> str:
    try:
        live = read_all(env.stores, env.pool, only=[name], keep=False, progress=env.progress)[name]
    except TattooDataError as error:
        return UNREAD + error.id
    if not live.exists:
        return "not there"
    return "of another structure" if live.is_refused else f"{live.total.count:,} entries ({live.total.hex()[:16]})"


def _backups(env: Environment) -> str:
    """The backup bucket by its objects' keys and ETags; locks come and go, and are not data."""
    total = Sum()
    try:
        if not env.repository.exists():
            return "not there"
        for each in env.repository.objects():
            if not each.key.startswith("locks/"):
                total.add(digest_canonical(each.key, each.etag.encode()))
    except TattooDataError as error:
        return UNREAD + error.id
    return f"{total.count:,} objects ({total.hex()[:16]})"
