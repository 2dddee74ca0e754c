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
