"""What the shell offers for names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from tattoo_data.environment import Environment

T = TypeVar("T")
#: For so long a service may think about one request: somebody waits at the shell.
_SECONDS = 2.0


def scenario_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The scenarios; after a `+`, the next one."""
    from tattoo_data.catalog import scenarios

    before, plus, last = incomplete.rpartition("+")
    return [
        CompletionItem(before + plus + each.name, help=each.description)
        for each in scenarios()
        if each.name.startswith(last)
    ]


def state_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The reset states."""
    from tattoo_data.catalog import states

    return [CompletionItem(each.name, help=each.description) for each in states() if each.name.startswith(incomplete)]


def clear_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The types of `clear`."""
    names = ("all", "dynamodb", "opensearch", "s3", "backups")
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def run_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The writes that can be undone, of the target that the environment names; none where it cannot be asked."""
    from tattoo_data.runs.session import read_timeline

    runs = _asked(lambda env: read_timeline(env).undoable) or ()
    return [CompletionItem(run.id, help=run.words) for run in runs if run.id.startswith(incomplete)]


def snapshot_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of snapshots and backups, the newest first; none where the repository cannot be asked."""
    from tattoo_data.backups.catalogue import names

    return [CompletionItem(name) for name in _asked(names) or () if name.startswith(incomplete)]


def with_states(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `with` makes the stores hold: the states, the scenarios, and the snapshots; each name once."""
    found: dict[str, CompletionItem] = {}
    for names in (state_names, scenario_names, snapshot_names):
        for item in names(ctx, param, incomplete):
            found.setdefault(item.value, item)
    return list(found.values())


def sides(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `diff` compares: the same, the live stores, the newest snapshot, and files."""
    files = CompletionItem(incomplete, type="file")
    if "/" in incomplete:
        return [files]
    words = {"live": "the live stores", "latest": "the newest snapshot"}
    offered = [CompletionItem(word, help=text) for word, text in words.items() if word.startswith(incomplete)]
    return [*offered, *with_states(ctx, param, incomplete)] or [files]


def _asked(question: Callable[[Environment], T]) -> T | None:
    """The answer of the target that the environment names; None where it cannot be asked. It starts nothing."""
    import os
    from pathlib import Path

    from tattoo_data.clock import Clock
    from tattoo_data.environment import open_environment
    from tattoo_data.errors import TattooDataError
    from tattoo_data.settings import resolve
    from tattoo_data.stores.retrying import Patience

    try:
        settings, patience = resolve({}, os.environ, Path.cwd()), Patience(attempts=1, read_seconds=_SECONDS)
        with open_environment(settings, Clock(), start=False, patience=patience) as env:
            return question(env)
    except TattooDataError:
        return None
