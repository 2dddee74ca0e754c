"""Clear: all live stores, or one of them, empty and with the right structure."""

from __future__ import annotations

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


def clear(env: Environment, what: str, options: WriteOptions) -> Change:
    """Empty the stores of a type. Raises `UnknownChoice` for a type that is not known."""
    check_type(what)
    with writing(env, Command(name="clear", arguments=(what,)), options) as session:
        return session.carry_out(Desired(stores=TYPES[what], prune=True))


def check_type(what: str) -> None:
    """Raise `UnknownChoice` for a type that is not known."""
    known = [*TYPES, BACKUPS]
    if what not in known:
        raise UnknownChoice(kind="type", name=what, known=known)
