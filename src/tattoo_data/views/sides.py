"""Sides: everything that has a name and holds a state: the live stores, files, reset states, scenarios, snapshots.

It says which of them a name means, and gives the content. Read-only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from tattoo_data.catalog import find_scenarios, find_state, scenario_names, states
from tattoo_data.environment import Environment
from tattoo_data.errors import NotFound, UnknownName, UsageError
from tattoo_data.repository.manifests import spelled
from tattoo_data.runs.session import read_timeline

LIVE = "live"
LATEST = "latest"
_BACKUP = "backup"


class Kind(StrEnum):
    """What a side is; but for live, the word that says so before a name: `state:fresh`."""

    LIVE = "live"
    FILE = "file"
    STATE = "state"
    SCENARIO = "scenario"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side by its kind and name. `as_of` is the day that its relative dates count from, where it has such."""

    kind: Kind
    name: str
    as_of: date | None = None

    @property
    def explicit(self) -> str:
        """The name that can mean nothing else: `snapshot:before-tests`."""
        return self.name if self.kind is Kind.LIVE else f"{self.kind}:{self.name}"

    @property
    def called(self) -> str:
        """As one says it: `state fresh`."""
        return "the live stores" if self.kind is Kind.LIVE else f"{self.kind} {self.name}"

    @property
    def words(self) -> str:
        """The same with its day: `state fresh (as of 2026-11-24)`."""
        return self.called + (f" (as of {self.as_of})" if self.as_of else "")


def find_side(env: Environment, text: str, kinds: Collection[Kind] = tuple(Kind)) -> Side:
    """What a name means, of these kinds. A state and the scenario that it consists of are one; the beginning of a
    snapshot's name counts where nothing is called so.

    Raises `UnknownName` (`NotFound` for a path), and `UsageError` where a bare name means more than one thing.
    """
    prefix, colon, rest = text.partition(":")
    if colon and prefix in set(Kind) - {Kind.LIVE}:
        return _explicit(env, Kind(prefix), rest, kinds)
    if text == LIVE and Kind.LIVE in kinds:
        return Side(kind=Kind.LIVE, name=LIVE)
    if "/" in text and Kind.FILE in kinds:
        return _file(text)
    found = [kind for kind in kinds if _means(env, kind, text, kinds)]
    if len(found) > 1:
        forms = " or ".join(f"{kind}:{text}" for kind in found)
        raise UsageError(what=f"{text!r} is a {' and a '.join(found)}", hint=f"Say which: {forms}.")
    if found:
        return _side(env, found[0], text)
    return _begun(env, text, kinds)


def known_names(env: Environment, kinds: Collection[Kind] = tuple(Kind)) -> list[str]:
    """Every name that a side of these kinds can have; files aside."""
    from tattoo_data.backups.catalogue import names

    found: dict[str, None] = {LIVE: None} if Kind.LIVE in kinds else {}
    if Kind.STATE in kinds:
        found |= dict.fromkeys(state.name for state in states())
    if Kind.SCENARIO in kinds:
        found |= dict.fromkeys(scenario_names(env.settings.scenarios, env.settings.config_path))
    if Kind.SNAPSHOT in kinds:
        found |= dict.fromkeys(names(env))
    return list(found)


def is_backup(side: Side) -> bool:
    """Whether it is the state that the newest backup is."""
    return side.kind is Kind.STATE and find_state(side.name).source == _BACKUP


def _explicit(env: Environment, kind: Kind, name: str, kinds: Collection[Kind]) -> Side:
    """A side whose kind was said."""
    if kind not in kinds:
        raise UsageError(
            what=f"{kind}:{name} is a {kind}, which cannot be used here",
            hint=f"Use a {' or a '.join(each for each in kinds if each is not Kind.LIVE)}.",
        )
    return _side(env, kind, name)


def _means(env: Environment, kind: Kind, name: str, kinds: Collection[Kind]) -> bool:
    """Whether a bare name is just that of something of a kind."""
    match kind:
        case Kind.FILE:
            return bool(name) and Path(name).exists()
        case Kind.STATE:
            return name in {state.name for state in states()}
        case Kind.SCENARIO:
            state = next((each for each in states() if each.name == name and Kind.STATE in kinds), None)
            return (state is None or state.source != name) and _is_scenario(env, name, kinds)
        case Kind.SNAPSHOT:
            from tattoo_data.backups.catalogue import names

            return name == LATEST or spelled(name.partition("@")[0]) in names(env)
    return False


def _is_scenario(env: Environment, name: str, kinds: Collection[Kind]) -> bool:
    known = scenario_names(env.settings.scenarios, env.settings.config_path)
    if all(part in known for part in name.split("+")):
        return True
    # Where a path is no side by itself it names a file of one's own records.
    return Kind.FILE not in kinds and ("/" in name or Path(name).is_file())


def _begun(env: Environment, text: str, kinds: Collection[Kind]) -> Side:
    """The snapshot whose name begins so."""
    try:
        if Kind.SNAPSHOT in kinds:
            return _side(env, Kind.SNAPSHOT, text)
    except UnknownName:
        pass  # said below, with everything that it could have been
    words = [kind.value for kind in kinds if kind is not Kind.LIVE]
    kind = f"{', '.join(words[:-1])} or {words[-1]}"
    raise UnknownName(kind=kind, name=text, known=known_names(env, kinds))


def _side(env: Environment, kind: Kind, name: str) -> Side:
    """A side of a known kind; each lookup raises its own error where there is no such name. A snapshot is called by
    its version, whatever beginning of its name was given."""
    if kind is Kind.FILE:
        return _file(name)
    if kind is Kind.SNAPSHOT:
        from tattoo_data.backups.catalogue import find

        return Side(kind=kind, name=find(env, name).reference)
    if kind is Kind.SCENARIO:
        find_scenarios(name, env.settings.scenarios, env.settings.config_path)
    side = Side(kind=kind, name=name)
    return side if is_backup(side) else replace(side, as_of=_day(env))


def _file(path: str) -> Side:
    if not Path(path).exists():
        raise NotFound(
            what=f"there is no file or folder {path}",
            hint="A name without a slash is that of a state, a scenario or a snapshot.",
        )
    return Side(kind=Kind.FILE, name=path)


def _day(env: Environment) -> date:
    """The day that the command line sets, else that of the target's last seed or reset, else what is set at all, else
    today: so that what was seeded yesterday equals its state today."""
    is_flag = env.settings.sources["as_of"].startswith("flag ")
    said = env.settings.as_of if is_flag else read_timeline(env).as_of
    return said or env.settings.as_of or env.clock.today()
