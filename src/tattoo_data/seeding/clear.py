"""Clear: all live stores, or one of them, empty and with the right structure."""

from __future__ import annotations

from dataclasses import dataclass

from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment
from tattoo_data.errors import UnknownChoice
from tattoo_data.model.entry import StoreName
from tattoo_data.runs.session import Command, WriteOptions, writing

#: type -> the stores it empties. `backups` is not one of them: it touches no live store.
TYPES = {
    "all": tuple(StoreName),
    "dynamodb": (StoreName.TABLE,),
    "opensearch": (StoreName.INDEX,),
    "s3": (StoreName.IMAGES,),
}
BACKUPS = "backups"
#: What `clear backups` removes; runs and locks stay.
_BACKUP_PREFIXES = ("snapshots/", "packs/", "objects/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedBackups:
    """How many objects of the repository went, or with `dry_run` would go."""

    dry_run: bool
    objects: int


def clear(env: Environment, what: str, options: WriteOptions) -> Change:
    """Empty the stores of a type. Raises `UnknownChoice` for a type that is not known."""
    check_type(what)
    with writing(env, Command(name="clear", arguments=(what,)), options) as session:
        return session.carry_out(Desired(stores=TYPES[what], prune=True))


def clear_backups(env: Environment, *, dry_run: bool) -> ClearedBackups:
    """Remove every snapshot and backup with its packs and objects, but for the objects that a kept run would put back.
    There is no undo."""
    kept = env.before_images.objects_of(env.runs.ids())
    keys = [listed.key for prefix in _BACKUP_PREFIXES for listed in env.repository.objects(prefix)]
    keys = [key for key in keys if key not in kept]
    if not dry_run:
        env.repository.delete(keys)
    return ClearedBackups(dry_run=dry_run, objects=len(keys))


def check_type(what: str) -> None:
    """Raise `UnknownChoice` for a type that is not known."""
    known = [*TYPES, BACKUPS]
    if what not in known:
        raise UnknownChoice(kind="type", name=what, known=known)
