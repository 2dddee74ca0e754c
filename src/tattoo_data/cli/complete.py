"""What the shell offers for names."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


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
    import os
    from pathlib import Path

    from tattoo_data.clock import Clock
    from tattoo_data.environment import open_environment
    from tattoo_data.errors import TattooDataError
    from tattoo_data.runs.session import read_timeline
    from tattoo_data.settings import resolve

    try:
        settings = resolve({}, os.environ, Path.cwd())
        with open_environment(settings, Clock(), start=False) as env:
            runs = read_timeline(env).undoable
    except TattooDataError:
        return []
    return [CompletionItem(run.id, help=run.words) for run in runs if run.id.startswith(incomplete)]
